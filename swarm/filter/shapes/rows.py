"""Rows of a robot that is a convex polygon (``swarm.filter.barriers`` says what rows are).

An integrator does not turn: its rows are about the nearest points of its body and of the other. A unicycle has two rows
for each. Those of an obstacle are about the circles at its two ends, as wide as it is, so that they ask for the gap
that it needs when it drives along it; corners that stick out are the shield's business
(``swarm.filter.shapes.shield``). Of another robot, one is about the nearest points, which move as it turns: two that
stand corner to corner have to get away from each other; one is about the circle at the far end, which it would turn
into others.
"""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.filter.barriers import ROW_MARGIN, ROW_MARGIN_BRAKING, control_point, stranger_row
from swarm.filter.hulls import closest, hull_to_obstacle, inside, polygon_to_polygon
from swarm.filter.row import recover, write_row
from swarm.filter.tunables import OBSTACLE_GAIN, OBSTACLE_POWER, ROBOT_GAIN, ROBOT_POWER
from swarm.kernel_cache.references import counted, uncounted
from swarm.model.actuators import T_ERROR, T_SPEED, T_TURN_RATE
from swarm.model.body import FLOOR, LOOK_AHEAD, RADIUS, SENSING, YIELDS, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE
from swarm.model.geometry import to_obstacle
from swarm.model.shapes import end_circles, place_corners, points_of
from swarm.sense.neighbours import N_ERROR, N_RADIUS, N_VX, N_VY, N_X, N_Y, Around, is_stranger

# Who is so many radii away, as a disc, is one [radii].
_FAR = 2.0
# A row whose normal is shorter before it is scaled says nothing.
_SHORT = 1e-9


@uncounted
def _to_neighbour(x: float, y: float, other: Array, shape: Array, points: int) -> tuple[float, float, float]:
    """Gap [m] from a point to a neighbour's body, and the unit normal there."""
    cx, cy, radius = other[N_X], other[N_Y], other[N_RADIUS]
    if points > 0:
        cx, cy = closest(x, y, shape[1:], points)
        radius = 0.0
    dx, dy = x - cx, y - cy
    distance = math.sqrt(dx * dx + dy * dy)
    if distance == 0.0:
        return -radius, 1.0, 0.0
    if points > 0 and inside(x, y, shape[1:], points):
        return -distance, -dx / distance, -dy / distance
    return distance - radius, dx / distance, dy / distance


@uncounted
def _write(
    kind: int, state: Array, body: Array, trail: Array, point: tuple[float, float], gap: float, spare: float, nx: float,
    ny: float, theirs: float, gain: float, power: float, half: bool, rows: Array, rhs: Array, count: int,
) -> int:  # fmt: skip
    """Write the row of a point of the body, where a gap is; returns how many rows there are then.

    ``point``: in the body's frame [m]; ``spare``: what the row keeps more than the shield [m]; ``theirs``: the part of
    the gap's rate that is the other's; ``half``: whether the other has a half of the row.
    """
    share, partners = (0.5, 2.0) if half else (1.0, 1.0)
    if kind != UNICYCLE:
        mine = nx * state[3] + ny * state[4]
        limit = write_row(
            kind, state, body, gap - spare, nx, ny, mine - theirs, gain, power, share, partners, mine, rows[count]
        )
        rhs[count] = recover(kind, body, gap, mine - theirs, share, limit)
        return count + 1
    hx, hy = math.cos(state[2]), math.sin(state[2])
    ahead, across, mine = nx * hx + ny * hy, ny * hx - nx * hy, 0.0
    turns = across * point[0] - ahead * point[1]  # the point's speed along the normal, for each rad/s
    if is_second_order(body):
        mine = ahead * trail[T_SPEED] + turns * trail[T_TURN_RATE]
    limit = write_row(
        kind, state, body, gap - spare, nx, ny, mine - theirs, gain, power, share, partners, mine, rows[count]
    )
    length = math.hypot(ahead, turns / body[LOOK_AHEAD])
    if length < _SHORT:
        return count
    rows[count, 0], rows[count, 1] = -ahead / length, -turns / (body[LOOK_AHEAD] * length)
    rhs[count] = limit / length
    return count + 1


