"""What a robot is, as the flat array that the kernels read."""

from __future__ import annotations

import decimal
import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import is_real, not_tiny
from swarm.kernel_cache.references import uncounted
from swarm.model.actuators import T_CURVATURE, T_SPEED, T_TURN_RATE, brake_roll, coast
from swarm.model.dynamics import (
    DOUBLE_INTEGRATOR,
    SHARPEST,
    UNICYCLE,
    Kind,
    Limits,
    brake,
    coast_periods,
    forward_speed,
    reach,
    seen_speed,
    swell,
)
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.growth import growth_of

# Columns of a body, float64[BODY]: radius [m], look-ahead of a unicycle's control point [m], top speed [m/s], largest
# acceleration [m/s²], largest turn rate [rad/s], control period [s], sensing radius [m], safety margin [m], reach in
# one period [m] (see dynamics.reach), and whether it gives way to other robots (1), only stops before them (0), or
# drives as if they were not there (-1). From the declared errors (swarm.model.error_bounds): the time constant of the
# actuators [s], how far the robot may be from where it and those who hear it believe it to be at most [m], by which
# share of a way it may come elsewhere than planned, by how much what is known of it grows in a period without news [m],
# and the margin that is kept even where no error asks for it [m].
# Of a unicycle of second order, its turn acceleration [rad/s²]; inf of others. Of a polygon, how far a point of its
# stop hull may be from the body's middle as it turns [m]; 0 of a disc. Of a car, the curvature of its tightest arc
# [1/m], its top speed backwards [m/s], and by how much its curvature may change in a period [1/m]; inf of others. For
# policies, what else is declared (ErrorBounds.told): for how long a body does not do what a command says [s], how late
# news are [s], which share of them is lost, and how far others may be from where they are sensed [m].
BODY = 24
RADIUS, LOOK_AHEAD, TOP_SPEED, ACCELERATION, TURN_RATE, PERIOD, SENSING, MARGIN, REACH, YIELDS = range(10)
LAG, ERROR, STRAY, GROWTH, FLOOR, TURN_ACCELERATION, ARM, CURVATURE, REVERSE, STEERING = range(10, 20)
DELAY, LATENCY, LOSS, SENSED = range(20, BODY)

ROUND = 0.01
"""Two polygons of which something is not exact keep so large a share of both radii between them: hulls that meet have
no normal, and of hulls with a radius it differs little where they are a little elsewhere."""

# A unicycle's control point, in radii ahead of its axle: nearer is less extra room, farther is easier steering.
LOOK_AHEAD_RADII = 0.2

# Ways keep the margin that errors ask for at this share of the top speed: a robot slows down where it is narrow, and so
# knows better where it is. With that of its top speed it would find no way through what it fits through.
_NARROWLY = 0.5

# A margin that falls short of what it has to cover by so little, relatively, is rounding.
_ROUNDING = 1e-9

# A car that is slower [m/s] stands, for all that is said of its steering.
_CREEPS = 1e-9

# For a turn the other way a unicycle's wheels change their speeds by so many top speeds; with more no margin is enough.
# Measured in pybullet with adversarial tunables: none touched up to 8; from 16 on a few runs in a hundred did.
_BUSY = 8.0


