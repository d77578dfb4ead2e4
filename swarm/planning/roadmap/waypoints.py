"""The shortest way around a static map: a distance field over the roadmap, and waypoints by line of sight.

The waypoint is the farthest point down the field that a disc of the robot's radius reaches in a straight line, so that
the way is smooth although the field is not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.kernel_cache.references import inlined, uncounted
from swarm.planning.graph.fields import field_key, weighted_field
from swarm.planning.roadmap.occupancy import (
    SLACK,
    TOLERANCE,
    Roadmap,
    cell_at,
    clearance_at,
    cost_among_others,
    middle,
    visible,
)

TOO_FAR = -1.0
"""Length of a way that begins where the field is not known yet."""
# A robot that drives along its heading only lines up for the next cell, if that is not straight ahead, by way of a cell
# so many cells away at most, to which it leaves a wall by so much (a share of the clearance). In sight means with so
# much of the tolerance used up, of that cell with less, so that the robot does not go to and fro.
_AROUND, _AWAY, _SPARE, _SPARER = 3, 0.002, 0.6, 0.5

W_CELL, W_X, W_Y, W_SLICE, WAY = range(5)
"""Columns of the cells down a field, float64[n, ``WAY``]: flat cell, its ``middle`` [m], its slice (NaN: unknown)."""


class Field(NamedTuple):
    """The way left to one goal from the cells of a part of the grid.

    Attributes:
        values: Way left [cells], float64[h, w]; inf where there is none.
        row: Of the grid, the first one of this part; there is no way from cells outside of it.
        column: The first column.
        limit: Values of cells whose ``field_key`` is above this may be too large; inf if there are none.
        from_row: Where the way begins, for that key.
        from_column: The same.
    """

    values: Array
    row: int
    column: int
    limit: float
    from_row: int
    from_column: int


@njit(cache=True)
def field_to(roadmap: Roadmap, goal: Array, position: Array) -> Field:
    """The way left to a goal from a position, and from where the robot may get on the way (world frame [m])."""
    cost = cost_among_others(roadmap) if len(roadmap.others) > 0 else roadmap.cost
    row, column = cell_at(roadmap, goal[0], goal[1])
    from_row, from_column = cell_at(roadmap, position[0], position[1])
    values, limit = weighted_field(cost, row, column, from_row, from_column)
    low, high, left, right = len(values), 0, values.shape[1], 0
    for r in range(values.shape[0]):
        for c in range(values.shape[1]):
            if values[r, c] < np.inf:
                low, high, left, right = min(low, r), max(high, r + 1), min(left, c), max(right, c + 1)
    return Field(values[low:high, left:right].copy(), low, left, limit, from_row, from_column)


@inlined
def _left(field: Field, row: int, column: int) -> float:
    """The way left from a cell [cells]."""
    r, c = row - field.row, column - field.column
    if r < 0 or r >= field.values.shape[0] or c < 0 or c >= field.values.shape[1]:
        return np.inf
    return field.values[r, c]


@inlined
def _is_known(field: Field, row: int, column: int, left: float) -> bool:
    """Whether that much is left from a cell [cells]; else it is beyond what has been looked at."""
    return field.limit == np.inf or field_key(left, row, column, field.from_row, field.from_column) <= field.limit


@uncounted
def _downhill(field: Field, row: int, column: int) -> tuple[int, int]:
    """The neighbouring cell with the least way left; the cell itself at the goal."""
    best, to_row, to_column = _left(field, row, column), row, column
    for dr in range(-1, 2):
        for dc in range(-1, 2):
            left = _left(field, row + dr, column + dc)
            if not left < best:
                continue
            if np.isfinite(_left(field, row, column + dc)) and np.isfinite(_left(field, row + dr, column)):
                best, to_row, to_column = left, row + dr, column + dc
    return to_row, to_column


@uncounted
def _farthest_in_sight(
    roadmap: Roadmap, field: Field, row: int, column: int, clearance: float, position: Array, cells: Array
) -> tuple[int, int]:
    """The last cell down the field, from one on, that is in sight; at least the next one (see ``waypoint_along``)."""
    seen_row, seen_column, seen = row, column, 0
    for stride in (8, 1):
        while True:
            far_row, far_column = seen_row, seen_column
            far = min(seen + stride, len(cells) - 1)
            if far >= 0:
                far_row, far_column = divmod(int(cells[far, W_CELL]), roadmap.cost.shape[1])
            else:
                for _ in range(stride):
                    far_row, far_column = _downhill(field, far_row, far_column)
            x, y = middle(roadmap, far_row, far_column)
            at_end = far_row == seen_row and far_column == seen_column
            if at_end or not visible(roadmap, clearance, position[0], position[1], x, y):
                break
            seen_row, seen_column, seen = far_row, far_column, far
    if seen_row != row or seen_column != column:
        return seen_row, seen_column
    if roadmap.turns:
        return _lined_up(roadmap, field, row, column, position)
    return _downhill(field, row, column)


@uncounted
def _lined_up(roadmap: Roadmap, field: Field, row: int, column: int, position: Array) -> tuple[int, int]:
    """The next cell, or the cell nearby from which it is straight ahead if it is not from here."""
    next_row, next_column = _downhill(field, row, column)
    next_x, next_y = middle(roadmap, next_row, next_column)
    x, y = position[0], position[1]
    wide, wider = ((1.0 - _SPARE * TOLERANCE) * roadmap.clearance, (1.0 - _SPARER * TOLERANCE) * roadmap.clearance)
    if visible(roadmap, wide, x, y, next_x, next_y):
        return next_row, next_column
    room = min(clearance_at(roadmap, x, y), wide)
    best, best_row, best_column = np.inf, next_row, next_column
    for r in range(row - _AROUND, row + _AROUND + 1):
        for c in range(column - _AROUND, column + _AROUND + 1):
            if _left(field, r, c) == np.inf:
                continue
            to_x, to_y = middle(roadmap, r, c)
            way = math.hypot(to_x - x, to_y - y) + math.hypot(next_x - to_x, next_y - to_y)
            if way >= best or not visible(roadmap, wider, to_x, to_y, next_x, next_y):
                continue
            leaves = clearance_at(roadmap, x + 0.25 * (to_x - x), y + 0.25 * (to_y - y))
            if leaves >= min(room + _AWAY * roadmap.clearance, wide) and visible(
                roadmap, room - SLACK, x, y, to_x, to_y
            ):
                best, best_row, best_column = way, r, c
    return best_row, best_column


@njit(cache=True)
def waypoint(roadmap: Roadmap, field: Field, position: Array, goal: Array) -> tuple[float, float, float]:
    """``waypoint_along`` where the cells of the way are not known."""
    return waypoint_along(roadmap, field, position, goal, np.empty((0, WAY)))


@uncounted
def waypoint_along(
    roadmap: Roadmap, field: Field, position: Array, goal: Array, cells: Array
) -> tuple[float, float, float]:
    """Where to drive next: the farthest point on the way to the goal that is in sight.

    Args:
        roadmap: Where the robot may drive.
        field: Of its goal.
        position: Of the robot, world frame [m], float64[2].
        goal: World frame [m], float64[2].
        cells: Those down the field, from that of the robot on, float64[n, ``WAY``]; or none.

    Returns:
        x, y [m] and the length of the whole way to the goal [m]. If there is no way, the goal and infinity; if the
        field does not reach that far, the goal and ``TOO_FAR``.
    """
    if field.values.size == 0:
        return goal[0], goal[1], np.inf
    x, y = position[0], position[1]
    row, column = cell_at(roadmap, x, y)
    left = _left(field, row, column)
    if not _is_known(field, row, column, left):
        return goal[0], goal[1], TOO_FAR
    if left == np.inf:
        return goal[0], goal[1], np.inf
    straight = math.sqrt((goal[0] - x) ** 2 + (goal[1] - y) ** 2)
    if straight < 2.0 * roadmap.resolution or left < 1.5:
        return goal[0], goal[1], straight
    room = clearance_at(roadmap, x, y)
    if room >= (1.0 - TOLERANCE) * roadmap.clearance:
        keep = min(roadmap.clearance, room - SLACK)
        if visible(roadmap, keep, x, y, goal[0], goal[1]):
            return goal[0], goal[1], straight
        row, column = _farthest_in_sight(roadmap, field, row, column, keep, position, cells)
    # else nearer to a wall than the way may be: out to the nearest free cell first.
    to_x, to_y = middle(roadmap, row, column)
    left = _left(field, row, column) * roadmap.resolution
    return to_x, to_y, left + math.sqrt((to_x - x) ** 2 + (to_y - y) ** 2)


@njit(cache=True)
def trace(roadmap: Roadmap, field: Field, x: float, y: float, most: int) -> Array:
    """The way from a point on (world frame [m]): at most ``most`` middles of cells down the field, float64[n, 2]."""
    path = np.empty((most, 2))
    row, column = cell_at(roadmap, x, y)
    stride = max(1, int(_left(field, row, column) / most) + 1)
    count = 0
    while count < most:
        path[count] = middle(roadmap, row, column)
        count += 1
        before_row, before_column = row, column
        for _ in range(stride):
            row, column = _downhill(field, row, column)
        if row == before_row and column == before_column:
            break
    return path[:count]


@njit(cache=True)
def _chain(roadmap: Roadmap, field: Field, row: int, column: int, known: Array) -> Array:
    """The cells down the field from one on to its end, float64[n, ``WAY``]; once they meet those ``known``, these."""
    columns, most = roadmap.cost.shape[1], int(_left(field, row, column)) + 3  # a step costs one at least
    found, count, k = np.empty((0, WAY)), 0, 0
    while True:
        cell, left = row * columns + column, _left(field, row, column)
        while k < len(known) and _left(field, int(known[k, W_CELL]) // columns, int(known[k, W_CELL]) % columns) > left:
            k += 1
        if k < len(known) and int(known[k, W_CELL]) == cell:
            if count > k:  # else what comes before these is behind the robot
                return np.concatenate((found[:count], known[k:]))
            known[k - count : k] = found[:count]
            return known[k - count :]
        if count == 0:
            found = np.empty((most, WAY))
        found[count, W_CELL], found[count, W_SLICE] = cell, np.nan
        found[count, W_X], found[count, W_Y] = middle(roadmap, row, column)
        count += 1
        next_row, next_column = _downhill(field, row, column)
        if next_row == row and next_column == column:
            return found[:count].copy()
        row, column = next_row, next_column


@njit(cache=True)
def points_between(start: Array, end: Array, count: int) -> Array:
    """Points of a straight line as ``np.linspace`` gives them, float64[count, 2]; at least two."""
    line, step = np.empty((count, 2)), (end - start) / (count - 1)
    still = step[0] == 0.0 or step[1] == 0.0
    for k in range(count):
        for axis in range(2):
            way = k / (count - 1) * (end[axis] - start[axis]) if still else k * step[axis]
            line[k, axis] = way + start[axis]
    line[-1] = end
    return line


@njit(cache=True)
def way_ahead(
    roadmap: Roadmap, field: Field, known: Array, position: Array, goal: Array, straight: float, most: int
) -> tuple[float, float, float, Array, Array, int]:  # fmt: skip
    """The ``waypoint``, and about ``most`` points of the way to the goal, float64[n, 2] [m]; none if there is no way.

    Args:
        roadmap: Where the robot may drive.
        field: Of its goal.
        known: The cells of the way of before, as they come last but one, of the same field, or none; written on.
        position: Of the robot, world frame [m], float64[2].
        goal: World frame [m], float64[2].
        straight: How far away that is [m].
        most: Points of the way.

    Returns:
        x, y and length [m] of ``waypoint``; the points; the cells, float64[n, ``WAY``]; every how many-th of these is
        a point, up to the goal behind the last one (0: the points are a straight line to the goal).
    """
    cells = known
    row, column = cell_at(roadmap, position[0], position[1])
    begin = _left(field, row, column)
    if begin < np.inf and _is_known(field, row, column, begin):
        cells = _chain(roadmap, field, row, column, known)
    x, y, left = waypoint_along(roadmap, field, position, goal, cells)
    if left == TOO_FAR or left == np.inf:
        return x, y, left, np.empty((0, 2)), known, 0
    if straight < 2.0 * roadmap.resolution:
        return x, y, left, points_between(position, goal, 2), cells, 0
    if x == goal[0] and y == goal[1]:
        count = max(2, math.ceil(straight / roadmap.resolution) + 1)
        return x, y, left, points_between(position, goal, count), cells, 0
    stride = max(1, int(begin / most) + 1)
    count = (len(cells) - 2 + stride) // stride + 1
    path = np.empty((count + 1, 2))
    for k in range(count):
        cell = min(k * stride, len(cells) - 1)
        path[k, 0], path[k, 1] = cells[cell, W_X], cells[cell, W_Y]
    path[count] = goal
    return x, y, left, path, cells, stride
