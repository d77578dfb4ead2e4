"""The passage between two obstacles: the line along its middle, and how wide it is (kernels). All lengths in metres."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.model.geometry import segment_to_obstacle, to_obstacle

# Boxes whose sides differ by less than this sine are parallel.
_PARALLEL = 1e-9
# Sides that differ by less than this sine (10 degrees) have a passage along them; others only a corner of one in it.
_ALONG = 0.17


@uncounted
def middle_line(one: Array, other: Array) -> tuple[float, float, float, float, float, float]:
    """Middle of the passage between two obstacles [m]: a point, a direction, half a length; and half of its width.

    Of a passage that is not equally wide everywhere it is half of the least width.
    """
    if one[6] == 0.0 and other[6] == 0.0:
        return _between(one[0], one[1], one[2], one[3], one[4], other[0], other[1], other[2], other[3], other[4])
    return _between_turned(one, other)


@uncounted
def _facing(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float, bool]:
    """On one axis: the stretch between two intervals, or what they have in common, and whether they are apart."""
    first, last = max(low, other_low), min(high, other_high)
    return (last, first, True) if first > last else (first, last, False)


@uncounted
def _between(
    ax: float, ay: float, a_half_x: float, a_half_y: float, a_rounding: float,
    bx: float, by: float, b_half_x: float, b_half_y: float, b_rounding: float,
) -> tuple[float, float, float, float, float, float]:  # fmt: skip
    """``middle_line`` of two boxes that are not turned."""
    x0, x1, apart_x = _facing(ax - a_half_x, ax + a_half_x, bx - b_half_x, bx + b_half_x)
    y0, y1, apart_y = _facing(ay - a_half_y, ay + a_half_y, by - b_half_y, by + b_half_y)
    across_x, across_y = x1 - x0 if apart_x else 0.0, y1 - y0 if apart_y else 0.0
    length = math.hypot(across_x, across_y)
    if length == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    across_x, across_y = math.copysign(across_x, bx - ax), math.copysign(across_y, by - ay)
    ux, uy, shift = across_x / length, across_y / length, 0.5 * (a_rounding - b_rounding)
    half = 0.0 if apart_x and apart_y else 0.5 * (y1 - y0 if apart_x else x1 - x0)
    x, y = 0.5 * (x0 + x1) + shift * ux, 0.5 * (y0 + y1) + shift * uy
    return x, y, -uy, ux, half, 0.5 * (length - a_rounding - b_rounding)


@uncounted
def _between_turned(one: Array, other: Array) -> tuple[float, float, float, float, float, float]:
    """``middle_line`` where a box is turned: in its frame, if the other one is parallel to it there, or round."""
    c, s = one[5], one[6]
    if one[2] == 0.0 and one[3] == 0.0:
        c, s = other[5], other[6]
    turn, turn_across = c * other[6] - s * other[5], c * other[5] + s * other[6]
    half_x, half_y = other[2], other[3]
    round_ones = (one[2] == 0.0 and one[3] == 0.0) or (half_x == 0.0 and half_y == 0.0)
    if not round_ones and abs(turn_across) < _PARALLEL:
        half_x, half_y = half_y, half_x
    elif not round_ones and abs(turn) >= _PARALLEL:
        return _between_oblique(one, other)
    dx, dy = other[0] - one[0], other[1] - one[1]
    x, y, ux, uy, half, width = _between(
        0.0, 0.0, one[2], one[3], one[4], c * dx + s * dy, c * dy - s * dx, half_x, half_y, other[4]
    )
    return one[0] + c * x - s * y, one[1] + s * x + c * y, c * ux - s * uy, s * ux + c * uy, half, width


@uncounted
def _nearest(one: Array, other: Array) -> tuple[float, float, float, float, float]:
    """Distance between the cores of two boxes, the unit normal from the first to the second, that one's point."""
    best, nx, ny, x, y = np.inf, 0.0, 0.0, other[0], other[1]
    if to_obstacle(one[0], one[1], other)[0] + other[4] <= 0.0:
        return 0.0, nx, ny, x, y
    c, s = other[5], other[6]
    for side in range(4):
        along, outward = (other[2], other[3]) if side < 2 else (other[3], other[2])
        outward *= 1.0 if side % 2 == 0 else -1.0
        tx, ty = (along * c, along * s) if side < 2 else (-along * s, along * c)
        ox, oy = (-outward * s, outward * c) if side < 2 else (outward * c, outward * s)
        px, py = other[0] + ox - tx, other[1] + oy - ty
        gap, mx, my, qx, qy = segment_to_obstacle(px, py, 2.0 * tx, 2.0 * ty, one)
        if gap + one[4] <= 0.0:
            return 0.0, 0.0, 0.0, x, y
        if gap + one[4] < best:
            best, nx, ny, x, y = gap + one[4], mx, my, qx, qy
    return best, nx, ny, x, y


@uncounted
def _side(box: Array, nx: float, ny: float, x: float, y: float) -> tuple[float, float, float, float]:
    """The side of a box that looks along (nx, ny): its direction, and where it begins and ends on the line across.

    The line goes through (x, y), to the left of (nx, ny).
    """
    ux, uy, along, outward = box[5], box[6], box[2], box[3]
    if abs(ux * nx + uy * ny) > abs(ux * ny - uy * nx):
        ux, uy, along, outward = -uy, ux, outward, along
    if ux * -ny + uy * nx < 0.0:
        ux, uy = -ux, -uy
    # (uy, -ux) is outward if it looks along the normal: the direction has the normal on its right.
    px, py = box[0] + outward * uy - x, box[1] - outward * ux - y
    middle, reach = py * nx - px * ny, along * (uy * nx - ux * ny)
    return ux, uy, middle - reach, middle + reach


@uncounted
def _between_oblique(one: Array, other: Array) -> tuple[float, float, float, float, float, float]:
    """``middle_line`` of two boxes that are not parallel: between their closest points, along sides that nearly are."""
    core, nx, ny, px, py = _nearest(one, other)
    if core == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    shift = 0.5 * (one[4] - other[4] - core)
    x, y, width = px + shift * nx, py + shift * ny, 0.5 * (core - one[4] - other[4])
    ux, uy, low, high = _side(one, nx, ny, x, y)
    vx, vy, other_high, other_low = _side(other, -nx, -ny, x, y)
    vx, vy, low, high = -vx, -vy, max(low, -other_low), min(high, -other_high)
    if max(abs(ux * nx + uy * ny), abs(vx * nx + vy * ny)) >= _ALONG or low >= high:
        return x, y, -ny, nx, 0.0, width
    length = math.hypot(ux + vx, uy + vy)
    ux, uy, middle = (ux + vx) / length, (uy + vy) / length, 0.5 * (low + high)
    return x + middle * ux, y + middle * uy, ux, uy, 0.5 * (high - low), width
