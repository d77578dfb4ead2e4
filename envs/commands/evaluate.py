"""Measures controllers on continuous scenarios, and planners on lifelong grid instances.

Usage: ``python launch/evaluate.py arena SCENARIO.yaml… --controller tuner|CHECKPOINT|fixed:GAIN,POWER`` for scenario
files, ``… family FAMILY… --controller …`` for families of scenarios in batches, ``… sweep FAMILY…`` for all fixed
settings, and ``… grid INSTANCES.jsonl… --robots N… --planner NAME`` (or maps, MovingAI's ``.scen``, POGEMA's YAML,
problems of the League of Robot Runners). Results go to ``--json``, and everything that is
needed to check those of arena and grid to ``--trajectories``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import tyro
from rich.console import Console
from rich.table import Table

from envs.commands.command import AS_IT_IS, parsed, run_command
from envs.commands.evaluation.arena import Arena, arena_table, evaluate_arena
from envs.commands.evaluation.family import Family, evaluate_family, family_table
from envs.commands.evaluation.grid import Grid, evaluate_grid, grid_table
from envs.commands.evaluation.sweep import save_tables
from envs.commands.evaluation.sweeping import Sweep, evaluate_sweep, sweep_table
from envs.rollout.results import save_records
from swarm.files.text_files import check_place


class Command(NamedTuple):
    """What a subcommand is made of."""

    options: type
    run: Callable[[Any, Console, list[Any]], None]
    table: Callable[[list[Any]], Table]
    save: Callable[[Any, list[Any]], None] = save_records


COMMANDS = {
    "arena": Command(Arena, evaluate_arena, arena_table),
    "family": Command(Family, evaluate_family, family_table),
    "sweep": Command(Sweep, evaluate_sweep, sweep_table, save_tables),
    "grid": Command(Grid, evaluate_grid, grid_table),
}


def evaluate(options: Any, console: Console) -> list[Any]:
    """Run, write the results (also those so far, if interrupted), print the table."""
    (command,) = (command for command in COMMANDS.values() if command.options is type(options))
    results: list[Any] = []
    # Not after an hour: where results cannot be written is an error now.
    for path, is_folder in ((options.json, False), (getattr(options, "trajectories", None), True)):
        if path is not None:
            check_place(path, is_folder=is_folder)
    try:
        command.run(options, console, results)
    finally:
        if results:
            console.print(command.table(results))
            if options.json is not None:
                command.save(options.json, results)
            files = (getattr(options, name, None) for name in ("json", "trajectories", "video"))
            if written := ", ".join(str(path) for path in files if path is not None):
                console.print(f"written: {written}", **AS_IT_IS)
    return results


def parse_and_evaluate(arguments: Sequence[str] | None) -> int:
    """Do what the command line says."""
    # A file or a pipe has no width; 80 columns would only break the tables there.
    console = Console(width=None if sys.stdout.isatty() else 120)
    app = tyro.extras.SubcommandApp()
    for name, command in COMMANDS.items():
        app.command(name=name)(command.options)
    evaluate(parsed(lambda: app.cli(prog="evaluate.py", description=__doc__, args=arguments)), console)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate; 2 on wrong input, 130 if interrupted (what was finished by then is written)."""
    return run_command(lambda: parse_and_evaluate(arguments))
