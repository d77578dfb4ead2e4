"""Bins of a uniform grid over the world, each with the obstacles near it, for fast queries."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Int32s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.geometry import extents

ONE_BIN = 16
"""So few obstacles share one bin, unless it is said otherwise: all of them are then near every point."""
_BINS_PER_OBSTACLE = 4
_MOST_BINS_A_SIDE = 2048
_MOST_ITEMS = 1 << 22
# Relative slack, so that rounding at a bin's edge never drops an obstacle.
_SLACK = 1e-9


class ObstacleIndex(NamedTuple):
    """Obstacles by place, as plain arrays that numba kernels take as one argument.

    The obstacles near a point: ``b = bin_at(index, x, y)``, then
    ``index.obstacles[index.items[index.start[b]:index.start[b + 1]]]``, in ascending row order. Each bin
    lists every obstacle whose surface is within the radius of any point of the bin, and a turned one as if it filled
    the upright box around it. Bins at the border reach to infinity, so that points outside have a bin too.

    Attributes:
        obstacles: ``float64[n, 7]``, see ``swarm.model.geometry``.
        origin: ``float64[2]``, lower-left corner of the first bin [m].
        bin_size: Side of a bin [m].
        shape: Bins along x and along y; bin (i, j) has the number ``i * shape[1] + j``.
        start: ``int32[bins + 1]``, first item of each bin.
        items: ``int32[L]``, rows of ``obstacles``.
    """

    obstacles: Array
    origin: Array
    bin_size: float
    shape: tuple[int, int]
    start: Int32s
    items: Int32s


@inlined
def surface_distance(obstacles: Array, row: int, x: float, y: float) -> float:
    """Signed distance [m] from a point to the surface of one row of ``obstacles``."""
    o = obstacles[row]
    dx, dy, rounding = x - o[0], y - o[1], float(o[4])
    if o[6] != 0.0:
        dx, dy = o[5] * dx + o[6] * dy, o[5] * dy - o[6] * dx
    out_x, out_y = abs(dx) - o[2], abs(dy) - o[3]
    if out_x > 0.0 and out_y > 0.0:
        return math.sqrt(out_x * out_x + out_y * out_y) - rounding
    return float(max(out_x, out_y)) - rounding


@njit(cache=True)
def distances(obstacles: Array, xy: Array) -> Array:
    """Signed distances ``float64[n]`` [m] from one point to every obstacle."""
    result = np.empty(len(obstacles))
    for row in range(len(obstacles)):
        result[row] = surface_distance(obstacles, row, xy[0], xy[1])
    return result


@inlined
def _bin_along(index: ObstacleIndex, axis: int, coordinate: float) -> int:
    place = math.floor((coordinate - index.origin[axis]) / index.bin_size)
    return int(min(max(place, 0), index.shape[axis] - 1))


@uncounted
def bin_at(index: ObstacleIndex, x: float, y: float) -> int:
    """Number of the bin of a point; outside of the grid, of the nearest bin at its border."""
    return _bin_along(index, 0, x) * index.shape[1] + _bin_along(index, 1, y)


@njit(cache=True, inline="always")
def room_around(index: ObstacleIndex, others: Array, x: float, y: float, most: float) -> float:
    """Distance [m] from a point to the nearest obstacle of its bin or of ``others`` (rows alike), at most ``most``."""
    box, least = bin_at(index, x, y), most
    for item in range(index.start[box], index.start[box + 1]):
        least = min(least, surface_distance(index.obstacles, index.items[item], x, y))
    for row in range(len(others)):
        least = min(least, surface_distance(others, row, x, y))
    return least


@inlined
def middle_of_cell(origin: Array, size: float, row: int, column: int) -> tuple[float, float]:
    """Middle of a cell [m] of a grid with its lower-left corner at ``origin`` [m] and cells of ``size`` [m]."""
    return origin[0] + (column + 0.5) * size, origin[1] + (row + 0.5) * size


def build_index(obstacles: Array, bounds: Array, radius: float, one_bin: int = ONE_BIN) -> ObstacleIndex:
    """Sort obstacles into bins.

    Args:
        obstacles: ``float64[n, 7]``, see ``swarm.model.geometry``.
        bounds: ``float64[4]`` (xmin, ymin, xmax, ymax) [m]: the area that the bins divide.
        radius: Distance within which a bin lists an obstacle [m].
        one_bin: With so many obstacles or fewer the index has one bin.
    """
    width, height = float(bounds[2] - bounds[0]), float(bounds[3] - bounds[1])
    longest = max(width, height)
    reach = radius + _SLACK * (1.0 + longest)
    size = longest
    if len(obstacles) > one_bin:
        fine = math.sqrt(width * height / (_BINS_PER_OBSTACLE * len(obstacles)))
        size = min(longest, max(fine, radius / 3.0, longest / _MOST_BINS_A_SIDE))
    while True:
        shape = (max(1, math.ceil(width / size)), max(1, math.ceil(height / size)))
        nothing = np.zeros(0, dtype=np.int32)
        index = ObstacleIndex(obstacles, bounds[:2].copy(), size, shape, nothing, nothing)
        if shape == (1, 1) or _most_items(index, reach) <= _MOST_ITEMS:
            break
        size *= 2.0
    start, items = _fill(index, reach)
    return index._replace(start=start, items=items)


@njit(cache=True)
def _bin_range(index: ObstacleIndex, row: int, axis: int, reach: float) -> tuple[int, int]:
    """First and last bin along one axis that an obstacle grown by ``reach`` touches."""
    o = index.obstacles[row]
    half = extents(o)[axis] + o[4] + reach
    return _bin_along(index, axis, o[axis] - half), _bin_along(index, axis, o[axis] + half)


@njit(cache=True)
def _most_items(index: ObstacleIndex, reach: float) -> float:
    total = 0.0
    for row in range(len(index.obstacles)):
        left, right = _bin_range(index, row, 0, reach)
        low, high = _bin_range(index, row, 1, reach)
        total += float(right - left + 1) * float(high - low + 1)
    return total


@njit(cache=True)
def _gap(index: ObstacleIndex, row: int, axis: int, place: int) -> float:
    """Distance along one axis between a bin and an obstacle's box; bins at the border have no outer edge."""
    o = index.obstacles[row]
    half = extents(o)[axis]
    lower = index.origin[axis] + place * index.bin_size
    gap = 0.0
    if place > 0:
        gap = max(gap, lower - (o[axis] + half))
    if place < index.shape[axis] - 1:
        gap = max(gap, o[axis] - half - (lower + index.bin_size))
    return gap


