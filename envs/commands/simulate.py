"""Simulates a team of robots in pybullet, each planning, tuning and filtering for itself.

Without arguments: 24 wheeled robots do lifelong deliveries in a warehouse for 60 s (``make demo``). With a scenario
(``.yaml``) its robots drive; with a MovingAI map (``.map``) ``--robots`` wheeled robots do deliveries on it; with the
name of a family (``clutter``, ``doorway``, ``my_file.py:NAME``, ...) a scenario is drawn from ``--seed``. Writes a
film, a picture, a log (MCAP) and the results (JSON) into ``out/``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import envs
from envs.bullet import env as bullet
from envs.commands.error_options import ErrorOptions
from envs.render.drawing import Painter, write_png, write_video
from envs.rollout.delays import Delays, check_rate
from envs.rollout.log import RunLog
from envs.rollout.pictures import Routes, scene_of
from envs.rollout.results import alone, record, save_records, save_trajectory
from envs.rollout.run import Run
from envs.scenarios import FAMILIES, family, map_family, options_of
from swarm.array_types import UInt8s
from swarm.errors import InputError, SwarmError
from swarm.files.references import FORM, is_reference
from swarm.filter.further_rows import make_constraint
from swarm.model.dynamics import Kind
from swarm.planning.registry import PLANNERS, check_planner, choose_planner
from swarm.scenario.scenario import Scenario, load_scenario

DEMO_MAP = Path(envs.__file__).parent / "maps" / "warehouse.map"
# The film runs at this many times real time.
FILM_SPEED = 2


@dataclass(frozen=True)
class Options(ErrorOptions):
    """Simulate a team of robots in pybullet; without arguments, the warehouse demo."""

    scenario: Annotated[Path | None, tyro.conf.Positional] = None
    """Scenario (.yaml), MovingAI map (.map) or a family's name; the warehouse of the demo if not given."""
    family: str = ""
    """A family, also by reference: my_file.py:NAME."""
    map: str = ""
    """A grid map with deliveries: warehouse, depot, sorting, a file (.map), or my_file.py:NAME."""
    robots: int | None = None
    """Robots on a map (24) or in a family (its own number); a scenario file brings its own."""
    seconds: float | None = None
    """Simulated time [s]; 60 on a map, a scenario's own horizon."""
    seed: int = 0
    """Of starts, goals, and the spread of masses and motors."""
    save: Path | None = None
    """Write the scenario itself to this file (.yaml)."""
    controller: str = "tuner"
    """tuner, a checkpoint folder, fixed:GAIN,POWER, or my_file.py:NAME."""
    planner: str = "auto"
    """cells, cells:pibt, cells:guided, roadmap, straight, or my_file.py:NAME; auto is cells on a map, else roadmap."""
    constraint: str = ""
    """Further rows of every robot's quadratic program: my_file.py:NAME."""
    delays: float = 0.0
    """Times a second that a robot is held for 0.5 to 3 s, drawn from --seed; 0.01 is 1 % of the robots a second."""
    margin: float | None = None
    """Safety margin of every robot [m]; if not given, 24 % of the smallest radius, or 8 % if none has wheels."""
    json: Path | None = None
    """Results file; out/NAME.json if not given."""
    trajectories: Path | None = None
    """Folder for the trajectories as .npz."""
    video: Path | None = None
    """Film; out/NAME.mp4 if not given."""
    log: Path | None = None
    """Log; out/NAME.mcap if not given."""
    film: bool = True
    """Whether to make the film at all (it takes half of the time)."""
    gui: bool = False
    """Show pybullet's own window."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seconds is not None and not 0.0 < self.seconds <= 86_400.0:
            raise InputError("--seconds", self.seconds, "above 0, at most 86400")
        check_planner("--planner", self.planner, ("auto", *PLANNERS))
        make_constraint(self.constraint)
        if sum(map(bool, (self.scenario, self.family, self.map))) > 1:
            raise InputError(
                "SCENARIO, --family, --map", [str(self.scenario), self.family, self.map], "one of the three"
            )
        if self.seed < 0:
            raise InputError("--seed", self.seed, "0 or more")
        check_rate("--delays", self.delays)

    @property
    def name(self) -> str:
        """Stem of the files that are written."""
        named = self.scenario or Path((self.family or self.map).replace(":", "_"))
        return named.stem if named.name else "demo"


def make_scenario(options: Options) -> Scenario:
    """The scenario that was asked for."""
    path = options.scenario
    if path is not None and path.suffix in (".yaml", ".yml"):
        return load_scenario(path)
    given = options.family or (str(path) if path is not None and path.suffix != ".map" else "")
    if given and not (given in FAMILIES or is_reference(given)):
        raise InputError("scenario", given, f"a file that ends in .yaml or .map, {', '.join(FAMILIES)}, or {FORM}")
    draw = family(given) if given else map_family(options.map or str(path or DEMO_MAP))
    wanted = options_of(draw, "robots", robots=options.robots, horizon=options.seconds)
    return draw(np.random.default_rng(options.seed), **wanted)


def margin_of(options: Options, scenario: Scenario) -> float:
    """The safety margin [m]: what wheels and motors do not do at once; discs without wheels follow more closely."""
    if options.margin is not None:
        return options.margin
    wheels = any(robot.kind == Kind.UNICYCLE for robot in scenario.robots)
    return min(bullet.MARGIN, (0.24 if wheels else 0.08) * min(robot.radius for robot in scenario.robots))


def delays_of(options: Options, scenario: Scenario) -> Delays | None:
    """What holds the robots, if anything does; starts and goals are those of the run without delays."""
    if not options.delays:
        return None
    stream = np.random.default_rng([options.seed, 1])
    return Delays(stream, len(scenario.robots), options.delays, scenario.dt)


def table_of(run: Run, result: dict[str, Any]) -> Table:
    """The figures of a run for the terminal."""
    steps = sum(result["qp"].values())
    table = Table(title=f"{result['scenario']}: {result['robots']} robots, {run.time:.0f} s", show_header=False)
    table.add_row("deliveries", f"{result['deliveries']}")
    table.add_row("deliveries per minute", f"{result['deliveries_per_minute']:.1f}")
    if result["deliveries_alone"]:
        share = result["deliveries"] / result["deliveries_alone"]
        table.add_row("… of what each would make alone", f"{result['deliveries_alone']} ({100.0 * share:.0f} %)")
    table.add_row("longest without a delivery", f"{result['longest_wait']:.1f} s")
    if result["delays"]:
        table.add_row("held by delays", "{holds} times, {robot_seconds:.0f} robot-seconds".format(**result["delays"]))
    table.add_row("collisions", f"{result['collisions']}")
    table.add_row("smallest clearance", f"{100.0 * result['min_clearance']:.1f} cm")
    for outcome, count in result["qp"].items():
        table.add_row(f"QP {outcome}", f"{count} ({100.0 * count / max(steps, 1):.2f} %)")
    times = result["step_ms"]
    table.add_row("control time per robot", f"p50 {times['p50']:.2f} ms, p99 {times['p99']:.2f} ms")
    table.add_row("real-time factor", f"{result['real_time_factor']:.1f} (film included)")
    return table


class Simulation:
    """One run with everything that is written about it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        scenario = options.declared_in(make_scenario(options))
        if options.save is not None:
            scenario.save(options.save)
        self.planner = choose_planner(options.planner, scenario.world)
        self.run = bullet.start(
            scenario, planner=self.planner, controller=options.controller, margin=margin_of(options, scenario),
            seed=options.seed, gui=options.gui, delays=delays_of(options, scenario), assume=options.assumed,
            constraint=options.constraint,
        )  # fmt: skip
        self.painter = Painter(tuple(scenario.world.bounds), pixels=960)
        seconds = options.seconds or scenario.horizon
        self.steps = max(1, round(seconds / scenario.dt))

    def frames(self, progress: Progress, log: RunLog) -> Iterator[UInt8s]:
        """Run to the end, logging every period; yields the film's frames if there is to be a film."""
        run, film = self.run, self.options.film
        routes = Routes(run)
        task = progress.add_task("simulate", total=self.steps, deliveries=0, collisions=0)
        while run.tick_count < self.steps and not (run.reached.all() and not run.lifelong):
            run.tick()
            log.add(run)
            progress.update(
                task, completed=run.tick_count, deliveries=int(run.deliveries.sum()), collisions=run.collisions
            )
            if film:
                yield self.painter.frame(scene_of(run, routes=routes))

    def record(self, seconds: float) -> dict[str, Any]:
        """The results."""
        run, options = self.run, self.options
        result = record(run, kind="simulation", seed=options.seed, controller=options.controller, planner=self.planner)
        waits = run.time - run.last_delivery if run.lifelong else np.zeros(1)
        return result | {
            "deliveries": int(run.deliveries.sum()),
            "deliveries_per_minute": 60.0 * float(run.deliveries.sum()) / max(run.time, run.scenario.dt),
            "delays": None if run.delays is None else run.delays.record(),
            "deliveries_alone": alone(run.scenario, run.time, tolerance=float(run.radii.max())),
            "collisions": run.collisions,
            "real_time_factor": run.time / seconds,
            "longest_wait": max(run.longest_wait, float(waits.max())),
            **options.record(run.scenario.errors),
        }


