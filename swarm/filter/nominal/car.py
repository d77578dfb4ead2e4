"""The nominal control of a car, which cannot turn on the spot: arcs and straight lines, forward and backwards.

Its ways are those of Dubins (1957) and, where it may set back, of Reeds and Shepp (1990), but for the heading at the
end, which is left free: an arc to the side of the goal and a straight line. What is in the way: ``moves``.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.nominal import APPROACH_SHARE, HEADING_PERIODS
from swarm.kernel_cache.references import uncounted
from swarm.model.body import (
    ACCELERATION,
    CURVATURE,
    LOOK_AHEAD,
    PERIOD,
    RADIUS,
    REVERSE,
    TOP_SPEED,
    is_second_order,
)
from swarm.model.dynamics import SHARPEST

# It plans with arcs that are wider than its tightest one by so much, and where it has set back for a place that is
# within them, it drives on only as that is so much farther from their centre.
_WIDER, _OUTSIDE = 1.1, 1.3
# A place that is so near, in radii, is not worth setting back, or driving in a circle.
_THERE = 0.5
# Slower than such a part of its top speed, a car stands: it has not set out for anywhere.
_STANDS = 0.05


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
    side, distance, way = math.copysign(1.0, aside), math.hypot(ahead, aside), car_way(body, now, ahead, abs(aside))
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
        v = reachable_speed(v, now, max(-fine, now - push), min(fine, now + push))
    nominal[0], nominal[1] = v, body[LOOK_AHEAD] * curve * v


@uncounted
def reachable_speed(wanted: float, now: float, low: float, high: float) -> float:
    """The speed within limits that is next to a wanted one [m/s]; a car that drives stops before it changes its way."""
    v = min(max(wanted, low), high)
    return max(v, 0.0) if now > 0.0 else min(v, 0.0) if now < 0.0 else v


@uncounted
def car_way(body: Array, now: float, ahead: float, aside: float) -> float:
    """In which direction a car drives to a place, 1 (forward) or -1; twice that, if away from one within its arcs.

    Args:
        body: ``float64[BODY]``.
        now: Its speed [m/s].
        ahead: How far ahead the place is [m].
        aside: How far beside it [m].
    """
    radius, back = _WIDER / body[CURVATURE], body[REVERSE] > 0.0
    towards = -1.0 if back and ahead < 0.0 else 1.0
    away = back and now * towards < -_STANDS * body[TOP_SPEED]
    if math.hypot(ahead, aside - radius) < radius * (_OUTSIDE if away else 1.0):
        return -2.0 * towards if back else 2.0
    if not back:
        return 1.0
    # To turn back takes time too: as long as a quarter of a circle.
    forward = (arc_and_line(ahead, aside, radius) + (1.5 * radius if now < 0.0 else 0.0)) / body[TOP_SPEED]
    backward = (arc_and_line(-ahead, aside, radius) + (1.5 * radius if now > 0.0 else 0.0)) / body[REVERSE]
    return 1.0 if forward <= backward else -1.0


@uncounted
def arc_and_line(ahead: float, aside: float, radius: float) -> float:
    """How long [m] the way to a place is along an arc of a radius [m] to its side, and straight on."""
    far = math.hypot(ahead, aside - radius)
    if far <= radius:
        return 2.0 * math.pi * radius
    turned = math.atan2(ahead, radius - aside) - math.acos(radius / far)
    return radius * (turned if turned >= 0.0 else turned + 2.0 * math.pi) + math.sqrt(far * far - radius * radius)
