"""Benchmarks, side by side with the alternative in one run: look at the ratios, the machine's speed drifts.

Usage: ``python launch/bench.py PART [--json F]``; ``--help`` lists the parts. Every figure is the median of several
repetitions that are interleaved with those of the alternatives, if it does not say otherwise. ``arena`` says both what
a user gets (``step``, with episodes that end and worlds drawn anew) and what the moving takes alone (``advance``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

import tyro
from rich.console import Console
from rich.table import Table

from envs.commands.command import leave, parsed, run_command
from studies.bench.arena import bench_arena
from studies.bench.common import Figures
from studies.bench.controller import bench_controller
from studies.bench.decision import bench_decision
from studies.bench.grid import bench_grid
from studies.bench.lifelong import bench_lifelong
from studies.bench.passages import bench_passages
from studies.bench.period import bench_period
from studies.bench.planner import bench_planner
from studies.bench.qp import bench_qp
from studies.bench.race import UPDATES, bench_race
from studies.bench.shapes import bench_shapes
from studies.bench.team import bench_team
from studies.bench.training import bench_training
from swarm.errors import InputError
from swarm.files.text_files import prepare, write_text

Part = Literal[
    "qp", "arena", "grid", "decision", "planner", "passages", "controller", "lifelong", "period", "shapes", "team",
    "training", "race",
]  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Measure one part of the stack."""

    what: Annotated[Part, tyro.conf.Positional]
    """Which part."""
    updates: int = UPDATES
    """Of each training, in the race of two (some minutes)."""
    json: Path | None = None
    """Also write the figures to this file."""

    def __post_init__(self) -> None:
        if self.updates < 1:
            raise InputError("--updates", self.updates, "1 or more")


def table_of(title: str, figures: Figures) -> Table:
    """Figures as a table: a row per name, a column per unit."""
    columns = list(dict.fromkeys(unit for entry in figures.values() for unit in entry))
    table = Table(title=title)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for name, entry in figures.items():
        table.add_row(name, *[_shown(entry.get(column, "")) for column in columns])
    return table


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"


def measure() -> int:
    """Measure, print, and write."""
    options = parsed(lambda: tyro.cli(Options, prog="bench.py", description=__doc__))
    parts: dict[str, Callable[[], Figures]] = {
        "qp": bench_qp, "arena": bench_arena, "grid": bench_grid, "decision": bench_decision, "planner": bench_planner,
        "passages": bench_passages, "controller": bench_controller, "lifelong": bench_lifelong, "period": bench_period,
        "shapes": bench_shapes, "team": bench_team, "training": bench_training, "race": bench_race,
    }  # fmt: skip
    if options.json is not None:
        prepare(options.json)
    part = parts[options.what]
    figures = bench_race(options.updates) if options.what == "race" else part()
    Console().print(table_of((part.__doc__ or "").strip(), figures))
    if options.json is not None:
        write_text(options.json, json.dumps({options.what: figures}, indent=1, ensure_ascii=False) + "\n")
    return 0


def main() -> int:
    """Measure; 2 on wrong input, 130 if interrupted."""
    return run_command(measure)


if __name__ == "__main__":
    leave(main())
