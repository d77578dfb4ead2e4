"""Robots that press against each other in a room: all but one of them back off for a moment.

Where there is room nothing is agreed: the filter sorts it out. But three robots that meet at one point can each be
pinned by the other two, and four that stand face to face as well: then none gets on, though there is room all around.
Who gets on no longer, and touches one that stands, goes first in rank and wants past, goes back, and lets that one go;
also who was at its goal, was pushed from there, and presses home; and who waits before a passage for one that comes out
of it, for its sake, and finds no room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from swarm.array_types import Array
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.right_of_way import T_INHERITED, goes_first, rank_of
from swarm.planning.passages.route import Route
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_VX, N_VY, N_X, N_Y

TOUCHING = 1.5  # Two touch if they are nearer than so many sums of their radii and margins.
SLOW = 0.3  # Slower than so much of its top speed, a robot does not get on.
_BACK, _WAYS = 3.0, 16  # It goes back by so many radii, in the best of so many directions.
_FOR = 2.0  # Seconds for which it stays there.


class Crowd:
    """When one robot backs off in a room, and to where.

    Args:
        route: Its ways.
        margin: Extra distance that every robot keeps [m].
        speed: Its top speed [m/s].
        dt: Control period [s].
    """

    def __init__(self, route: Route, margin: float, speed: float, dt: float) -> None:
        self._route, self._margin, self._speed, self._ticks = route, margin, speed, round(_FOR / dt)
        self._until = -1
        self._place: Array | None = None

    def place(self, scene: Scene, tick: int, gets_on: bool) -> Array | None:
        """Where the robot backs off to, float64[2] [m]; None if it need not.

        Args:
            scene: What it knows.
            tick: Of the clock.
            gets_on: Whether it has come nearer to its goal lately.
        """
        if len(scene.own.held) or self._is_in_slice(scene.position):
            self._place = None
        elif tick >= self._until:
            first = [] if gets_on else self._first(scene)
            self._place = self._apart(scene, first) if first else None
            self._until = tick + (self._ticks if first else 0)
        return self._place

    @property
    def numbers(self) -> tuple[int]:
        """Until which tick it stays where it has backed off to."""
        return (self._until,)

    @numbers.setter
    def numbers(self, some: Sequence[float]) -> None:
        self._until = int(some[0])

    @property
    def is_calm(self) -> bool:
        """Whether it has backed off for nobody."""
        return self._place is None

    def _is_in_slice(self, place: Array) -> bool:
        return self._route.slices.at(float(place[0]), float(place[1])) > 0

    def _first(self, scene: Scene) -> list[Array]:
        """Rows of those who touch this robot, hardly move, want somewhere and go first, or come out for it."""
        found = []
        for row in scene.view.neighbours:
            other = scene.others.get(int(row[N_ID]))
            if other is None or other[T_INHERITED] < 0:
                continue
            if not goes_first(rank_of(other), scene.rank) and not scene.is_let_in_by(other):
                continue
            near = scene.is_near(row, self._margin, TOUCHING)
            if near and math.hypot(row[N_VX], row[N_VY]) < SLOW * self._speed:
                found.append(row)
        return found

    def _apart(self, scene: Scene, first: list[Array]) -> Array:
        """The place, of those around that the robot can drive straight to, that leaves them and all others most room.

        Of those who go first, that is room for all of the way to their next waypoints.
        """
        angles = np.linspace(0.0, 2.0 * math.pi, _WAYS, endpoint=False)
        steps = _BACK * scene.radius * np.column_stack([np.cos(angles), np.sin(angles)])
        best, most = scene.position, -math.inf
        for place in scene.position + steps:
            room = min(
                *(_to_segment(place, row[[N_X, N_Y]], row[[N_INTENT_X, N_INTENT_Y]]) for row in first),
                *(math.dist(place, row[[N_X, N_Y]]) for row in scene.view.neighbours),
            )
            if room > most and not self._is_in_slice(place) and self._route.leads_straight(scene.position, place, 0):
                best, most = place, room
        return best


def _to_segment(place: Array, start: Array, end: Array) -> float:
    """Distance of a point from a segment [m]; from its start, if its end is not known."""
    way = end - start
    length = float(way @ way)
    if not 0.0 < length < math.inf:
        return math.dist(place, start)
    share = min(max(float((place - start) @ way) / length, 0.0), 1.0)
    return math.dist(place, start + share * way)
