"""What keeps a robot clear of strangers: whoever moves comes to rest before one of them can be there.

A stranger shares nothing, so a robot has all of the gap, as with an obstacle; but the obstacle grows. With n the unit
normal from where the stranger was (q) to the nearest point of the robot's stop hull, the stranger is, t seconds later,
where n . x <= n . q + covered(t) (``swarm.model.strangers``). A control is let through if the robot keeps
n . p(t) >= n . q + radii + errors + covered(t) under it and under braking behind it, for every t until it stands.
Nothing is asked of the present hull: what was let through before holds until the robot stands, so that braking needs no
leave, and what was let through once needs nothing of what is known later.

``covered`` is convex and rises, so few points are enough, each with its time. Between two instants a straight way lies
above the chord of ``covered`` if both ends do, and a quadratic Bezier curve if its middle point does so with the mean
of both ends. Braking along a line is such a curve; along an arc of at most 2 rad a robot leaves the first corner of the
triangle around it faster than time passes. A body that lags is kept in the hull of where it is and of what runs ahead
of it, all of which then has to keep clear until it stands.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.hulls.geometry import hull_to_hull, nearest_in
from swarm.filter.hulls.next_hull import half_way, next_arc, next_ramp, next_roll, next_stop
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import (
    T_BODY_X,
    T_BODY_Y,
    T_ERROR,
    T_SPEED,
    T_STRAY,
    T_TURN_RATE,
)
from swarm.model.body import ACCELERATION, FLOOR, LAG, PERIOD, RADIUS, STRAY, TURN_ACCELERATION, is_second_order
from swarm.model.dynamics import (
    DOUBLE_INTEGRATOR,
    SINGLE_INTEGRATOR,
    coast_periods,
    stop_periods,
)
from swarm.model.strangers import STANDS, covered, fade
from swarm.sense.neighbours import N_ERROR, N_PACE, N_PUSH, N_RADIUS, N_TOP, N_X, N_Y, Around, is_stranger

STRANGER_LINE = 6
"""Columns of a line: normal, the least n . x [m] if the stranger stood, its pace, push and top speed."""
_NX, _NY, _LEAST, _PACE, _PUSH, _TOP = range(STRANGER_LINE)
# Room that rounding may not eat.
_ROUNDING = 1e-12


@uncounted
def build_stranger_lines(body: Array, around: Around, hull: Array, many: int, lines: Array) -> int:
    """Write a line for every stranger near; returns how many there are.

    Args:
        body: ``float64[BODY]``.
        around: What the robot has to keep clear of.
        hull: ``float64[3, 2]``, its own stop hull.
        many: Points of it.
        lines: ``float64[K, STRANGER_LINE]``, written.
    """
    count, there, own = 0, stack_rows(1, 2), around.trail[T_ERROR]
    for k in range(around.num_neighbours):
        other = around.neighbours[k]
        if not is_stranger(other):
            continue
        there[0, 0], there[0, 1] = other[N_X], other[N_Y]
        distance, nx, ny, _, _ = hull_to_hull(hull, many, there, 1)
        both = body[RADIUS] + other[N_RADIUS] + max(body[FLOOR], own + other[N_ERROR]) + _ROUNDING
        line = lines[count]
        line[_NX], line[_NY] = nx, ny
        # One who stands in the robot's way to rest leaves no normal, and only braking.
        line[_LEAST] = nx * other[N_X] + ny * other[N_Y] + both if distance > 0.0 else math.inf
        line[_PACE], line[_PUSH], line[_TOP] = other[N_PACE], other[N_PUSH], other[N_TOP]
        count += 1
    return count


@uncounted
def _clear(
    x: float, y: float, bulge: float, time: float, part: float, stray: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """Whether a point keeps all lines with ``part`` of what strangers cover in a time [s], and ``bulge`` more [m].

    A way that comes elsewhere than planned does so by a share ``stray`` of itself, from the nearest point of the hull.
    """
    if stray > 0.0:
        cx, cy = hull[0, 0], hull[0, 1]
        if many > 1:
            cx, cy = nearest_in(x, y, hull, many)
        bulge += stray * math.hypot(x - cx, y - cy)
    for k in range(count):
        line = lines[k]
        grown = part * covered(line[_PACE], line[_PUSH], line[_TOP], time) if time > 0.0 else 0.0
        if line[_NX] * x + line[_NY] * y < line[_LEAST] + bulge + grown:
            return False
    return True


@uncounted
def keeps_clear(
    kind: int, state: Array, body: Array, trail: Array, ux: float, uy: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """Whether a robot under a control, and under braking behind it, stands before any stranger can be there.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``, ahead of the body if its actuators lag.
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]``.
        ux: The first number of the control.
        uy: The second.
        hull: ``float64[3, 2]``, its own stop hull.
        many: Points of it.
        lines: ``float64[K, STRANGER_LINE]`` (``build_stranger_lines``).
        count: How many.
    """
    dt, stray, x, y = body[PERIOD], trail[T_STRAY], state[0], state[1]
    if body[LAG] > 0.0:
        return _keeps_clear_late(kind, state, body, trail, ux, uy, hull, many, lines, count)
    if kind != SINGLE_INTEGRATOR and kind != DOUBLE_INTEGRATOR:
        ramped = is_second_order(body)
        if ux == 0.0 and (not ramped or trail[T_SPEED] == 0.0):
            return True  # It stands, however it turns.
        if ramped:
            return _keeps_clear_ramp(state, body, trail, ux, uy, hull, many, lines, count)
    if not _clear(x, y, 0.0, 0.0, 1.0, 0.0, hull, many, lines, count):
        return False
    if kind == SINGLE_INTEGRATOR:
        return _clear(x + ux * dt, y + uy * dt, 0.0, dt, 1.0, stray, hull, many, lines, count)
    if kind != DOUBLE_INTEGRATOR:
        px, py, bulge = next_arc(state, body, ux, uy)
        return _clear(px, py, bulge, dt, 1.0, stray, hull, many, lines, count)
    px, py, sx, sy, vx, vy = next_stop(state, body, ux, uy)
    time = dt * stop_periods(vx, vy, body[ACCELERATION], dt)
    if not _clear(x + 0.5 * dt * state[3], y + 0.5 * dt * state[4], 0.0, dt, 0.5, stray, hull, many, lines, count):
        return False
    if not _clear(px, py, 0.0, dt, 1.0, stray, hull, many, lines, count):
        return False
    return _clear(sx, sy, 0.0, dt + time, 1.0, stray, hull, many, lines, count)


@uncounted
def _keeps_clear_ramp(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """``keeps_clear`` of a unicycle of second order."""
    dt, push, turn_push, stray = body[PERIOD], body[ACCELERATION], body[TURN_ACCELERATION], trail[T_STRAY]
    if not _clear(state[0], state[1], 0.0, 0.0, 1.0, 0.0, hull, many, lines, count):
        return False
    x, y = half_way(state, body, trail)
    if not _clear(x, y, 0.0, dt, 0.5, stray, hull, many, lines, count):
        return False
    x, y, bulge, sx, sy, cx, cy = next_ramp(state, body, trail, speed, turn_rate)
    if not _clear(x, y, bulge, dt, 1.0, stray, hull, many, lines, count):
        return False
    time = dt + dt * coast_periods(speed, turn_rate, push, turn_push, dt) if speed != 0.0 else dt
    if not _clear(sx, sy, 0.0, time, 1.0, stray, hull, many, lines, count):
        return False
    return _clear(cx, cy, 0.0, time, 1.0, stray, hull, many, lines, count)


@uncounted
def _keeps_clear_late(
    kind: int, state: Array, body: Array, trail: Array, ux: float, uy: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """``keeps_clear`` of a robot whose actuators lag: old and new hull keep clear until it stands."""
    dt, lag, stray = body[PERIOD], body[LAG], trail[T_STRAY]
    kept = math.exp(-dt / lag)
    vx, vy = ux + (trail[T_SPEED] - ux) * kept, uy + (trail[T_TURN_RATE] - uy) * kept  # of its drive
    if kind == SINGLE_INTEGRATOR:
        time = dt + fade(math.hypot(vx, vy), body)
        if not _clear(state[0] + ux * dt, state[1] + uy * dt, 0.0, time, 1.0, stray, hull, many, lines, count):
            return False
    elif kind == DOUBLE_INTEGRATOR:
        px, py, sx, sy, nx, ny = next_stop(state, body, ux, uy)
        stop = dt * stop_periods(nx, ny, body[ACCELERATION], dt)
        time = dt + stop + fade(_left_over(state, body, trail, ux, uy, stop), body)
        if not _clear(px, py, 0.0, time, 1.0, stray, hull, many, lines, count):
            return False
        if not _clear(sx, sy, 0.0, time, 1.0, stray, hull, many, lines, count):
            return False
    else:
        if ux == 0.0 and abs(trail[T_SPEED]) * (1.0 + body[STRAY]) <= STANDS:
            return True  # It stands, however it turns.
        time = dt + fade(abs(vx), body)
        if not _clear_roll(state, body, trail, ux, uy, time, hull, many, lines, count):
            return False
    clear = True
    for k in range(many):
        clear = clear and _clear(hull[k, 0], hull[k, 1], 0.0, time, 1.0, 0.0, hull, many, lines, count)
    return clear


@uncounted
def _left_over(state: Array, body: Array, trail: Array, ux: float, uy: float, stop: float) -> float:
    """A bound of the speed [m/s] of a double integrator's body when what runs ahead of it comes to rest."""
    dt, lag = body[PERIOD], body[LAG]
    begins = math.hypot(state[3] + ux * dt, state[4] + uy * dt)
    body_speed = math.hypot(trail[T_BODY_X], trail[T_BODY_Y]) / lag
    fastest = max(max(body_speed, math.hypot(state[3], state[4])), begins)
    if stop <= 0.0:
        return fastest
    kept = math.exp(-stop / lag)
    # A low-pass filter of a speed that falls linearly.
    return kept * fastest + begins * lag / stop * (1.0 - kept * (1.0 + stop / lag))


@uncounted
def _clear_roll(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float, time: float, hull: Array, many: int,
    lines: Array, count: int,
) -> bool:  # fmt: skip
    """Whether all new points of the hull of a unicycle that lags keep clear for a time [s]."""
    stray = trail[T_STRAY]
    x, y, bulge, sx, sy, cx, cy = next_roll(state, body, trail, speed, turn_rate)
    if not _clear(x, y, bulge, time, 1.0, stray, hull, many, lines, count):
        return False
    if not _clear(cx, cy, 0.0, time, 1.0, stray, hull, many, lines, count):
        return False
    return _clear(sx, sy, 0.0, time, 1.0, stray, hull, many, lines, count)
