"""The places of a continuous world where two robots of a team cannot pass each other, cut into slices for one robot.

The centres of robots move in the free space of the smallest robot: cells with enough clearance, and the middle lines
between obstacles, so that a gap finer than a cell is found as well. Two of the largest pass each other where a disc of
the right size (``Sizes.passing``) fits into that space; whatever no such disc covers is narrow. A narrow part with two
mouths or more, or a deep one, is a passage; with it goes the room before its mouths, so that who waits stands outside
of the way of who comes out. A passage is cut along the distance from its mouths (a Reeb graph of that distance): the
connected parts of each band are its slices. All robots find the same slices, from the same map and the same sizes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.planning.passages.grid import banded, beside_of, dilated, parts_of, steps_from
from swarm.planning.passages.lanes import Lanes, lanes_of, neighbours, pockets_of
from swarm.planning.roadmap.narrow import along_middles
from swarm.scenario.world import World
from swarm.sense.intent import WINDOW

FINE = 0.25
"""Side of a cell, in radii of the smallest robot."""
_MOST_CELLS = 4_000_000
# Depth of the room before a mouth, in radii: one robot has it, and where two pass each other it need not be deeper.
_APRON = 2.5
_DEEP, _LENGTH = 3.0, 1.9  # Least depth of a passage with one mouth, and length of a slice, in radii with the margin.
_EASILY = 1.05  # Two pass each other where there is so much of the room that they need: filters keep a little more.


class Sizes(NamedTuple):
    """What all robots of a team have to know of each other.

    Attributes:
        smallest: Least radius [m].
        largest: Mean radius of the two largest, with the margin that is kept [m]: nobody is wider beside another.
        margin: How much of that is margin, and no body [m].
    """

    smallest: float
    largest: float
    margin: float = 0.0

    @property
    def passing(self) -> float:
        """Radius of the disc that fits where two of the largest pass each other, in the space of centres [m]."""
        return 2.0 * self.largest - self.smallest


class Cut(NamedTuple):
    """Which cells are in which slices, and which of these touch room: as in ``Slices``."""

    labels: Int32s
    origin: Array
    resolution: float
    cells: Int64s
    begins: Int64s
    mouths: Flags


class Slices(NamedTuple):
    """The slices of a world, on a grid whose first row is at the bottom.

    Attributes:
        labels: Of each cell: the number of its slice from 1 on, 0 where there is room, -1 where no robot fits.
        narrow: Whether a cell is of a passage itself, and not of the room before its mouths.
        origin: Lower-left corner of the grid, world frame [m], float64[2].
        resolution: Side of a cell [m].
        length: Of a slice, about [m].
        total: How many slices there are.
        reach: How far apart robots that may come towards each other through a passage are at most [m].
        lanes: Which of them have no place to pass between them.
        cells: Flat cells of all slices, those of one after those of another, int64[m]; see ``cells_of``.
        begins: Where those of each slice begin among them, int64[total + 2].
        mouths: Which of them touch room, bool[total + 1].
        doors: Which of them are not only room before a mouth, bool[total + 1].
        flags: Room for kernels to work in, bool[total + 1]; False when none does.
    """

    labels: Int32s
    narrow: Flags
    origin: Array
    resolution: float
    length: float
    total: int
    reach: float
    lanes: Lanes
    cells: Int64s
    begins: Int64s
    mouths: Flags
    doors: Flags
    flags: Flags

    @property
    def cut(self) -> Cut:
        """Which cells are in which."""
        return Cut(self.labels, self.origin, self.resolution, self.cells, self.begins, self.mouths)

    def cells_of(self, number: int) -> tuple[Int64s, Int64s]:
        """Rows and columns of the cells of a slice, one row of the grid after the other."""
        rows, columns = np.divmod(self.cells[self.begins[number] : self.begins[number + 1]], self.labels.shape[1])
        return rows, columns

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the cell at a point [m], or of the nearest one on the grid."""
        rows, columns = self.labels.shape
        found: tuple[int, int] = _cell_at(rows, columns, self.origin, self.resolution, x, y)
        return found

    def at(self, x: float, y: float) -> int:
        """The slice at a point [m]; 0 where there is room."""
        return int(label_at(self.labels, self.origin, self.resolution, x, y))

    def is_narrow(self, x: float, y: float) -> bool:
        """Whether a point [m] is in a passage itself."""
        rows, columns = self.narrow.shape
        row, column = _cell_at(rows, columns, self.origin, self.resolution, x, y)
        return bool(self.labels[row, column] < 0 or self.narrow[row, column])


