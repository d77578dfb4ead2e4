"""Closest points between points, segments and rounded boxes (kernels).

An obstacle is ``(cx, cy, half_x, half_y, rounding)``: a box whose sides lie ``rounding`` outside of the half
sizes; a circle has half sizes 0. Distances are to its surface, normals point away from it. All lengths in metres.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted


@njit(cache=True, inline="always")
def to_obstacle(x: float, y: float, obstacle: Array) -> tuple[float, float, float]:
    """Distance [m] from a point to an obstacle's surface and the unit normal there; negative distance inside."""
    dx, dy = x - obstacle[0], y - obstacle[1]
    ox, oy = abs(dx) - obstacle[2], abs(dy) - obstacle[3]
    if ox <= 0.0 and oy <= 0.0:  # inside the core: out through the nearest side
        if ox > oy:
            return ox - obstacle[4], 1.0 if dx >= 0.0 else -1.0, 0.0
        return oy - obstacle[4], 0.0, 1.0 if dy >= 0.0 else -1.0
    px = max(ox, 0.0) * (1.0 if dx >= 0.0 else -1.0)
    py = max(oy, 0.0) * (1.0 if dy >= 0.0 else -1.0)
    distance = math.sqrt(px * px + py * py)
    return distance - obstacle[4], px / distance, py / distance


@njit(cache=True, inline="always")
def on_segment(x: float, y: float, ax: float, ay: float, sx: float, sy: float) -> float:
    """Parameter in [0, 1] of the point of the segment a … a + s that is closest to (x, y)."""
    length = sx * sx + sy * sy
    if length <= 0.0:
        return 0.0
    return min(max(((x - ax) * sx + (y - ay) * sy) / length, 0.0), 1.0)


@njit(cache=True, inline="always")
def crosses(px: float, py: float, sx: float, sy: float, qx: float, qy: float, tx: float, ty: float) -> bool:
    """Whether two segments (start, span) cross properly."""
    a = sx * (qy - py) - sy * (qx - px)
    b = sx * (qy + ty - py) - sy * (qx + tx - px)
    c = tx * (py - qy) - ty * (px - qx)
    d = tx * (py + sy - qy) - ty * (px + sx - qx)
    return a * b < 0.0 and c * d < 0.0


@uncounted
def segment_to_segment(
    px: float, py: float, sx: float, sy: float, qx: float, qy: float, tx: float, ty: float
) -> tuple[float, float, float, float, float]:
    """Distance between the segments p … p + s and q … q + t, the unit normal towards the first, its closest point.

    Crossing segments have distance 0 and a zero normal. Elsewhere the distance is attained at one of the ends.
    """
    best, nx, ny, ax, ay = np.inf, 0.0, 0.0, px, py
    for end in range(4):
        if end < 2:
            x, y = (px, py) if end == 0 else (px + sx, py + sy)
            k = on_segment(x, y, qx, qy, tx, ty)
            dx, dy, cx, cy = x - qx - k * tx, y - qy - k * ty, x, y
        else:
            x, y = (qx, qy) if end == 2 else (qx + tx, qy + ty)
            k = on_segment(x, y, px, py, sx, sy)
            cx, cy = px + k * sx, py + k * sy
            dx, dy = cx - x, cy - y
        distance = dx * dx + dy * dy
        if distance < best:
            best, nx, ny, ax, ay = distance, dx, dy, cx, cy
    best = math.sqrt(best)
    if best == 0.0 or crosses(px, py, sx, sy, qx, qy, tx, ty):
        return 0.0, 0.0, 0.0, px, py
    return best, nx / best, ny / best, ax, ay


@uncounted
def segment_to_obstacle(
    px: float, py: float, sx: float, sy: float, obstacle: Array
) -> tuple[float, float, float, float, float]:
    """Distance from the segment p … p + s to an obstacle's surface, the unit normal, the segment's closest point.

    A segment that meets the obstacle's core has a zero normal.
    """
    best, nx, ny = to_obstacle(px, py, obstacle)
    ax, ay = px, py
    if sx == 0.0 and sy == 0.0:
        return best, nx, ny, ax, ay
    distance, mx, my = to_obstacle(px + sx, py + sy, obstacle)
    if distance < best:
        best, nx, ny, ax, ay = distance, mx, my, px + sx, py + sy
    if best + obstacle[4] <= 0.0:
        return best, 0.0, 0.0, ax, ay
    hx, hy = obstacle[2], obstacle[3]
    for corner in range(4):
        cx = obstacle[0] + (hx if corner & 1 else -hx)
        cy = obstacle[1] + (hy if corner & 2 else -hy)
        k = on_segment(cx, cy, px, py, sx, sy)
        x, y = px + k * sx, py + k * sy
        distance, mx, my = to_obstacle(x, y, obstacle)
        if distance + obstacle[4] <= 0.0:
            return distance, 0.0, 0.0, x, y
        if distance < best:
            best, nx, ny, ax, ay = distance, mx, my, x, y
    if crosses(px, py, sx, sy, obstacle[0] - hx, obstacle[1] - hy, 2.0 * hx, 2.0 * hy) or crosses(
        px, py, sx, sy, obstacle[0] - hx, obstacle[1] + hy, 2.0 * hx, -2.0 * hy
    ):
        return -obstacle[4], 0.0, 0.0, ax, ay
    return best, nx, ny, ax, ay


@uncounted
def _facing(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float, bool]:
    """On one axis: the stretch between two intervals, or what they have in common, and whether they are apart."""
    first, last = max(low, other_low), min(high, other_high)
    return (last, first, True) if first > last else (first, last, False)


@uncounted
def middle_line(one: Array, other: Array) -> tuple[float, float, float, float, float, float]:
    """Middle of the passage between two obstacles [m]: a point, a direction, half a length; and half of its width."""
    x0, x1, apart_x = _facing(one[0] - one[2], one[0] + one[2], other[0] - other[2], other[0] + other[2])
    y0, y1, apart_y = _facing(one[1] - one[3], one[1] + one[3], other[1] - other[3], other[1] + other[3])
    across_x, across_y = x1 - x0 if apart_x else 0.0, y1 - y0 if apart_y else 0.0
    length = math.hypot(across_x, across_y)
    if length == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    across_x, across_y = math.copysign(across_x, other[0] - one[0]), math.copysign(across_y, other[1] - one[1])
    ux, uy, shift = across_x / length, across_y / length, 0.5 * (one[4] - other[4])
    half = 0.0 if apart_x and apart_y else 0.5 * (y1 - y0 if apart_x else x1 - x0)
    x, y = 0.5 * (x0 + x1) + shift * ux, 0.5 * (y0 + y1) + shift * uy
    return x, y, -uy, ux, half, 0.5 * (length - one[4] - other[4])
