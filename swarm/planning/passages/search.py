"""Searches on the grid of the slices: which way another robot comes, where to go out of it, how far to drive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.planning.passages.grid import (
    STEPS,
    Scratch,
    clear,
    draw_crowd,
    is_inside,
    rooms_too_near,
    walk_back,
    way_through,
)
from swarm.planning.passages.slices import label_at, labels_along, may_pass
from swarm.planning.roadmap.occupancy import Roadmap, cell_at, kept_at, middles, visible, whole
from swarm.planning.roadmap.waypoints import W_SLICE, Field, way_ahead

Along = tuple[Int64s, Array, Int64s, Int64s, int, float]
"""What ``slices_along`` tells."""
BESIDE = 3
"""So many points of a way, at most, are beside the robot: cells that it may come from."""
_MANY = 128  # Cells; if more are looked at, the discs that keep off are drawn: mostly one or two are enough.
_ABOUT = 8  # Steps by which a place that was chosen before may be farther than another.


@njit(cache=True)
def way_of(
    scratch: Scratch, roadmap: Roadmap, labels: Int32s, begins: Int64s, wanted: Flags, near: int, end: int, whole: bool,
    place: Array, row: int, column: int, taken: Flags,
) -> Array:  # fmt: skip
    """Where another robot comes, as far as it tells, world frame [m], float64[n, 2]; the slices there are taken then.

    Args:
        scratch: Of the grid.
        roadmap: Where the robot may drive, on the grid of the labels.
        labels: As in ``Slices``.
        begins: The same.
        wanted: The slices that it tells, bool[count + 1].
        near: The last one but one of these; of a long way, what is between it and the last one is not told.
        end: The last one.
        whole: Whether there is no other.
        place: Where it is [m], float64[2].
        row: The cell where it is, if its place is not known; else -1.
        column: The same.
        taken: Whether somebody has or wants a slice, bool[count + 1], changed in place.
    """
    if row < 0:
        row, column = cell_at(roadmap, place[0], place[1])
    first = way_through(scratch, labels, begins, wanted, near, max(row, 0), max(column, 0), whole)
    row, column = first[-1, 0], first[-1, 1]
    rest = way_through(scratch, labels, begins, np.ones_like(wanted), end, row, column, True)
    way, count = np.empty((len(first) + len(rest), 2)), len(first)
    for k in range(len(way)):
        row, column = (first[k, 0], first[k, 1]) if k < count else (rest[k - count, 0], rest[k - count, 1])
        way[k, 0] = roadmap.origin[0] + (column + 0.5) * roadmap.resolution
        way[k, 1] = roadmap.origin[1] + (row + 0.5) * roadmap.resolution
        label = label_at(labels, roadmap.origin, roadmap.resolution, way[k, 0], way[k, 1])
        taken[label] = taken[label] or label > 0
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
    columns, place = labels.shape[1], -1
    if np.isfinite(kept[0]):
        end_row, end_column = cell_at(roadmap, kept[0], kept[1])
        place = end_row * columns + end_column
    row, column = cell_at(roadmap, start[0], start[1])
    if row < 0:  # it fits nowhere
        return np.empty((0, 2)), limit
    nearest = max(labels[row, column], 0)
    if closed[nearest] and nearest != label_at(labels, roadmap.origin, roadmap.resolution, start[0], start[1]):
        return np.empty((0, 2)), limit  # beside a wall at the edge of its slice: the next cell is in another's
    around = taken, closed, keep_off, blocked, crowded, rooms
    found, limit, size, drawn = _place_aside(scratch, roadmap, labels, row * columns + column, *around, limit, place)
    way = middles(roadmap, walk_back(scratch.before, found, columns)) if found >= 0 else np.empty((0, 2))
    clear(scratch, size)
    grid = roadmap.origin, roadmap.resolution, scratch.least, scratch.wall
    draw_crowd(*grid, keep_off[:drawn], blocked, crowded, rooms, True)
    return way, limit


@uncounted
def _place_aside(
    scratch: Scratch, roadmap: Roadmap, labels: Int32s, first: int, taken: Flags, closed: Flags, keep_off: Array,
    blocked: Array, crowded: Array, rooms: Array, limit: int, place: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """The search of ``way_aside`` from a flat cell on; ``place``: the cell that was chosen before, or -1.

    It gives the cell, -1 for none; which of the rooms there is; how many cells and of ``keep_off`` were looked at.
    """
    rows, columns = labels.shape
    before, queue, depth, least, wall = scratch
    grid, drawn, looked = (roadmap.origin, roadmap.resolution, least, wall), 0, 0
    draw_crowd(*grid, keep_off[:0], blocked, crowded, rooms, False)
    size, done, found, most = 1, 0, -1, rows * columns
    before[first], queue[0], depth[first] = first, first, 0
    while done < size and depth[queue[done]] <= most:
        cell = queue[done]
        done += 1
        row, column = divmod(cell, columns)
        label = labels[row, column]
        if is_inside(labels, taken, row, column):
            near = least[row, column]
            if drawn < len(keep_off):
                near = max(near, rooms_too_near(roadmap.origin, roadmap.resolution, keep_off, rooms, row, column))
                looked += 1
            if looked == _MANY:
                drawn, looked = len(keep_off), 0
                draw_crowd(*grid, keep_off, blocked, crowded, rooms, False)
            if near < limit or (cell == place and found >= 0 and near == limit):
                found, limit = cell, near
                if limit == 0:
                    if place < 0 or cell == place:
                        break
                    most = min(most, depth[cell] + _ABOUT)
        for down, right in STEPS:
            r, c = row + down, column + right
            if r < 0 or r >= rows or c < 0 or c >= columns or before[r * columns + c] >= 0:
                continue
            there, entered = r * columns + c, max(labels[r, c], 0)
            open_cell = np.isfinite(roadmap.cost[r, c]) and (not wall[r, c] or wall[row, column])
            open_cell = open_cell and (not closed[entered] or entered == label)
            if open_cell and np.isfinite(roadmap.cost[row, c]) and np.isfinite(roadmap.cost[r, column]):
                before[there], queue[size], depth[there], size = cell, there, depth[cell] + 1, size + 1
    return found, limit, size, drawn


@njit(cache=True)
def slices_along(labels: Int32s, origin: Array, resolution: float, length: float, path: Array) -> Along:
    """The slices on a way, float64[n, 2] or poses float64[n, 3] (see ``swarm.planning.passages.route.Leg``).

    Returns:
        The labels of the points, int64[n]; the way to each [m], float64[n]; the slices in the order in which the way
        comes to them, int64[k], and at which points it does, int64[k]; how many of these there are up to a gap longer
        than ``length`` [m]; the way to the first of them [m], inf if there is none.
    """
    return _met(labels_along(labels, origin, resolution, path), length, path)


@njit(cache=True)
def _met(numbers: Int64s, length: float, path: Array) -> Along:
    """What ``slices_along`` tells, by the labels of the points."""
    steps, order, firsts = np.empty(len(path)), np.empty(len(path), np.int64), np.empty(len(path), np.int64)
    count, ahead, last, done = 0, -1, -1, 0.0
    for k in range(len(path)):
        if k > 0:
            dx, dy = path[k, 0] - path[k - 1, 0], path[k, 1] - path[k - 1, 1]
            done += math.sqrt(dx * dx + dy * dy)
        steps[k] = done
        if numbers[k] <= 0:
            continue
        if ahead < 0 and last >= 0 and done - steps[last] > length:
            ahead = count
        if last < 0 or numbers[last] != numbers[k]:
            known = False
            for j in range(count):
                known = known or order[j] == numbers[k]
            if not known:
                order[count], firsts[count], count = numbers[k], k, count + 1
        last = k
    distance = steps[firsts[0]] if count > 0 else np.inf
    return numbers, steps, order[:count].copy(), firsts[:count].copy(), count if ahead < 0 else ahead, distance


@njit(cache=True)
def leg_ahead(
    labels: Int32s, length: float, field: Field, known: Array, position: Array, goal: Array, most: int, *parts: Any
) -> tuple[float, Array, Array, Array, Along]:  # fmt: skip
    """The way of a robot to its goal, and the slices on it.

    Args:
        labels: As in ``Slices``.
        length: Of a slice [m].
        field: This and the next four: as of ``way_ahead``.
        known: The cells of the way of before.
        position: Of the robot [m].
        goal: Its goal [m].
        most: Points of the way.
        parts: Of the roadmap, on the grid of the labels (``flat``).

    Returns:
        Its length [m] and waypoint [m], float64[2]; its cells; its points, without those at its begin that are in
        another slice than the robot; and what ``slices_along`` tells of them.
    """
    roadmap = whole(parts)
    straight = math.sqrt((goal[0] - position[0]) ** 2 + (goal[1] - position[1]) ** 2)
    x, y, left, path, cells, stride = way_ahead(roadmap, field, known, position, goal, straight, most)
    origin, resolution = roadmap.origin, roadmap.resolution
    numbers, on_cells = np.empty(len(path), np.int64), len(path) - 1 if stride > 0 else 0
    for k in range(len(path)):
        cell = min(k * stride, len(cells) - 1)
        before = cells[cell, W_SLICE] if k < on_cells else np.nan
        numbers[k] = label_at(labels, origin, resolution, path[k, 0], path[k, 1]) if np.isnan(before) else int(before)
        if k < on_cells and np.isnan(before):
            cells[cell, W_SLICE] = numbers[k]
    here = label_at(labels, origin, resolution, position[0], position[1])
    if here > 0:
        for k in range(min(BESIDE, len(path))):
            if numbers[k] == here:
                path, numbers = path[k:], numbers[k:]
                break
    return left, np.array((x, y)), cells, path, _met(numbers, length, path)


@uncounted
def straight_through(
    roadmap: Roadmap, labels: Int32s, allowed: Flags, start: Array, end: Array, clearance: float
) -> bool:
    """Whether a disc of this clearance [m] may go straight from a point to another [m], float64[2] each."""
    seen = visible(roadmap, clearance, start[0], start[1], end[0], end[1])
    return seen and may_pass(labels, roadmap.origin, roadmap.resolution, allowed, start, end)


@uncounted
def _is_on_the_way(path: Array, stop: int, target: Array) -> bool:
    """Whether a target lies on the first ``stop`` points of a way, and not at the very first.

    That is the cell beside the robot, to any side of it: an error of its position decides to which.
    """
    nearest, least = 0, np.inf
    for k in range(len(path)):
        dx, dy = path[k, 0] - target[0], path[k, 1] - target[1]
        away = math.sqrt(dx * dx + dy * dy)
        if away < least:
            nearest, least = k, away
            if away == 0.0:
                break
    return 0 < nearest < stop


@uncounted
def look_ahead(
    roadmap: Roadmap, labels: Int32s, allowed: Flags, start: Array, path: Array, stop: int, ends: bool, target: Array
) -> tuple[int, float]:  # fmt: skip
    """Which point of a way to drive to, straight and through allowed slices (-1: its target), and what is kept [m].

    Args:
        roadmap: Where the robot may drive.
        labels: As in ``Slices``.
        allowed: Where the robot may be, bool[count + 1].
        start: Where it is [m], float64[2].
        path: The way [m], float64[n, 2].
        stop: How many of its points may be driven to.
        ends: Whether a target beyond these may not.
        target: Where the robot would drive if nothing were reserved [m], float64[2]; NaN: along the way.
    """
    keep = kept_at(roadmap, start)
    near = np.isfinite(target[0]) and _is_on_the_way(path, stop if ends else len(path), target)
    if near and straight_through(roadmap, labels, allowed, start, target, keep):
        return -1, keep
    return _farthest(roadmap, labels, allowed, start, path, stop, keep), keep


@uncounted
def _farthest(
    roadmap: Roadmap, labels: Int32s, allowed: Flags, start: Array, path: Array, stop: int, clearance: float
) -> int:
    """The last of the first ``stop`` points of a way that is in sight; at least the second, if there is one."""
    low, step = min(1, stop - 1), 8
    while step > 0:
        while low + step < stop and straight_through(roadmap, labels, allowed, start, path[low + step], clearance):
            low += step
        step //= 8
    return low