@inlined
def _cell_at(rows: int, columns: int, origin: Array, resolution: float, x: float, y: float) -> tuple[int, int]:
    """Row and column of the cell at a point [m], or of the nearest one on the grid."""
    row = min(max(int((y - origin[1]) / resolution), 0), rows - 1)
    return row, min(max(int((x - origin[0]) / resolution), 0), columns - 1)


@uncounted
def label_at(labels: Int32s, origin: Array, resolution: float, x: float, y: float) -> int:
    """The label at a point [m], or that of the nearest cell beside it where a robot fits; else 0."""
    rows, columns = labels.shape
    row, column = _cell_at(rows, columns, origin, resolution, x, y)
    if labels[row, column] >= 0:
        return labels[row, column]
    best, found = np.inf, 0
    for r in range(max(row - 2, 0), min(row + 3, rows)):
        for c in range(max(column - 2, 0), min(column + 3, columns)):
            dx = origin[0] + (c + 0.5) * resolution - x
            dy = origin[1] + (r + 0.5) * resolution - y
            if labels[r, c] >= 0 and dx * dx + dy * dy < best:
                best, found = dx * dx + dy * dy, labels[r, c]
    return found


@njit(cache=True)
def labels_along(labels: Int32s, origin: Array, resolution: float, path: Array) -> Int64s:
    """The label of each point of a way, int64[n]."""
    found = np.empty(len(path), np.int64)
    for k in range(len(path)):
        found[k] = label_at(labels, origin, resolution, path[k, 0], path[k, 1])
    return found


