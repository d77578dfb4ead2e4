"""Simulates a team of robots in pybullet, each planning, tuning and filtering for itself.

Without arguments: 24 wheeled robots do lifelong deliveries in a warehouse for 60 s (``make demo``). With a scenario
(``.yaml``) its robots drive; with a map (MovingAI's ``.map``, Nav2's ``.yaml``) ``--robots`` wheeled robots do
deliveries on it; of instances of path finding (``.jsonl``, ``.scen``, POGEMA's YAML, a League problem) the first is
driven; with the name of a family (``clutter``, ``doorway``, ``my_file.py:NAME``, ...) a scenario is drawn from
``--seed``. Writes a film, a picture, a log (MCAP) and the results (JSON) into ``out/``.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

import envs
from envs.bullet import env as bullet
from envs.bullet.film import Film
from envs.commands.command import AS_IT_IS, Interrupted, parsed, postponed, run_command
from envs.commands.error_options import ErrorOptions
from envs.commands.progress import ProgressBar
from envs.commands.simulated import table_of
from envs.formats.read import GRID_FORMATS, Wanted, driven, read_instances
from envs.render.drawing import Painter
from envs.render.video import write_gif, write_png, write_video
from envs.rollout.delays import Delays, check_rate
from envs.rollout.log import RunLog
from envs.rollout.pictures import Routes, scene_of
from envs.rollout.results import alone, record, save_records, save_trajectory
from envs.scenarios import FAMILIES, Draw, always, draw_deliveries, family, map_family, map_file, options_of
from swarm.array_types import UInt8s
from swarm.errors import InputError
from swarm.files.formats import Format, recognise
from swarm.files.references import FORM, is_reference
from swarm.files.text_files import prepare
from swarm.filter.further_rows import make_constraint
from swarm.planning.gaps import goals_without_way
from swarm.planning.registry import PLANNERS, check_planner, planner_of
from swarm.robot.garbage import settle
from swarm.scenario.map_file import MAP_FORMATS, load_map
from swarm.scenario.scenario import Scenario, load_scenario

DEMO_MAP = Path(envs.__file__).parent / "maps" / "warehouse.map"
TEAM = 24  # Robots on a map.
# The film runs at this many times real time.
FILM_SPEED = 2


@dataclass(frozen=True)
class Options(ErrorOptions):
    """Simulate a team of robots in pybullet; without arguments, the warehouse demo."""

    scenario: Annotated[Path | None, tyro.conf.Positional] = None
    """Scenario, map, file of instances or a family's name; the warehouse of the demo if not given."""
    robots: int | None = None
    """Robots on a map (24) or in a family (its own number); a scenario file brings its own."""
    seconds: float | None = None
    """Simulated time [s]; 60 on a map, a scenario's own horizon."""
    cell_size: float | None = None
    """Cells of a map [m], 1 if not given; of a map of Nav2, one is free if all of it is."""
    family: str = ""
    """A family, also by reference: my_file.py:NAME."""
    map: str = ""
    """A grid map with deliveries: warehouse, depot, sorting, a file, or my_file.py:NAME. With a .scen file its map,
    with POGEMA's scenarios the list of maps; the one beside it if not given."""
    seed: int = 0
    """Of starts, goals, and the spread of masses and motors."""
    save: Path | None = None
    """Write the scenario itself to this file (.yaml)."""
    controller: str = "tuner"
    """tuner, a checkpoint folder, fixed:GAIN,POWER, or my_file.py:NAME."""
    planner: str = "auto"
    """cells, cells:pibt, cells:guided, passages, roadmap, straight, or my_file.py:NAME; auto is cells on a map
    whose cells hold a robot each, passages where two robots cannot pass each other everywhere, else roadmap."""
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
    """Film: mp4, or 640 pixels wide if it ends in .gif; out/NAME.mp4 if not given."""
    view: Literal["2d", "3d", "both"] = "2d"
    """What the film shows: the map; in three dimensions, with a close-up where two robots meet; or both."""
    log: Path | None = None
    """Log; out/NAME.mcap if not given."""
    film: bool = True
    """Whether to make the film at all (it takes half of the time)."""
    gui: bool = False
    """Show pybullet's own window."""
    physics_hz: float | None = None
    """Physics steps a second, a whole number of them a control period, such as 60; about 240 if not given. Large teams
    run faster with fewer, and follow their commands less exactly."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seconds is not None and not 0.0 < self.seconds <= 86_400.0:
            raise InputError("--seconds", self.seconds, "above 0, at most 86400")
        check_planner("--planner", self.planner, ("auto", *PLANNERS))
        make_constraint(self.constraint)
        if self.family and (self.scenario or self.map):
            raise InputError(
                "SCENARIO, --family, --map", [str(self.scenario), self.family, self.map], "one of the three"
            )
        if self.seed < 0:
            raise InputError("--seed", self.seed, "0 or more")
        check_rate("--delays", self.delays)

    @property
    def name(self) -> str:
        """Stem of the files that are written."""
        named = str(self.scenario or self.family or self.map)
        return named.rpartition(":")[2] if is_reference(named) else Path(named).stem or "demo"


def make_scenario(options: Options) -> tuple[Scenario, list[str]]:
    """The scenario that was asked for, and what is to be said of its file."""
    named = options.family or str(options.scenario or "")
    if options.family or named in FAMILIES or is_reference(named):
        return _drawn(family(named), options), []
    if options.scenario is None and is_reference(options.map):
        return _drawn(map_family(options.map), options), []
    path = options.scenario or (map_file(options.map) if options.map else DEMO_MAP)
    if not os.path.exists(path):
        raise InputError("scenario", str(path), f"an existing file, or one of {', '.join(FAMILIES)}, or {FORM}")
    form = None if os.path.isdir(path) else recognise(path, (Format.SCENARIO, *GRID_FORMATS))
    if options.scenario is not None and options.map and form in (Format.SCENARIO, *MAP_FORMATS):
        raise InputError("SCENARIO, --map", [named, options.map], "one of the two, unless SCENARIO needs a map")
    if form is Format.SCENARIO:
        scenario = load_scenario(path)
        if options.robots not in (None, len(scenario.robots)):
            raise InputError(
                "--robots", options.robots, f"left out: {path} has {len(scenario.robots)} robots of its own"
            )
        return scenario, []
    if form in MAP_FORMATS:
        grid, notes = load_map(path, options.cell_size or (None if form is Format.MOVINGAI_MAP else 1.0))
        return _drawn(partial(draw_deliveries, partial(always, grid)), options), list(notes)
    return _first_instance(path, options)


def _drawn(draw: Draw, options: Options) -> Scenario:
    """A scenario of a family, with the options that it takes."""
    wanted = options_of(draw, "robots", robots=options.robots, horizon=options.seconds)
    return draw(np.random.default_rng(options.seed), **wanted)


def _first_instance(path: Path, options: Options) -> tuple[Scenario, list[str]]:
    """The first instance of path finding in a file, and what is to be said of that."""
    horizon, map_path = options.seconds or 60.0, Path(options.map) if options.map else None
    instances, found = read_instances(
        path, Wanted(options.robots, math.ceil(horizon), options.seed, options.cell_size, map_path)
    )
    first = next(iter(instances))
    robots = min(TEAM, len(first.starts)) if options.robots is None else options.robots
    return driven(first, robots, horizon), found


def delays_of(options: Options, scenario: Scenario) -> Delays | None:
    """What holds the robots, if anything does; starts and goals are those of the run without delays."""
    if not options.delays:
        return None
    stream = np.random.default_rng([options.seed, 1])
    return Delays(stream, len(scenario.robots), options.delays, scenario.dt)


class Simulation:
    """One run with everything that is written about it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        found, self.notes = make_scenario(options)
        scenario = options.declared_in(found)
        self.notes += scenario.notes
        if options.save is not None:
            scenario.save(options.save)
        margin = bullet.margin_of(options.margin, scenario)
        self.notes += map(str, goals_without_way(scenario, margin, options.assumed))
        self.planner = planner_of(options.planner, scenario, margin, options.assumed)
        self.run = bullet.start(
            scenario, planner=self.planner, controller=options.controller, margin=margin, seed=options.seed,
            gui=options.gui, delays=delays_of(options, scenario), assume=options.assumed,
            constraint=options.constraint, physics_hz=options.physics_hz,
        )  # fmt: skip
        self.painter = Painter(tuple(scenario.world.bounds), pixels=960)
        seconds = options.seconds or scenario.horizon
        self.steps = max(1, round(seconds / scenario.dt))
        deep = options.film and options.view != "2d"
        self.film = Film(self.run, options.view, FILM_SPEED) if deep else None
        self.fps = self.film.fps if self.film else FILM_SPEED * round(1.0 / scenario.dt)
        settle()

    def frames(self, progress: ProgressBar, log: RunLog, interrupts: Sequence[int]) -> Iterator[UInt8s]:
        """Run to the end, or until interrupted, logging every period; yields the frames of the film, if any."""
        run, film, flat = self.run, self.film, self.options.film and self.film is None
        routes = Routes(run)
        task = progress.add_task("simulate", total=self.steps, deliveries=0, collisions=0, time=0.0, factor=0.0)
        began = time.perf_counter()
        while run.tick_count < self.steps and not interrupts and not (run.reached.all() and not run.lifelong):
            run.tick()
            log.add(run)
            progress.update(
                task, completed=run.tick_count, deliveries=int(run.deliveries.sum()), collisions=run.collisions,
                time=run.time, factor=run.time / (time.perf_counter() - began),
            )  # fmt: skip
            if film is not None:
                film.note(run)
            elif flat:
                yield self.painter.frame(scene_of(run, routes=routes))
        if not interrupts:
            progress.update(task, total=run.tick_count)  # all have arrived, perhaps long before the horizon
        if film is not None:
            progress.update(task, description="film", completed=0, total=len(film))
            for frame in film.frames():
                progress.advance(task)
                yield frame
            film.close()

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
            **({} if options.physics_hz is None else {"physics_hz": options.physics_hz}),
            **options.record(run.scenario.errors),
        }


