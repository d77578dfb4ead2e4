"""Robots that a body senses itself, and which of those that report they are.

What is sensed is where robots are; what they report adds who they are and what they mean to do. Who is sensed and does
not answer is a stranger: a robot whose process is dead, or cannot be heard, or that belongs to nobody, or lies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from swarm.array_types import Array
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Heard

SENSED = 5
"""Columns of a sensed robot: x, y [m], vx, vy [m/s] (world frame), radius [m]."""
S_X, S_Y, S_VX, S_VY, S_RADIUS = range(SENSED)
SLACK = 0.2
"""Metres by which a robot may be sensed elsewhere than it reports, besides what it can have driven since."""
SILENCE = 1.5
"""Seconds, there and back, after which nobody waits any more for a robot to answer."""


def recognise(sensed: Array, heard: Sequence[Heard], roster: Mapping[int, Peer], slack: float = SLACK) -> list[int]:
    """For each sensed robot, which of ``heard`` it is, or -1; each is one robot at most, the nearest pairs first.

    Args:
        sensed: ``float64[k, SENSED]``.
        heard: The last report of each neighbour; those that are silent are not recognised any more.
        roster: All robots by identity.
        slack: By how much a robot may be sensed elsewhere than it reports, see ``SLACK`` [m].
    """
    pairs = []
    for h, one in enumerate(heard):
        if one.age > SILENCE:
            continue
        x, y, _, vx, vy = one.report.state
        reach = one.growth(roster[one.report.robot_id]) + slack
        for s in range(len(sensed)):
            at_x, at_y = float(sensed[s, S_X]), float(sensed[s, S_Y])
            if math.hypot(at_x - x, at_y - y) <= reach:
                pairs.append((math.hypot(at_x - x - vx * one.age, at_y - y - vy * one.age), s, h))
    found, taken = [-1] * len(sensed), set()
    for _, s, h in sorted(pairs):
        if found[s] < 0 and h not in taken:
            found[s] = h
            taken.add(h)
    return found
