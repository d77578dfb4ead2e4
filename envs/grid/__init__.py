"""Lifelong path finding on grid maps (``grid_v0``): the rules, instances, and episodes of whole teams.

The planners themselves are in ``swarm.planning``.
"""
