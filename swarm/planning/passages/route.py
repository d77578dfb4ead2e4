"""The shortest way of one robot on the grid of the slices, and how far along it the robot may drive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array, Flags, Int64s
from swarm.planning.gaps import space_of
from swarm.planning.passages.right_of_way import in_order
from swarm.planning.passages.search import farthest, labels_along, scratch_of, straight_through, way_aside, way_through
from swarm.planning.passages.slices import Slices
from swarm.planning.roadmap.narrow import narrow_of
from swarm.planning.roadmap.occupancy import cell_at, clearance_at, middle, roadmap_of
from swarm.planning.roadmap.waypoints import TOO_FAR, Field, field_to, trace, waypoint
from swarm.scenario.world import World

_POINTS = 512  # of the way ahead
_BESIDE = 3  # So many points of a way, at most, are beside the robot: cells that it may come from.
_BEFORE = 0.15  # How far before a slice that it does not hold a robot stops [lengths of a slice].
_OFF = 0.02  # Who has so much less room than it needs, relatively, was driven off its way by errors.
_BACK = 0.5  # It goes back onto its way so many clearances ahead.
_SLACK = 1e-9


class Leg(NamedTuple):
    """The way ahead of one robot.

    Attributes:
        path: Its points, world frame [m], float64[n, 2]; of a robot that is no disc its poses, float64[n, 3].
        numbers: The slices at them, 0 where there is room, int64[n].
        steps: Way to each of them [m], float64[n].
        target: Where the robot would drive if nothing were reserved [m], float64[2]; None: along the way.
        left: Its length [m].
        ahead: The slices on it without room to wait between them.
        distance: The way to the first of these [m]; inf if there is none.
    """

    path: Array
    numbers: Int64s
    steps: Array
    target: Array | None
    left: float
    ahead: tuple[int, ...]
    distance: float

    def without_slices(self) -> Leg:
        """The same way of a robot that holds none, and asks for none."""
        return self._replace(numbers=np.zeros_like(self.numbers), ahead=(), distance=math.inf)


class Route:
    """Ways of one robot.

    Args:
        world: The static map.
        slices: Of the team.
        radius: Of the robot [m].
        margin: Extra distance from obstacles [m].

    Attributes:
        heading: Where the robot looks now [rad]; of no account for a disc.
        nowhere: Whether no way led to the goal when it was last looked for.
        tight: Whether it has hardly room to turn where it drives; of no account for a disc.
    """

    heading, tight = 0.0, False

    def __init__(self, world: World, slices: Slices, radius: float, margin: float) -> None:
        self.slices, self._world, self._needed, self._margin = slices, world, radius + margin, margin
        self._wide = roadmap_of(world, radius, margin, slices.resolution)
        self._scratch = scratch_of(world, slices)
        self.forget()

    def forget(self) -> None:
        """Forget the goal, and who is gone around."""
        self.roadmap = self._plain = self._wide
        self._goal, self._squeezes = np.full(2, np.nan), False
        self._field: Field | None = None
        self.nowhere = False

    def _may_lead(self, position: Array, goal: Array) -> bool:
        """Whether there may be a way to a goal, float64[2] [m]: none leads through gaps that are too narrow."""
        return space_of(self._world, self._needed).may_reach(position, goal)

    @property
    def leads_around(self) -> bool:
        """Whether the way leads around those of ``go_around``."""
        return len(self.roadmap.others) > 0

    def go_around(self, circles: Array) -> None:
        """Count further circles (rows as in ``ObstacleIndex.obstacles``) as obstacles, as far as there is a way."""
        self.roadmap, self._field = self._plain._replace(others=circles), None

    def way(self, position: Array, goal: Array) -> tuple[Array, Array, float]:
        """The waypoint of the roadmap, points of the way ahead float64[n, 2] and its length [m].

        Who has no way stays where it is, instead of driving along the walls for ever.
        """
        if not np.array_equal(goal, self._goal):
            self._goal, self._field = goal.copy(), None
        if self._field is None:
            self._field = field_to(self.roadmap, goal, position)
        x, y, left = waypoint(self.roadmap, self._field, position, goal)
        if left == TOO_FAR:
            self._field = field_to(self.roadmap, goal, position)
            x, y, left = waypoint(self.roadmap, self._field, position, goal)
        if left == math.inf and len(self.roadmap.others):  # no way around them: as if they were not there
            self.roadmap, self._field = self._plain, None
            return self.way(position, goal)
        if left == math.inf and not self._squeezes:  # through places that the robot just fits through, if there is one
            self.roadmap = self._plain = narrow_of(self._world, self._wide)
            self._squeezes, self._field = True, None
            return self.way(position, goal)
        self.nowhere = left == math.inf and not self._may_lead(position, goal)
        if self.nowhere:
            return position.copy(), np.stack([position, position]), 0.0
        straight = math.dist(position, goal)
        if left == math.inf or straight < 2.0 * self.roadmap.resolution:
            path = np.stack([position, goal])
        else:
            path = np.concatenate([trace(self.roadmap, self._field, position[0], position[1], _POINTS), goal[None]])
            if straight > 0.0 and (x, y) == (goal[0], goal[1]):
                path = _straight(position, goal, self.roadmap.resolution)
        return np.array([x, y]), path, straight if left == math.inf else left

    def numbers(self, path: Array) -> Int64s:
        """The slices at the points of a way, int64[n]; 0 where there is room."""
        found: Int64s = labels_along(self.slices.labels, self.slices.origin, self.slices.resolution, path)
        return found

    def begun(self, position: Array, path: Array) -> Array:
        """A way without first points beside the robot, in another slice than itself: it need not hold that one."""
        here = self.slices.at(float(position[0]), float(position[1]))
        same = np.flatnonzero(self.numbers(path[:_BESIDE]) == here)
        return path[same[0] :] if here > 0 and len(same) else path

    def way_aside(
        self, position: Array, taken: Flags, closed: Flags, keep_off: Array, blocked: Array, crowded: Array,
        rooms: Array, limit: int, kept: Array,
    ) -> tuple[Array, int]:  # fmt: skip
        """The way out of the way of others (``swarm.planning.passages.search.way_aside``)."""
        around = position, taken, closed, keep_off, blocked, crowded, rooms, limit, kept
        found: tuple[Array, int] = way_aside(self._scratch, self.roadmap, self.slices.labels, *around)
        return found

    def way_through(self, wanted: Flags, last: int, row: int, column: int, deep: bool) -> Int64s:
        """The cells of another's way through wanted slices (``swarm.planning.passages.search.way_through``)."""
        found: Int64s = way_through(self._scratch, self.slices.labels, wanted, last, row, column, deep)
        return found

    def cell(self, place: Array) -> tuple[int, int]:
        """The cell of the slices' grid at a place [m], or near it, where this robot may be (row, column)."""
        row, column = cell_at(self.roadmap, place[0], place[1])
        return int(row), int(column)

    def is_mouth(self, number: int) -> bool:
        """Whether a slice touches room."""
        return bool(self.slices.mouths[number])

    def leg(self, path: Array, target: Array | None, left: float | None = None) -> Leg:
        """A way as the agreement with others needs it.

        Args:
            path: Its points, float64[n, 2] [m].
            target: Where the robot would drive if nothing were reserved; None: along the way.
            left: Its length [m], if the points do not tell.
        """
        numbers = self.numbers(path)
        steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path[:, :2], axis=0), axis=1))])
        left = float(steps[-1]) if left is None else left
        inside = np.flatnonzero(numbers > 0)
        if not len(inside):
            return Leg(path, numbers, steps, target, left, (), math.inf)
        gaps = np.flatnonzero(np.diff(steps[inside]) > self.slices.length)
        end = inside[gaps[0]] if len(gaps) else inside[-1]
        return Leg(path, numbers, steps, target, left, in_order(numbers[: end + 1].tolist()), float(steps[inside[0]]))

    def lets_in(self, position: Array) -> bool:
        """Whether the robot has no way anywhere and stands before a passage, not in it: then it holds nothing.

        It may be too large for all passages, and its size is what the room before them has been made for.
        """
        return self.nowhere and not self.slices.is_narrow(float(position[0]), float(position[1]))

    def held_part(self, leg: Leg, held: Sequence[int]) -> tuple[Flags, int, bool]:
        """Which slices the robot may be in, how many points of its way lead there, and whether the way goes on."""
        allowed = np.zeros(self.slices.total + 1, bool)
        allowed[[0, *held]] = True
        outside = np.flatnonzero(~allowed[leg.numbers])
        stop, ends = (int(outside[0]), True) if len(outside) else (len(leg.path), False)
        before = _BEFORE * self.slices.length
        while ends and stop > 0 and leg.steps[outside[0]] - leg.steps[stop - 1] < before:
            stop -= 1
        return allowed, stop, ends

    def aim(self, position: Array, leg: Leg, held: Sequence[int], waits: bool = False) -> tuple[Array, float, bool]:
        """Where to drive, after how far the robot has to be able to stop [m], and whether for others' sake.

        Args:
            position: Of the robot [m].
            leg: Its way.
            held: Slices in which it may be.
            waits: Whether it has not moved for long.
        """
        allowed, stop, ends = self.held_part(leg, held)
        if stop == 0:
            return position.copy(), 0.0, True
        keep = self._kept_at(position)
        reach = float(leg.steps[stop - 1]) if ends else leg.left
        around = self.roadmap, self.slices.labels, allowed, position
        target = leg.target
        back = self._back_onto(position, leg, stop, waits) if self._is_off(position, keep) else None
        if back is not None:
            return back, reach, ends
        near = target is not None and _is_on_the_way(leg.path, stop if ends else len(leg.path), target)
        if target is not None and near and straight_through(*around, target, keep):
            return target, reach, ends
        return leg.path[farthest(*around, leg.path, stop, keep)], reach, ends

    def _is_off(self, place: Array, room: float) -> bool:
        """Whether who is here, with so much room around it [m], is nearer to something than its errors allow."""
        return room < (1.0 - _OFF) * self._needed or self._inside(place) < (1.0 - _OFF) * self._margin

    def _inside(self, place: Array) -> float:
        """How far within the bounds of the world, where centres may be, a place is [m]; below 0 beyond them."""
        return float(min((place - self._world.bounds[:2]).min(), (self._world.bounds[2:] - place).min()))

    def _back_onto(self, position: Array, leg: Leg, stop: int, waits: bool) -> Array | None:
        """Where a robot that is off its way goes back onto it, float64[2] [m]; None if that is nowhere.

        Who is nearer to something than its errors allow, and drives on along it, is stopped by the shield again and
        again, since its heading may be wrong as well. Who has been stopped for long goes straight away from it.
        """
        if waits:
            row, column = self.cell(position)
            return None if row < 0 else np.array(middle(self.roadmap, row, column))
        first = int(np.searchsorted(leg.steps, _BACK * self._needed))
        rooms = ((place, clearance_at(self.roadmap, place[0], place[1])) for place in leg.path[first:stop])
        return next((place for place, room in rooms if not self._is_off(place, room)), None)

    def _kept_at(self, position: Array) -> float:
        """The clearance of straight ways from a place on [m]."""
        room = clearance_at(self.roadmap, position[0], position[1])
        return max(min(self.roadmap.clearance, room - _SLACK), 0.0)

    def back_from(self, position: Array, place: Array, number: int) -> Array:
        """The point of a slice farthest from a place [m], of those that the robot can drive straight to, float64[2]."""
        slices = self.slices
        rows, columns = slices.cells_of(number)
        points = slices.origin + (np.column_stack([columns, rows]) + 0.5) * slices.resolution
        for k in np.argsort(-np.linalg.norm(points - place, axis=1), kind="stable").tolist():
            if self.leads_straight(position, points[k], number):
                found: Array = points[k]
                return found
        return position

    def leads_straight(self, position: Array, place: Array, number: int) -> bool:
        """Whether the robot can drive straight to a place [m] of the world within a slice, or within a room (0)."""
        if self._inside(place) < 0.0:  # labels of cells beyond are those beside them
            return False
        allowed = np.zeros(self.slices.total + 1, bool)
        allowed[number] = True
        keep = self._kept_at(position)
        return straight_through(self.roadmap, self.slices.labels, allowed, position, place, keep)


def _is_on_the_way(path: Array, stop: int, target: Array) -> bool:
    """Whether a target lies on the first ``stop`` points of a way, and not at the very first.

    That is the cell beside the robot, to any side of it: an error of its position decides to which.
    """
    return 0 < int(np.argmin(np.linalg.norm(path - target, axis=1))) < stop


def _straight(start: Array, end: Array, step: float) -> Array:
    """Points of a straight line, float64[n, 2]."""
    count = max(2, math.ceil(math.dist(start, end) / step) + 1)
    return np.linspace(start, end, count)
