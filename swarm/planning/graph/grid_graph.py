"""A grid map as a graph of its free cells: nodes, and where each of the five moves leads."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int8s, Int32s, Int64s, Integers
from swarm.errors import InputError
from swarm.planning.graph.moves import moved


class GridGraph:
    """The free cells of a map, numbered row by row.

    Args:
        free: Where robots may be, bool[rows, columns].

    Attributes:
        free: The same, C-contiguous.
        nodes: Number of free cells.
        node: Node of each cell, -1 in walls, int32[rows, columns].
        cells: Flat cell (row * columns + column) of each node, int64[nodes].
        place: Row and column of each node, int32[nodes, 2].
        step: Node to which each move leads, -1 into a wall, int32[nodes, 5]; the first move stays.

    Raises:
        InputError: If no cell is free.
    """

    def __init__(self, free: Flags) -> None:
        self.free = np.ascontiguousarray(free, dtype=np.bool_)
        self.cells = np.flatnonzero(self.free)
        self.nodes = len(self.cells)
        if self.nodes == 0:
            raise InputError("map", "no free cell", "a map with free cells")
        self.place = np.ascontiguousarray(np.argwhere(self.free), dtype=np.int32)
        self.node = np.full(self.free.shape, -1, dtype=np.int32)
        self.node[self.free] = np.arange(self.nodes, dtype=np.int32)
        self.step = _steps(self.node, self.cells)

    @property
    def columns(self) -> int:
        """Columns of the map."""
        return self.free.shape[1]

    def node_at(self, cell: tuple[int, int]) -> int:
        """The node of a cell (row, column).

        Raises:
            InputError: If it is a wall or outside of the map.
        """
        rows, columns = self.free.shape
        if not (0 <= cell[0] < rows and 0 <= cell[1] < columns and self.free[cell]):
            raise InputError("cell", cell, f"a free cell of the map of {rows} × {columns}")
        return int(self.node[cell])


@njit(cache=True)
def _steps(node: Int32s, cells: Int64s) -> Int32s:
    rows, columns = node.shape
    step = np.full((len(cells), 5), -1, dtype=np.int32)
    for here in range(len(cells)):
        row, column = cells[here] // columns, cells[here] % columns
        for move in range(5):
            r, c = moved(row, column, move)
            if 0 <= r < rows and 0 <= c < columns:
                step[here, move] = node[r, c]
    return step


@njit(cache=True)
def order_moves(keys: Int64s, ranking: Int8s) -> None:
    """Write the five moves into ``ranking``, the smallest of the ``keys`` first; the keys are used up."""
    for place in range(5):
        best = np.argmin(keys)
        ranking[place] = best
        keys[best] = np.iinfo(np.int64).max


@njit(cache=True)
def copy_row(source: Integers, target: Integers) -> None:
    """Copy a row; as an assignment it takes 3 s more to compile, for the message of an error that cannot happen."""
    for k in range(len(source)):
        target[k] = source[k]


@njit(cache=True, inline="always")
def opposite(move: int) -> int:
    """The move back: 2 of 1, 1 of 2, 4 of 3, 3 of 4."""
    return ((move - 1) ^ 1) + 1
