"""What a robot is, as the flat array that the kernels read."""

from __future__ import annotations

import decimal
import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import DOUBLE_INTEGRATOR, Kind, Limits, brake, reach, seen_speed
from swarm.model.error_bounds import EXACT, ErrorBounds

# Columns of a body, float64[BODY]: radius [m], look-ahead of a unicycle's control point [m], top speed [m/s], largest
# acceleration [m/s²], largest turn rate [rad/s], control period [s], sensing radius [m], safety margin [m], reach in
# one period [m] (see dynamics.reach), and whether it gives way to other robots (1) or not (0). From the declared errors
# (swarm.model.error_bounds): the time constant of the actuators [s], how far the robot may be from where it and those
# who hear it believe it to be at most [m], by which share of a way it may come elsewhere than planned, by how much what
# is known of it grows in a period without news [m], and the margin that is kept even where no error asks for it [m].
BODY = 15
RADIUS, LOOK_AHEAD, TOP_SPEED, ACCELERATION, TURN_RATE, PERIOD, SENSING, MARGIN, REACH, YIELDS = range(10)
LAG, ERROR, STRAY, GROWTH, FLOOR = range(10, BODY)

# A unicycle's control point, in radii ahead of its axle: nearer is less extra room, farther is easier steering.
LOOK_AHEAD_RADII = 0.2

# The arc (rad) along which a unicycle that lags comes to rest; the triangle around a longer one is no use.
_SHARPEST = 2.0

# A margin that falls short of what it has to cover by so little, relatively, is rounding.
_ROUNDING = 1e-9

# For a turn the other way a unicycle's wheels change their speeds by so many top speeds; with more no margin is enough.
# Measured in pybullet with adversarial tunables: none touched up to 8; from 16 on a few runs in a hundred did.
_BUSY = 8.0


def body_of(
    kind: Kind, radius: float, limits: Limits, *, dt: float, sensing_radius: float, margin: float = 0.0,
    cooperative: bool = True, errors: ErrorBounds = EXACT,
) -> Array:  # fmt: skip
    """The body array ``float64[BODY]`` of one robot.

    Args:
        kind: Its dynamics.
        radius: Of the disc that encloses it [m].
        limits: Of its actuators.
        dt: Control period, s.
        sensing_radius: Beyond it nothing is known, m.
        margin: Extra distance kept on its own side, m; for what no declared error says. What the declared errors need
            is kept in any case.
        errors: Bounds of what is not exact.
        cooperative: Whether it gives way; one that does not is only kept from touching anybody.

    Returns:
        The array; its top speed may be below the limit, so that robots out of sight cannot be met within a period.

    Raises:
        InputError: If a number is not usable, if the dynamics need a limit that is not given, or if motors of the given
            acceleration overrun the margin where the filter plans to stop at once.
    """
    for name, value in (("radius", radius), ("dt", dt), ("sensing_radius", sensing_radius)):
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(f"robot {name}", value, "a finite number above 0")
    if not (np.isfinite(margin) and margin >= 0.0):
        raise InputError("robot margin", margin, "a finite number, 0 or more")
    if kind == Kind.DOUBLE_INTEGRATOR and not np.isfinite(limits.acceleration):
        raise InputError("limits.acceleration", limits.acceleration, "a finite number for a double integrator")
    if kind == Kind.UNICYCLE and not np.isfinite(limits.turn_rate):
        raise InputError("limits.turn_rate", limits.turn_rate, "a finite number for a unicycle")
    if kind == Kind.UNICYCLE and limits.turn_rate * errors.lag > _SHARPEST:
        valid = f"at most {_rounded(_SHARPEST / limits.turn_rate, up=False):g} s at a turn rate of {limits.turn_rate:g}"
        raise InputError("errors.lag", errors.lag, f"{valid} rad/s")
    floor, margin = margin, max(margin, error_of(kind, limits.speed, limits, dt, errors))
    top = seen_speed(kind, radius + margin, limits, dt, sensing_radius)
    body = np.empty(BODY)
    body[LAG], body[STRAY], body[FLOOR] = errors.lag, errors.slip, floor
    if kind == Kind.UNICYCLE:
        body[STRAY] += 2.0 * math.sin(0.5 * min(errors.heading, math.pi))
    body[ERROR] = error_of(kind, top, limits, dt, errors)
    body[RADIUS], body[LOOK_AHEAD], body[TOP_SPEED] = radius, LOOK_AHEAD_RADII * radius, top
    body[ACCELERATION], body[TURN_RATE], body[PERIOD] = limits.acceleration, limits.turn_rate, dt
    body[SENSING], body[MARGIN] = sensing_radius, margin
    body[YIELDS] = float(cooperative)
    diagonal = 1.0 if kind == Kind.UNICYCLE else math.sqrt(2.0)
    body[REACH] = reach(int(kind), radius, body[TOP_SPEED : TURN_RATE + 1], dt) + diagonal * top * errors.lag
    body[REACH] *= 1.0 + errors.slip
    body[GROWTH] = growth_of(kind, top, limits, dt, errors.lag)
    _check_overrun(kind, body)
    return body


