"""How a robot moves: single integrator, double integrator and unicycle, stepped exactly over one control period.

A state is ``float64[5]``: x, y [m], heading [rad], vx, vy [m/s] (world frame). A control is ``float64[2]``:

* single integrator: velocity in the world frame [m/s];
* double integrator: acceleration in the world frame [m/s²];
* unicycle (differential drive): forward speed [m/s] and turn rate [rad/s]. One with finite accelerations of both is of
  second order: a control is reached at the end of the period, linearly over it (``swarm.model.actuators.ramp``);
* car: a unicycle that turns only as it drives (``swarm.model.steering``); its place is the middle of its rear axle.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import is_real
from swarm.kernel_cache.references import inlined, uncounted

STATE = 5
SINGLE_INTEGRATOR, DOUBLE_INTEGRATOR, UNICYCLE = 0, 1, 2
# A braking time that is a whole number of periods must not be rounded up to one period more.
_WHOLE_PERIODS = 1e-9
SHARPEST = 2.0
"""The arc (rad) along which a unicycle that needs time comes to rest; the triangle around a longer one is no use."""


class Kind(enum.IntEnum):
    """The dynamics that this stack drives."""

    SINGLE_INTEGRATOR = SINGLE_INTEGRATOR
    DOUBLE_INTEGRATOR = DOUBLE_INTEGRATOR
    UNICYCLE = UNICYCLE

    @property
    def label(self) -> str:
        """The name used in scenario files, such as ``single_integrator``."""
        return self.name.lower()


@dataclass(frozen=True)
class Limits:
    """What the actuators can do.

    Attributes:
        speed: Largest speed [m/s]: per axis for the integrators, forward and backward for a unicycle.
        acceleration: Largest acceleration [m/s²]; only a double integrator needs it (per axis). The filter plans that
            the other two stop at once: one that they have (per axis; of a unicycle's wheels) is accepted only where
            the margin covers what it takes longer (``swarm.model.body.overrun``). With ``turn_acceleration`` it is a
            unicycle's along its way, and part of the plan.
        turn_rate: Largest turn rate [rad/s]; only a unicycle needs it.
        turn_acceleration: Of a unicycle of second order [rad/s²], which has an acceleration too.
        wheelbase: Of a car, the distance of its axles [m]: a unicycle of which |turn rate| is at most |speed| *
            tan(steering) / wheelbase. Its turn rate is what that gives at top speed, whatever is said; its
            acceleration, if it has one, is part of the plan.
        steering: Of a car, the largest steering angle [rad].
        steering_rate: Of a car, the fastest change of that angle [rad/s]; it needs an acceleration too.
        reverse_speed: Of a car, its largest speed backwards [m/s]; 0: it drives forward only; inf: as forward.
    """

    speed: float
    acceleration: float = math.inf
    turn_rate: float = math.inf
    turn_acceleration: float = math.inf
    wheelbase: float = math.inf
    steering: float = math.inf
    steering_rate: float = math.inf
    reverse_speed: float = math.inf

    def __post_init__(self) -> None:
        for name in ("speed", "acceleration", "turn_rate", "turn_acceleration"):
            value = getattr(self, name)
            if not (is_real(value) and value > 0.0):
                raise InputError(f"limits.{name}", value, "a number above 0")
        if not math.isfinite(self.speed):
            raise InputError("limits.speed", self.speed, "a finite number above 0")
        self._check_steering()
        if self.is_car:
            object.__setattr__(self, "turn_rate", self.speed * self.curvature)

    def _check_steering(self) -> None:
        """Refuse what no car is."""
        for name in ("wheelbase", "steering_rate"):
            if not (is_real(getattr(self, name)) and getattr(self, name) > 0.0):
                raise InputError(name, getattr(self, name), "a number above 0")
        if not (is_real(self.reverse_speed) and self.reverse_speed >= 0.0):
            raise InputError("reverse_speed", self.reverse_speed, "0 (it drives forward only) or more")
        if not self.is_car:
            for name in ("steering", "steering_rate", "reverse_speed"):
                if getattr(self, name) != math.inf:
                    raise InputError(name, getattr(self, name), "none without a wheelbase: only a car steers")
            return
        if not 0.0 < self.steering < 0.5 * math.pi:
            raise InputError("steering", self.steering, "an angle above 0 and below pi / 2 (1.57 rad) for a car")
        if math.isfinite(self.turn_acceleration):
            raise InputError(
                "limits.turn_acceleration", self.turn_acceleration, "none for a car: it has a steering_rate"
            )
        if math.isfinite(self.steering_rate) and math.isinf(self.acceleration):
            raise InputError("limits.acceleration", self.acceleration, "a finite number, as steering_rate is given")
        if self.speed < self.reverse_speed < math.inf:
            raise InputError("reverse_speed", self.reverse_speed, f"at most limits.speed, {self.speed:g} m/s")

    @property
    def is_car(self) -> bool:
        """Whether these are the limits of a car."""
        return math.isfinite(self.wheelbase)

    @property
    def curvature(self) -> float:
        """Of the tightest arc that a car can drive [1/m]; inf: any."""
        return math.tan(self.steering) / self.wheelbase if self.is_car else math.inf

    def steering_change(self, dt: float) -> float:
        """By how much a car may change its curvature in a period of ``dt`` seconds [1/m], whatever it is; inf: any."""
        return self.steering_rate * dt / self.wheelbase if math.isfinite(self.steering_rate) else math.inf

    def planned(self, dt: float) -> Limits:
        """Of a car, those of a unicycle that can do all that the car can, with control periods of ``dt`` seconds."""
        if not self.is_car:
            return self
        # The steering may go from one side to the other in a period.
        turn_push = 2.0 * self.turn_rate / dt if math.isfinite(self.acceleration) else math.inf
        return Limits(self.speed, self.acceleration, self.turn_rate, turn_push)

    def is_second_order(self, kind: Kind) -> bool:
        """Whether a robot of this kind is a unicycle whose accelerations are part of the plan."""
        planned = math.isfinite(self.turn_acceleration) or (self.is_car and math.isfinite(self.acceleration))
        return kind == Kind.UNICYCLE and planned

    def as_array(self) -> Array:
        """The limits as ``float64[4]``: speed, acceleration, turn rate, turn acceleration."""
        return np.array([self.speed, self.acceleration, self.turn_rate, self.turn_acceleration])


@njit(cache=True, inline="always")
def stop_periods(vx: float, vy: float, acceleration: float, dt: float) -> float:
    """Fewest whole control periods in which a double integrator can come to rest along its velocity."""
    fastest = max(abs(vx), abs(vy))
    return max(math.ceil(fastest / (acceleration * dt) - _WHOLE_PERIODS), 1.0) if fastest > 0.0 else 0.0


@njit(cache=True, inline="always")
def stop_offset(kind: int, vx: float, vy: float, acceleration: float, dt: float) -> tuple[float, float]:
    """Where braking ends, relative to the present position [m].

    A double integrator slows down uniformly so that it comes to rest at the end of a control period; after one
    such period the point where it stops is the same, which makes braking a plan that stays valid (a safe set for
    sampled time). The other two stop at once.
    """
    if kind != DOUBLE_INTEGRATOR:
        return 0.0, 0.0
    time = stop_periods(vx, vy, acceleration, dt) * dt
    return 0.5 * vx * time, 0.5 * vy * time


@njit(cache=True, inline="always")
def coast_periods(speed: float, turn_rate: float, acceleration: float, turn_acceleration: float, dt: float) -> float:
    """Fewest whole control periods in which a unicycle of second order can lose its speed and turn rate together.

    Uniformly, so that it rolls along an arc around one centre; after a period of that, one period less is left.
    """
    most = max(abs(speed) / (acceleration * dt), abs(turn_rate) / (turn_acceleration * dt))
    return max(math.ceil(most - _WHOLE_PERIODS), 1.0) if most > 0.0 else 0.0


@uncounted
def acceleration_range(velocity: float, top_speed: float, most: float, dt: float) -> tuple[float, float]:
    """Least and largest acceleration along an axis that keep a velocity [m/s] within the top speed, or lead there."""
    low = min(max(-most, (-top_speed - velocity) / dt), most)
    return low, max(min(most, (top_speed - velocity) / dt), -most)


@uncounted
def brake(kind: int, state: Array, limits: Array, dt: float, control: Array) -> None:
    """Write into ``control`` the command that brings the robot to rest as in ``stop_offset``.

    Not of a unicycle of second order: that needs its turn rate (``swarm.model.actuators.brake_roll``).
    """
    control[0] = control[1] = 0.0
    if kind == DOUBLE_INTEGRATOR:
        periods = stop_periods(state[3], state[4], limits[1], dt)
        if periods > 0:
            control[0] = -state[3] / (periods * dt)
            control[1] = -state[4] / (periods * dt)


@uncounted
def arc_offset(heading: float, speed: float, turn_rate: float, time: float) -> tuple[float, float]:
    """Exact displacement [m] of a unicycle that holds ``speed`` and ``turn_rate`` for ``time`` seconds."""
    half = 0.5 * turn_rate * time
    chord = speed * time * (math.sin(half) / half if abs(half) > 1e-8 else 1.0 - half * half / 6.0)
    return chord * math.cos(heading + half), chord * math.sin(heading + half)


@uncounted
def forward_speed(state: Array) -> float:
    """Speed [m/s] along the heading; negative backwards."""
    return float(state[3] * math.cos(state[2]) + state[4] * math.sin(state[2]))


@inlined
def step(kind: int, state: Array, control: Array, time: float, after: Array) -> None:
    """Advance one robot exactly for ``time`` seconds under a constant control.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]`` at the start.
        control: ``float64[2]``, within the limits.
        time: Duration [s].
        after: ``float64[5]``, written; may be ``state`` itself.
    """
    x, y, heading, vx, vy = state[0], state[1], state[2], state[3], state[4]
    if kind == SINGLE_INTEGRATOR:
        after[0], after[1], after[2] = x + control[0] * time, y + control[1] * time, heading
        after[3], after[4] = control[0], control[1]
    elif kind == DOUBLE_INTEGRATOR:
        after[0] = x + time * (vx + 0.5 * time * control[0])
        after[1] = y + time * (vy + 0.5 * time * control[1])
        after[2] = heading
        after[3], after[4] = vx + control[0] * time, vy + control[1] * time
    else:
        dx, dy = arc_offset(heading, control[0], control[1], time)
        turned = heading + control[1] * time
        after[0], after[1] = x + dx, y + dy
        after[2] = math.atan2(math.sin(turned), math.cos(turned))
        after[3], after[4] = control[0] * math.cos(turned), control[0] * math.sin(turned)


def advance(kind: Kind, state: Array, control: Array, time: float) -> Array:
    """``step`` for callers outside kernels: returns the new state ``float64[5]``."""
    after = np.empty(STATE)
    step(int(kind), np.asarray(state, dtype=np.float64), np.asarray(control, dtype=np.float64), time, after)
    return after


@njit(cache=True)
def reach(kind: int, radius: float, limits: Array, dt: float) -> float:
    """How far from its present position a robot can be while it drives one period and then brakes [m].

    ``radius`` is not included. Used to decide which robots can matter to each other within one period.
    ``limits``: ``Limits.as_array``; without its last number a unicycle stops at once.
    """
    if kind == UNICYCLE:
        longest = limits[0] * dt
        if limits.size > 3 and not math.isinf(limits[3]):
            longest += 0.5 * limits[0] * dt * coast_periods(limits[0], limits[2], limits[1], limits[3], dt)
        return longest
    longest = math.sqrt(2.0) * limits[0] * dt
    if kind == DOUBLE_INTEGRATOR:
        longest += math.sqrt(2.0) * 0.5 * limits[0] * dt * stop_periods(limits[0], 0.0, limits[1], dt)
    return longest


def swell(kind: Kind, radius: float, limits: Limits, dt: float, lag: float = 0.0) -> float:
    """How far [m] the hull of a polygon's way to rest may be outside of the disc of its circumradius along that way.

    A corner's arc of 2 phi has tangents at its ends that meet at 1 / cos phi times its distance from the centre. Only a
    unicycle turns on its way to rest, if it is of second order or lags.
    """
    if kind != Kind.UNICYCLE:
        return 0.0
    if math.isinf(limits.turn_acceleration):
        return radius * (1.0 / math.cos(0.5 * limits.turn_rate * lag) - 1.0)
    periods = coast_periods(limits.speed, limits.turn_rate, limits.acceleration, limits.turn_acceleration, dt)
    half = min(0.25 * limits.turn_rate * dt * periods, 0.5 * SHARPEST)
    return radius * (1.0 / math.cos(half) - 1.0)


@lru_cache(maxsize=1024)
def seen_speed(
    kind: Kind, radius: float, limits: Limits, dt: float, sensing_radius: float, slip: float = 0.0
) -> float:  # fmt: skip
    """Largest speed [m/s] at which two robots that do not see each other yet cannot touch within one period.

    Both stay within ``reach`` of where they are, so ``reach + radius`` must not exceed half the sensing radius; a share
    ``slip`` makes the way longer.

    Raises:
        InputError: If the sensing radius does not even cover two robots that stand still.
    """
    room = 0.5 * sensing_radius - radius
    if room <= 0.0:
        raise InputError("sensing_radius", sensing_radius, f"more than twice the robot's radius ({2.0 * radius:g} m)")
    low, high, longer = 0.0, limits.speed, 1.0 + slip
    as_array = limits.as_array()
    if longer * reach(int(kind), radius, as_array, dt) <= room:
        return high
    for _ in range(60):
        as_array[0] = 0.5 * (low + high)
        if longer * reach(int(kind), radius, as_array, dt) <= room:
            low = as_array[0]
        else:
            high = as_array[0]
    return low
