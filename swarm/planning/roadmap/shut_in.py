"""Which unicycles others shut in: they turn on the spot, as far as others are concerned, before they drive.

The rows of a unicycle are about a point ahead of its axle, and two that stand face to face, each of which wants past,
have no room to turn in them, though turning moves no disc. Who has not moved for long keeps clear of others by where
its disc is (``swarm.filter.narrow``).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y

PATIENCE = 1.5
"""A robot waits if it has not moved for so many seconds."""
MOVES = 0.5
"""It has moved if it is so far from where it was [radii]."""
_THERE = 2.0  # Who has no more left of its way than so many radii wants nothing more.
_BESIDE = 1.0  # Who is farther away than so many radii, from body to body, shuts nobody in.


@uncounted
def _is_beside(x: float, y: float, radius: float, others: Array, own: int) -> bool:
    """Whether anybody of others, but for row ``own``, is beside a robot."""
    for j in range(len(others)):
        near = (1.0 + _BESIDE) * radius + others[j, N_RADIUS]
        if j != own and math.hypot(others[j, N_X] - x, others[j, N_Y] - y) < near:
            return True
    return False


@njit(cache=True)
def _note(
    time: float, positions: Array, left: Array, radii: Array, spins: Flags, others: Array, rows: Int64s, places: Array,
    since: Array, found: Flags,
) -> None:  # fmt: skip
    """Note who has moved, and write who is shut in."""
    for k in range(len(positions)):
        dx, dy = positions[k, 0] - places[k, 0], positions[k, 1] - places[k, 1]
        if not math.hypot(dx, dy) <= MOVES * radii[k]:
            places[k, 0], places[k, 1], since[k] = positions[k, 0], positions[k, 1], time
        waits = spins[k] and time - since[k] > PATIENCE and left[k] > _THERE * radii[k]
        found[k] = waits and _is_beside(positions[k, 0], positions[k, 1], radii[k], others, rows[k])


class ShutIn:
    """Who has not moved for long, has not arrived, and has another robot beside it.

    Args:
        radii: Of the robots [m], float64[n].
        spins: Who can turn on the spot (``RobotSpec.spins``), bool[n]; of others nobody asks.
    """

    def __init__(self, radii: Array, spins: Flags) -> None:
        self._radii, self._spins = radii, spins
        self._places, self._since = np.full((len(radii), 2), np.nan), np.zeros(len(radii))
        self._found = np.zeros(len(radii), bool)

    def update(self, time: float, positions: Array, left: Array, others: Array, rows: Int64s) -> Flags:
        """Who is shut in, bool[n]: the same array each time.

        Args:
            time: Now [s].
            positions: World frame [m], float64[n, 2].
            left: Of their ways [m], float64[n].
            others: Robots, columns as in ``swarm.sense.neighbours``, float64[m, 22].
            rows: Which of these each robot is itself, int64[n]; -1 if it is none.
        """
        _note(
            time, positions, left, self._radii, self._spins, others, rows, self._places, self._since, self._found
        )  # fmt: skip
        return self._found
