"""Searches on the grid of the slices: which way another robot comes, where to go out of it, how far to drive."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.planning.passages.slices import Slices, label_at
from swarm.planning.roadmap.occupancy import Roadmap, cell_at, middle
from swarm.planning.roadmap.waypoints import visible
from swarm.scenario.world import World

_ABOUT = 8  # Steps by which a place that was chosen before may be farther than another.


class Scratch(NamedTuple):
    """What searches on one grid write on: most look at a few hundred of a million cells, and clear these again.

    Attributes:
        before: Of each flat cell the one that it was reached from; -1 between searches.
        queue: Flat cells in the order in which they were reached.
        depth: Steps to each; or those of the queue that are looked for.
        least: As of ``crowd_of``; 0 between searches.
        wall: The same.
    """

    before: Int64s
    queue: Int64s
    depth: Int32s
    least: Int32s
    wall: Int32s


def scratch_of(world: World, slices: Slices) -> Scratch:
    """What the searches of all robots on a world's slices write on, one after the other; made once."""
    shape = slices.labels.shape
    key = ("passages scratch", shape)
    if key not in world.derived:
        cells = slices.labels.size
        ints = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        flat = np.full(cells, -1, np.int64), np.empty(cells, np.int64), np.empty(cells, np.int32)
        world.derived[key] = Scratch(*flat, *ints)
    made: Scratch = world.derived[key]
    return made


@njit(cache=True)
def _clear(scratch: Scratch, size: int) -> None:
    """Forget the first ``size`` cells of the queue."""
    for k in range(size):
        scratch.before[scratch.queue[k]] = -1


@njit(cache=True)
def walk_back(before: Int64s, end: int, columns: int) -> Int64s:
    """The cells (row, column) of a search's way from its start to a flat cell, int64[n, 2]."""
    count, cell = 1, end
    while before[cell] != cell:
        cell, count = before[cell], count + 1
    way, cell = np.empty((count, 2), np.int64), end
    for k in range(count - 1, -1, -1):
        way[k, 0], way[k, 1] = divmod(cell, columns)
        cell = before[cell]
    return way


@njit(cache=True)
def _discs(origin: Array, size: float, mask: Int32s, points: Array, factor: float, value: int) -> None:
    """Write a value into the cells within a multiple of the distances of points x, y and distance [m]."""
    for k in range(len(points)):
        row = int((points[k, 1] - origin[1]) / size)
        column = int((points[k, 0] - origin[0]) / size)
        reach = points[k, 2] * factor / size
        most = int(reach)
        for r in range(max(row - most, 0), min(row + most + 1, mask.shape[0])):
            span = int(math.sqrt(max(reach * reach - (r - row) * (r - row), 0.0)))
            mask[r, max(column - span, 0) : column + span + 1] = value


