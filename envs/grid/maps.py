"""Maps of lifelong path finding, drawn at random: scattered walls, mazes, rooms, warehouses, and tiny puzzles.

Each function draws from a generator, so that a seed is a map; all free cells of all but ``random_map`` are connected.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swarm.array_types import Flags
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap


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
    _check_size(rows, columns, 1)
    for _ in range(100):
        grid = GridMap(rng.random((rows, columns)) >= density, name="random")
        if grid.largest_component().sum() >= at_least:
            return grid
    valid = f"a share of walls that leaves {at_least} cells of {rows} × {columns} connected"
    raise InputError("density", density, valid)


def maze_map(rng: np.random.Generator, rows: int = 21, columns: int = 21, loops: float = 0.4) -> GridMap:
    """A maze with corridors one cell wide, and an open margin in place of an outer wall.

    Junctions are the cells with an even row and column. A random tree joins them all; every other passage between
    neighbours is opened by chance, and posts that no wall is left at are removed.

    Args:
        rng: Source of all random numbers.
        rows: Rows of the map, an odd number.
        columns: Columns of the map, an odd number.
        loops: Chance of every passage that the tree does not need, 0 (a perfect maze) to 1.

    Raises:
        InputError: If a size is even, or the chance is none.
    """
    _check_size(rows, columns, 3)
    _check_share("loops", loops)
    if rows % 2 == 0 or columns % 2 == 0:
        raise InputError("rows, columns", (rows, columns), "odd numbers")
    free = np.zeros((rows, columns), bool)
    free[::2, ::2] = True
    high, wide = (rows + 1) // 2, (columns + 1) // 2
    for (i, j), (k, m) in _passages(rng, high, wide, loops):
        free[i + k, j + m] = True  # the cell between 2 (i, j) and 2 (k, m)
    around = free[:-2:2, 1::2] & free[2::2, 1::2] & free[1::2, :-2:2] & free[1::2, 2::2]
    free[1::2, 1::2] = around
    return GridMap(free, name="maze")


def room_map(rng: np.random.Generator, rows: int = 23, columns: int = 23, room: int = 5, doors: float = 0.5) -> GridMap:
    """Rooms with walls one cell thick between them; the last of a row or column may be smaller, or two cells longer.

    Args:
        rng: Source of all random numbers.
        rows: Rows of the map.
        columns: Columns of the map.
        room: Side of a room, cells.
        doors: Chance of a door, one cell wide, between neighbours that are already joined by way of others, 0 to 1.

    Raises:
        InputError: If the rooms do not fit into the map, or the chance is none.
    """
    _check_size(rows, columns, room)
    _check_share("doors", doors)
    if room < 1:
        raise InputError("room", room, "1 or more")
    free = np.ones((rows, columns), bool)
    # Edges of the rooms: a wall before each but the first.
    tops, lefts = ([*range(0, max(size - 1, 1), room + 1)] for size in (rows, columns))
    for top in tops[1:]:
        free[top - 1] = False
    for left in lefts[1:]:
        free[:, left - 1] = False
    for (i, j), (k, m) in _passages(rng, len(tops), len(lefts), doors):
        if i == k:
            free[rng.integers(tops[i], min(tops[i] + room, rows)), lefts[m] - 1] = True
        else:
            free[tops[k] - 1, rng.integers(lefts[j], min(lefts[j] + room, columns))] = True
    return GridMap(free, name="rooms")


def warehouse_map(
    rng: np.random.Generator, rows: int = 33, columns: int = 46, shelf: int = 10, aisle: int = 3, strip: int = 7,
    missing: float = 0.0,
) -> GridMap:  # fmt: skip
    """Rows of shelves with aisles between them, and an open strip at the left and at the right.

    ``E`` marks the cells above and below shelves, where goals are, and ``S`` those of the strips where robots start:
    two columns of every three, so that lanes stay open.

    Args:
        rng: Source of all random numbers.
        rows: Rows of the map.
        columns: Columns of the map.
        shelf: Length of a shelf, cells; it is one cell deep, and one cell from the next in its row.
        aisle: Rows between shelves.
        strip: Columns of a strip.
        missing: Chance of each shelf to be left out, 0 to 1.

    Raises:
        InputError: If not a single shelf fits into the map, or is left in it.
    """
    _check_size(rows, columns, 1)
    _check_share("missing", missing)
    if min(shelf, aisle, strip) < 1:
        raise InputError("shelf, aisle, strip", (shelf, aisle, strip), "1 or more each")
    symbols = np.full((rows, columns), ".")
    lanes = [column for column in range(strip) if column % 3 != 0]
    symbols[:, lanes] = symbols[:, [columns - 1 - column for column in lanes if column < columns]] = "S"
    edge = (aisle + 1) // 2
    for row in range(edge, rows - edge, aisle + 1):
        for column in range(strip, columns - strip - shelf + 1, shelf + 1):
            if rng.random() >= missing:
                block = slice(column, column + shelf)
                symbols[row, block] = "@"
                symbols[[row - 1, row + 1], block] = "E"
    if not (symbols == "@").any():
        found = f"{rows} × {columns} cells with shelf {shelf}, aisle {aisle}, strip {strip}, missing {missing}"
        raise InputError("warehouse", found, "a map that has room for a shelf, and not all of them missing")
    return GridMap.from_rows(["".join(line) for line in symbols.tolist()], name="warehouse")


def puzzle_map(rng: np.random.Generator, rows: int = 5, columns: int = 5) -> GridMap:
    """A tiny map with a bottleneck and a place to step aside: robots can pass each other only if one makes way.

    A quarter to two fifths of the cells are walls. All others are connected, but not without some one cell; one cell
    or more has three neighbours.

    Args:
        rng: Source of all random numbers.
        rows: Rows of the map.
        columns: Columns of the map.

    Raises:
        InputError: If the map is too small or too large for this.
    """
    if not (3 <= rows <= 8 and 3 <= columns <= 8):
        raise InputError("rows, columns", (rows, columns), "3 to 8")
    for _ in range(10_000):
        free = np.ones(rows * columns, bool)
        walls = int(rng.integers(rows * columns // 4, 2 * rows * columns // 5 + 1))
        free[rng.choice(rows * columns, size=walls, replace=False)] = False
        grid = GridMap(free.reshape(rows, columns), name="puzzle")
        if grid.components().max() == 0 and _is_puzzle(grid.free):
            return grid
    raise InputError("rows, columns", (rows, columns), "sizes for which a puzzle is found")


def _is_puzzle(free: Flags) -> bool:
    """Whether a connected map has a cell with three neighbours, and one that cuts two cells or more from the rest."""
    padded = np.pad(free, 1).astype(int)
    degree = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    if not (free & (degree >= 3)).any():
        return False
    for row, column in np.argwhere(free):
        without = free.copy()
        without[row, column] = False
        parts = np.bincount(GridMap(without).components()[without])
        if len(parts) > 1 and np.sort(parts)[-2] >= 2:
            return True
    return False


MAPS: dict[str, Callable[[np.random.Generator], GridMap]] = {
    "random": random_map, "mazes": maze_map, "rooms": room_map, "warehouse": warehouse_map, "puzzles": puzzle_map,
}  # fmt: skip
"""Kinds of maps by name."""

Place = tuple[int, int]


def _passages(rng: np.random.Generator, high: int, wide: int, more: float) -> list[tuple[Place, Place]]:
    """Pairs of neighbouring places, the upper or left one first: a random tree that joins all, and others by chance."""
    pairs = [((i, j), (i, j + 1)) for i in range(high) for j in range(wide - 1)]
    pairs += [((i, j), (i + 1, j)) for i in range(high - 1) for j in range(wide)]
    parent = {(i, j): (i, j) for i in range(high) for j in range(wide)}

    def root(place: Place) -> Place:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    kept = []
    for index in rng.permutation(len(pairs)):
        first, second = pairs[index]
        if root(first) != root(second):
            parent[root(first)] = root(second)
            kept.append(pairs[index])
        elif rng.random() < more:
            kept.append(pairs[index])
    return kept


def _check_size(rows: int, columns: int, least: int) -> None:
    if min(rows, columns) < max(least, 1):
        raise InputError("rows, columns", (rows, columns), f"{max(least, 1)} or more each")


def _check_share(name: str, share: float) -> None:
    if not 0.0 <= share <= 1.0:
        raise InputError(name, share, "0 to 1")
