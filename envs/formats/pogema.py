"""POGEMA's YAML files: lists of maps, and lists of scenarios on them.

Format: https://github.com/CognitiveAISystems/pogema. In a map ``.`` is free, ``#`` is wall; ``@``, ``$`` and ``!`` are
free cells where robots may start, may have goals, or neither (then ``.`` is for both); letters are the start (small)
and the goal (large) of one robot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swarm.array_types import Int64s
from swarm.errors import InputError
from swarm.files.formats import Format, format_of
from swarm.files.text_files import located, read_bytes
from swarm.files.yaml_input import YAML_LIMIT, Field, read_yaml
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance

_SYMBOLS = {"#": "@", "@": "S", "$": "E"}
_PLACES = ("agents_xy", "targets_xy")
_NOT_DRAWN = "where POGEMA draws the robots itself, give its list of maps"
_VALID = ". (free), # (wall), @ $ ! (free: starts, goals, neither), a letter (start, or goal if it is large)"


@dataclass(frozen=True, eq=False)
class PogemaMap:
    """A map and what it says of places.

    Attributes:
        grid: The map; places to start are ``S``, places to go are ``E``.
        homes: Cells where robots may start, ``int64[n, 2]`` (row, column); all free ones if no cell is marked.
        places: Cells where goals may be, ``int64[n, 2]``.
        starts: Of the robots that letters name, ``int64[n, 2]``.
        goals: Theirs.
    """

    grid: GridMap
    homes: Int64s
    places: Int64s
    starts: Int64s
    goals: Int64s

    def instance(self, suite: str) -> LifelongInstance | None:
        """The robots that letters name; None if there are none."""
        if not len(self.starts):
            return None
        targets = tuple(self.goals[:, None])
        return LifelongInstance(suite, self.grid.name, 0, self.grid, self.starts, targets, (len(self.starts),))


def load_pogema_maps(path: Path) -> dict[str, PogemaMap]:
    """Read a list of maps.

    Raises:
        InputError: If the file cannot be read or is malformed; names the file, the line and the column.
    """
    root = read_yaml(path)
    if not isinstance(root.value, dict) or not root.value:
        raise root.error("a mapping of names to maps, each a block of text")
    lines = read_bytes(path, YAML_LIMIT).decode("utf-8-sig").split("\n")
    return {name: _read_map(field, name, lines) for name, field in root.value.items()}


def _read_map(field: Field, name: str, lines: Sequence[str]) -> PogemaMap:
    rows = _rows_of_list(field) if isinstance(field.value, list) else field.text().split()
    if not rows:
        raise field.error("a map, a block of text")
    agents: dict[str, tuple[int, int]] = {}
    targets: dict[str, tuple[int, int]] = {}
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(_place(field, lines, index, row, 0), f"{len(row)} cells", f"{len(rows[0])} in each row")
        for column, symbol in enumerate(row):
            letter = symbol.isascii() and symbol.isalpha()
            if not letter and symbol not in ".#@$!":
                raise InputError(_place(field, lines, index, row, column), symbol, _VALID)
            if letter:
                named = agents if symbol.islower() else targets
                if symbol.lower() in named:
                    raise InputError(_place(field, lines, index, row, column), symbol, "each letter once")
                named[symbol.lower()] = (index, column)
    if agents.keys() != targets.keys():
        found = "".join([*sorted(agents), *(letter.upper() for letter in sorted(targets))])
        raise InputError(field.where, found, "a small and a large letter for each robot: its start and its goal")
    drawn = ["".join(_SYMBOLS.get(symbol, ".") for symbol in row) for row in rows]
    cells = np.array([list(row) for row in rows])
    marked = np.isin(cells, ["@", "$", "!"]).any()
    either = (cells != "#") & ~np.isin(cells, ["@", "$", "!"])
    homes, places = (np.argwhere(either | (marked & (cells == symbol))) for symbol in "@$")
    order = sorted(agents)
    starts, goals = (np.array([of[key] for key in order], np.int64).reshape(-1, 2) for of in (agents, targets))
    return PogemaMap(GridMap.from_rows(drawn, name=name), homes, places, starts, goals)


def _rows_of_list(field: Field) -> list[str]:
    """A map as a list of rows: texts, or, as in POGEMA's own configurations, lists of 0 (free) and 1 (wall)."""
    if any(isinstance(row.value, str) for row in field.items()):
        return [row.text().strip() for row in field.items()]
    for cell in (cell for row in field.items() for cell in row.items()):
        if cell.value not in (0.0, 1.0):
            raise cell.error("0 (free) or 1 (wall)")
    return ["".join("#" if cell.value else "." for cell in row.value) for row in field.value]


def _place(field: Field, lines: Sequence[str], index: int, row: str, column: int) -> str:
    """Where a cell stands: its line in the file if the map is a block of text, else its row."""
    file = field.where.partition(f":{field.line}: ")[0]
    line = lines[field.line + index] if field.line + index < len(lines) else ""
    if line.strip() == row:
        return f"{file}:{field.line + index + 1}, column {line.index(row) + column + 1}"
    return f"{field.where}, row {index + 1}, column {column + 1}"


