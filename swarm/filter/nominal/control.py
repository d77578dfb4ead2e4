"""The control that a robot would use if it were alone: straight to its waypoint, turned and slowed by its tunables."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.nominal import APPROACH_SHARE, HEADING_PERIODS, VELOCITY_PERIODS
from swarm.filter.nominal.car import drive_car
from swarm.filter.tunables import ROTATION, SPEED
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.body import (
    ACCELERATION,
    LOOK_AHEAD,
    PERIOD,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    is_car,
    is_second_order,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SHARPEST, UNICYCLE

# Where the way leads back by so much [rad], a unicycle turns to the side of its waypoint, which stays the same.
_BEHIND = 2.0
# It drives slower by the cosine of what it has to turn yet to this power: with less, it drives out of its lane at the
# side while it turns, by a radius at a corner.
_ALIGNED = 6


@inlined
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
        speed = min(speed, math.sqrt(2.0 * APPROACH_SHARE * body[ACCELERATION] * remaining))
        speed = min(speed, remaining / (VELOCITY_PERIODS * dt))
    if distance < 1e-9:
        speed, dx, dy, distance = 0.0, 1.0, 0.0, 1.0
    c, s = math.cos(tunables[ROTATION]), math.sin(tunables[ROTATION])
    ex, ey = (c * dx - s * dy) / distance, (s * dx + c * dy) / distance
    if kind == DOUBLE_INTEGRATOR:
        nominal[0] = (speed * ex - state[3]) / (VELOCITY_PERIODS * dt)
        nominal[1] = (speed * ey - state[4]) / (VELOCITY_PERIODS * dt)
    elif kind == UNICYCLE and is_car(body):
        drive_car(state, body, distance * ex, distance * ey, speed, nominal)
    elif kind == UNICYCLE:
        hx, hy = math.cos(state[2]), math.sin(state[2])
        ahead, aside = ex * hx + ey * hy, ey * hx - ex * hy
        error = math.atan2(aside, ahead)
        turn = min(max(error / (HEADING_PERIODS * dt), -body[TURN_RATE]), body[TURN_RATE])
        if slow:  # what turns late has to begin to straighten up earlier, and what turns fast must not be fast
            late = math.sqrt(2.0 * APPROACH_SHARE * body[TURN_ACCELERATION] * abs(error))
            turn = min(max(turn, -late), late)
            speed = min(speed, 2.0 * APPROACH_SHARE * SHARPEST * body[ACCELERATION] / max(abs(turn), 1e-9))
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
    turn = min(max(error / (HEADING_PERIODS * body[PERIOD]), -body[TURN_RATE]), body[TURN_RATE])
    if speed <= 0.0:
        turn = 0.0
    ahead = max(0.0, math.cos(error))
    speed *= ahead**_ALIGNED
    across = 2.0 * abs(math.sin(error))
    if across > 1e-9:
        speed = min(speed, body[TURN_RATE] * math.hypot(dx, dy) / across)
    velocity[0], velocity[1] = speed, body[LOOK_AHEAD] * turn
