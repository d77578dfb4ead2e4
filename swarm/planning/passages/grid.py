"""Cells of a grid: what lies near others, what hangs together, how far it is from one to another; and searches."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.scenario.world import World

STEPS = ((-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Rows and columns to the cells around one; the straight steps first, else ways dip into cells beside for nothing."""


@njit(cache=True)
def dilated(core: Flags, reach: float) -> Flags:
    """Cells within ``reach`` cells of one of the core."""
    rows, columns = core.shape
    wide, most = core.copy(), int(reach)
    for row in range(rows):
        for column in range(columns):
            if not core[row, column]:
                continue
            for dr in range(-most, most + 1):
                span = int(math.sqrt(max(reach * reach - dr * dr, 0.0)))
                if 0 <= row + dr < rows:
                    wide[row + dr, max(column - span, 0) : column + span + 1] = True
    return wide


@njit(cache=True)
def parts_of(value: Int32s) -> tuple[Int32s, int]:
    """The 8-connected parts of equal values from 0 on, numbered from 1 in the order of their first cells."""
    rows, columns = value.shape
    part, count = np.zeros((rows, columns), np.int32), 0
    stack = np.empty(rows * columns, np.int64)
    for first in range(rows * columns):
        if part.flat[first] > 0 or value.flat[first] < 0:
            continue
        count += 1
        part.flat[first], stack[0], size = count, first, 1
        while size > 0:
            size -= 1
            row, column = divmod(stack[size], columns)
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(column - 1, 0), min(column + 2, columns)):
                    if part[r, c] == 0 and value[r, c] == value[row, column]:
                        part[r, c], stack[size] = count, r * columns + c
                        size += 1
    return part, count


@njit(cache=True)
def beside_of(inside: Flags, other: Flags) -> Flags:
    """Cells of ``inside`` that touch a cell of ``other``."""
    rows, columns = inside.shape
    found = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            if inside[row, column]:
                near = other[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
                found[row, column] = near.any()
    return found


@njit(cache=True)
def steps_from(inside: Flags, seeds: Flags) -> Int32s:
    """Steps from the nearest seed through ``inside``, straight and diagonal in turn (octagonal); else -1."""
    rows, columns = inside.shape
    steps = np.full((rows, columns), -1, np.int32)
    now, size = np.empty(rows * columns, np.int64), 0
    for cell in range(rows * columns):
        if seeds.flat[cell]:
            steps.flat[cell], now[size], size = 0, cell, size + 1
    done, end, step = 0, size, 0
    while done < end:
        step += 1
        for k in range(done, end):
            row, column = divmod(now[k], columns)
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(column - 1, 0), min(column + 2, columns)):
                    straight = r == row or c == column
                    if inside[r, c] and steps[r, c] < 0 and (straight or step % 2 == 0):
                        steps[r, c], now[size], size = step, r * columns + c, size + 1
        done, end = end, size
    return steps


def banded(steps: Int32s, length: float) -> tuple[Int32s, int]:
    """The connected parts of each band of so many steps; where these are below 0, there is none."""
    return parts_of(np.where(steps < 0, -1, (steps / length).astype(np.int32)).astype(np.int32))


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


def scratch_for(shape: tuple[int, int]) -> Scratch:
    """What searches on a grid of this shape write on."""
    cells = math.prod(shape)
    ints = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    return Scratch(np.full(cells, -1, np.int64), np.empty(cells, np.int64), np.empty(cells, np.int32), *ints)


def scratch_of(world: World, shape: tuple[int, int]) -> Scratch:
    """What the searches of all robots on a grid of a world write on, one after the other; made once."""
    key = ("passages scratch", shape)
    if key not in world.derived:
        world.derived[key] = scratch_for(shape)
    made: Scratch = world.derived[key]
    return made


@uncounted
def clear(scratch: Scratch, size: int) -> None:
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


@uncounted
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


@uncounted
def draw_crowd(
    origin: Array, size: float, least: Int32s, wall: Int32s, keep_off: Array, blocked: Array, crowded: Array,
    rooms: Array, erased: bool,
) -> None:  # fmt: skip
    """Write what ``crowd_of`` gives into grids of zeros, or zeros again where that has been written."""
    for k in range(1 if erased else len(rooms)):  # the first is the largest
        _discs(origin, size, least, keep_off, rooms[k], 0 if erased else k + 1)
    _discs(origin, size, least, crowded, 1.0, 0 if erased else len(rooms))
    _discs(origin, size, wall, blocked, 1.0, 0 if erased else 1)


