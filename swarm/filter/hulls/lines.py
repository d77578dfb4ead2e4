"""The lines of the hull shield (``shield`` says why these): built for a robot, and kept or not."""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.filter.hulls.geometry import (
    MOST,
    hull_to_hull,
    hull_to_obstacle,
    nearest_in,
    other_hull,
    polygon_to_obstacle,
    polygon_to_polygon,
    shape_to_shape,
)
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import T_ERROR, T_STRAY
from swarm.model.body import FLOOR, PERIOD, RADIUS, REACH, ROUND
from swarm.model.dynamics import DOUBLE_INTEGRATOR
from swarm.model.shapes import points_of, taken_for_discs
from swarm.sense.neighbours import N_ERROR, N_RADIUS, N_REACH, N_X, N_Y, O_GAP, Around, is_stranger

LINE = 10
"""Columns of a line: normal, the nearest point of the own hull (m), the share of the gap (m), kappa; and of a line
between sets whose shapes may be wrong: how far apart they are at least (m; 0: no such line), how wrong they may be (m),
by how much they look nearer than both radii and that (m, else 0), and the robot's part of a gap."""
L_NX, L_NY, L_X, L_Y, L_SHARE, L_KAPPA, L_APART, L_WRONG, L_INSIDE, L_PART = range(LINE)
# Room that rounding may not eat.
_ROUNDING = 1e-12
# Hulls of polygons have no radius around them; where they meet they have no normal, so that so much [m] is kept.
_SKIN = 1e-6

ALL, EXCHANGED_ONLY, SENSED_ONLY = range(3)
"""Which neighbours lines are for: of a polygon, those that know its shape, or those that take it for a disc."""


@uncounted
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
    line[L_APART] = line[L_WRONG] = line[L_INSIDE] = line[L_PART] = 0.0
    return count + 1


@njit(cache=True, inline="always")
def _write_shape(line: Array, radii: float, error: float, distance: float, gap: float, part: float) -> None:
    """Note of a line that shapes are not known: radii, errors, believed distance and gap between surfaces [m]."""
    line[L_APART], line[L_WRONG] = max(radii, distance - error), error
    line[L_INSIDE], line[L_PART] = max(error - gap, 0.0), part


@njit(cache=True, inline="always")
def turned(line: Array, way: float) -> float:
    """By how much [m] a robot may come nearer than along the believed normal, over a way [m], less what that is worth.

    See ``shield``: the most over all beta, a concave function of it.
    """
    apart, inside, part = line[L_APART], line[L_INSIDE], line[L_PART]
    if apart <= 0.0:
        return 0.0
    most = max(2.0 * min(line[L_WRONG], apart), inside)  # beyond, no normal differs by more
    beta = min(max(0.5 * way * way / (apart * part * part), inside), most)
    return min(math.sqrt(2.0 * beta / apart), 2.0) * way - part * (beta - inside)


@uncounted
def build_lines(
    kind: int, state: Array, body: Array, around: Around, hull: Array, many: int, lines: Array
) -> int:  # fmt: skip
    """Write the lines that a disc's next hull has to keep; -1 if only braking is left.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it has to keep clear of.
        hull: ``float64[3, 2]``, its own.
        many: Points of it.
        lines: ``float64[K + M + 4, LINE]``, written.
    """
    count = neighbour_lines(state, body, around, body[RADIUS], ALL, hull, many, lines, 0)
    if count < 0:
        return -1
    count = obstacle_lines(kind, body, around, body[RADIUS], hull, many, lines, count)
    return count if count < 0 else bound_lines(body, around, hull, many, lines, count)


@uncounted
def neighbour_lines(
    state: Array, body: Array, around: Around, size: float, which: int, hull: Array, many: int, lines: Array, count: int
) -> int:  # fmt: skip
    """Append the lines of ``build_lines`` between bodies.

    Two polygons of which something is not exact count as if each had a radius of ``ROUND`` times its own around it;
    what ``T_ERROR`` and ``N_ERROR`` hold has this in it already.

    Args:
        state: See there, as what follows.
        body: See there.
        around: See there.
        size: Of the robot's body around its hull [m]; 0 where the hull is that of a polygon.
        which: ``ALL``, ``EXCHANGED_ONLY`` or ``SENSED_ONLY``.
        hull: ``float64[n, 2]``, convex.
        many: Points of it.
        lines: See there.
        count: How many there are before.
    """
    neighbours, reach, own = around.neighbours, body[REACH], around.trail[T_ERROR]
    stray, theirs = around.trail[T_STRAY], stack_rows(MOST, 2)
    for k in range(around.num_neighbours):
        other = neighbours[k]
        if is_stranger(other):
            continue
        if which != ALL and taken_for_discs(around.shapes, k) != (which == SENSED_ONLY):
            continue
        error = own + other[N_ERROR]
        room = max(2.0 * body[FLOOR], error)
        dx, dy = state[0] - other[N_X], state[1] - other[N_Y]
        far = body[RADIUS] + other[N_RADIUS] + room + reach + other[N_REACH]
        if dx * dx + dy * dy >= far * far:
            continue
        radii, corners = size + other[N_RADIUS], points_of(around.shapes, k)
        if corners > 0:
            radii = size
            if size <= 0.0 and error > 0.0:
                radii = ROUND * (body[RADIUS] + other[N_RADIUS])
                error, room = max(error - radii, 0.0), max(room - radii, 0.0)
            if size > 0.0:
                distance, nx, ny, ax, ay = shape_to_shape(hull, many, around.shapes[k, 1:], corners)
            else:
                distance, nx, ny, ax, ay = polygon_to_polygon(hull, many, around.shapes[k, 1:], corners)
        else:
            corners = other_hull(other, body[PERIOD], theirs)
            distance, nx, ny, ax, ay = hull_to_hull(hull, many, theirs, corners)
        if distance <= 0.0:
            return -1
        both = radii + room if radii > 0.0 else max(room, _SKIN)
        points = many == 1 and corners == 1
        kappa = (_cone(error, distance) if points else 0.0) + stray
        count = _write(lines, count, nx, ny, ax, ay, 0.5 * (distance - both), kappa)
        if not points and error > 0.0:
            _write_shape(lines[count - 1], radii, error, distance, distance - radii, 0.5)
    return count


