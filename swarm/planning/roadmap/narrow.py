"""Passages that a robot fits through although no cell's middle lies where it does: the lines along their middles.

The occupancy grid is about half a radius fine. Between two obstacles there is a line along which the robot has as much
room on one side as on the other; the cells that it runs through become free, with a point of it in place of their
middle. A passage counts as wide enough by the clearance of the roadmap, like everything else.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags
from swarm.model.geometry import COLUMNS
from swarm.model.passage import middle_line
from swarm.planning.roadmap.occupancy import NARROW, REACH, TOLERANCE, Roadmap, clearance_at
from swarm.scenario.world import World

# Beyond its ends a line goes on for so many clearances, to where cells are free by their middles.
_BEYOND = 2.0
# Points of a line, in cells.
_STEP = 0.2


@njit(cache=True)
def _note(roadmap: Roadmap, row: int, column: int, x: float, y: float, best: Array, points: Array) -> None:
    """Let a point stand for a cell that is not free by its middle, if no point before has as much clearance."""
    rows, columns = best.shape
    if row < 0 or row >= rows or column < 0 or column >= columns or np.isfinite(roadmap.cost[row, column]):
        return
    room = clearance_at(roadmap, x, y)
    if room >= roadmap.clearance and room > best[row, column]:
        best[row, column], points[row, column, 0], points[row, column, 1] = room, x, y


@njit(cache=True)
def _mark(roadmap: Roadmap, one: Array, other: Array, best: Array, points: Array) -> None:
    """Note, of the cells along the middle of a passage, the point with the most clearance."""
    x, y, dx, dy, half, width = middle_line(one, other)
    if not roadmap.clearance <= width <= roadmap.clearance + roadmap.resolution:
        return
    half += _BEYOND * roadmap.clearance
    count = int(half / (_STEP * roadmap.resolution)) + 1
    before_row, before_column = 0, 0
    for k in range(-count, count + 1):
        px, py = x + k / count * half * dx, y + k / count * half * dy
        row = math.floor((py - roadmap.origin[1]) / roadmap.resolution)
        column = math.floor((px - roadmap.origin[0]) / roadmap.resolution)
        _note(roadmap, row, column, px, py, best, points)
        if k > -count and row != before_row and column != before_column:  # no way leads over a corner
            _note(roadmap, before_row, column, px, py, best, points)
        before_row, before_column = row, column


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


def along_middles(world: World, free: Flags, origin: Array, resolution: float, radius: float) -> Flags:
    """Cells of a grid, beside those free by their middles, that the middle of a narrow place for a robot runs through.

    Args:
        world: The static map.
        free: Of each cell, row 0 at the bottom, bool[rows, columns].
        origin: Lower-left corner of the grid, world frame [m], float64[2].
        resolution: Side of a cell [m].
        radius: Of the robot [m].
    """
    clearance = radius / (1.0 - TOLERANCE)
    index, nothing = world.index(REACH * clearance), np.empty((0, COLUMNS))
    cost = np.where(free, 1.0, np.inf)
    grid = Roadmap(cost, origin, resolution, clearance, index, nothing, nothing[:, :3], False)
    found: Flags = _find(grid, index.obstacles)[0] > 0.0
    return found