@uncounted
def rooms_too_near(origin: Array, size: float, keep_off: Array, rooms: Array, row: int, column: int) -> int:
    """What ``draw_crowd`` writes into one cell, but for those who are asked to move: without drawing."""
    count = 0
    for k in range(len(keep_off)):
        down = abs(row - int((keep_off[k, 1] - origin[1]) / size))
        across = abs(column - int((keep_off[k, 0] - origin[0]) / size))
        while count < len(rooms):
            reach = keep_off[k, 2] * rooms[count] / size
            if down > int(reach) or across > int(math.sqrt(max(reach * reach - down * down, 0.0))):
                break
            count += 1
    return count


@njit(cache=True)
def crowd_of(
    origin: Array, size: float, shape: tuple[int, int], keep_off: Array, blocked: Array, crowded: Array, rooms: Array
) -> tuple[Int32s, Int32s]:  # fmt: skip
    """Of each cell, for how many of the rooms (see ``way_aside``), largest first, it is too near to somebody.

    And whether the way must not come there.
    """
    least, wall = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    draw_crowd(origin, size, least, wall, keep_off, blocked, crowded, rooms, False)
    return least, wall


@njit(cache=True)
def way_through(
    scratch: Scratch, labels: Int32s, begins: Int64s, wanted: Flags, last: int, row: int, column: int, deep: bool
) -> Int64s:  # fmt: skip
    """The shortest way from a cell through wanted slices to the last one.

    Args:
        scratch: Of the grid.
        labels: As in ``Slices``.
        begins: The same.
        wanted: Whether the slice of this number is on the way, bool[count + 1].
        last: Number of the last one.
        row: Where the way begins.
        column: Where the way begins.
        deep: Whether it leads into the middle of the last one, and not only to where that begins: the middle of a slice
            beside a bay may be in the bay.

    Returns:
        Cells (row, column), int64[n, 2]; the first alone if there is no way.
    """
    columns = labels.shape[1]
    start, enough = row * columns + column, begins[last + 1] - begins[last] if deep else 1
    count, size = _spread(scratch, labels, wanted, last, start, enough)
    way = walk_back(scratch.before, scratch.depth[count // 2] if count > 0 else start, columns)
    clear(scratch, size)
    return way


@uncounted
def _spread(
    scratch: Scratch, labels: Int32s, wanted: Flags, last: int, start: int, enough: int
) -> tuple[int, int]:  # fmt: skip
    """The search of ``way_through``, until so many cells of the last slice are found; their count, and that of all."""
    rows, columns = labels.shape
    before, queue, found = scratch.before, scratch.queue, scratch.depth
    size, done, count = 1, 0, 0
    before[start], queue[0] = start, start
    while done < size and count < enough:
        cell = queue[done]
        done += 1
        row, column = divmod(cell, columns)
        if labels[row, column] == last:
            found[count] = cell
            count += 1
        for k in range(4):  # A diagonal step costs two: else ways dip into bays for nothing.
            r, c = row + STEPS[k][0], column + STEPS[k][1]
            if r < 0 or r >= rows or c < 0 or c >= columns or before[r * columns + c] >= 0:
                continue
            label = labels[r, c]
            if label > 0 and wanted[label]:
                before[r * columns + c], queue[size] = cell, r * columns + c
                size += 1
    return count, size


@uncounted
def labels_near(
    labels: Int32s, origin: Array, resolution: float, points: Array, distance: float, near: Flags, value: bool
) -> None:  # fmt: skip
    """Note the slices about so near to some points [m], in ``near``, bool[count + 1], by a value."""
    span = int(distance / resolution) + 1
    for k in range(len(points)):
        row, column = int((points[k, 1] - origin[1]) // resolution), int((points[k, 0] - origin[0]) // resolution)
        for r in range(max(row - span, 0), min(row + span + 1, labels.shape[0])):
            for c in range(max(column - span, 0), min(column + span + 1, labels.shape[1])):
                if labels[r, c] > 0:
                    near[labels[r, c]] = value


@uncounted
def comes_near(way: Array, points: Array, distance: float) -> bool:
    """Whether a way comes nearer than that to one of some points, float64[n, 2] each [m]."""
    for k in range(len(way)):
        for j in range(len(points)):
            if math.hypot(way[k, 0] - points[j, 0], way[k, 1] - points[j, 1]) < distance:
                return True
    return False


@uncounted
def is_inside(labels: Int32s, taken: Flags, row: int, column: int) -> bool:
    """Whether a cell and those around it are in slices that nobody has taken: a robot comes to no cell exactly."""
    for r in range(max(row - 2, 0), min(row + 3, labels.shape[0])):
        for c in range(max(column - 2, 0), min(column + 3, labels.shape[1])):
            if labels[r, c] > 0 and taken[labels[r, c]]:
                return False
    return labels[row, column] >= 0
