"""Passages that a robot fits through although no cell's middle lies where it does: the lines along their middles.

The occupancy grid is about half a radius fine. Between two obstacles there is a line along which the robot has as much
room on one side as on the other; the cells that it runs through become free, with a point of it in place of their
middle. A passage counts as wide enough by the clearance of the roadmap, like everything else.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.planning.roadmap.occupancy import NARROW, Roadmap, clearance_at

# Beyond its ends a line goes on for so many clearances, to where cells are free by their middles.
_BEYOND = 2.0
# Points of a line, in cells.
_STEP = 0.2


@njit(cache=True)
def _facing(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float, bool]:
    """On one axis: the stretch between two intervals, or what they have in common, and whether they are apart."""
    first, last = max(low, other_low), min(high, other_high)
    return (last, first, True) if first > last else (first, last, False)


@njit(cache=True)
def _middle_line(one: Array, other: Array) -> tuple[float, float, float, float, float, float]:
    """Middle of the passage between two obstacles [m]: a point, a direction, half a length; and half of its width."""
    x0, x1, apart_x = _facing(one[0] - one[2], one[0] + one[2], other[0] - other[2], other[0] + other[2])
    y0, y1, apart_y = _facing(one[1] - one[3], one[1] + one[3], other[1] - other[3], other[1] + other[3])
    across_x, across_y = x1 - x0 if apart_x else 0.0, y1 - y0 if apart_y else 0.0
    length = math.hypot(across_x, across_y)
    if length == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    across_x, across_y = math.copysign(across_x, other[0] - one[0]), math.copysign(across_y, other[1] - one[1])
    ux, uy, shift = across_x / length, across_y / length, 0.5 * (one[4] - other[4])
    half = 0.0 if apart_x and apart_y else 0.5 * (y1 - y0 if apart_x else x1 - x0)
    x, y = 0.5 * (x0 + x1) + shift * ux, 0.5 * (y0 + y1) + shift * uy
    return x, y, -uy, ux, half, 0.5 * (length - one[4] - other[4])


@njit(cache=True)
def _mark(roadmap: Roadmap, one: Array, other: Array, best: Array, points: Array) -> None:
    """Note, of the cells along the middle of a passage, the point with the most clearance."""
    x, y, dx, dy, half, width = _middle_line(one, other)
    if not roadmap.clearance <= width <= roadmap.clearance + roadmap.resolution:
        return
    rows, columns = best.shape
    half += _BEYOND * roadmap.clearance
    count = int(half / (_STEP * roadmap.resolution)) + 1
    for k in range(-count, count + 1):
        px, py = x + k / count * half * dx, y + k / count * half * dy
        row = math.floor((py - roadmap.origin[1]) / roadmap.resolution)
        column = math.floor((px - roadmap.origin[0]) / roadmap.resolution)
        if row < 0 or row >= rows or column < 0 or column >= columns or np.isfinite(roadmap.cost[row, column]):
            continue
        room = clearance_at(roadmap, px, py)
        if room >= roadmap.clearance and room > best[row, column]:
            best[row, column], points[row, column, 0], points[row, column, 1] = room, px, py


@njit(cache=True)
def _find(roadmap: Roadmap, obstacles: Array) -> tuple[Array, Array]:
    rows, columns = roadmap.cost.shape
    best, points = np.zeros((rows, columns)), np.empty((rows, columns, 2))
    for i in range(len(obstacles)):
        for j in range(i):
            _mark(roadmap, obstacles[i], obstacles[j], best, points)
    return best, points


def with_passages(roadmap: Roadmap) -> Roadmap:
    """The roadmap with the cells along the middles of passages free as well."""
    best, points = _find(roadmap, roadmap.obstacles.obstacles)
    rows, columns = np.nonzero(best)
    cost = roadmap.cost.copy()
    cost[rows, columns] = NARROW
    narrow = np.column_stack([rows * cost.shape[1] + columns, points[rows, columns]]).astype(np.float64)
    return roadmap._replace(cost=cost, narrow=narrow)