@uncounted
def _at(state: Array, point: tuple[float, float]) -> tuple[float, float]:
    """Where a point of the body's frame is in the world [m]."""
    hx, hy = math.cos(state[2]), math.sin(state[2])
    return state[0] + hx * point[0] - hy * point[1], state[1] + hy * point[0] + hx * point[1]


@uncounted
def _in_body(state: Array, x: float, y: float) -> tuple[float, float]:
    """A place in the world as a point of the body's frame [m]."""
    hx, hy, dx, dy = math.cos(state[2]), math.sin(state[2]), x - state[0], y - state[1]
    return hx * dx + hy * dy, hx * dy - hy * dx


@uncounted
def _far_end(
    point: tuple[float, float], one: tuple[float, float], other: tuple[float, float]
) -> tuple[float, float]:  # fmt: skip
    """The one of two points that is farther from a point."""
    near = math.hypot(one[0] - point[0], one[1] - point[1]) < math.hypot(other[0] - point[0], other[1] - point[1])
    return other if near else one


@uncounted
def _far_row(
    kind: int, state: Array, body: Array, trail: Array, other: Array, gap: float, spare: float, gain: float,
    power: float, front: tuple[float, float], rows: Array, rhs: Array, count: int,
) -> int:  # fmt: skip
    """Write the row of one so far away that the discs around both will do; returns how many there are then."""
    point = front if kind == UNICYCLE else (0.0, 0.0)
    x, y = _at(state, point)
    dx, dy = x - other[N_X], y - other[N_Y]
    length = math.sqrt(dx * dx + dy * dy)
    if length == 0.0:
        return count
    nx, ny = dx / length, dy / length
    speed = nx * other[N_VX] + ny * other[N_VY]
    return _write(kind, state, body, trail, point, gap, spare, nx, ny, speed, gain, power, True, rows, rhs, count)


@counted
def _neighbour_rows(
    kind: int, state: Array, body: Array, around: Around, own: Array, corners: int, spare: float, gain: float,
    power: float, rows: Array, rhs: Array,
) -> int:  # fmt: skip
    """Write the rows of neighbours; returns how many there are. ``own``: the body's corners in the world."""
    trail, count, one = around.trail, 0, np.empty((1, 2))
    x0, y0, x1, y1, thin = end_circles(around.footprint)
    for k in range(around.num_neighbours):
        other, points = around.neighbours[k], points_of(around.shapes, k)
        if is_stranger(other):
            x, y, grown = control_point(kind, state, body)
            size = body[RADIUS] + body[FLOOR] + grown + spare
            rhs[count] = stranger_row(
                kind, state, body, trail, x, y, state[3], state[4], size, other, gain, power, rows[count]
            )
            count += 1
            continue
        both = max(2.0 * body[FLOOR], trail[T_ERROR] + other[N_ERROR])
        one[0, 0], one[0, 1] = other[N_X], other[N_Y]
        away = math.hypot(state[0] - other[N_X], state[1] - other[N_Y]) - body[RADIUS] - other[N_RADIUS]
        if away > _FAR * body[RADIUS]:
            count = _far_row(
                kind, state, body, trail, other, away - both, spare, gain, power, (x0, y0), rows, rhs, count
            )
            continue
        if kind != UNICYCLE:
            theirs = around.shapes[k, 1:] if points > 0 else one
            gap, nx, ny, _, _ = polygon_to_polygon(own, corners, theirs, max(points, 1))
            gap -= both if points > 0 else both + other[N_RADIUS]
            if nx != 0.0 or ny != 0.0:
                point, speed = (0.0, 0.0), nx * other[N_VX] + ny * other[N_VY]
                count = _write(
                    kind, state, body, trail, point, gap, spare, nx, ny, speed, gain, power, True, rows, rhs, count
                )
            continue
        theirs = around.shapes[k, 1:] if points > 0 else one
        gap, nx, ny, ax, ay = polygon_to_polygon(own, corners, theirs, max(points, 1))
        if nx == 0.0 and ny == 0.0:
            continue
        gap, point, speed = gap - both, _in_body(state, ax, ay), nx * other[N_VX] + ny * other[N_VY]
        gap -= 0.0 if points > 0 else other[N_RADIUS]
        count = _write(kind, state, body, trail, point, gap, spare, nx, ny, speed, gain, power, True, rows, rhs, count)
        point = _far_end(point, (x0, y0), (x1, y1))
        x, y = _at(state, point)
        gap, nx, ny = _to_neighbour(x, y, other, around.shapes[k] if points > 0 else one, points)
        gap, speed = gap - (thin + both), nx * other[N_VX] + ny * other[N_VY]
        count = _write(kind, state, body, trail, point, gap, spare, nx, ny, speed, gain, power, True, rows, rhs, count)
    return count


