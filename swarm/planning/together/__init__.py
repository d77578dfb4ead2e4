"""What robots that share a process plan in one call; what each decides is what it decides alone, to the last bit.

Not here: the rules (``swarm.planning.passages``).
"""