def simulate(options: Options, console: Console) -> dict[str, Any]:
    """Run, write everything, print the table; returns the results."""
    out = Path("out")
    video, log_path = options.video or out / f"{options.name}.mp4", options.log or out / f"{options.name}.mcap"
    results = options.json or out / f"{options.name}.json"
    for path in (video, log_path, results):
        path.parent.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(options)
    run = simulation.run
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        TextColumn("deliveries {task.fields[deliveries]} · collisions {task.fields[collisions]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    began = time.perf_counter()
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(*columns, console=console))
        log = stack.enter_context(RunLog(log_path))
        frames = simulation.frames(progress, log)
        if options.film:
            write_video(video, frames, FILM_SPEED * round(1.0 / run.scenario.dt))
        else:
            for _ in frames:
                pass
    result = simulation.record(time.perf_counter() - began)
    picture = video.with_suffix(".png")
    write_png(picture, simulation.painter.frame(scene_of(run, routes=Routes(run), trail=10.0)))
    save_records(results, [result])
    if options.trajectories is not None:
        save_trajectory(options.trajectories / f"{options.name}.npz", run)
    run.close()
    console.print(table_of(run, result))
    written = [picture, results, log_path] + ([video] if options.film else [])
    console.print("written: " + ", ".join(str(path) for path in written), highlight=False)
    return result


def main() -> int:
    """Simulate; 1 if robots collided, 2 on wrong input."""
    console = Console()
    try:
        options = tyro.cli(Options, prog="simulate.py", description=__doc__)
        result = simulate(options, console)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        console.print("interrupted; files that were not finished are not left behind")
        return 130
    return 1 if result["collisions"] else 0
