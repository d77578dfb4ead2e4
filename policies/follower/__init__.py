"""The network that ranks the moves of a follower, its training, and its checkpoint.

The worlds that it is trained in come from outside: whatever fits ``RankingWorlds`` of ``policies.follower.ppo``.
"""
