"""Who sees and hears whom on a grid: robots within ``RADIUS`` cells of each other."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Int32s, Int64s

RADIUS = 5
"""Cells that a robot sees and hears in each direction (as in POGEMA's benchmark)."""


@njit(cache=True)
def visible_cells(node: Int32s) -> Int32s:
    """Free cells within ``RADIUS`` of each node but its own, int32[nodes]."""
    rows, columns = node.shape
    total = np.zeros((rows + 1, columns + 1), dtype=np.int32)
    for row in range(rows):
        for column in range(columns):
            here = 1 if node[row, column] >= 0 else 0
            total[row + 1, column + 1] = here + total[row, column + 1] + total[row + 1, column] - total[row, column]
    visible = np.zeros(max(node.max() + 1, 0), dtype=np.int32)
    for row in range(rows):
        for column in range(columns):
            if node[row, column] >= 0:
                top, left = max(row - RADIUS, 0), max(column - RADIUS, 0)
                bottom, right = min(row + RADIUS + 1, rows), min(column + RADIUS + 1, columns)
                inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
                visible[node[row, column]] = inside - 1
    return visible


@njit(cache=True)
def neighbours(node: Int32s, cells: Int64s, where: Int32s, at: Int32s) -> tuple[Int32s, Int32s]:
    """Who is within ``RADIUS`` of whom.

    Args:
        node: Node of each cell, int32[rows, columns].
        cells: Flat cell of each node.
        where: Node of each robot, int32[n].
        at: int32[nodes] full of -1, also afterwards.

    Returns:
        ``first`` int32[n + 1] and ``who``: those near robot i are ``who[first[i]:first[i + 1]]``.
    """
    rows, columns = node.shape
    first = np.zeros(len(where) + 1, dtype=np.int32)
    who = np.empty(64 * len(where) + 64, dtype=np.int32)
    count = 0
    for i in range(len(where)):
        at[where[i]] = i
    for i in range(len(where)):
        row, column = cells[where[i]] // columns, cells[where[i]] % columns
        for r in range(max(row - RADIUS, 0), min(row + RADIUS + 1, rows)):
            for c in range(max(column - RADIUS, 0), min(column + RADIUS + 1, columns)):
                if node[r, c] >= 0 and at[node[r, c]] >= 0 and at[node[r, c]] != i:
                    if count == len(who):
                        who = np.concatenate((who, np.empty_like(who)))
                    who[count] = at[node[r, c]]
                    count += 1
        first[i + 1] = count
    for i in range(len(where)):
        at[where[i]] = -1
    return first, who[:count]


@njit(cache=True)
def in_sight(cells: Int64s, columns: int, a: int, b: int) -> bool:
    """Whether two nodes are within ``RADIUS`` of each other."""
    rows_apart = abs(cells[a] // columns - cells[b] // columns)
    return max(rows_apart, abs(cells[a] % columns - cells[b] % columns)) <= RADIUS


@njit(cache=True)
def relayed(i: int, first: Int32s, who: Int32s, mark: Int32s) -> Int32s:
    """Robots that somebody near robot i is near to, without those that it hears itself and without itself."""
    mark[i] = i
    total = 0
    for j in who[first[i] : first[i + 1]]:
        mark[j] = i
        total += first[j + 1] - first[j]
    found = np.empty(total, dtype=np.int32)
    count = 0
    for j in who[first[i] : first[i + 1]]:
        for k in who[first[j] : first[j + 1]]:
            if mark[k] != i:
                mark[k] = i
                found[count] = k
                count += 1
    return found[:count]


@njit(cache=True)
def involved(step: Int32s, where: Int32s, i: int, known: Int32s, at: Int32s) -> Int32s:
    """Those of some robots whose moves can depend on robot i's, or its on theirs.

    Two robots can want the same cell only if they are at most two steps apart.

    Args:
        step: Of the graph, int32[nodes, 5].
        where: Node of each robot, int32[n].
        i: The robot.
        known: The robots to choose from, without robot i, int32[k].
        at: int32[nodes] full of -1, also afterwards.

    Returns:
        Robot i, and then those found, int32[m].
    """
    for robot in known:
        at[where[robot]] = robot
    found = np.empty(len(known) + 1, dtype=np.int32)
    found[0] = i
    count, done = 1, 0
    while done < count:
        here = where[found[done]]
        done += 1
        for first in range(5):
            middle = step[here, first]
            if middle < 0:
                continue
            for second in range(5):
                node = step[middle, second]
                if node >= 0 and at[node] >= 0:
                    found[count] = at[node]
                    at[node] = -1
                    count += 1
    for robot in known:
        at[where[robot]] = -1
    return found[:count]
