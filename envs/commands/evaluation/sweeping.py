"""``evaluate.py sweep``: all fixed settings of the class-K parameters on families of scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from envs.commands.evaluation.common import progress_bar
from envs.commands.evaluation.family import Dynamics, check_family_options, drawing
from envs.commands.evaluation.sweep import Setting, SweepTable, best_fixed, best_single, fine_grid, full_grid, sweep
from envs.scenarios import family
from swarm.errors import InputError
from swarm.files.checks import whole


@dataclass(frozen=True)
class Sweep:
    """Search fixed settings exhaustively: gain and power for robots × gain and power for obstacles."""

    families: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names of families, see envs/scenarios, or my_file.py:NAME."""
    gains: int = 7
    """Gains from one end of the box to the other, for robots and for obstacles."""
    powers: int = 3
    """Powers, likewise."""
    fine: bool = False
    """Also 25 gains × 15 powers for robots, obstacles with the same and with four settings of their own."""
    episodes: int = 50
    """Episodes of each setting, the same for all."""
    seed: int = 1_000_000
    """Of the episodes; not one that is measured on afterwards."""
    planner: str = "straight"
    """straight, roadmap or my_file.py:NAME."""
    robots: int | None = None
    """Team size; the family's own if not given."""
    dynamics: Dynamics | None = None
    """Dynamics of all robots; the family's own if not given."""
    json: Path | None = None
    """File for the tables, all settings of all families."""

    def __post_init__(self) -> None:
        whole("--seed", self.seed, least=0)
        for name in self.families:
            drawing(name, family(name), self.robots, self.dynamics)
        check_family_options(self.families, self.planner, self.episodes, self.robots)
        for name, value in (("gains", self.gains), ("powers", self.powers)):
            if value < 1:
                raise InputError(f"--{name}", value, "1 or more")


def evaluate_sweep(options: Sweep, console: Console, tables: list[SweepTable]) -> None:
    """Sweep every family; the tables are appended as they come."""
    settings = full_grid(options.gains, options.powers)
    if options.fine:
        settings = np.concatenate([settings, fine_grid()])
    total = len(settings) * len(options.families)
    with progress_bar(console, "settings", ("family", "best")) as progress:
        task = progress.add_task("settings", total=total, family="", best="–")
        for name in options.families:
            progress.update(task, family=name)
            draw = drawing(name, family(name), options.robots, options.dynamics)
            table = sweep(
                draw, settings, options.episodes, seed=options.seed,
                planner=options.planner, family=name, report=lambda done: progress.advance(task, done),
            )  # fmt: skip
            tables.append(table)
            progress.update(task, best=f"{100.0 * best_fixed(table).success:.2f} %")


def sweep_table(tables: list[SweepTable]) -> Table:
    """The best setting of each family, and what the best single setting comes to there."""
    first = tables[0]
    title = f"{len(first.settings)} fixed settings, {first.episodes} episodes each, planner {first.planner}"
    shown = Table(title=title, caption="complete: episodes in which everybody was safe and arrived")
    shown.add_column("family")
    for column in ("robot\ngain, power", "obstacle\ngain, power", "safe %", "success %", "complete %", "time s"):
        shown.add_column(column, justify="right")
    shown.add_column("most complete\nof all settings %", justify="right")
    single = best_single(tables)
    for table in tables:
        most = max(setting.complete for setting in table.settings)
        shown.add_row(table.family, *_cells(best_fixed(table)), f"{100.0 * most:.1f}")
    shown.add_section()
    for table in tables if len(tables) > 1 else ():
        (row,) = (setting for setting in table.settings if setting.parameters == single)
        shown.add_row(f"{table.family}, best single", *_cells(row), "")
    return shown


def _cells(setting: Setting) -> list[str]:
    return [
        f"{setting.robot_gain:.3g}, {setting.robot_power:.3g}",
        f"{setting.obstacle_gain:.3g}, {setting.obstacle_power:.3g}",
        *(f"{100.0 * value:.2f}" for value in (setting.safe, setting.success, setting.complete)), f"{setting.time:.2f}",
    ]  # fmt: skip
