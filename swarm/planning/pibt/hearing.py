"""Who sees and hears whom on a grid: robots within ``RADIUS`` cells of each other."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Int32s, Int64s

RADIUS = 5
"""Cells that a robot sees and hears in each direction (as in POGEMA's benchmark)."""
_SQUARE = (2 * RADIUS + 1) ** 2


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
def neighbours(cells: Int64s, shape: tuple[int, int], at: Int32s) -> tuple[Int32s, Int32s]:
    """Who is within ``RADIUS`` of whom.

    Args:
        cells: Flat cell of each robot, int64[n].
        shape: Rows and columns of the map.
        at: int32[rows * columns] full of -1, also afterwards.

    Returns:
        ``first`` int32[n + 1] and ``who``: those near robot i are ``who[first[i]:first[i + 1]]``.
    """
    rows, columns = shape
    first = np.zeros(len(cells) + 1, dtype=np.int32)
    who = np.empty(64 * len(cells) + _SQUARE, dtype=np.int32)
    count = 0
    for i in range(len(cells)):
        at[cells[i]] = i
    for i in range(len(cells)):
        if len(who) < count + _SQUARE:
            who = np.concatenate((who, np.empty_like(who)))
        row, column = cells[i] // columns, cells[i] % columns
        left, right = max(column - RADIUS, 0), min(column + RADIUS + 1, columns)
        for r in range(max(row - RADIUS, 0), min(row + RADIUS + 1, rows)):
            for other in at[r * columns + left : r * columns + right]:
                if other >= 0 and other != i:
                    who[count] = other
                    count += 1
        first[i + 1] = count
    for i in range(len(cells)):
        at[cells[i]] = -1
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
def two_steps(step: Int32s) -> Int32s:
    """The other nodes within two steps of each node, int32[nodes, 12], -1 where there are fewer."""
    near = np.full((len(step), 12), -1, dtype=np.int32)
    for here in range(len(step)):
        count = 0
        for first in range(1, 5):
            for second in range(5):
                node = step[step[here, first], second] if step[here, first] >= 0 else -1
                if node >= 0 and node != here and not np.any(near[here, :count] == node):
                    near[here, count] = node
                    count += 1
    return near


@njit(cache=True)
def involved(i: int, where: Int32s, near: Int32s, place: Int32s, reach: int, at: Int32s, found: Int64s) -> int:
    """Those robots whose moves can depend on robot i's, or its on theirs.

    Two robots can want the same cell only if they are at most two steps apart.

    Args:
        i: The robot.
        where: Node of each robot, int32[n].
        near: The nodes within two steps of each (``two_steps``), int32[nodes, 12].
        place: Row and column of each node, int32[nodes, 2].
        reach: Robots farther away than this do not count [cells].
        at: The robot at each node, -1 without one that counts, int32[nodes]; unchanged afterwards.
        found: Written: robot i, and then those found; from the end on those that are too far, int64[n or more].

    Returns:
        How many are found.
    """
    found[0], at[where[i]] = i, -1
    row, column = place[where[i], 0], place[where[i], 1]
    count, done, far = 1, 0, len(found)
    while done < count:
        here = where[found[done]]
        done += 1
        for k in range(12):
            node = near[here, k]
            if node < 0:
                break
            other = at[node]
            if other < 0:
                continue
            at[node] = -1  # also if it is too far: then it is never near enough
            if max(abs(place[node, 0] - row), abs(place[node, 1] - column)) <= reach:
                found[count] = other
                count += 1
            else:
                far -= 1
                found[far] = other
    for k in range(count):
        at[where[found[k]]] = found[k]
    for k in range(far, len(found)):
        at[where[found[k]]] = found[k]
    return count
