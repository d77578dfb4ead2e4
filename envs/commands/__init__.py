"""Commands that are installed with the project; the scripts of the same names run them from a checkout.

A command parses, wires and runs; what it does stands in the rooms below. The command of one robot is
``swarm.runtime.process``, which needs none of this package; ``swarm-robot`` calls it by way of ``entry``.
"""
