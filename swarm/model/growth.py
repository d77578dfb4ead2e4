"""How far the stop hull of a robot gets from what it told, for every period in which nothing is heard of it.

A hull is the triangle of the place, a corner and the end of the way to rest (``swarm.filter.hulls``). Two hulls are no
farther apart than the farthest of their corners, and of n periods the ways add up, so n times the bound of one period
holds for n. What follows is that bound; slip s makes each way longer by s of it, and the way to rest may lie elsewhere
by its *stray*, slip and heading error, of which the news hold the part that was true then: what it gets longer counts.

Unicycle of second order, speed v, turn rate w, way to rest of the length l = v N dt / 2 along an arc of the angle
b = w N dt / 2, with N <= M periods of braking. Had it held v and w, then the hull would have turned about the middle of
its circle, and place and end had moved by v dt at most, the corner by v dt / cos(b / 2). What it has changed adds to
that: with p = a dt and q = alpha dt the largest changes of v and w in a period,

* the place is elsewhere by p dt / 2 and, across, v q dt^2 / 6, and the heading by q dt / 2,
* l changes by (v' - v) N' dt / 2 + v (N' - N) dt / 2 <= (p M + v) dt / 2, likewise b by (q M + w) dt / 2,
* the end lies l sin(b / 2) / (b / 2) away, along the heading + b / 2; the corner l tan(b / 2) / b, along the heading.

A vector whose length changes by L, and whose direction by an angle B while it is no longer than R, moves by no more
than hypot(L, R B). Nothing is farther from the old place than a period and a whole way to rest.

Unicycle that lags by tau. With x = w tau / 2, s = sin x / x, r = tan x / x, and the command (u, 2 y / tau), the end of
its way to rest moves by u s + v s' y along the heading + x and v s y across, the corner by v (1 - r / 2) + u r / 2 +
v r' (y - x) / 2 along the heading and v r x across; s is at most 1, s' at most x / 3, and r' rises with x.

The hull of a polygon has such three points for each of its corners. One at c from the middle of the body is, besides,
c away from each of them: of the place along the heading (and an angle that stays), of the end along the heading + b, of
the corner c / cos(b / 2) along the heading + b / 2. A unicycle that lags has b = w tau: in a period these directions
turn by no more than the largest w dt, and c / cos(b / 2) grows by that times c sin(b / 2) / cos²(b / 2) at most,
together c w dt / cos²(b / 2). One of second order turns by w dt, and b / 2 changes as above.
"""

from __future__ import annotations

import math

from swarm.model.dynamics import SHARPEST, Kind, Limits, coast_periods
from swarm.model.error_bounds import ErrorBounds


def growth_of(
    kind: Kind, top: float, limits: Limits, dt: float, errors: ErrorBounds, radius: float = 0.0
) -> float:  # fmt: skip
    """How far [m] a robot's body and its way to rest may be, after a period, from where both were before.

    Args:
        kind: Its dynamics.
        top: Its top speed [m/s].
        limits: Of its actuators.
        dt: Control period [s].
        errors: Bounds of what is not exact; lag, slip and heading count.
        radius: Of a polygon, to its farthest corner [m]; 0 of a disc.
    """
    slip, stray, lag, diagonal = errors.slip, errors.stray(kind), errors.lag, math.sqrt(2.0)
    if kind == Kind.SINGLE_INTEGRATOR:
        return diagonal * top * ((1.0 + slip) * dt + stray * min(lag, dt))
    if kind == Kind.DOUBLE_INTEGRATOR:
        pushed = 1.5 * limits.acceleration * dt
        longer = top + pushed + limits.acceleration * lag
        return diagonal * (2.0 * top + pushed + slip * top + stray * longer) * dt
    if limits.is_second_order(kind):
        return _of_second_order(top, limits, dt, slip, stray, radius)
    half = 0.5 * limits.turn_rate * lag
    rise, steeper = _tangent(half)
    faster = max(math.hypot(1.0 + half * half / 3.0, half), math.hypot(1.0 + half * steeper, half * rise))
    turned = radius * limits.turn_rate * dt / math.cos(half) ** 2
    return top * (faster * dt + slip * dt + stray * min(lag, dt)) + turned


def _tangent(x: float) -> tuple[float, float]:
    """Value and slope of tan x / x, which rises, ever faster."""
    if x < 1e-4:
        return 1.0 + x * x / 3.0, 2.0 * x / 3.0
    return math.tan(x) / x, (x / math.cos(x) ** 2 - math.tan(x)) / (x * x)


def _of_second_order(top: float, limits: Limits, dt: float, slip: float, stray: float, radius: float) -> float:
    """``growth_of`` of a unicycle of second order."""
    turn_rate = limits.turn_rate
    most = coast_periods(top, turn_rate, limits.acceleration, limits.turn_acceleration, dt)
    push, turn = min(limits.acceleration * dt, 2.0 * top), min(limits.turn_acceleration * dt, 2.0 * turn_rate)
    length, half = 0.5 * top * most * dt, min(0.25 * turn_rate * most * dt, 0.5 * SHARPEST)
    longer, sharper = 0.5 * (push * most + top) * dt, 0.25 * (turn * most + turn_rate) * dt  # of b / 2 the latter
    moved, turned = 0.5 * push * dt + top * turn * dt * dt / 6.0, 0.5 * turn * dt
    rise, steeper = _tangent(half)
    end = math.hypot(longer + length * half / 3.0 * sharper, length * (turned + sharper))
    corner = math.hypot(0.5 * (longer * rise + length * steeper * sharper), 0.5 * length * rise * turned)
    hull = moved + max(top * dt + end, top * dt / math.cos(half) + corner)
    whole = top * dt + length
    if radius > 0.0:
        secant = 1.0 / math.cos(half)
        aside = math.hypot(secant * math.tan(half) * sharper, secant * (turn_rate * dt + sharper))
        hull += radius * max(turn_rate * dt + 2.0 * sharper, aside)
        whole += radius * secant
    return min(hull + slip * top * dt + stray * longer, whole + slip * top * dt + stray * length)
