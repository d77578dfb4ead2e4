"""Lifelong instances of multi-agent path finding as JSON lines.

They carry instances such as those of the POGEMA benchmark (Skrynnik et al., ICLR 2025), one a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from swarm.array_types import Int32s, Int64s
from swarm.errors import InputError
from swarm.files.checks import ArrayRecord
from swarm.files.text_files import MEBIBYTE, atomic_writer, check_file, decode, located
from swarm.scenario.grid_map import GridMap

INSTANCES_LIMIT = 256 * MEBIBYTE
_KEYS = ("suite", "map", "seed", "rows", "starts", "targets", "counts")
_CELLS = "a list of cells [row, column]"


@dataclass(frozen=True, eq=False)
class LifelongInstance(ArrayRecord):
    """One episode of lifelong path finding; the first n robots make the n-robot episode.

    Starts are distinct free cells. A robot's targets are free cells that it can reach; the first may be its
    start, and two in a row may be the same cell.

    Attributes:
        suite: Name of the family of instances.
        map: Name of the map.
        seed: Seed that the episode was drawn with.
        grid: The map.
        starts: ``int64[n, 2]`` (row, column).
        targets: For each robot ``int64[k, 2]``, one or more, consumed in order.
        counts: Team sizes that the instance is meant for, ascending, at most n.
    """

    suite: str
    map: str
    seed: int
    grid: GridMap
    starts: Int64s
    targets: tuple[Int64s, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("suite", "map"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"LifelongInstance.{name}", getattr(self, name), "text")
        if not _is_whole(self.seed) or self.seed < 0:
            raise InputError("LifelongInstance.seed", self.seed, "a whole number of at least 0")
        starts = _cells("LifelongInstance.starts", self.starts, self.grid)
        if len(self.targets) != len(starts):
            found = f"lists for {len(self.targets)} robots"
            raise InputError("LifelongInstance.targets", found, f"{len(starts)} lists, one for each start")
        targets = tuple(
            _cells(f"LifelongInstance.targets[{robot}]", cells, self.grid) for robot, cells in enumerate(self.targets)
        )
        _check_distinct(starts)
        _check_reachable(starts, targets, self.grid.components())
        counts = tuple(self.counts)
        allowed = range(1, len(starts) + 1)
        whole = all(map(_is_whole, counts))
        if not counts or not whole or list(counts) != sorted({*counts}.intersection(allowed)):
            valid = f"ascending whole numbers from 1 to {len(starts)}, the number of starts"
            raise InputError("LifelongInstance.counts", list(self.counts), valid)
        for name, value in (("starts", starts), ("targets", targets), ("counts", counts)):
            object.__setattr__(self, name, value)


def load_instances(path: str | Path, limit: int = INSTANCES_LIMIT) -> Iterator[LifelongInstance]:
    """Read lifelong instances line by line.

    Args:
        path: A file of JSON lines.
        limit: Largest size that is read, bytes.

    Returns:
        An iterator over the instances; a malformed line raises when its turn comes.

    Raises:
        InputError: If the file cannot be read, is malformed or holds no instance; names file, line and key.
    """
    path = Path(path)
    check_file(path, limit)
    return _iterate(path)


def _iterate(path: Path) -> Iterator[LifelongInstance]:
    found = False
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                found = True
                where = f"{path}:{number}"
                try:
                    instance = _parse_instance(line, where)
                except RecursionError:
                    raise InputError(where, "deeper nesting", "an object with lists of cells") from None
                yield instance
    if not found:
        raise InputError(str(path), "no instance", "one JSON object a line")


def save_instances(path: str | Path, instances: Iterable[LifelongInstance]) -> None:
    """Write lifelong instances as JSON lines, atomically.

    Raises:
        InputError: If the file cannot be written there.
    """
    with atomic_writer(path) as stream:
        for instance in instances:
            entry: dict[str, Any] = {name: getattr(instance, name) for name in ("suite", "map", "seed")}
            entry |= {"rows": instance.grid.rows, "starts": instance.starts.tolist()}
            entry |= {"targets": [cells.tolist() for cells in instance.targets], "counts": instance.counts}
            stream.write(json.dumps(entry, separators=(",", ":"), ensure_ascii=False) + "\n")


def _parse_instance(line: bytes, where: str) -> LifelongInstance:
    text = decode(where, line)
    try:
        with located(f"{where}: "):
            entry = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except InputError:
        # One of ours, although it is a ValueError too.
        raise
    except ValueError as error:
        raise InputError(where, str(error), "one complete JSON object a line") from None
    if not isinstance(entry, dict):
        raise InputError(where, entry, f"a JSON object with the keys {', '.join(_KEYS)}")
    for key in entry:
        if key not in _KEYS:
            raise InputError(f"{where}: {key}", "an unknown key", f"one of the keys {', '.join(_KEYS)}")
    for key in _KEYS:
        if key not in entry:
            raise InputError(f"{where}: {key}", None, f"this key is required (keys: {', '.join(_KEYS)})")
    for key in ("rows", "starts", "targets", "counts"):
        if not isinstance(entry[key], list):
            raise InputError(f"{where}: {key}", entry[key], "a list")
    with located(f"{where}: ", drop="LifelongInstance."):
        grid = GridMap.from_rows(entry["rows"], name=str(entry["map"]))
        entry["targets"] = tuple(entry["targets"])
        return LifelongInstance(**{key: entry[key] for key in _KEYS if key != "rows"}, grid=grid)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which each key comes once."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise InputError(key, "the key again", "each key once")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise InputError("a number", name, "finite numbers")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _cells(where: str, value: Any, grid: GridMap) -> Int64s:
    """Cells as ``int64[n, 2]``, one or more, free ones of the map."""
    rows, cols = grid.free.shape
    try:
        cells = np.array(value)
    except ValueError:
        raise InputError(where, value, _CELLS) from None
    if cells.ndim != 2 or cells.shape[1] != 2 or not np.issubdtype(cells.dtype, np.integer):
        raise InputError(where, value, f"{_CELLS}, at least one, whole numbers")
    outside = (cells < 0).any(axis=1) | (cells[:, 0] >= rows) | (cells[:, 1] >= cols)
    for index in np.flatnonzero(outside)[:1]:
        raise InputError(f"{where}[{index}]", cells[index].tolist(), f"a cell of the {rows} × {cols} map")
    for index in np.flatnonzero(~grid.free[cells[:, 0], cells[:, 1]])[:1]:
        raise InputError(f"{where}[{index}]", cells[index].tolist(), "a free cell, not a wall")
    return cells.astype(np.int64)


def _check_distinct(starts: Int64s) -> None:
    _, first, inverse = np.unique(starts, axis=0, return_index=True, return_inverse=True)
    owner = first[inverse.reshape(-1)]
    for index in np.flatnonzero(owner != np.arange(len(starts)))[:1]:
        where = f"LifelongInstance.starts[{index}]"
        raise InputError(where, starts[index].tolist(), f"another cell than starts[{owner[index]}]")


def _check_reachable(starts: Int64s, targets: Sequence[Int64s], part: Int32s) -> None:
    """Every target lies in the same 4-connected part of the map as its robot's start."""
    for robot, cells in enumerate(targets):
        home = part[tuple(starts[robot])]
        for index in np.flatnonzero(part[cells[:, 0], cells[:, 1]] != home)[:1]:
            where = f"LifelongInstance.targets[{robot}][{index}]"
            raise InputError(where, cells[index].tolist(), f"a cell that starts[{robot}] can reach")
