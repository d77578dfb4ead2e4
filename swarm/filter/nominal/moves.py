"""What a car does where its way leads into obstacles: first an arc from behind which a way is free, in several moves.

Robots that stand and the bounds of the world are obstacles here. Nothing is remembered: in each period it looks anew.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from numba import njit

from swarm.array_types import Array
from swarm.filter.narrow import ROW_MARGIN_BRAKING
from swarm.filter.nominal.car import arc_and_line, car_way, reachable_speed
from swarm.kernel_cache.references import uncounted
from swarm.model.body import (
    ACCELERATION,
    CURVATURE,
    LOOK_AHEAD,
    MARGIN,
    PERIOD,
    RADIUS,
    REVERSE,
    SENSING,
    TOP_SPEED,
    is_second_order,
)
from swarm.model.geometry import to_obstacle
from swarm.model.shapes import corners_of, end_circles
from swarm.sense.neighbours import N_RADIUS, N_VX, N_VY, N_X, N_Y, O_GAP

# It looks so many steps ahead whether it turns into an obstacle, each an angle of its tightest arc [rad]; an arc to
# begin with has at most so many. To change its direction it wants so many radii more around it.
_STEPS, _STEP, _FIRST_STEPS = 12, 0.25, 8
_ROOMY = 0.2
# To break off a move costs as much as a way of so many radii of its tightest arc: else it would drive to and fro.
_TURN_BACK = 3.0
# By so much of its half width corners of an outline may stick out of the circles at its ends.
_CORNERS = 0.3
# Robots that are slower than such a part of its own top speed are in its way as obstacles are.
_STANDS = 0.05
# Half of the length and of the thickness of what stands for a side of the bounds [m].
_WALL = 500.0


@uncounted
def _wanted_way(state: Array, body: Array, x: float, y: float) -> tuple[float, float]:
    """The speed of a car [m/s], and in which direction it wants to drive to a place: 1 or -1.

    Its nominal speed does not say so: one that turns back has to stop before.
    """
    hx, hy = math.cos(state[2]), math.sin(state[2])
    now = state[3] * hx + state[4] * hy
    return now, math.copysign(1.0, car_way(body, now, x * hx + y * hy, abs(y * hx - x * hy)))


class Car(NamedTuple):
    """A car among obstacles, as one circle, or two at the ends of its outline.

    Attributes:
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        front: Middle of the first circle, in the body's frame [m].
        rear: Middle of the second.
        single: Whether there is one circle, about the car's place.
        size: How far from an obstacle rows keep the middles [m].
        obstacles: ``float64[M, 11]`` that it senses.
        many: How many of them count.
        waypoint: ``float64[2]`` [m].
    """

    state: Array
    body: Array
    front: tuple[float, float]
    rear: tuple[float, float]
    single: bool
    size: float
    obstacles: Array
    many: int
    waypoint: Array


@njit(cache=True, inline="always")
def car_of(state: Array, body: Array, footprint: Array, obstacles: Array, count: int, waypoint: Array) -> Car:
    """A car with this footprint (``swarm.model.shapes``); the rest as in ``Car``."""
    if corners_of(footprint) == 0:
        size = body[RADIUS] * (1.0 + ROW_MARGIN_BRAKING) + body[LOOK_AHEAD] + body[MARGIN]
        return Car(state, body, (0.0, 0.0), (0.0, 0.0), True, size, obstacles, count, waypoint)
    x0, y0, x1, y1, thin = end_circles(footprint)
    size = thin * (1.0 + ROW_MARGIN_BRAKING + _CORNERS) + body[MARGIN]
    return Car(state, body, (x0, y0), (x1, y1), False, size, obstacles, count, waypoint)


@uncounted
def set_back(car: Car, nominal: Array) -> None:
    """Change the nominal control of a car that would turn into an obstacle: first an arc from which its way is free.

    Args:
        car: Which one, and what is around it.
        nominal: ``float64[2]``, changed: (v, look_ahead * turn rate) [m/s].
    """
    if car.body[REVERSE] <= 0.0 or car.many == 0:
        return
    state, body = car.state, car.body
    now, way = _wanted_way(state, body, car.waypoint[0] - state[0], car.waypoint[1] - state[1])
    if not _turns_into(car, way, now * way < 0.0, state[0], state[1], state[2]):
        return
    way, curve = _first_arc(car, now)
    if way == 0.0:
        return
    v = way * 0.5 * (body[TOP_SPEED] if way > 0.0 else body[REVERSE])
    if is_second_order(body):
        push = body[ACCELERATION] * body[PERIOD]
        v = reachable_speed(v, now, now - push, now + push)
    nominal[0], nominal[1] = v, body[LOOK_AHEAD] * curve * v


@uncounted
def add_standing(
    state: Array, body: Array, neighbours: Array, near: int, obstacles: Array, count: int
) -> int:  # fmt: skip
    """Write robots that stand behind the obstacles that a car senses, as far as there is room; returns how many then.

    Args:
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        neighbours: ``float64[K, 22]``.
        near: How many of them count.
        obstacles: ``float64[M, 11]``, written from the row ``count`` on.
        count: How many of them count.
    """
    for k in range(near):
        other = neighbours[k]
        if count == len(obstacles) or math.hypot(other[N_VX], other[N_VY]) > _STANDS * body[TOP_SPEED]:
            continue
        row = obstacles[count]
        row[0], row[1], row[2], row[3], row[4] = other[N_X], other[N_Y], 0.0, 0.0, other[N_RADIUS]
        row[5], row[6] = 1.0, 0.0
        row[O_GAP] = math.hypot(state[0] - other[N_X], state[1] - other[N_Y]) - other[N_RADIUS]
        count += 1
    return count


@uncounted
def add_bounds(state: Array, body: Array, bounds: Array, obstacles: Array, count: int) -> int:
    """``add_standing`` of the sides of the bounds that a car senses: walls that a disc at them would touch.

    Args:
        state: See there.
        body: See there.
        bounds: ``float64[4]`` of the car's place [m]; may be infinite.
        obstacles: See there.
        count: See there.
    """
    for side in range(4):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        room = sign * (state[axis] - bounds[side])
        if count == len(obstacles) or room > body[SENSING]:
            continue
        row = obstacles[count]
        row[axis], row[1 - axis] = bounds[side] - sign * (body[RADIUS] + _WALL), state[1 - axis]
        row[2], row[3], row[4], row[5], row[6] = _WALL, _WALL, 0.0, 1.0, 0.0
        row[O_GAP] = room + body[RADIUS]
        count += 1
    return count


@uncounted
def _first_arc(car: Car, now: float) -> tuple[float, float]:
    """Direction (1, -1; 0: there is none) and curvature [1/m] of the arc behind which the way on is free and shortest.

    If there is none, of the one that is free for longest. ``now``: the car's speed [m/s].
    """
    body, waypoint = car.body, car.waypoint
    step, least, best, bend, longest = _STEP / body[CURVATURE], math.inf, 0.0, 0.0, 0
    for option in range(6):
        way, turn = 1.0 if option < 3 else -1.0, float(option % 3 - 1)
        x, y, heading = car.state[0], car.state[1], car.state[2]
        cost = 0.0 if now * way >= 0.0 else _TURN_BACK / body[CURVATURE]
        for k in range(1, _FIRST_STEPS + 1):
            turned = way * turn * _STEP
            x += way * step * math.cos(heading + 0.5 * turned)
            y += way * step * math.sin(heading + 0.5 * turned)
            heading += turned
            cost += step * body[TOP_SPEED] / (body[TOP_SPEED] if way > 0.0 else body[REVERSE])
            if _nears(car, car.size, x, y, heading):
                break
            if k > longest and math.isinf(least):
                longest, best, bend = k, way, turn * body[CURVATURE]
            if k % 2 == 1 or cost >= least:
                continue
            dx, dy, hx, hy = waypoint[0] - x, waypoint[1] - y, math.cos(heading), math.sin(heading)
            ahead, aside = dx * hx + dy * hy, abs(dy * hx - dx * hy)
            for on in (way, -way):
                rest = arc_and_line(on * ahead, aside, 1.0 / body[CURVATURE])
                rest += 0.0 if on == way else 1.5 / body[CURVATURE]
                if cost + rest < least and not _turns_into(car, on, on != way, x, y, heading):
                    least, best, bend = cost + rest, way, turn * body[CURVATURE]
    return best, bend


@uncounted
def _nears(car: Car, size: float, x: float, y: float, heading: float) -> bool:
    """Whether a circle of the car, were it there, is nearer to an obstacle than ``size`` [m], and than it is now."""
    state = car.state
    c, s = math.cos(heading), math.sin(heading)
    for k in range(car.many):
        thing = car.obstacles[k]
        if car.single:
            if to_obstacle(x, y, thing)[0] < min(size, thing[O_GAP] - 1e-9):
                return True
            continue
        for end in range(2):
            point = car.front if end == 0 else car.rear
            gap = _gap_of(point, x, y, c, s, thing)
            if gap < size:
                now = _gap_of(point, state[0], state[1], math.cos(state[2]), math.sin(state[2]), thing)
                if gap < now - 1e-9:
                    return True
    return False


@uncounted
def _gap_of(point: tuple[float, float], x: float, y: float, c: float, s: float, thing: Array) -> float:
    """Distance [m] from a point of a body to an obstacle; of the body its place, and cosine and sine of its heading."""
    return to_obstacle(x + c * point[0] - s * point[1], y + s * point[0] + c * point[1], thing)[0]


@uncounted
def _turns_into(car: Car, way: float, turns_back: bool, x: float, y: float, heading: float) -> bool:
    """Whether the next part of a car's way to its waypoint, forward (1) or backwards (-1), leads into an obstacle.

    To turn back it wants more room.
    """
    step, waypoint = _STEP / car.body[CURVATURE], car.waypoint
    size = car.size + _ROOMY * car.body[RADIUS] if turns_back else car.size
    for _ in range(_STEPS):
        dx, dy, hx, hy = waypoint[0] - x, waypoint[1] - y, math.cos(heading), math.sin(heading)
        if math.hypot(dx, dy) < step:
            return False
        error = math.atan2(dy * hx - dx * hy, way * (dx * hx + dy * hy))
        turned = way * min(max(error, -_STEP), _STEP)
        x += way * step * math.cos(heading + 0.5 * turned)
        y += way * step * math.sin(heading + 0.5 * turned)
        heading += turned
        if _nears(car, size, x, y, heading):
            return True
    return False
