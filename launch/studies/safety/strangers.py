"""Teams among strangers, who ignore everybody: contacts while a robot moves and while it stands, and what is reached.

Strangers drive at a robot at full speed, turn suddenly, chase the nearest one, or stand, each for a while. Everything
is within the sensing radius, so that what the guarantee asks of it holds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from envs.arena.core import GOAL_RADII, ArenaCore
from envs.arena.episodes import run_episodes
from envs.scenarios import mixed
from envs.scenarios.parts import robot
from envs.strangers import MOVING, STANDING
from studies.safety.driving import CHECKS, EPISODE
from studies.safety.inexact import EVERYTHING
from swarm.array_types import Int64s
from swarm.model.body import RADIUS
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.strangers import NOBODY, UNKNOWN, Strangers
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.tune.controllers import Controller

WORLDS = 32
OURS, STRANGERS = 5, 3
SENSING = 8.0
"""Metres: more than the room's diagonal, and than what a stranger covers until the slowest of ours stands."""
_AT, _TURN, _CHASE, _STAND = range(4)
# How far behind what it drives at a stranger aims [m]: it does not slow down before.
_BEHIND = 10.0
# What a passage is wider than a robot [m].
_SPARE = 0.06


@dataclass(frozen=True)
class Row:
    """One kind of team.

    Attributes:
        name: For the table.
        kinds: Dynamics of ours.
        second_order: Share of unicycles whose accelerations are finite.
        errors: What is declared and simulated.
        strangers: What is declared of strangers.
        theirs: Dynamics of the strangers.
    """

    name: str
    kinds: tuple[Kind, ...] = tuple(Kind)
    second_order: float = 0.0
    errors: ErrorBounds = EXACT
    strangers: Strangers = field(default_factory=lambda: Strangers(1.5))
    theirs: tuple[Kind, ...] = tuple(Kind)


_DOUBLE = (Kind.DOUBLE_INTEGRATOR,)
_SENSED = dataclasses.replace(EVERYTHING, sensing=0.005, others="sensed")
ROWS = (
    Row("single integrators", (Kind.SINGLE_INTEGRATOR,)),
    Row("double integrators", _DOUBLE),
    Row("unicycles", (Kind.UNICYCLE,)),
    Row("unicycles, second order", (Kind.UNICYCLE,), 1.0),
    Row("mixed", second_order=0.5),
    Row("mixed, strangers: nothing declared", second_order=0.5, strangers=UNKNOWN, theirs=_DOUBLE),
    Row("mixed, strangers: 0.7 m/s, 1 m/s²", second_order=0.5, strangers=Strangers(0.7, 1.0), theirs=_DOUBLE),
    Row("mixed, first order, all errors at once", errors=EVERYTHING),
    Row("mixed, first order, all errors at once, sensed", errors=_SENSED),
    Row("mixed, all errors but a lag", second_order=0.5, errors=dataclasses.replace(EVERYTHING, lag=0.0)),
    Row("mixed, first order, lag 0.15 s", errors=ErrorBounds(lag=0.15)),
)
"""The rows of the table. Double integrators as strangers become faster by 1 m/s² at most, up to 0.7 m/s."""


def draw(rng: np.random.Generator, row: Row) -> Scenario:
    """A mixed team in a room, of which the last robots ignore everybody."""
    ours = mixed.draw(
        rng, robots=OURS + STRANGERS, obstacles=4, room=0.8, kinds=row.kinds, second_order=row.second_order,
        sensing_radius=SENSING, horizon=60.0,
    )  # fmt: skip
    robots = [_weaker(one, float(rng.uniform(0.05, 1.0))) for one in ours.robots]
    for i in range(OURS, OURS + STRANGERS):
        kind, spec = row.theirs[int(rng.integers(len(row.theirs)))], robots[i]
        speed = rng.uniform(0.3, 1.0)
        limits = {
            Kind.SINGLE_INTEGRATOR: Limits(speed),
            Kind.DOUBLE_INTEGRATOR: Limits(0.49 * speed, 0.7),  # per axis
            Kind.UNICYCLE: Limits(speed, turn_rate=6.0),
        }[kind]
        placed = robot(kind, spec.start[:2], spec.goals, spec.radius, limits, heading=float(rng.uniform(-3.0, 3.0)))
        robots[i] = dataclasses.replace(placed, ignores=True)
    return dataclasses.replace(ours, robots=tuple(robots), errors=row.errors, strangers=row.strangers)


