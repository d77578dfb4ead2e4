"""What a run is: robots, starts, goals and the world they drive in; and the readers of its files.

Scenarios that are drawn from a seed are in ``envs.scenarios``.
"""
