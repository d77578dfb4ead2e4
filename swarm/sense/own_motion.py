"""Where a robot is when its next command acts: what was measured, taken on by the commands that are still to act."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.model.actuators import TRAIL, predict
from swarm.model.body import PERIOD, full_braking, is_second_order
from swarm.model.dynamics import STATE, forward_speed
from swarm.model.error_bounds import ErrorBounds
from swarm.model.narrowing import K_VALID, KNOWN, carry
from swarm.model.prediction import believe, foresee
from swarm.model.second_order import ahead_of


class OwnMotion:
    """A robot's memory of its commands, for a control period, a dead time and a lag that are known.

    Args:
        kind: A value of ``Kind``.
        body: ``float64[BODY]``.
        errors: What is declared of the robot.
    """

    def __init__(self, kind: int, body: Array, errors: ErrorBounds) -> None:
        self._kind, self._limits, self._errors, self._speed = kind, body, errors, 0.0
        self._declared = errors.as_array()
        self._period = period = float(body[PERIOD])
        self._ramped = is_second_order(body)
        self._size = math.ceil((errors.age + errors.dead_time) / period - 1e-9) + 2
        self.reset()

    def reset(self) -> None:
        """Begin at rest, with no commands sent."""
        # The last place is that of the present period; a drive is that at the moment when its command begins to act.
        self._commands, self._drives = np.zeros((self._size, 2)), np.zeros((self._size, 2))
        self._known, self._error = np.zeros(KNOWN), 0.0
        self._body, self._drive = np.zeros(STATE), np.zeros(2)

    def _driven(self, state: Array, age: float) -> Array:
        """What the actuators gave ``age`` seconds ago, ``float64[2]``, when the state was measured."""
        if self._ramped and self._known[K_VALID] == 0.0:  # it may have been moving when nobody had commanded it yet
            speed = math.copysign(math.hypot(state[3], state[4]), forward_speed(state))  # whatever the heading's error
            self._commands[:] = self._drives[:] = speed, 0.0
        errors, period, newest = self._errors, self._period, self._size - 1
        which = math.floor((-age - errors.dead_time) / period + 1e-7)
        index = min(max(newest + which, 0), newest)
        since, command = -age - errors.dead_time - which * period, self._commands[index]
        left = 0.0
        if self._ramped:
            left = 1.0 - since / period
        elif errors.lag > 0.0:
            left = math.exp(-since / errors.lag)
        drive: Array = command + (self._drives[index] - command) * left
        return drive

    def believe(self, state: Array, age: float) -> tuple[Array, Array]:
        """The state ``float64[5]`` ahead of the body when the next command acts, and its trail ``float64[TRAIL]``.

        Args:
            state: ``float64[5]``, as it was measured.
            age: How long ago that was [s].
        """
        errors, period = self._errors, self._period
        age = min(max(age, 0.0), (self._size - 2) * period)
        before = self._driven(state, age)
        predict(
            self._kind, state, before, -age, errors.dead_time, self._commands, errors.dead_time,
            period, errors.lag, 0.0, self._body, self._drive, self._ramped,
        )  # fmt: skip
        found, trail = np.empty(STATE), np.empty(TRAIL)
        self._error, self._speed = believe(
            self._kind, self._limits, self._declared, self._commands[:-1], age + errors.dead_time, before,
            self._body, self._drive, self._known, found, trail,
        )  # fmt: skip
        return found, trail

    def _foresee(self, control: Array) -> tuple[Array, Array, Array, Array, tuple[float, float]]:
        """Body, drive, state ahead and trail a period after a command ``float64[2]`` begins to act; see ``foresee``."""
        body, drive, found, trail = np.empty(STATE), np.empty(2), np.empty(STATE), np.empty(TRAIL)
        bounds: tuple[float, float] = foresee(
            self._kind, self._limits, self._declared, control, self._error, self._speed, self._body, self._drive,
            self._known, body, drive, found, trail,
        )  # fmt: skip
        return body, drive, found, trail, bounds

    def plan(self, control: Array | None) -> tuple[Array, Array]:
        """State ahead and trail, as of ``believe``, a period after a command ``float64[2]`` has begun to act.

        None: the body brakes by itself.
        """
        _, _, found, trail, _ = self._foresee(self._braking() if control is None else control)
        return found, trail

    def _braking(self) -> Array:
        """What a body does that brakes by itself, ``float64[2]``."""
        found, trail = np.empty(STATE), np.empty(TRAIL)
        ahead_of(self._kind, self._limits, self._body, self._drive, self._errors.lag, found, trail)
        return full_braking(self._kind, found, self._limits, self._drive)

    def sent(self, control: Array | None) -> None:
        """What the body has been told in this period, after ``believe`` if there was a state; call it once a period.

        Args:
            control: ``float64[2]``; None: nothing, it brakes by itself.
        """
        if control is None:
            control = self._braking()
        body, drive, _, _, (way, change) = self._foresee(control)
        carry(self._known, self._body, body, way, change, self._errors.slip, self._period)
        self._commands[-1], self._drives[-1] = control, self._drive
        self._commands[:-1], self._drives[:-1] = self._commands[1:].copy(), self._drives[1:].copy()
        self._drives[-1] = drive
        self._body, self._drive = body, drive  # Of the next period, for one in which nothing is measured.
