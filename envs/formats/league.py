"""Problems of the League of Robot Runners: 2023 (start kit 1), 2024 (2) and 2026 (3).

A problem is a JSON file that names a map, a file of agents and a file of tasks, relative to itself. Format:
https://github.com/MAPF-Competition/Start-Kit.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swarm.array_types import Int64s
from swarm.errors import InputError
from swarm.files.text_files import MEBIBYTE, located, read_text
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance

PROBLEM_LIMIT, LIST_LIMIT = MEBIBYTE, 256 * MEBIBYTE
STEPS = 5000
"""Length of a run of the league's kits, if nobody says another; no robot reaches all of its goals before."""
# As the kits do, other keys of a problem are ignored, which is said.
_FILES = ("mapFile", "agentFile", "taskFile", "teamSize")
_OPTIONS = ("numTasksReveal", "taskAssignmentStrategy", "version", "agentCounter", "agentSize", "delayConfig")
ASSIGNMENTS = ("roundrobin", "roundrobin_fixed", "greedy")
_WHOLE = "a whole number of at least 1"


@dataclass(frozen=True)
class DelayConfig:
    """How robots are held up (2026); a delay is drawn for a robot and tick.

    Attributes:
        seed: Of the draws.
        min_delay: Shortest [ticks].
        max_delay: Longest [ticks].
        event_model: ``bernoulli`` or ``poisson``.
        p_delay: Chance of a delay for each robot and tick.
        duration_model: ``uniform`` or ``gaussian``.
        gauss_mean_ratio: Mean of a gaussian duration, as a share of the way from the shortest to the longest.
        gauss_std_ratio: Its standard deviation, likewise.
    """

    seed: int
    min_delay: int
    max_delay: int
    event_model: str
    p_delay: float
    duration_model: str
    gauss_mean_ratio: float
    gauss_std_ratio: float


@dataclass(frozen=True, eq=False)
class LeagueProblem:
    """A problem as its files have it.

    Attributes:
        name: Stem of the file.
        generation: 2023, 2024 or 2026.
        grid: The map.
        starts: ``int64[N, 2]`` (row, column); all robots face east.
        tasks: For each task the cells of its errands in order, ``int64[k, 2]``.
        tasks_reveal: 2023: goals that each robot sees ahead; then: open tasks for each robot.
        assignment: Who gets which task (2023); empty where the robots' scheduler decides (2024, 2026).
        agent_counter: Ticks that a move takes (2026), else 1.
        agent_size: Side of a robot, cells (2026), else 1.
        delays: How robots are held up (2026).
        ignored: Keys of the file that this stack does not know.
    """

    name: str
    generation: int
    grid: GridMap
    starts: Int64s
    tasks: tuple[Int64s, ...]
    tasks_reveal: float
    assignment: str
    agent_counter: int
    agent_size: float
    delays: DelayConfig | None
    ignored: tuple[str, ...] = ()

    def instance(self) -> LifelongInstance:
        """The problem as a lifelong instance: task r, r + N, … for robot r of N, errands in order.

        Where the tasks are used up they begin again, as in the league, until nobody can reach all of its goals within
        ``STEPS``; with ``roundrobin_fixed`` each comes once.
        """
        robots = len(self.starts)
        targets = tuple(self._goals(robot, range(robot, len(self.tasks), robots)) for robot in range(robots))
        with located(f"{self.name}: ", drop="LifelongInstance."):
            return LifelongInstance("league", self.name, 0, self.grid, self.starts, targets, (robots,))

    def _goals(self, robot: int, own: range) -> Int64s:
        fixed = self.assignment == "roundrobin_fixed"
        if fixed and not own:
            raise InputError(f"{self.name}: tasks", len(self.tasks), f"a task for each of {len(self.starts)} robots")
        cells, needed, task = [self.starts[robot]], 0, robot
        while task in own if fixed else needed <= STEPS:
            for cell in self.tasks[task % len(self.tasks)]:
                # A goal takes a step even where the robot stands, and no way is shorter than this.
                needed += max(1, int(np.abs(cell - cells[-1]).sum()))
                cells.append(cell)
            task += len(self.starts)
        return np.array(cells[1:])

    def notes(self) -> list[str]:
        """What a run on a grid without turning and delays leaves out."""
        found = [f"{self.name}: a problem of {self.generation}; robots move to any side without turning"]
        if self.assignment in ("roundrobin", "roundrobin_fixed"):
            found[0] += f"; tasks by {self.assignment}, as it declares"
        else:
            found[0] += f"; tasks by turns (robot r gets task r, r + {len(self.starts)}, …), errands in order"
        if self.delays is not None:
            found.append(f"{self.name}: delays and ticks ({self.agent_counter} a move) are read and not simulated")
        if self.ignored:
            found.append(f"{self.name}: unknown keys are ignored: {', '.join(self.ignored)}")
        return found


