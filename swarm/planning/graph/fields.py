"""Distance fields: how far every cell is from a goal."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numba import njit

from swarm.array_types import AnyArray, Array, Flags, Int32s, Int64s
from swarm.errors import InputError
from swarm.planning.graph.moves import flat_steps

UNREACHABLE = 1 << 30
"""Distance of a cell from which the goal cannot be reached [cells]."""
_DIAGONAL = math.sqrt(2.0)
# A field that is wanted from one start goes so many cells beyond it, so that it need not be made anew soon.
_SPARE = 32.0
# Cells are taken in the order of so many ways and straight lines to that start, in which no step goes back: a little
# less, for rounding. A step costs less than 13 by that; beside cells up to the limit all are known.
_WAYS, _TOWARDS, _LISTS, _BESIDE = 4.0, 2.99, 14, 9.0


@njit(cache=True)
def distance_field(free: Flags, row: int, column: int) -> Int32s:
    """Steps from every cell to one goal, 4-connected (breadth-first search).

    Args:
        free: Where robots may be, bool[rows, columns].
        row: Row of the goal.
        column: Column of the goal.

    Returns:
        int32[rows, columns]; ``UNREACHABLE`` at walls, behind walls, and everywhere if the goal is no free cell.
    """
    rows, columns = free.shape
    distance = np.full((rows, columns), UNREACHABLE, dtype=np.int32)
    if row < 0 or row >= rows or column < 0 or column >= columns or not free[row, column]:
        return distance
    queue = np.empty(rows * columns, dtype=np.int32)
    distance[row, column] = 0
    queue[0] = row * columns + column
    first, last = 0, 1
    while first < last:
        r, c = queue[first] // columns, queue[first] % columns
        first += 1
        for move in range(4):
            nr = r + (-1 if move == 0 else 1 if move == 1 else 0)
            nc = c + (-1 if move == 2 else 1 if move == 3 else 0)
            inside = 0 <= nr < rows and 0 <= nc < columns
            if inside and free[nr, nc] and distance[nr, nc] == UNREACHABLE:
                distance[nr, nc] = distance[r, c] + 1
                queue[last] = nr * columns + nc
                last += 1
    return distance


@njit(cache=True)
def _push(keys: Array, nodes: Int64s, size: int, key: float, node: int) -> int:
    """Put an entry on a binary min-heap kept in two arrays; returns the new size."""
    child = size
    while child > 0:
        parent = (child - 1) // 2
        if keys[parent] <= key:
            break
        keys[child], nodes[child] = keys[parent], nodes[parent]
        child = parent
    keys[child], nodes[child] = key, node
    return size + 1


@njit(cache=True)
def _pop(keys: Array, nodes: Int64s, size: int) -> int:
    """Drop the smallest entry (index 0) of the heap; returns the new size."""
    size -= 1
    key, node = keys[size], nodes[size]
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[hole], nodes[hole] = keys[child], nodes[child]
        hole = child
    keys[hole], nodes[hole] = key, node
    return size


@njit(cache=True)
def weighted_field(
    cost: Array, row: int, column: int, from_row: int = -1, from_column: int = -1
) -> tuple[Array, float]:
    """Cheapest way to one goal from every cell, or only from those around a start; 8-connected (Dijkstra).

    A step costs its length (1, or √2 on the diagonal) times the mean cost of the two cells. A diagonal step needs both
    cells beside it to be free, so that a path never cuts a corner. With a start, cells are taken by ``field_key``, as
    A* does. A step adds between 1 and 13 to that, so that cells whose keys are equal but for the fraction never change
    each other: a few lists of cells do for a heap.

    Args:
        cost: Cost of a cell per cell length, float64[rows, columns], between 1 and √2; inf at walls.
        row: Row of the goal.
        column: Column of the goal.
        from_row: Row of the start; -1: no start, the field covers everything.
        from_column: Column of the start.

    Returns:
        float64[rows, columns], inf where the goal cannot be reached; and up to which ``field_key`` that is so: above
        this limit (where it is finite), values may be too large.
    """
    rows, columns = cost.shape
    field = np.full((rows, columns), np.inf)
    if row < 0 or row >= rows or column < 0 or column >= columns or not np.isfinite(cost[row, column]):
        return field, np.inf
    cells, sizes = np.empty((_LISTS, rows * columns), dtype=np.int32), np.zeros(_LISTS, dtype=np.int64)
    field[row, column] = 0.0
    whole, limit = int(field_key(0.0, row, column, from_row, from_column)), np.inf
    cells[whole % _LISTS, 0], sizes[whole % _LISTS] = row * columns + column, 1
    while sizes.sum() > 0:
        if whole > limit + _BESIDE:
            return field, limit
        now = whole % _LISTS
        for k in range(sizes[now]):
            r, c = divmod(cells[now, k], columns)
            if field_key(field[r, c], r, c, from_row, from_column) >= whole:  # else by a shorter way since
                _spread(cost, field, r, c, cells, sizes, from_row, from_column)
        sizes[now] = 0
        whole += 1
        if from_row >= 0 and limit == np.inf and _WAYS * field[from_row, from_column] < whole:
            limit = _WAYS * (field[from_row, from_column] + _SPARE)
    return field, np.inf


@njit(cache=True, inline="always")
def field_key(left: float, row: int, column: int, from_row: int, from_column: int) -> float:
    """By which ``weighted_field`` takes a cell from which so much of the way is left [cells]."""
    if from_row < 0:
        return _WAYS * left
    down, across = abs(row - from_row), abs(column - from_column)
    return _WAYS * left + _TOWARDS * (max(down, across) + (_DIAGONAL - 1.0) * min(down, across))


@njit(cache=True, inline="always")
def _spread(
    cost: Array, field: Array, r: int, c: int, cells: Int32s, sizes: Int64s, from_row: int, from_column: int
) -> None:  # fmt: skip
    """Shorten the ways of the neighbours of a cell, and list them by the whole parts of their keys."""
    rows, columns = cost.shape
    for dr in range(-1, 2):
        for dc in range(-1, 2):
            nr, nc = r + dr, c + dc
            if nr < 0 or nr >= rows or nc < 0 or nc >= columns or field[nr, nc] <= field[r, c]:
                continue
            new = field[r, c] + 0.5 * (cost[r, c] + cost[nr, nc]) * (_DIAGONAL if dr * dc != 0 else 1.0)
            if not new < field[nr, nc] or not (np.isfinite(cost[r, nc]) and np.isfinite(cost[nr, c])):
                continue
            whole = int(field_key(new, nr, nc, from_row, from_column))
            if not field_key(field[nr, nc], nr, nc, from_row, from_column) < whole + 1:  # else it is in that list
                at = whole % _LISTS
                cells[at, sizes[at]] = nr * columns + nc
                sizes[at] += 1
            field[nr, nc] = new


@njit(cache=True)
def directed_field(cost: Array, columns: int, goal: int) -> Array:
    """Cheapest way from every cell to one goal where a step's cost depends on its direction (Dijkstra).

    Args:
        cost: Cost of leaving each flat cell by each move, float64[5, cells]; inf into walls; the first row is not read.
        columns: Columns of the map.
        goal: Flat cell of the goal.

    Returns:
        float64[cells]; inf where the goal cannot be reached.
    """
    cells = cost.shape[1]
    field = np.full(cells, np.inf)
    keys = np.empty(4 * cells + 8)
    nodes = np.empty(4 * cells + 8, dtype=np.int64)
    field[goal] = 0.0
    size = _push(keys, nodes, 0, 0.0, goal)
    steps = flat_steps(columns)
    while size > 0:
        key, node = keys[0], nodes[0]
        size = _pop(keys, nodes, size)
        if key > field[node]:
            continue
        for move in range(1, 5):
            before = node - steps[move]
            if before < 0 or before >= cells:
                continue
            new = key + cost[move, before]
            if new < field[before]:
                field[before] = new
                size = _push(keys, nodes, size, new, before)
    return field


class FieldCache:
    """The distance fields used last, by goal; the one unused for longest goes first.

    Args:
        compute: Makes the field of a goal cell (row, column).
        capacity: Fields kept, at least 1.
    """

    def __init__(self, compute: Callable[[int, int], AnyArray], capacity: int = 8) -> None:
        if capacity < 1:
            raise InputError("FieldCache capacity", capacity, "an integer of at least 1")
        self._compute = compute
        self._capacity = capacity
        self._fields: OrderedDict[tuple[int, int], AnyArray] = OrderedDict()

    def __len__(self) -> int:
        """Fields held now."""
        return len(self._fields)

    def __getitem__(self, goal: tuple[int, int]) -> AnyArray:
        """The field of a goal cell (row, column), computed if it is not held."""
        key = (int(goal[0]), int(goal[1]))
        if key in self._fields:
            self._fields.move_to_end(key)
            return self._fields[key]
        field = self._compute(*key)
        self._fields[key] = field
        if len(self._fields) > self._capacity:
            self._fields.popitem(last=False)
        return field
