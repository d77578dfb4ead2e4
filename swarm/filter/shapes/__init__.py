"""Robots that are convex polygons: their rows, the shield between their stop hulls, and gaps of bodies.

Not its business: what hulls are (``swarm.model.shapes``), and discs near a polygon (``swarm.filter.hulls.shield``).
"""
