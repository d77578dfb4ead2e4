"""The shield where something is not exact, or actuators take time: lines between stop hulls, with a cone for errors.

Let K be the true stop hull of a robot (``swarm.filter.hulls``), L that of somebody else, d their distance, n the normal
there; e bounds how far both hulls together may be from where the robot believes them to be. The vector between the
nearest points of two convex sets moves by no more than the sets do, so the robot's own normal is within asin(e / d) of
n, and differs from it by no more than kappa = 2 sin(asin(e / d) / 2). A new hull whose points p' have, for some point q
of the present one,

    n_robot . (p' - q) >= -share + kappa |p' - q|,

comes nearer to L, along n, by no more than ``share``; a way that turns out to be longer or to go elsewhere by a part of
itself (slip, a wrong heading) adds that part to kappa. With share = max(d_robot - radii - room, 0) / 2 of a gap to a
robot, and all of a gap to an obstacle, true distances never fall below the radii if room >= e: where both have a share,
d - 2 (d + e - radii - room) / 2 >= radii; where one has, (d - e + radii + room) / 2 >= radii; where none has, no hull
comes nearer along n at all, and no robot slides into another. Braking (the next hull within the present one) is always
admitted. What is unknown of somebody for want of news is a part of e, for as long as it lasts.

Exact states have e = kappa = 0: then these are the lines of ``swarm.filter.safety``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.hulls import MOST, closest, hull_to_hull, hull_to_obstacle, inside, other_hull, own_hull
from swarm.model.actuators import (
    T_BODY_X,
    T_BODY_Y,
    T_CORNER_X,
    T_CORNER_Y,
    T_ERROR,
    T_HEADING,
    T_SPEED,
    T_STRAY,
    T_TURN_RATE,
    TRAIL,
    ahead,
    move,
)
from swarm.model.body import (
    ACCELERATION,
    ERROR,
    FLOOR,
    LAG,
    PERIOD,
    RADIUS,
    REACH,
    STRAY,
    TOP_SPEED,
    TURN_RATE,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SINGLE_INTEGRATOR, STATE, UNICYCLE, arc_offset, brake, stop_offset
from swarm.sense.neighbours import N_BODY_X, N_BODY_Y, N_ERROR, N_RADIUS, N_REACH, N_X, N_Y, O_GAP, Around

LINE = 6
"""Columns of a line: normal, the nearest point of the own hull (m), the share of the gap (m), kappa."""
L_NX, L_NY, L_X, L_Y, L_SHARE, L_KAPPA = range(LINE)
# Room that rounding may not eat.
_ROUNDING = 1e-12
_BISECTIONS = 12


@njit(cache=True)
def is_inexact(body: Array, around: Around) -> bool:
    """Whether anything declared of the robot or of somebody near is not exact."""
    if body[ERROR] > 0.0 or body[LAG] > 0.0 or body[STRAY] > 0.0:
        return True
    neighbours = around.neighbours
    for k in range(around.num_neighbours):
        other = neighbours[k]
        if other[N_ERROR] > 0.0 or other[N_BODY_X] != 0.0 or other[N_BODY_Y] != 0.0:
            return True
    return False


@njit(cache=True)
def _cone(error: float, distance: float) -> float:
    """By how much the own normal may differ from the true one."""
    if error >= distance:
        return 2.0
    sine = error / distance
    return math.sqrt(max(2.0 - 2.0 * math.sqrt(1.0 - sine * sine), 0.0))


@njit(cache=True, inline="always")
def _write(lines: Array, count: int, nx: float, ny: float, ax: float, ay: float, share: float, kappa: float) -> int:
    """Append a line; returns how many there are then."""
    line = lines[count]
    line[L_NX], line[L_NY], line[L_X], line[L_Y] = nx, ny, ax, ay
    line[L_SHARE], line[L_KAPPA] = max(share - _ROUNDING, 0.0), kappa
    return count + 1


@njit(cache=True)
def build_lines(
    kind: int, state: Array, body: Array, around: Around, hull: Array, many: int, lines: Array
) -> int:  # fmt: skip
    """Write the lines that the robot's next hull has to keep; -1 if only braking is left.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it has to keep clear of.
        hull: ``float64[3, 2]``, its own.
        many: Points of it.
        lines: ``float64[K + M + 4, LINE]``, written.
    """
    neighbours, obstacles, bounds = around.neighbours, around.obstacles, around.bounds
    size, reach, own, count = body[RADIUS], body[REACH], around.trail[T_ERROR], 0
    stray = around.trail[T_STRAY]
    theirs = np.empty((MOST, 2))
    for k in range(around.num_neighbours):
        other = neighbours[k]
        error = own + other[N_ERROR]
        both = size + other[N_RADIUS] + max(2.0 * body[FLOOR], error)
        dx, dy, far = state[0] - other[N_X], state[1] - other[N_Y], both + reach + other[N_REACH]
        if dx * dx + dy * dy >= far * far:
            continue
        distance, nx, ny, ax, ay = hull_to_hull(hull, many, theirs, other_hull(other, body[PERIOD], theirs))
        if distance <= 0.0:
            return -1
        kappa = _cone(error, distance) + stray
        count = _write(lines, count, nx, ny, ax, ay, 0.5 * (distance - both), kappa)
    margin = max(body[FLOOR], own)
    room = size + margin
    for k in range(around.num_obstacles):
        if obstacles[k, O_GAP] - room > reach:
            continue
        distance, nx, ny, ax, ay = hull_to_obstacle(hull, many, obstacles[k])
        if nx == 0.0 and ny == 0.0:
            return -1
        # The point of a rounded box that is nearest is so to its core as well, which is farther away.
        kappa = _cone(own, max(distance + obstacles[k, 4], 0.0)) + stray
        count = _write(lines, count, nx, ny, ax, ay, distance - room, kappa)
    for side in range(4):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        least = 0
        for k in range(1, many):
            if sign * hull[k, axis] < sign * hull[least, axis]:
                least = k
        gap = sign * (hull[least, axis] - bounds[side])
        if gap < 2.0 * reach + margin:  # twice: one that was pushed is faster than its limits
            nx, ny = (sign, 0.0) if axis == 0 else (0.0, sign)
            share = gap - margin
            count = _write(lines, count, nx, ny, hull[least, 0], hull[least, 1], share, stray)
    return count


@njit(cache=True)
def _keeps(x: float, y: float, bulge: float, hull: Array, many: int, lines: Array, count: int) -> bool:
    """Whether a point of the next hull, with a way to it that is not straight, keeps all lines.

    After a part s of the period the way is no more than ``bulge`` s (1 - s) (m) off the straight one: where it begins,
    by as much as if the point itself were nearer by ``bulge``.

    The point q of the present hull may be chosen: the one that is nearest to the line, else to the new point.
    """
    for k in range(count):
        line = lines[k]
        nx, ny, room, kappa = line[L_NX], line[L_NY], line[L_SHARE] - bulge, line[L_KAPPA]
        dx, dy = x - line[L_X], y - line[L_Y]
        if nx * dx + ny * dy + room >= kappa * math.sqrt(dx * dx + dy * dy):
            continue
        if many == 1:
            return False
        cx, cy = (x, y) if inside(x, y, hull, many) else closest(x, y, hull, many)
        dx, dy = x - cx, y - cy
        if nx * dx + ny * dy + room < kappa * math.sqrt(dx * dx + dy * dy):
            return False
    return True


@njit(cache=True)
def _admits(
    kind: int, state: Array, body: Array, trail: Array, ux: float, uy: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """Whether all points of the next hull that are new, under a control, keep all lines."""
    dt = body[PERIOD]
    if kind == SINGLE_INTEGRATOR:
        return _keeps(state[0] + ux * dt, state[1] + uy * dt, 0.0, hull, many, lines, count)
    if kind == DOUBLE_INTEGRATOR:
        vx, vy = state[3] + ux * dt, state[4] + uy * dt
        px, py = state[0] + dt * (state[3] + 0.5 * dt * ux), state[1] + dt * (state[4] + 0.5 * dt * uy)
        sx, sy = stop_offset(DOUBLE_INTEGRATOR, vx, vy, body[ACCELERATION], dt)
        if not _keeps(px, py, 0.0, hull, many, lines, count):
            return False
        return _keeps(px + sx, py + sy, 0.0, hull, many, lines, count)
    if body[LAG] <= 0.0:
        dx, dy = arc_offset(state[2], ux, uy, dt)
        bulge = 0.5 * (1.0 + body[STRAY]) * abs(ux * uy) * dt * dt
        return _keeps(state[0] + dx, state[1] + dy, bulge, hull, many, lines, count)
    return _admits_roll(state, body, trail, ux, uy, hull, many, lines, count)


@njit(cache=True)
def _admits_roll(
    state: Array, body: Array, trail: Array, speed: float, turn_rate: float, hull: Array, many: int, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """``_admits`` of a unicycle that lags: its body, where it would come to rest, and the corner between them."""
    dt, lag = body[PERIOD], body[LAG]
    here, drive, control = np.empty(STATE), np.empty(2), np.empty(2)
    here[0], here[1], here[2] = state[0] + trail[T_BODY_X], state[1] + trail[T_BODY_Y], trail[T_HEADING]
    here[3] = here[4] = 0.0
    drive[0], drive[1] = trail[T_SPEED], trail[T_TURN_RATE]
    control[0], control[1] = speed, turn_rate
    v, w, push = max(abs(speed), abs(drive[0])), max(abs(turn_rate), abs(drive[1])), abs(speed - drive[0]) / lag
    bulge = 0.5 * (1.0 + body[STRAY]) * dt * dt * (v * w + push * w * dt)  # with the second derivative across the chord
    move(UNICYCLE, here, drive, control, dt, lag, 0.0, here, drive)
    found, trails = np.empty(STATE), np.empty(TRAIL)
    ahead(UNICYCLE, here, drive, lag, found, trails)
    if not _keeps(here[0], here[1], bulge, hull, many, lines, count):
        return False
    x, y = found[0] + trails[T_CORNER_X], found[1] + trails[T_CORNER_Y]
    return _keeps(x, y, 0.0, hull, many, lines, count) and _keeps(found[0], found[1], 0.0, hull, many, lines, count)


@njit(cache=True)
def _bisect(
    kind: int, state: Array, body: Array, trail: Array, bx: float, by: float, control: Array, hull: Array, many: int,
    lines: Array, count: int,
) -> float:  # fmt: skip
    """Draw ``control`` towards (bx, by), which counts as admitted, until it is; returns the share that was kept."""
    ux, uy, low, high = control[0], control[1], 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        x, y = bx + middle * (ux - bx), by + middle * (uy - by)
        if _admits(kind, state, body, trail, x, y, hull, many, lines, count):
            low = middle
        else:
            high = middle
    control[0], control[1] = bx + low * (ux - bx), by + low * (uy - by)
    return low


@njit(cache=True)
def shield_hulls(kind: int, state: Array, body: Array, around: Around, control: Array) -> float:
    """Draw ``control`` towards braking until it is safe, as ``swarm.filter.safety.shield`` does; returns the share."""
    hull, trail = np.empty((MOST, 2)), around.trail
    lines = np.empty((around.num_neighbours + around.num_obstacles + 4, LINE))
    many = own_hull(kind, state, body[ACCELERATION], body[PERIOD], trail, hull)
    count = build_lines(kind, state, body, around, hull, many, lines)
    ux, uy = control[0], control[1]
    finite = math.isfinite(ux) and math.isfinite(uy)
    brake(kind, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)
    if around.truncated or count < 0 or not finite:
        return 0.0
    bx, by = control[0], control[1]
    control[0], control[1] = ux, uy
    if _admits(kind, state, body, trail, ux, uy, hull, many, lines, count):
        return 1.0
    if kind == UNICYCLE and _admits(kind, state, body, trail, 0.0, uy, hull, many, lines, count):
        by = uy  # Turning on the spot is free, as soon as the robot stands.
    return _bisect(kind, state, body, trail, bx, by, control, hull, many, lines, count)