def body_of(
    kind: Kind, radius: float, limits: Limits, *, dt: float, sensing_radius: float, margin: float = 0.0,
    cooperative: bool = True, errors: ErrorBounds = EXACT, ignores: bool = False, footprint: Array | None = None,
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
        ignores: Whether it drives as if nobody else were there: a stranger to all others.
        footprint: ``float64[V, 2]`` (``swarm.model.shapes``) of one that is no disc and drives as what it is.

    Returns:
        The array; its top speed may be below the limit, so that robots out of sight cannot be met within a period.

    Raises:
        InputError: If a number is not usable, if the dynamics need a limit that is not given, or if motors of the given
            acceleration overrun the margin where the filter plans to stop at once.
    """
    errors.check_car(limits)
    car, limits = limits, limits.planned(dt)
    _check_numbers(kind, radius, limits, dt, sensing_radius, margin, errors)
    grown = 0.0 if footprint is None else swell(kind, radius, limits, dt, errors.lag)
    arm = 0.0 if footprint is None else radius + grown
    floor, margin = margin, max(margin, error_of(kind, limits.speed, limits, dt, errors, arm))
    top = seen_speed(kind, radius + margin + grown, limits, dt, sensing_radius, errors.slip)
    body = np.empty(BODY)
    body[LAG], body[STRAY], body[FLOOR] = errors.lag, errors.stray(kind), floor
    body[ERROR], body[ARM] = error_of(kind, top, limits, dt, errors, arm), arm
    body[RADIUS], body[LOOK_AHEAD], body[TOP_SPEED] = radius, LOOK_AHEAD_RADII * radius, top
    if footprint is not None:  # the middle of its front: rows are about that
        body[LOOK_AHEAD] = max(body[LOOK_AHEAD], footprint[:, 0].max() - 0.5 * np.ptp(footprint, axis=0).min())
    body[ACCELERATION], body[TURN_RATE], body[PERIOD] = limits.acceleration, limits.turn_rate, dt
    body[SENSING], body[MARGIN] = sensing_radius, margin
    body[YIELDS] = -1.0 if ignores else float(cooperative)
    body[TURN_ACCELERATION] = limits.turn_acceleration if kind == Kind.UNICYCLE else math.inf
    body[CURVATURE], body[REVERSE] = car.curvature, min(car.reverse_speed, top) if car.is_car else math.inf
    body[STEERING] = car.steering_change(dt)
    within = np.array([top, limits.acceleration, limits.turn_rate, body[TURN_ACCELERATION]])
    body[REACH] = reach(int(kind), radius, within, dt) + fastest_over_ground(int(kind), top) * errors.lag
    body[REACH] = (1.0 + errors.slip) * body[REACH] + grown
    body[GROWTH] = growth_of(kind, top, limits, dt, errors, 0.0 if footprint is None else radius)
    body[DELAY:] = errors.told
    _check_overrun(kind, body)
    return body


def _check_numbers(
    kind: Kind, radius: float, limits: Limits, dt: float, sensing_radius: float, margin: float, errors: ErrorBounds
) -> None:  # fmt: skip
    """Refuse a number that is not usable, and limits that the dynamics need and that are not given."""
    for name, value in (("radius", radius), ("dt", dt), ("sensing_radius", sensing_radius)):
        if not (is_real(value) and math.isfinite(value) and value > 0.0):
            raise InputError(f"robot {name}", value, "a finite number above 0")
        not_tiny(f"robot {name}", value)
    if not (is_real(margin) and math.isfinite(margin) and margin >= 0.0):
        raise InputError("robot margin", margin, "a finite number, 0 or more")
    if kind == Kind.DOUBLE_INTEGRATOR and not np.isfinite(limits.acceleration):
        raise InputError("limits.acceleration", limits.acceleration, "a finite number for a double integrator")
    if kind == Kind.UNICYCLE and not np.isfinite(limits.turn_rate):
        raise InputError("limits.turn_rate", limits.turn_rate, "a finite number for a unicycle")
    if kind == Kind.UNICYCLE and limits.turn_rate * errors.lag > SHARPEST:
        valid = f"at most {_rounded(SHARPEST / limits.turn_rate, up=False):g} s at a turn rate of {limits.turn_rate:g}"
        raise InputError("errors.lag", errors.lag, f"{valid} rad/s")
    if kind == Kind.UNICYCLE:
        _check_second_order(limits, dt, errors)


def _check_second_order(limits: Limits, dt: float, errors: ErrorBounds) -> None:
    """Refuse a turn acceleration alone, with a lag, or such that the way to rest is too sharp an arc."""
    turn_rate, push = limits.turn_rate, limits.turn_acceleration
    if math.isinf(push):
        return
    if math.isinf(limits.acceleration):
        raise InputError("limits.acceleration", limits.acceleration, "a finite number, as turn_acceleration is given")
    if errors.lag > 0.0:
        valid = "0 s with an acceleration and a turn_acceleration, or a lag without them; both are not planned with"
        raise InputError("errors.lag", errors.lag, valid)
    periods = math.floor(2.0 * SHARPEST / (turn_rate * dt) * (1.0 + _ROUNDING))
    if periods < 1:
        fine = _rounded(2.0 * SHARPEST / dt, up=False)
        raise InputError("limits.turn_rate", turn_rate, f"at most {fine:g} rad/s with a turn_acceleration")
    if 0.5 * turn_rate * dt * coast_periods(0.0, turn_rate, 1.0, push, dt) > SHARPEST * (1.0 + _ROUNDING):
        fine = _rounded(turn_rate / (periods * dt))
        raise InputError("limits.turn_acceleration", push, f"at least {fine:g} rad/s² at {turn_rate:g} rad/s, or none")


@uncounted
def is_second_order(body: Array) -> bool:
    """Whether it is a unicycle with finite accelerations, which are part of the plan."""
    return math.isfinite(body[TURN_ACCELERATION])


@uncounted
def is_car(body: Array) -> bool:
    """Whether it is a car (``swarm.model.steering``)."""
    return math.isfinite(body[CURVATURE])


@uncounted
def coast_of(state: Array, body: Array, trail: Array) -> None:
    """Write into ``trail`` the way to rest of a unicycle of second order, from the speed and turn rate that are there.

    Args:
        state: ``float64[5]``, where it is.
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]`` (``swarm.model.actuators``).
    """
    push, turn_push, dt = body[ACCELERATION], body[TURN_ACCELERATION], body[PERIOD]
    coast(state[2], trail[T_SPEED], trail[T_TURN_RATE], push, turn_push, dt, trail)
    if abs(trail[T_SPEED]) > _CREEPS:
        trail[T_CURVATURE] = trail[T_TURN_RATE] / trail[T_SPEED]


def _coast_time(kind: Kind, top: float, limits: Limits, dt: float) -> float:
    """For how long (s) at its top speed a unicycle of second order would come as far as it rolls; 0 for others."""
    if kind != Kind.UNICYCLE or math.isinf(limits.turn_acceleration):
        return 0.0
    return 0.5 * dt * coast_periods(top, limits.turn_rate, limits.acceleration, limits.turn_acceleration, dt)


@njit(cache=True)
def fastest_over_ground(kind: int, top: float, velocity: float = 0.0) -> float:
    """The speed [m/s] that a robot with the top speed [m/s] has at most, whatever it takes its own for.

    A double integrator brakes where it believes that it is faster: it may believe so too late, by a wrong velocity.

    Args:
        kind: A value of ``Kind``.
        top: Per axis, of a unicycle along its way [m/s].
        velocity: Bound of the measured velocity's error [m/s].
    """
    if kind == UNICYCLE:
        return top
    return math.sqrt(2.0) * (top + velocity if kind == DOUBLE_INTEGRATOR else top)


@uncounted
def turned_error(arm: float, heading: float) -> float:
    """How far [m] a polygon's hull may be elsewhere by its heading, which may be off [rad], and what is kept round it.

    Args:
        arm: ``ARM`` of its body; 0 of a disc, of which nothing turns.
        heading: [rad]
    """
    return arm * (2.0 * math.sin(0.5 * min(heading, math.pi)) + ROUND)


def error_of(kind: Kind, top: float, limits: Limits, dt: float, errors: ErrorBounds, arm: float = 0.0) -> float:
    """How far [m] a robot at top speed, or where it would come to rest, may be from where it is believed to be.

    A state is predicted from when it was measured to when the command acts, and told for one period more; over that
    way slip and a wrong heading add up. What is known besides (``swarm.model.narrowing``) makes it less, never more: no
    error that is told or counted (``swarm.model.prediction``) is larger.

    Args:
        kind: Its dynamics.
        top: Its top speed [m/s].
        limits: Of its actuators.
        dt: Control period [s].
        errors: Bounds of what is not exact.
        arm: ``ARM`` of its body [m].
    """
    if not errors.any:
        return 0.0
    speed, stray = float(fastest_over_ground(int(kind), top, errors.velocity)), errors.stray(kind)
    found = errors.position + float(turned_error(arm, errors.heading))
    found += stray * speed * (errors.age + errors.dead_time + dt)
    if kind == Kind.DOUBLE_INTEGRATOR:
        found += errors.velocity * (errors.age + errors.dead_time + dt)
    rolls = errors.lag + _coast_time(kind, top, limits, dt)
    return found + float(sway(int(kind), errors.velocity, stray, speed, rolls, limits.acceleration, dt))


def way_margin(kind: Kind, body: Array, limits: Limits, errors: ErrorBounds) -> float:
    """The distance [m] that a robot's ways keep from obstacles besides its radius: what it needs at half its top speed.

    Args:
        kind: Its dynamics.
        body: ``float64[BODY]``.
        limits: Of its actuators.
        errors: Bounds of what is not exact.
    """
    dt, top = float(body[PERIOD]), _NARROWLY * float(body[TOP_SPEED])
    return max(float(body[FLOOR]), error_of(kind, top, limits.planned(dt), dt, errors, float(body[ARM])))


@njit(cache=True)
def sway(kind: int, velocity: float, stray: float, speed: float, lag: float, acceleration: float, dt: float) -> float:
    """By how much [m] a robot's way to rest may be elsewhere, besides the robot itself.

    Args:
        kind: A value of ``Kind``.
        velocity: Bound of the measured velocity [m/s].
        stray: Share of a way by which it may go elsewhere.
        speed: At most so fast [m/s].
        lag: Of its actuators; of a unicycle of second order, for how long at that speed it would come as far as it
            rolls [s].
        acceleration: Of a double integrator [m/s²].
        dt: Control period [s].
    """
    if kind != DOUBLE_INTEGRATOR:
        return stray * speed * lag
    # A double integrator's wrong velocity takes it elsewhere for as long as it brakes; that it drifts then is only
    # noticed by where it is.
    half = 0.5 * speed / acceleration
    stop = lag + half + dt
    return stray * speed * stop + velocity * (stop + half + 1.0 / recovery(dt))


@uncounted
def recovery(dt: float) -> float:
    """Gain (1/s) with which a double integrator leaves the margin of others, whatever its tunables are."""
    return 0.5 / dt


def overrun(kind: Kind, body: Array) -> float:
    """How much farther [m] than planned motors of the given acceleration take a robot that is told to stop at once.

    * Double integrator, and a unicycle with a turn acceleration: 0, as the acceleration is part of the plan.
    * Single integrator: v² / 2a per axis, at top speed along both.
    * Unicycle: its two wheels have the acceleration, and a stop may come with a turn the other way. While the wheels,
      at most a radius away from the middle, work against each other, they do not brake. With w the change of their
      speeds for that, 2 * turn rate * radius, it is (v² + w²) / 2a up to w = v, and v w / a beyond. Above
      ``_BUSY`` times v it is infinite: turns to and fro keep the wheels busy, and the robot coasts on.
    """
    top, acceleration = float(body[TOP_SPEED]), float(body[ACCELERATION])
    if kind == Kind.DOUBLE_INTEGRATOR or math.isinf(acceleration) or is_second_order(body):
        return 0.0
    if kind == Kind.SINGLE_INTEGRATOR:
        return math.sqrt(0.5) * top * top / acceleration
    reversal = 2.0 * float(body[TURN_RATE] * body[RADIUS])
    if reversal > _BUSY * top * (1.0 + _ROUNDING):
        return math.inf
    return (0.5 * (top * top + reversal * reversal) if reversal <= top else top * reversal) / acceleration


def _check_overrun(kind: Kind, body: Array) -> None:
    """Refuse an acceleration with which the robot leaves its margin before it stands."""
    top, margin, acceleration = (float(body[column]) for column in (TOP_SPEED, MARGIN, ACCELERATION))
    if (needed := overrun(kind, body)) <= margin * (1.0 + _ROUNDING):
        return
    enough = ""
    if margin > 0.0 and math.isfinite(needed):
        enough = f"at least {_rounded(acceleration * needed / margin):g} m/s², or "
    other = f"a margin of at least {_rounded(needed):g} m"
    if kind == Kind.UNICYCLE and math.isinf(needed):
        other = f"a turn rate of at most {_rounded(0.5 * _BUSY * top / body[RADIUS], up=False):g} rad/s"
    valid = (
        f"{enough}none, or {other} (the filter plans to stop at once; from {top:.3g} m/s, motors of this acceleration "
        f"overrun a margin of {margin:g} m)"
    )
    if kind == Kind.UNICYCLE:
        valid += "; with limits.turn_acceleration the filter plans with both accelerations, and no margin is needed"
    raise InputError("limits.acceleration", acceleration, valid)


def _rounded(value: float, *, up: bool = True) -> float:
    """The number in three digits, rounded to the side on which what an error asks for is enough."""
    side = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
    slack = 0.5 * _ROUNDING if up else -0.5 * _ROUNDING  # a number that has three digits but for rounding stays
    return float(decimal.Context(prec=3, rounding=side).create_decimal(value * (1.0 - slack)))


def full_braking(kind: int, state: Array, body: Array, drive: Array | None = None) -> Array:
    """The control ``float64[2]`` that brings a robot to rest as soon as its limits allow.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        drive: Of a unicycle of second order, its forward speed [m/s] and turn rate [rad/s]; None: straight on.
    """
    control = np.empty(2)
    if is_second_order(body):
        acceleration, turn_acceleration = float(body[ACCELERATION]), float(body[TURN_ACCELERATION])
        speed, turn_rate = (forward_speed(state), 0.0) if drive is None else drive.tolist()
        brake_roll(speed, turn_rate, acceleration, turn_acceleration, float(body[PERIOD]), control)
    else:
        brake(kind, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)
    return control
