"""One training of the follower: its options, log, checkpoints and card."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from policies.checkpoint_folder import RESUME, pack, read_tensors
from policies.follower import checkpoint
from policies.follower.network import FILTERS, WIDTH, Follower
from policies.follower.ppo import FollowerPPO, RankingPPO, RankingWorlds
from policies.ppo_settings import from_file, to_file
from policies.training_log import CURVE, LOG, NOT_EVALUATED, draw_curves, known, log_row, read_log, write_log
from swarm.errors import InputError

COLUMNS = (
    "update", "robot_steps", "minutes", "steps_per_second", "reward", "episodes", "throughput", "blocked",
    "policy_loss", "value_loss", "entropy", "kl", "clipped", "explained_variance", "learning_rate",
)  # fmt: skip
DEFAULT_STEPS = 50_000_000
RECENT = 64
TEMPERATURE = 0.0  # as its scores come: towards the end of a training the policy hardly draws any more


@dataclass(frozen=True)
class FollowerOptions:
    """Train the follower with PPO. With --resume, what is not given is taken from there."""

    out: Path = Path("runs/follower")
    """Checkpoint folder to write."""
    seed: int = 0
    """Of the network, of the worlds and of the rankings."""
    steps: int | None = None
    """Robot-steps in total (50 million if not given)."""
    resume: Path | None = None
    """Checkpoint folder whose training to continue, in place."""
    kinds: tuple[str, ...] = ()
    """Kinds of worlds to train in; all if not given."""
    filters: int = FILTERS
    """Filters of the convolution."""
    width: int = WIDTH
    """Width of the fully connected layers."""
    threads: int = 1
    """Threads of torch; a run repeats to the last bit on as many."""
    save_every: float = 5.0
    """Minutes between checkpoints."""
    tensorboard: bool = False
    """Also log for tensorboard, into the checkpoint folder."""
    ppo: RankingPPO = field(default_factory=RankingPPO)
    """Settings of the optimisation."""

    def __post_init__(self) -> None:
        for name in ("steps", "filters", "width", "threads"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"--{name}", value, "1 or more")


class FollowerTraining:
    """One run: the trainer and everything that is written about it.

    Args:
        options: Of ``restored`` if the training goes on.
        worlds: Where to train.
        command: Command line.
        hardware: Processor, for the card.
        saved: What ``checkpoint_folder.read_tensors`` found in ``resume.pt``.
    """

    shown = ("reward", "throughput", "entropy")
    name = "follower"

    def __init__(
        self, options: FollowerOptions, worlds: RankingWorlds, command: str, hardware: str,
        saved: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.options, self.folder, self.hardware = options, options.out, hardware
        self.command: str = command if saved is None else saved["command"]
        self.minutes: float = 0.0 if saved is None else saved["minutes"]
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.follower = Follower(options.filters, options.width)
        self.updates = -(-(options.steps or DEFAULT_STEPS) // (options.ppo.rollout * len(worlds.own)))
        self.ppo = FollowerPPO(worlds, self.follower, options.ppo, seed=options.seed, updates=self.updates)
        self.rows: list[dict[str, Any]] = []
        if saved is not None:
            self.ppo.load_state_dict(saved["ppo"])
            self.rows = read_log(self.folder / LOG, self.ppo.done)
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
        write_log(self.folder / LOG, COLUMNS, [row], append=True)
        return row

    def save(self) -> None:
        """Write the checkpoint, with all that is needed to resume."""
        options = dataclasses.asdict(dataclasses.replace(self.options, resume=None))
        state = {
            "options": {**options, "ppo": to_file(options["ppo"]), "out": str(self.folder)},
            "command": self.command,
            "minutes": self.minutes,
            "ppo": self.ppo.state_dict(),
        }
        extra = {CURVE: learning_curve(self.rows), RESUME: pack(state)}
        made = {"temperature": TEMPERATURE, "seed": self.options.seed, "command": self.command}
        checkpoint.save(self.folder, self.follower, made, self.card(NOT_EVALUATED), extra)

    def card(self, evaluation: str) -> str:
        """Text of the model card."""
        done, planned = (count * self.ppo.steps_per_update for count in (self.ppo.done, self.updates))
        parameters = sum(parameter.numel() for parameter in self.follower.parameters())
        recent = {name: known(self.rows[-RECENT:], name)[1] for name in ("reward", "throughput", "entropy")}
        figures = "\n".join(f"| {name} | {sum(y) / len(y):.3g} |" for name, y in recent.items() if y)
        return f"""# Follower

A network ({parameters:,} parameters, critic included) that ranks the five moves of a robot that follows its path
around congestion. Whatever it ranks, priority inheritance decides what is free of conflict.

    {self.command}

| training | |
|---|---|
| robot-steps | {done:,} of {planned:,} |
| robots in a batch | {len(self.ppo.worlds.own):,} |
| minutes | {self.minutes:.1f} |
| hardware | {self.hardware}, {self.options.threads} threads |
| seed | {self.options.seed} |
| torch | {torch.__version__} |
{figures}

The figures are means over the last {RECENT} updates, with exploration, all kinds of worlds together.

![Learning curve]({CURVE})

## Evaluation
{evaluation}
"""


def restored(given: FollowerOptions) -> tuple[FollowerOptions, Mapping[str, Any] | None]:
    """The options of a training, with those of the one that it continues; and what that one has saved.

    Raises:
        InputError: If an option is given that would make it another training.
    """
    if given.resume is None:
        return given, None
    where = given.resume / RESUME
    saved = read_tensors(where)
    try:
        options = {**saved["options"], "out": given.resume, "kinds": tuple(saved["options"]["kinds"])}
        stored = FollowerOptions(**{**options, "ppo": RankingPPO(**from_file(options["ppo"]))})
        str(saved["command"]), float(saved["minutes"]), saved["ppo"]
    except (KeyError, TypeError) as error:
        raise InputError(str(where), str(error), "the state of a training of this version") from error
    fresh = FollowerOptions()
    for name in ("seed", "kinds", "filters", "width", "threads", "ppo"):
        value = getattr(given, name)
        if value not in (getattr(fresh, name), getattr(stored, name)):
            raise InputError(f"--{name} with --resume", value, f"{getattr(stored, name)}, or leave it out")
    going_on = dataclasses.replace(
        stored, steps=given.steps or stored.steps, save_every=given.save_every, tensorboard=given.tensorboard,
        resume=given.resume,
    )  # fmt: skip
    return going_on, saved


def learning_curve(rows: list[dict[str, Any]]) -> bytes:
    """A picture (PNG) of reward, throughput and entropy over robot-steps, means over ``RECENT`` updates."""
    panels = {"reward": "reward a step", "throughput": "goals a robot and 100 steps", "entropy": "entropy"}
    curves = {}
    for name, title in panels.items():
        x, y = known(rows, name)
        span = max(1, min(RECENT, len(y) // 4))
        parts = [y[max(0, k - span) : k + 1] for k in range(len(y))]
        curves[title] = x, [sum(part) / len(part) for part in parts]
    return draw_curves(curves)