def error_of(kind: Kind, top: float, limits: Limits, dt: float, errors: ErrorBounds) -> float:
    """How far [m] a robot at top speed, or where it would come to rest, may be from where it is believed to be.

    A state is predicted from when it was measured to when the command acts, and told for one period more; over that
    way slip and a wrong heading add up. What is known besides (``swarm.model.narrowing``) makes it less.

    Args:
        kind: Its dynamics.
        top: Its top speed [m/s].
        limits: Of its actuators.
        dt: Control period [s].
        errors: Bounds of what is not exact.
    """
    if not errors.any:
        return 0.0
    speed = top if kind == Kind.UNICYCLE else math.sqrt(2.0) * top
    stray = errors.slip
    if kind == Kind.UNICYCLE:
        stray += 2.0 * math.sin(0.5 * min(errors.heading, math.pi))
    found = errors.position + stray * speed * (errors.age + errors.dead_time + dt)
    if kind == Kind.DOUBLE_INTEGRATOR:
        found += errors.velocity * (errors.age + errors.dead_time)
    return found + float(sway(int(kind), errors.velocity, stray, speed, errors.lag, limits.acceleration, dt))


@njit(cache=True)
def sway(kind: int, velocity: float, stray: float, speed: float, lag: float, acceleration: float, dt: float) -> float:
    """By how much [m] a robot's way to rest may be elsewhere, besides the robot itself.

    Args:
        kind: A value of ``Kind``.
        velocity: Bound of the measured velocity [m/s].
        stray: Share of a way by which it may go elsewhere.
        speed: At most so fast [m/s].
        lag: Of its actuators [s].
        acceleration: Of a double integrator [m/s²].
        dt: Control period [s].
    """
    if kind != DOUBLE_INTEGRATOR:
        return stray * speed * lag
    # A double integrator's wrong velocity moves the stop point; that it drifts is only noticed by where it is.
    stop = lag + 0.5 * speed / acceleration + dt
    return stray * speed * stop + velocity * (stop + 1.0 / recovery(dt))


@njit(cache=True)
def recovery(dt: float) -> float:
    """Gain (1/s) with which a double integrator leaves the margin of others, whatever its tunables are."""
    return 0.5 / dt


def growth_of(kind: Kind, top: float, limits: Limits, dt: float, lag: float) -> float:
    """How far (m) the hull of a robot and its way to rest may get out of itself within one period."""
    if kind == Kind.UNICYCLE:
        return top * (dt + lag)
    if kind == Kind.DOUBLE_INTEGRATOR:
        return math.sqrt(2.0) * (2.0 * top + 1.5 * limits.acceleration * dt) * dt
    return math.sqrt(2.0) * top * dt


def overrun(kind: Kind, body: Array) -> float:
    """How much farther [m] than planned motors of the given acceleration take a robot that is told to stop at once.

    * Double integrator: 0, as the acceleration is part of the plan.
    * Single integrator: v² / 2a per axis, at top speed along both.
    * Unicycle: its two wheels have the acceleration, and a stop may come with a turn the other way. While the wheels,
      at most a radius away from the middle, work against each other, they do not brake. With w the change of their
      speeds for that, 2 * turn rate * radius, it is (v² + w²) / 2a up to w = v, and v w / a beyond. Above
      ``_BUSY`` times v it is infinite: turns to and fro keep the wheels busy, and the robot coasts on.
    """
    top, acceleration = float(body[TOP_SPEED]), float(body[ACCELERATION])
    if kind == Kind.DOUBLE_INTEGRATOR or math.isinf(acceleration):
        return 0.0
    if kind == Kind.SINGLE_INTEGRATOR:
        return math.sqrt(0.5) * top * top / acceleration
    reversal = 2.0 * float(body[TURN_RATE] * body[RADIUS])
    if reversal > _BUSY * top * (1.0 + _ROUNDING):
        return math.inf
    return (0.5 * (top * top + reversal * reversal) if reversal <= top else top * reversal) / acceleration


def _check_overrun(kind: Kind, body: Array) -> None:
    """Refuse an acceleration with which the robot leaves its margin before it stands."""
    margin, acceleration, needed = float(body[MARGIN]), float(body[ACCELERATION]), overrun(kind, body)
    if needed <= margin * (1.0 + _ROUNDING):
        return
    top, enough = float(body[TOP_SPEED]), ""
    if margin > 0.0 and math.isfinite(needed):
        enough = f"at least {_rounded(acceleration * needed / margin):g} m/s², or "
    other = f"a margin of at least {_rounded(needed):g} m"
    if kind == Kind.UNICYCLE and math.isinf(needed):
        other = f"a turn rate of at most {_rounded(0.5 * _BUSY * top / body[RADIUS], up=False):g} rad/s"
    valid = (
        f"{enough}none, or {other} (the filter plans to stop at once; from {top:.3g} m/s, motors of this acceleration "
        f"overrun a margin of {margin:g} m)"
    )
    raise InputError("limits.acceleration", acceleration, valid)


def _rounded(value: float, *, up: bool = True) -> float:
    """The number in three digits, rounded to the side on which what an error asks for is enough."""
    side = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
    slack = 0.5 * _ROUNDING if up else -0.5 * _ROUNDING  # a number that has three digits but for rounding stays
    return float(decimal.Context(prec=3, rounding=side).create_decimal(value * (1.0 - slack)))


def full_braking(kind: int, state: Array, body: Array) -> Array:
    """The control ``float64[2]`` that brings a robot to rest as soon as its limits allow.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
    """
    control = np.empty(2)
    brake(kind, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)
    return control
