"""The exhaustive search over fixed class-K parameters: every setting on the same episodes, and the table is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from envs.arena.core import Draw
from envs.arena.episodes import Episodes, draw_episodes, play
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.text_files import make_folder, write_text
from swarm.filter.tunables import COUNT, OBSTACLE_GAIN, OBSTACLE_POWER, ROBOT_GAIN, ROBOT_POWER, TUNABLES, encode
from swarm.scenario.scenario import Scenario

PARAMETERS = ("robot_gain", "robot_power", "obstacle_gain", "obstacle_power")
_GAIN, _POWER = TUNABLES[ROBOT_GAIN], TUNABLES[ROBOT_POWER]
# Episodes whose results are in memory together.
_EPISODES_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Setting:
    """One row of the table: parameters (gains [1/s]), and the means over all robots or episodes."""

    robot_gain: float
    robot_power: float
    obstacle_gain: float
    obstacle_power: float
    safe: float
    reached: float
    success: float
    complete: float
    """Share of episodes in which everybody was safe and arrived."""
    time: float
    """To the goal [s]; the horizon for a robot that did not arrive."""
    clearance: float
    """Mean over episodes of the smallest gap [m]."""
    deliveries: float
    """Goals that a robot reached; all that there is to compare where the work never ends."""

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        """Robot gain and power, obstacle gain and power."""
        return self.robot_gain, self.robot_power, self.obstacle_gain, self.obstacle_power


@dataclass(frozen=True)
class SweepTable:
    """What every setting came to in one family."""

    family: str
    planner: str
    seed: int
    episodes: int
    robots: int
    settings: tuple[Setting, ...]


def save_tables(path: Path, tables: Sequence[SweepTable]) -> None:
    """Write tables as JSON: a line of numbers for each setting."""
    texts = []
    for table in tables:
        head = {name: value for name, value in asdict(table).items() if name != "settings"}
        head["columns"] = list(Setting.__annotations__)
        rows = [json.dumps([float(f"{value:.6g}") for value in asdict(row).values()]) for row in table.settings]
        texts.append(json.dumps(head, indent=1)[:-2] + ',\n "settings": [\n  ' + ",\n  ".join(rows) + "\n ]\n}")
    make_folder(path.parent)
    write_text(path, "[\n" + ",\n".join(texts) + "\n]\n")


def load_tables(path: Path) -> list[SweepTable]:
    """Read what ``save_tables`` wrote.

    Raises:
        InputError: If it is missing or holds no such tables.
    """
    try:
        found = []
        for document in json.loads(path.read_text(encoding="utf-8")):
            columns = document.pop("columns")
            rows = tuple(Setting(**dict(zip(columns, row, strict=True))) for row in document.pop("settings"))
            found.append(SweepTable(settings=rows, **document))
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(str(path), str(error), "tables written by evaluate.py sweep") from error


def gains(count: int) -> Array:
    """``count`` gains [1/s] over the box, in equal ratios; a single one is in its middle."""
    return _rounded(np.geomspace(_GAIN.low, _GAIN.high, count) if count > 1 else math.sqrt(_GAIN.low * _GAIN.high))


def powers(count: int) -> Array:
    """``count`` powers over the box, in equal steps; a single one is the lowest."""
    return _rounded(np.linspace(_POWER.low, _POWER.high, count))


def _rounded(values: ArrayLike) -> Array:
    """To 4 digits, so that a table that was written and read has the same settings."""
    return np.array([float(f"{value:.4g}") for value in np.atleast_1d(values)])


def full_grid(gain_count: int, power_count: int) -> Array:
    """All settings ``[S, 4]`` of gain × power for robots × gain × power for obstacles."""
    pairs = list(product(gains(gain_count), powers(power_count)))
    return np.array([[*robots, *obstacles] for robots, obstacles in product(pairs, pairs)])


def fine_grid(
    gain_count: int = 25, power_count: int = 15,
    obstacles: Sequence[tuple[float, float]] = ((20.0, 1.0), (6.0, 1.0), (2.0, 2.0), (0.5, 2.0)),
) -> Array:  # fmt: skip
    """Settings ``[S, 4]`` of a finer gain × power for robots, obstacles as for robots and at each of ``obstacles``."""
    pairs = list(product(gains(gain_count), powers(power_count)))
    tied = [[*pair, *pair] for pair in pairs]
    return np.array(tied + [[*pair, *fixed] for fixed in obstacles for pair in pairs])


def actions_of(settings: ArrayLike) -> Array:
    """The actions ``[S, 6]`` of settings ``[S, 4]``: straight ahead and at full speed."""
    settings = np.asarray(settings, dtype=np.float64)
    values = np.zeros((len(settings), COUNT))
    values[:, [ROBOT_GAIN, ROBOT_POWER, OBSTACLE_GAIN, OBSTACLE_POWER]] = settings
    values[:, -1] = 1.0
    return encode(values)


def sweep(
    draw: Draw, settings: ArrayLike, episodes: int, *, seed: int, planner: str = "straight", family: str = "",
    report: Callable[[int], object] = lambda done: None,
) -> SweepTable:  # fmt: skip
    """Every setting on the same episodes.

    Args:
        draw: Draws a scenario.
        settings: ``[S, 4]``: gain and power for robots, gain and power for obstacles.
        episodes: For each setting.
        seed: Of the episodes; to be another than that of the measurement for which a setting is chosen.
        planner: ``straight`` or ``roadmap``.
        family: Name of the family, for the table.
        report: Is told how many settings have been done since it was called last.

    Raises:
        InputError: If the settings are not ``[S, 4]``, or there are no episodes.
    """
    settings = np.asarray(settings, dtype=np.float64)
    if settings.ndim != 2 or settings.shape[1] != len(PARAMETERS) or not len(settings):
        raise InputError("sweep: settings", settings, "[S, 4] numbers: " + ", ".join(PARAMETERS))
    scenarios = draw_episodes(draw, episodes, seed)
    rows: list[Setting] = []
    at_once = max(1, _EPISODES_AT_ONCE // episodes)
    for first in range(0, len(settings), at_once):
        some = settings[first : first + at_once]
        rows += _play_settings(scenarios, some, planner)
        report(len(some))
    return SweepTable(family, planner, seed, episodes, max(len(one.robots) for one in scenarios), tuple(rows))


def _play_settings(scenarios: list[Scenario], settings: Array, planner: str) -> list[Setting]:
    """All pairs of a setting and a scenario; episode e is scenario e // S with setting e % S."""
    count, actions = len(settings), actions_of(settings)
    result = play(
        [scenario for scenario in scenarios for _ in range(count)],
        lambda core, episode: np.broadcast_to(actions[episode % count, None], core.last_action.shape),
        planner=planner,
    )  # fmt: skip
    return [_row(settings[s], result, slice(s, None, count)) for s in range(count)]


