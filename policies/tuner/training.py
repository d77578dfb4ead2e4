"""One training of the tuner, in one process or several: its options, log, checkpoints and card."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numba
import numpy as np
import torch

from policies import distributed
from policies.checkpoint_folder import RESUME, pack, read_tensors, unpack
from policies.ppo_settings import from_file, to_file
from policies.training_log import CURVE, LOG, NOT_EVALUATED, draw_curves, known, log_row, read_log, write_log
from policies.tuner import checkpoint
from policies.tuner.network import SENSES, Tuner
from policies.tuner.ppo import PPOConfig, TunerPPO, VectorWorlds
from swarm.errors import InputError
from swarm.filter.tunables import NAMES
from swarm.scenario.scenario import Scenario

COLUMNS = (
    "update", "robot_steps", "minutes", "steps_per_second", "reward", "episodes", "return", "success",
    "reached", "collisions", "time", "relaxed", "braking", "policy_loss", "value_loss", "kl",
    "clipped", "explained_variance", "std", "learning_rate",
)  # fmt: skip
DEFAULT_STEPS = 40_000_000
RECENT = 20
THREADS = 2


@dataclass(frozen=True)
class TunerOptions:
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
    styles: tuple[str, ...] = ()
    """Kinds of worlds to train in; all if not given."""
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


class TunerWorlds(VectorWorlds, Protocol):
    """Worlds to train in that say what they were made of."""

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """The present scenario of each world."""
        ...


class TunerTraining:
    """One run: the trainer and everything that is written about it.

    Args:
        options: Of ``restored`` if the training goes on.
        make_worlds: Where to train, from the options and a seed that is this process's own.
        command: Command line.
        hardware: Processor, for the card.
        saved: What ``checkpoint_folder.read_tensors`` found in ``resume.pt``.
    """

    shown = ("return", "success", "collisions")
    name = "tuner"

    def __init__(
        self, options: TunerOptions, make_worlds: Callable[[TunerOptions, int], TunerWorlds], command: str,
        hardware: str, saved: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.options, self.folder, self.hardware = options, options.out, hardware
        self.command: str = command if saved is None else saved["command"]
        self.minutes: float = 0.0 if saved is None else saved["minutes"]
        self.threads = share_cores(options.threads)
        torch.manual_seed(options.seed)
        seed = distributed.own_seed(options.seed)
        self.worlds = make_worlds(options, seed)
        self.tuner = Tuner(tunables=options.tunables, senses=options.senses, rounds=options.rounds)
        per_update = distributed.size() * options.ppo.rollout * options.worlds * options.robots
        self.updates = -(-(options.steps or DEFAULT_STEPS) // per_update)
        self.ppo = TunerPPO(self.worlds, self.tuner, options.ppo, seed=seed, updates=self.updates)
        self.rows: list[dict[str, Any]] = []
        if saved is not None:
            self.ppo.load_state_dict(own_state(saved, str(self.folder / RESUME)))
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
        states = distributed.gather(pack(self.ppo.state_dict())) if distributed.size() > 1 else []
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
        extra = {CURVE: learning_curve(self.rows), RESUME: pack(state)}
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
| hardware | {self.hardware}, {self.threads} threads a process |
| seed | {self.options.seed} |
| torch | {torch.__version__} |
{figures}

The figures are means over the last {RECENT} updates, with exploration.

![Learning curve]({CURVE})

## Evaluation
{evaluation}
"""


def restored(given: TunerOptions) -> tuple[TunerOptions, Mapping[str, Any] | None]:
    """The options of a training, with those of the one that it continues; and what that one has saved.

    Only the length of a training that goes on, and its logging, may change.

    Raises:
        InputError: If an option is given that would make it another training.
    """
    if given.resume is None:
        return given, None
    where = given.resume / RESUME
    saved = read_tensors(where)
    try:
        options: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in saved["options"].items()}
        ppo: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in from_file(options["ppo"]).items()
        }
        stored = TunerOptions(**{**options, "out": given.resume, "ppo": PPOConfig(**ppo)})
        str(saved["command"]), float(saved["minutes"])
    except (KeyError, TypeError) as error:
        raise InputError(str(where), str(error), "the state of a training of this version") from error
    fresh = TunerOptions()
    for name in ("seed", "worlds", "robots", "tunables", "styles", "senses", "rounds", "shared", "ppo"):
        value = getattr(given, name)
        if value not in (getattr(fresh, name), getattr(stored, name)):
            raise InputError(f"--{name} with --resume", value, f"{getattr(stored, name)}, or leave it out")
    going_on = dataclasses.replace(
        stored, resume=given.resume, steps=stored.steps if given.steps is None else given.steps,
        threads=given.threads or stored.threads, save_every=given.save_every, tensorboard=given.tensorboard,
    )  # fmt: skip
    return going_on, saved


def own_state(saved: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The part of a saved training that is this process's.

    Raises:
        InputError: If it was saved by another number of processes.
    """
    others = saved.get("others", [])
    if (count := 1 + len(others)) != distributed.size():
        raise InputError(f"{where}: processes", distributed.size(), f"torchrun --nproc-per-node {count}, as before")
    rank = distributed.rank()
    return saved["ppo"] if rank == 0 else unpack(others[rank - 1].numpy().tobytes(), where)


def share_cores(threads: int | None) -> int:
    """Set the threads of torch, and of the simulation where processes share this machine; returns the former."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    threads = threads or max(1, THREADS // local)
    torch.set_num_threads(threads)
    if local > 1:
        numba.set_num_threads(max(1, numba.get_num_threads() // local))
    return threads


def limits_of(worlds: TunerWorlds) -> dict[str, dict[str, list[float]]]:
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
