"""Oracle: steps from every cell to a goal. Plain Python."""

from __future__ import annotations

from collections import deque

from swarm.array_types import Flags


def distances(free: Flags, goal: tuple[int, int]) -> dict[tuple[int, int], int]:
    """Steps to the goal from each cell (row, column) that it can be reached from, 4-connected."""
    found, queue = {goal: 0}, deque([goal])
    while queue:
        row, column = queue.popleft()
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= cell[0] < free.shape[0] and 0 <= cell[1] < free.shape[1]
            if inside and free[cell] and cell not in found:
                found[cell] = found[row, column] + 1
                queue.append(cell)
    return found
