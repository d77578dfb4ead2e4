"""Cars: unicycles that turn only as they drive, and steer only so fast.

A car's place, and the centre of its disc, is the middle of its rear axle: there it moves along its heading, as a
unicycle does, with |turn rate| <= |speed| tan(steering) / wheelbase. What it reaches ahead of that axle is a matter of
its radius, or of its footprint. Without an acceleration it has a speed at once and stops at once. With one, speed and
turn rate go linearly to the command over a period (``swarm.model.actuators.ramp``), and both keep the limit all the
time, since the bound is a cone: as long as the car does not change its direction within a period, which it may only
from a standstill. A car that brakes holds its steering: both fall together, along the arc that it is on.

With a steering rate, let k and k' be the curvatures at the beginning and the end of a period T, v and v' the speeds.
Between them the curvature is (1 - s) v k + s v' k' over (1 - s) v + s v', and changes at most at the rate |k' - k| / T
times the larger speed over the smaller one; the angle changes by no more than wheelbase times that. So |k' - k| is kept
within rate * T / wheelbase times the smaller speed over the larger one. The car does not steer while it stands, and
drives off along the arc that its wheels stand for.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.model.actuators import T_CURVATURE, T_SPEED
from swarm.model.body import (
    ACCELERATION,
    CURVATURE,
    LOOK_AHEAD,
    PERIOD,
    REVERSE,
    STEERING,
    TOP_SPEED,
    is_second_order,
)

STEERING_ROWS = 4
"""Most rows of the quadratic program that say how a car steers."""
# What a curvature may be beyond its limit by rounding, relatively, and a turn rate [rad/s].
_ROUNDING, _LEAST = 1e-9, 1e-12


@uncounted
def _speed_now(body: Array, trail: Array) -> float:
    """The speed [m/s] that a car begins the period with, where that matters."""
    return trail[T_SPEED] if is_second_order(body) else 0.0


@uncounted
def next_speeds(body: Array, trail: Array, wanted: float) -> tuple[float, float, float]:
    """In which direction a car drives by the end of the period (1: forward, -1: backwards), and how fast [m/s].

    Args:
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]``, with its speed and curvature.
        wanted: The speed that it wants [m/s]: decides the direction where it stands.

    Returns:
        The direction, and the least and the largest size of its speed.
    """
    now = _speed_now(body, trail)
    side = 1.0 if now > 0.0 or (now == 0.0 and (wanted >= 0.0 or body[REVERSE] <= 0.0)) else -1.0
    top, now, wanted = body[TOP_SPEED] if side > 0.0 else body[REVERSE], abs(now), side * wanted
    push = body[ACCELERATION] * body[PERIOD] if is_second_order(body) else math.inf
    low, high = max(min(now - push, top), 0.0), max(min(now + push, top), now - push)
    if math.isfinite(body[STEERING]) and wanted >= 0.5 * now:  # slower, it could hardly steer
        low = max(low, min(0.5 * now, high))
    return side, low, high


@uncounted
def _spare(body: Array, trail: Array, speed: float) -> float:
    """By how much [rad/s] the turn rate at a next speed [m/s] may differ from that of the present arc."""
    now, then = abs(trail[T_SPEED]), abs(speed)
    most = max(now, then)
    return body[STEERING] * then * min(now, then) / most if most > 0.0 else 0.0


@uncounted
def add_steering_rows(body: Array, trail: Array, wanted: float, rows: Array, rhs: Array, box: Array, count: int) -> int:
    """Append to a QP in (v, look_ahead * turn rate) what a car's steering allows; none of it is to be relaxed.

    Args:
        body: ``float64[BODY]``.
        trail: ``float64[TRAIL]``.
        wanted: The speed that it wants [m/s].
        rows: ``float64[m, 2]``; unit rows are appended.
        rhs: ``float64[m]`` [m/s].
        box: ``float64[2, 2]``; that of the speed is narrowed.
        count: How many rows there are.

    Returns:
        How many there are then.
    """
    side, low, high = next_speeds(body, trail, wanted)
    box[0, 0], box[1, 0] = (low, high) if side > 0.0 else (-high, -low)
    ahead = body[LOOK_AHEAD]
    slope = ahead * body[CURVATURE]
    norm = math.hypot(slope, 1.0)
    for sign in (1.0, -1.0):
        rows[count, 0], rows[count, 1], rhs[count] = -side * slope / norm, sign / norm, 0.0
        count += 1
    if math.isinf(body[STEERING]):
        return count
    now = abs(trail[T_SPEED])
    # Between the least and the largest speed, the least that ``_spare`` is.
    spare = body[STEERING] * min(low * low / now, now) if now > 0.0 else 0.0
    slope = ahead * trail[T_CURVATURE]
    norm = math.hypot(slope, 1.0)
    for sign in (1.0, -1.0):
        rows[count, 0], rows[count, 1], rhs[count] = -sign * slope / norm, sign / norm, ahead * spare / norm
        count += 1
    return count


@uncounted
def steer_within(body: Array, trail: Array, control: Array) -> None:
    """Take from a control what rounding, or a solver of one's own, has left beyond a car's curvature, in place."""
    most = body[CURVATURE] * abs(control[0])
    control[1] = min(max(control[1], -most), most)
    if math.isfinite(body[STEERING]):
        held, spare = trail[T_CURVATURE] * control[0], _spare(body, trail, control[0])
        control[1] = min(max(control[1], held - spare), held + spare)


@uncounted
def steers(body: Array, trail: Array, speed: float, turn_rate: float) -> bool:
    """Whether a car can have this speed [m/s] and turn rate [rad/s] at the end of the period."""
    if abs(turn_rate) > body[CURVATURE] * abs(speed) * (1.0 + _ROUNDING) + _LEAST:
        return False
    if _speed_now(body, trail) * speed < 0.0:
        return False
    if math.isinf(body[STEERING]):
        return True
    astray = abs(turn_rate - trail[T_CURVATURE] * speed)
    return bool(astray <= _spare(body, trail, speed) * (1.0 + _ROUNDING) + _LEAST)
