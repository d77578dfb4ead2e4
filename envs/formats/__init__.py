"""Files of other projects' benchmarks on grids: which one is it, and the instances of path finding that are in it.

Formats that a deployed robot needs (scenarios, grid maps, maps of Nav2) are read in ``swarm.scenario``.
"""
