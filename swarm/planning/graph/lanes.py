"""What the shape of a map says about passing each other: one-lane aisles and dead ends."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s


@njit(cache=True)
def _neighbour(free: Flags, cell: int, move: int) -> int:
    """The flat cell that a move (1 to 4) leads to, -1 if it is no free cell."""
    rows, columns = free.shape
    row = cell // columns + (-1 if move == 1 else 1 if move == 2 else 0)
    column = cell % columns + (-1 if move == 3 else 1 if move == 4 else 0)
    inside = 0 <= row < rows and 0 <= column < columns
    return row * columns + column if inside and free[row, column] else -1


@njit(cache=True)
def dead_ends(free: Flags) -> tuple[Int32s, Int32s]:
    """Find the tree-like branches of a map, where two robots cannot pass: what pruning leaves again and again removes.

    Args:
        free: Where robots may be, bool[rows, columns].

    Returns:
        Two flat arrays int32[rows * columns]: the branch of each cell (its cell next to the rest of the map; -1 outside
        branches), and its parent, the next cell on the way out (-1 outside branches and at the root of a map that is a
        tree).
    """
    cells = free.size
    degree = np.zeros(cells, dtype=np.int32)
    branch = np.full(cells, -1, dtype=np.int32)
    parent = np.full(cells, -1, dtype=np.int32)
    pruned = np.zeros(cells, dtype=np.bool_)
    queue = np.empty(cells, dtype=np.int32)
    last = 0
    for cell in range(cells):
        if free[cell // free.shape[1], cell % free.shape[1]]:
            for move in range(1, 5):
                if _neighbour(free, cell, move) >= 0:
                    degree[cell] += 1
            if degree[cell] <= 1:
                queue[last] = cell
                last += 1
    first = 0
    while first < last:
        cell = queue[first]
        first += 1
        pruned[cell] = True
        for move in range(1, 5):
            other = _neighbour(free, cell, move)
            if other >= 0 and not pruned[other]:
                parent[cell] = other
                degree[other] -= 1
                if degree[other] == 1:
                    queue[last] = other
                    last += 1
    for index in range(last - 1, -1, -1):
        cell = queue[index]
        outer = parent[cell]
        branch[cell] = branch[outer] if outer >= 0 and pruned[outer] else cell
    return branch, parent


@njit(cache=True)
def _is_lane(free: Flags, branch: Int32s, cell: int, first_move: int) -> bool:
    """Whether a cell is one lane wide: walls on both sides, which the move and the one after it lead to."""
    if not free[cell // free.shape[1], cell % free.shape[1]] or branch[cell] >= 0:
        return False
    return _neighbour(free, cell, first_move) < 0 and _neighbour(free, cell, first_move + 1) < 0


@njit(cache=True)
def lane_costs(free: Flags, branch: Int32s, against: float) -> Array:
    """Cost of each step, with a mild one-way preference in one-lane aisles so that robots seldom meet head-on.

    Rows (columns) that contain any lane along them alternate in direction, counted from the top (left).

    Args:
        free: Where robots may be, bool[rows, columns].
        branch: Of ``dead_ends``: there a direction would only cost.
        against: Extra cost of a step against the preferred direction [steps].

    Returns:
        Cost of leaving each flat cell by each move, float64[5, rows * columns]; inf into walls.
    """
    rows, columns = free.shape
    cost = np.full((5, rows * columns), np.inf)
    for cell in range(rows * columns):
        if free[cell // columns, cell % columns]:
            cost[0, cell] = 1.0
            for move in range(1, 5):
                if _neighbour(free, cell, move) >= 0:
                    cost[move, cell] = 1.0
    for upright in (False, True):
        walls_from, forward, backward = (3, 1, 2) if upright else (1, 3, 4)
        turned = False
        for line in range(columns if upright else rows):
            found = False
            for place in range(rows if upright else columns):
                cell = place * columns + line if upright else line * columns + place
                if _is_lane(free, branch, cell, walls_from):
                    found = True
                    cost[backward if turned else forward, cell] += against
            if found:
                turned = not turned
    return cost
