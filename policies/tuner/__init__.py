"""The network that tunes the filter, its training, and its checkpoint.

The worlds that it is trained in come from outside: whatever fits ``VectorWorlds`` of ``policies.tuner.ppo``.
"""