def problem_files(folder: Path) -> list[Path]:
    """The problems in a folder.

    Raises:
        InputError: If there is none.
    """
    found = [path for path in sorted(folder.glob("*.json")) if '"mapFile"' in read_text(path, LIST_LIMIT)[:65_536]]
    if not found:
        valid = f"a folder with one (a JSON file with the keys {', '.join(_FILES)}), or a file"
        raise InputError(str(folder), "a folder without a problem of the League of Robot Runners", valid)
    return found


def load_problem(path: Path) -> LeagueProblem:
    """Read a problem and the files that it names.

    Raises:
        InputError: If a file cannot be read or is malformed, or they do not fit; names the file, and the key or line.
    """
    try:
        entry = json.loads(read_text(path, PROBLEM_LIMIT))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), str(error), "one JSON object, a problem of the League of Robot Runners") from None
    unknown = tuple(key for key in entry if key not in (*_FILES, *_OPTIONS)) if isinstance(entry, dict) else ()
    keys = _Keys(str(path), entry, _FILES, (*_OPTIONS, *unknown))
    generation = _generation(keys)
    map_file = path.parent / keys.text("mapFile")
    with located(f"{path}: mapFile: "):
        grid = GridMap.from_movingai(map_file)
    rows, starts = _read_list(path.parent / keys.text("agentFile"), grid, 1)
    team = keys.whole("teamSize")
    if team > len(starts):
        raise InputError(f"{path}: teamSize", team, f"at most {len(starts)}, the agents of {keys.text('agentFile')}")
    first = np.concatenate(starts[:team])
    _check_starts(first, rows)
    _, tasks = _read_list(path.parent / keys.text("taskFile"), grid, 1 if generation == 2023 else math.inf)
    ticks = generation == 2026
    return LeagueProblem(
        path.stem, generation, grid, first, tuple(tasks),
        tasks_reveal=keys.number("numTasksReveal", 1.0),
        assignment=_assignment(keys, generation),
        agent_counter=keys.whole("agentCounter", 10) if ticks else 1,
        agent_size=keys.number("agentSize", 1.0) if ticks else 1.0,
        delays=_read_delays(keys) if ticks else None,
        ignored=unknown,
    )  # fmt: skip


