"""The shield of a robot that is a convex polygon: lines between stop hulls, kept by every corner.

A robot stays in its *shape* (``swarm.model.shapes``): the convex hull of its corners and of all their ways to rest.
Between two shapes runs the line that halves their gap, and what ``swarm.filter.hull_shield`` says of hulls holds of
them, with radii of 0; so a micrometre is kept, since what meets has no normal. A control passes if every new corner,
where it would come to rest, and where the tangents of its arc between them meet keep all lines.

Between samples: a corner's place p(t) differs from the quadratic Bezier curve with the control points p(0), q = p(0) +
p'(0) dt / 2 and p(dt) by at most J dt^3 / 6 s^2 (1 - s), with s = t / dt and J a bound of the third derivative. With
the body's speed v and turn rate w, and the corner at c from its origin, that derivative is, in the body's frame,

    (2 v' w + v w') across - v w^2 ahead - 3 w w' c (inwards) - w^3 c (across that);

of a body that stops at once, v' = w' = 0. So q keeps all lines as well, unless it is within the present hull: there it
is if braking takes two periods or more, as the meeting of the tangents is a quarter of the corner's speed times
the braking time ahead, or more. Integrators do not turn: J = 0, and q is on the segment to where they come to rest.

Turning moves corners: it is not free, and is drawn towards braking together with the speed, if neither to stop and turn
nor to go straight on keeps all lines.

Bounds of the world are those of a centre, and strangers stay clear of the disc around a polygon: for both the hull is
that of a disc's centre.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.hull_lines import (
    L_APART,
    L_KAPPA,
    L_NX,
    L_NY,
    L_SHARE,
    L_X,
    L_Y,
    LINE,
    body_lines,
    bound_lines,
    keeps,
)
from swarm.filter.hull_shield import admits, brake_in_hull
from swarm.filter.hulls import MOST, own_hull
from swarm.filter.next_hull import next_stop
from swarm.filter.stranger_lines import STRANGER_LINE, build_stranger_lines, keeps_clear
from swarm.kernel_cache.references import counted
from swarm.model.actuators import T_SPEED, T_TURN_RATE, ramp
from swarm.model.body import ACCELERATION, PERIOD, STRAY, TURN_ACCELERATION, is_car, is_second_order
from swarm.model.dynamics import (
    SHARPEST,
    SINGLE_INTEGRATOR,
    STATE,
    UNICYCLE,
    arc_offset,
    coast_periods,
)
from swarm.model.shapes import corners_of, place_corners, roll_corners, shape_size, stop_shape, turn_of
from swarm.model.steering import steers
from swarm.sense.neighbours import Around

_BISECTIONS = 8


@njit(cache=True)
def _is_exact(lines: Array, count: int) -> bool:
    """Whether no line says that anything may be elsewhere."""
    wrong = 0.0
    for k in range(count):
        wrong = max(wrong, lines[k, L_KAPPA], lines[k, L_APART])
    return wrong <= 0.0


@njit(cache=True)
def _keep(
    points: Array, first: int, last: int, bulge: float, hull: Array, many: int, lines: Array, count: int, exact: bool
) -> bool:
    """Whether the points from ``first`` to before ``last`` keep all lines, with ``bulge`` [m] to spare."""
    for k in range(first, last):
        x, y = points[k, 0], points[k, 1]
        if not exact:
            if not keeps(x, y, bulge, hull, many, lines, count):
                return False
            continue
        for i in range(count):
            line = lines[i]
            if line[L_NX] * (x - line[L_X]) + line[L_NY] * (y - line[L_Y]) + line[L_SHARE] < bulge:
                return False
    return True


@njit(cache=True)
def _half_way(
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


@njit(cache=True)
def _next_place(state: Array, body: Array, trail: Array, speed: float, turn_rate: float, then: Array) -> None:
    """Write the state of a unicycle one period later, ``float64[5]``."""
    dt = body[PERIOD]
    if is_second_order(body):
        drive, control = np.empty(2), np.empty(2)
        drive[0], drive[1], control[0], control[1] = trail[T_SPEED], trail[T_TURN_RATE], speed, turn_rate
        ramp(state, drive, control, dt, dt, 0.0, then, drive)
        return
    dx, dy = arc_offset(state[2], speed, turn_rate, dt)
    then[0], then[1], then[2] = state[0] + dx, state[1] + dy, state[2] + turn_rate * dt


@njit(cache=True)
def _admits_turn(
    state: Array, body: Array, trail: Array, footprint: Array, speed: float, turn_rate: float, hull: Array, many: int,
    lines: Array, count: int, exact: bool, points: Array,
) -> bool:  # fmt: skip
    """``_admits_shape`` of a unicycle."""
    dt, corners, push, turn_push = body[PERIOD], corners_of(footprint), body[ACCELERATION], body[TURN_ACCELERATION]
    ramped, then = is_second_order(body), np.empty(STATE)
    v, w, dv, dw, periods = speed, turn_rate, 0.0, 0.0, 1.0
    if ramped:
        if 0.5 * dt * abs(w) * coast_periods(v, w, push, turn_push, dt) > SHARPEST:
            return False
        v, w = trail[T_SPEED], trail[T_TURN_RATE]
        dv, dw, periods = abs(speed - v) / dt, abs(turn_rate - w) / dt, coast_periods(v, w, push, turn_push, dt)
    if periods == 1.0:  # of one that stops at once, too, as its speed jumps
        _half_way(state, v, w, dt, footprint, corners, points)
        if not _keep(points, 0, corners, 0.0, hull, many, lines, count, exact):
            return False
    _next_place(state, body, trail, speed, turn_rate, then)
    many_points = corners
    if ramped:
        time = turn_of(body, speed, turn_rate)
        many_points = roll_corners(then[0], then[1], then[2], speed, turn_rate, time, footprint, points)
    else:
        place_corners(then[0], then[1], then[2], footprint, points)
    v, w = max(abs(speed), abs(v)), max(abs(turn_rate), abs(w))
    ways = math.hypot(2.0 * dv * w + v * dw, v * w * w)
    turns, scale = w * math.hypot(3.0 * dw, w * w), (1.0 + body[STRAY]) * dt * dt * dt / 6.0
    for k in range(corners):
        bulge = scale * (ways + turns * math.hypot(footprint[k, 0], footprint[k, 1]))
        if not _keep(points, k, k + 1, bulge, hull, many, lines, count, exact):
            return False
    return _keep(points, corners, many_points, 0.0, hull, many, lines, count, exact)


@njit(cache=True)
def _admits_shape(
    kind: int, state: Array, body: Array, trail: Array, footprint: Array, ux: float, uy: float, hull: Array, many: int,
    lines: Array, count: int, exact: bool, points: Array,
) -> bool:  # fmt: skip
    """Whether all points of the next shape, and those that hold the way there, keep all lines under a control."""
    if count == 0 and not is_second_order(body):
        return True
    if kind == UNICYCLE:
        return _admits_turn(state, body, trail, footprint, ux, uy, hull, many, lines, count, exact, points)
    dt = body[PERIOD]
    if kind == SINGLE_INTEGRATOR:
        corners = place_corners(state[0] + ux * dt, state[1] + uy * dt, state[2], footprint, points)
        return _keep(points, 0, corners, 0.0, hull, many, lines, count, exact)
    px, py, sx, sy, _, _ = next_stop(state, body, ux, uy)
    corners = place_corners(px, py, state[2], footprint, points)
    if not _keep(points, 0, corners, 0.0, hull, many, lines, count, exact):
        return False
    place_corners(sx, sy, state[2], footprint, points)
    return _keep(points, 0, corners, 0.0, hull, many, lines, count, exact)


@njit(cache=True)
def _passes(
    kind: int, state: Array, body: Array, around: Around, ux: float, uy: float, shape: Array, lines: Array, count: int,
    exact: bool, points: Array, centre: Array, many: int, sides: Array, bounds: int, strange: Array, met: int,
) -> bool:  # fmt: skip
    """Whether a control keeps the lines of bodies and obstacles, those of the bounds, and clear of strangers."""
    trail, footprint = around.trail, around.footprint
    if not _admits_shape(
        kind, state, body, trail, footprint, ux, uy, shape[1:], int(shape[0, 0]), lines, count, exact, points
    ):
        return False
    if bounds > 0 and not admits(kind, state, body, trail, ux, uy, centre, many, sides, bounds):
        return False
    if is_car(body) and not steers(body, trail, ux, uy):
        return False
    return met == 0 or keeps_clear(kind, state, body, trail, ux, uy, centre, many, strange, met)


@counted
def shield_shape(kind: int, state: Array, body: Array, around: Around, control: Array) -> float:
    """Draw the ``control`` of a polygon towards braking until it is safe; returns the share that was kept.

    Arguments as of ``swarm.filter.safety.shield``.
    """
    trail, footprint = around.trail, around.footprint
    size = shape_size(footprint.shape[0])
    shape, points, centre = np.empty((size, 2)), np.empty((size, 2)), np.empty((MOST, 2))
    lines, sides = np.empty((around.num_neighbours + around.num_obstacles, LINE)), np.empty((4, LINE))
    strange = np.empty((around.num_neighbours, STRANGER_LINE))
    stop_shape(kind, state, body, trail, footprint, shape)
    count = body_lines(kind, state, body, around, 0.0, shape[1:], int(shape[0, 0]), lines)
    many = own_hull(kind, state, body[ACCELERATION], body[PERIOD], trail, centre)
    bounds = bound_lines(body, around, centre, many, sides, 0)
    met = build_stranger_lines(body, around, centre, many, strange)
    ux, uy = control[0], control[1]
    brake_in_hull(kind, state, body, trail, control)
    if around.truncated or count < 0 or not (math.isfinite(ux) and math.isfinite(uy)):
        return 0.0
    exact, bx, by = _is_exact(lines, count), control[0], control[1]
    given = (shape, lines, count, exact, points, centre, many, sides, bounds, strange, met)
    control[0], control[1] = ux, uy
    if _passes(kind, state, body, around, ux, uy, *given):
        return 1.0
    free = kind == UNICYCLE and not is_car(body)  # to turn and to drive apart
    if free and _passes(kind, state, body, around, bx, uy, *given):
        by = uy
    elif free and _passes(kind, state, body, around, ux, by, *given):
        bx = ux
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if _passes(kind, state, body, around, bx + middle * (ux - bx), by + middle * (uy - by), *given):
            low = middle
        else:
            high = middle
    control[0], control[1] = bx + low * (ux - bx), by + low * (uy - by)
    return low
