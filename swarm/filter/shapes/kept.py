"""Whether points of a polygon's next stop hull keep the lines of its shield, also where something may be elsewhere."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.hulls.geometry import MOST, nearest_in
from swarm.filter.hulls.lines import L_APART, L_KAPPA, L_NX, L_NY, L_SHARE, L_X, L_Y, turned
from swarm.filter.hulls.next_hull import next_arc, next_ramp, next_roll, next_stop
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import T_ERROR, T_SPEED, T_STRAY, T_TURN_RATE
from swarm.model.body import FLOOR, LAG, PERIOD, RADIUS, REACH, STRAY, is_second_order
from swarm.model.dynamics import SINGLE_INTEGRATOR, UNICYCLE
from swarm.sense.neighbours import N_ERROR, N_RADIUS, N_REACH, N_X, N_Y, O_GAP, Around, is_stranger


@uncounted
def is_exact(lines: Array, count: int) -> bool:
    """Whether no line says that anything may be elsewhere."""
    wrong = 0.0
    for k in range(count):
        wrong = max(wrong, lines[k, L_KAPPA], lines[k, L_APART])
    return wrong <= 0.0


@uncounted
def keep_exact(points: Array, first: int, last: int, bulge: float, lines: Array, count: int) -> bool:
    """Whether the points from ``first`` to before ``last`` keep all lines, with ``bulge`` [m] to spare."""
    for k in range(first, last):
        x, y = points[k, 0], points[k, 1]
        for i in range(count):
            line = lines[i]
            if line[L_NX] * (x - line[L_X]) + line[L_NY] * (y - line[L_Y]) + line[L_SHARE] < bulge:
                return False
    return True


@uncounted
def keep_wrong(
    points: Array, first: int, last: int, bulge: float, way: float, shape: Array, before: Array, lines: Array,
    count: int,
) -> bool:  # fmt: skip
    """``keep_exact`` where something may be elsewhere; ``way``: the longest one of the body's middle [m].

    The point q of the present hull may be chosen: the one that is nearest to the line, where the new point was before,
    or the one that is nearest to the new point.
    """
    hull, many = shape[1:], int(shape[0, 0])
    for k in range(first, last):
        x, y, was = points[k, 0], points[k, 1], before[k]
        for i in range(count):
            line = lines[i]
            room, least = line[L_SHARE] - bulge, line[L_KAPPA] * way
            if _left(line, x - line[L_X], y - line[L_Y], room, least):
                continue
            if _left(line, x - was[0], y - was[1], room, least):
                continue
            cx, cy = nearest_in(x, y, hull, many)
            if not _left(line, x - cx, y - cy, room, least):
                return False
    return True


@uncounted
def _left(line: Array, dx: float, dy: float, room: float, least: float) -> bool:
    """Whether a way [m] within a period leaves room to a line; at least ``least`` [m] of it goes astray."""
    way = math.sqrt(dx * dx + dy * dy)
    return bool(line[L_NX] * dx + line[L_NY] * dy + room >= max(line[L_KAPPA] * way, least) + turned(line, way))


@uncounted
def way_of_middle(
    kind: int, state: Array, body: Array, trail: Array, ux: float, uy: float, centre: Array, many: int
) -> float:  # fmt: skip
    """The longest way [m] from the present hull of a body's middle to its next one; 0 where nothing goes astray."""
    if trail[T_STRAY] <= 0.0:
        return 0.0
    then, dt = stack_rows(MOST, 2), body[PERIOD]
    for k in range(MOST):
        then[k, 0], then[k, 1] = state[0], state[1]
    if kind == SINGLE_INTEGRATOR:
        then[0, 0], then[0, 1] = state[0] + ux * dt, state[1] + uy * dt
    elif kind != UNICYCLE:
        then[0, 0], then[0, 1], then[1, 0], then[1, 1], _, _ = next_stop(state, body, ux, uy)
    elif is_second_order(body):
        x, y, _, sx, sy, cx, cy = next_ramp(state, body, trail, ux, uy)
        then[0, 0], then[0, 1], then[1, 0], then[1, 1], then[2, 0], then[2, 1] = x, y, sx, sy, cx, cy
    elif body[LAG] > 0.0:
        x, y, _, sx, sy, cx, cy = next_roll(state, body, trail, ux, uy)
        then[0, 0], then[0, 1], then[1, 0], then[1, 1], then[2, 0], then[2, 1] = x, y, sx, sy, cx, cy
    else:
        then[0, 0], then[0, 1], _ = next_arc(state, body, ux, uy)
    square = 0.0
    for k in range(many):
        for i in range(MOST):
            dx, dy = then[i, 0] - centre[k, 0], then[i, 1] - centre[k, 1]
            square = max(square, dx * dx + dy * dy)
    return math.sqrt(square)


@uncounted
def bulge_of(body: Array, trail: Array, speed: float, turn_rate: float, arm: float) -> float:
    """How much nearer [m] than its next place a unicycle's corner, at ``arm`` [m], may come on the way there."""
    dt, lag = body[PERIOD], body[LAG]
    v, w, dv, dw, ddv, ddw = abs(speed), abs(turn_rate), 0.0, 0.0, 0.0, 0.0
    if lag > 0.0 or is_second_order(body):
        more_v, more_w = abs(speed - trail[T_SPEED]), abs(turn_rate - trail[T_TURN_RATE])
        v, w = max(v, abs(trail[T_SPEED])), max(w, abs(trail[T_TURN_RATE]))
        if 0.0 < lag < dt:
            return (1.0 + body[STRAY]) * dt * (more_v + more_w * arm + w * dt * (v + w * arm))
        time = lag if lag > 0.0 else dt
        dv, dw = more_v / time, more_w / time
        if lag > 0.0:
            ddv, ddw = dv / lag, dw / lag
    ways = math.hypot(2.0 * dv * w + v * dw, ddv + v * w * w)
    turns = math.hypot(3.0 * dw * w, ddw + w * w * w)
    return (1.0 + body[STRAY]) * dt * dt * dt / 6.0 * (ways + turns * arm)


@uncounted
def is_alone(state: Array, body: Array, around: Around) -> bool:
    """Whether nothing is near enough for a line: neither bodies nor obstacles nor bounds, whatever the robot does."""
    x, y, error, reach = state[0], state[1], around.trail[T_ERROR], body[REACH]
    for k in range(around.num_neighbours):
        other = around.neighbours[k]
        room = max(2.0 * body[FLOOR], error + other[N_ERROR])
        far = body[RADIUS] + other[N_RADIUS] + room + reach + other[N_REACH]
        dx, dy = x - other[N_X], y - other[N_Y]
        if dx * dx + dy * dy < far * far or is_stranger(other):
            return False
    margin = max(body[FLOOR], error)
    for k in range(around.num_obstacles):
        if around.obstacles[k, O_GAP] - (body[RADIUS] + margin) <= reach:
            return False
    least = min(min(x - around.bounds[0], around.bounds[2] - x), min(y - around.bounds[1], around.bounds[3] - y))
    return bool(least >= 3.0 * reach + margin)  # that of its way to rest is a reach less
