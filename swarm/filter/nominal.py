"""The control that a robot would use if it were alone: straight to its waypoint, turned and slowed by its tunables."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.tunables import ROTATION, SPEED
from swarm.kernel_cache.references import uncounted
from swarm.model.body import (
    ACCELERATION,
    CURVATURE,
    LOOK_AHEAD,
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
