"""Random teams in a walled room: mixed kinds, radii and limits, at rest and apart; and what each of them senses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from oracles.contact import surface_distance

from swarm.filter.hulls.shield import is_inexact, shield_hulls
from swarm.filter.shield import shield
from swarm.model.actuators import T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import RADIUS, body_of, coast_of, is_second_order
from swarm.model.dynamics import Kind, Limits
from swarm.sense.neighbours import (
    N_REACH,
    NEIGHBOUR,
    OBSTACLE,
    Around,
    describe,
    sense_obstacles,
    sense_robots,
    trailing,
)


@dataclass
class Team:
    """Robots in one room, as the kernels read them."""

    kinds: list[int]
    states: np.ndarray
    bodies: np.ndarray
    obstacles: np.ndarray
    bounds: np.ndarray
    dt: float
    trails: np.ndarray = field(init=False)
    """``[N, TRAIL]``; of unicycles of second order with their forward speeds and turn rates, 0 of others."""

    def __post_init__(self) -> None:
        self.trails = np.zeros((len(self.kinds), TRAIL))

    def ramped(self, i: int) -> bool:
        """Whether robot i is a unicycle of second order."""
        return is_second_order(self.bodies[i])

    def drive(self, i: int) -> np.ndarray:
        """Forward speed and turn rate of robot i, if it is a unicycle of second order; a view."""
        return self.trails[i, T_SPEED : T_TURN_RATE + 1]

    @property
    def radii(self) -> np.ndarray:
        return self.bodies[:, RADIUS]

    def rows(self) -> np.ndarray:
        """Neighbour columns ``[N, 22]`` of all."""
        rows = np.empty((len(self.kinds), NEIGHBOUR))
        for i, kind in enumerate(self.kinds):
            describe(kind, self.states[i], self.bodies[i], self.states[i, :2], 0.5, 0.5, i, rows[i])
            if self.ramped(i):
                coast_of(self.states[i], self.bodies[i], self.trails[i])
                trailing(rows[i], self.trails[i])
        return rows

    def sense(self, i: int, rows: np.ndarray, slots: int, trail: np.ndarray | None = None) -> Around:
        """What robot i, whose trail is that of an exact robot unless it is given, has around it."""
        found, things, order = np.zeros((slots, NEIGHBOUR)), np.zeros((slots, OBSTACLE)), np.empty((slots, 2))
        near, crowd = sense_robots(i, rows, self.bodies[i], found, order)
        items = np.arange(len(self.obstacles))
        walls, crush = sense_obstacles(
            self.states[i], self.bodies[i], rows[i, N_REACH], self.obstacles, items, 0, len(items), things, order
        )
        own = self.trails[i] if trail is None else trail
        return Around(found, near, things, walls, self.bounds, crowd or crush, own)

    def shield(self, i: int, around: Around, control: np.ndarray) -> float:
        """The share of a control of robot i that its shield keeps; the control is changed in place."""
        if is_inexact(self.bodies[i], around):
            return shield_hulls(self.kinds[i], self.states[i], self.bodies[i], around, control)
        lines = np.empty((len(around.neighbours) + len(around.obstacles) + 4, 3))
        return shield(self.kinds[i], self.states[i], self.bodies[i], around, control, lines)


def limits_of(kind: Kind, speed: float, acceleration: float, turn_rate: float) -> Limits:
    """Limits of exact dynamics: only a double integrator has an acceleration, the others stop at once."""
    return Limits(speed, acceleration if kind == Kind.DOUBLE_INTEGRATOR else math.inf, turn_rate)


def draw_limits(rng: np.random.Generator, kind: Kind) -> Limits:
    return limits_of(kind, rng.uniform(0.3, 2.0), rng.uniform(0.5, 10.0), rng.uniform(1.0, 12.0))


def draw_ramped_limits(rng: np.random.Generator, dt: float) -> Limits:
    """Limits of a unicycle of second order whose way to rest is not too sharp."""
    push = rng.uniform(1.0, 10.0)
    turn_rate = rng.uniform(0.2, 1.0) * (2.0 * math.sqrt(push) - push * dt)
    return Limits(rng.uniform(0.3, 2.0), rng.uniform(0.3, 2.0), max(turn_rate, 0.2), push)


def some_turned(obstacles: np.ndarray) -> np.ndarray:
    """Rows ``[n, 7]`` of such ``[n, 5]``, every second one turned by an angle that its place gives."""
    angles = np.where(np.arange(len(obstacles)) % 2 == 1, 1e3 * obstacles[:, 0] % math.pi, 0.0)
    return np.column_stack([obstacles, np.cos(angles), np.sin(angles)])


def draw_team(
    rng: np.random.Generator, *, kinds: tuple[Kind, ...] = tuple(Kind), most: int = 12, margin: float = 0.0,
    ramped: float = 0.0,
) -> Team:  # fmt: skip
    """2 to ``most`` robots at rest; the room is between crowded and spacious; ``ramped``: share of unicycles."""
    count = int(rng.integers(2, most + 1))
    radii = rng.uniform(0.04, 0.12, count) if rng.random() < 0.5 else np.full(count, 0.08)
    side = 0.16 * math.sqrt(count) * rng.uniform(2.0, 5.0) + 0.3
    obstacles = np.zeros((int(rng.integers(0, 5)), 5))
    obstacles[:, :2] = rng.uniform(0.0, side, (len(obstacles), 2))
    obstacles[:, 2:] = rng.uniform(0.02, 0.12, (len(obstacles), 3)) * rng.choice(
        [[1, 1, 0], [0, 0, 1], [1, 1, 1]], size=len(obstacles)
    )
    obstacles = some_turned(obstacles)
    dt = float(rng.choice([0.02, 0.05, 0.1]))
    places = place(rng, radii + margin, side, obstacles)
    team_kinds = [int(rng.choice(kinds)) for _ in places]
    states = np.zeros((len(places), 5))
    states[:, :2], states[:, 2] = places, rng.uniform(-math.pi, math.pi, len(places))

    def some_limits(kind: Kind) -> Limits:
        second_order = kind == Kind.UNICYCLE and ramped > 0.0 and rng.random() < ramped
        return draw_ramped_limits(rng, dt) if second_order else draw_limits(rng, kind)

    bodies = [
        body_of(Kind(kind), radius, some_limits(Kind(kind)), dt=dt, sensing_radius=1.5, margin=margin)
        for kind, radius in zip(team_kinds, radii, strict=False)
    ]
    return Team(team_kinds, states, np.array(bodies), obstacles, np.array([0.0, 0.0, side, side]), dt)


def place(rng: np.random.Generator, sizes: np.ndarray, side: float, obstacles: np.ndarray) -> np.ndarray:
    """As many places (at least one) of the robots' as were found, apart from all else."""
    places: list[np.ndarray] = []
    for point in rng.uniform(0.0, side, (400, 2)):
        size = sizes[len(places)]
        free = all(surface_distance(point, obstacle) > size for obstacle in obstacles)
        if free and all(np.linalg.norm(point - p) > size + r for p, r in zip(places, sizes, strict=False)):
            places.append(point)
        if len(places) == len(sizes):
            break
    return np.array(places or [np.full(2, 0.5 * side)])
