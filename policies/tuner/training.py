"""One training of the tuner, in one process or several: its options, network, worlds, checkpoint and card."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numba
import torch

from policies import distributed, training
from policies.checkpoint_folder import RESUME
from policies.training import Training
from policies.training_log import CURVE, NOT_EVALUATED, Row, draw_curves, known
from policies.tuner import checkpoint
from policies.tuner.network import SENSES, Tuner
from policies.tuner.ppo import PPOConfig, TunerPPO, VectorWorlds
from swarm.errors import InputError
from swarm.filter.tunables import NAMES
from swarm.model.error_bounds import parse_option
from swarm.scenario.scenario import Scenario

COLUMNS = (
    "update", "robot_steps", "minutes", "steps_per_second", "reward", "episodes", "return", "success",
    "reached", "collisions", "time", "relaxed", "braking", "policy_loss", "value_loss", "kl",
    "clipped", "explained_variance", "std", "learning_rate",
)  # fmt: skip
FIXED = ("seed", "worlds", "robots", "tunables", "styles", "senses", "rounds", "shared", "ppo")
"""Options that would make it another training."""
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
    errors: str = ""
    """What is not exact in the worlds: position=0.01,lag=0.1,... or a YAML file; exact if none or not given."""
    assume: str = ""
    """What the robots assume to be not exact: likewise, or none; what is simulated if not given."""
    threads: int | None = None
    """Threads of torch, by each process (2 by all of them if not given); a run repeats to the last bit on as many."""
    save_every: float = 5.0
    """Minutes between checkpoints."""
    tensorboard: bool = False
    """Also log for tensorboard, into the checkpoint folder."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    """Settings of the optimisation."""

    def __post_init__(self) -> None:
        parse_option("--errors", self.errors), parse_option("--assume", self.assume)  # a wrong one is found at once
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


class TunerTraining(Training[TunerOptions]):
    """One run; see ``policies.training.Training``.

    Args:
        options: Of ``restored`` if the training goes on.
        make_worlds: Where to train, from the options and a seed that is this process's own.
        command: Command line.
        hardware: Processor, for the card.
        saved: What ``checkpoint_folder.read_tensors`` found in ``resume.pt``.
    """

    name, columns = "tuner", COLUMNS
    shown = ("return", "success", "collisions")

    def __init__(
        self, options: TunerOptions, make_worlds: Callable[[TunerOptions, int], TunerWorlds], command: str,
        hardware: str, saved: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.threads = share_cores(options.threads)
        torch.manual_seed(options.seed)
        seed = distributed.own_seed(options.seed)
        self.worlds = make_worlds(options, seed)
        self.tuner = Tuner(tunables=options.tunables, senses=options.senses, rounds=options.rounds)
        per_update = distributed.size() * options.ppo.rollout * options.worlds * options.robots
        updates = -(-(options.steps or DEFAULT_STEPS) // per_update)
        ppo = TunerPPO(self.worlds, self.tuner, options.ppo, seed=seed, updates=updates)
        super().__init__(options, ppo, command, hardware, saved)

    def write(self, resume: bytes) -> None:
        """Write the checkpoint folder; ``resume`` is what ``resume.pt`` holds."""
        limits, width = limits_of(self.worlds), self.tuner.width
        config = checkpoint.Config(self.options.seed, self.command, limits, width, self.tuner.rounds)
        extra = {CURVE: learning_curve(self.rows), RESUME: resume}
        checkpoint.save(self.folder, self.tuner, config, self.card(NOT_EVALUATED), extra)

    def card(self, evaluation: str) -> str:
        """Text of the model card."""
        names = ("return", "success", "collisions", "relaxed", "braking")
        parameters, done, planned, figures = self.progress(names, RECENT)
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
    """As ``policies.training.restored``; another number of threads may be given."""
    options, saved = training.restored(given, FIXED)
    return dataclasses.replace(options, threads=given.threads or options.threads), saved


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


def learning_curve(rows: list[Row]) -> bytes:
    """A picture (PNG) of return, success and collisions over robot-steps."""
    panels = {"return": "return", "success": "success (safe and arrived)", "collisions": "collisions"}
    return draw_curves({title: known(rows, name) for name, title in panels.items()})
