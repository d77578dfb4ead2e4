"""Cells that are blocked by robots that do not answer, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from swarm.array_types import Array
from swarm.planning.cells.cell_map import CellMap
from swarm.planning.silent import Silent, blocked_by
from swarm.sense.intent import Intent
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y
from swarm.sense.view import View

AROUND = 1.5
"""How near to a robot that may hold cells unheard no cell is claimed [cells]."""
ALONE = 1.25
"""How far a robot claims while somebody near does not answer [cells]."""


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


class Blocked:
    """The cells that one robot may not claim, and those around which its ways lead, because of those who are silent.

    Args:
        cells: The map.
        radius: Of the robot [m].
        claim_radius: How far it claims while everybody near answers [m].

    Attributes:
        closed: Cells that may not be claimed.
        avoided: Cells around which ways lead.
        free: ``bool[rows, columns]``, what is left of the map's.
        claim_radius: How far it claims at present [m].
        silent: Who is silent, and where.
    """

    def __init__(self, cells: CellMap, radius: float, claim_radius: float) -> None:
        self._map, self._radius, self._farthest = cells, radius, claim_radius
        self.free, self.claim_radius = cells.free, claim_radius
        self.closed, self.avoided = set[int](), frozenset[int]()
        self.silent = Silent()

    def update(self, view: View, heard: Mapping[int, Intent], held: Sequence[int]) -> bool:
        """Look around from the ``held`` cells; returns whether ways lead elsewhere than before."""
        strangers = view.strangers
        self.silent.update(view, np.array(sorted(heard), np.int64))
        self.claim_radius = self._farthest if strangers is None else min(self._farthest, ALONE * self._map.size)
        # Of whom news is old is told without its identity, but where it is it holds the cell.
        near, standing = [row for row in self.silent.near if row[N_ID] < 0.0], list(self.silent.rows)
        if near or standing:
            theirs = {cell for one in heard.values() for cell in one.held}
            near, standing = (
                [row for row in rows if self._map.cell_at(float(row[N_X]), float(row[N_Y])) not in theirs]
                for rows in (near, standing)
            )
        if strangers is None and not (near or standing or len(view.silent) or self.avoided):
            self.closed, self.free = set(), self._map.free  # mostly so
            return False
        closed = cells_around(self._map, strangers) | cells_under(self._map, near, self._radius)
        around = cells_around(self._map, view.silent) | cells_under(self._map, standing, self._radius)
        self.closed, avoided = closed.difference(held), frozenset(around.difference(held))
        self.free = self._map.free
        if self.closed or avoided:
            self.free = self._map.free.copy()
            self.free.reshape(-1)[list(self.closed | avoided)] = False
        if avoided == self.avoided:
            return False
        self.avoided = avoided
        return True

    def note(self, cell: int, heard: Mapping[int, Intent]) -> str:
        """Who of the silent blocks the way from a cell, for people: the nearest one."""
        place = self._map.centre(cell)
        row = min(self.silent.rows, key=lambda row: math.dist(row[[N_X, N_Y]], place))
        there = self._map.cell_at(float(row[N_X]), float(row[N_Y]))
        return blocked_by("the aisle", row, next((robot for robot, one in heard.items() if there in one.held), -1))
