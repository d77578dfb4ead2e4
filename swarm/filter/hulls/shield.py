"""The shield where something is not exact, or actuators take time: lines between stop hulls, with a cone for errors.

Let K be the true stop hull of a robot (``geometry``), L that of somebody else, d their distance, n the normal
there; e bounds how far both hulls together may be from where the robot believes them to be. Where it takes both for
points, the true nearest points are within e of these, so the robot's own normal is within asin(e / d) of n, and differs
from it by no more than kappa = 2 sin(asin(e / d) / 2). A new hull whose points p' have, for some point q of the present
one,

    n_robot . (p' - q) >= -share + kappa |p' - q|,

comes nearer to L, along n, by no more than ``share``; a way that turns out to be longer or to go elsewhere by a part of
itself (slip, a wrong heading) adds that part to kappa. With share = max(d_robot - radii - room, 0) / 2 of a gap to a
robot, and all of a gap to an obstacle, true distances never fall below the radii if room >= e: where both have a share,
d - 2 (d + e - radii - room) / 2 >= radii; where one has, (d - e + radii + room) / 2 >= radii; where none has, no hull
comes nearer along n at all, and no robot slides into another. Braking (the next hull within the present one) is always
admitted. What is unknown of somebody for want of news is a part of e, for as long as it lasts.

Hulls that are no points may be wrong in shape as well: a heading turns them, late news miss how they change. Then
normals may differ by more. Let d' be the believed distance and beta = d + e - d' (at least 0) by how much it might be
larger. The true nearest points lie within e of the believed sets, which lie beyond d' along the robot's normal: so the
cosine between both normals is at least (d' - e) / d = 1 - beta / d, and they differ by no more than sqrt(2 beta / d). A
way u comes nearer by that times |u| more than it seems; but the share is smaller by beta / 2 than half of the true gap.
What is left is kept as well (``lines``), at most over all beta from i = max(radii + e - d', 0) to 2 e:

    sqrt(2 beta / d) |u| - (beta - i) / 2,    |u|^2 / d for i = 0,

with beta in place of beta / 2 for an obstacle, and for d the least that it may be.

Exact states have e = kappa = 0: then these are the lines of ``swarm.filter.shield``. Strangers have lines of their own
(``swarm.filter.hulls.strangers``).

Unicycles of second order. Between samples a body's place p(t) differs from the quadratic Bezier curve with the control
points p(0), q = p(0) + p'(0) dt / 2 and p(dt) by the error of an interpolation, at most J dt^3 / 6 s^2 (1 - s) with
s = t / dt and J a bound of the third derivative; the weight of p(dt) in the curve is s^2. So whatever holds p(0), q and
p(dt), the last with J dt^3 / 6 to spare, holds the path. Where braking takes two periods or more, q is in the present
hull: on the tangent at its start, before the corner (which is at least a quarter of speed times braking time away).
With speed v and turn rate w linear in time, the third derivative is 2 v' w + v w' across and -v w^2 along the way.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.hulls.deflection import DEFLECTED, TURNS, turn_aside
from swarm.filter.hulls.geometry import MOST, own_hull
from swarm.filter.hulls.lines import L_NX, L_NY, LINE, build_lines, keeps, lacks
from swarm.filter.hulls.next_hull import half_way, next_arc, next_ramp, next_roll, next_stop
from swarm.filter.hulls.strangers import STRANGER_LINE, build_stranger_lines, keeps_clear
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import (
    T_SPEED,
    T_TURN_RATE,
    brake_roll,
)
from swarm.model.body import (
    ACCELERATION,
    ERROR,
    LAG,
    PERIOD,
    STRAY,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    is_car,
    is_second_order,
)
from swarm.model.dynamics import (
    DOUBLE_INTEGRATOR,
    SHARPEST,
    SINGLE_INTEGRATOR,
    UNICYCLE,
    brake,
    coast_periods,
)
from swarm.model.shapes import points_of
from swarm.model.steering import steers
from swarm.sense.neighbours import N_BODY_X, N_BODY_Y, N_ERROR, Around, is_stranger

_BISECTIONS = 12
# So near to braking [m/s²] a control is braking.
_BRAKES = 1e-9


@uncounted
def _may_be_wrong(body: Array) -> bool:
    """Whether anything of the robot itself is not exact."""
    return bool(body[ERROR] > 0.0 or body[LAG] > 0.0 or body[STRAY] > 0.0)


@uncounted
def is_inexact(body: Array, around: Around) -> bool:
    """Whether anything of the robot or of somebody near is not exact or no disc, a way bends, or a stranger is near."""
    if _may_be_wrong(body) or is_second_order(body) or is_car(body):
        return True
    neighbours = around.neighbours
    for k in range(around.num_neighbours):
        other = neighbours[k]
        if other[N_ERROR] > 0.0 or other[N_BODY_X] != 0.0 or other[N_BODY_Y] != 0.0 or is_stranger(other):
            return True
        if points_of(around.shapes, k) > 0:
            return True
    return False


@uncounted
def admits(
    kind: int, state: Array, body: Array, trail: Array, ux: float, uy: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """Whether all points of the next hull that are new, under a control, keep all lines."""
    dt = body[PERIOD]
    if kind == SINGLE_INTEGRATOR:
        return keeps(state[0] + ux * dt, state[1] + uy * dt, 0.0, hull, many, lines, count)
    if kind == DOUBLE_INTEGRATOR:
        px, py, sx, sy, _, _ = next_stop(state, body, ux, uy)
        if not keeps(px, py, 0.0, hull, many, lines, count):
            return False
        return keeps(sx, sy, 0.0, hull, many, lines, count)
    if is_second_order(body):
        return _admits_ramp(state, body, trail, ux, uy, hull, many, lines, count)
    if body[LAG] <= 0.0:
        x, y, bulge = next_arc(state, body, ux, uy)
        return keeps(x, y, bulge, hull, many, lines, count)
    return _admits_roll(state, body, trail, ux, uy, hull, many, lines, count)


@uncounted
def _admits_roll(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """``admits`` of a unicycle that lags: its body, where it would come to rest, and the corner between them."""
    x, y, bulge, sx, sy, cx, cy = next_roll(state, body, trail, speed, turn_rate)
    if not keeps(x, y, bulge, hull, many, lines, count):
        return False
    return keeps(cx, cy, 0.0, hull, many, lines, count) and keeps(sx, sy, 0.0, hull, many, lines, count)


@uncounted
def turns_gently(body: Array, speed: float, turn_rate: float) -> bool:
    """Whether the way to rest of a unicycle of second order with these speeds is an arc that its triangle holds."""
    push, turn_push, dt = body[ACCELERATION], body[TURN_ACCELERATION], body[PERIOD]
    return bool(0.5 * dt * abs(turn_rate) * coast_periods(speed, turn_rate, push, turn_push, dt) <= SHARPEST)


@uncounted
def _admits_ramp(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """``admits`` of a unicycle of second order: its next place, the end of its way to rest, the corner between."""
    dt, push, turn_push = body[PERIOD], body[ACCELERATION], body[TURN_ACCELERATION]
    if not turns_gently(body, speed, turn_rate):
        return False
    if coast_periods(trail[T_SPEED], trail[T_TURN_RATE], push, turn_push, dt) == 1.0:
        x, y = half_way(state, body, trail)
        if not keeps(x, y, 0.0, hull, many, lines, count):
            return False
    x, y, bulge, sx, sy, cx, cy = next_ramp(state, body, trail, speed, turn_rate)
    if not keeps(x, y, bulge, hull, many, lines, count):
        return False
    return keeps(sx, sy, 0.0, hull, many, lines, count) and keeps(cx, cy, 0.0, hull, many, lines, count)


@uncounted
def brake_in_hull(kind: int, state: Array, body: Array, trail: Array, control: Array) -> None:
    """Write the command with which a robot stays in its hull, and its next hull in the present one."""
    if is_second_order(body):
        push, turn_push = body[ACCELERATION], body[TURN_ACCELERATION]
        brake_roll(trail[T_SPEED], trail[T_TURN_RATE], push, turn_push, body[PERIOD], control)
    else:
        brake(kind, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)


@uncounted
def _passes(
    kind: int, state: Array, body: Array, trail: Array, ux: float, uy: float, hull: Array, many: int, lines: Array,
    count: int, strange: Array, met: int,
) -> bool:  # fmt: skip
    """Whether a control keeps all lines, and clear of the strangers that are met."""
    if not admits(kind, state, body, trail, ux, uy, hull, many, lines, count):
        return False
    if is_car(body) and not steers(body, trail, ux, uy):
        return False
    return met == 0 or keeps_clear(kind, state, body, trail, ux, uy, hull, many, strange, met)


@uncounted
def _bisect(
    kind: int, state: Array, body: Array, trail: Array, bx: float, by: float, control: Array, hull: Array, many: int,
    lines: Array, count: int, strange: Array, met: int,
) -> float:  # fmt: skip
    """Draw ``control`` towards (bx, by), which counts as admitted, until it is; returns the share that was kept."""
    ux, uy, low, high = control[0], control[1], 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        x, y = bx + middle * (ux - bx), by + middle * (uy - by)
        if _passes(kind, state, body, trail, x, y, hull, many, lines, count, strange, met):
            low = middle
        else:
            high = middle
    control[0], control[1] = bx + low * (ux - bx), by + low * (uy - by)
    return low


@uncounted
def _deflected(state: Array, body: Array, hull: Array, many: int, control: Array, lines: Array, count: int) -> bool:
    """Turn the control of a double integrator aside, in place, until it keeps all lines; False if that fails."""
    for _ in range(TURNS):
        px, py, sx, sy, _, _ = next_stop(state, body, control[0], control[1])
        worst, missed = 0.0, -1
        for k in range(count):
            lack = max(lacks(px, py, 0.0, hull, many, lines[k]), lacks(sx, sy, 0.0, hull, many, lines[k]))
            if lack > worst:
                worst, missed = lack, k
        if missed < 0:
            return True
        turn_aside(state, body, lines[missed, L_NX], lines[missed, L_NY], worst, control)
    return False


@njit(cache=True)
def shield_hulls(kind: int, state: Array, body: Array, around: Around, control: Array) -> float:
    """Draw ``control`` towards braking until it is safe, as ``swarm.filter.shield.shield`` does; returns the share."""
    size = around.num_neighbours + around.num_obstacles + 4
    return shield_hulls_by(kind, state, body, around, control, np.empty((size, LINE)), np.empty((size, STRANGER_LINE)))


@uncounted
def shield_hulls_by(
    kind: int, state: Array, body: Array, around: Around, control: Array, lines: Array, strange: Array
) -> float:
    """``shield_hulls``, with room to write lines: ``float64[K + M + 4, LINE]``, ``float64[K, STRANGER_LINE]``."""
    hull, trail = stack_rows(MOST, 2), around.trail
    many = own_hull(kind, state, body[ACCELERATION], body[PERIOD], trail, hull)
    count = build_lines(kind, state, body, around, hull, many, lines)
    met = build_stranger_lines(body, around, hull, many, strange)
    ux, uy = control[0], control[1]
    finite = math.isfinite(ux) and math.isfinite(uy)
    brake_in_hull(kind, state, body, trail, control)
    if around.truncated or count < 0 or not finite:
        return 0.0
    bx, by = control[0], control[1]
    control[0], control[1] = ux, uy
    if _passes(kind, state, body, trail, ux, uy, hull, many, lines, count, strange, met):
        return 1.0
    brakes = max(abs(ux - bx), abs(uy - by)) <= _BRAKES  # that stays what it is
    if kind == DOUBLE_INTEGRATOR and _may_be_wrong(body) and not brakes:
        if _deflected(state, body, hull, many, control, lines, count) and _passes(
            kind, state, body, trail, control[0], control[1], hull, many, lines, count, strange, met
        ):
            return DEFLECTED
        control[0], control[1] = ux, uy
    slowest = bx if is_second_order(body) else 0.0
    free = kind == UNICYCLE and not is_car(body)
    if free and _passes(kind, state, body, trail, slowest, uy, hull, many, lines, count, strange, met):
        by = uy  # Turning on the spot is free, as soon as the robot stands.
    return _bisect(kind, state, body, trail, bx, by, control, hull, many, lines, count, strange, met)
