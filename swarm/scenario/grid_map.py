"""Grid maps: MovingAI's ``.map`` format, cells and metres, walls as few rectangles, connected parts.

Cells are (row, column), row 0 at the top.
Format: https://movingai.com/benchmarks/formats.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.errors import InputError
from swarm.files.checks import ArrayRecord, number
from swarm.files.text_files import MEBIBYTE, located, read_text, write_text
from swarm.scenario.grid_kernels import cover, label_parts

FREE, WALL = ".GSE", "@OTW"
MAP_LIMIT = 64 * MEBIBYTE
# Of a ratio of cell sizes: 0.5 m are ten cells of 0.05 m.
_ROUNDING = 1e-6
# The first of its lines may be missing.
_HEADER = "the header 'type octile', 'height N', 'width N', 'map'"


@dataclass(frozen=True, eq=False)
class GridMap(ArrayRecord):
    """A map of free and wall cells. Outside of it is wall.

    Attributes:
        free: ``bool[rows, cols]``; not to be changed after construction.
        cell_size: Side of a cell [m].
        name: Name of the map, a file's stem.
        symbols: The rows as text in MovingAI's alphabet (``S`` and ``E`` are pickup and delivery cells of
            the League of Robot Runners); drawn from ``free`` if not given.
        origin: Lower-left corner of the map, world frame [m].
    """

    free: Flags
    cell_size: float = 1.0
    name: str = "map"
    symbols: tuple[str, ...] = ()
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        free = np.array(self.free, order="C")
        if free.dtype != np.bool_ or free.ndim != 2 or free.size == 0:
            raise InputError("GridMap.free", f"{free.dtype}{list(free.shape)}", "bool[rows, cols], not empty")
        symbols = tuple(self.symbols) or _draw(free, "@")
        if not np.array_equal(_parse_rows(symbols, FREE, WALL, "GridMap.symbols"), free):
            raise InputError("GridMap.symbols", "rows that differ from free", "one symbol for each cell")
        object.__setattr__(self, "free", free)
        object.__setattr__(self, "cell_size", number("GridMap.cell_size", self.cell_size, above=0.0))
        object.__setattr__(self, "symbols", symbols)
        number("GridMap: cell_size × cells", float(self.cell_size) * max(free.shape))
        x, y = (number("GridMap.origin", value) for value in self.origin)
        object.__setattr__(self, "origin", (x, y))

    @classmethod
    def from_rows(cls, rows: Sequence[str], cell_size: float = 1.0, name: str = "map") -> GridMap:
        """A map drawn in text: ``.`` free and ``#`` wall, or any of MovingAI's symbols.

        Raises:
            InputError: If rows differ in length or hold another symbol.
        """
        free = _parse_rows(rows, FREE, WALL + "#", "rows")
        return cls(free, cell_size, name, tuple(row.replace("#", "@") for row in rows))

    @classmethod
    def from_movingai(cls, path: str | Path, cell_size: float = 1.0) -> GridMap:
        """Read a MovingAI ``.map`` file.

        Raises:
            InputError: If the file cannot be read or is malformed; names the file and the line.
        """
        path = Path(path)
        lines = [line.rstrip() for line in read_text(path, MAP_LIMIT).split("\n")]
        first, height, width = _read_header(lines, str(path))
        rows = lines[first : first + height]
        for offset, line in enumerate(lines[first + height :], start=first + height + 1):
            if line.strip():
                raise InputError(f"{path}:{offset}", line, f"nothing after the {height} rows of the map")
        if len(rows) < height or not rows[-1]:
            found = f"{sum(map(bool, rows))} rows (is the file truncated?)"
            raise InputError(str(path), found, f"{height} rows, as its height says")
        free = _parse_rows(rows, FREE, WALL, str(path), first + 1, width)
        with located(f"{path}: "):
            return cls(free, cell_size, path.stem, tuple(rows))

    def to_movingai(self) -> str:
        """The map as the text of a MovingAI ``.map`` file."""
        rows, cols = self.free.shape
        return "\n".join(["type octile", f"height {rows}", f"width {cols}", "map", *self.symbols]) + "\n"

    def save(self, path: str | Path) -> None:
        """Write a MovingAI ``.map`` file, atomically.

        Raises:
            InputError: If the file cannot be written there.
        """
        write_text(path, self.to_movingai())

    @property
    def rows(self) -> tuple[str, ...]:
        """The map drawn with ``.`` for free and ``#`` for wall cells."""
        return _draw(self.free, "#")

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the map [m]."""
        rows, cols = self.free.shape
        return cols * self.cell_size, rows * self.cell_size

    @property
    def bounds(self) -> Array:
        """The map's edges, ``float64[4]`` (xmin, ymin, xmax, ymax) [m]."""
        low = np.array(self.origin)
        return np.concatenate([low, low + self.size])

    def centre(self, cell: ArrayLike) -> Array:
        """World position of the centres of cells.

        Args:
            cell: ``[..., 2]`` (row, column).

        Returns:
            ``float64[..., 2]`` [m].
        """
        cell = np.asarray(cell, dtype=np.float64)
        row, col = cell[..., 0], cell[..., 1]
        return np.stack([col + 0.5, self.free.shape[0] - row - 0.5], axis=-1) * self.cell_size + np.array(self.origin)

    def cells_at(self, xy: ArrayLike) -> Int64s:
        """The cells that contain points; for a point outside the map, the nearest cell of its border.

        Args:
            xy: ``[..., 2]`` [m], world frame. A point on an edge belongs to the cell above or to its right.

        Returns:
            ``int64[..., 2]`` (row, column).

        Raises:
            InputError: If a coordinate is not a number.
        """
        xy = np.asarray(xy, dtype=np.float64)
        if np.isnan(xy).any():
            raise InputError("xy", xy.tolist(), "numbers")
        rows, cols = self.free.shape
        here: Array = (xy - np.array(self.origin)) / self.cell_size
        col = np.clip(np.floor(here[..., 0]), 0, cols - 1)
        up = np.clip(np.floor(here[..., 1]), 0, rows - 1)
        return np.stack([rows - 1 - up, col], axis=-1).astype(np.int64)

    def cell_at(self, xy: ArrayLike) -> tuple[int, int]:
        """The cell of one point, as ``cells_at``."""
        row, col = self.cells_at(xy)
        return int(row), int(col)

    def wall_boxes(self) -> Array:
        """The walls and a frame of four boxes around the map: ``float64[n, 4]`` (cx, cy, half_x, half_y) [m].

        Wall cells are covered by maximal rectangles, which may overlap. The frame is as thick as the map's
        longer side. Distances from free space are exact; inside a wall, at a seam, a depth can be too small.
        """
        rows = len(self.free)
        top, left, bottom, right = cover(~self.free).T.astype(np.float64)
        width, height = self.size
        x0, x1 = left * self.cell_size, right * self.cell_size
        y0, y1 = (rows - bottom) * self.cell_size, (rows - top) * self.cell_size
        walls = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2], axis=-1)
        half = max(width, height) / 2
        x, y, tall = width / 2, height / 2, height / 2 + 2 * half
        sides = [[-half, y, half, tall], [width + half, y, half, tall]]
        boxes = np.concatenate([walls, sides, [[x, -half, x, half], [x, height + half, x, half]]])
        boxes[:, :2] += self.origin
        return boxes

    def coarsened(self, cell_size: float) -> GridMap:
        """The same floor in larger cells: a cell is free if all of it is, and what is left at the far edges is wall.

        Args:
            cell_size: Side of the new cells [m], any number from the map's own on.

        Raises:
            InputError: If the cells are smaller than the map's own, or larger than the map.
        """
        ratio = number("cell size", cell_size, above=0.0) / self.cell_size
        if not 1.0 - _ROUNDING <= ratio <= min(self.free.shape) + _ROUNDING:
            valid = f"{self.cell_size:g} m, the cells of {self.name}, to {min(self.size):g} m, its shorter side"
            raise InputError("cell size", cell_size, valid)
        low, high = _spans(self.free.shape[0], ratio)
        left, right = _spans(self.free.shape[1], ratio)
        # Walls to the left of and below each corner, from the lower left one: four of them count those of a cell.
        walls = np.pad((~self.free[::-1]).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        above, below = walls[high], walls[low]
        inside = above[:, right] - below[:, right] - above[:, left] + below[:, left]
        return GridMap(inside[::-1] == 0, cell_size, self.name, origin=self.origin)

    def components(self) -> Int32s:
        """4-connected parts of the free cells: ``int32[rows, cols]`` from 0 in reading order, walls -1."""
        labels: Int32s = label_parts(self.free)
        return labels

    def largest_component(self) -> Flags:
        """The largest 4-connected part of the free cells, ``bool[rows, cols]``; of several the first."""
        labels = self.components()
        sizes = np.bincount(labels[self.free], minlength=1)
        return labels == int(np.argmax(sizes)) if self.free.any() else self.free.copy()


def _spans(count: int, ratio: float) -> tuple[Int64s, Int64s]:
    """The first of ``count`` small cells that each large one touches, and the one behind its last."""
    index = np.arange(int(count / ratio + _ROUNDING))
    return np.floor(index * ratio + _ROUNDING).astype(int), np.ceil((index + 1) * ratio - _ROUNDING).astype(int)


def _draw(free: Flags, wall: str) -> tuple[str, ...]:
    return tuple("".join("." if cell else wall for cell in row) for row in free.tolist())


def _parse_rows(
    rows: Sequence[str], free: str, wall: str, where: str, first: int = 0, width: int | None = None
) -> Flags:
    """Rows of symbols as ``bool[rows, cols]``; ``first`` is the first row's line if they are from a file."""
    if not rows or not all(isinstance(row, str) for row in rows) or not rows[0]:
        raise InputError(where, rows, "a list of rows of equal length, at least one cell")
    width = len(rows[0]) if width is None else width
    for index, row in enumerate(rows):
        place = f"{where}:{first + index}" if first else f"{where}[{index}]"
        if len(row) != width:
            raise InputError(place, f"{len(row)} cells", f"{width} cells in each row")
        other = row.strip(free + wall)
        if other:
            symbol = next(letter for letter in other if letter not in free + wall)
            valid = f"one of {free} (free) {wall} (wall)"
            raise InputError(f"{place}, column {row.index(symbol) + 1}", symbol, valid)
    codes = np.frombuffer("".join(rows).encode("ascii"), dtype=np.uint8).reshape(len(rows), width)
    return np.isin(codes, np.frombuffer(free.encode("ascii"), dtype=np.uint8))


def _read_header(lines: Sequence[str], where: str) -> tuple[int, int, int]:
    """Index of the first row of cells, height and width."""
    size: dict[str, int] = {}
    for index, line in enumerate(lines[:8]):
        place = f"{where}:{index + 1}"
        words = line.lower().split()
        if index == 0 and words in (["type", "octile"], ["type", "tile"]):
            continue
        if words == ["map"]:
            if len(size) < 2:
                raise InputError(place, f"no {'width' if 'height' in size else 'height'} before it", _HEADER)
            return index + 1, size["height"], size["width"]
        if len(words) == 2 and words[0] in ("height", "width") and words[0] not in size:
            if not (words[1].isascii() and words[1].isdecimal() and len(words[1]) <= 7 and int(words[1]) > 0):
                raise InputError(f"{place}: {words[0]}", words[1], "a number of cells from 1 to 9999999")
            size[words[0]] = int(words[1])
            continue
        raise InputError(place, line, _HEADER)
    raise InputError(where, "no line 'map'", _HEADER)
