"""Robots that are convex polygons: their rows, and the shield between their stop hulls.

Not its business: what hulls are (``swarm.model.shapes``), and discs near a polygon (``swarm.filter.hull_shield``).
"""
