"""How bodies of any kind move and come to rest, where some of them are unicycles of second order."""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.model.actuators import T_SPEED, T_TURN_RATE, ahead, move, ramp
from swarm.model.body import (
    ACCELERATION,
    PERIOD,
    STRAY,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    coast_of,
    is_second_order,
)
from swarm.model.dynamics import coast_periods


@njit(cache=True)
def coast_time(body: Array, trail: Array) -> float:
    """For how long [s] at its present speed a unicycle of second order would come as far as it rolls; 0 for others."""
    if not is_second_order(body):
        return 0.0
    push, turn_push, dt = body[ACCELERATION], body[TURN_ACCELERATION], body[PERIOD]
    return 0.5 * dt * coast_periods(trail[T_SPEED], trail[T_TURN_RATE], push, turn_push, dt)


@njit(cache=True)
def ahead_of(kind: int, body: Array, state: Array, drive: Array, lag: float, found: Array, trail: Array) -> None:
    """``swarm.model.actuators.ahead``; a unicycle of second order trails nothing, but has its way to rest."""
    ahead(kind, state, drive, lag, found, trail)
    if is_second_order(body):
        coast_of(state, body, trail)


@njit(cache=True)
def move_of(
    kind: int, body: Array, state: Array, drive: Array, control: Array, lag: float, after: Array, drive_after: Array
) -> None:
    """Advance one body for a control period, without slip: ``move`` or ``ramp`` of ``swarm.model.actuators``."""
    period = body[PERIOD]
    if not is_second_order(body):
        move(kind, state, drive, control, period, lag, 0.0, after, drive_after)
    else:
        ramp(state, drive, control, period, period, 0.0, after, drive_after)


@njit(cache=True)
def unsensed_way(body: Array, lag: float) -> float:
    """How far [m] at most from where a body is sensed it comes to rest, or what runs ahead of it is: no scan tells."""
    way: float = math.sqrt(2.0) * body[TOP_SPEED] * lag
    if is_second_order(body):
        push, turn_push, dt = body[ACCELERATION], body[TURN_ACCELERATION], body[PERIOD]
        periods = coast_periods(body[TOP_SPEED], body[TURN_RATE], push, turn_push, dt)
        way += (1.0 + body[STRAY]) * body[TOP_SPEED] * 0.5 * dt * periods
    return way