@uncounted
def obstacle_lines(
    kind: int, body: Array, around: Around, size: float, hull: Array, many: int, lines: Array, count: int
) -> int:  # fmt: skip
    """Append the lines of ``build_lines`` between a body and obstacles; arguments as of ``neighbour_lines``."""
    obstacles, reach, own = around.obstacles, body[REACH], around.trail[T_ERROR]
    stray, margin, polygon = around.trail[T_STRAY], max(body[FLOOR], own), size <= 0.0
    if polygon and own > 0.0:
        size = ROUND * body[RADIUS]
        own, margin = max(own - size, 0.0), max(margin - size, 0.0)
    room = size + margin if size > 0.0 else max(margin, _SKIN)
    rigid = many == 1 and kind != DOUBLE_INTEGRATOR  # one that believes that it stands may have a way to rest
    for k in range(around.num_obstacles):
        if obstacles[k, O_GAP] - (body[RADIUS] + margin) > reach:
            continue
        if polygon:
            distance, nx, ny, ax, ay = polygon_to_obstacle(hull, many, obstacles[k])
        else:
            distance, nx, ny, ax, ay = hull_to_obstacle(hull, many, obstacles[k])
        if nx == 0.0 and ny == 0.0:
            return -1
        # The point of a rounded box that is nearest is so to its core as well, which is farther away.
        core = max(distance + obstacles[k, 4], 0.0)
        kappa = (_cone(own, core) if rigid else 0.0) + stray
        count = _write(lines, count, nx, ny, ax, ay, distance - room, kappa)
        if not rigid and own > 0.0:
            _write_shape(lines[count - 1], size + obstacles[k, 4], own, core, distance - size, 1.0)
    return count


@uncounted
def bound_lines(body: Array, around: Around, hull: Array, many: int, lines: Array, count: int) -> int:
    """Append the lines of ``build_lines`` that keep a centre, and its way to rest, within the bounds of the world."""
    bounds, reach, margin = around.bounds, body[REACH], max(body[FLOOR], around.trail[T_ERROR])
    for side in range(4):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        least = 0
        for k in range(1, many):
            if sign * hull[k, axis] < sign * hull[least, axis]:
                least = k
        gap = sign * (hull[least, axis] - bounds[side])
        if gap < 2.0 * reach + margin:  # twice: one that was pushed is faster than its limits
            nx, ny = (sign, 0.0) if axis == 0 else (0.0, sign)
            share, stray = gap - margin, around.trail[T_STRAY]
            count = _write(lines, count, nx, ny, hull[least, 0], hull[least, 1], share, stray)
    return count


@uncounted
def _lacks_from(x: float, y: float, from_x: float, from_y: float, bulge: float, line: Array) -> float:
    """``lacks``, of the way from a given point of the present hull."""
    dx, dy = x - from_x, y - from_y
    way = math.sqrt(dx * dx + dy * dy)
    needed = line[L_KAPPA] * way + turned(line, way)
    return float(needed - (line[L_NX] * dx + line[L_NY] * dy + (line[L_SHARE] - bulge)))


@uncounted
def lacks(x: float, y: float, bulge: float, hull: Array, many: int, line: Array) -> float:
    """By how much [m] a point of the next hull comes too near to a line; it keeps it at 0 and below.

    After a part s of the period the way to it is no more than ``bulge`` s (1 - s) (m) off the straight one: where it
    begins, by as much as if the point itself were nearer by ``bulge``.

    The point q of the present hull may be chosen: the one that is nearest to the line, else to the new point.
    """
    lack = _lacks_from(x, y, line[L_X], line[L_Y], bulge, line)
    if lack <= 0.0 or many == 1:
        return lack
    cx, cy = nearest_in(x, y, hull, many)
    return min(lack, _lacks_from(x, y, cx, cy, bulge, line))


@uncounted
def keeps(x: float, y: float, bulge: float, hull: Array, many: int, lines: Array, count: int) -> bool:
    """Whether a point of the next hull, with a way to it that is not straight, keeps all lines (``lacks``)."""
    k = 0
    while k < count and lacks(x, y, bulge, hull, many, lines[k]) <= 0.0:
        k += 1
    return k == count
