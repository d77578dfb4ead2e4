"""Guidance: rank the five moves by a short look ahead in space and time at where others say they will be.

A dynamic programme over the next steps finds the cheapest way towards the goal, where being in one cell with another
robot's announced way, or swapping with it, costs extra. The costs of the five first moves become the ranking that
priority inheritance works with (compare local guidance for lifelong multi-agent path finding, Arita and Okumura, 2026;
here every robot does it alone, from what it hears).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int8s, Int16s, Int64s

_MOVE = 0.05  # Extra cost of moving instead of waiting: otherwise to and fro is as good as waiting [steps].
_KEEP = 0.3  # Advantage of the move that was meant to come next when it last looked [steps].


@njit(cache=True)
def _mark_windows(
    windows: Int64s,
    offsets: Int64s,
    box: tuple[int, int, int, int],
    columns: int,
    who: Int16s,
) -> None:
    """Write into who[step, local cell] which robot says that it will be there (the last one that says so).

    A robot holds the next cell before it enters it, so each is marked one step early as well, unless another is there.
    """
    top, left, height, width = box
    for early in range(1, -1, -1):
        for robot in range(windows.shape[0]):
            for step in range(who.shape[0]):
                index = max(step - offsets[robot] + early, 0)
                if index >= windows.shape[1]:
                    break
                row = windows[robot, index] // columns - top
                column = windows[robot, index] % columns - left
                if 0 <= row < height and 0 <= column < width:
                    who[step, row * width + column] = robot


@njit(cache=True)
def _first_moves(
    step: int,
    row: int,
    column: int,
    free: Flags,
    step_cost: Array,
    box: tuple[int, int, int, int],
    who: Int16s,
    weights: Array,
    value: Array,
    cost: Array,
) -> int:
    """Cost of the five moves from a local cell at a step, into ``cost``; returns the cheapest."""
    top, left, height, width = box
    here = row * width + column
    best = 0
    for move in range(5):
        cost[move] = np.inf
        nr = row + (-1 if move == 1 else 1 if move == 2 else 0)
        nc = column + (-1 if move == 3 else 1 if move == 4 else 0)
        if nr < 0 or nr >= height or nc < 0 or nc >= width or not free[top + nr, left + nc]:
            continue
        there = nr * width + nc
        total = step_cost[move, (top + row) * free.shape[1] + left + column] + value[step + 1, there]
        other = who[step + 1, there]
        if other >= 0:
            total += weights[other]
        if move > 0:
            total += _MOVE
            swapped = who[step, there]
            if swapped >= 0 and who[step + 1, here] == swapped:
                total += weights[swapped]
        cost[move] = total
        if total < cost[best]:
            best = move
    return best


@njit(cache=True)
def _follow(
    choice: Int8s,
    first: int,
    head: int,
    field: Array,
    box: tuple[int, int, int, int],
    columns: int,
) -> Int64s:
    """The cheapest way: flat cells, int64[steps + 1]."""
    steps = choice.shape[0]
    top, left, _, width = box
    way = np.empty(steps + 1, dtype=np.int64)
    way[0] = head
    row, column = head // columns - top, head % columns - left
    for step in range(steps):
        move = first if step == 0 else choice[step, row * width + column]
        if step > 0 and field[way[step]] == 0.0:
            move = 0
        row += -1 if move == 1 else 1 if move == 2 else 0
        column += -1 if move == 3 else 1 if move == 4 else 0
        way[step + 1] = (top + row) * columns + left + column
    return way


@njit(cache=True)
def look_ahead(
    free: Flags,
    field: Array,
    head: int,
    windows: Int64s,
    offsets: Int64s,
    weights: Array,
    step_cost: Array,
    previous: int,
    steps: int,
) -> tuple[Array, Int64s]:
    """Cost of the five moves from the head, and the cheapest way on.

    Args:
        free: Where robots may be, bool[rows, columns].
        field: Cost of the way to the goal from each flat cell [steps], float64[rows * columns].
        head: Flat cell from which the way starts.
        windows: Flat cells where m others expect to be, one step apart, int64[m, w].
        offsets: Step of this robot at which the other's window begins, int64[m].
        weights: Cost of a conflict with each of them [steps], float64[m].
        step_cost: Cost of leaving each flat cell by each move [steps], float64[5, rows * columns].
        previous: Flat cell that it meant to enter next when it last looked; kept among nearly equal ones. -1 for none.
        steps: Steps to look ahead, at most w - 1.

    Returns:
        The cost of each move, float64[5] (inf into walls), and the way, flat cells int64[steps + 1].
    """
    rows, columns = free.shape
    row0, column0 = head // columns, head % columns
    top, left = max(row0 - steps, 0), max(column0 - steps, 0)
    box = (top, left, min(row0 + steps, rows - 1) - top + 1, min(column0 + steps, columns - 1) - left + 1)
    height, width = box[2], box[3]
    who = np.full((steps + 2, height * width), -1, dtype=np.int16)
    _mark_windows(windows, offsets, box, columns, who)
    value = np.empty((steps + 1, height * width))
    choice = np.zeros((steps, height * width), dtype=np.int8)
    cost = np.empty(5)
    row0, column0 = row0 - top, column0 - left
    # Backwards in time, over the cells that can be reached by then.
    for step in range(steps, 0, -1):
        for row in range(max(row0 - step, 0), min(row0 + step, height - 1) + 1):
            span = step - abs(row - row0)
            for column in range(max(column0 - span, 0), min(column0 + span, width - 1) + 1):
                here = row * width + column
                rest = field[(top + row) * columns + left + column]
                value[step, here] = rest
                if step < steps and rest > 0.0 and free[top + row, left + column]:
                    move = _first_moves(step, row, column, free, step_cost, box, who, weights, value, cost)
                    choice[step, here] = move
                    value[step, here] = cost[move]
    _first_moves(0, row0, column0, free, step_cost, box, who, weights, value, cost)
    for move in range(5):
        nr = head // columns + (-1 if move == 1 else 1 if move == 2 else 0)
        nc = head % columns + (-1 if move == 3 else 1 if move == 4 else 0)
        if previous >= 0 and nr * columns + nc == previous and 0 <= nc < columns:
            cost[move] -= _KEEP
    return cost, _follow(choice, int(np.argmin(cost)), head, field, box, columns)