def _row(setting: Array, result: Episodes, which: slice) -> Setting:
    """The means over some of the episodes."""
    counted = result.counted[which]
    reached, success, time, deliveries = (
        getattr(result, name)[which][counted].mean() for name in ("reached", "success", "time", "deliveries")
    )
    clearance = result.min_clearance[which].min(axis=1).mean()
    safe = result.safe[which][result.present[which]].mean()
    means = safe, reached, success, result.complete[which].mean(), time, clearance, deliveries
    return Setting(*(float(value) for value in (*setting, *means)))


def best_fixed(table: SweepTable) -> Setting:
    """The setting with the highest success; of those the one with the most deliveries, then with the least time."""
    return max(table.settings, key=lambda setting: (setting.success, setting.deliveries, -setting.time))


def best_single(tables: Sequence[SweepTable]) -> tuple[float, float, float, float]:
    """The one setting, of those in every table, with the highest mean success over families, ties by mean time.

    Raises:
        InputError: If no setting is in every table.
    """
    found = [{setting.parameters: setting for setting in table.settings} for table in tables]
    common = [key for key in found[0] if all(key in rows for rows in found)] if found else []
    if not common:
        raise InputError("best_single: tables", [table.family for table in tables], "tables with a setting in common")

    def merit(key: tuple[float, float, float, float]) -> tuple[float, float]:
        rows = [rows[key] for rows in found]
        return float(np.mean([row.success for row in rows])), -float(np.mean([row.time for row in rows]))

    return max(common, key=merit)
