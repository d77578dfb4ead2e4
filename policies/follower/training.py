"""One training of the follower: its options, network, worlds, checkpoint and card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from policies import distributed, training
from policies.checkpoint_folder import RESUME
from policies.devices import Device, device_of
from policies.follower import checkpoint
from policies.follower.network import FILTERS, WIDTH, Follower
from policies.follower.own_network import OwnFollower
from policies.follower.ppo import FollowerPPO, RankingPPO, RankingWorlds
from policies.own_parts import sources_of, try_graph, with_copies
from policies.training import Training
from policies.training_log import CURVE, NOT_EVALUATED, Row, draw_curves, known
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.planning.follower.view import CHANNELS, OWN, WINDOW

COLUMNS = (
    "update", "robot_steps", "minutes", "steps_per_second", "reward", "episodes", "throughput", "blocked",
    "policy_loss", "value_loss", "entropy", "kl", "clipped", "explained_variance", "learning_rate",
)  # fmt: skip
PARTS = ("network",)
"""Options that may name parts of a user's own: copies of their files stay with the checkpoint, and are what resumes."""
FIXED = ("seed", "kinds", "filters", "width", "threads", "ppo", *PARTS)
"""Options that would make it another training."""
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
    """Robot-steps of all processes in total (50 million if not given)."""
    resume: Path | None = None
    """Checkpoint folder whose training to continue, in place."""
    kinds: tuple[str, ...] = ()
    """Kinds of worlds to train in; all if not given."""
    network: str = ""
    """What to train instead of the built-in network: my_file.py:NAME (swarm.RankingNetwork)."""
    filters: int = FILTERS
    """Filters of the convolution."""
    width: int = WIDTH
    """Width of the fully connected layers."""
    device: Device | None = None
    """Where the network and its optimiser are (cpu if not given); worlds are stepped on the cores. cuda: a GPU for each
    process of this machine."""
    threads: int = 1
    """Threads of torch, by each process; a run repeats to the last bit on as many."""
    save_every: float = 5.0
    """Minutes between checkpoints."""
    tensorboard: bool = False
    """Also log for tensorboard, into the checkpoint folder."""
    evaluate: bool = True
    """Evaluate in the end, into the card: a minute."""
    ppo: RankingPPO = field(default_factory=RankingPPO)
    """Settings of the optimisation."""

    def __post_init__(self) -> None:
        whole("--seed", self.seed, least=0)
        for name in ("steps", "filters", "width", "threads"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"--{name}", value, "1 or more")
        if self.network and (self.filters, self.width) != (FILTERS, WIDTH):
            raise InputError("--filters, --width", (self.filters, self.width), "neither of them with --network")


class FollowerTraining(Training[FollowerOptions]):
    """One run; see ``policies.training.Training``.

    Args:
        options: Of ``restored`` if the training goes on.
        make_worlds: Where to train, from the options and a seed that is this process's own.
        command: Command line.
        hardware: Processor, for the card.
        saved: What ``checkpoint_folder.read_tensors`` found in ``resume.pt``.
    """

    name, columns = "follower", COLUMNS
    shown = ("reward", "throughput", "entropy")

    def __init__(
        self, options: FollowerOptions, make_worlds: Callable[[FollowerOptions, int], RankingWorlds], command: str,
        hardware: str, saved: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        device = device_of(options.device or "cpu")
        distributed.share_cores(options.threads)
        torch.manual_seed(options.seed)
        seed = distributed.own_seed(options.seed)
        self.worlds = make_worlds(options, seed)
        self.sources = sources_of(options, PARTS)
        self.follower = network_of(options, device)
        per_update = distributed.size() * options.ppo.rollout * len(self.worlds.own)
        updates = -(-(options.steps or DEFAULT_STEPS) // per_update)
        ppo = FollowerPPO(self.worlds, self.follower, options.ppo, seed=seed, updates=updates)
        super().__init__(options, ppo, command, hardware, saved)

    def write(self, resume: bytes) -> None:
        """Write the checkpoint folder; ``resume`` is what ``resume.pt`` holds."""
        made = {"temperature": TEMPERATURE, "seed": self.options.seed, "command": self.command}
        extra = {CURVE: learning_curve(self.rows), RESUME: resume, **self.sources}
        checkpoint.save(self.folder, self.follower, made, self.card(NOT_EVALUATED), extra)

    def card(self, evaluation: str) -> str:
        """Text of the model card."""
        parameters, done, planned, figures = self.progress(("reward", "throughput", "entropy"), RECENT)
        kind = f"A network of its own, `{self.options.network}`" if self.options.network else "A network"
        return f"""# Follower

{kind} ({parameters:,} parameters, critic included) that ranks the five moves of a robot that follows its path
around congestion. Whatever it ranks, priority inheritance decides what is free of conflict.

    {self.command}

| training | |
|---|---|
| robot-steps | {done:,} of {planned:,} |
| processes × robots in a batch | {distributed.size()} × {len(self.worlds.own):,} |
| minutes | {self.minutes:.1f} |
| hardware | {self.hardware}, {self.options.threads} threads a process |
| seed | {self.options.seed} |
| torch | {torch.__version__} |
{figures}

The figures are means over the last {RECENT} updates, with exploration, all kinds of worlds together.

![Learning curve]({CURVE})

## Evaluation
{evaluation}
"""


def restored(given: FollowerOptions) -> tuple[FollowerOptions, Mapping[str, Any] | None]:
    """As ``policies.training.restored``; parts come from the checkpoint."""
    options, saved = training.restored(given, FIXED)
    return (options if saved is None else with_copies(options, PARTS, options.out)), saved


def network_of(options: FollowerOptions, device: torch.device) -> Follower | OwnFollower:
    """What is trained, on a device; one of a user's own has shown that it can be exported, and runs there.

    Raises:
        InputError: If it is not what ``swarm.RankingNetwork`` asks, or has no ONNX.
    """
    if not options.network:
        return Follower(options.filters, options.width).to(device)
    follower, rng = OwnFollower(options.network), np.random.default_rng(0)
    view = rng.normal(size=(4, CHANNELS, WINDOW, WINDOW)).astype(np.float32)
    own = rng.uniform(0.0, 3.0, (4, OWN)).astype(np.float32)
    try_graph(follower, checkpoint.export_onnx, {"view": view, "own": own}, lambda *seen: follower(*seen)[0])
    return follower.moved(device)


def learning_curve(rows: list[Row]) -> bytes:
    """A picture (PNG) of reward, throughput and entropy over robot-steps."""
    panels = {"reward": "reward a step", "throughput": "goals a robot and 100 steps", "entropy": "entropy"}
    return draw_curves({title: known(rows, name) for name, title in panels.items()})
