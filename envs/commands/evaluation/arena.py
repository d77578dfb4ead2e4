"""``evaluate.py arena``: scenario files, driven robot by robot with exact dynamics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from envs.commands.command import AS_IT_IS
from envs.commands.error_options import ErrorOptions
from envs.commands.evaluation.common import Record, check_names, contacts, met_strangers, progress_bar
from envs.rollout.late_bodies import LateBodies
from envs.rollout.plants import ExactPlant
from envs.rollout.results import record, save_trajectory
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import Draw, family, map_family, options_of
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.filter.further_rows import make_constraint
from swarm.planning.gaps import NoWay, goals_without_way
from swarm.planning.registry import PLANNERS, check_planner, planner_of
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.tune.controllers import shared_controller

# A robot slower than this stands [m/s].
STANDING = 0.005


@dataclass(frozen=True)
class Arena(ErrorOptions):
    """Drive scenarios with exact dynamics, one decentralised robot per robot."""

    scenarios: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Scenario files (.yaml)."""
    family: tuple[str, ...] = ()
    """Families, of each a scenario that is drawn from --seed: built-in ones or my_file.py:NAME."""
    map: tuple[str, ...] = ()
    """Grid maps, likewise with deliveries: warehouse, depot, sorting, a file (.map), or my_file.py:NAME."""
    robots: int | None = None
    """In families and on maps; their own number if not given."""
    controller: str = "tuner"
    """tuner, a checkpoint folder, fixed:GAIN,POWER, or my_file.py:NAME."""
    planner: str = "auto"
    """straight, roadmap, passages, cells, cells:pibt, cells:guided, or my_file.py:NAME; auto is cells on a map
    whose cells hold a robot each, passages where two robots cannot pass each other everywhere, else roadmap."""
    constraint: str = ""
    """Further rows of every robot's quadratic program: my_file.py:NAME."""
    seed: int = 0
    """Written into the results; of the errors that are simulated, if any are declared."""
    json: Path | None = None
    """Results file."""
    trajectories: Path | None = None
    """Folder for one .npz a scenario, named after its file."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("--seed", self.seed, least=0)
        check_planner("--planner", self.planner, ("auto", *PLANNERS))
        make_constraint(self.constraint)
        if not (self.scenarios or self.family or self.map):
            raise InputError("SCENARIO", "nothing", "one or more scenario files (.yaml), a family or a map")
        if self.trajectories is not None:
            check_names(name for name, _ in self.named())

    def named(self) -> list[tuple[str, Callable[[], Scenario]]]:
        """What is driven: names, and how to get the scenarios."""
        draws = [(name, family(name)) for name in self.family] + [(name, map_family(name)) for name in self.map]
        found: list[tuple[str, Callable[[], Scenario]]] = []
        found += [(path.stem, partial(load_scenario, path)) for path in self.scenarios]
        return found + [(Path(name).name.replace(":", "_"), partial(self._drawn, draw)) for name, draw in draws]

    def _drawn(self, draw: Draw) -> Scenario:
        return draw(np.random.default_rng(self.seed), **options_of(draw, "robots", robots=self.robots))


def chosen(options: Arena, scenario: Scenario) -> str:
    """The planner of a scenario's robots."""
    return planner_of(options.planner, scenario, assumed=options.assumed)


def drive(options: Arena, scenario: Scenario, controller: Any) -> Iterator[Run]:
    """Run one scenario to its horizon, or until everyone has reached its only goal and stands; yields each period.

    A run that ended in motion would not show that the robots can stop, two at one goal for instance.
    """
    fleet = Fleet(
        scenario, planner=chosen(options, scenario), controller=controller,
        assume=options.assumed, seed=options.seed, constraint=options.constraint,
    )  # fmt: skip
    run = Run(scenario, fleet, ExactPlant(scenario) if fleet.perception is None else LateBodies(scenario))
    yield run
    while run.tick_count < run.steps:
        if not run.lifelong and run.reached.all() and np.abs(run.states[:, 3:5]).max() < STANDING:
            break
        run.tick()
        yield run


