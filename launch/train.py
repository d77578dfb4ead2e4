"""Trains a policy and writes its checkpoint folder.

Usage: ``python launch/train.py tuner|follower [--out DIR] [--seed N] [--steps N] [--resume DIR]``. Ctrl-C finishes the
update, saves, and prints how to go on; ``--resume`` then continues exactly, as if nothing had happened.

``torchrun --nproc-per-node K launch/train.py tuner …`` trains in K processes, each with ``--worlds`` of its own, as one
process with K times as many would. On M machines, started on each of them: ``torchrun --nnodes M --nproc-per-node K
--rdzv-backend c10d --rdzv-endpoint HOST:PORT launch/train.py tuner …``; the first process writes the checkpoint, and
to resume, all of them (as many as before) have to find it.
"""

from __future__ import annotations

import dataclasses
import math
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Literal

# Threads that wait for one another sleep: spinning ones take the cores from the simulation's threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numba
import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from envs.arena.core import ArenaCore
from envs.arena.held_out import FAMILIES, FIRST_SEED
from envs.arena.training_worlds import STYLES, training_worlds
from envs.grid.follower_worlds import KINDS, FollowerWorlds
from policies import distributed
from policies.follower.training import FollowerOptions, FollowerTraining, restored
from policies.ppo_settings import from_file, to_file
from policies.training_log import CURVE, LOG, NOT_EVALUATED, draw_curves, known, log_row, read_log, write_log
from policies.tuner import checkpoint
from policies.tuner.evaluate import Policy, always, by_tuner, evaluate_policy
from policies.tuner.network import SENSES, Tuner
from policies.tuner.ppo import PPO, PPOConfig
from studies.evaluation.follower_table import follower_table
from studies.machine import processor
from swarm.errors import InputError, SwarmError
from swarm.filter.tunables import MIDDLE, NAMES, encode
from swarm.tune.heuristics import Recovery

COLUMNS = (
    "update", "robot_steps", "minutes", "steps_per_second", "reward", "episodes", "return", "success",
    "reached", "collisions", "time", "relaxed", "braking", "policy_loss", "value_loss", "kl",
    "clipped", "explained_variance", "std", "learning_rate",
)  # fmt: skip
DEFAULT_STEPS = 40_000_000
RECENT = 20
THREADS = 2


