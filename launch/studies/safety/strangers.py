"""Teams among strangers, who ignore everybody: contacts while a robot moves, while it stands, and goals that are reached.

Strangers drive at a robot at full speed, turn suddenly, chase the nearest one, or stand, each for a while. Everything is
within the sensing radius, so that what the guarantee asks of it holds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from envs.arena.core import GOAL_RADII, ArenaCore
from envs.arena.episodes import run_episodes
from envs.scenarios import mixed
from envs.scenarios.parts import robot
from envs.strangers import MOVING, STANDING
from studies.safety.driving import CHECKS, EPISODE
from studies.safety.inexact import EVERYTHING
from swarm.array_types import Array, Int64s
from swarm.model.body import RADIUS
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.strangers import NOBODY, UNKNOWN, Strangers
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
    strangers: Strangers = Strangers(1.5)
    theirs: tuple[Kind, ...] = tuple(Kind)


_DOUBLE = (Kind.DOUBLE_INTEGRATOR,)
ROWS = (
    Row("single integrators", (Kind.SINGLE_INTEGRATOR,)),
    Row("double integrators", _DOUBLE),
    Row("unicycles", (Kind.UNICYCLE,)),
    Row("unicycles, second order", (Kind.UNICYCLE,), 1.0),
    Row("mixed, half of the unicycles of second order", second_order=0.5),
    Row("the same, strangers: nothing declared", second_order=0.5, strangers=UNKNOWN, theirs=_DOUBLE),
    Row("the same, strangers: 0.7 m/s, 1 m/s²", second_order=0.5, strangers=Strangers(0.7, 1.0), theirs=_DOUBLE),
    Row("mixed, all errors at once", errors=EVERYTHING),
    Row(
        "mixed, all errors at once, others sensed",
        errors=dataclasses.replace(EVERYTHING, sensing=0.005, others="sensed"),
    ),
    Row(
        "mixed, half second order, all errors but a lag",
        second_order=0.5,
        errors=dataclasses.replace(EVERYTHING, lag=0.0),
    ),
)
"""The rows of the table. Double integrators as strangers become faster by 1 m/s² at most, and are slower than 0.7 m/s."""


def draw(rng: np.random.Generator, row: Row) -> Scenario:
    """A mixed team in a room, of which the last robots ignore everybody."""
    ours = mixed.draw(
        rng, robots=OURS + STRANGERS, obstacles=4, room=0.8, kinds=row.kinds, second_order=row.second_order,
        sensing_radius=SENSING, horizon=60.0,
    )  # fmt: skip
    robots = list(ours.robots)
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


def passage(rng: np.random.Generator, kind: Kind, second_order: bool) -> Scenario:
    """A way to the goal that leads between a wall and one who stands and ignores everybody, with 3 cm to spare."""
    radius = float(rng.uniform(0.04, 0.07))
    wide = 2.0 * radius + 0.03
    limits = {
        Kind.SINGLE_INTEGRATOR: Limits(1.0),
        Kind.DOUBLE_INTEGRATOR: Limits(0.5, 1.0),
        Kind.UNICYCLE: Limits(0.8, 0.5, 2.0, 5.0) if second_order else Limits(0.8, turn_rate=4.0),
    }[kind]
    half = 0.25 * (1.0 - wide)  # of a wall on each side of the stranger's passage
    walls = np.array([[1.0, half, 0.1, half], [1.0, 0.5 + wide + 0.1 + half, 0.1, half]])
    middle = 2.0 * half + wide  # where the stranger's disc, which fills the rest, begins
    stranger = robot(Kind.SINGLE_INTEGRATOR, (1.0, middle + 0.5 * (walls[1, 1] - half - middle)), (1.0, middle), 0.05)
    size = 0.5 * (walls[1, 1] - half - middle)
    still = (stranger.start[0], stranger.start[1])
    stranger = dataclasses.replace(stranger, radius=size, goals=np.array([still]), ignores=True)
    ours = robot(kind, (0.4, rng.uniform(0.3, 0.7)), (1.6, rng.uniform(0.3, 0.7)), radius, limits)
    world = World(np.array([0.0, 0.0, 2.0, walls[1, 1] + half]), walls, np.empty((0, 3)))
    return Scenario(world, (ours, stranger), 60.0, 0.03, SENSING, "passage")