def pogema_instances(path: Path, maps_path: Path | None = None) -> list[LifelongInstance]:
    """Read a list of scenarios, or the configuration of a single one.

    Args:
        path: The file.
        maps_path: The list of their maps; by default the lists in the same folder.

    Raises:
        InputError: If a file cannot be read or is malformed, or a map is missing; names the file, the line and the key.
    """
    try:
        root = read_yaml(path)
    except InputError as error:
        raise InputError(error.where, error.value, f"{error.valid}: {Format.POGEMA_SCENARIOS.value}") from None
    if not isinstance(root.value, dict):
        raise root.error("a mapping with the key scenarios")
    fields = root.value
    if "scenarios" not in fields and not fields.keys() & {*_PLACES, "map"}:
        raise root.error(f"a mapping with the key scenarios, or with {', '.join(_PLACES)}: {_NOT_DRAWN}")
    listed = fields["scenarios"].value if "scenarios" in fields else {path.stem: root}
    if not isinstance(listed, dict) or not listed:
        raise fields["scenarios"].error("a mapping of names to scenarios")
    counts = _counts(fields)
    entries = [_entry(field) for field in listed.values()]
    lines = read_bytes(path, YAML_LIMIT).decode("utf-8-sig").split("\n")
    named = {keys["map_name"].text() for keys in entries if not _has_map(keys)}
    maps, found = _maps_for(named, path, maps_path), []
    for (name, field), keys in zip(listed.items(), entries, strict=True):
        drawn = _read_map(keys["map"], name, lines) if _has_map(keys) else maps[keys["map_name"].text()]
        lettered = None if _is_placed(keys) else drawn.instance(path.stem)
        found.append(lettered or _instance(field, keys, drawn, path.stem, counts))
    return found


def _entry(field: Field) -> dict[str, Field]:
    """The keys of one scenario; it may have others, which say nothing of where robots start and go."""
    if not isinstance(field.value, dict):
        raise field.error("a mapping with the keys agents_xy, targets_xy, map_name")
    return field.mapping([] if _has_map(field.value) else [*_PLACES, "map_name"], others=True)


def _is_placed(keys: dict[str, Field]) -> bool:
    """Whether a scenario says where robots start and go; what POGEMA writes has the keys in any case."""
    return any(key in keys and keys[key].value is not None for key in _PLACES)


def _has_map(keys: dict[str, Field]) -> bool:
    """Whether a scenario draws its map itself; what POGEMA writes has the key in any case."""
    return "map" in keys and keys["map"].value is not None


def _counts(fields: dict[str, Field]) -> list[int]:
    """The team sizes that an experiment is for."""
    found = fields.get("environment", Field({}, 1, "", None)).value
    field = (found if isinstance(found, dict) else {}).get("num_agents")
    if field is not None and isinstance(field.value, dict):
        field = field.mapping(["grid_search"])["grid_search"]
    if field is None or field.value is None:
        return []
    numbers = field.items() if isinstance(field.value, list) else [field]
    return sorted({_whole(entry) for entry in numbers})


def _whole(field: Field) -> int:
    if not isinstance(field.value, float) or not field.value.is_integer() or not 0 <= field.value < 2**31:
        raise field.error("a whole number of at least 0")
    return int(field.value)


def _maps_for(names: set[str], path: Path, given: Path | None) -> dict[str, PogemaMap]:
    """The maps of these names."""
    found: dict[str, PogemaMap] = {}
    wrong: list[str] = []
    for file in [given] if given else _map_lists(path.parent):
        if names <= found.keys():
            break
        try:
            found |= load_pogema_maps(file)
        except InputError as error:  # a list that nobody asked for may be of something else
            if given:
                raise
            wrong.append(str(error))
    for name in sorted(names - found.keys()):
        where = str(given) if given else f"a list of maps beside {path.name}"
        where += f" (not read: {'; '.join(wrong)})" if wrong else ""
        raise InputError(f"{path}: map_name", name, f"a map in {where}, or give its list (--map)")
    return found


def _map_lists(folder: Path) -> Iterable[Path]:
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        small = file.is_file() and file.stat().st_size <= YAML_LIMIT
        if small and format_of(read_bytes(file, YAML_LIMIT)) is Format.POGEMA_MAPS:
            yield file


def _instance(
    field: Field, keys: dict[str, Field], drawn: PogemaMap, suite: str, counts: Sequence[int]
) -> LifelongInstance:
    for key in _PLACES:
        if key not in keys or keys[key].value is None:
            raise InputError(f"{field.where}: {key}", None, f"this key: {_NOT_DRAWN}")
    starts, goals = _cells(keys["agents_xy"]), keys["targets_xy"]
    once = goals.items() and isinstance(goals.items()[0].value, list) and not _is_nested(goals.items()[0])
    targets = list(_cells(goals)[:, None]) if once else [_cells(entry) for entry in goals.items()]
    fitting = tuple(count for count in counts if 1 <= count <= len(starts)) or (len(starts),)
    seed = _whole(keys["seed"]) if "seed" in keys and keys["seed"].value is not None else 0
    with located(f"{field.where}: ", drop="LifelongInstance."):
        return LifelongInstance(suite, drawn.grid.name, seed, drawn.grid, starts, tuple(targets), fitting)


def _is_nested(field: Field) -> bool:
    return bool(field.value) and isinstance(field.value[0].value, list)


def _cells(field: Field) -> Int64s:
    """Cells ``int64[n, 2]``."""
    if not field.items():
        raise field.error("one cell [row, column] or more")
    for entry in field.items():
        if not (isinstance(entry.value, list) and len(entry.value) == 2):
            raise entry.error("a cell [row, column]")
    return np.array([[_whole(number) for number in entry.value] for entry in field.items()], dtype=np.int64)
