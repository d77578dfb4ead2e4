"""The process that runs one robot: messages as bytes, what is believed of the others, the loop, and its watchdogs.

How a robot decides is in ``swarm.robot``; how many processes are started and watched is in ``swarm.fleet``.
"""
