"""Where a robot is one period later under a control, and how it comes to rest from there: points of its next hull.

What the lines of the shield (``swarm.filter.hulls.shield``) and those of strangers (``swarm.filter.hulls.strangers``)
are asked of. ``bulge`` is how far the way to the first point may leave its chord [m].
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_numbers
from swarm.model.actuators import (
    T_BODY_X,
    T_BODY_Y,
    T_CORNER_X,
    T_CORNER_Y,
    T_HEADING,
    T_SPEED,
    T_TURN_RATE,
    TRAIL,
    ahead,
    coast,
    move,
    ramp,
)
from swarm.model.body import ACCELERATION, LAG, PERIOD, STRAY, TURN_ACCELERATION, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, STATE, UNICYCLE, arc_offset, stop_offset
from swarm.model.shapes import place_corners


@uncounted
def next_stop(state: Array, body: Array, ux: float, uy: float) -> tuple[float, float, float, float, float, float]:
    """Of a double integrator: its place, where it then comes to rest, and the velocity between them."""
    dt = body[PERIOD]
    vx, vy = state[3] + ux * dt, state[4] + uy * dt
    px, py = state[0] + dt * (state[3] + 0.5 * dt * ux), state[1] + dt * (state[4] + 0.5 * dt * uy)
    sx, sy = stop_offset(DOUBLE_INTEGRATOR, vx, vy, body[ACCELERATION], dt)
    return px, py, px + sx, py + sy, vx, vy


@uncounted
def next_arc(state: Array, body: Array, speed: float, turn_rate: float) -> tuple[float, float, float]:
    """Of a unicycle that stops at once: its place and the bulge.

    The arc leaves its chord by |v w| t (dt - t) / 2, and the line that the robot touches already at its start.
    """
    dt = body[PERIOD]
    dx, dy = arc_offset(state[2], speed, turn_rate, dt)
    return state[0] + dx, state[1] + dy, 0.5 * (1.0 + body[STRAY]) * abs(speed * turn_rate) * dt * dt


@uncounted
def half_way(state: Array, body: Array, trail: Array) -> tuple[float, float]:
    """Of a unicycle of second order: the point q on the tangent at its start (``swarm.filter.hulls.shield``)."""
    half = 0.5 * body[PERIOD] * trail[T_SPEED]
    return state[0] + half * math.cos(state[2]), state[1] + half * math.sin(state[2])


@uncounted
def next_place(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float, then: Array, drive: Array
) -> None:  # fmt: skip
    """Write the state of a unicycle's body one period later, ``float64[5]``, and its drive, ``float64[2]``."""
    dt, control = body[PERIOD], stack_numbers(2)
    drive[0], drive[1], control[0], control[1] = trail[T_SPEED], trail[T_TURN_RATE], speed, turn_rate
    if is_second_order(body):
        ramp(state, drive, control, dt, dt, 0.0, then, drive)
    elif body[LAG] > 0.0:
        then[0], then[1], then[2] = state[0] + trail[T_BODY_X], state[1] + trail[T_BODY_Y], trail[T_HEADING]
        then[3] = then[4] = 0.0
        move(UNICYCLE, then, drive, control, dt, body[LAG], 0.0, then, drive)
    else:
        dx, dy = arc_offset(state[2], speed, turn_rate, dt)
        then[0], then[1], then[2] = state[0] + dx, state[1] + dy, state[2] + turn_rate * dt


@uncounted
def next_ramp(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float
) -> tuple[float, float, float, float, float, float, float]:
    """Of a unicycle of second order: its place, the bulge, the end of its way to rest, the corner between."""
    dt, push, turn_push = body[PERIOD], body[ACCELERATION], body[TURN_ACCELERATION]
    then, drive, trails = stack_numbers(STATE), stack_numbers(2), stack_numbers(TRAIL)
    v, w = max(abs(speed), abs(trail[T_SPEED])), max(abs(turn_rate), abs(trail[T_TURN_RATE]))
    dv, dw = abs(speed - trail[T_SPEED]) / dt, abs(turn_rate - trail[T_TURN_RATE]) / dt
    bulge = (1.0 + body[STRAY]) * math.hypot(2.0 * dv * w + v * dw, v * w * w) * dt * dt * dt / 6.0
    next_place(state, body, trail, speed, turn_rate, then, drive)
    coast(then[2], speed, turn_rate, push, turn_push, dt, trails)
    x, y = then[0], then[1]
    return x, y, bulge, x + trails[T_BODY_X], y + trails[T_BODY_Y], x + trails[T_CORNER_X], y + trails[T_CORNER_Y]


@uncounted
def next_roll(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float
) -> tuple[float, float, float, float, float, float, float]:
    """Of a unicycle that lags: the place of its body, the bulge, where it would come to rest, the corner between."""
    dt, lag = body[PERIOD], body[LAG]
    here, drive, push = stack_numbers(STATE), stack_numbers(2), abs(speed - trail[T_SPEED]) / lag
    v, w = max(abs(speed), abs(trail[T_SPEED])), max(abs(turn_rate), abs(trail[T_TURN_RATE]))
    bulge = 0.5 * (1.0 + body[STRAY]) * dt * dt * (v * w + push * w * dt)  # with the second derivative across the chord
    next_place(state, body, trail, speed, turn_rate, here, drive)
    found, trails = stack_numbers(STATE), stack_numbers(TRAIL)
    ahead(UNICYCLE, here, drive, lag, found, trails)
    x, y = found[0], found[1]
    return here[0], here[1], bulge, x, y, x + trails[T_CORNER_X], y + trails[T_CORNER_Y]


@uncounted
def corners_half_way(
    state: Array, speed: float, turn_rate: float, dt: float, footprint: Array, corners: int, points: Array
) -> None:
    """Write the points q of all corners of a unicycle that begins a period with a speed and a turn rate."""
    place_corners(state[0], state[1], state[2], footprint, points)
    vx, vy, half = speed * math.cos(state[2]), speed * math.sin(state[2]), 0.5 * dt
    for k in range(corners):
        px, py = points[k, 0] - state[0], points[k, 1] - state[1]
        points[k, 0], points[k, 1] = (
            points[k, 0] + half * (vx - turn_rate * py),
            points[k, 1] + half * (vy + turn_rate * px),
        )
