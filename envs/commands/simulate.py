"""Simulates a team of robots in pybullet, each planning, tuning and filtering for itself.

Without arguments: 24 wheeled robots do lifelong deliveries in a warehouse for 60 s (``make demo``). With a scenario
(``.yaml``) its robots drive; with a map (MovingAI's ``.map``, Nav2's ``.yaml``) ``--robots`` wheeled robots do
deliveries on it; of instances of path finding (``.jsonl``, ``.scen``, POGEMA's YAML, a League problem) the first is
driven; with the name of a family (``clutter``, ``doorway``, ``my_file.py:NAME``, ...) a scenario is drawn from
``--seed``. Writes a film, a picture, a log (MCAP) and the results (JSON) into ``out/``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from envs.bullet import env as bullet
from envs.bullet.film import Film
from envs.commands.command import AS_IT_IS, Interrupted, parsed, postponed, run_command
from envs.commands.progress import ProgressBar
from envs.commands.simulate_options import Options, delays_of, make_scenario
from envs.commands.simulated import table_of
from envs.render.drawing import Painter
from envs.render.video import write_gif, write_png, write_video
from envs.rollout.log import RunLog
from envs.rollout.pictures import Routes, scene_of
from envs.rollout.results import alone, record, save_records, save_trajectory
from swarm.array_types import UInt8s
from swarm.files.text_files import make_folder
from swarm.planning.gaps import goals_without_way
from swarm.planning.registry import planner_of
from swarm.robot.garbage import settle

# The film runs at this many times real time.
FILM_SPEED = 2


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
    files = options.files()
    for path in files.values():
        make_folder(path.parent)
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
        log = stack.enter_context(RunLog(files["--log"]))
        interrupts = stack.enter_context(postponed(lambda: run.tick_count > 0, "what was driven is written"))
        frames = simulation.frames(progress, log, interrupts)
        if options.film:
            write = write_gif if files["--video"].suffix == ".gif" else write_video
            write(files["--video"], frames, simulation.fps)
        else:
            for _ in frames:
                pass
    result = simulation.record(time.perf_counter() - began)
    write_png(files["picture"], simulation.painter.frame(scene_of(run, routes=Routes(run), trail=10.0)))
    save_records(files["--json"], [result])
    if options.trajectories is not None:
        save_trajectory(options.trajectories / f"{options.name}.npz", run)
    run.close()
    console.print(table_of(run, result, film=options.film))
    written = [*files.values(), *([] if options.trajectories is None else [options.trajectories])]
    console.print("written: " + ", ".join(map(str, written)), **AS_IT_IS)
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
