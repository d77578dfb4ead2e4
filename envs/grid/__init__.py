"""Lifelong path finding on grid maps (``grid_v0``)."""
