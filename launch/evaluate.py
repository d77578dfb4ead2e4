"""Measures controllers on continuous scenarios, and planners on lifelong grid instances.

Usage: ``python launch/evaluate.py arena SCENARIO.yaml… --controller tuner|CHECKPOINT|fixed:GAIN,POWER`` and
``python launch/evaluate.py grid INSTANCES.jsonl… --robots N… --planner NAME``. Results go to ``--json``, and everything
that is needed to check them to ``--trajectories``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from envs.fleet import Fleet
from envs.grid_run import TEAMS, GridRun
from envs.plants import ExactPlant
from envs.results import record, save_records, save_trajectory
from envs.run import Run
from swarm.controllers import make_controller
from swarm.errors import InputError, SwarmError
from swarm.instances import LifelongInstance, load_instances
from swarm.planning.registry import PLANNERS
from swarm.scenario import Scenario, load_scenario

Record = dict[str, Any]
# A robot slower than this stands, m/s.
STANDING = 0.005


@dataclass(frozen=True)
class Arena:
    """Drive scenarios with exact dynamics, one decentralised robot per robot."""

    scenarios: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scenario files (.yaml)."""
    controller: str = "tuner"
    """tuner, a checkpoint folder, or fixed:GAIN,POWER."""
    planner: str = "auto"
    """straight, roadmap or cells; auto is cells on a grid map, else roadmap."""
    seed: int = 0
    """Written into the results; nothing is drawn at random here."""
    json: Path | None = None
    """Results file."""
    trajectories: Path | None = None
    """Folder for one .npz a scenario, named after its file."""

    def __post_init__(self) -> None:
        if self.planner not in ("auto", *PLANNERS):
            raise InputError("--planner", self.planner, f"auto, {', '.join(PLANNERS)}")
        if not self.scenarios:
            raise InputError("SCENARIO", "nothing", "one or more scenario files (.yaml)")
        if self.trajectories is not None:
            _check_names(path.stem for path in self.scenarios)


