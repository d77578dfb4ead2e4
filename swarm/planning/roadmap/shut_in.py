"""Which unicycles others shut in: they turn on the spot, as far as others are concerned, before they drive.

The rows of a unicycle are about a point ahead of its axle, and two that stand face to face, each of which wants past,
have no room to turn in them, though turning moves no disc. Who has not moved for long keeps clear of others by where
its disc is (``swarm.filter.narrow``).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags

PATIENCE = 1.5
"""A robot waits if it has not moved for so many seconds."""
MOVES = 0.5
"""It has moved if it is so far from where it was [radii]."""
_THERE = 2.0  # Who has no more left of its way than so many radii wants nothing more.


@njit(cache=True)
def _note(
    time: float, positions: Array, left: Array, radii: Array, spins: Flags, places: Array, since: Array, found: Flags
) -> None:  # fmt: skip
    """Note who has moved, and write who is shut in."""
    for k in range(len(positions)):
        dx, dy = positions[k, 0] - places[k, 0], positions[k, 1] - places[k, 1]
        if not math.hypot(dx, dy) <= MOVES * radii[k]:
            places[k, 0], places[k, 1], since[k] = positions[k, 0], positions[k, 1], time
        found[k] = spins[k] and time - since[k] > PATIENCE and left[k] > _THERE * radii[k]


class ShutIn:
    """Who has not moved for long, and has not arrived.

    Args:
        radii: Of the robots [m], float64[n].
        spins: Who can turn on the spot (``RobotSpec.spins``), bool[n]; of others nobody asks.
    """

    def __init__(self, radii: Array, spins: Flags) -> None:
        self._radii, self._spins = radii, spins
        self._places, self._since = np.full((len(radii), 2), np.nan), np.zeros(len(radii))
        self._found = np.zeros(len(radii), bool)

    def update(self, time: float, positions: Array, left: Array) -> Flags:
        """Who is shut in, bool[n]: the same array each time.

        Args:
            time: Now [s].
            positions: World frame [m], float64[n, 2].
            left: Of their ways [m], float64[n].
        """
        _note(time, positions, left, self._radii, self._spins, self._places, self._since, self._found)
        return self._found
