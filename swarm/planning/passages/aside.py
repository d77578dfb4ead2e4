"""Where a robot goes out of the way of others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from swarm.array_types import Array, Flags, Int64s
from swarm.planning.passages.grid import comes_near, labels_near
from swarm.planning.passages.right_of_way import Course
from swarm.planning.passages.route import Route
from swarm.planning.passages.team import Others
from swarm.planning.roadmap.occupancy import Roadmap
from swarm.planning.roadmap.waypoints import points_between
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_OFFSET_X, N_OFFSET_Y, N_RADIUS, N_X, N_Y
from swarm.sense.view import View

_APART = 1.1  # Discs that are so much farther apart than they must be pass each other.
# Room that is looked for, in sums of radii: first more, then enough, then what is just enough if the other keeps away.
_ROOM = (1.17, 1.065, 1.0)
_NEAR = 2.0  # Who is so near to another, in sums of their radii, may be in its way in a room.
_SOMEWHERE = 0.05  # Who is heading for so near a point stays where he is.
_NOWHERE = np.full(2, np.nan)
_CROSSED = 0.9  # A way that comes so near to another robot, in sums of their radii, leads through where it stands.
_THINNED = 3  # Every so many-th point of a way tells where it leads.
_MOST_WAYS = 64  # of others that are kept
_IN_THE_WAY = 0.7  # Discs that are this near to each other cannot pass.


class Aside:
    """Ways out of the way, for one robot.

    Args:
        route: Its ways.
        radius: Of the robot [m].
        margin: Extra distance that every robot keeps [m].
    """

    def __init__(self, route: Route, radius: float, margin: float) -> None:
        self._route, self._radius, self._margin = route, radius, margin
        self._before: dict[int, Array] = {}
        self._ways: dict[tuple[object, ...], tuple[Array, Int64s]] = {}
        self._ways_on: Roadmap | None = None

    def find(
        self, position: Array, view: View, others: Mapping[int, Course], pushers: Sequence[int], past: bool = False,
        kept: Array | None = None, held: Sequence[int] = (),
    ) -> Array | None:  # fmt: skip
        """The way to the nearest place where the pushers can pass, float64[n, 2] [m]; None if there is none.

        It leads around the others if that is possible, else through them, who are then asked to make way;
        ``past``: also through slices that the pushers hold, if it can be seen that there is a gap beside them;
        ``kept``: the place that was chosen before [m]; ``held``: what this robot holds, towards which nobody can be
        met: what a pusher comes through before that is left to it.
        """
        seen = {int(row[N_ID]): row for row in view.neighbours.tolist()}
        all_held, theirs = self._held(others), self._held({robot: others[robot] for robot in pushers})
        taken = all_held.copy()
        keep_off, walls = [np.empty((0, 3))], []
        for robot in pushers:
            other, row = others[robot], seen.get(robot)
            taken[list(other.ahead)] = True
            radius = self._radius if row is None else row[N_RADIUS]
            both = radius + self._radius + 2.0 * self._margin
            way_of, through = self._way_of(other, row)
            taken[through] = True
            parts = [way_of, self._out_of(other)]
            if row is not None:
                parts.append(_line(row))
                walls.append([row[N_X], row[N_Y], self._in_the_way(position, other, row, both)])
            around = np.empty((sum(map(len, parts)), 3))
            around[:, :2], around[:, 2] = np.concatenate(parts), both
            keep_off.append(around)
        crowd = self._discs(row for robot, row in seen.items() if robot not in pushers)
        wall, off = np.array(walls).reshape(-1, 3), np.concatenate(keep_off)
        for number in (number for robot in pushers for number in _left_to(others[robot], held)):
            all_held[number] = theirs[number] = True
        attempts = [(np.concatenate([wall, crowd]), all_held), (wall, theirs)]
        if past:
            attempts = [(wall, np.zeros_like(theirs))] if all(robot in seen for robot in pushers) else []
        stretch = max(_stretch(seen[robot]) if robot in seen else 1.0 for robot in pushers)
        rooms, way = np.array(list(dict.fromkeys((stretch * _ROOM[0], *_ROOM)))), np.empty((0, 2))
        limit, kept = len(rooms), _NOWHERE if kept is None else kept
        for blocked, closed in attempts:
            found, limit = self._route.way_aside(position, taken, closed, off, blocked, crowd, rooms, limit, kept)
            way = found if len(found) else way
            if limit == 0:
                break
        return np.concatenate([way, way[-1:]]) if len(way) else None

    def out(self, position: Array, view: View, others: Mapping[int, Course]) -> Array | None:
        """The way out of all passages to the nearest free place, float64[n, 2] [m]; None if there is none."""
        taken, nothing = np.ones(self._route.slices.total + 1, bool), np.empty((0, 3))
        taken[0] = False
        crowd, closed = self._discs(view.neighbours.tolist()), self._held(others)
        found, _ = self._route.way_aside(position, taken, closed, nothing, nothing, crowd, np.ones(1), 1, _NOWHERE)
        return np.concatenate([found, found[-1:]]) if len(found) else None

    def crossed_by(self, points: Array, view: View, others: Mapping[int, Course]) -> frozenset[int]:
        """Who is in a passage, and comes through there so near to one of these points that two cannot pass.

        Slices do not tell that at a crossing: the way from one to the next may lead past a third, right beside it.

        Args:
            points: Where this robot is, or wants to drive, float64[n, 2] [m].
            view: What it sees.
            others: What they have told.
        """
        told = ((row, others.get(int(row[N_ID]))) for row in view.neighbours.tolist())
        near = [(row, other) for row, other in told if other is not None and other.held]
        points = points[self._route.numbers(points) > 0] if near else points[:0]
        points = np.ascontiguousarray(points[::_THINNED, :2])  # as kernels have been loaded for
        if not len(points):
            return frozenset()
        both = [row[N_RADIUS] + self._radius + 2.0 * self._margin for row, _ in near]
        around, found = np.zeros(self._route.slices.total + 1, bool), []
        grid = self._route.slices.labels, self._route.slices.origin, self._route.slices.resolution
        labels_near(*grid, points, max(both), around)
        for (row, other), apart in zip(near, both, strict=True):
            stays = set(other.ahead) == {self._route.slices.at(row[N_X], row[N_Y])}
            if stays or not around[list(other.ahead)].any():
                continue
            if comes_near(self._way_of(other, row)[0], points, _CROSSED * apart):
                found.append(int(row[N_ID]))
        return frozenset(found)

    def _in_the_way(self, position: Array, other: Course, row: Sequence[float], both: float) -> float:
        """How near to another a way aside must not come [m]; past who is in the slice of this robot, there is none."""
        slices = self._route.slices
        if slices.at(*position.tolist()) not in other.held:
            return _IN_THE_WAY * both
        near = math.dist(position, (row[N_X], row[N_Y])) - slices.resolution  # the way begins outside of that
        return max(_IN_THE_WAY * both, min(both, near))

    def _held(self, others: Mapping[int, Course]) -> Flags:
        """Slices that somebody holds, bool[count + 1]."""
        found = np.zeros(self._route.slices.total + 1, bool)
        found[list(Others.of(others).held())] = True
        return found

    def _discs(self, rows: Iterable[Sequence[float]]) -> Array:
        """Robots as places and the distances to keep from them, float64[k, 3] [m]."""
        found = [[row[N_X], row[N_Y], row[N_RADIUS] + self._radius + 2.0 * self._margin] for row in rows]
        return np.array(found).reshape(-1, 3)

    def _out_of(self, other: Course) -> Array:
        """The room before the mouth that another robot comes out of, float64[n, 2] [m]."""
        end = (*other.held, *other.ahead)[-1]
        if end not in self._before:
            self._before[end] = self._before_mouth(end)
        return self._before[end]

    def _before_mouth(self, number: int) -> Array:
        """The room before a mouth, float64[n, 2] [m]; none if a slice is no mouth."""
        slices = self._route.slices
        if not self._route.is_mouth(number):
            return np.empty((0, 2))
        rows, columns = slices.cells_of(number)
        found: Array = slices.origin + (np.column_stack([columns, rows]) + 0.5) * slices.resolution
        return found[:: max(1, len(found) // 64)]

    def _way_of(self, other: Course, row: Sequence[float] | None) -> tuple[Array, Int64s]:
        """Where another robot wants through, as far as it tells, float64[n, 2] [m]; and the slices there, each once.

        That is kept as long as it does not change: who stands or waits wants through the same places again and again.
        """
        route, slices = self._route, self._route.slices
        if self._ways_on is not route.roadmap or len(self._ways) > _MOST_WAYS:
            self._ways_on, self._ways = route.roadmap, {}
        numbers = (*other.held, *([other.claim] if other.claim else []), *other.ahead)
        first = (*other.held, *other.ahead, other.claim)[0]
        place = _NOWHERE if row is None else np.array([row[N_X], row[N_Y]])
        key = numbers, first, None if row is None else slices.cell(row[N_X], row[N_Y])
        if key not in self._ways:
            wanted = np.zeros(slices.total + 1, bool)
            wanted[list(numbers)] = True
            taken = np.zeros_like(wanted)
            self._ways[key] = route.way_of(wanted, numbers, first, place, taken), np.flatnonzero(taken)
        return self._ways[key]


def _left_to(other: Course, held: Sequence[int]) -> tuple[int, ...]:
    """What another robot in a passage comes through before it is where this one holds slices: it meets it there."""
    first = next((k for k, number in enumerate(other.ahead) if number in held), 0)
    return other.ahead[:first] if other.held else ()


def _line(row: Sequence[float]) -> Array:
    """Points from where a robot is to where it is heading, float64[n, 2] [m]."""
    start, end = (row[N_X], row[N_Y]), (row[N_INTENT_X], row[N_INTENT_Y])
    count = 2 + int(math.hypot(end[0] - start[0], end[1] - start[1]) / row[N_RADIUS])
    found: Array = points_between(np.array(start), np.array(end), count)
    return found


def in_line(position: Array, radius: float, row: Sequence[float]) -> bool:
    """Whether a robot stands right before another (a row of neighbours) that is heading through where it is."""
    both, (x, y) = radius + row[N_RADIUS], position.tolist()
    to_x, to_y = row[N_INTENT_X] - row[N_X], row[N_INTENT_Y] - row[N_Y]
    away_x, away_y = x - row[N_X], y - row[N_Y]
    left = math.hypot(to_x, to_y)
    if left < _SOMEWHERE * both or math.hypot(away_x, away_y) > _NEAR * both:
        return False
    along, across = (to_x * away_x + to_y * away_y) / left, abs(to_x * away_y - to_y * away_x) / left
    return 0.0 < along < left + both and across < _APART * _stretch(row) * both


def _stretch(row: Sequence[float]) -> float:
    """By how much a robot needs more room than its disc, since a point ahead of it is what it controls."""
    return 1.0 + math.hypot(row[N_OFFSET_X], row[N_OFFSET_Y]) / row[N_RADIUS]
