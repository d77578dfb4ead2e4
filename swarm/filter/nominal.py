"""The control that a robot would use if it were alone: straight to its waypoint, turned and slowed by its tunables."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.narrow import ROW_MARGIN_BRAKING
from swarm.filter.tunables import ROTATION, SPEED
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
    TURN_ACCELERATION,
    TURN_RATE,
    is_car,
    is_second_order,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SHARPEST, UNICYCLE
from swarm.model.geometry import to_obstacle
from swarm.sense.neighbours import N_RADIUS, N_VX, N_VY, N_X, N_Y, O_GAP

# Periods over which a velocity error (double integrator) or a heading error (unicycle) is removed.
_VELOCITY_PERIODS = 2.0
_HEADING_PERIODS = 4.0
# The part of the brakes that the approach to the end of the path plans with.
_APPROACH_SHARE = 0.7
# Where the way leads back by so much [rad], a unicycle turns to the side of its waypoint, which stays the same.
_BEHIND = 2.0
# A car plans with arcs that are wider than its tightest one by so much, and where it has set back for a place that is
# within them, it drives on only as that is so much farther from their centre.
_WIDER, _OUTSIDE = 1.1, 1.15
# A car looks so many steps ahead whether it turns into an obstacle, each an angle of its tightest arc [rad]; an arc
# to begin with has at most so many. To change its direction it wants so many radii more around it.
_STEPS, _STEP, _FIRST_STEPS = 12, 0.25, 8
_ROOMY = 0.2
# Robots that are slower than such a part of its own top speed are in its way as obstacles are.
_STANDS = 0.05
# A place that is so near, in radii, is not worth setting back, or driving in a circle.
_THERE = 0.5


@uncounted
def nominal_control(
    kind: int, state: Array, body: Array, waypoint: Array, remaining: float, tunables: Array, nominal: Array
) -> None:
    """Write the nominal control in the variables of the QP.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``, see ``swarm.model.body``.
        waypoint: ``float64[2]``, world [m].
        remaining: Metres to where the robot should come to rest (not the waypoint, if the path goes on).
        tunables: ``float64[6]``, physical: rotation and speed are used.
        nominal: ``float64[2]``, written: velocity [m/s], acceleration [m/s²] or (v, look_ahead * turn rate) [m/s].
    """
    dx, dy = waypoint[0] - state[0], waypoint[1] - state[1]
    distance = math.hypot(dx, dy)
    dt = body[PERIOD]
    speed = min(tunables[SPEED] * body[TOP_SPEED], remaining / dt)
    slow = is_second_order(body)
    if kind == DOUBLE_INTEGRATOR or slow:
        speed = min(speed, math.sqrt(2.0 * _APPROACH_SHARE * body[ACCELERATION] * remaining))
        speed = min(speed, remaining / (_VELOCITY_PERIODS * dt))
    if distance < 1e-9:
        speed, dx, dy, distance = 0.0, 1.0, 0.0, 1.0
    c, s = math.cos(tunables[ROTATION]), math.sin(tunables[ROTATION])
    ex, ey = (c * dx - s * dy) / distance, (s * dx + c * dy) / distance
    if kind == DOUBLE_INTEGRATOR:
        nominal[0] = (speed * ex - state[3]) / (_VELOCITY_PERIODS * dt)
        nominal[1] = (speed * ey - state[4]) / (_VELOCITY_PERIODS * dt)
    elif kind == UNICYCLE and is_car(body):
        _drive_car(state, body, distance * ex, distance * ey, speed, nominal)
    elif kind == UNICYCLE:
        hx, hy = math.cos(state[2]), math.sin(state[2])
        ahead, aside = ex * hx + ey * hy, ey * hx - ex * hy
        error = math.atan2(aside, ahead)
        turn = min(max(error / (_HEADING_PERIODS * dt), -body[TURN_RATE]), body[TURN_RATE])
        if slow:  # what turns late has to begin to straighten up earlier, and what turns fast must not be fast
            late = math.sqrt(2.0 * _APPROACH_SHARE * body[TURN_ACCELERATION] * abs(error))
            turn = min(max(turn, -late), late)
            speed = min(speed, 2.0 * _APPROACH_SHARE * SHARPEST * body[ACCELERATION] / max(abs(turn), 1e-9))
        nominal[0] = speed * max(0.0, ahead) ** 2
        nominal[1] = body[LOOK_AHEAD] * turn if speed > 0.0 else 0.0
    else:
        nominal[0], nominal[1] = speed * ex, speed * ey


@uncounted
def turn_towards(state: Array, body: Array, waypoint: Array, velocity: Array) -> None:
    """Turn a wanted velocity into the forward speed and turn of a unicycle that drives along it, in place.

    It turns on the spot before it drives, and drives along arcs that end where it wants to go (pure pursuit).

    Args:
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        waypoint: ``float64[2]``, where it wants to go [m].
        velocity: ``float64[2]`` [m/s]; written: (v, look_ahead * turn rate) [m/s].
    """
    vx, vy = velocity[0], velocity[1]
    speed = math.hypot(vx, vy)
    hx, hy = math.cos(state[2]), math.sin(state[2])
    dx, dy = waypoint[0] - state[0], waypoint[1] - state[1]
    error = math.atan2(vy * hx - vx * hy, vx * hx + vy * hy)
    if abs(error) > _BEHIND:
        error = math.copysign(error, dy * hx - dx * hy)
    turn = min(max(error / (_HEADING_PERIODS * body[PERIOD]), -body[TURN_RATE]), body[TURN_RATE])
    if speed <= 0.0:
        turn = 0.0
    ahead = max(0.0, math.cos(error))
    speed *= ahead**2
    across = 2.0 * abs(math.sin(error))
    if across > 1e-9:
        speed = min(speed, body[TURN_RATE] * math.hypot(dx, dy) / across)
    velocity[0], velocity[1] = speed, body[LOOK_AHEAD] * turn


@uncounted
def _drive_car(state: Array, body: Array, x: float, y: float, speed: float, nominal: Array) -> None:
    """``nominal_control`` of a car: along an arc and straight on, after setting back for a place within its arcs.

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
            turn = error / (_HEADING_PERIODS * body[PERIOD] * max(speed, 1e-9))
            curve = min(curve, max(turn, 2.0 * math.sin(error) / max(distance, 1e-9)))
        curve *= side
    passed = body[REVERSE] <= 0.0 and ahead < 0.0
    if (away or passed) and distance < _THERE * body[RADIUS]:
        speed = 0.0
    v = way * min(speed, body[TOP_SPEED] if way > 0.0 else body[REVERSE])
    if is_second_order(body):  # what it can reach, so that it turns no more sharply than is meant
        most, push = 2.0 * _APPROACH_SHARE * SHARPEST * body[ACCELERATION], body[ACCELERATION] * body[PERIOD]
        fine = math.sqrt(most / max(abs(curve), 1e-9))
        v = min(max(v, -fine, now - push), fine, now + push)
        v = max(v, 0.0) if now > 0.0 else min(v, 0.0) if now < 0.0 else v
    nominal[0], nominal[1] = v, body[LOOK_AHEAD] * curve * v


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
        v = min(max(v, now - push), now + push)
        v = max(v, 0.0) if now > 0.0 else min(v, 0.0) if now < 0.0 else v
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
