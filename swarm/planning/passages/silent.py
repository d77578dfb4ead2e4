"""Robots that say nothing of the slices that they hold: where they were seen, and for how long that counts."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from swarm.array_types import Array
from swarm.planning.passages.slices import Slices
from swarm.sense.intent import Intent
from swarm.sense.neighbours import N_ID, N_RADIUS, N_VX, N_VY, N_X, N_Y
from swarm.sense.view import View

_PATIENCE, _MEMORY = 2.0, 20.0
"""Seconds after which the way leads around one that stands, and for which one that is out of sight is remembered."""
_STILL = 0.1  # Who moves less than this many of its radii in a second stands.


class Silent:
    """Memory of those who say nothing.

    Args:
        dt: Control period [s].

    Attributes:
        circles: Those who stand for long, as obstacles, float64[k, 5].
    """

    def __init__(self, dt: float) -> None:
        self._dt = dt
        self.circles = np.empty((0, 5))
        self._near: list[Array] = []
        self._stood: dict[tuple[int, int], tuple[float, float, Array]] = {}  # by place: since and until when, its row

    def update(self, view: View, heard: Mapping[int, Intent]) -> bool:
        """Note who is near and says nothing; whether the circles have changed."""
        self._near = [row for row in view.neighbours if int(row[N_ID]) not in heard]
        for row in self._near:
            if math.hypot(row[N_VX], row[N_VY]) < _STILL * row[N_RADIUS]:
                place = round(row[N_X] / row[N_RADIUS]), round(row[N_Y] / row[N_RADIUS])
                since = self._stood[place][0] if place in self._stood else view.time
                self._stood[place] = since, view.time, row.copy()
        self._stood = {
            place: one for place, one in self._stood.items()
            if view.time - one[1] < _MEMORY and int(one[2][N_ID]) not in heard  # At first nobody has been heard yet.
        }  # fmt: skip
        rows = [row for since, until, row in self._stood.values() if until - since >= _PATIENCE]
        circles = np.zeros((len(rows), 5))
        for k, row in enumerate(rows):
            circles[k, [0, 1, 4]] = row[N_X], row[N_Y], row[N_RADIUS]
        changed = circles.shape != self.circles.shape or not np.array_equal(circles, self.circles)
        if changed:
            self.circles = circles
        return changed

    def closed(self, slices: Slices) -> frozenset[int]:
        """Slices in which one of them is, or was last seen."""
        rows = [*self._near, *(row for _, _, row in self._stood.values())]
        return frozenset(slices.at(float(row[N_X]), float(row[N_Y])) for row in rows) - {0}