def simulate(options: Options, console: Console) -> dict[str, Any]:
    """Run, write everything, print the table; returns the results.

    Raises:
        Interrupted: If the run was interrupted; what was driven until then has been written.
    """
    out = Path("out")
    video, log_path = options.video or out / f"{options.name}.mp4", options.log or out / f"{options.name}.mcap"
    results = options.json or out / f"{options.name}.json"
    for path in (video, log_path, results):
        prepare(path)
    with console.status("map, robots and physics"):
        simulation = Simulation(options)
    for note in simulation.notes:
        console.print(f"note: {note}", **AS_IT_IS)
    run = simulation.run
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[time]:.1f} s, {task.fields[factor]:.1f} × real time"),
        TextColumn("deliveries {task.fields[deliveries]} · collisions {task.fields[collisions]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    began = time.perf_counter()
    with ExitStack() as stack:
        progress = stack.enter_context(ProgressBar(*columns, console=console))
        log = stack.enter_context(RunLog(log_path))
        interrupts = stack.enter_context(postponed(lambda: run.tick_count > 0, "what was driven is written"))
        frames = simulation.frames(progress, log, interrupts)
        if options.film:
            write = write_gif if video.suffix == ".gif" else write_video
            write(video, frames, simulation.fps)
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
    console.print(table_of(run, result, film=options.film))
    written = [picture, results, log_path] + ([video] if options.film else [])
    console.print("written: " + ", ".join(str(path) for path in written), **AS_IT_IS)
    if interrupts:
        raise Interrupted
    return result


def parse_and_simulate() -> int:
    """Do what the command line says; 1 if robots collided, or met a stranger while they moved."""
    result = simulate(parsed(lambda: tyro.cli(Options, prog="simulate.py", description=__doc__)), Console())
    return 1 if result["collisions"] or result["contacts_moving"] else 0


def main() -> int:
    """Simulate; 1 if robots collided, 2 on wrong input, 130 if interrupted."""
    return run_command(parse_and_simulate)
