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
from typing import NamedTuple

from swarm.array_types import Array
from swarm.filter.barriers import ROW_MARGIN, ROW_MARGIN_BRAKING, control_point, stranger_row
from swarm.filter.hulls.geometry import closest, inside, polygon_to_obstacle, polygon_to_polygon
from swarm.filter.row import recover, right_side
from swarm.filter.tunables import OBSTACLE_GAIN, OBSTACLE_POWER, ROBOT_GAIN, ROBOT_POWER
from swarm.kernel_cache.references import inlined
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import T_ERROR, T_SPEED, T_TURN_RATE
from swarm.model.body import FLOOR, LOOK_AHEAD, RADIUS, SENSING, YIELDS, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE
from swarm.model.footprint.polygon import MOST_CORNERS
from swarm.model.geometry import to_obstacle
from swarm.model.shapes import end_circles, place_corners, points_of
from swarm.sense.neighbours import N_ERROR, N_RADIUS, N_VX, N_VY, N_X, N_Y, O_GAP, O_NX, O_NY, Around, is_stranger

# Who is so many radii away, as a disc, is one [radii].
_FAR = 2.0
# A row whose normal is shorter before it is scaled says nothing.
_SHORT = 1e-9
# A point that hardly moves along the normal when the robot drives (in parts of what turning does) counts as if it did
# not: of two rows that ask for turns to both sides, a relaxation else takes what is least by a trace, at top speed.
_ACROSS = 0.03


@inlined
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


class _Own(NamedTuple):
    """What rows ask of the robot's own body, worked out once.

    Attributes:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]``.
        corners: ``float64[V, 2]``, in the world [m].
        many: How many.
        cosine: Of the heading.
        sine: Of the heading.
        front: Middle of the circle at the front, in the body's frame [m].
        rear: Of that at the rear.
        thin: Radius of both [m].
        spare: What rows keep more than the shield [m].
    """

    kind: int
    state: Array
    body: Array
    trail: Array
    corners: Array
    many: int
    cosine: float
    sine: float
    front: tuple[float, float]
    rear: tuple[float, float]
    thin: float
    spare: float


@inlined
def _write(
    own: _Own, point: tuple[float, float], gap: float, nx: float, ny: float, theirs: float, gain: float, power: float,
    half: bool, rows: Array, rhs: Array, count: int,
) -> int:  # fmt: skip
    """Write the row of a point of the body, where a gap is; returns how many rows there are then.

    ``point``: in the body's frame [m]; ``theirs``: the part of the gap's rate that is the other's; ``half``: whether
    the other has a half of the row.
    """
    share, partners = (0.5, 2.0) if half else (1.0, 1.0)
    kind, state, body, spared = own.kind, own.state, own.body, gap - own.spare
    if kind != UNICYCLE:
        mine = nx * state[3] + ny * state[4]
        limit = right_side(kind, body, spared, mine - theirs, gain, power, share, partners, mine)
        rows[count, 0], rows[count, 1] = -nx, -ny
        rhs[count] = recover(kind, body, gap, mine - theirs, share, limit)
        return count + 1
    ahead, across, mine = nx * own.cosine + ny * own.sine, ny * own.cosine - nx * own.sine, 0.0
    turns = across * point[0] - ahead * point[1]  # the point's speed along the normal, for each rad/s
    if is_second_order(body):
        mine = ahead * own.trail[T_SPEED] + turns * own.trail[T_TURN_RATE]
    if abs(ahead) * body[LOOK_AHEAD] < _ACROSS * abs(turns):
        ahead = 0.0
    length = math.hypot(ahead, turns / body[LOOK_AHEAD])
    if length < _SHORT:
        return count
    limit = right_side(kind, body, spared, mine - theirs, gain, power, share, partners, mine)
    rows[count, 0], rows[count, 1] = -ahead / length, -turns / (body[LOOK_AHEAD] * length)
    rhs[count] = limit / length
    return count + 1


@inlined
def _at(own: _Own, point: tuple[float, float]) -> tuple[float, float]:
    """Where a point of the body's frame is in the world [m]."""
    x, y, c, s = own.state[0], own.state[1], own.cosine, own.sine
    return x + c * point[0] - s * point[1], y + s * point[0] + c * point[1]


@inlined
def _in_body(own: _Own, x: float, y: float) -> tuple[float, float]:
    """A place in the world as a point of the body's frame [m]."""
    dx, dy = x - own.state[0], y - own.state[1]
    return own.cosine * dx + own.sine * dy, own.cosine * dy - own.sine * dx


@inlined
def _far_end(
    point: tuple[float, float], one: tuple[float, float], other: tuple[float, float]
) -> tuple[float, float]:  # fmt: skip
    """The one of two points that is farther from a point."""
    near = math.hypot(one[0] - point[0], one[1] - point[1]) < math.hypot(other[0] - point[0], other[1] - point[1])
    return other if near else one


