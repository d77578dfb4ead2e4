"""Trains a policy and writes its checkpoint folder.

Usage: ``python launch/train.py tuner|follower [--out DIR] [--seed N] [--steps N] [--resume DIR]``. Ctrl-C, or SIGTERM,
finishes the update, saves, and prints how to go on; ``--resume`` then continues exactly, as if nothing had happened. In
the first update, in which kernels may be compiled, it ends at once.

``torchrun --nproc-per-node K launch/train.py tuner …`` (or ``follower``) trains in K processes, each with worlds of its
own, as one process with K times as many would. On M machines, started on each of them: ``torchrun --nnodes M
--nproc-per-node K --rdzv-backend c10d --rdzv-endpoint HOST:PORT launch/train.py tuner …``; the first process writes the
checkpoint, and to resume, all of them (as many as before) have to find it. ``--device cuda`` has the network and its
optimiser on a GPU, one for each process of a machine; a training may go on on another device.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

# Threads that wait for one another sleep: spinning ones take the cores from the simulation's threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from envs.arena.training.styles import STYLES
from envs.arena.training.worlds import training_worlds
from envs.commands.command import AS_IT_IS, INTERRUPTED, parsed, postponed, run_command
from envs.commands.evaluation.follower_table import follower_table
from envs.commands.evaluation.tuner_table import tuner_table
from envs.commands.machine import processor
from envs.commands.progress import ProgressBar
from envs.grid.follower_worlds import KINDS, FollowerWorlds
from policies import distributed
from policies.checkpoint_folder import CARD, sole_writer
from policies.follower import training as follower
from policies.follower.training import FollowerOptions, FollowerTraining
from policies.training import Training
from policies.training_log import NOT_EVALUATED
from policies.tuner import training as tuner
from policies.tuner.training import TunerOptions, TunerTraining, TunerWorlds
from swarm.files.text_files import check_place
from swarm.model.error_bounds import parse_option


def run(training: Training[Any], console: Console) -> bool:
    """Train to the end; False if interrupted. Either way the checkpoint is written."""
    writer = None
    if training.options.tensorboard and distributed.rank() == 0:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(training.folder / "tensorboard"))
    names = training.shown
    shown: dict[str, Any] = dict.fromkeys((*names, "steps/s"), "–")
    figures = " · ".join(f"{name} {{task.fields[{name}]}}" for name in shown)
    columns = (TextColumn(training.name), BarColumn(), TextColumn("{task.percentage:.0f} %"), TextColumn(figures))
    last_saved, last_said, stop, first = time.monotonic(), time.monotonic(), False, training.ppo.done
    what = "" if distributed.rank() else "this update is finished, and the checkpoint written"
    ending = postponed(lambda: training.ppo.done > first, what)
    with ending as received, Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(training.name, total=training.updates, completed=training.ppo.done, **shown)
        while training.ppo.done < training.updates and not stop:
            row = training.update()
            shown |= {name: f"{row[name]:.3g}" for name in names if name in row}
            shown["steps/s"] = f"{row['steps_per_second']:,}"
            progress.update(task, completed=training.ppo.done, **shown)
            if not console.is_terminal and (time.monotonic() - last_said > 30.0 or training.ppo.done == first + 1):
                said = " · ".join(f"{name} {value}" for name, value in shown.items())
                console.print(f"{training.ppo.done} of {training.updates} updates: {said}", highlight=False)
                last_said = time.monotonic()
            if writer is not None:
                for name, value in row.items():
                    writer.add_scalar(f"train/{name}", value, row["robot_steps"])
            late = time.monotonic() - last_saved > 60.0 * training.options.save_every
            stop, late = distributed.agree(bool(received), late)
            if late:
                training.save()
                last_saved = time.monotonic()
        training.save()
    if writer is not None:
        writer.close()
    return training.ppo.done >= training.updates


def start(options: TunerOptions | FollowerOptions, command: str) -> TunerTraining | FollowerTraining:
    """The training that is asked for.

    Raises:
        InputError: If options contradict what is resumed, or there is no such device.
    """
    if isinstance(options, TunerOptions):
        given, saved = tuner.restored(options)
        if not (given.family or given.map):
            given = dataclasses.replace(given, styles=given.styles or tuple(STYLES))
        return TunerTraining(given, tuner_worlds, command, processor(), saved)
    options, saved = follower.restored(options)
    return FollowerTraining(options, follower_worlds, command, processor(), saved)


def tuner_worlds(options: TunerOptions, seed: int) -> TunerWorlds:
    """The worlds of one process, drawn from its seed."""
    return training_worlds(
        seed, options.worlds, options.robots, styles=options.styles, shared=options.shared,
        errors=parse_option("--errors", options.errors), assume=parse_option("--assume", options.assume),
        families=options.family, map_name=options.map, planner=options.planner, reward=options.reward,
        constraint=options.constraint, team=options.team, errors_drawn=options.errors_drawn,
    )  # fmt: skip


def follower_worlds(options: FollowerOptions, seed: int) -> FollowerWorlds:
    """The worlds of one process, drawn from its seed."""
    return FollowerWorlds(seed, options.kinds or tuple(KINDS))


def describe(training: Training[Any], console: Console) -> None:
    """Evaluate a finished training, and write the table into its card."""
    evaluate = follower_table if isinstance(training, FollowerTraining) else tuner_table
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %")
    with ProgressBar(*columns, TimeRemainingColumn(), console=console) as progress:
        track = partial(progress.track, description="table for the card (--no-evaluate: none)")
        table = evaluate(training.folder, track=track)
    if table != NOT_EVALUATED:
        (training.folder / CARD).write_text(training.card(table), encoding="utf-8")


def program() -> str:
    """The first words of the command line."""
    path, count = Path(sys.argv[0]), os.environ.get("LOCAL_WORLD_SIZE")
    if count is not None:
        return f"torchrun --nproc-per-node {count} {path}"
    return f"python {path}" if path.suffix == ".py" else path.name


def train() -> int:
    """Do what the command line says; 130 if interrupted and saved."""
    distributed.join()
    console = Console(quiet=distributed.rank() > 0)
    app = tyro.extras.SubcommandApp()
    app.command(name="tuner")(TunerOptions)
    app.command(name="follower")(FollowerOptions)
    try:
        options = parsed(lambda: app.cli(prog="train.py", description=__doc__))
        check_place(options.out, is_folder=True)
        writes = distributed.rank() == 0 and (options.resume is None or os.path.isdir(options.resume))
        with sole_writer(options.resume or options.out) if writes else nullcontext():
            return carry_out(options, console)
    finally:
        distributed.leave()


def carry_out(options: TunerOptions | FollowerOptions, console: Console) -> int:
    """Train, and evaluate what was trained; 130 if interrupted and saved."""
    if options.network:
        console.print("trying the network, and its ONNX graph: some seconds", highlight=False)
    training = start(options, f"{program()} {shlex.join(sys.argv[1:])}")
    if training.kept is not None:
        console.print(f"note: the checkpoint of before is kept in {training.kept}", **AS_IT_IS)
    updates = f"{training.updates} update{'s' if training.updates > 1 else ''}"
    planned = f"{updates} of {training.ppo.steps_per_update:,} robot-steps"
    console.print(f"{training.name}: {planned}, into {training.folder}", **AS_IT_IS)
    if isinstance(training, TunerTraining) and training.options.teachers and not training.ppo.done:
        training.tell = partial(console.print, **AS_IT_IS)
        lessons = training.options.lessons
        console.print(f"note: first it imitates its teachers in {lessons} lessons, which takes minutes")
    if training.ppo.done >= training.updates:
        console.print(f"note: {updates}: done already; a larger --steps would add to them")
    finished = run(training, console)
    console.print(f"Checkpoint: {training.folder}", **AS_IT_IS)
    if finished and training.options.evaluate and distributed.rank() == 0:
        describe(training, console)
    if not finished:
        again = f"{program()} {training.name} --resume {shlex.quote(str(training.folder))}"
        console.print(f"To go on: {again}", **AS_IT_IS)
    return 0 if finished else INTERRUPTED


def main() -> int:
    """Train; 130 if interrupted, 2 on wrong input."""
    return run_command(train)
