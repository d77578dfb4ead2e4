"""The way left of a car to its goal, at least: that of a disc as wide as its body at its narrowest."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.planning.cars.space import CarSpace
from swarm.planning.graph.fields import weighted_field
from swarm.scenario.obstacle_index import room_around


class Left(NamedTuple):
    """The way left to a goal for a disc as wide as the body at its narrowest, on a grid."""

    values: Array  # float64[rows, columns] [m]; inf where there is none
    origin: Array  # float64[2] [m], lower-left corner
    size: float  # of a cell [m]


@njit(cache=True)
def way_left(space: CarSpace, thin: float, goal: Array, size: float) -> Left:
    """The way left to a goal from everywhere; ``thin``: half of the least width [m]; ``size``: of a cell [m]."""
    bounds = space.bounds
    columns, rows = max(1, math.ceil((bounds[2] - bounds[0]) / size)), max(1, math.ceil((bounds[3] - bounds[1]) / size))
    cost, best, row, column = np.full((rows, columns), np.inf), np.inf, -1, -1
    for r in range(rows):
        for c in range(columns):
            x, y = bounds[0] + (c + 0.5) * size, bounds[1] + (r + 0.5) * size
            if room_around(space.obstacles, space.others, x, y, 2.0 * thin) > thin - 0.5 * size:
                cost[r, c] = 1.0
                away = math.hypot(x - goal[0], y - goal[1])
                if away < best:
                    best, row, column = away, r, c
    values, _ = weighted_field(cost, row, column)
    return Left(values * size, bounds[:2].copy(), size)


@njit(cache=True)
def left_at(left: Left, goal: Array, x: float, y: float) -> float:
    """The way left from a point [m]; at least the straight one."""
    rows, columns = left.values.shape
    row, column = int((y - left.origin[1]) / left.size), int((x - left.origin[0]) / left.size)
    least = np.inf
    for r in range(max(row - 1, 0), min(row + 2, rows)):
        for c in range(max(column - 1, 0), min(column + 2, columns)):
            least = min(least, left.values[r, c])
    return max(least, math.hypot(goal[0] - x, goal[1] - y))