@dataclass(frozen=True)
class TunerTraining:
    """Train the tuner with PPO. With --resume, what is not given is taken from there."""

    out: Path = Path("runs/tuner")
    """Checkpoint folder to write."""
    seed: int = 0
    """Of the networks, of the worlds and of the exploration."""
    steps: int | None = None
    """Robot-steps of all processes in total (40 million if not given)."""
    resume: Path | None = None
    """Checkpoint folder whose training to continue, in place."""
    worlds: int = 128
    """Worlds that are stepped together, by each process."""
    robots: int = 8
    """Robots in each of them."""
    tunables: tuple[str, ...] = NAMES
    """Those that the policy sets; the others stay at gain 6, power 1, straight ahead, full speed."""
    styles: tuple[str, ...] = tuple(STYLES)
    """Kinds of worlds to train in."""
    senses: tuple[str, ...] = SENSES
    """What the policy takes account of: robots, obstacles."""
    rounds: Literal[0, 1, 2] = 1
    """Rounds of messages between robots, each a step late: 0 senses only, 1 hears what neighbours tell of themselves,
    2 also a learned embedding of their neighbourhoods."""
    shared: bool = False
    """All robots of a world use the mean of what they propose, instead of each its own (for comparison)."""
    threads: int | None = None
    """Threads of torch, by each process (2 by all of them if not given); a run repeats to the last bit on as many."""
    save_every: float = 5.0
    """Minutes between checkpoints."""
    tensorboard: bool = False
    """Also log for tensorboard, into the checkpoint folder."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    """Settings of the optimisation."""

    def __post_init__(self) -> None:
        for name in ("worlds", "robots", "threads"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"--{name}", getattr(self, name), "1 or more")
        if self.steps is not None and self.steps < 1:
            raise InputError("--steps", self.steps, "1 or more")


class Training:
    """One run: the trainer and everything that is written about it."""

    shown = ("return", "success", "collisions")
    name = "tuner"

    def __init__(self, options: TunerTraining, command: str) -> None:
        self.command, self.minutes, saved = command, 0.0, None
        if options.resume is not None:
            saved = checkpoint.read_tensors(options.resume / checkpoint.RESUME)
            options, self.command, self.minutes = restore_options(options, saved)
        self.options, self.folder = options, options.out
        self.threads = share_cores(options.threads)
        torch.manual_seed(options.seed)
        seed = distributed.own_seed(options.seed)
        self.worlds = training_worlds(
            seed, options.worlds, options.robots, styles=options.styles, shared=options.shared
        )
        self.tuner = Tuner(tunables=options.tunables, senses=options.senses, rounds=options.rounds)
        per_update = distributed.size() * options.ppo.rollout * options.worlds * options.robots
        self.updates = -(-(options.steps or DEFAULT_STEPS) // per_update)
        self.ppo = PPO(self.worlds, self.tuner, options.ppo, seed=seed, updates=self.updates)
        self.rows: list[dict[str, Any]] = []
        if saved is not None:
            self.ppo.load_state_dict(own_state(saved, str(self.folder / checkpoint.RESUME)))
            self.rows = read_log(self.folder / LOG, self.ppo.done)
        if distributed.rank() == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_log(self.folder / LOG, COLUMNS, self.rows)

    def update(self) -> dict[str, Any]:
        """One update of the policy, logged."""
        started = time.perf_counter()
        figures = self.ppo.update()
        seconds = time.perf_counter() - started
        self.minutes += seconds / 60.0
        row = log_row(self.ppo.done, self.ppo.steps_per_update, self.minutes, seconds, figures)
        self.rows.append(row)
        if distributed.rank() == 0:
            write_log(self.folder / LOG, COLUMNS, [row], append=True)
        return row

    def save(self, evaluation: str = NOT_EVALUATED) -> None:
        """Write the checkpoint, with all that is needed to resume; every process has to call it."""
        states = distributed.gather(checkpoint.pack(self.ppo.state_dict())) if distributed.size() > 1 else []
        if distributed.rank() == 0:
            self._write(states, evaluation)
        distributed.agree()  # nobody goes on before the files are there

    def _write(self, states: list[bytes], evaluation: str) -> None:
        """``save`` in the first process, with the states of all of them."""
        options = dataclasses.asdict(dataclasses.replace(self.options, resume=None))
        state = {
            "options": {**options, "ppo": to_file(options["ppo"]), "out": str(self.folder)},
            "command": self.command,
            "minutes": self.minutes,
            "ppo": self.ppo.state_dict(),
            "others": [np.frombuffer(state, np.uint8) for state in states[1:]],
        }
        limits, width = limits_of(self.worlds), self.tuner.width
        config = checkpoint.Config(self.options.seed, self.command, limits, width, self.tuner.rounds)
        extra = {CURVE: learning_curve(self.rows), checkpoint.RESUME: checkpoint.pack(state)}
        checkpoint.save(self.folder, self.tuner, config, self.card(evaluation), extra)

    def card(self, evaluation: str) -> str:
        """Text of the model card."""
        done, planned = (count * self.ppo.steps_per_update for count in (self.ppo.done, self.updates))
        parameters = sum(parameter.numel() for parameter in self.tuner.parameters())
        names = ("return", "success", "collisions", "relaxed", "braking")
        recent = {name: known(self.rows[-RECENT:], name)[1] for name in names}
        figures = "\n".join(f"| {name} | {sum(y) / len(y):.3g} |" for name, y in recent.items() if y)
        return f"""# Tuner

A graph network ({parameters:,} parameters, critic included) that proposes the tunables of the safety filter.
Whatever it proposes, the filter decides what is safe.

    {self.command}

