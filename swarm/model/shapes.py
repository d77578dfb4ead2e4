"""Bodies that are no discs: convex polygons, and the hulls that hold such a body and all of its way to rest (kernels).

A *footprint* is ``float64[V, 2]``: the corners in the body's frame [m], x ahead, counter-clockwise; rows of NaN behind
them fill it up. One that has no corners is a disc. On its way to rest a body is shifted (integrators) or turned about
one centre (a unicycle that loses speed and turn rate together), so each corner moves along a segment or an arc, which
the triangle of the arc's end tangents holds. Where actuators lag, a body is behind its state: a unicycle rolls on from
there, and an integrator's is one more place (``swarm.model.actuators``).

A *shape* is ``float64[P, 2]``: how many points there are (0 of a disc) and whether both know of each other what shape
they are (``EXCHANGED``; else each takes both for discs), then the points in the world, counter-clockwise [m].
"""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_HEADING, T_SPEED, T_TURN_RATE
from swarm.model.body import ACCELERATION, LAG, PERIOD, TURN_ACCELERATION, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE, arc_offset, coast_periods, stop_offset
from swarm.model.footprint.polygon import MOST_CORNERS

NO_FOOTPRINT, NO_SHAPES = np.empty((0, 2)), np.empty((0, 0, 2))
"""Of worlds in which everybody is a disc."""
# An arc of less (rad) is a straight line but for rounding, and has no corner between its tangents.
_STRAIGHT = 1e-12


_MOST_POINTS = 3 * MOST_CORNERS
SHAPE = _MOST_POINTS + 1
"""Rows of a shape of whoever may have as many corners as an outline has at most."""
EXCHANGED, SENSED = 0.0, 1.0
"""Whether two robots know of each other what shape they are: they have told it, or only sense each other."""


@uncounted
def shape_size(corners: int) -> int:
    """Rows of a shape of a body with so many corners; 0 of a disc."""
    return 3 * corners + 1 if corners else 0


@uncounted
def corners_of(footprint: Array) -> int:
    """How many corners a footprint has; 0 of a disc."""
    count = 0
    while count < footprint.shape[0] and not math.isnan(footprint[count, 0]):
        count += 1
    return count


@uncounted
def points_of(shapes: Array, k: int) -> int:
    """How many points shape ``k`` has; 0 of a disc, and where there are no shapes."""
    return int(shapes[k, 0, 0]) if shapes.shape[1] > 0 else 0


@uncounted
def taken_for_discs(shapes: Array, k: int) -> bool:
    """Whether a robot and neighbour ``k`` take each other for discs: one that is only sensed does not say its shape."""
    return bool(shapes.shape[1] == 0 or shapes[k, 0, 1] == SENSED)


@uncounted
def place_corners(x: float, y: float, heading: float, footprint: Array, placed: Array) -> int:
    """Write the corners of a body at a place into ``placed``; returns how many there are."""
    count, c, s = corners_of(footprint), math.cos(heading), math.sin(heading)
    for k in range(count):
        fx, fy = footprint[k, 0], footprint[k, 1]
        placed[k, 0], placed[k, 1] = x + c * fx - s * fy, y + s * fx + c * fy
    return count


@uncounted
def end_circles(footprint: Array) -> tuple[float, float, float, float, float]:
    """The two circles at the ends of a polygon's longer side, as wide as its shorter one: middles and radius [m]."""
    left, right, low, high = math.inf, -math.inf, math.inf, -math.inf
    for k in range(corners_of(footprint)):
        left, right = min(left, footprint[k, 0]), max(right, footprint[k, 0])
        low, high = min(low, footprint[k, 1]), max(high, footprint[k, 1])
    x, y, radius = 0.5 * (left + right), 0.5 * (low + high), 0.5 * min(right - left, high - low)
    if right - left >= high - low:
        return right - radius, y, left + radius, y, radius
    return x, high - radius, x, low + radius, radius


@uncounted
def _sort(points: Array, count: int) -> None:
    """Sort points by x, then by y, in place."""
    for k in range(1, count):
        x, y, i = points[k, 0], points[k, 1], k
        while i > 0 and (points[i - 1, 0] > x or (points[i - 1, 0] == x and points[i - 1, 1] > y)):
            points[i, 0], points[i, 1] = points[i - 1, 0], points[i - 1, 1]
            i -= 1
        points[i, 0], points[i, 1] = x, y


@uncounted
def _extend(hull: Array, least: int, count: int, x: float, y: float) -> int:
    """Add a point to a chain that turns to the left; returns how many points there are then."""
    while count >= least + 2:
        ax, ay = hull[count - 1, 0] - hull[count - 2, 0], hull[count - 1, 1] - hull[count - 2, 1]
        if ax * (y - hull[count - 2, 1]) - ay * (x - hull[count - 2, 0]) > 0.0:
            break
        count -= 1
    hull[count, 0], hull[count, 1] = x, y
    return count + 1


@uncounted
def convex_hull(points: Array, count: int, hull: Array) -> int:
    """Write the convex hull of points, counter-clockwise (a monotone chain); returns how many it has.

    Args:
        points: ``float64[n, 2]``; the first ``count`` count, and are sorted.
        count: See ``points``.
        hull: ``float64[count + 1, 2]``, written.
    """
    _sort(points, count)
    found = 0
    for k in range(count):
        found = _extend(hull, 0, found, points[k, 0], points[k, 1])
    least = found - 1
    for k in range(count - 2, -1, -1):
        found = _extend(hull, least, found, points[k, 0], points[k, 1])
    return max(found - 1, 1)


