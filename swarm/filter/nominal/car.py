"""The nominal control of a car, which cannot turn on the spot: arcs and straight lines, forward and backwards.

Its ways are those of Dubins (1957) and, where it may set back, of Reeds and Shepp (1990), but for the heading at the
end, which is left free: an arc to the side of the goal and a straight line. Before obstacles it looks for a first arc
from behind which such a way is free.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.narrow import ROW_MARGIN_BRAKING
from swarm.filter.nominal import APPROACH_SHARE, HEADING_PERIODS
from swarm.kernel_cache.references import uncounted
from swarm.model.body import (
    ACCELERATION,
    CURVATURE,
    LOOK_AHEAD,
    MARGIN,
    PERIOD,
    RADIUS,
    REVERSE,
    TOP_SPEED,
    is_second_order,
)
from swarm.model.dynamics import SHARPEST
from swarm.model.geometry import to_obstacle
from swarm.sense.neighbours import N_RADIUS, N_VX, N_VY, N_X, N_Y, O_GAP

# It plans with arcs that are wider than its tightest one by so much, and where it has set back for a place that is
# within them, it drives on only as that is so much farther from their centre.
_WIDER, _OUTSIDE = 1.1, 1.15
# It looks so many steps ahead whether it turns into an obstacle, each an angle of its tightest arc [rad]; an arc to
# begin with has at most so many. To change its direction it wants so many radii more around it.
_STEPS, _STEP, _FIRST_STEPS = 12, 0.25, 8
_ROOMY = 0.2
# Robots that are slower than such a part of its own top speed are in its way as obstacles are.
_STANDS = 0.05
# A place that is so near, in radii, is not worth setting back, or driving in a circle.
_THERE = 0.5


@uncounted
def drive_car(state: Array, body: Array, x: float, y: float, speed: float, nominal: Array) -> None:
    """Nominal control of a car: along an arc and straight on, after setting back for a place within its arcs.

    Args:
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        x: Where it goes, relative to it, in the frame of the world [m].
        y: See there.
        speed: At most so fast [m/s].
        nominal: ``float64[2]``, written: (v, look_ahead * turn rate) [m/s].
    """
    hx, hy = math.cos(state[2]), math.sin(state[2])
    ahead, aside, now = x * hx + y * hy, y * hx - x * hy, state[3] * hx + state[4] * hy
    side, distance, way = math.copysign(1.0, aside), math.hypot(ahead, aside), _car_way(body, now, ahead, abs(aside))
    away = abs(way) > 1.0
    if away:  # within its arcs: away from it, turned to it or, where it cannot drive backwards, straight on
        way *= 0.5
        curve = -side * body[CURVATURE] if body[REVERSE] > 0.0 else 0.0
    else:
        error = math.atan2(abs(aside), way * ahead)
        curve = body[CURVATURE]
        if error < 0.5 * math.pi:  # at least the arc that ends there
            turn = error / (HEADING_PERIODS * body[PERIOD] * max(speed, 1e-9))
            curve = min(curve, max(turn, 2.0 * math.sin(error) / max(distance, 1e-9)))
        curve *= side
    passed = body[REVERSE] <= 0.0 and ahead < 0.0
    if (away or passed) and distance < _THERE * body[RADIUS]:
        speed = 0.0
    v = way * min(speed, body[TOP_SPEED] if way > 0.0 else body[REVERSE])
    if is_second_order(body):  # what it can reach, so that it turns no more sharply than is meant
        most, push = 2.0 * APPROACH_SHARE * SHARPEST * body[ACCELERATION], body[ACCELERATION] * body[PERIOD]
        fine = math.sqrt(most / max(abs(curve), 1e-9))
        v = _reachable(v, now, max(-fine, now - push), min(fine, now + push))
    nominal[0], nominal[1] = v, body[LOOK_AHEAD] * curve * v


@uncounted
def _reachable(wanted: float, now: float, low: float, high: float) -> float:
    """The speed within limits that is next to a wanted one [m/s]; a car that drives stops before it changes its way."""
    v = min(max(wanted, low), high)
    return max(v, 0.0) if now > 0.0 else min(v, 0.0) if now < 0.0 else v


@uncounted
def _car_way(body: Array, now: float, ahead: float, aside: float) -> float:
    """In which direction a car drives to a place, 1 (forward) or -1; twice that, if away from one within its arcs.

    Args:
        body: ``float64[BODY]``.
        now: Its speed [m/s].
        ahead: How far ahead the place is [m].
        aside: How far beside it [m].
    """
    radius, back = _WIDER / body[CURVATURE], body[REVERSE] > 0.0
    towards = -1.0 if back and ahead < 0.0 else 1.0
    away = back and now * towards < 0.0
    if math.hypot(ahead, aside - radius) < radius * (_OUTSIDE if away else 1.0):
        return -2.0 * towards if back else 2.0
    if not back:
        return 1.0
    # To turn back takes time too: as long as a quarter of a circle.
    forward = (_arc_and_line(ahead, aside, radius) + (1.5 * radius if now < 0.0 else 0.0)) / body[TOP_SPEED]
    backward = (_arc_and_line(-ahead, aside, radius) + (1.5 * radius if now > 0.0 else 0.0)) / body[REVERSE]
    return 1.0 if forward <= backward else -1.0


@uncounted
def _arc_and_line(ahead: float, aside: float, radius: float) -> float:
    """How long [m] the way to a place is along an arc of a radius [m] to its side, and straight on."""
    far = math.hypot(ahead, aside - radius)
    if far <= radius:
        return 2.0 * math.pi * radius
    turned = math.atan2(ahead, radius - aside) - math.acos(radius / far)
    return radius * (turned if turned >= 0.0 else turned + 2.0 * math.pi) + math.sqrt(far * far - radius * radius)


@uncounted
def set_back(
    state: Array, body: Array, obstacles: Array, count: int, waypoint: Array, nominal: Array
) -> None:  # fmt: skip
    """Change the nominal control of a car that would turn into an obstacle: first an arc from which its way is free.

    Args:
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        obstacles: ``float64[M, 11]`` that it senses.
        count: How many of them count.
        waypoint: ``float64[2]`` [m].
        nominal: ``float64[2]``, changed: (v, look_ahead * turn rate) [m/s].
    """
    if body[REVERSE] <= 0.0 or count == 0:
        return
    x, y, heading = state[0], state[1], state[2]
    hx, hy = math.cos(heading), math.sin(heading)
    now, way = state[3] * hx + state[4] * hy, 1.0 if nominal[0] >= 0.0 else -1.0
    size = _room_of(body) + (_ROOMY * body[RADIUS] if now * way < 0.0 else 0.0)
    if not _turns_into(way, size, x, y, heading, body, obstacles, count, waypoint):
        return
    way, curve = _first_arc(now, state, body, obstacles, count, waypoint)
    if way == 0.0:
        return
    v = way * 0.5 * (body[TOP_SPEED] if way > 0.0 else body[REVERSE])
    if is_second_order(body):
        push = body[ACCELERATION] * body[PERIOD]
        v = _reachable(v, now, now - push, now + push)
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
        row[0], row[1], row[2], row[3], row[4], row[5], row[6] = (
            other[N_X],
            other[N_Y],
            0.0,
            0.0,
            other[N_RADIUS],
            1.0,
            0.0,
        )
        row[O_GAP] = math.hypot(state[0] - other[N_X], state[1] - other[N_Y]) - other[N_RADIUS]
        count += 1
    return count


@uncounted
def _first_arc(
    now: float, state: Array, body: Array, obstacles: Array, count: int, waypoint: Array
) -> tuple[float, float]:  # fmt: skip
    """Direction (1, -1; 0: there is none) and curvature [1/m] of the arc behind which the way on is free and shortest.

    If there is none, of the one that is free for longest.
    """
    step, least, best, bend, longest = _STEP / body[CURVATURE], math.inf, 0.0, 0.0, 0
    size = _room_of(body)
    roomy = size + _ROOMY * body[RADIUS]
    for option in range(6):
        way, turn = 1.0 if option < 3 else -1.0, float(option % 3 - 1)
        x, y, heading = state[0], state[1], state[2]
        cost = 0.0 if now * way >= 0.0 else 1.5 / body[CURVATURE]
        for k in range(1, _FIRST_STEPS + 1):
            turned = way * turn * _STEP
            x += way * step * math.cos(heading + 0.5 * turned)
            y += way * step * math.sin(heading + 0.5 * turned)
            heading += turned
            cost += step * body[TOP_SPEED] / (body[TOP_SPEED] if way > 0.0 else body[REVERSE])
            if _nears(x, y, size, obstacles, count):
                break
            if k > longest and math.isinf(least):
                longest, best, bend = k, way, turn * body[CURVATURE]
            if k % 2 == 1 or cost >= least:
                continue
            dx, dy, hx, hy = waypoint[0] - x, waypoint[1] - y, math.cos(heading), math.sin(heading)
            ahead, aside = dx * hx + dy * hy, abs(dy * hx - dx * hy)
            for on in (way, -way):
                room = size if on == way else roomy
                rest = _arc_and_line(on * ahead, aside, 1.0 / body[CURVATURE])
                rest += 0.0 if on == way else 1.5 / body[CURVATURE]
                if cost + rest < least and not _turns_into(on, room, x, y, heading, body, obstacles, count, waypoint):
                    least, best, bend = cost + rest, way, turn * body[CURVATURE]
    return best, bend


@uncounted
def _room_of(body: Array) -> float:
    """How far [m] from an obstacle the rows of a car keep it."""
    return body[RADIUS] * (1.0 + ROW_MARGIN_BRAKING) + body[LOOK_AHEAD] + body[MARGIN]


@uncounted
def _nears(x: float, y: float, size: float, obstacles: Array, count: int) -> bool:
    """Whether a place is nearer to an obstacle than ``size`` [m], and than the robot is now."""
    near = False
    for k in range(count):
        near = near or to_obstacle(x, y, obstacles[k])[0] < min(size, obstacles[k, O_GAP] - 1e-9)
    return near


@uncounted
def _turns_into(
    way: float, size: float, x: float, y: float, heading: float, body: Array, obstacles: Array, count: int,
    waypoint: Array,
) -> bool:  # fmt: skip
    """Whether the next part of a car's way to its waypoint, forward (1) or backwards (-1), leads into an obstacle."""
    step = _STEP / body[CURVATURE]
    for _ in range(_STEPS):
        dx, dy, hx, hy = waypoint[0] - x, waypoint[1] - y, math.cos(heading), math.sin(heading)
        if math.hypot(dx, dy) < step:
            return False
        error = math.atan2(dy * hx - dx * hy, way * (dx * hx + dy * hy))
        turned = way * min(max(error, -_STEP), _STEP)
        x += way * step * math.cos(heading + 0.5 * turned)
        y += way * step * math.sin(heading + 0.5 * turned)
        heading += turned
        if _nears(x, y, size, obstacles, count):
            return True
    return False
