"""One training of the tuner, in one process or several: its options, network, worlds, checkpoint and card."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import numpy as np
import torch

from policies import distributed, training
from policies.checkpoint_folder import RESUME
from policies.devices import CPU, Device, device_of
from policies.own_parts import sources_of, try_graph, with_copies
from policies.ppo_settings import TunerPPOSettings
from policies.training import Training
from policies.training_log import CURVE, NOT_EVALUATED, Row, draw_curves, known
from policies.tuner import checkpoint
from policies.tuner.cloning import Lessons
from policies.tuner.neighbourhood import SENSES, WIDTH
from policies.tuner.network import Tuner, check_blend
from policies.tuner.own_network import OwnTuner
from policies.tuner.ppo import TunerPPO
from policies.tuner.teachers import make_teacher
from policies.tuner.worlds import LessonWorlds, VectorWorlds
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.filter.tunables import NAMES
from swarm.model.error_bounds import parse_option
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import EDGE

COLUMNS = (
    "update", "robot_steps", "minutes", "steps_per_second", "reward", "episodes", "return", "success",
    "reached", "collisions", "time", "relaxed", "braking", "policy_loss", "value_loss", "kl",
    "clipped", "explained_variance", "std", "learning_rate",
)  # fmt: skip
PARTS = ("network", "family", "map", "reward", "planner", "constraint")
"""Options that may name parts of a user's own: copies of their files stay with the checkpoint, and are what resumes."""
FIXED = (
    "seed", "worlds", "robots", "tunables", "styles", "senses", "rounds", "shared", "ppo", "teachers", "lessons",
    "sees_action", "blend", "team", "start", "errors_drawn", *PARTS,
)  # fmt: skip
"""Options that would make it another training."""
DEFAULT_STEPS = 40_000_000
RECENT = 20


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
    robots: int | None = None
    """Robots in each of them (8 if not given); families of one size, or of many, have their own if not given."""
    tunables: tuple[str, ...] = NAMES
    """Those that the policy sets; the others stay at gain 6, power 1, straight ahead, full speed."""
    styles: tuple[str, ...] = ()
    """Kinds of worlds to train in; all if not given."""
    family: tuple[str, ...] = ()
    """Families of scenarios to train in instead: built-in ones or my_file.py:NAME."""
    map: str = ""
    """A grid map to train on instead: a built-in one, a file (.map), or my_file.py:NAME."""
    network: str = ""
    """What to train instead of the built-in network: my_file.py:NAME (swarm.Network)."""
    reward: str = ""
    """What is maximised instead of the built-in reward: my_file.py:NAME (swarm.Reward)."""
    planner: str = ""
    """straight, roadmap or my_file.py:NAME; if not given, roadmap on maps and else what the kind of world says."""
    constraint: str = ""
    """Further rows of every robot's quadratic program: my_file.py:NAME (swarm.Constraint)."""
    senses: tuple[str, ...] = SENSES
    """What the policy takes account of: robots, obstacles."""
    rounds: Literal[0, 1, 2] = 1
    """Rounds of messages between robots, each a step late: 0 senses only, 1 hears what neighbours tell of themselves,
    2 also a learned embedding of their neighbourhoods."""
    shared: bool = False
    """All robots of a world use the mean of what they propose, instead of each its own (for comparison)."""
    blend: float = 1.0
    """Share of the way from the last action to the one that is proposed that robots go in one step; 1: all of it."""
    sees_action: bool = True
    """Whether the network sees its own last action. What it sets then feeds back into it, and can swing from one end
    of the box to the other at every step."""
    start: str = ""
    """Checkpoint folder of a network to begin with, near which ``--ppo.near`` holds what is trained; its tunables and
    senses are those that are given here."""
    teachers: tuple[str, ...] = ()
    """Who is imitated first: rules (give_way, give_way_soon), planners (led:auto) or whatever is a controller, as
    fixed:20,1,9.28,1. Of each episode the best one is. None: the network learns from scratch."""
    lessons: int = 8
    """Sets of episodes, one in each world, in which the teachers are imitated."""
    team: float = 0.0
    """Share of a room's mean reward that each robot gets in place of its own, in rooms of at most four robots."""
    errors: str = ""
    """What is not exact in the worlds: position=0.01,lag=0.1,... or a YAML file; exact if none or not given."""
    errors_drawn: float = 0.0
    """Share of the worlds that are not exact instead, with bounds of their own: position up to a tenth of the radius,
    age, dead time and latency up to a period, lag up to four, loss up to 20 % and slip up to 10 %."""
    assume: str = ""
    """What the robots assume to be not exact: likewise, or none; what is simulated if not given."""
    device: Device | None = None
    """Where the network and its optimiser are (cpu if not given); worlds are stepped on the cores. cuda: a GPU for each
    process of this machine."""
    threads: int | None = None
    """Threads of torch, by each process (2 by all of them if not given); a run repeats to the last bit on as many."""
    save_every: float = 5.0
    """Minutes between checkpoints."""
    tensorboard: bool = False
    """Also log for tensorboard, into the checkpoint folder."""
    evaluate: bool = True
    """Evaluate in the end, into the card: a minute or two."""
    ppo: TunerPPOSettings = field(default_factory=TunerPPOSettings)
    """Settings of the optimisation."""

    def __post_init__(self) -> None:
        parse_option("--errors", self.errors), parse_option("--assume", self.assume)  # a wrong one is found at once
        if self.errors_drawn and (self.errors or self.assume or self.constraint):
            raise InputError("--errors-drawn", self.errors_drawn, "none of --errors, --assume, --constraint beside it")
        for name in self.teachers:
            make_teacher(name)
        if self.teachers and self.rounds > 1:
            raise InputError("--rounds", self.rounds, "0 or 1, with --teachers")
        if self.network and (self.start or not self.sees_action or self.blend != 1.0):
            raise InputError("--start, --no-sees-action, --blend", self.network, "none of them with --network")
        check_blend("--blend", self.blend)
        if self.blend < 1.0 and not self.sees_action:
            raise InputError("--blend", self.blend, "above 0, at most 1; below 1 without --no-sees-action")
        for name in ("team", "errors_drawn"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"--{name.replace('_', '-')}", getattr(self, name), "0 to 1")
        whole("--seed", self.seed, least=0)
        for name in ("worlds", "robots", "threads", "lessons"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise InputError(f"--{name}", getattr(self, name), "1 or more")
        if self.steps is not None and self.steps < 1:
            raise InputError("--steps", self.steps, "1 or more")
        if sum(map(bool, (self.styles, self.family, self.map))) > 1:
            raise InputError("--styles, --family, --map", [*self.styles, *self.family, self.map], "one of the three")
        if self.network and (self.rounds != 1 or self.senses != SENSES):
            raise InputError("--rounds, --senses", (self.rounds, self.senses), "neither of them with --network")


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
        device = device_of(options.device or "cpu")
        self.threads = distributed.share_cores(options.threads)
        torch.manual_seed(options.seed)
        seed = distributed.own_seed(options.seed)
        self.worlds = make_worlds(options, seed)
        self.sources = sources_of(options, PARTS)
        self.tell: Callable[[str], None] | None = None
        """Whom to tell how the lessons of the teachers go on."""
        self.tuner = network_of(options, device)
        per_update = distributed.size() * options.ppo.rollout * self.worlds.num_worlds * self.worlds.num_robots
        updates = -(-(options.steps or DEFAULT_STEPS) // per_update)
        self.ppo: TunerPPO
        ppo = TunerPPO(self.worlds, self.tuner, options.ppo, seed=seed, updates=updates)
        if options.start:
            ppo.keep_clone()
        super().__init__(options, ppo, command, hardware, saved)

    def update(self) -> Row:
        """See ``Training.update``; before the first one the teachers are imitated."""
        if self.options.teachers and self.ppo.done == 0:
            started = time.perf_counter()
            teachers = {name: make_teacher(name, cast(LessonWorlds, self.worlds)) for name in self.options.teachers}
            seed = distributed.own_seed(self.options.seed)
            lessons = Lessons(self.ppo, teachers, seed=seed, lessons=self.options.lessons)
            self.ppo.taught = lessons.teach(self.tell)
            self.minutes += (time.perf_counter() - started) / 60.0
        return super().update()

    def write(self, resume: bytes) -> None:
        """Write the checkpoint folder; ``resume`` is what ``resume.pt`` holds."""
        config = checkpoint.Config(
            self.options.seed, self.command, limits_of(self.worlds), getattr(self.tuner, "width", WIDTH),
            self.tuner.rounds, self.options.network or None,
        )  # fmt: skip
        extra = {CURVE: learning_curve(self.rows), RESUME: resume, **self.sources}
        checkpoint.save(self.folder, self.tuner, config, self.card(NOT_EVALUATED), extra)

    def card(self, evaluation: str) -> str:
        """Text of the model card."""
        names = ("return", "success", "collisions", "relaxed", "braking")
        parameters, done, planned, figures = self.progress(names, RECENT)
        kind = f"A network of its own, `{self.options.network}`" if self.options.network else "A graph network"
        return f"""# Tuner

{kind} ({parameters:,} parameters, critic included) that proposes the tunables of the safety filter.
Whatever it proposes, the filter decides what is safe.

    {self.command}

| training | |
|---|---|
| robot-steps | {done:,} of {planned:,} |
| processes × worlds × robots | {distributed.size()} × {self.options.worlds} × {self.worlds.num_robots} |
| minutes | {self.minutes:.1f} |
| hardware | {self.hardware}, {self.threads} threads a process |
| seed | {self.options.seed} |
| torch | {torch.__version__} |
{figures}

The figures are means over the last {RECENT} updates, with exploration.
{self.lesson()}
![Learning curve]({CURVE})

## Evaluation
{evaluation}
"""

    def lesson(self) -> str:
        """What the card says of the teachers; nothing if there were none."""
        if not self.ppo.taught:
            return ""
        return f"""
## Teachers
Before, the network imitated the best teacher of each episode. The last lesson, success in % / mean time to the goal in
s; *network* is what was learnt until then, without exploration:

{self.ppo.taught}
"""


def restored(given: TunerOptions) -> tuple[TunerOptions, Mapping[str, Any] | None]:
    """As ``policies.training.restored``; another number of threads may be given, and parts come from the checkpoint."""
    options, saved = training.restored(given, FIXED)
    if saved is not None:
        options = with_copies(options, PARTS, options.out)
    return dataclasses.replace(options, threads=given.threads or options.threads), saved


def network_of(options: TunerOptions, device: torch.device = CPU) -> Tuner | OwnTuner:
    """What is trained, on a device; one of a user's own has shown that it can be exported, and runs there.

    Raises:
        InputError: If it is not what ``swarm.Network`` asks, or has no ONNX.
    """
    if not options.network:
        made = Tuner(tunables=options.tunables, senses=options.senses, rounds=options.rounds, blend=options.blend)
        if options.start:
            checkpoint.begin_as(made, Path(options.start))
        if not options.sees_action:
            made.forget_action()
        return made.to(device)
    tuner, rng = OwnTuner(options.network, options.tunables), np.random.default_rng(0)
    ego, edges = (rng.normal(size=shape).astype(np.float32) for shape in ((4, tuner.ego), (4, 7, EDGE)))
    mask = rng.random((4, 7)) < 0.5
    edges *= mask[..., None]

    try_graph(
        tuner, checkpoint.export_onnx, {"ego": ego, "edges": edges, "mask": mask},
        lambda *seen: tuner.mean(tuner.see(*seen)),
    )  # fmt: skip
    return tuner.moved(device)


def limits_of(worlds: TunerWorlds) -> dict[str, dict[str, list[float]]]:
    """Smallest and largest limits of the robots in the present worlds, by kind; those that are finite."""
    robots = (robot for scenario in worlds.scenarios for robot in scenario.robots)
    return checkpoint.widest(
        {robot.kind.label: {n: [v, v] for n, v in dataclasses.asdict(robot.limits).items() if v < math.inf}}
        for robot in robots
    )


def learning_curve(rows: list[Row]) -> bytes:
    """A picture (PNG) of return, success and collisions over robot-steps."""
    panels = {"return": "return", "success": "success (safe and arrived)", "collisions": "collisions"}
    return draw_curves({title: known(rows, name) for name, title in panels.items()})