@uncounted
def may_pass(labels: Int32s, origin: Array, size: float, allowed: Flags, start: Array, end: Array) -> bool:
    """Whether a straight line leads through allowed slices alone."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    steps = int(length / (0.5 * size)) + 1
    for k in range(steps + 1):
        share = k / steps
        x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        if not allowed[label_at(labels, origin, size, x, y)]:
            return False
    return True


def _mouths(labels: Int32s, count: int) -> Flags:
    """Which slices touch room, bool[count + 1]."""
    found = np.zeros(count + 1, bool)
    found[labels[beside_of(labels > 0, labels == 0)]] = True
    return found


def _passages(narrow: Flags, wide: Flags, deep: float) -> Flags:
    """The narrow parts that lead somewhere: with two mouths, with none, or deeper than ``deep`` cells."""
    part, count = parts_of(narrow.astype(np.int32) - 1)
    mouth = beside_of(narrow, wide)
    mouths, many = parts_of(mouth.astype(np.int32) - 1)
    number = np.zeros(count + 1, np.int64)
    _, first = np.unique(mouths, return_index=True)
    np.add.at(number, part.ravel()[first[-many:]] if many else np.empty(0, np.int64), 1)
    depth = np.zeros(count + 1, np.int64)
    np.maximum.at(depth, part.ravel(), steps_from(narrow, mouth).ravel())
    kept = (number != 1) | (depth > deep)
    kept[0] = False
    found: Flags = kept[part]
    return found


def _cut(inside: Flags, room: Flags, narrow: Flags, length: float, apart: float) -> tuple[Int32s, int]:
    """Slices of so many cells of what is inside, from where it touches the room on.

    Narrow dead ends in which a robot may stand ``apart`` cells from who goes past are slices of their own.
    """
    part, count = parts_of(inside.astype(np.int32) - 1)
    seeds = beside_of(inside, room)
    has_seed = np.zeros(count + 1, bool)
    has_seed[part[seeds]] = True
    cells, first = np.unique(part, return_index=True)
    alone = first[(cells > 0) & ~has_seed[cells]].tolist()
    seeds.flat[alone] = True
    if alone:  # at a corner, the first slice is a tip in which somebody would stand in the way of who goes round it
        labels, total = banded(steps_from(inside, seeds), length)
        seeds.flat[alone] = False
        seeds.flat[[_middle_of_lane(labels, total, part == part.flat[place]) for place in alone]] = True
    steps = steps_from(inside, seeds)
    labels, total = banded(steps, length)
    pocket = np.where(narrow, pockets_of(inside, steps, 2.0 * length, apart), 0)
    if not pocket.any():
        return labels, total
    return parts_of(np.where(pocket > 0, total + pocket, labels).astype(np.int32) - 1)


def _middle_of_lane(labels: Int32s, total: int, where: Flags) -> int:
    """A flat cell in the middle of a slice with two neighbours, and of medium size among these."""
    size, beside = np.bincount(labels[where], minlength=total + 1), neighbours(labels, total)
    numbers = [number for number in np.flatnonzero(size).tolist() if number > 0]
    chosen = sorted([number for number in numbers if len(beside[number]) == 2] or numbers, key=lambda one: size[one])
    found = np.flatnonzero(labels == chosen[len(chosen) // 2])
    return int(found[len(found) // 2])


def slices_of(world: World, sizes: Sizes) -> Slices:
    """The slices of a world for a team; made once."""
    key = ("slices", sizes)
    if key not in world.derived:
        world.derived[key] = _make(world, sizes)
    made: Slices = world.derived[key]
    return made


def resolution_of(world: World, sizes: Sizes) -> float:
    """Side of a cell [m]."""
    width, height = (world.bounds[2:] - world.bounds[:2]).tolist()
    return max(FINE * sizes.smallest, math.sqrt(width * height / _MOST_CELLS))


def _make(world: World, sizes: Sizes) -> Slices:
    resolution, origin = resolution_of(world, sizes), world.bounds[:2].copy()
    columns, rows = (max(1, math.ceil(side / resolution - 1e-9)) for side in world.bounds[2:] - origin)
    x, y = (origin[k] + (np.arange(n) + 0.5) * resolution for k, n in enumerate((columns, rows)))
    points = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    clearance, low, high = world.clearance(points), world.bounds[:2], world.bounds[2:]
    free = (clearance >= sizes.smallest) & (points <= high).all(axis=-1)
    free |= along_middles(world, free, origin, resolution, sizes.smallest)
    reach, room, size = sizes.passing / resolution, _EASILY * sizes.passing, sizes.largest / resolution
    core = (clearance >= sizes.smallest + room) & ((points >= low + room) & (points <= high - room)).all(axis=-1)
    wide = dilated(core, _EASILY * reach + 1.0) & free  # so much: the middle of a disc is beside that of a cell
    narrow = _passages(free & ~wide, wide, _DEEP * size)
    before = steps_from(free, narrow)
    inside = narrow | ((before >= 0) & (before <= _APRON * (sizes.largest - sizes.margin) / resolution + 1.0))
    labels, count = _cut(inside, free & ~inside, narrow, _LENGTH * size, 2.0 * size)
    length, lanes = _LENGTH * sizes.largest, lanes_of(labels, count)
    # Either tells the slices of its window; where passages are shorter than two windows, their extent is enough. Who
    # enters a lane has to hear those who are in it.
    part, _ = parts_of(inside.astype(np.int32) - 1)
    whole, lane = (resolution * _extent(numbers) for numbers in (part, lanes.number[labels]))
    most = max(min(whole, 2.0 * WINDOW * length), lane) + 2.0 * length if count else 0.0
    labels = np.where(free, labels, -1).astype(np.int32)
    for grid in (labels, narrow):  # the outermost middles may lie out of the world, but roadmaps lead there as well
        if rows > 1 and y[-1] > world.bounds[3]:
            grid[-1] = grid[-2]
        if columns > 1 and x[-1] > world.bounds[2]:
            grid[:, -1] = grid[:, -2]
    cells, mouths = _listed(labels, count), _mouths(labels, count)
    doors = np.bincount(np.where(narrow, np.maximum(labels, 0), 0).ravel(), minlength=count + 1) > 0
    return Slices(
        labels, narrow, origin, resolution, length, count, most, lanes, *cells, mouths, doors, np.zeros(count + 1, bool)
    )


def _listed(labels: Int32s, count: int) -> tuple[Int64s, Int64s]:
    """The flat cells of slices one to ``count``, one slice after the other, and where those of each begin."""
    cells = np.flatnonzero(labels > 0)
    number = labels.flat[cells]
    begins = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=count + 1))])
    return cells[np.argsort(number, kind="stable")], begins.astype(np.int64)


def _extent(numbers: Int64s | Int32s) -> float:
    """The longest diagonal of the boxes around cells of one number from 1 on [cells]; 0 if there are none."""
    rows, columns = np.nonzero(numbers)
    number, span = numbers[rows, columns], np.zeros((2, int(numbers.max()) + 1))
    for k, places in enumerate((rows, columns)):
        low, high = np.full(span.shape[1], np.inf), np.full(span.shape[1], -np.inf)
        np.minimum.at(low, number, places)
        np.maximum.at(high, number, places)
        span[k, 1:] = np.maximum(high[1:] - low[1:] + 1.0, 0.0)
    return float(np.hypot(*span).max())
