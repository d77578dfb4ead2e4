"""Lifelong path finding by others, and what was to be reached: goals a step in 256 steps, by team size.

Published by Skrynnik et al., "POGEMA: a benchmark platform for cooperative multi-agent pathfinding", ICLR 2025, over
all its maps of a suite: RHCR plans for all robots centrally; MATS-LP and Follower are learned and decentralised.
"""

from __future__ import annotations

PUBLISHED = {
    "random": {
        "RHCR": (0.625, 1.251, 1.798, 2.286, 3.203, 3.819), "MATS-LP": (0.606, 1.163, 1.590, 1.911, 2.345, 2.431),
        "Follower": (0.600, 1.131, 1.536, 1.829, 2.261, 2.465),
    },
    "mazes": {
        "RHCR": (0.477, 0.939, 1.356, 1.703, 2.263, 2.587), "MATS-LP": (0.458, 0.849, 1.143, 1.322, 1.474, 1.505),
        "Follower": (0.449, 0.832, 1.115, 1.307, 1.523, 1.613),
    },
    "warehouse": {
        "RHCR": (1.225, 2.268, 3.103, 3.493, 2.456, 1.568), "MATS-LP": (1.109, 1.668, 1.792, 1.825, 1.904, 1.911),
        "Follower": (1.127, 1.957, 2.613, 3.151, 3.599, 3.937),
    },
    "city": {
        "RHCR": (1.572, 3.002, 4.219, 5.127), "MATS-LP": (1.570, 2.980, 4.040, 4.691),
        "Follower": (1.503, 2.823, 3.948, 4.812),
    },
    "puzzles": {
        "RHCR": (0.454, 0.565, 0.594), "MATS-LP": (0.392, 0.432, 0.358), "Follower": (0.359, 0.324, 0.274),
    },
}  # fmt: skip
SIZES = {
    "random": (8, 16, 24, 32, 48, 64), "mazes": (8, 16, 24, 32, 48, 64), "warehouse": (32, 64, 96, 128, 160, 192),
    "city": (64, 128, 192, 256), "puzzles": (2, 3, 4),
}  # fmt: skip
"""Team sizes of the published figures."""
TO_REACH = {
    "random": (2.08, 2.20, 1.70), "mazes": (1.50, 1.60, 1.20), "warehouse": (3.40, 3.80, 2.80),
    "city": (3.60, 3.80, 3.45), "puzzles": (0.53, 0.60, 0.32),
}  # fmt: skip
"""Floor and goal for ``guided``, floor for ``follower``; means over team sizes."""
