"""Stop hulls: convex sets of up to three points that hold a disc's centre and its way to rest; distances of hulls.

What the shield keeps apart. A robot that stops at once is a point; a double integrator the segment to where it comes to
rest; a unicycle of second order the triangle around its arc to rest: its place, the end, the meeting of the tangents at
both. With actuators that lag, it is a triangle of the body, the place ahead of it (``swarm.model.actuators``) and where
that comes to rest, or the corner of the triangle that holds a unicycle's arc. Braking keeps a body in its hull, and its
next hull in the present one. Bodies that are no discs have hulls of more points (``swarm.model.shapes``).
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_rows
from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y
from swarm.model.dynamics import DOUBLE_INTEGRATOR, stop_offset
from swarm.model.geometry import crosses, on_segment, segment_to_obstacle
from swarm.sense.neighbours import N_ACCELERATION, N_BODY_X, N_BODY_Y, N_CORNER_X, N_CORNER_Y, N_VX, N_VY, N_X, N_Y

MOST = 3
"""Points of a disc's hull."""
_CORNERS = 4


@njit(cache=True, inline="always")
def _append(hull: Array, count: int, x: float, y: float) -> int:
    """Add a point unless it is the one before it."""
    if count > 0 and hull[count - 1, 0] == x and hull[count - 1, 1] == y:
        return count
    hull[count, 0], hull[count, 1] = x, y
    return count + 1


@uncounted
def own_hull(kind: int, state: Array, acceleration: float, dt: float, trail: Array, hull: Array) -> int:
    """Write the points of the robot's own hull, the place of its state first; returns how many there are.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``, ahead of the body if its actuators lag.
        acceleration: [m/s²]
        dt: Control period [s].
        trail: ``float64[TRAIL]`` (``swarm.model.actuators``).
        hull: ``float64[3, 2]``, written.
    """
    x, y = state[0], state[1]
    count = _append(hull, 0, x, y)
    sx, sy = stop_offset(kind, state[3], state[4], acceleration, dt)
    count = _append(hull, count, x + sx, y + sy)
    if trail[T_BODY_X] != 0.0 or trail[T_BODY_Y] != 0.0:
        count = _append(hull, count, x + trail[T_BODY_X], y + trail[T_BODY_Y])
        if count < MOST:
            count = _append(hull, count, x + trail[T_CORNER_X], y + trail[T_CORNER_Y])
    return count


@uncounted
def other_hull(other: Array, dt: float, hull: Array) -> int:
    """Write the points of a neighbour's hull, from its columns; returns how many there are."""
    x, y = other[N_X], other[N_Y]
    count = _append(hull, 0, x, y)
    if not math.isinf(other[N_ACCELERATION]):
        sx, sy = stop_offset(DOUBLE_INTEGRATOR, other[N_VX], other[N_VY], other[N_ACCELERATION], dt)
        count = _append(hull, count, x + sx, y + sy)
    if other[N_BODY_X] != 0.0 or other[N_BODY_Y] != 0.0:
        count = _append(hull, count, x + other[N_BODY_X], y + other[N_BODY_Y])
        if count < MOST:
            count = _append(hull, count, x + other[N_CORNER_X], y + other[N_CORNER_Y])
    return count


@njit(cache=True, inline="always")
def _edges(count: int) -> int:
    """Number of edges of a hull; a point is an edge of no length."""
    return count if count >= MOST else 1


@uncounted
def closest(x: float, y: float, hull: Array, count: int) -> tuple[float, float]:
    """The point on the edges of a hull that is nearest to (x, y)."""
    best, cx, cy = math.inf, x, y
    for edge in range(_edges(count)):
        p, q = hull[edge], hull[(edge + 1) % count]
        k = on_segment(x, y, p[0], p[1], q[0] - p[0], q[1] - p[1])
        px, py = p[0] + k * (q[0] - p[0]), p[1] + k * (q[1] - p[1])
        square = (x - px) * (x - px) + (y - py) * (y - py)
        if square < best:
            best, cx, cy = square, px, py
    return cx, cy


@uncounted
def nearest_in(x: float, y: float, hull: Array, count: int) -> tuple[float, float]:
    """The point of a convex hull that is nearest to (x, y): itself, if it lies in the hull."""
    return (x, y) if inside(x, y, hull, count) else closest(x, y, hull, count)


