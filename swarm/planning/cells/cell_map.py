"""What a robot knows about a grid map: its geometry, the costs of its steps, its dead ends, the ways to its goals."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Protocol

import numpy as np

from swarm.array_types import Array, Flags, Int32s
from swarm.planning.graph.fields import FieldCache, directed_field
from swarm.planning.graph.lanes import dead_ends, lane_costs

_AGAINST = 0.3  # Extra cost of driving against the preferred direction of a one-lane aisle [steps].
_KEPT_FIELDS = 4


class Grid(Protocol):
    """What is needed of a grid map; row 0 is at the top."""

    @property
    def free(self) -> Flags:
        """Where robots may be, bool[rows, columns]."""
        ...

    @property
    def cell_size(self) -> float:
        """Side of a cell [m]."""
        ...

    @property
    def origin(self) -> tuple[float, float]:
        """Lower-left corner of the map, world frame [m]."""
        ...


class CellMap:
    """A grid map, prepared for planning; cells are flat indices.

    Args:
        grid: The map.
        costs: Of its steps, float64[5, cells] as in ``lanes.lane_costs``; if not given, aisles have a mild one-way
            preference.

    Attributes:
        free: Where robots may be, bool[rows, columns].
        size: Side of a cell [m].
        origin: Lower-left corner of the map, world frame [m].
        costs: Cost of leaving each cell by each move [steps], float64[5, cells].
        parent: Next cell on the way out of a dead end, -1 elsewhere, int32[cells].
        without_fork: Cells of dead ends below which nobody can step aside, bool[cells].
    """

    def __init__(self, grid: Grid, costs: Array | None = None) -> None:
        self.free = np.ascontiguousarray(grid.free, dtype=np.bool_)
        self.rows, self.columns = self.free.shape
        self.size, self.origin = float(grid.cell_size), grid.origin
        branch, self.parent = dead_ends(self.free)
        self.without_fork = _without_fork(branch, self.parent)
        self.costs = lane_costs(self.free, branch, _AGAINST) if costs is None else costs
        self._near: dict[int, tuple[int, ...]] = {}
        self._centres: dict[int, tuple[float, float]] = {}
        self._fields = FieldCache(
            lambda row, column: directed_field(self.costs, self.columns, row * self.columns + column), _KEPT_FIELDS
        )

    def field(self, goal: int) -> Array:
        """Cost of the way to a goal from each cell [steps], float64[cells]; inf where there is none."""
        field: Array = self._fields[divmod(goal, self.columns)]
        return field

    def field_around(self, goal: int, avoided: Collection[int]) -> Array:
        """The same where some cells must not be entered."""
        costs = self.costs.copy()
        for move, step in enumerate((0, -self.columns, self.columns, -1, 1)):
            before = np.array(list(avoided), dtype=np.int64) - step
            costs[move, before[(before >= 0) & (before < costs.shape[1])]] = np.inf
        return directed_field(costs, self.columns, goal)

    def centre(self, cell: int) -> tuple[float, float]:
        """Centre of a cell, world frame [m]; worked out once."""
        centre = self._centres.get(cell)
        if centre is None:
            row, column = divmod(cell, self.columns)
            x, y = self.origin
            centre = (column + 0.5) * self.size + x, (self.rows - row - 0.5) * self.size + y
            self._centres[cell] = centre
        return centre

    def cell_at(self, x: float, y: float) -> int:
        """Cell at a point; points outside the map belong to its nearest cell."""
        column = min(max(math.floor((x - self.origin[0]) / self.size), 0), self.columns - 1)
        row = min(max(self.rows - 1 - math.floor((y - self.origin[1]) / self.size), 0), self.rows - 1)
        return int(row * self.columns + column)

    def gap(self, x: float, y: float, cell: int) -> float:
        """Distance from a point to the square of a cell [m]."""
        cx, cy = self.centre(cell)
        half = 0.5 * self.size
        return math.hypot(max(abs(x - cx) - half, 0.0), max(abs(y - cy) - half, 0.0))

    def steps_between(self, a: int, b: int) -> int:
        """Manhattan distance of two cells."""
        (row_a, column_a), (row_b, column_b) = divmod(a, self.columns), divmod(b, self.columns)
        return int(abs(row_a - row_b) + abs(column_a - column_b))

    def after(self, cell: int, move: int) -> int:
        """The cell that a move leads to, whether it is free or not; -1 outside the map."""
        row, column = divmod(cell, self.columns)
        row += (0, -1, 1, 0, 0)[move]
        column += (0, 0, 0, -1, 1)[move]
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        return int(row * self.columns + column) if inside else -1

    def cells_within(self, x: float, y: float, reach: float) -> list[int]:
        """Cells whose centres are at most so many cells from a point."""
        column = (x - self.origin[0]) / self.size - 0.5
        row = self.rows - (y - self.origin[1]) / self.size - 0.5
        most = math.ceil(reach)
        return [
            r * self.columns + c
            for r in range(max(math.floor(row) - most, 0), min(math.ceil(row) + most + 1, self.rows))
            for c in range(max(math.floor(column) - most, 0), min(math.ceil(column) + most + 1, self.columns))
            if math.hypot(r - row, c - column) <= reach
        ]

    def next_cells(self, field: Array, cell: int, count: int) -> list[int]:
        """The next cells of the way down a field; its goal again and again once it is reached."""
        cells = []
        for _ in range(count):
            cell = min(self._around(cell), key=field.item)
            cells.append(cell)
        return cells

    def _around(self, cell: int) -> tuple[int, ...]:
        """The cell and those beside it, in the order of the moves; worked out once."""
        near = self._near.get(cell)
        if near is None:
            near = self._near[cell] = tuple(n for n in (self.after(cell, move) for move in range(5)) if n >= 0)
        return near

    def in_branch(self, cell: int, entrance: int, most: int) -> bool:
        """Whether a cell is in the part of a dead end that begins with ``entrance``, at most ``most`` steps inside."""
        for _ in range(most):
            if cell < 0 or cell == entrance:
                break
            cell = int(self.parent[cell])
        return cell >= 0 and cell == entrance


def _without_fork(branch: Int32s, parent: Int32s) -> Flags:
    """Cells of dead ends below which there is no fork, bool[cells]."""
    children = np.bincount(parent[parent >= 0], minlength=parent.size)
    straight = np.zeros(parent.size, dtype=np.bool_)
    for leaf in np.flatnonzero((branch >= 0) & (children == 0)):
        cell = int(leaf)
        while cell >= 0 and branch[cell] >= 0 and children[cell] <= 1:
            straight[cell] = True
            cell = int(parent[cell])
    return straight
