"""What a robot believes of itself when a command acts, and a period after: one robot and batches of them alike."""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.model.actuators import T_ERROR, T_STRAY, fastest
from swarm.model.body import (
    ACCELERATION,
    ARM,
    PERIOD,
    STRAY,
    TOP_SPEED,
    fastest_over_ground,
    is_second_order,
    sway,
    turned_error,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE
from swarm.model.error_bounds import E_HEADING, E_LAG, E_POSITION, E_SLIP, E_VELOCITY
from swarm.model.narrowing import K_WIDE_HEADING, narrow, stray_of, unknown_velocity
from swarm.model.second_order import ahead_of, coast_time, move_of

# A speed that is above what the limits allow by so little, relatively, is rounding.
_ROUNDING = 1e-9


@njit(cache=True)
def _fastest(kind: int, limits: Array, errors: Array, body: Array, drive: Array, commands: Array) -> float:
    """A bound [m/s] of the true speed of a robot that believes ``body`` (5,) and was told ``commands`` (P, 2)."""
    speed: float = fastest(kind, body, drive, commands)
    if kind != DOUBLE_INTEGRATOR:
        return speed
    wrong, most = errors[E_VELOCITY], fastest_over_ground(kind, limits[TOP_SPEED], errors[E_VELOCITY])
    pushed = speed - wrong > most * (1.0 + _ROUNDING)
    return speed + wrong if pushed else min(speed + wrong, most)


@njit(cache=True)
def _meanwhile(kind: int, limits: Array, errors: Array, speed: float, time: float) -> float:
    """A bound of the speed over the last ``time`` seconds, of a robot that is now no faster or was told to be."""
    if kind != DOUBLE_INTEGRATOR:
        return speed
    most = fastest_over_ground(kind, limits[TOP_SPEED], errors[E_VELOCITY])
    return min(speed + math.sqrt(2.0) * limits[ACCELERATION] * time, max(most, speed))


@njit(cache=True)
def _sway(kind: int, limits: Array, errors: Array, speed: float, known: Array, trail: Array) -> float:
    """How far [m] points of the stop hull may be elsewhere, besides the robot's place: at rest, and as corners."""
    rolls = errors[E_LAG] + coast_time(limits, trail)
    velocity = unknown_velocity(known, errors[E_VELOCITY])
    turned = known[K_WIDE_HEADING] if kind == UNICYCLE else errors[E_HEADING]
    turns = turned_error(limits[ARM], turned) if limits[ARM] > 0.0 else 0.0
    return sway(kind, velocity, trail[T_STRAY], speed, rolls, limits[ACCELERATION], limits[PERIOD]) + turns


@njit(cache=True)
def believe(
    kind: int, limits: Array, errors: Array, commands: Array, time: float, before: Array, body: Array, drive: Array,
    known: Array, found: Array, trail: Array,
) -> tuple[float, float]:  # fmt: skip
    """Correct a predicted state by what is known, and write where it leads.

    Args:
        kind: A value of ``Kind``.
        limits: ``float64[BODY]`` of the robot.
        errors: ``float64[ERRORS]``, what it assumes (``swarm.model.error_bounds``).
        commands: ``float64[P, 2]`` that may have acted since it was measured.
        time: For how long was predicted [s].
        before: ``float64[2]``, the drive when it was measured: a body that lags may have slowed down since.
        body: ``float64[5]``, predicted (``swarm.model.actuators.predict``); corrected.
        drive: ``float64[2]``, of the same moment.
        known: ``float64[KNOWN]`` (``swarm.model.narrowing``), replaced.
        found: ``float64[5]``, written: the state ahead of the body.
        trail: ``float64[TRAIL]``, written.

    Returns:
        How far the body may be elsewhere [m], and the fastest that it has been [m/s].
    """
    speed = max(_fastest(kind, limits, errors, body, drive, commands), fastest(kind, body, before, commands[:0]))
    error = errors[E_POSITION] + limits[STRAY] * _meanwhile(kind, limits, errors, speed, time) * time
    wide = errors[E_HEADING] if kind == UNICYCLE else 0.0
    error = narrow(kind, body, known, error, wide, errors[E_VELOCITY], time)
    ahead_of(kind, limits, body, drive, errors[E_LAG], found, trail)
    trail[T_STRAY] = stray_of(known, errors[E_SLIP])
    trail[T_ERROR] = error + _sway(kind, limits, errors, speed, known, trail)
    return error, speed


@njit(cache=True)
def _change(kind: int, limits: Array, lag: float, drive: Array, control: Array, speed: float) -> float:
    """A bound of how much the velocity along an axis changes within a period under one command [m/s]."""
    period = limits[PERIOD]
    if kind == DOUBLE_INTEGRATOR:
        return max(abs(drive[0]), abs(drive[1]), abs(control[0]), abs(control[1])) * period
    at_once = lag <= 0.0 and not is_second_order(limits)
    if kind != UNICYCLE:
        return 0.0 if at_once else max(abs(control[0] - drive[0]), abs(control[1] - drive[1]))
    faster = 0.0 if at_once else abs(control[0] - drive[0])
    return faster + speed * max(abs(drive[1]), abs(control[1])) * period


@njit(cache=True)
def foresee(
    kind: int, limits: Array, errors: Array, control: Array, error: float, speed: float, body: Array, drive: Array,
    known: Array, after: Array, drive_after: Array, found: Array, trail: Array,
) -> tuple[float, float]:  # fmt: skip
    """Write where a command leads within a period.

    Args:
        kind: A value of ``Kind``.
        limits: ``float64[BODY]`` of the robot.
        errors: ``float64[ERRORS]``, what it assumes.
        control: ``float64[2]``, the command.
        error: See ``believe``.
        speed: See ``believe``.
        body: ``float64[5]``, when the command begins to act.
        drive: ``float64[2]``, then.
        known: ``float64[KNOWN]``, then.
        after: ``float64[5]``, written: the body a period later.
        drive_after: ``float64[2]``, written: its drive.
        found: ``float64[5]``, written: the state ahead of it.
        trail: ``float64[TRAIL]``, written.

    Returns:
        The longest way that it may be [m], and the largest change of the velocity along an axis meanwhile [m/s].
    """
    period = limits[PERIOD]
    move_of(kind, limits, body, drive, control, errors[E_LAG], after, drive_after)
    ahead_of(kind, limits, after, drive_after, errors[E_LAG], found, trail)
    speed = max(_fastest(kind, limits, errors, after, drive_after, control.reshape((1, 2))), speed)
    trail[T_STRAY] = stray_of(known, errors[E_SLIP])
    way: float = _meanwhile(kind, limits, errors, speed, period) * period
    trail[T_ERROR] = error + trail[T_STRAY] * way + unknown_velocity(known, errors[E_VELOCITY]) * period
    trail[T_ERROR] += _sway(kind, limits, errors, speed, known, trail)
    return way, _change(kind, limits, errors[E_LAG], drive, control, speed)