@njit(cache=True)
def _fill(index: ObstacleIndex, reach: float) -> tuple[Int32s, Int32s]:
    """The two arrays of the index: count the items of each bin, then write them."""
    start = np.zeros(index.shape[0] * index.shape[1] + 1, dtype=np.int32)
    items = np.empty(0, dtype=np.int32)
    for writing in (False, True):
        if writing:
            start = np.cumsum(start).astype(np.int32)
            items = np.empty(start[-1], dtype=np.int32)
            cursor = start[:-1].copy()
        else:
            cursor = start[1:]
        for row in range(len(index.obstacles)):
            left, right = _bin_range(index, row, 0, reach)
            low, high = _bin_range(index, row, 1, reach)
            for i in range(left, right + 1):
                gap_x = _gap(index, row, 0, i)
                for j in range(low, high + 1):
                    if math.hypot(gap_x, _gap(index, row, 1, j)) - index.obstacles[row, 4] <= reach:
                        place = i * index.shape[1] + j
                        if writing:
                            items[cursor[place]] = row
                        cursor[place] += 1
    return start, items


@njit(cache=True)
def clearances(index: ObstacleIndex, xy: Array) -> Array:
    """Smallest signed distance ``float64[p]`` [m] from each point of ``xy[p, 2]`` to an obstacle.

    ``index`` is one of radius 0. Rings of bins around the point's own are searched until no further one can
    hold a nearer surface: everything beyond ring k is at least k bins away.
    """
    result = np.empty(len(xy))
    nx, ny = index.shape
    for p in range(len(xy)):
        x, y = xy[p, 0], xy[p, 1]
        if not (math.isfinite(x) and math.isfinite(y)):
            result[p] = math.nan
            continue
        best = math.inf
        centre_i, centre_j = _bin_along(index, 0, x), _bin_along(index, 1, y)
        for ring in range(max(nx, ny)):
            for i in range(max(0, centre_i - ring), min(nx - 1, centre_i + ring) + 1):
                # Inside the ring's first and last column only its two ends are new.
                edge = abs(i - centre_i) == ring
                step = 1 if edge or ring == 0 else 2 * ring
                for j in range(centre_j - ring, centre_j + ring + 1, step):
                    if 0 <= j < ny:
                        place = i * ny + j
                        for item in index.items[index.start[place] : index.start[place + 1]]:
                            best = min(best, surface_distance(index.obstacles, item, x, y))
            if best <= ring * index.bin_size * (1.0 - _SLACK):
                break
        result[p] = best
    return result
