"""MovingAI's scenarios (``.scen``): one problem a row, each on its own ground of a map.

Format: https://movingai.com/benchmarks/formats.html. There, ground and swamp are one terrain, and water is another: a
row may lead from water to water, and never from one to the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swarm.array_types import Int32s
from swarm.errors import InputError
from swarm.files.text_files import MEBIBYTE, read_text, write_text
from swarm.scenario.grid_map import GridMap

SCEN_LIMIT = 64 * MEBIBYTE


@dataclass(frozen=True)
class ScenEntry:
    """One line of a MovingAI ``.scen`` file: a path-finding problem of one robot.

    Attributes:
        bucket: Group of problems of similar length.
        map: The map's file name.
        width: Its columns.
        height: Its rows.
        start: Cell (row, column).
        goal: Cell (row, column).
        optimal_length: Length of the shortest 8-connected path, in cells (a diagonal step is √2).
    """

    bucket: int
    map: str
    width: int
    height: int
    start: tuple[int, int]
    goal: tuple[int, int]
    optimal_length: float


_SCEN = "bucket, map, width, height, start column, start row, goal column, goal row, optimal length"


def load_scen(path: str | Path) -> list[ScenEntry]:
    """Read a MovingAI ``.scen`` file; whether its rows fit their map is another question, see ``misfit``.

    Its first line may be missing, as in files that were put together from others.

    Raises:
        InputError: If the file cannot be read or is malformed; names file, line and field.
    """
    lines = [line.removesuffix("\r") for line in read_text(path, SCEN_LIMIT).split("\n")]
    first = lines[0].lower().split()
    is_row = len(_fields(lines[0])) == 9
    if not is_row and first not in (["version", "1"], ["version", "1.0"]):
        raise InputError(f"{path}:1", lines[0], f"version 1, or a row of 9 fields: {_SCEN}")
    numbered = list(enumerate(lines, start=1))[0 if is_row else 1 :]
    return [_parse_entry(line, f"{path}:{number}") for number, line in numbered if line.strip()]


def save_scen(path: str | Path, entries: Iterable[ScenEntry]) -> None:
    """Write a MovingAI ``.scen`` file, atomically.

    Raises:
        InputError: If the file cannot be written there.
    """
    lines = ["version 1"]
    for e in entries:
        cells = (e.start[1], e.start[0], e.goal[1], e.goal[0])
        fields = (e.bucket, e.map, e.width, e.height, *cells, repr(float(e.optimal_length)))
        lines.append("\t".join(map(str, fields)))
    write_text(path, "\n".join(lines) + "\n")


def _fields(line: str) -> list[str]:
    """The fields of a row between tabs, or else between blanks, which the name of its map may have too."""
    tabbed = line.strip().split("\t")
    if len(tabbed) == 9:
        return tabbed
    words = line.split()
    return [words[0], " ".join(words[1:-7]), *words[-7:]] if len(words) > 9 else words


def _parse_entry(line: str, where: str) -> ScenEntry:
    fields = _fields(line)
    if len(fields) != 9:
        raise InputError(where, f"{len(fields)} fields", f"9 fields: {_SCEN}")
    names = _SCEN.split(", ")
    whole = {}
    for index in (0, 2, 3, 4, 5, 6, 7):
        text = fields[index].strip()
        if not (text.isascii() and text.isdecimal() and len(text) <= 9):
            raise InputError(f"{where}: {names[index]}", text, "a whole number of at least 0")
        whole[index] = int(text)
    try:
        length = float(fields[8])
    except ValueError:
        length = math.nan
    if not (math.isfinite(length) and length >= 0.0):
        raise InputError(f"{where}: {names[8]}", fields[8], "a finite number of at least 0")
    start, goal = (whole[5], whole[4]), (whole[7], whole[6])
    return ScenEntry(whole[0], fields[1], whole[2], whole[3], start, goal, length)


def water_of(grid: GridMap) -> GridMap | None:
    """The map of those who swim: its water is free, and all else is wall; None if it has no water."""
    rows = tuple("".join("." if symbol == "W" else "@" for symbol in row) for row in grid.symbols)
    if not any("." in row for row in rows):
        return None
    return GridMap.from_rows(rows, grid.cell_size, f"{grid.name}-water")


def misfit(entry: ScenEntry, ground: GridMap, parts: Int32s) -> str:
    """Why a row does not fit a ground, or nothing if it does.

    Args:
        entry: The row.
        ground: A map; see ``water_of`` for the other one.
        parts: Its connected parts, ``GridMap.components``.
    """
    rows, cols = ground.free.shape
    if (entry.width, entry.height) != (cols, rows):
        return f"for a map of another size than {cols} × {rows}"
    if not all(row < rows and col < cols for row, col in (entry.start, entry.goal)):
        return "with a cell outside of the map"
    if not (ground.free[entry.start] and ground.free[entry.goal]):
        return "from or to a wall"
    return "" if parts[entry.start] == parts[entry.goal] else "to a goal that cannot be reached"
