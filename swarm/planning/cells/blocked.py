"""Cells that are blocked by robots that do not answer, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from swarm.array_types import Array
from swarm.planning.cells.cell_map import CellMap
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y

AROUND = 1.5
"""How near to a robot that may hold cells unheard no cell is claimed [cells]."""


def cells_around(cell_map: CellMap, places: Array | None) -> set[int]:
    """The cells around some places [m], float64[k, 2]."""
    if places is None:
        return set()
    return {cell for x, y in places.tolist() for cell in cell_map.cells_within(x, y, AROUND)}


def cells_under(cell_map: CellMap, rows: Iterable[Array], radius: float) -> set[int]:
    """The cells in which a disc of this radius [m] would touch one of some robots (rows of neighbours)."""
    found = set[int]()
    for row in rows:
        x, y, wide = float(row[N_X]), float(row[N_Y]), float(row[N_RADIUS])
        for cell in cell_map.cells_within(x, y, (wide + radius) / cell_map.size + 1.0):
            if math.dist(cell_map.centre(cell), (x, y)) < wide + radius or cell_map.gap(x, y, cell) < wide:
                found.add(cell)
    return found
