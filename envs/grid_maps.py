"""Maps of lifelong path finding, drawn at random: scattered walls."""

from __future__ import annotations

import numpy as np

from swarm.errors import InputError
from swarm.grid_map import GridMap


def random_map(
    rng: np.random.Generator, rows: int = 20, columns: int = 20, density: float = 0.3, at_least: int = 2
) -> GridMap:
    """A map of independent random walls.

    Args:
        rng: Source of all random numbers.
        rows: Rows of the map.
        columns: Columns of the map.
        density: Share of cells that are walls, 0 to 1.
        at_least: Cells that the largest connected part has at least.

    Raises:
        InputError: If no such map is found.
    """
    for _ in range(100):
        grid = GridMap(rng.random((rows, columns)) >= density, name="random")
        if grid.largest_component().sum() >= at_least:
            return grid
    valid = f"a share of walls that leaves {at_least} cells of {rows} × {columns} connected"
    raise InputError("density", density, valid)