def _weaker(one: RobotSpec, share: float) -> RobotSpec:
    """The robot with a share of its brakes, if it is a double integrator."""
    if one.kind != Kind.DOUBLE_INTEGRATOR:
        return one
    weaker = dataclasses.replace(one.limits, acceleration=share * one.limits.acceleration)
    return dataclasses.replace(one, limits=weaker)


@dataclass
class Tally:
    """What a row came to: robot-steps of ours, contacts while they move and stand, goals, collisions among ours."""

    steps: int = 0
    moving: int = 0
    standing: int = 0
    goals: int = 0
    collided: int = 0


class Wishes:
    """Where the strangers of a core want to go."""

    def __init__(self, core: ArenaCore, rng: np.random.Generator) -> None:
        self._core, self._rng = core, rng
        self._style = rng.integers(0, 4, (core.num_worlds, STRANGERS))
        self._angle = rng.uniform(-math.pi, math.pi, self._style.shape)
        self._prey: Int64s = rng.integers(0, OURS, self._style.shape)

    def set_goals(self) -> None:
        """Write the strangers' goals for this period; now and then one changes its mind."""
        core, rng = self._core, self._rng
        anew = rng.random(self._style.shape) < 0.02
        self._style = np.where(anew, rng.integers(0, 4, anew.shape), self._style)
        self._prey = np.where(anew, rng.integers(0, OURS, anew.shape), self._prey)
        turned = rng.random(anew.shape) < 0.1
        self._angle = np.where(turned, rng.uniform(-math.pi, math.pi, anew.shape), self._angle)
        at, ours = core.state[:, OURS:, :2], core.state[:, :OURS, :2]
        apart = np.linalg.norm(at[:, :, None] - ours[:, None], axis=-1)
        prey = np.where(self._style == _CHASE, apart.argmin(axis=-1), self._prey)
        way = np.take_along_axis(ours, prey[..., None], axis=1) - at
        way *= _BEHIND / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-9)
        free = _BEHIND * np.stack([np.cos(self._angle), np.sin(self._angle)], axis=-1)
        way = np.where((self._style == _TURN)[..., None], free, way)
        core.goal[:, OURS:] = at + np.where((self._style == _STAND)[..., None], 0.0, way)


def drive(core: ArenaCore, rng: np.random.Generator, tally: Tally) -> None:
    """One episode in all worlds of a core, under random tunables; who is at its goal gets another."""
    core.reset()
    shape, wishes, places = core.last_action.shape, Wishes(core, rng), core.goal.copy()
    action = rng.uniform(0.0, 1.0, shape)
    for _ in range(EPISODE):
        wishes.set_goals()
        core.advance(action)
        anew = (np.arange(core.num_worlds) % 2 == 0)[:, None] | (rng.random(shape[:2]) < 0.03)
        action = np.where(anew[..., None], rng.uniform(0.0, 1.0, shape), action)
        gap = np.linalg.norm(core.goal[:, :OURS] - core.state[:, :OURS, :2], axis=-1)
        there = np.argwhere(gap <= GOAL_RADII * core.body[:, :OURS, RADIUS])
        tally.goals += len(there)
        for b, i in there:
            core.goal[b, i] = places[b, int(rng.integers(places.shape[1]))]
    tally.steps += EPISODE * core.num_worlds * OURS
    tally.moving += int(core.contacts[:, MOVING].sum())
    tally.standing += int(core.contacts[:, STANDING].sum())
    tally.collided += int(core.collided[:, :OURS].sum())