@njit(cache=True)
def way_through(
    scratch: Scratch, labels: Int32s, wanted: Flags, last: int, row: int, column: int, deep: bool
) -> Int64s:  # fmt: skip
    """The shortest way from a cell through wanted slices to the last one.

    Args:
        scratch: Of the grid.
        labels: As in ``Slices``.
        wanted: Whether the slice of this number is on the way, bool[count + 1].
        last: Number of the last one.
        row: Where the way begins.
        column: Where the way begins.
        deep: Whether it leads into the middle of the last one, and not only to where that begins: the middle of a slice
            beside a bay may be in the bay.

    Returns:
        Cells (row, column), int64[n, 2]; the first alone if there is no way.
    """
    rows, columns = labels.shape
    before, queue, found = scratch.before, scratch.queue, scratch.depth
    start, size, done, count = row * columns + column, 1, 0, 0
    before[start], queue[0] = start, start
    while done < size:
        cell = queue[done]
        done += 1
        r0, c0 = divmod(cell, columns)
        if labels[r0, c0] == last:
            found[count] = cell
            count += 1
            if not deep:
                break
        for r in range(max(r0 - 1, 0), min(r0 + 2, rows)):
            for c in range(max(c0 - 1, 0), min(c0 + 2, columns)):
                label = labels[r, c]
                straight = r == r0 or c == c0  # A diagonal step costs two: else ways dip into bays for nothing.
                if straight and label > 0 and wanted[label] and before[r * columns + c] < 0:
                    before[r * columns + c], queue[size] = cell, r * columns + c
                    size += 1
    way = walk_back(before, found[count // 2] if count > 0 else start, columns)
    _clear(scratch, size)
    return way


@njit(cache=True)
def is_inside(labels: Int32s, taken: Flags, row: int, column: int) -> bool:
    """Whether a cell and those around it are in slices that nobody has taken: a robot comes to no cell exactly."""
    for r in range(max(row - 2, 0), min(row + 3, labels.shape[0])):
        for c in range(max(column - 2, 0), min(column + 3, labels.shape[1])):
            if labels[r, c] > 0 and taken[labels[r, c]]:
                return False
    return labels[row, column] >= 0


@njit(cache=True)
def _draw_crowd(
    origin: Array, size: float, least: Int32s, wall: Int32s, keep_off: Array, blocked: Array, crowded: Array,
    rooms: Array, erased: bool,
) -> None:  # fmt: skip
    """Write what ``crowd_of`` gives into grids of zeros, or zeros again where that has been written."""
    for k in range(1 if erased else len(rooms)):  # the first is the largest
        _discs(origin, size, least, keep_off, rooms[k], 0 if erased else k + 1)
    _discs(origin, size, least, crowded, 1.0, 0 if erased else len(rooms))
    _discs(origin, size, wall, blocked, 1.0, 0 if erased else 1)


@njit(cache=True)
def crowd_of(
    origin: Array, size: float, shape: tuple[int, int], keep_off: Array, blocked: Array, crowded: Array, rooms: Array
) -> tuple[Int32s, Int32s]:  # fmt: skip
    """Of each cell, for how many of the rooms (see ``way_aside``), largest first, it is too near to somebody.

    And whether the way must not come there.
    """
    least, wall = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    _draw_crowd(origin, size, least, wall, keep_off, blocked, crowded, rooms, False)
    return least, wall


@njit(cache=True)
def _middles(roadmap: Roadmap, cells: Int64s) -> Array:
    """The middles of cells (row, column), float64[n, 2] [m]."""
    way = np.empty((len(cells), 2))
    for k in range(len(cells)):
        way[k] = middle(roadmap, cells[k, 0], cells[k, 1])
    return way


@njit(cache=True)
def way_aside(
    scratch: Scratch, roadmap: Roadmap, labels: Int32s, start: Array, taken: Flags, closed: Flags, keep_off: Array,
    blocked: Array, crowded: Array, rooms: Array, limit: int, kept: Array,
) -> tuple[Array, int]:  # fmt: skip
    """The shortest way to where a robot is out of the way of others, world frame [m], float64[n, 2]; empty: none.

    It leads to where there is the most room, and which of the ``rooms`` that is comes with it. A place that was chosen
    before is chosen again if it is about as near: who turns on its way would else change its mind, and turn again.

    Args:
        scratch: Of the grid.
        roadmap: Where the robot may drive, on the grid of the labels.
        labels: As in ``Slices``.
        start: Of the robot [m], float64[2].
        taken: Slices where it may not stay, bool[count + 1].
        closed: Slices that it may not enter, bool[count + 1].
        keep_off: Points x, y and distances [m] within which it may not stay, times a room, float64[k, 3].
        blocked: Points x, y and distances [m] that the way must not come to, float64[m, 3].
        crowded: The same of those who can be asked to move.
        rooms: Largest first, float64[m].
        limit: How many of them count.
        kept: The place that was chosen before [m], float64[2]; NaN if there is none.
    """
    rows, columns = labels.shape
    place = -1
    if np.isfinite(kept[0]):
        end_row, end_column = cell_at(roadmap, kept[0], kept[1])
        place = end_row * columns + end_column
    row, column = cell_at(roadmap, start[0], start[1])
    nearest = max(labels[row, column], 0)
    if closed[nearest] and nearest != label_at(labels, roadmap.origin, roadmap.resolution, start[0], start[1]):
        return np.empty((0, 2)), limit  # beside a wall at the edge of its slice: the next cell is in another's
    before, queue, depth, least, wall = scratch
    around = roadmap.origin, roadmap.resolution, least, wall, keep_off, blocked, crowded, rooms
    _draw_crowd(*around, False)
    first, size, done, found, most = row * columns + column, 1, 0, -1, rows * columns
    before[first], queue[0], depth[first] = first, first, 0
    while done < size and depth[queue[done]] <= most:
        cell = queue[done]
        done += 1
        row, column = divmod(cell, columns)
        label = labels[row, column]
        better = least[row, column] < limit or (cell == place and found >= 0 and least[row, column] == limit)
        if better and is_inside(labels, taken, row, column):
            found, limit = cell, least[row, column]
            if limit == 0:
                if place < 0 or cell == place:
                    break
                most = min(most, depth[cell] + _ABOUT)
        for k in range(18):  # the straight steps first: else ways dip into slices beside them for nothing
            r, c = row + k % 9 // 3 - 1, column + k % 3 - 1
            if r < 0 or r >= rows or c < 0 or c >= columns or (r == row or c == column) != (k < 9):
                continue
            there, entered = r * columns + c, max(labels[r, c], 0)
            open_cell = np.isfinite(roadmap.cost[r, c]) and (not wall[r, c] or wall[row, column])
            open_cell = open_cell and (not closed[entered] or entered == label)
            corner = np.isfinite(roadmap.cost[row, c]) and np.isfinite(roadmap.cost[r, column])
            if open_cell and corner and before[there] < 0:
                before[there], queue[size], depth[there], size = cell, there, depth[cell] + 1, size + 1
    way = _middles(roadmap, walk_back(before, found, columns)) if found >= 0 else np.empty((0, 2))
    _clear(scratch, size)
    _draw_crowd(*around, True)
    return way, limit


@njit(cache=True)
def labels_along(labels: Int32s, origin: Array, resolution: float, path: Array) -> Int64s:
    """The label of each point of a way, int64[n]."""
    found = np.empty(len(path), np.int64)
    for k in range(len(path)):
        found[k] = label_at(labels, origin, resolution, path[k, 0], path[k, 1])
    return found


@njit(cache=True)
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


@njit(cache=True)
def straight_through(
    roadmap: Roadmap, labels: Int32s, allowed: Flags, start: Array, end: Array, clearance: float
) -> bool:
    """Whether a disc of this clearance [m] may go straight from a point to another [m], float64[2] each."""
    if not visible(roadmap, clearance, start[0], start[1], end[0], end[1]):
        return False
    return may_pass(labels, roadmap.origin, roadmap.resolution, allowed, start, end)


@njit(cache=True)
def farthest(
    roadmap: Roadmap, labels: Int32s, allowed: Flags, start: Array, path: Array, stop: int, clearance: float
) -> int:
    """The last of the first ``stop`` points of a way that is in sight; at least the second, if there is one."""
    low, step = min(1, stop - 1), 8
    while step > 0:
        while low + step < stop and straight_through(roadmap, labels, allowed, start, path[low + step], clearance):
            low += step
        step //= 8
    return low
