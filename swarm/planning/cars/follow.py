"""From a way to where a car drives now.

The filter drives a car to a point along an arc and straight on, forward or backwards as is shorter. So the point that
it is told is one to which that is what the way does: the goal, or a pose on the way as far as possible; else one just
ahead on the arc that leads back to the way.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.nominal.car import car_way
from swarm.model.body import CURVATURE, TOP_SPEED
from swarm.model.dynamics import forward_speed
from swarm.planning.cars.space import CarSpace, way_fits

# All in radii of the tightest arc: how far ahead on its way a car looks, and how far ahead it is told to drive, which
# is nearer than what the filter itself looks at (``swarm.filter.nominal.moves``).
_LOOK, _TOLD = 0.5, 0.24
_SPARE = 1.12  # It is told no arc that is not wider by so much: the filter has those for out of reach.
_AT = 0.1  # It is at the end of a part of its way within so much,
_STANDS = 0.04  # and turns back when it is slower than such a part of its top speed, as the filter sees it.
_OFF, _ASTRAY = 0.25, 0.6  # It is off its way by so much, or by such an angle [rad].


@njit(cache=True)
def direct(space: CarSpace, needed: float, state: Array, x: float, y: float, near: float) -> tuple[float, float]:
    """In which direction the filter drives a car to a point, and how long the way is [m]; 0: it leads into something.

    It takes the tightest arc, not those of ``space``.
    """
    dx, dy, hx, hy, now = x - state[0], y - state[1], math.cos(state[2]), math.sin(state[2]), forward_speed(state)
    if math.hypot(dx, dy) <= near:
        return 1.0, 0.0
    way = car_way(space.body, now, dx * hx + dy * hy, abs(dy * hx - dx * hy))
    if abs(way) > 1.0:
        return 0.0, np.inf
    radius, corners = 1.0 / space.body[CURVATURE], np.empty_like(space.footprint)
    length = way_fits(space, needed, radius, state, way, x, y, near, np.empty((0, 4)), corners)
    return (way, length) if length < np.inf else (0.0, np.inf)


@njit(cache=True)
def part_end(path: Array, at: int) -> int:
    """The last pose of the part of a way that is driven in one direction from pose ``at`` on."""
    last = at
    while last + 1 < len(path) and path[last + 1, 3] == path[min(at + 1, len(path) - 1), 3]:
        last += 1
    return last


@njit(cache=True)
def advance(space: CarSpace, path: Array, at: int, state: Array) -> tuple[int, bool]:
    """The last pose of a way that a car has passed, from ``at`` on, and whether it is off its way."""
    unit, end = 1.0 / space.body[CURVATURE], part_end(path, at)
    best, nearest = np.inf, at
    for k in range(at, end + 1):
        away = math.hypot(path[k, 0] - state[0], path[k, 1] - state[1])
        if away < best:
            best, nearest = away, k
    if end > at:
        dx, dy, way = path[end, 0] - state[0], path[end, 1] - state[1], path[end, 3]
        ahead = way * (dx * math.cos(path[end, 2]) + dy * math.sin(path[end, 2]))
        if math.hypot(dx, dy) < _AT * unit or (nearest >= end - 1 and ahead < _AT * unit):
            nearest = end
    astray = abs((state[2] - path[nearest, 2] + math.pi) % (2.0 * math.pi) - math.pi)
    return nearest, best > _OFF * unit or astray > _ASTRAY


@njit(cache=True)
def rest_of(path: Array, at: int, end: int, state: Array) -> float:
    """Length of a way from where a car is, behind pose ``at``, to pose ``end`` [m]."""
    if end <= at:
        return math.hypot(path[end, 0] - state[0], path[end, 1] - state[1])
    length = math.hypot(path[at + 1, 0] - state[0], path[at + 1, 1] - state[1])
    for k in range(at + 1, end):
        length += math.hypot(path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1])
    return length


@njit(cache=True)
def _arc_to_way(space: CarSpace, path: Array, at: int, end: int, state: Array) -> tuple[float, float]:
    """A point just ahead on the arc that leads to the way (pure pursuit) [m]."""
    unit, way, k = 1.0 / space.body[CURVATURE], path[end, 3], at + 1
    while k < end and math.hypot(path[k, 0] - state[0], path[k, 1] - state[1]) < _LOOK * unit:
        k += 1
    x, y = path[k, 0], path[k, 1]
    short = _LOOK * unit - math.hypot(x - state[0], y - state[1])
    if short > 0.0:  # the part ends here, and goes on straight for what is still ahead
        x, y = x + way * short * math.cos(path[k, 2]), y + way * short * math.sin(path[k, 2])
    dx, dy, hx, hy = x - state[0], y - state[1], math.cos(state[2]), math.sin(state[2])
    aside, most = dy * hx - dx * hy, 1.0 / (_SPARE * unit)
    bend = min(max(2.0 * aside / max(dx * dx + dy * dy, 1e-9), -most), most)
    told = _TOLD * unit
    across = 0.5 * bend * told * told
    ahead = way * math.sqrt(told * told - across * across)
    return state[0] + ahead * hx - across * hy, state[1] + ahead * hy + across * hx


@njit(cache=True)
def next_point(
    space: CarSpace, needed: float, path: Array, at: int, state: Array
) -> tuple[float, float, float, bool]:  # fmt: skip
    """Where a car drives now on its way (x, y), the way after which it must be able to stop [m], and if exactly there.

    Args:
        space: Around the car.
        needed: What its way keeps [m].
        path: Its way, ``float64[n, 4]`` (``search``).
        at: The last pose of it that it has passed.
        state: ``float64[5]``.
    """
    end, now = part_end(path, at), forward_speed(state)
    if end <= at:
        return state[0], state[1], 0.0, True
    way, rest = path[end, 3], rest_of(path, at, end, state)
    if now * way < -_STANDS * space.body[TOP_SPEED]:
        return state[0], state[1], 0.0, True
    k, last = end if needed >= space.needed[1] else at, at  # with less the filter would set it back from there
    while k > at + 2:  # a pose as far on as possible: half-way, a quarter of the way, ...
        x, y = path[k, 0], path[k, 1]
        if math.hypot(x - state[0], y - state[1]) > _LOOK / space.body[CURVATURE]:
            there, length = direct(space, needed, state, x, y, 0.0)
            if there == way and length < 1.1 * rest_of(path, at, k, state):
                return x, y, rest, False
        k = last + (k - last) // 2
    x, y = _arc_to_way(space, path, at, end, state)
    return x, y, rest, True
