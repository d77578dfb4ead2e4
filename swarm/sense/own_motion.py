"""Where a robot is when its next command acts: what was measured, taken on by the commands that are still to act."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.model.actuators import T_ERROR, T_STRAY, TRAIL, fastest, predict
from swarm.model.body import ACCELERATION, PERIOD, STRAY, full_braking, is_second_order, sway
from swarm.model.dynamics import DOUBLE_INTEGRATOR, STATE, UNICYCLE, forward_speed
from swarm.model.error_bounds import ErrorBounds
from swarm.model.narrowing import K_VALID, KNOWN, carry, narrow, stray_of, unknown_velocity
from swarm.model.second_order import ahead_of, coast_time, move_of


class OwnMotion:
    """A robot's memory of its commands, for a control period, a dead time and a lag that are known.

    Args:
        kind: A value of ``Kind``.
        body: ``float64[BODY]``.
        errors: What is declared of the robot.
    """

    def __init__(self, kind: int, body: Array, errors: ErrorBounds) -> None:
        self._kind, self._limits, self._errors, self._speed = kind, body, errors, 0.0
        self._period = period = float(body[PERIOD])
        self._ramped = is_second_order(kind, body)
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
        predict(
            self._kind, state, self._driven(state, age), -age, errors.dead_time, self._commands, errors.dead_time,
            period, errors.lag, 0.0, self._body, self._drive, self._ramped,
        )  # fmt: skip
        kind, body, time = self._kind, self._body, age + errors.dead_time
        self._speed = fastest(kind, body, self._drive, self._commands[:-1])
        error = errors.position + float(self._limits[STRAY]) * self._meanwhile(self._speed, time) * time
        wide = errors.heading if kind == UNICYCLE else 0.0
        self._error = narrow(kind, body, self._known, error, wide, errors.velocity, time)
        found, trail = np.empty(STATE), np.empty(TRAIL)
        ahead_of(kind, self._limits, body, self._drive, errors.lag, found, trail)
        trail[T_STRAY] = stray_of(self._known, errors.slip)
        trail[T_ERROR] = self._error + self._sway(self._speed, trail)
        return found, trail

    def _meanwhile(self, speed: float, time: float) -> float:
        """A bound of the speed over the last ``time`` seconds, of a robot that is now so fast or was told to be."""
        return speed + float(self._limits[ACCELERATION]) * time if self._kind == DOUBLE_INTEGRATOR else speed

    def _sway(self, speed: float, trail: Array) -> float:
        limits, rolls = self._limits, self._errors.lag + coast_time(self._limits, trail)
        velocity = unknown_velocity(self._known)
        return float(sway(self._kind, velocity, trail[T_STRAY], speed, rolls, limits[ACCELERATION], self._period))

    def _move(self, control: Array) -> tuple[Array, Array]:
        """Body ``float64[5]`` and drive ``float64[2]`` a period after a command ``float64[2]`` has begun to act."""
        body, drive = np.empty(STATE), np.empty(2)
        move_of(self._kind, self._limits, self._body, self._drive, control, self._errors.lag, body, drive)
        return body, drive

    def plan(self, control: Array | None) -> tuple[Array, Array]:
        """State ahead and trail, as of ``believe``, a period after a command ``float64[2]`` has begun to act.

        None: the body brakes by itself.
        """
        if control is None:
            control = self._braking()
        (body, drive), found, trail = self._move(control), np.empty(STATE), np.empty(TRAIL)
        ahead_of(self._kind, self._limits, body, drive, self._errors.lag, found, trail)
        speed = max(fastest(self._kind, body, drive, control[None]), self._speed)
        trail[T_STRAY] = stray = stray_of(self._known, self._errors.slip)
        way = self._meanwhile(speed, self._period) * self._period
        trail[T_ERROR] = self._error + stray * way + unknown_velocity(self._known) * self._period
        trail[T_ERROR] += self._sway(speed, trail)
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
        body, drive = self._move(control)
        speed = max(fastest(self._kind, body, drive, control[None]), self._speed)
        way = self._meanwhile(speed, self._period) * self._period
        carry(self._known, body, way, self._errors.slip, self._period)
        self._commands[-1], self._drives[-1] = control, self._drive
        self._commands[:-1], self._drives[:-1] = self._commands[1:].copy(), self._drives[1:].copy()
        self._drives[-1] = drive
        self._body, self._drive = body, drive  # Of the next period, for one in which nothing is measured.
