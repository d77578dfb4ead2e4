"""Drives teams with random tunables and counts collisions; not: what else a controller is worth (``evaluation``)."""
