"""Continuous worlds with exact dynamics, many at once (``arena_v0``): what the tuner is trained and measured in.

How a robot decides is not its business: it calls the kernels of ``swarm`` over a batch of worlds.
"""