@counted
def _obstacle_rows(
    kind: int, state: Array, body: Array, around: Around, own: Array, corners: int, spare: float, gain: float,
    power: float, rows: Array, rhs: Array, count: int,
) -> int:  # fmt: skip
    """Append the rows of obstacles and of the bounds; returns how many rows there are then."""
    trail, margin = around.trail, max(body[FLOOR], around.trail[T_ERROR])
    x0, y0, x1, y1, thin = end_circles(around.footprint)
    for k in range(around.num_obstacles):
        thing = around.obstacles[k]
        if kind != UNICYCLE:
            gap, nx, ny, _, _ = hull_to_obstacle(own, corners, thing)
            if nx != 0.0 or ny != 0.0:
                point, gap = (0.0, 0.0), gap - margin
                count = _write(
                    kind, state, body, trail, point, gap, spare, nx, ny, 0.0, gain, power, False, rows, rhs, count
                )
            continue
        for end in range(2):
            point = (x0, y0) if end == 0 else (x1, y1)
            x, y = _at(state, point)
            gap, nx, ny = to_obstacle(x, y, thing)
            gap -= thin + margin
            count = _write(
                kind, state, body, trail, point, gap, spare, nx, ny, 0.0, gain, power, False, rows, rhs, count
            )
    for side in range(4):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        gap = sign * (state[axis] - around.bounds[side]) - margin
        if gap < body[SENSING]:
            nx, ny = (sign, 0.0) if axis == 0 else (0.0, sign)
            point = (0.0, 0.0)
            count = _write(
                kind, state, body, trail, point, gap, spare, nx, ny, 0.0, gain, power, False, rows, rhs, count
            )
    return count


@counted
def build_shape_rows(
    kind: int, state: Array, body: Array, around: Around, tunables: Array, rows: Array, rhs: Array
) -> int:  # fmt: skip
    """``swarm.filter.barriers.build`` for a polygon; of a unicycle, two rows for each neighbour and obstacle.

    Args:
        kind: See there, as what follows.
        state: See there.
        body: See there.
        around: See there.
        tunables: See there.
        rows: ``float64[2 (K + M) + 4, 2]``, written.
        rhs: ``float64[2 (K + M) + 4]``, written.
    """
    own, slow = np.empty((around.footprint.shape[0], 2)), kind == DOUBLE_INTEGRATOR or is_second_order(body)
    corners = place_corners(state[0], state[1], state[2], around.footprint, own)
    spare = (ROW_MARGIN_BRAKING if slow else ROW_MARGIN) * end_circles(around.footprint)[4]
    gain, power, count = tunables[ROBOT_GAIN], tunables[ROBOT_POWER], 0
    if body[YIELDS] > 0.0:
        count = _neighbour_rows(kind, state, body, around, own, corners, spare, gain, power, rows, rhs)
    gain, power = tunables[OBSTACLE_GAIN], tunables[OBSTACLE_POWER]
    return _obstacle_rows(kind, state, body, around, own, corners, spare, gain, power, rows, rhs, count)
