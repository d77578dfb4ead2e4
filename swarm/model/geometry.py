"""Closest points between points, segments and rounded boxes (kernels).

An obstacle is ``(cx, cy, half_x, half_y, rounding, cos, sin)``: a box whose sides lie ``rounding`` outside of the half
sizes, turned counter-clockwise by the angle of that cosine and sine; a circle has half sizes 0. Distances are to its
surface, normals point away from it. All lengths in metres. Where the sine is 0, nothing is turned, and nothing rounded.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted

COLUMNS = 7
"""Of an obstacle."""
_UPRIGHT = (1.0, 0.0)  # cosine and sine of what is not turned
_UNIT = 1e-9  # By so much a cosine and a sine may be off those of an angle.


def as_obstacles(rows: ArrayLike) -> Array:
    """Obstacles ``float64[n, 7]``, from such rows or from the first five columns of boxes that are not turned."""
    found = np.ascontiguousarray(rows, dtype=np.float64)
    if found.size == 0:
        return np.empty((0, COLUMNS))
    if found.ndim == 2 and found.shape[1] == COLUMNS - len(_UPRIGHT):
        found = np.column_stack([found, np.tile(_UPRIGHT, (len(found), 1))])
    return found


def describes_obstacles(rows: Array) -> bool:
    """Whether rows ``float64[n, 7]`` are finite, sizes not negative, and turns cosine and sine of an angle."""
    turns = np.hypot(rows[:, 5], rows[:, 6])
    return bool(np.isfinite(rows).all() and (rows[:, 2:5] >= 0.0).all() and (np.abs(turns - 1.0) <= _UNIT).all())


def circles(rows: Array) -> Array:
    """Circles ``float64[n, 3]`` (x, y, radius) as obstacles ``float64[n, 7]``."""
    found = np.zeros((len(rows), COLUMNS))
    found[:, [0, 1, 4]], found[:, 5] = rows, 1.0
    return found


@njit(cache=True, inline="always")
def _to_upright(dx: float, dy: float, obstacle: Array) -> tuple[float, float, float]:
    """``to_obstacle`` in the frame of a box, for a point ``(dx, dy)`` from its centre."""
    ox, oy = abs(dx) - obstacle[2], abs(dy) - obstacle[3]
    if ox <= 0.0 and oy <= 0.0:  # inside the core: out through the nearest side
        if ox > oy:
            return ox - obstacle[4], 1.0 if dx >= 0.0 else -1.0, 0.0
        return oy - obstacle[4], 0.0, 1.0 if dy >= 0.0 else -1.0
    px = max(ox, 0.0) * (1.0 if dx >= 0.0 else -1.0)
    py = max(oy, 0.0) * (1.0 if dy >= 0.0 else -1.0)
    distance = math.sqrt(px * px + py * py)
    return distance - obstacle[4], px / distance, py / distance


@uncounted
def _to_turned(dx: float, dy: float, obstacle: Array) -> tuple[float, float, float]:
    """``to_obstacle`` of a turned box, for a point ``(dx, dy)`` from its centre."""
    c, s = obstacle[5], obstacle[6]
    gap, nx, ny = _to_upright(c * dx + s * dy, c * dy - s * dx, obstacle)
    return gap, c * nx - s * ny, s * nx + c * ny


@njit(cache=True, inline="always")
def to_obstacle(x: float, y: float, obstacle: Array) -> tuple[float, float, float]:
    """Distance [m] from a point to an obstacle's surface and the unit normal there; negative distance inside."""
    if obstacle[6] != 0.0:
        return _to_turned(x - obstacle[0], y - obstacle[1], obstacle)
    return _to_upright(x - obstacle[0], y - obstacle[1], obstacle)


@njit(cache=True, inline="always")
def extents(obstacle: Array) -> tuple[float, float]:
    """Half sizes [m] along x and y of the smallest upright box around an obstacle's core, without its rounding."""
    if obstacle[6] == 0.0:
        return obstacle[2], obstacle[3]
    c, s = abs(obstacle[5]), abs(obstacle[6])
    return c * obstacle[2] + s * obstacle[3], s * obstacle[2] + c * obstacle[3]


@njit(cache=True, inline="always")
def length(x: float, y: float) -> float:
    """Length of a vector, in a tenth of the time of ``math.hypot``, which minds numbers that no place or speed has."""
    return math.sqrt(x * x + y * y)


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
    hx, hy, c, s = obstacle[2], obstacle[3], obstacle[5], obstacle[6]
    for corner in range(4):
        ox, oy = hx if corner & 1 else -hx, hy if corner & 2 else -hy
        cx, cy = obstacle[0] + (c * ox - s * oy), obstacle[1] + (s * ox + c * oy)
        k = on_segment(cx, cy, px, py, sx, sy)
        x, y = px + k * sx, py + k * sy
        distance, mx, my = to_obstacle(x, y, obstacle)
        if distance + obstacle[4] <= 0.0:
            return distance, 0.0, 0.0, x, y
        if distance < best:
            best, nx, ny, ax, ay = distance, mx, my, x, y
    # From the centre to two corners.
    ux, uy, vx, vy = c * hx - s * hy, s * hx + c * hy, c * hx + s * hy, s * hx - c * hy
    if crosses(px, py, sx, sy, obstacle[0] - ux, obstacle[1] - uy, 2.0 * ux, 2.0 * uy) or crosses(
        px, py, sx, sy, obstacle[0] - vx, obstacle[1] - vy, 2.0 * vx, 2.0 * vy
    ):
        return -obstacle[4], 0.0, 0.0, ax, ay
    return best, nx, ny, ax, ay