def passage(rng: np.random.Generator, kind: Kind, second_order: bool, *, pillar: bool = False) -> Scenario:
    """A way to the goal between a wall and one who stands there and ignores everybody (or a pillar), 6 cm to spare."""
    radius, stranger = float(rng.uniform(0.04, 0.07)), float(rng.uniform(0.1, 0.2))
    limits = {
        Kind.SINGLE_INTEGRATOR: Limits(1.0),
        Kind.DOUBLE_INTEGRATOR: Limits(0.5, 1.0),
        Kind.UNICYCLE: Limits(0.8, 0.5, 2.0, 5.0) if second_order else Limits(0.8, turn_rate=4.0),
    }[kind]
    below, above = 0.4, 0.4 + 2.0 * radius + _SPARE + 2.0 * stranger  # where the walls end
    walls = np.array([[1.0, 0.5 * below, 0.1, 0.5 * below], [1.0, 0.5 * (above + 1.4), 0.1, 0.5 * (1.4 - above)]])
    stands = (1.0, above - stranger)
    standing = dataclasses.replace(robot(Kind.SINGLE_INTEGRATOR, stands, stands, stranger), ignores=True)
    ours = robot(kind, (0.3, rng.uniform(0.3, 0.6)), (1.7, rng.uniform(0.3, 0.6)), radius, limits)
    circles, team = (np.array([[*stands, stranger]]), (ours,)) if pillar else (np.empty((0, 3)), (ours, standing))
    return Scenario(World(np.array([0.0, 0.0, 2.0, 1.4]), walls, circles), team, 60.0, 0.03, SENSING, "passage")


@dataclass
class Outcome:
    """What a row came to: as declared, and where robots take strangers for robots that keep the rules."""

    row: Row
    declared: Tally
    trusting: Tally


def measure(rows: Sequence[Row], steps: int, seed: int) -> Iterator[Outcome]:
    """Drive all rows: ``steps`` robot-steps of ours each, a tenth of them with robots that know of no strangers."""
    rng = np.random.default_rng(seed)
    for row in rows:
        found = Outcome(row, Tally(), Tally())
        for tally, count_on, most in ((found.declared, None, steps), (found.trusting, NOBODY, steps / 10)):
            while tally.steps < most:
                core = ArenaCore(
                    partial(draw, row=row), worlds=WORLDS, seed=int(rng.integers(1 << 31)), checks=CHECKS,
                    strangers=count_on,
                )  # fmt: skip
                drive(core, rng, tally)
        yield found


def arrivals(episodes: int, seed: int, controller: Controller) -> dict[str, tuple[float, float]]:
    """Share of robots that pass one who stands, between it and a wall, within a minute; and that pass a pillar."""
    teams = {kind.label: (kind, False) for kind in Kind} | {"unicycle, second order": (Kind.UNICYCLE, True)}

    def passed(kind: Kind, second_order: bool, pillar: bool) -> float:
        way = partial(passage, kind=kind, second_order=second_order, pillar=pillar)
        return run_episodes(way, controller, episodes, seed=seed).figures()["success"]

    return {name: (passed(*team, False), passed(*team, True)) for name, team in teams.items()}


def table(outcomes: Sequence[Outcome], passed: dict[str, tuple[float, float]], command: str) -> list[str]:
    """The rows as Markdown."""
    total = sum(one.declared.steps for one in outcomes)
    moving = sum(one.declared.moving for one in outcomes)
    lines = [
        f"`{command}`", "", f"**{total:,} robot-steps, {moving} contacts while a robot moves.**", "",
        "| team | robot-steps | contacts while ours moves | … while ours stands | collisions among ours | goals of "
        "1000 robot-steps | knowing of no strangers: contacts while ours moves, of 1000 robot-steps | … goals |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in outcomes:
        ours, other = one.declared, one.trusting
        lines.append(
            f"| {one.row.name} | {ours.steps:,} | {ours.moving} | {ours.standing:,} | {ours.collided} | "
            f"{1e3 * ours.goals / ours.steps:.2f} | {1e3 * other.moving / other.steps:.2f} | "
            f"{1e3 * other.goals / other.steps:.2f} |"
        )
    shares = ", ".join(f"{name} {100.0 * past:.1f} ({100.0 * pillar:.1f}) %" for name, (past, pillar) in passed.items())
    return [
        *lines, "",
        f"Between a wall and one who stands, with {100.0 * _SPARE:g} cm to spare, there come within a minute, with the "
        f"tuner (in brackets: with a pillar in its place): {shares}.",
    ]  # fmt: skip
