"""Random places for discs: clear of obstacles, apart from each other, and with a way to all the others."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.model.geometry import extents
from swarm.planning.graph.fields import UNREACHABLE, distance_field
from swarm.scenario.world import World

_ROUNDS, _AT_ONCE = 32, 8  # places that are tried for each point
_SEEDS = 16  # cells tried to find the largest part of a map
# Cells, in radii: on coarse ones most points are seen to be reachable, at a hundredth of the work.
_COARSE, _FINE = 2.0, 0.25


class Room:
    """The places of a world from which a disc can go to (nearly) all the others.

    Args:
        world: Obstacles and bounds.
        radius: Of the disc [m].
    """

    def __init__(self, world: World, radius: float) -> None:
        self.world, self._radius = world, radius
        self._parts: dict[float, Flags] = {}

    def reaches(self, points: Array) -> Flags:
        """Which of the points ``[n, 2]`` lie in the largest connected part of the free space, ``bool[n]``."""
        found = self._on_grid(points, _COARSE * self._radius)
        if not found.all():
            found[~found] = self._on_grid(points[~found], _FINE * self._radius)
        return found

    def _on_grid(self, points: Array, cell: float) -> Flags:
        if cell not in self._parts:
            # Half-way between two points that keep this distance from a convex obstacle, a disc still fits.
            self._parts[cell] = _largest_part(_free(self.world, cell, math.hypot(self._radius, 0.5 * cell)))
        part = self._parts[cell]
        at = np.rint((points - self.world.bounds[:2]) / cell).astype(np.int64)
        column, row = np.minimum(at, np.array(part.shape[::-1]) - 1).T
        found: Flags = part[row, column]
        return found


class Anywhere(Room):
    """All places of a world, with a way to others or without."""

    def reaches(self, points: Array) -> Flags:
        """All of them, ``bool[n]``."""
        return np.ones(len(points), bool)


def _free(world: World, cell: float, clearance: float) -> Flags:
    """Which grid points keep a clearance from the obstacles, ``bool[rows, columns]``, the first at the lower left."""
    low, high = world.bounds[:2], world.bounds[2:]
    columns, rows = ((high - low) / cell + 1e-9).astype(int) + 1
    free = np.ones((rows, columns), bool)
    _close(free, world.obstacles, low, cell, clearance)
    return free


@njit(cache=True)
def _close(free: Flags, obstacles: Array, low: Array, cell: float, clearance: float) -> None:
    """Close the points of ``free``, the first at ``low`` [m], that are nearer to an obstacle than the clearance."""
    rows, columns = free.shape
    for obstacle in obstacles:
        x, y, half_x, half_y, rounding, cosine, sine = obstacle
        reach, (wide, tall) = clearance + rounding, extents(obstacle)
        left, right = _window(x, wide + reach, low[0], cell, columns)
        bottom, top = _window(y, tall + reach, low[1], cell, rows)
        for row in range(bottom, top):
            for column in range(left, right):
                to_x, to_y = low[0] + cell * column - x, low[1] + cell * row - y
                if sine != 0.0:
                    to_x, to_y = cosine * to_x + sine * to_y, cosine * to_y - sine * to_x
                beyond_x, beyond_y = max(abs(to_x) - half_x, 0.0), max(abs(to_y) - half_y, 0.0)
                if math.hypot(beyond_x, beyond_y) < reach:
                    free[row, column] = False


@njit(cache=True, inline="always")
def _window(middle: float, reach: float, low: float, cell: float, count: int) -> tuple[int, int]:
    """Which of ``count`` points on a line may be within ``reach`` [m] of its middle [m]: first, and after the last."""
    first = max(math.floor((middle - reach - low) / cell), 0)
    return first, min(max(math.ceil((middle + reach - low) / cell), -1) + 1, count)


def _largest_part(free: Flags) -> Flags:
    """The 4-connected part that is more than half of the free cells; nothing if there is none."""
    cells = np.flatnonzero(free)
    for k in range(_SEEDS if len(cells) else 0):
        cell = int(cells[k * (len(cells) - 1) // (_SEEDS - 1)])
        part: Flags = distance_field(free, *divmod(cell, free.shape[1])) != UNREACHABLE
        if 2 * np.count_nonzero(part) > len(cells):
            return part
    return np.zeros_like(free)


@njit(cache=True)
def _take(who: Int64s, tried: Array, apart: float, points: Array, order: Int64s, taken: int) -> int:
    """Take the first place for each point that has none and is farther than ``apart`` [m] from all that are taken.

    Args:
        who: ``int64[m]``, whose place each one would be.
        tried: ``float64[m, 2]`` [m].
        apart: See above.
        points: ``float64[count, 2]``, written.
        order: ``int64[count]``, whose places are taken; appended to.
        taken: How many of them are.

    Returns:
        How many are taken then.
    """
    for k in range(len(who)):
        free = True
        for place in range(taken):
            mine = points[order[place]]
            if order[place] == who[k] or math.hypot(mine[0] - tried[k, 0], mine[1] - tried[k, 1]) <= apart:
                free = False
                break
        if free:
            points[who[k]], order[taken] = tried[k], who[k]
            taken += 1
    return taken


def place(
    rng: np.random.Generator,
    count: int,
    room: Room,
    clearance: float,
    *,
    area: Array | None = None,
    apart: float | None = None,
    near: Array | None = None,
    travel: float = math.inf,
    keep_off: Array | None = None,
) -> Array | None:
    """Uniform random points ``[count, 2]`` [m]; None if none were found.

    Args:
        rng: Source of all random numbers.
        count: Number of points.
        room: Where points may be.
        clearance: Least distance from obstacles [m].
        area: xmin, ymin, xmax, ymax [m]; the world's bounds if not given.
        apart: Least distance from each other [m]; ``clearance`` if not given.
        near: ``[count, 2]``: each point lies within ``travel`` m of its row.
        travel: See ``near``.
        keep_off: ``[k, 5]`` rows ax, ay, bx, by, distance: segments to keep that distance from [m].
    """
    apart = clearance if apart is None else apart
    where = np.broadcast_to(room.world.bounds if area is None else area, (count, 4))
    low, high = where[:, :2], where[:, 2:]
    if near is not None:
        low, high = np.maximum(low, near - travel), np.minimum(high, near + travel)
    points, order, taken, waiting = np.empty((count, 2)), np.empty(count, np.int64), 0, np.arange(count)
    for _ in range(_ROUNDS):
        who = np.repeat(waiting, _AT_ONCE)
        tried = low[who] + (high - low)[who] * rng.random((len(who), 2))  # as rng.uniform, which takes longer
        good = room.world.clearance(tried) > clearance
        for line in () if keep_off is None else keep_off:
            good &= _from_segment(tried, line) > line[4]
        if near is not None:
            good &= np.linalg.norm(tried - near[who], axis=1) <= travel
        good[good] = room.reaches(tried[good])
        taken = _take(who[good], tried[good], apart, points, order, taken)
        if taken == count:
            return points
        waiting = np.setdiff1d(waiting, order[:taken], assume_unique=True)
    return None


def ends(
    rng: np.random.Generator, count: int, room: Room, clearance: float, travel: float = math.inf,
    keep_off: Array | None = None,
) -> tuple[Array, Array] | None:  # fmt: skip
    """Starts and goals ``[count, 2]`` [m], as in ``place``, a goal within ``travel`` m of its start; or None."""
    starts = place(rng, count, room, clearance, keep_off=keep_off)
    if starts is None:
        return None
    near = starts if math.isfinite(travel) else None
    goals = place(rng, count, room, clearance, near=near, travel=travel, keep_off=keep_off)
    return None if goals is None else (starts, goals)


def _from_segment(points: Array, line: Array) -> Array:
    """Distance ``[n]`` [m] of points ``[n, 2]`` from the segment of a row of ``keep_off``."""
    start, way = line[:2], line[2:4] - line[:2]
    share = np.clip((points - start) @ way / max(float(way @ way), 1e-12), 0.0, 1.0)
    distance: Array = np.linalg.norm(points - start - share[:, None] * way, axis=1)
    return distance


def place_on_sides(
    rng: np.random.Generator, count: int, room: Room, clearance: float, sides: Array, *, apart: float | None = None
) -> Array | None:
    """Starts and goals ``[2, count, 2]`` [m] of robots that change sides; None if none were found.

    Args:
        rng: Source of all random numbers.
        count: Number of robots; those with an even number start on the first side.
        room: Where points may be.
        clearance: Least distance from obstacles [m].
        sides: ``[2, 4]``: xmin, ymin, xmax, ymax of each side [m].
        apart: As of ``place``.
    """
    found = np.empty((2, count, 2))
    for points, swapped in zip(found, (0, 1), strict=True):
        for part in (0, 1):
            mine = np.arange(part, count, 2)
            placed = place(rng, len(mine), room, clearance, area=sides[part ^ swapped], apart=apart)
            if placed is None:
                return None
            points[mine] = placed
    return found