| training | |
|---|---|
| robot-steps | {done:,} of {planned:,} |
| processes × worlds × robots | {distributed.size()} × {self.options.worlds} × {self.options.robots} |
| minutes | {self.minutes:.1f} |
| hardware | {processor()}, {self.threads} threads a process |
| seed | {self.options.seed} |
| torch | {torch.__version__} |
{figures}

The figures are means over the last {RECENT} updates, with exploration.

![Learning curve]({CURVE})

## Evaluation
{evaluation}
"""


def evaluate(folder: Path, episodes: int = 100) -> str:
    """Markdown table of a finished checkpoint, next to other policies, on scenarios that it was not trained on."""
    tuner, _ = checkpoint.load(folder)
    policies: dict[str, Policy] = {
        "middle of the box": always(MIDDLE),
        "untrained": by_tuner(Tuner()),
        "gain 6, power 1, straight": always(encode(np.array([6.0, 1.0, 6.0, 1.0, 0.0, 1.0]))),
        "**trained**": by_tuner(tuner),
        "**trained, with the way out**": Recovery(by_tuner(tuner)),
    }
    lines = [
        f"Success (safe and at the goal) in %, and mean time to the goal in s; {episodes} episodes of each family, "
        "straight to the goal without a planner, the same episodes for all.",
        "",
        "| family | " + " | ".join(policies) + " |",
        "|---" * (len(policies) + 1) + "|",
    ]
    for family, draw in FAMILIES.items():
        cells = []
        for policy in policies.values():
            figures = evaluate_policy(ArenaCore(draw, worlds=episodes, seed=FIRST_SEED), policy, episodes)
            collided = f", {figures['collisions']:.2f} collisions" if figures["collisions"] else ""
            cells.append(f"{100.0 * figures['success']:.1f} / {figures['time']:.2f}{collided}")
        lines.append(f"| {family} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def restore_options(given: TunerTraining, saved: Mapping[str, Any]) -> tuple[TunerTraining, str, float]:
    """Options, command and minutes so far of a saved training; only its length and its logging may change.

    Raises:
        InputError: If an option is given that would make it another training.
    """
    where = f"{given.resume}/{checkpoint.RESUME}"
    try:
        options: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in saved["options"].items()}
        ppo: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in from_file(options["ppo"]).items()
        }
        stored = TunerTraining(**{**options, "out": given.resume, "ppo": PPOConfig(**ppo)})
        command, minutes = str(saved["command"]), float(saved["minutes"])
    except (KeyError, TypeError) as error:
        raise InputError(where, str(error), "the state of a training of this version") from error
    fresh = TunerTraining()
    for name in ("seed", "worlds", "robots", "tunables", "styles", "senses", "rounds", "shared", "ppo"):
        value = getattr(given, name)
        if value not in (getattr(fresh, name), getattr(stored, name)):
            raise InputError(f"--{name} with --resume", value, f"{getattr(stored, name)}, or leave it out")
    going_on = dataclasses.replace(
        stored, resume=given.resume, steps=stored.steps if given.steps is None else given.steps,
        threads=given.threads or stored.threads, save_every=given.save_every, tensorboard=given.tensorboard,
    )  # fmt: skip
    return going_on, command, minutes


def own_state(saved: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The part of a saved training that is this process's.

    Raises:
        InputError: If it was saved by another number of processes.
    """
    others = saved.get("others", [])
    if (count := 1 + len(others)) != distributed.size():
        raise InputError(f"{where}: processes", distributed.size(), f"torchrun --nproc-per-node {count}, as before")
    rank = distributed.rank()
    return saved["ppo"] if rank == 0 else checkpoint.unpack(others[rank - 1].numpy().tobytes(), where)


