"""The lines of the hull shield (``swarm.filter.hull_shield`` says why these): built for a robot, and kept or not."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.hulls import MOST, closest, hull_to_hull, hull_to_obstacle, inside, other_hull
from swarm.model.actuators import T_ERROR, T_STRAY
from swarm.model.body import FLOOR, PERIOD, RADIUS, REACH
from swarm.sense.neighbours import N_ERROR, N_RADIUS, N_REACH, N_X, N_Y, O_GAP, Around, is_stranger

LINE = 6
"""Columns of a line: normal, the nearest point of the own hull (m), the share of the gap (m), kappa."""
L_NX, L_NY, L_X, L_Y, L_SHARE, L_KAPPA = range(LINE)
# Room that rounding may not eat.
_ROUNDING = 1e-12


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
        if is_stranger(other):
            continue
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
def keeps(x: float, y: float, bulge: float, hull: Array, many: int, lines: Array, count: int) -> bool:
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
