"""The five moves of a grid robot, in this order everywhere: stay, up, down, left, right.

Rows grow downwards, so *up* is row - 1. A cell is written (row, column), or as the flat index row * columns + column
where many are handled.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Int64s

STAY, UP, DOWN, LEFT, RIGHT = range(5)
MOVES: Int64s = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]], dtype=np.int64)
"""(row, column) step of each move, [5, 2]."""


@njit(cache=True)
def moved(row: int, column: int, move: int) -> tuple[int, int]:
    """The cell after a move, in the map or not; what is no move stays."""
    if move < 0 or move >= len(MOVES):
        return row, column
    return row + MOVES[move, 0], column + MOVES[move, 1]


@njit(cache=True)
def flat_steps(columns: int) -> tuple[int, int, int, int, int]:
    """What each move adds to a flat cell; only inside of the map, or with a border of walls."""
    return 0, -columns, columns, -1, 1


@njit(cache=True)
def move_between(start: int, end: int, columns: int) -> int:
    """The move that leads from one flat cell to another, -1 if none does; in a single column, 1 is down."""
    steps = flat_steps(columns)
    for move in range(5):
        if steps[move] == end - start:
            return move
    return -1
