"""Bodies that do not do at once, nor exactly, what they are told: dead time, lag and slip."""

from __future__ import annotations

import math

import numpy as np

from envs.arena.inexact.arrays import CHECKS
from envs.rollout.plants import ExactPlant, Plant
from swarm.array_types import Array, Int64s
from swarm.model.actuators import predict
from swarm.model.dynamics import forward_speed
from swarm.scenario.scenario import Scenario


class LateBodies:
    """A plant, stepped ``CHECKS`` times a period, whose bodies get what comes of a command after dead time and lag.

    Args:
        scenario: Robots, period, and the errors that are simulated.
        plant: Steps the bodies for ``scenario.dt / CHECKS``; None: exact dynamics.

    Attributes:
        ramped: ``bool[N]``, who is a unicycle of second order.
        slip: ``float64[N]``, by which share of its way each body now comes farther.
        samples: ``float64[CHECKS, N, 5]``, the states at the sub-steps of the last period.
    """

    def __init__(self, scenario: Scenario, plant: Plant | None = None) -> None:
        count, errors = len(scenario.robots), scenario.errors
        self._dt, self._dead_time, self._lag = scenario.dt, errors.dead_time, errors.lag
        self._kinds = np.array([int(robot.kind) for robot in scenario.robots])
        self._exact: ExactPlant | None = None
        if plant is None:
            plant = self._exact = ExactPlant(scenario)
        self._bodies = plant
        self._commands = np.zeros((count, math.ceil(errors.dead_time / scenario.dt - 1e-9) + 2, 2))
        self._drive, self._begun = np.zeros((count, 2)), np.empty((0, 2), np.int64)
        self._speeds = np.empty((0, 2))
        self.ramped = np.array([robot.limits.is_second_order(robot.kind) for robot in scenario.robots])
        if self._exact is not None:  # those of a physics world start at rest
            for i in np.flatnonzero(self.ramped):
                self._drive[i, 0] = self._commands[i, :, 0] = forward_speed(scenario.robots[i].start)
        self.slip = np.zeros(count)
        self.samples = np.repeat(self._bodies.state()[None], CHECKS, axis=0)

    def state(self) -> Array:
        """``float64[N, 5]``."""
        return self._bodies.state()

    def step(self, commands: Array) -> None:
        """One control period; contacts are looked for at every sub-step."""
        self._commands[:, -1] = commands
        begun: dict[tuple[int, int], Array] = {}
        for check in range(CHECKS):
            self._substep(check)
            pairs = [(first, second) for first, second in self._bodies.onsets().tolist()]
            begun = dict(zip(pairs, self._bodies.onset_speeds(), strict=True)) | begun
            self.samples[check] = self._bodies.state()
        self._begun = np.array(list(begun), dtype=np.int64).reshape(-1, 2)
        self._speeds = np.array(list(begun.values())).reshape(-1, 2)
        self._commands[:, :-1] = self._commands[:, 1:].copy()

    def _substep(self, check: int) -> None:
        begin, end = self._dt * check / CHECKS, self._dt * (check + 1) / CHECKS
        if self._exact is not None:
            self._move(self._exact, begin, end)
            return
        # What motors are set to for a sub-step: the drive in its middle.
        middle, nothing = 0.5 * (begin + end), np.zeros(5)
        set_points = np.empty_like(self._drive)
        for i in range(len(self._drive)):
            args = (self._commands[i], self._dead_time, self._dt, self._lag, 0.0)
            predict(0, nothing, self._drive[i], begin, middle, *args, np.empty(5), set_points[i], self.ramped[i])
            predict(0, nothing, self._drive[i], begin, end, *args, np.empty(5), self._drive[i], self.ramped[i])
            if self.ramped[i]:  # its body ramps by itself, to the drive at the end
                set_points[i] = self._drive[i]
        self._bodies.step(set_points * (1.0 + self.slip[:, None]))

    def _move(self, bodies: ExactPlant, begin: float, end: float) -> None:
        """Move bodies of exact dynamics from ``begin`` to ``end`` [s] of a period, and look for contacts."""
        states = bodies.state()
        for i, kind in enumerate(self._kinds.tolist()):
            predict(
                kind, states[i], self._drive[i], begin, end, self._commands[i], self._dead_time, self._dt, self._lag,
                float(self.slip[i]), states[i], self._drive[i], self.ramped[i],
            )  # fmt: skip
        bodies.place(states)

    def onsets(self) -> Int64s:
        """Pairs that began to touch in the last period."""
        return self._begun

    def onset_speeds(self) -> Array:
        """How fast both of each of these pairs were then, ``float64[k, 2]`` [m/s]."""
        return self._speeds

    def close(self) -> None:
        """Give the bodies back."""
        self._bodies.close()