def share_cores(threads: int | None) -> int:
    """Set the threads of torch, and of the simulation where processes share this machine; returns the former."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    threads = threads or max(1, THREADS // local)
    torch.set_num_threads(threads)
    if local > 1:
        numba.set_num_threads(max(1, numba.get_num_threads() // local))
    return threads


def limits_of(worlds: Any) -> dict[str, dict[str, list[float]]]:
    """Smallest and largest limits of the robots in the present worlds, by kind; those that are finite."""
    found: dict[str, dict[str, list[float]]] = {}
    for scenario in worlds.scenarios:
        for robot in scenario.robots:
            ranges = found.setdefault(robot.kind.label, {})
            limits = dataclasses.asdict(robot.limits)
            for name, value in {name: limit for name, limit in limits.items() if limit < math.inf}.items():
                low, high = ranges.get(name, (value, value))
                ranges[name] = [min(low, value), max(high, value)]
    return found


def learning_curve(rows: list[dict[str, Any]]) -> bytes:
    """A picture (PNG) of return, success and collisions over robot-steps."""
    panels = {"return": "return", "success": "success (safe and arrived)", "collisions": "collisions"}
    return draw_curves({title: known(rows, name) for name, title in panels.items()})


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Collects the first Ctrl-C (or SIGTERM) in a list instead of raising; a second one raises."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield received
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def run(training: Training | FollowerTraining, console: Console) -> bool:
    """Train to the end; False if interrupted. Either way the checkpoint is written."""
    writer = None
    if training.options.tensorboard and distributed.rank() == 0:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(training.folder / "tensorboard"))
    names = training.shown
    shown: dict[str, Any] = dict.fromkeys((*names, "steps/s"), "–")
    figures = " · ".join(f"{name} {{task.fields[{name}]}}" for name in shown)
    columns = (TextColumn(training.name), BarColumn(), TextColumn("{task.percentage:.0f} %"), TextColumn(figures))
    last_saved, last_said, stop = time.monotonic(), time.monotonic(), False
    with interruptible() as received, Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(training.name, total=training.updates, completed=training.ppo.done, **shown)
        while training.ppo.done < training.updates and not stop:
            row = training.update()
            shown |= {name: f"{row[name]:.3g}" for name in names if name in row}
            shown["steps/s"] = f"{row['steps_per_second']:,}"
            progress.update(task, completed=training.ppo.done, **shown)
            if not console.is_terminal and time.monotonic() - last_said > 30.0:
                console.print(f"{training.ppo.done} of {training.updates} updates: {shown}", highlight=False)
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


def start(options: TunerTraining | FollowerOptions, command: str) -> Training | FollowerTraining:
    """The training that is asked for.

    Raises:
        InputError: If options contradict what is resumed, or the follower is to be trained by several processes.
    """
    if isinstance(options, TunerTraining):
        return Training(options, command)
    if distributed.size() > 1:
        raise InputError("torchrun --nproc-per-node", distributed.size(), "1 for the follower")
    options, saved = restored(options)
    worlds = FollowerWorlds(options.seed, options.kinds or tuple(KINDS))
    return FollowerTraining(options, worlds, command, processor(), saved)


def describe(training: Training | FollowerTraining) -> None:
    """Evaluate a finished training, and write the table into its card."""
    table = follower_table(training.folder) if isinstance(training, FollowerTraining) else evaluate(training.folder)
    if table != NOT_EVALUATED:
        (training.folder / checkpoint.CARD).write_text(training.card(table), encoding="utf-8")


def started_by() -> str:
    """The first words of the command line."""
    count = os.environ.get("LOCAL_WORLD_SIZE")
    return "python" if count is None else f"torchrun --nproc-per-node {count}"


def main() -> int:
    """Train; 130 if interrupted, 2 on wrong input."""
    distributed.join()
    console = Console(quiet=distributed.rank() > 0)
    app = tyro.extras.SubcommandApp()
    app.command(name="tuner")(TunerTraining)
    app.command(name="follower")(FollowerOptions)
    try:
        options = app.cli(prog="train.py", description=__doc__)
        training = start(options, f"{started_by()} launch/train.py {shlex.join(sys.argv[1:])}")
        finished = run(training, console)
        if finished and distributed.rank() == 0:
            describe(training)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        distributed.leave()
    console.print(f"Checkpoint: {training.folder}", highlight=False)
    if not finished:
        again = f"launch/train.py {training.name} --resume {training.folder}"
        console.print(f"To go on: {started_by()} {again}", highlight=False)
    return 0 if finished else 130


if __name__ == "__main__":
    sys.exit(main())