@dataclass(frozen=True)
class Grid:
    """Run lifelong path finding; moves in conflict are reverted, robots hear each other within 5 cells."""

    instances: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files of instances (.jsonl)."""
    robots: tuple[int, ...] = ()
    """Team sizes, each an episode of every instance; those that an instance names if not given."""
    planner: str = "pibt"
    """Planner of every robot."""
    steps: int = 256
    """Steps of an episode."""
    limit: int | None = None
    """Instances taken from each file, from its beginning; all if not given."""
    json: Path | None = None
    """Results file."""
    trajectories: Path | None = None
    """Folder for one .npz an episode, <map>_<seed>_<robots>.npz."""

    def __post_init__(self) -> None:
        if self.planner not in TEAMS:
            raise InputError("--planner", self.planner, ", ".join(TEAMS))
        if not self.instances:
            raise InputError("INSTANCES", "nothing", "one or more files of instances (.jsonl)")
        for name, values in (("robots", self.robots), ("steps", [self.steps]), ("limit", [self.limit])):
            for value in values:
                if value is not None and value < 1:
                    raise InputError(f"--{name}", value, "1 or more")


def _check_names(names: Iterable[str]) -> None:
    """Trajectories go into one folder: their names must be names of files, and differ."""
    seen = set()
    for name in names:
        if name in seen or "/" in name or "\0" in name:
            raise InputError("--trajectories", f"{name}.npz", "episodes with different names, each good for a file")
        seen.add(name)


def progress_bar(console: Console, what: str, figures: Sequence[str]) -> Progress:
    """A bar over episodes or steps, with ``figures`` that matter."""
    shown = " · ".join(f"{name} {{task.fields[{name}]}}" for name in figures)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(shown), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


# Arena.


def planner_of(options: Arena, scenario: Scenario) -> str:
    """The planner that drives a scenario."""
    automatic = "roadmap" if scenario.world.grid is None else "cells"
    return automatic if options.planner == "auto" else options.planner


def drive(options: Arena, scenario: Scenario, controller: Any) -> Iterator[Run]:
    """Run one scenario to its horizon, or until everyone has reached its only goal and stands; yields each period.

    A run that ended in motion would not show that the robots can stop, two at one goal for instance.
    """
    fleet = Fleet(scenario, planner=planner_of(options, scenario), controller=controller)
    run = Run(scenario, fleet, ExactPlant(scenario))
    yield run
    while run.tick_count < run.steps:
        if not run.lifelong and run.reached.all() and np.abs(run.states[:, 3:5]).max() < STANDING:
            break
        run.tick()
        yield run


def evaluate_arena(options: Arena, console: Console, records: list[Record]) -> None:
    """Run every scenario; results are appended to ``records`` as they come."""
    # All files are read first: a bad one is found at once, not after an hour.
    scenarios = [load_scenario(path) for path in options.scenarios]
    controller = make_controller(options.controller)
    total = sum(max(1, round(scenario.horizon / scenario.dt)) for scenario in scenarios)
    done, unsafe = 0, 0
    with progress_bar(console, "arena", ("scenario", "reached", "unsafe")) as progress:
        task = progress.add_task("arena", total=total, scenario="", reached="–", unsafe=0)
        for path, scenario in zip(options.scenarios, scenarios, strict=True):
            for run in drive(options, scenario, controller):
                reached = f"{int(run.reached.sum())}/{len(run.reached)}"
                progress.update(
                    task, completed=done + run.tick_count, scenario=path.stem, reached=reached,
                    unsafe=unsafe + int(run.touched.sum()),
                )  # fmt: skip
            done, unsafe = done + run.steps, unsafe + int(run.touched.sum())
            planner = planner_of(options, scenario)
            records.append(
                record(run, kind="arena", seed=options.seed, controller=options.controller, planner=planner)
            )
            if options.trajectories is not None:
                save_trajectory(options.trajectories / f"{path.stem}.npz", run)
            run.close()


def arena_table(records: list[Record]) -> Table:
    """One row a scenario, and all together."""
    planners = "/".join(sorted({entry["planner"] for entry in records}))
    table = Table(title=f"arena: controller {records[0]['controller']}, planner {planners}")
    table.add_column("scenario", overflow="fold")
    for name in (
        "robots", "safe/reached/\nsuccess %", "mean\ntime s", "clearance\ncm", "relaxed/\nbraking", "p50/p99\nms",
    ):  # fmt: skip
        table.add_column(name, justify="right", no_wrap=True)
    for entry in records:
        table.add_row(*_arena_row(entry["scenario"], [entry]))
    if len(records) > 1:
        table.add_section()
        table.add_row(*_arena_row("all", records))
    return table


def _arena_row(name: str, records: list[Record]) -> list[str]:
    """The figures of some records; rates are over robots, clearance the smallest, times of a step the largest."""
    safe, reached = (np.concatenate([entry[key] for entry in records]).astype(bool) for key in ("safe", "reached"))
    times = [time for entry in records for time in entry["reach_time"] if time is not None]
    return [
        name, str(len(safe)), "/".join(f"{100.0 * part.mean():.4g}" for part in (safe, reached, safe & reached)),
        f"{np.mean(times):.2f}" if times else "–", f"{100.0 * min(entry['min_clearance'] for entry in records):.2f}",
        "/".join(str(sum(entry["qp"][key] for entry in records)) for key in ("relaxed", "braking")),
        "/".join(f"{max(entry['step_ms'][key] for entry in records):.2f}" for key in ("p50", "p99")),
    ]  # fmt: skip


# Grid.


def episodes_of(options: Grid) -> list[tuple[LifelongInstance, int]]:
    """The instances that were asked for, with each team size."""
    found = []
    for path in options.instances:
        for number, instance in enumerate(load_instances(path)):
            if options.limit is not None and number >= options.limit:
                break
            for robots in options.robots or instance.counts:
                if robots > len(instance.starts):
                    where = f"--robots, for {path}, {instance.map} with seed {instance.seed}"
                    raise InputError(where, robots, f"at most {len(instance.starts)}, the robots that it has")
                found.append((instance, robots))
    if options.trajectories is not None:
        _check_names(f"{instance.map}_{instance.seed}_{robots}" for instance, robots in found)
    return found


def evaluate_grid(options: Grid, console: Console, records: list[Record]) -> None:
    """Run every episode; results are appended to ``records`` as they come."""
    episodes = episodes_of(options)
    goals = steps = 0
    with progress_bar(console, "grid", ("map", "robots", "throughput")) as progress:
        task = progress.add_task("grid", total=len(episodes) * options.steps, map="", robots="", throughput="–")
        for instance, robots in episodes:
            run = GridRun(instance, robots, options.planner)
            progress.update(task, map=instance.map, robots=robots)
            for _ in range(options.steps):
                run.step()
                progress.advance(task)
            records.append(run.record())
            goals, steps = goals + records[-1]["goals"], steps + options.steps
            progress.update(task, throughput=f"{goals / steps:.3f}")
            if options.trajectories is not None:
                run.save(options.trajectories)


def grid_table(records: list[Record]) -> Table:
    """Throughput (goals a step) for each suite and team size, means over episodes."""
    table = Table(title=f"grid: planner {records[0]['planner']}, {records[0]['steps']} steps")
    for name in ("suite", "robots", "episodes", "throughput", "lowest", "highest", "blocked %", "ms p50", "ms p99"):
        table.add_column(name, justify="left" if name == "suite" else "right")
    groups: dict[tuple[str, int], list[Record]] = {}
    for entry in records:
        groups.setdefault((entry["suite"], entry["robots"]), []).append(entry)
    for (suite, robots), group in sorted(groups.items()):
        rates = [entry["throughput"] for entry in group]
        blocked = np.mean([entry["blocked_moves"] / (entry["steps"] * robots) for entry in group])
        table.add_row(
            suite, str(robots), str(len(group)), f"{np.mean(rates):.3f}", f"{min(rates):.3f}", f"{max(rates):.3f}",
            f"{100.0 * blocked:.2f}",
            *(f"{max(entry['step_ms'][key] for entry in group):.2f}" for key in ("p50", "p99")),
        )  # fmt: skip
    table.caption = "ms: for all robots together, the slowest episode"
    return table


def evaluate(options: Arena | Grid, console: Console) -> list[Record]:
    """Run, write the results (also those so far, if interrupted), print the table."""
    records: list[Record] = []
    try:
        if isinstance(options, Arena):
            evaluate_arena(options, console, records)
        else:
            evaluate_grid(options, console, records)
    finally:
        if records:
            console.print(arena_table(records) if isinstance(options, Arena) else grid_table(records))
            if options.json is not None:
                save_records(options.json, records)
                console.print(f"written: {options.json}", highlight=False)
    return records


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate; 2 on wrong input, 130 if interrupted (what was finished by then is written)."""
    # A file or a pipe has no width; 80 columns would only break the tables there.
    console = Console(width=None if sys.stdout.isatty() else 120)
    app = tyro.extras.SubcommandApp()
    app.command(name="arena")(Arena)
    app.command(name="grid")(Grid)
    try:
        evaluate(app.cli(prog="evaluate.py", description=__doc__, args=arguments), console)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
