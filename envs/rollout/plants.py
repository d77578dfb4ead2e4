"""What is driven: an exact kinematic plant with the same few methods as the physics world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from envs.strangers import TOUCH
from swarm.array_types import Array, Int64s
from swarm.filter.shapes.gaps import all_gaps
from swarm.model import dynamics
from swarm.model.actuators import advance_ramped
from swarm.model.dynamics import forward_speed
from swarm.scenario.robot_spec import footprints_of
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World


class Plant(Protocol):
    """Bodies that take commands for one control period."""

    def state(self) -> Array:
        """``float64[N, 5]``: x, y, heading, vx, vy."""
        ...

    def step(self, commands: Array) -> object:
        """Apply ``commands`` ``[N, 2]`` for one control period."""
        ...

    def onsets(self) -> Int64s:
        """Pairs that began to touch in the last period: robot and robot, or robot and a negative number."""
        ...

    def onset_speeds(self) -> Array:
        """How fast both of a pair of ``onsets`` were when they began to touch, ``float64[k, 2]`` [m/s]; obstacles 0."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def speeds_of(pairs: Iterable[tuple[int, int]], states: Array) -> dict[tuple[int, int], tuple[float, float]]:
    """How fast both of each pair are in states ``float64[N, 5]`` [m/s]; of an obstacle, which has no number, 0."""
    speeds: list[float] = np.hypot(states[:, 3], states[:, 4]).tolist()
    return {(first, second): (speeds[first], speeds[second] if second >= 0 else 0.0) for first, second in pairs}


def gaps(xy: Array, radii: Array, world: World) -> tuple[Array, Array]:
    """Gaps [m] of discs ``[N, 2]`` to each other, ``[N, N]`` (inf to itself), and to the nearest obstacle, ``[N]``."""
    dx, dy = (xy[:, None, axis] - xy[:, axis] for axis in (0, 1))
    gap: Array = np.sqrt(dx * dx + dy * dy) - radii[:, None] - radii[None]
    np.fill_diagonal(gap, np.inf)
    return gap, world.clearance(xy) - radii


def body_gaps(states: Array, radii: Array, footprints: Array, world: World) -> tuple[Array, Array]:
    """``gaps`` of bodies of which some may be no discs; footprints ``float64[N, V, 2]`` (``swarm.model.shapes``)."""
    if footprints.shape[1] == 0:
        return gaps(states[:, :2], radii, world)
    between, walls = np.empty((len(radii), len(radii))), np.empty(len(radii))
    all_gaps(states, radii[:, None], footprints, world.obstacles, between, walls)
    return between, walls


class ExactPlant:
    """The dynamics of ``swarm.model.dynamics`` as they are, with contacts computed from positions between samples too.

    Args:
        scenario: World and robots.
        checks: Instants per control period at which contacts are looked for.
    """

    def __init__(self, scenario: Scenario, checks: int = 4) -> None:
        self._states = np.array([robot.start for robot in scenario.robots], dtype=np.float64)
        self._kinds = [robot.kind for robot in scenario.robots]
        self._radii = np.array([robot.radius for robot in scenario.robots])
        self._footprints = footprints_of(scenario.robots)
        self._world, self._dt, self._checks = scenario.world, scenario.dt, checks
        self._ramped = np.array([robot.limits.is_second_order(robot.kind) for robot in scenario.robots])
        self._drives = np.array([[forward_speed(state), 0.0] for state in self._states])
        self._touching: set[tuple[int, int]] = set()
        self._onsets: dict[tuple[int, int], tuple[float, float]] = {}

    def state(self) -> Array:
        """``float64[N, 5]``."""
        return self._states.copy()

    def step(self, commands: Array) -> None:
        """Move exactly; look for contacts ``checks`` times on the way."""
        touching: set[tuple[int, int]] = set()
        start, self._onsets = self._states, {}
        for check in range(1, self._checks + 1):
            share = self._dt * check / self._checks
            self._states = np.array(
                [dynamics.advance(k, s, c, share) for k, s, c in zip(self._kinds, start, commands, strict=True)]
            )
            for i in np.flatnonzero(self._ramped):
                self._states[i], _ = advance_ramped(start[i], self._drives[i], commands[i], share, self._dt)
            found = self._contacts()
            self._onsets |= speeds_of(found - touching - self._touching, self._states)
            touching |= found
        self._drives = np.array(commands, dtype=np.float64)
        self._touching = touching

    def place(self, states: Array) -> None:
        """Put the bodies into states ``float64[N, 5]`` that others have worked out, and look for contacts there."""
        self._states, touching = states, self._touching
        self._touching = self._contacts()
        self._onsets = speeds_of(self._touching - touching, states)

    def _contacts(self) -> set[tuple[int, int]]:
        gap, wall = body_gaps(self._states, self._radii, self._footprints, self._world)
        pairs = {(int(i), int(j)) for i, j in np.argwhere(gap < TOUCH) if i < j}
        return pairs | {(int(i), -1) for i in np.flatnonzero(wall < TOUCH)}

    def onsets(self) -> Int64s:
        """Pairs that began to touch in the last period."""
        return np.array(sorted(self._onsets), dtype=np.int64).reshape(-1, 2)

    def onset_speeds(self) -> Array:
        """How fast both of each of these pairs were then, ``float64[k, 2]`` [m/s]."""
        return np.array([self._onsets[pair] for pair in sorted(self._onsets)]).reshape(-1, 2)

    def close(self) -> None:
        """Nothing to give back."""
