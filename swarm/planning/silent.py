"""Robots that say nothing of what they hold: where they stand, and for how long that counts.

A robot that is switched off, parked, or rude closes the place where it stands until it is seen that it has gone. Who is
out of sight is remembered, and forgotten in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.model import geometry
from swarm.sense.neighbours import N_ID, N_RADIUS, N_VX, N_VY, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View

_PATIENCE, MEMORY = 0.5, 60.0
"""Seconds after which the way leads around one that stands, and for which one that is out of sight is remembered. In a
fleet, who is heard late is as unknown as a stranger for moments.
"""
_STILL = 0.1  # Who moves less than this many of its radii in a second stands.
_SEEN = 0.95  # Within this share of the distance from which anybody was seen, everybody is seen.
_PLACE = [N_X, N_Y]


class _Standing(NamedTuple):
    """One that stands and says nothing: its row of neighbours, and since and until when it was seen there [s]."""

    row: Array
    since: float
    until: float

    @property
    def counts(self) -> bool:
        """Whether it has stood for long enough."""
        return self.until - self.since >= _PATIENCE


class Silent:
    """Memory of those who say nothing.

    Attributes:
        rows: Those who stand for long, seen or remembered, rows of neighbours, float64[k, 22].
        near: Those who are seen now, rows of neighbours.
        sight: How far away somebody has ever been seen [m].
    """

    def __init__(self) -> None:
        self.rows = np.empty((0, NEIGHBOUR))
        self.near: list[Array] = []
        self._stood: dict[tuple[int, int], _Standing] = {}  # by place
        self.sight = 0.0

    @property
    def circles(self) -> Array:
        """Those who stand for long as obstacles, float64[k, 7] (``ObstacleIndex.obstacles``)."""
        return geometry.circles(self.rows[:, [N_X, N_Y, N_RADIUS]])

    @property
    def passing(self) -> list[Array]:
        """Those who are seen now and do not stand for long, rows of neighbours."""
        circles = {tuple(row) for row in self.rows[:, _PLACE].tolist()}
        return [row for row in self.near if tuple(row[_PLACE].tolist()) not in circles]

    def update(self, view: View, heard: Int64s) -> bool:
        """Note who is near and says nothing; whether those who stand have changed.

        Args:
            view: What the robot sees.
            heard: Whom it hears, in ascending order.
        """
        far, all_heard = look(view.neighbours, view.state, heard)
        self.sight = max(self.sight, far)
        if all_heard and not self._stood:
            self.near = []
            return False  # mostly so, and nobody is remembered
        says = np.isin(view.neighbours[:, N_ID], heard).tolist()
        self.near = [row.copy() for row, known in zip(view.neighbours, says, strict=True) if not known]
        talking = [row for row, known in zip(view.neighbours, says, strict=True) if known]
        for row in self.near:
            if math.hypot(row[N_VX], row[N_VY]) < _STILL * row[N_RADIUS]:
                place = round(row[N_X] / row[N_RADIUS]), round(row[N_Y] / row[N_RADIUS])
                since = self._stood[place].since if place in self._stood else view.time
                self._stood[place] = _Standing(row, since, view.time)
        self._stood = {place: one for place, one in self._stood.items() if self._still_counts(one, view, talking)}
        before = self.circles
        standing = [one.row for one in self._stood.values() if one.counts]
        self.rows = np.array(standing).reshape(-1, NEIGHBOUR)
        return not np.array_equal(before, self.circles)

    @property
    def is_nobody(self) -> bool:
        """Whether nobody is seen or remembered who says nothing."""
        return not self._stood and not self.near

    def standing_at(self, places: Container[int], place_of: Callable[[float, float], int]) -> Array | None:
        """The row of one that stands at one of these places (slices, cells), of which ``place_of`` x, y [m] tells."""
        return next((row for row in self.rows if place_of(float(row[N_X]), float(row[N_Y])) in places), None)

    def _still_counts(self, one: _Standing, view: View, talking: Sequence[Array]) -> bool:
        """Whether one that stood may still be there, and says nothing."""
        if one.until == view.time:
            return True
        in_sight = not view.truncated and math.dist(one.row[_PLACE], view.state[:2]) <= _SEEN * self.sight
        talks = any(math.dist(row[_PLACE], one.row[_PLACE]) <= row[N_RADIUS] for row in talking)
        return one.counts and view.time - one.until < MEMORY and not in_sight and not talks


@uncounted
def look(neighbours: Array, state: Array, heard: Int64s) -> tuple[float, bool]:
    """How far away the farthest neighbour is [m], and whether all are heard."""
    far, all_heard = 0.0, True
    for k in range(len(neighbours)):
        row = neighbours[k]
        far = max(far, math.hypot(row[N_X] - state[0], row[N_Y] - state[1]))
        all_heard = all_heard and place_among(heard, row[N_ID]) >= 0
    return far, all_heard


@uncounted
def place_among(ids: Int64s, robot: float) -> int:
    """The place of a robot among identities in ascending order, -1 if it is none of them."""
    place = np.searchsorted(ids, int(robot))
    return int(place) if place < len(ids) and ids[place] == robot else -1


def blocked_by(what: str, row: Array, holder: int = -1) -> str:
    """What is blocked and by whom, for people.

    Args:
        what: Such as ``the passage``.
        row: Of the one that stands there.
        holder: Who holds that place, as far as is known; -1: nobody knows.
    """
    robot = holder if row[N_ID] < 0.0 else int(row[N_ID])
    who = f"robot {robot}" if robot >= 0 else "one that says nothing"
    return f"waits: {what} is blocked at [{row[N_X]:.2f}, {row[N_Y]:.2f}] by {who}, and there is no other way"