def evaluate_arena(options: Arena, console: Console, records: list[Record]) -> None:
    """Run every scenario; results are appended to ``records`` as they come."""
    # All files are read first: a bad one is found at once, not after an hour.
    named = options.named()
    scenarios = [options.declared_in(scenario()) for _, scenario in named]
    for path, scenario in zip(options.scenarios, scenarios, strict=False):  # what is drawn comes after the files
        for note in scenario.notes:
            console.print(f"note: {path}: {note}", **AS_IT_IS)
    no_way = [goals_without_way(scenario, assumed=options.assumed) for scenario in scenarios]
    for (name, _), shut in zip(named, no_way, strict=True):
        for one in shut:
            console.print(f"warning: {name}: {one}", **AS_IT_IS)
    controller = shared_controller(options.controller)
    total = sum(max(1, round(scenario.horizon / scenario.dt)) for scenario in scenarios)
    done, unsafe = 0, 0
    with progress_bar(console, "arena", ("scenario", "reached", "unsafe")) as progress:
        task = progress.add_task("arena", total=total, scenario="", reached="–", unsafe=0)
        for (name, _), scenario, shut in zip(named, scenarios, no_way, strict=True):
            for run in drive(options, scenario, controller):
                reached = f"{int(run.reached.sum())}/{len(run.reached)}"
                progress.update(
                    task, completed=done + run.tick_count, scenario=name, reached=reached,
                    unsafe=unsafe + int(run.touched.sum()),
                )  # fmt: skip
            done, unsafe = done + run.steps, unsafe + int(run.touched.sum())
            planner = chosen(options, scenario)
            found = record(run, kind="arena", seed=options.seed, controller=options.controller, planner=planner)
            records.append(found | options.record(scenario.errors) | no_way_record(shut))
            if options.trajectories is not None:
                save_trajectory(options.trajectories / f"{name}.npz", run)
            run.close()


def no_way_record(found: Sequence[NoWay]) -> Record:
    """What results say of goals that no way leads to; nothing if there are none."""
    if not found:
        return {}
    return {"no_way": [{"robot": one.robot, "goal": one.goal, "gap": one.gap, "needs": one.needs} for one in found]}


def arena_table(records: list[Record]) -> Table:
    """One row a scenario, and all together."""
    planners = "/".join(sorted({entry["planner"] for entry in records}))
    table = Table(title=f"arena: controller {records[0]['controller']}, planner {planners}")
    table.add_column("scenario", overflow="fold")
    for name in (
        "robots", "safe/reached/\nsuccess %", "mean\ntime s", "clearance\ncm", "relaxed/\nbraking", "p50/p99\nms",
        *(["met moving/\nstanding"] if met_strangers(records) else []),
        *(["without\na way"] if any("no_way" in entry for entry in records) else []),
    ):  # fmt: skip
        table.add_column(name, justify="right", no_wrap=True)
    shown = {"met": met_strangers(records), "no_way": any("no_way" in entry for entry in records)}
    for entry in records:
        table.add_row(*_arena_row(entry["scenario"], [entry], **shown))
    if len(records) > 1:
        table.add_section()
        table.add_row(*_arena_row("all", records, **shown))
    return table


def _arena_row(name: str, records: list[Record], *, met: bool, no_way: bool) -> list[str]:
    """The figures of some records; rates are over robots, clearance the smallest, times of a step the largest."""
    safe, reached = (np.concatenate([entry[key] for entry in records]).astype(bool) for key in ("safe", "reached"))
    times = [time for entry in records for time in entry["reach_time"] if time is not None]
    return [
        name, str(len(safe)), "/".join(f"{100.0 * part.mean():.4g}" for part in (safe, reached, safe & reached)),
        f"{np.mean(times):.2f}" if times else "–", f"{100.0 * min(entry['min_clearance'] for entry in records):.2f}",
        "/".join(str(sum(entry["qp"][key] for entry in records)) for key in ("relaxed", "braking")),
        "/".join(f"{max(entry['step_ms'][key] for entry in records):.2f}" for key in ("p50", "p99")),
        *([contacts(records)] if met else []),
        *([str(sum(len(entry.get("no_way", ())) for entry in records))] if no_way else []),
    ]  # fmt: skip
