"""Guidance: rank the five moves by a short look ahead in space and time at where others say they will be.

A dynamic programme over the next `WINDOW` steps finds the cheapest way towards the goal, where being in one cell with
another robot's announced way, or swapping with it, costs extra. The whole table of costs of the five first moves becomes
the ranking that priority inheritance works with (compare local guidance, Arita and Okumura, "Local guidance for
configuration-based multi-agent pathfinding", AAAI 2026; here every robot does it alone from what it hears).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def _mark_windows(
    windows: NDArray[np.int64],
    offsets: NDArray[np.int64],
    steps: int,
    box: tuple[int, int, int, int],
    columns: int,
    who: NDArray[np.int16],
) -> None:
    """Write into who[step, local cell] which robot says that it will be there (the last one that says so)."""
    top, left, height, width = box
    for early in range(1, -1, -1):
      for robot in range(windows.shape[0]):
        for step in range(steps + 1):
            index = step - offsets[robot] + early
            if index < 0:
                index = 0
            if index >= windows.shape[1]:
                break
            row = windows[robot, index] // columns - top
            column = windows[robot, index] % columns - left
            if 0 <= row < height and 0 <= column < width:
                who[step, row * width + column] = robot


@njit(cache=True)
def look_ahead(
    free: NDArray[np.bool_],
    field: NDArray[np.float64],
    head: int,
    windows: NDArray[np.int64],
    offsets: NDArray[np.int64],
    weights: NDArray[np.float64],
    step_cost: NDArray[np.float64],
    previous: int,
    steps: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
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
    top, left = max(head // columns - steps, 0), max(head % columns - steps, 0)
    height = min(head // columns + steps, rows - 1) - top + 1
    width = min(head % columns + steps, columns - 1) - left + 1
    local = height * width
    who = np.full((steps + 2, local), -1, dtype=np.int16)
    _mark_windows(windows, offsets, steps + 1, (top, left, height, width), columns, who)
    value = np.empty((steps + 1, local))
    choice = np.zeros((steps, local), dtype=np.int8)
    cost = np.full(5, np.inf)
    row0, column0 = head // columns - top, head % columns - left
    for step in range(steps, -1, -1):
        for row in range(max(row0 - step, 0), min(row0 + step, height - 1) + 1):
            span = step - abs(row - row0)
            for column in range(max(column0 - span, 0), min(column0 + span, width - 1) + 1):
                here = row * width + column
                left_over = field[(top + row) * columns + left + column]
                if step == steps or left_over == 0:
                    value[step, here] = left_over
                    if step > 0 or left_over > 0:
                        continue
                best = np.inf
                for move in range(5):
                    nr = row + (-1 if move == 1 else 1 if move == 2 else 0)
                    nc = column + (-1 if move == 3 else 1 if move == 4 else 0)
                    if nr < 0 or nr >= height or nc < 0 or nc >= width or not free[top + nr, left + nc]:
                        continue
                    there = nr * width + nc
                    total = step_cost[move, (top + row) * columns + left + column] + value[step + 1, there]
                    if move > 0:
                        total += 0.05
                    other = who[step + 1, there]
                    if other >= 0:
                        total += weights[other]
                    swapped = who[step, there]
                    if move > 0 and swapped >= 0 and who[step + 1, here] == swapped:
                        total += weights[swapped]
                    if step == 0:
                        cost[move] = total
                    if total < best:
                        best = total
                        choice[step, here] = move
                value[step, here] = best
    if previous >= 0:
        for move in range(5):
            nr = head // columns + (-1 if move == 1 else 1 if move == 2 else 0)
            nc = head % columns + (-1 if move == 3 else 1 if move == 4 else 0)
            if nr * columns + nc == previous and 0 <= nc < columns:
                cost[move] -= 0.3
    way = np.empty(steps + 1, dtype=np.int64)
    way[0] = head
    row, column = row0, column0
    for step in range(steps):
        at = (top + row) * columns + left + column
        move = choice[step, row * width + column]
        if step == 0:
            move = np.argmin(cost)
        elif field[at] == 0:
            move = 0
        row += -1 if move == 1 else 1 if move == 2 else 0
        column += -1 if move == 3 else 1 if move == 4 else 0
        way[step + 1] = (top + row) * columns + left + column
    return cost, way