@inlined
def _far_row(
    own: _Own, other: Array, gap: float, gain: float, power: float, rows: Array, rhs: Array, count: int
) -> int:  # fmt: skip
    """Write the row of one so far away that the discs around both will do; returns how many there are then."""
    point = own.front if own.kind == UNICYCLE else (0.0, 0.0)
    x, y = _at(own, point)
    dx, dy = x - other[N_X], y - other[N_Y]
    length = math.sqrt(dx * dx + dy * dy)
    if length == 0.0:
        return count
    nx, ny = dx / length, dy / length
    speed = nx * other[N_VX] + ny * other[N_VY]
    return _write(own, point, gap, nx, ny, speed, gain, power, True, rows, rhs, count)


@inlined
def _neighbour_rows(own: _Own, around: Around, gain: float, power: float, rows: Array, rhs: Array) -> int:
    """Write the rows of neighbours; returns how many there are."""
    state, body, trail, count, one = own.state, own.body, own.trail, 0, stack_rows(1, 2)
    for k in range(around.num_neighbours):
        other, points = around.neighbours[k], points_of(around.shapes, k)
        if is_stranger(other):
            x, y, grown = control_point(own.kind, state, body)
            size = body[RADIUS] + body[FLOOR] + grown + own.spare
            rhs[count] = stranger_row(
                own.kind, state, body, trail, x, y, state[3], state[4], size, other, gain, power, rows[count]
            )
            count += 1
            continue
        both = max(2.0 * body[FLOOR], trail[T_ERROR] + other[N_ERROR])
        away = math.hypot(state[0] - other[N_X], state[1] - other[N_Y]) - body[RADIUS] - other[N_RADIUS]
        if away > _FAR * body[RADIUS]:
            count = _far_row(own, other, away - both, gain, power, rows, rhs, count)
            continue
        one[0, 0], one[0, 1] = other[N_X], other[N_Y]
        theirs = around.shapes[k, 1:] if points > 0 else one
        gap, nx, ny, ax, ay = polygon_to_polygon(own.corners, own.many, theirs, max(points, 1))
        if nx == 0.0 and ny == 0.0:
            continue
        room, speed = both if points > 0 else both + other[N_RADIUS], nx * other[N_VX] + ny * other[N_VY]
        point = _in_body(own, ax, ay) if own.kind == UNICYCLE else (0.0, 0.0)
        count = _write(own, point, gap - room, nx, ny, speed, gain, power, True, rows, rhs, count)
        if own.kind == UNICYCLE:
            point = _far_end(point, own.front, own.rear)
            x, y = _at(own, point)
            gap, nx, ny = _to_neighbour(x, y, other, around.shapes[k] if points > 0 else one, points)
            speed = nx * other[N_VX] + ny * other[N_VY]
            count = _write(own, point, gap - (both + own.thin), nx, ny, speed, gain, power, True, rows, rhs, count)
    return count


@inlined
def _obstacle_rows(
    own: _Own, around: Around, gain: float, power: float, rows: Array, rhs: Array, count: int
) -> int:  # fmt: skip
    """Append the rows of obstacles and of the bounds; returns how many rows there are then."""
    state, margin = own.state, max(own.body[FLOOR], own.trail[T_ERROR])
    for k in range(around.num_obstacles):
        thing = around.obstacles[k]
        if own.kind != UNICYCLE and thing[O_GAP] - own.body[RADIUS] > _FAR * own.body[RADIUS]:
            gap, nx, ny = thing[O_GAP] - own.body[RADIUS] - margin, thing[O_NX], thing[O_NY]
            count = _write(own, (0.0, 0.0), gap, nx, ny, 0.0, gain, power, False, rows, rhs, count)
            continue
        if own.kind != UNICYCLE:
            gap, nx, ny, _, _ = polygon_to_obstacle(own.corners, own.many, thing)
            if nx != 0.0 or ny != 0.0:
                count = _write(own, (0.0, 0.0), gap - margin, nx, ny, 0.0, gain, power, False, rows, rhs, count)
            continue
        for end in range(2):
            point = own.front if end == 0 else own.rear
            x, y = _at(own, point)
            gap, nx, ny = to_obstacle(x, y, thing)
            gap -= own.thin + margin
            count = _write(own, point, gap, nx, ny, 0.0, gain, power, False, rows, rhs, count)
    for side in range(4):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        gap = sign * (state[axis] - around.bounds[side]) - margin
        if gap < own.body[SENSING]:
            nx, ny = (sign, 0.0) if axis == 0 else (0.0, sign)
            count = _write(own, (0.0, 0.0), gap, nx, ny, 0.0, gain, power, False, rows, rhs, count)
    return count


@inlined
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
    corners, slow = stack_rows(MOST_CORNERS, 2), kind == DOUBLE_INTEGRATOR or is_second_order(body)
    many = place_corners(state[0], state[1], state[2], around.footprint, corners)
    x0, y0, x1, y1, thin = end_circles(around.footprint)
    own = _Own(
        kind, state, body, around.trail, corners, many, math.cos(state[2]), math.sin(state[2]), (x0, y0), (x1, y1),
        thin, (ROW_MARGIN_BRAKING if slow else ROW_MARGIN) * thin,
    )  # fmt: skip
    gain, power, count = tunables[ROBOT_GAIN], tunables[ROBOT_POWER], 0
    if body[YIELDS] > 0.0:
        count = _neighbour_rows(own, around, gain, power, rows, rhs)
    return _obstacle_rows(own, around, tunables[OBSTACLE_GAIN], tunables[OBSTACLE_POWER], rows, rhs, count)