@uncounted
def inside(x: float, y: float, hull: Array, count: int) -> bool:
    """Whether a point lies in a convex hull.

    In line with a hull that is a segment, a point is on no side of any edge: it also has to be between the ends.
    """
    if count < MOST:
        return False
    left, right = True, True
    below, above, before, behind = False, False, False, False
    for edge in range(count):
        p, q = hull[edge], hull[(edge + 1) % count]
        before, behind = before or p[0] <= x, behind or p[0] >= x
        below, above = below or p[1] <= y, above or p[1] >= y
        side = (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
        left, right = left and side >= 0.0, right and side <= 0.0
    return (left or right) and before and behind and below and above


@uncounted
def _nearest(a: Array, many_a: int, b: Array, many_b: int) -> tuple[float, float, float, float, float]:
    """Square of the distance between the edges of two hulls, the way to the first, its closest point."""
    best, nx, ny, ax, ay = math.inf, 0.0, 0.0, a[0, 0], a[0, 1]
    for k in range(many_a):
        cx, cy = closest(a[k, 0], a[k, 1], b, many_b)
        dx, dy = a[k, 0] - cx, a[k, 1] - cy
        if dx * dx + dy * dy < best:
            best, nx, ny, ax, ay = dx * dx + dy * dy, dx, dy, a[k, 0], a[k, 1]
    for k in range(many_b):
        cx, cy = closest(b[k, 0], b[k, 1], a, many_a)
        dx, dy = cx - b[k, 0], cy - b[k, 1]
        if dx * dx + dy * dy < best:
            best, nx, ny, ax, ay = dx * dx + dy * dy, dx, dy, cx, cy
    return best, nx, ny, ax, ay


@uncounted
def hull_to_hull(a: Array, many_a: int, b: Array, many_b: int) -> tuple[float, float, float, float, float]:
    """Distance of two hulls, the unit normal towards the first, its closest point; hulls that meet: 0, no normal."""
    best, nx, ny, ax, ay = _nearest(a, many_a, b, many_b)
    best = math.sqrt(best)
    if best == 0.0 or _meet(a, many_a, b, many_b):
        return 0.0, 0.0, 0.0, ax, ay
    return best, nx / best, ny / best, ax, ay


@uncounted
def _meet(a: Array, many_a: int, b: Array, many_b: int) -> bool:
    """Whether edges cross, or one hull lies in the other."""
    if inside(a[0, 0], a[0, 1], b, many_b) or inside(b[0, 0], b[0, 1], a, many_a):
        return True
    if many_a < 2 or many_b < 2:
        return False
    for i in range(_edges(many_a)):
        p, q = a[i], a[(i + 1) % many_a]
        for j in range(_edges(many_b)):
            r, s = b[j], b[(j + 1) % many_b]
            if crosses(p[0], p[1], q[0] - p[0], q[1] - p[1], r[0], r[1], s[0] - r[0], s[1] - r[1]):
                return True
    return False


@uncounted
def hull_to_obstacle(hull: Array, count: int, obstacle: Array) -> tuple[float, float, float, float, float]:
    """Distance from a hull to an obstacle's surface, the unit normal, the hull's closest point.

    A hull that meets the obstacle's core has a zero normal.
    """
    best, nx, ny, ax, ay = math.inf, 0.0, 0.0, hull[0, 0], hull[0, 1]
    if inside(obstacle[0], obstacle[1], hull, count):
        return -obstacle[4], nx, ny, ax, ay
    for edge in range(_edges(count)):
        p, q = hull[edge], hull[(edge + 1) % count]
        distance, mx, my, px, py = segment_to_obstacle(p[0], p[1], q[0] - p[0], q[1] - p[1], obstacle)
        if mx == 0.0 and my == 0.0:
            return distance, mx, my, px, py
        if distance < best:
            best, nx, ny, ax, ay = distance, mx, my, px, py
    return best, nx, ny, ax, ay


@uncounted
def _apart(a: Array, many_a: int, b: Array, many_b: int, nx: float, ny: float) -> bool:
    """Whether all of the first hull lies farther along a direction than all of the second."""
    least = math.inf
    for k in range(many_a):
        least = min(least, nx * a[k, 0] + ny * a[k, 1])
    most = -math.inf
    for k in range(many_b):
        most = max(most, nx * b[k, 0] + ny * b[k, 1])
    return most < least


@uncounted
def shape_to_shape(a: Array, many_a: int, b: Array, many_b: int) -> tuple[float, float, float, float, float]:
    """``hull_to_hull``, quicker for hulls of many points: apart are those that the normal of the nearest ones parts."""
    best, nx, ny, ax, ay = _nearest(a, many_a, b, many_b)
    if best == 0.0 or not _apart(a, many_a, b, many_b, nx, ny):
        return 0.0, 0.0, 0.0, ax, ay
    best = math.sqrt(best)
    return best, nx / best, ny / best, ax, ay


@uncounted
def _from_corners(
    a: Array, many_a: int, b: Array, many_b: int, best: float
) -> tuple[float, int, float, float]:  # fmt: skip
    """The square of the distance from the nearest corner of ``a`` to ``b``, if below ``best``: which, and to where.

    ``b`` is a point, or counter-clockwise; -1 instead of the square if a corner lies in it.
    """
    which, cx, cy = -1, 0.0, 0.0
    for k in range(many_a):
        x, y = a[k, 0], a[k, 1]
        within = many_b >= MOST
        for edge in range(many_b):
            p, q = b[edge], b[edge + 1 if edge + 1 < many_b else 0]
            ex, ey, rx, ry = q[0] - p[0], q[1] - p[1], x - p[0], y - p[1]
            cross, square = ex * ry - ey * rx, ex * ex + ey * ey
            if cross > 0.0:  # The nearest point is on an edge that the corner lies outside of.
                continue
            within = False
            if cross * cross >= best * square and square > 0.0:
                continue
            along = rx * ex + ry * ey
            if along > 0.0:
                share = min(along / square, 1.0)
                rx, ry = rx - share * ex, ry - share * ey
            if rx * rx + ry * ry < best:
                best, which, cx, cy = rx * rx + ry * ry, k, x - rx, y - ry
        if within:
            return -1.0, k, x, y
    return best, which, cx, cy


@uncounted
def _behind(a: Array, many: int, x: float, y: float, nx: float, ny: float) -> bool:
    """Whether all corners lie behind the line through (x, y) across a way: then the way to there is the shortest."""
    least = math.inf
    for k in range(many):
        least = min(least, nx * a[k, 0] + ny * a[k, 1])
    return least >= nx * x + ny * y


@uncounted
def polygon_to_polygon(a: Array, many_a: int, b: Array, many_b: int) -> tuple[float, float, float, float, float]:
    """``hull_to_hull`` of points and counter-clockwise polygons, quicker."""
    best, k, bx, by = _from_corners(a, many_a, b, many_b, math.inf)
    if best <= 0.0:
        return 0.0, 0.0, 0.0, a[k, 0], a[k, 1]
    ax, ay = a[k, 0], a[k, 1]
    if best < math.inf and _behind(a, many_a, ax, ay, ax - bx, ay - by):
        best = math.sqrt(best)
        return best, (ax - bx) / best, (ay - by) / best, ax, ay
    nearer, j, x, y = _from_corners(b, many_b, a, many_a, best)
    if nearer < 0.0:
        return 0.0, 0.0, 0.0, ax, ay
    if j >= 0:
        best, ax, ay, bx, by = nearer, x, y, b[j, 0], b[j, 1]
    nx, ny = ax - bx, ay - by
    if best == 0.0 or not _apart(a, many_a, b, many_b, nx, ny):
        return 0.0, 0.0, 0.0, ax, ay
    best = math.sqrt(best)
    return best, nx / best, ny / best, ax, ay


@uncounted
def polygon_to_obstacle(a: Array, many: int, obstacle: Array) -> tuple[float, float, float, float, float]:
    """``hull_to_obstacle`` of a point or a counter-clockwise polygon, quicker."""
    core, corners, c, s = stack_rows(_CORNERS, 2), 1, obstacle[5], obstacle[6]
    core[0, 0], core[0, 1] = obstacle[0], obstacle[1]
    if obstacle[2] > 0.0 or obstacle[3] > 0.0:
        corners = _CORNERS
        for k in range(corners):  # counter-clockwise
            x = obstacle[2] if k == 1 or k == 2 else -obstacle[2]
            y = obstacle[3] if k >= 2 else -obstacle[3]
            core[k, 0], core[k, 1] = obstacle[0] + (c * x - s * y), obstacle[1] + (s * x + c * y)
    distance, nx, ny, ax, ay = polygon_to_polygon(a, many, core, corners)
    return distance - obstacle[4], nx, ny, ax, ay
