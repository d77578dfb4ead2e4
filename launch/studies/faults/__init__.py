"""What goes wrong in deployed fleets, done to real processes: the promises of the runtime, each measured.

It breaks things from outside: nothing in ``swarm.runtime`` knows of it.
"""
