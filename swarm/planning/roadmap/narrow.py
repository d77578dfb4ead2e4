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
from swarm.model.geometry import middle_line
from swarm.planning.roadmap.occupancy import NARROW, Roadmap, clearance_at
from swarm.scenario.world import World

# Beyond its ends a line goes on for so many clearances, to where cells are free by their middles.
_BEYOND = 2.0
# Points of a line, in cells.
_STEP = 0.2


@njit(cache=True)
def _mark(roadmap: Roadmap, one: Array, other: Array, best: Array, points: Array) -> None:
    """Note, of the cells along the middle of a passage, the point with the most clearance."""
    x, y, dx, dy, half, width = middle_line(one, other)
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


def with_narrow(roadmap: Roadmap) -> Roadmap:
    """The roadmap with the cells along the middles of passages free as well."""
    best, points = _find(roadmap, roadmap.obstacles.obstacles)
    rows, columns = np.nonzero(best)
    cost = roadmap.cost.copy()
    cost[rows, columns] = NARROW
    narrow = np.column_stack([rows * cost.shape[1] + columns, points[rows, columns]]).astype(np.float64)
    return roadmap._replace(cost=cost, narrow=narrow)


def narrow_of(world: World, roadmap: Roadmap) -> Roadmap:
    """``with_narrow`` of a world's roadmap; made once."""
    key = ("narrow", roadmap.clearance, roadmap.resolution)
    if key not in world.derived:
        world.derived[key] = with_narrow(roadmap)
    made: Roadmap = world.derived[key]
    return made
