"""Simultaneous moves on a grid, made safe: whatever robots want, what they do has no conflict."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.planning.graph.moves import moved


@njit(cache=True)
def _wanted(cells: Int64s, moves: Int64s, free: Flags) -> tuple[Int64s, Int64s]:
    """Flat cells now and after the moves; moves into walls or out of the map, and no moves at all, stay."""
    rows, columns = free.shape
    n = cells.shape[0]
    here = np.empty(n, dtype=np.int64)
    there = np.empty(n, dtype=np.int64)
    for robot in range(n):
        here[robot] = cells[robot, 0] * columns + cells[robot, 1]
        row, column = moved(cells[robot, 0], cells[robot, 1], moves[robot])
        inside = 0 <= row < rows and 0 <= column < columns
        there[robot] = row * columns + column if inside and free[row, column] else here[robot]
    return here, there


@njit(cache=True)
def _drop_contested(
    here: Int64s,
    there: Int64s,
    priority: Array,
    soft: bool,
    occupant: Int32s,
    winner: Int32s,
) -> Flags:
    """Who stays because of a swap or a contested cell; ``winner`` names the one robot that enters each cell."""
    n = here.shape[0]
    stays: Flags = here == there
    for robot in range(n):
        other = occupant[there[robot]]
        if other >= 0 and other != robot and there[other] == here[robot]:
            stays[robot] = True
    for robot in range(n):
        if stays[robot]:
            continue
        rival = winner[there[robot]]
        if rival < 0:
            winner[there[robot]] = robot
        elif soft:
            stays[robot] = stays[rival] = True
        elif priority[robot] > priority[rival]:
            stays[rival] = True
            winner[there[robot]] = robot
        else:
            stays[robot] = True
    return stays


@njit(cache=True)
def resolve(
    cells: Int64s,
    moves: Int64s,
    free: Flags,
    priority: Array,
    soft: bool,
) -> Int64s:
    """Carry out simultaneous moves as far as they are free of conflict; O(robots + cells).

    Reverted are moves into walls, swaps, moves into contested cells, and moves after a robot that stays, along the
    whole chain. Rings of three and more robots may turn.

    Args:
        cells: Where each robot is (row, column), int64[n, 2]; all different and free.
        moves: 0 to 4, see ``swarm.planning.graph.moves``, int64[n]; anything else stays.
        free: Where robots may be, bool[rows, columns].
        priority: Of each robot, float64[n]; not read if ``soft``.
        soft: True: nobody enters a contested cell (POGEMA's "soft" collisions). False: the one with the highest
            priority does, the first in order among equals.

    Returns:
        Where each robot is then (row, column), int64[n, 2].
    """
    columns = free.shape[1]
    n = cells.shape[0]
    here, there = _wanted(cells, moves, free)
    occupant = np.full(free.size, -1, dtype=np.int32)
    winner = np.full(free.size, -1, dtype=np.int32)
    for robot in range(n):
        occupant[here[robot]] = robot
    stays = _drop_contested(here, there, priority, soft, occupant, winner)
    # Whoever wants the cell of a robot that stays, stays too; each robot is put on the stack once.
    stack = np.empty(n, dtype=np.int64)
    depth = 0
    for robot in range(n):
        if stays[robot]:
            stack[depth] = robot
            depth += 1
    while depth > 0:
        depth -= 1
        follower = winner[here[stack[depth]]]
        if follower >= 0 and not stays[follower]:
            stays[follower] = True
            stack[depth] = follower
            depth += 1
    result = np.empty((n, 2), dtype=np.int64)
    for robot in range(n):
        cell = here[robot] if stays[robot] else there[robot]
        result[robot, 0], result[robot, 1] = cell // columns, cell % columns
    return result
