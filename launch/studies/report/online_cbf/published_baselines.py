"""Figures of others, to stand beside ours. Percent, unless said otherwise.

GCBF+: Zhang et al., T-RO 2025. ``MEASURED`` are their released models, measured by us in their own environment
(8 robots, 8 obstacles, a square of 4 m, 512 steps, 16 episodes): success of GCBF+, and of the best of their fixed
CBF-QPs. What the paper publishes by team size, of three-dimensional drones, is of other worlds: it is not here.
ORCA: RVO2, 500 random cases a team size, all reach without collision; without jitter and with
0.01 m/s of it.
"""

from __future__ import annotations

MEASURED = {"single": (92.2, 84.4), "double": (98.4, 85.2), "unicycle": (98.4, 92.2)}
DECISION_MS = {8: 5.9, 64: 70.8}
"""GCBF+, double integrator, two processor cores, all robots together."""
ORCA = {2: (86.6, 100.0), 3: (90.0, 98.2), 4: (94.6, 99.2), 6: (95.8, 99.0), 8: (97.6, 99.8), 10: (98.6, 100.0)}
