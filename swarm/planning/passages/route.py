"""The shortest way of one robot on the grid of the slices, and how far along it the robot may drive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.planning.gaps import space_of
from swarm.planning.passages.grid import comes_near, scratch_of
from swarm.planning.passages.holding import Leg, held_part, leg_of
from swarm.planning.passages.search import (
    BESIDE,
    leg_ahead,
    look_ahead,
    slices_along,
    straight_through,
    way_aside,
)
from swarm.planning.passages.slices import Slices, labels_along
from swarm.planning.roadmap.narrow import narrow_of
from swarm.planning.roadmap.occupancy import (
    Roadmap,
    cell_at,
    clearance_at,
    flat,
    inside,
    is_off,
    kept_at,
    middle,
    roadmap_of,
    whole,
)
from swarm.planning.roadmap.waypoints import TOO_FAR, WAY, Field, field_to, way_ahead
from swarm.planning.roadmap.yielding import yield_aside
from swarm.scenario.world import World
from swarm.sense.neighbours import NEIGHBOUR

POINTS = 512  # of the way ahead
BEFORE = 0.15  # How far before a slice that it does not hold a robot stops [lengths of a slice].
_BACK = 0.5  # It goes back onto its way so many clearances ahead.
_NOWHERE = np.full(2, np.nan)


@uncounted
def aim_along(
    labels: Int32s, flags: Flags, bounds: Array, needed: float, margin: float, position: Array,
    path: Array, steps: Array, order: Int64s, firsts: Int64s, held: Int64s, before: float, target: Array, *parts: Any,
) -> tuple[int, bool, int, bool, float]:  # fmt: skip
    """``look_ahead`` in what is held: the point; whether it is off (``is_off``); ``held_part``; how far that is [m]."""
    stop, ends = held_part(order, firsts, steps, held, before)
    if stop == 0:
        return -1, False, stop, ends, 0.0
    flags[0] = True
    for number in held:
        flags[number] = True
    chosen, keep = look_ahead(whole(parts), labels, flags, position, path, stop, ends, target)
    flags[0] = False
    for number in held:
        flags[number] = False
    off = is_off(bounds, needed, margin, position[0], position[1], keep)
    return chosen, off, stop, ends, steps[stop - 1]


class Route:
    """Ways of one robot.

    Args:
        world: The static map.
        slices: Of the team.
        radius: Of the robot [m].
        margin: Extra distance from obstacles [m].

    Attributes:
        scratch: What searches on the grid write on.
        parts: Of ``roadmap`` (``flat``).
        heading: Where the robot looks now [rad]; of no account for a disc.
        nowhere: Whether no way led to the goal when it was last looked for.
        tight: Whether it has hardly room to turn where it drives; of no account for a disc.
    """

    heading, tight = 0.0, False

    def __init__(self, world: World, slices: Slices, radius: float, margin: float) -> None:
        self.slices, self._world, self._needed, self._margin = slices, world, radius + margin, margin
        self._wide = roadmap_of(world, radius, margin, slices.resolution)
        self.scratch = scratch_of(world, slices.labels.shape)
        self._bounds = world.bounds
        self.forget()
        if ("passages kernels", slices.total) not in world.derived:
            self._rehearse(world.bounds[:2])
            world.derived["passages kernels", slices.total] = True

    def _rehearse(self, place: Array) -> None:
        """Call what else is called first in the middle of a drive: to load its kernels takes longer than a period."""
        none, nobody = np.zeros(self.slices.total + 1, bool), np.empty((0, 3))
        Route.way_aside(self, place, none, none, nobody, nobody, nobody, np.ones(1), 1, _NOWHERE)
        self.leads_straight(place, place, 0)
        self.slices.cell(0.0, 0.0)
        comes_near(place[None], place[None], 0.0)
        clearance_at(self.roadmap, *place)
        yield_aside(place, 0.0, 0.0, place, np.empty((0, NEIGHBOUR)), -1)

    @property
    def roadmap(self) -> Roadmap:
        """Where the robot may drive."""
        return self._roadmap

    @roadmap.setter
    def roadmap(self, roadmap: Roadmap) -> None:
        self._roadmap, self.parts = roadmap, flat(roadmap)

    def forget(self) -> None:
        """Forget the goal, and who is gone around."""
        self.roadmap = self._plain = self._wide
        self._goal, self._squeezes = b"", False
        self._field: Field | None = None
        self._cells = np.empty((0, WAY))
        self.nowhere = False

    @property
    def way_known(self) -> tuple[Roadmap, Field, Array] | None:
        """Where it leads, and the cells of the way, float64[n, ``WAY``], for who drives on along it; else None."""
        if self._field is None or self.roadmap is not self._wide or self.nowhere or not len(self._cells):
            return None
        return self._wide, self._field, self._cells

    def went_on(self, cells: Array) -> None:
        """Go on along the same way, of which these cells are left."""
        self._cells = cells

    @property
    def goal_known(self) -> bytes:
        """The goal to which a way is known."""
        return self._goal

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
        field, straight = self._field, math.dist(position, goal)
        if field is None or goal.tobytes() != self._goal:
            field = self._look_for(position, goal)
        x, y, left, path = self._ahead(field, position, goal, straight)
        if left == TOO_FAR:
            x, y, left, path = self._ahead(self._look_for(position, goal), position, goal, straight)
        if left == math.inf and len(self.roadmap.others):  # no way around them: as if they were not there
            self.roadmap, self._field = self._plain, None
            return self.way(position, goal)
        if left == math.inf and not self._squeezes:  # through places that the robot just fits through, if there is one
            self.roadmap = self._plain = narrow_of(self._world, self._wide)
            self._squeezes, self._field = True, None
            return self.way(position, goal)
        # None leads through gaps that are too narrow.
        self.nowhere = left == math.inf and not space_of(self._world, self._needed).may_reach(position, goal)
        if self.nowhere:
            return position.copy(), np.stack([position, position]), 0.0
        if left == math.inf:
            return np.array([x, y]), np.stack([position, goal]), straight
        return np.array([x, y]), path, left

    def _look_for(self, position: Array, goal: Array) -> Field:
        """Look for the way to a goal [m]."""
        self._goal, self._cells = goal.tobytes(), np.empty((0, WAY))
        self._field = found = field_to(self.roadmap, goal, position)
        return found

    def _ahead(self, field: Field, position: Array, goal: Array, straight: float) -> tuple[float, float, float, Array]:
        """The waypoint of the roadmap, the length of the way, and its points (``way_ahead``)."""
        known = self._cells, position, goal, straight, POINTS
        x, y, left, path, self._cells, _ = way_ahead(self.roadmap, field, *known)
        return x, y, left, path

    def numbers(self, path: Array) -> Int64s:
        """The slices at the points of a way, int64[n]; 0 where there is room."""
        found: Int64s = labels_along(self.slices.labels, self.slices.origin, self.slices.resolution, path)
        return found

    def begun(self, position: Array, path: Array) -> Array:
        """A way without first points beside the robot, in another slice than itself: it need not hold that one."""
        here = self.slices.at(float(position[0]), float(position[1]))
        same = np.flatnonzero(self.numbers(path[:BESIDE]) == here)
        return path[same[0] :] if here > 0 and len(same) else path

    def way_aside(
        self, position: Array, taken: Flags, closed: Flags, keep_off: Array, blocked: Array, crowded: Array,
        rooms: Array, limit: int, kept: Array,
    ) -> tuple[Array, int]:  # fmt: skip
        """The way out of the way of others (``swarm.planning.passages.search.way_aside``)."""
        around = position, taken, closed, keep_off, blocked, crowded, rooms, limit, kept
        found: tuple[Array, int] = way_aside(self.scratch, self.roadmap, self.slices.labels, *around)
        return found

    def is_mouth(self, number: int) -> bool:
        """Whether a slice touches room."""
        return bool(self.slices.mouths[number])

    def leg_to(self, position: Array, goal: Array) -> Leg:
        """The way to a goal [m], from where it leaves the robot."""
        if self._field is not None and goal.tobytes() == self._goal:  # all at once, mostly
            grid = self.slices.labels, self.slices.length, self._field, self._cells
            left, target, cells, path, along = leg_ahead(*grid, position, goal, POINTS, *self.parts)
            if 0.0 <= left < math.inf:
                self._cells, self.nowhere = cells, False
                return leg_of(path, along, target, left)
        target, path, left = self.way(position, goal)
        return self.leg(self.begun(position, path), target, left)

    def leg(self, path: Array, target: Array | None, left: float | None = None) -> Leg:
        """A way as the agreement with others needs it.

        Args:
            path: Its points, float64[n, 2] [m].
            target: Where the robot would drive if nothing were reserved; None: along the way.
            left: Its length [m], if the points do not tell.
        """
        slices = self.slices
        along = slices_along(slices.labels, slices.origin, slices.resolution, slices.length, path)
        return leg_of(path, along, target, left)

    def lets_in(self, position: Array) -> bool:
        """Whether the robot has no way anywhere and stands before a passage, not in it: then it holds nothing.

        It may be too large for all passages, and its size is what the room before them has been made for.
        """
        return self.nowhere and not self.slices.is_narrow(float(position[0]), float(position[1]))

    def aim(self, position: Array, leg: Leg, held: Int64s, waits: bool = False) -> tuple[Array, float, bool]:
        """Where to drive, after how far the robot has to be able to stop [m], and whether for others' sake.

        Args:
            position: Of the robot [m].
            leg: Its way.
            held: Slices in which it may be.
            waits: Whether it has not moved for long.
        """
        target, slices = _NOWHERE if leg.target is None else leg.target, self.slices
        way = leg.path, leg.steps, leg.order, leg.firsts, held, BEFORE * slices.length, target
        me = self._bounds, self._needed, self._margin, position
        chosen, off, stop, ends, reach = aim_along(slices.labels, slices.flags, *me, *way, *self.parts)
        if stop == 0:
            return position.copy(), 0.0, True
        reach = reach if ends else leg.left
        back = self._back_onto(position, leg, stop, waits) if off else None
        if back is not None:
            return back, reach, ends
        return target if chosen < 0 else leg.path[chosen], reach, ends

    def _back_onto(self, position: Array, leg: Leg, stop: int, waits: bool) -> Array | None:
        """Where a robot that is off its way goes back onto it, float64[2] [m]; None if that is nowhere.

        Who is nearer to something than its errors allow, and drives on along it, is stopped by the shield again and
        again, since its heading may be wrong as well. Who has been stopped for long goes straight away from it.
        """
        if waits:
            row, column = cell_at(self.roadmap, position[0], position[1])
            return None if row < 0 else np.array(middle(self.roadmap, row, column))
        first = int(np.searchsorted(leg.steps, _BACK * self._needed))
        rooms = ((place, clearance_at(self.roadmap, place[0], place[1])) for place in leg.path[first:stop])
        return next(
            (one for one, room in rooms if not is_off(self._bounds, self._needed, self._margin, *one, room)), None
        )

    def back_from(self, position: Array, place: Array, number: int, apart: float) -> Array:
        """The nearest point of a slice that is so far from a place [m], else the farthest from it, float64[2].

        Of those that the robot can drive straight to: a slice before a mouth may be much larger than a robot.
        """
        slices = self.slices
        rows, columns = slices.cells_of(number)
        points = slices.origin + (np.column_stack([columns, rows]) + 0.5) * slices.resolution
        away, way = (np.linalg.norm(points - one, axis=1) for one in (place, position))
        for k in np.lexsort((way, -np.minimum(away, apart))).tolist():
            if self.leads_straight(position, points[k], number):
                found: Array = points[k]
                return found
        return position

    def leads_straight(self, position: Array, place: Array, number: int) -> bool:
        """Whether the robot can drive straight to a place [m] of the world within a slice, or within a room (0)."""
        if inside(self._bounds, place[0], place[1]) < 0.0:  # labels of cells beyond are those beside them
            return False
        allowed = np.zeros(self.slices.total + 1, bool)
        allowed[number] = True
        keep = kept_at(self.roadmap, position)
        return straight_through(self.roadmap, self.slices.labels, allowed, position, place, keep)
