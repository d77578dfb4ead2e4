"""Robots that are held for a while at random, as if somebody stood in their way: motors brake, minds go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from swarm.array_types import Array, Flags, Int64s
from swarm.errors import InputError
from swarm.model.body import full_braking
from swarm.robot import Command

SHORTEST, LONGEST = 0.5, 3.0
"""A robot is held for a time drawn evenly between these [s]."""


class Delays:
    """Who is held in each control period.

    Every robot has numbers of its own in every period, used or not: the holds of one run do not depend on what the
    robots do.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots.
        rate: Holds of a robot that is free [1/s].
        dt: Control period [s].

    Attributes:
        holds: Holds so far.
        robot_seconds: Time for which robots were held so far, added up [s].

    Raises:
        InputError: If there would be a negative number of holds, or more than one a period.
    """

    def __init__(self, rng: np.random.Generator, robots: int, rate: float, dt: float) -> None:
        check_rate("delays: rate", rate, dt)
        self.rate, self._rng, self._dt = rate, rng, dt
        self._left = np.zeros(robots, np.int64)  # periods for which each is still held
        self.holds, self.robot_seconds = 0, 0.0

    def draw(self) -> Flags:
        """Who is held in the next period, bool[N]; call it once a period."""
        begins, length = self._rng.random((2, len(self._left)))
        begins = (begins < self.rate * self._dt) & (self._left == 0)
        periods = np.rint((SHORTEST + (LONGEST - SHORTEST) * length) / self._dt).astype(np.int64)
        self._left = np.where(begins, np.maximum(periods, 1), self._left)
        held: Flags = self._left > 0
        self._left -= held
        self.holds += int(begins.sum())
        self.robot_seconds += float(held.sum()) * self._dt
        return held

    def apply(
        self, commands: Sequence[Command], states: Array, kinds: Int64s, bodies: Array, drives: Sequence[Array]
    ) -> list[Command]:
        """The commands of one period, with full braking instead of the control of those who are held.

        Args:
            commands: Of all robots.
            states: ``float64[N, 5]``.
            kinds: ``int64[N]``, values of ``Kind``.
            bodies: ``float64[N, BODY]``.
            drives: ``float64[2]`` each, of unicycles of second order (``swarm.robot.Robot.driven``).
        """
        after = list(commands)
        for i in np.flatnonzero(self.draw()).tolist():
            after[i] = replace(after[i], control=full_braking(int(kinds[i]), states[i], bodies[i], drives[i]))
        return after

    def record(self) -> dict[str, Any]:
        """Rate [1/s], number of holds and robot-seconds held, for the results file."""
        return {"rate": self.rate, "holds": self.holds, "robot_seconds": round(self.robot_seconds, 6)}


def check_rate(where: str, rate: float, dt: float = 0.0) -> None:
    """Refuse a rate [1/s] that is no number of 0 or more, or more than one hold a period of ``dt`` seconds.

    Raises:
        InputError: It says where.
    """
    if not (0.0 <= rate < math.inf and rate * dt <= 1.0):
        raise InputError(where, rate, "holds a second: 0 or more, at most one a period" + f" of {dt:g} s" * (dt > 0.0))