class _Keys:
    """The keys of a JSON object, read as what is expected."""

    def __init__(self, where: str, entry: Any, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
        named = ", ".join([*required, *(f"{key} (optional)" for key in optional)])
        if not isinstance(entry, dict):
            raise InputError(where, entry, f"an object with the keys {named}")
        for key in entry:
            if key not in (*required, *optional):
                raise InputError(f"{where}: {key}", "an unknown key", f"one of the keys {named}")
        for key in required:
            if key not in entry:
                raise InputError(f"{where}: {key}", None, f"this key is required (keys: {named})")
        self.where, self.entry = where, entry

    def text(self, key: str, default: str = "") -> str:
        value = self.entry.get(key, default)
        if not isinstance(value, str):
            raise InputError(f"{self.where}: {key}", value, "text")
        return value

    def whole(self, key: str, default: int | None = None, least: int = 1) -> int:
        value = self.entry.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**31:
            raise InputError(f"{self.where}: {key}", value, f"a whole number from {least} on")
        return value

    def number(self, key: str, default: float | None = None, least: float = 0.0, most: float = 1e6) -> float:
        value = self.entry.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise InputError(f"{self.where}: {key}", value, f"a number from {least:g} to {most:g}")
        return float(value)

    def word(self, key: str, words: tuple[str, ...], default: str = "") -> str:
        value = self.text(key, default)
        if value not in words:
            raise InputError(f"{self.where}: {key}", value, " or ".join(words))
        return value


def _generation(keys: _Keys) -> int:
    """The year of a problem: by its version, or by what only one year has."""
    version = str(keys.entry.get("version") or "")  # the kits do not read it
    for year in (2023, 2024, 2026):
        if str(year) in version:
            return year
    if version:
        raise InputError(f"{keys.where}: version", version, "2023, 2024 or 2026 LoRR")
    if "delayConfig" in keys.entry:
        return 2026
    return 2023 if "taskAssignmentStrategy" in keys.entry else 2024


def _assignment(keys: _Keys, generation: int) -> str:
    if generation != 2023:
        return ""
    return keys.word("taskAssignmentStrategy", ASSIGNMENTS, "roundrobin")


def _read_delays(keys: _Keys) -> DelayConfig | None:
    if "delayConfig" not in keys.entry:
        return None
    names = ("seed", "minDelay", "maxDelay", "eventModel", "pDelay", "durationModel", "gaussMeanRatio", "gaussStdRatio")
    inner = _Keys(f"{keys.where}: delayConfig", keys.entry["delayConfig"], names)
    shortest = inner.whole("minDelay")
    return DelayConfig(
        inner.whole("seed", least=0), shortest, inner.whole("maxDelay", least=shortest),
        inner.word("eventModel", ("bernoulli", "poisson")), inner.number("pDelay", most=1.0),
        inner.word("durationModel", ("uniform", "gaussian")), inner.number("gaussMeanRatio", most=1.0),
        inner.number("gaussStdRatio"),
    )  # fmt: skip


def _read_list(path: Path, grid: GridMap, longest: float) -> tuple[list[str], list[Int64s]]:
    """The entries behind a count, each cells ``int64[k, 2]`` of at most ``longest``; and where each stands."""
    lines = [(number, line.strip()) for number, line in enumerate(read_text(path, LIST_LIMIT).split("\n"), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines or not (lines[0][1].isascii() and lines[0][1].isdecimal() and 0 < len(lines[0][1]) <= 9):
        found = lines[0][1] if lines else "no line"
        raise InputError(f"{path}:{lines[0][0] if lines else 1}", found, f"the number of entries, {_WHOLE}")
    count, first, lines = int(lines[0][1]), lines[0][0], lines[1:]
    if count == 0:
        raise InputError(f"{path}:{first}", 0, f"the number of entries, {_WHOLE}")
    if count > len(lines):
        raise InputError(str(path), f"{len(lines)} entries (is the file cut?)", f"{count}, as its first line says")
    return (
        [f"{path}:{number}" for number, _ in lines[:count]],
        [_read_cells(line, f"{path}:{number}", grid, longest) for number, line in lines[:count]],
    )


def _read_cells(line: str, where: str, grid: GridMap, longest: float) -> Int64s:
    """The cells of a line, numbered row by row from 0 on."""
    words = [word.strip() for word in line.rstrip(",").split(",")]
    if len(words) > longest:
        raise InputError(where, line, "one cell (tasks of several errands are of 2024 and later)")
    for word in words:
        if not (word.isascii() and word.isdecimal() and len(word) <= 9 and int(word) < grid.free.size):
            raise InputError(where, word, f"a cell, 0 to {grid.free.size - 1}")
        if not grid.free.flat[int(word)]:
            row, column = divmod(int(word), grid.free.shape[1])
            raise InputError(where, word, f"a free cell (row {row}, column {column} is a wall of {grid.name})")
    return np.stack(np.divmod([int(word) for word in words], grid.free.shape[1]), axis=-1).astype(np.int64)


def _check_starts(starts: Int64s, places: list[str]) -> None:
    seen: dict[tuple[int, ...], str] = {}
    for cell, place in zip(map(tuple, starts.tolist()), places, strict=False):
        if cell in seen:
            raise InputError(place, list(cell), f"another start than {seen[cell]} (row, column)")
        seen[cell] = place
