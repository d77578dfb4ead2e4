"""Continuous worlds with exact dynamics, many at once (``arena_v0``)."""