@uncounted
def roll_time(body: Array, speed: float, turn_rate: float) -> float:
    """For how long [s] a unicycle would hold its speeds to come as far as it rolls to rest; 0 if it stops at once."""
    if not is_second_order(body):
        return float(body[LAG])
    dt = body[PERIOD]
    return 0.5 * dt * coast_periods(speed, turn_rate, body[ACCELERATION], body[TURN_ACCELERATION], dt)


@uncounted
def roll_corners(
    x: float, y: float, heading: float, speed: float, turn_rate: float, time: float, footprint: Array, points: Array
) -> int:
    """Write where the corners of a unicycle are, where they are after ``time`` [s], and where the tangents there meet.

    Args:
        x: Where it is [m].
        y: Where it is [m].
        heading: [rad]
        speed: That it holds [m/s].
        turn_rate: That it holds [rad/s].
        time: So that it turns by less than half a turn [s].
        footprint: ``float64[V, 2]``.
        points: ``float64[3 V, 2]``, written: V corners, then V ends, then V meetings of tangents if it turns.

    Returns:
        How many points were written.
    """
    count = place_corners(x, y, heading, footprint, points)
    if speed == 0.0 and turn_rate == 0.0:
        return count
    dx, dy = arc_offset(heading, speed, turn_rate, time)
    place_corners(x + dx, y + dy, heading + turn_rate * time, footprint, points[count:])
    half = 0.5 * turn_rate * time
    if abs(half) <= _STRAIGHT:
        return 2 * count
    ahead = math.tan(half) / turn_rate
    for k in range(count):
        px, py = points[k, 0] - x, points[k, 1] - y
        points[2 * count + k, 0] = x + px + ahead * (speed * math.cos(heading) - turn_rate * py)
        points[2 * count + k, 1] = y + py + ahead * (speed * math.sin(heading) + turn_rate * px)
    return 3 * count


@uncounted
def rest_points(kind: int, state: Array, body: Array, trail: Array, footprint: Array, points: Array) -> int:
    """Write points whose convex hull holds a body and its way to rest; returns how many.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``, ahead of the body if its actuators lag.
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]``.
        footprint: ``float64[V, 2]``.
        points: ``float64[3 V, 2]``, written.
    """
    if kind == UNICYCLE:
        speed, turn_rate, x, y, heading = trail[T_SPEED], trail[T_TURN_RATE], state[0], state[1], state[2]
        if body[LAG] > 0.0:
            x, y, heading = x + trail[T_BODY_X], y + trail[T_BODY_Y], trail[T_HEADING]
        elif not is_second_order(body):  # it stops at once
            return place_corners(x, y, heading, footprint, points)
        return roll_corners(x, y, heading, speed, turn_rate, roll_time(body, speed, turn_rate), footprint, points)
    count = place_corners(state[0], state[1], state[2], footprint, points)
    if kind == DOUBLE_INTEGRATOR and (state[3] != 0.0 or state[4] != 0.0):
        sx, sy = stop_offset(kind, state[3], state[4], body[ACCELERATION], body[PERIOD])
        count += place_corners(state[0] + sx, state[1] + sy, state[2], footprint, points[count:])
    if trail[T_BODY_X] != 0.0 or trail[T_BODY_Y] != 0.0:
        x, y = state[0] + trail[T_BODY_X], state[1] + trail[T_BODY_Y]
        count += place_corners(x, y, state[2], footprint, points[count:])
    return count


@uncounted
def stop_shape(kind: int, state: Array, body: Array, trail: Array, footprint: Array, shape: Array) -> None:
    """Write the shape that holds a body and all of its way to rest, if it begins to brake now; no point of a disc.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]`` (``swarm.model.actuators``).
        footprint: ``float64[V, 2]``.
        shape: ``float64[3 V + 1, 2]``, written.
    """
    corners = corners_of(footprint)
    shape[0, 0], shape[0, 1] = 0.0, EXCHANGED
    if corners == 0:
        return
    points = stack_rows(_MOST_POINTS, 2)
    count = rest_points(kind, state, body, trail, footprint, points)
    write_hull(points, count, corners, kind != UNICYCLE, shape)


@uncounted
def _sweep(points: Array, corners: int, shape: Array) -> int:
    """Write the hull of a polygon and, in the rows behind it, of itself shifted; returns its size.

    Sides that face the way are those of the shifted one.
    """
    count, x, y = 1, points[corners - 1, 0], points[corners - 1, 1]
    dx, dy = points[corners, 0] - points[0, 0], points[corners, 1] - points[0, 1]
    ahead = (points[0, 1] - y) * dx - (points[0, 0] - x) * dy > 0.0
    for k in range(corners):
        x, y = points[k, 0], points[k, 1]
        after = k + 1 if k + 1 < corners else 0
        faces = (points[after, 1] - y) * dx - (points[after, 0] - x) * dy > 0.0
        for step in range(2 if faces != ahead else 1):
            row = corners + k if (ahead if step == 0 else faces) else k
            shape[count, 0], shape[count, 1] = points[row, 0], points[row, 1]
            count += 1
        ahead = faces
    return count - 1


@uncounted
def write_hull(points: Array, count: int, corners: int, shifted: bool, shape: Array) -> None:
    """Write the hull of the points of ``rest_points``, of a body with so many corners; the points may be sorted.

    ``shifted``: whether nothing turns on the way to rest, as of an integrator.
    """
    if count == corners:  # it stands, or stops at once
        for k in range(count):
            shape[1 + k, 0], shape[1 + k, 1] = points[k, 0], points[k, 1]
    elif count == 2 * corners and shifted:
        count = _sweep(points, corners, shape)
    else:
        hull = stack_rows(SHAPE, 2)
        count = convex_hull(points, count, hull)
        for k in range(count):
            shape[1 + k, 0], shape[1 + k, 1] = hull[k, 0], hull[k, 1]
    shape[0, 0] = count
