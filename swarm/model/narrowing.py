"""What a robot can know of its own state: what it measures, as far as its own commands allow.

A measurement says: within its bound of here. The state of one period before, taken on by the command, says: within what
was unknown then and what slip and a wrong heading add. The truth is in both sets, so in their intersection. Noise that
is drawn anew in every period makes that small while the robot is slow; a constant bias leaves it as large as the bound.
Sets are intervals: of x and y in the world frame, of the heading of a unicycle, and of the velocity of a double
integrator. The corner of a box may be farther away than the bound of what was measured: while it is, the measurement is
believed and the box only kept, so that nobody is ever told more than what is declared. A robot that has not been told
to move yet counts as standing, unless it measures that it moves: from rest on, under commands that do what they say,
its velocity is known exactly, and a bias of what measures it moves nobody.
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE

# Columns of what is known, float64[KNOWN]: x, y [m], heading [rad], velocity [m/s], how far each of these may be off,
# and whether the place is known at all (1).
KNOWN = 11
K_X, K_Y, K_HEADING, K_VX, K_VY, K_WIDE_X, K_WIDE_Y, K_WIDE_HEADING, K_WIDE_VX, K_WIDE_VY, K_VALID = range(KNOWN)


# Intervals that are so far apart touch (in m, m/s, rad): errors at their bounds are rounded.
_ROUNDING = 1e-9


@njit(cache=True)
def _common(here: float, wide: float, there: float, far: float) -> tuple[float, float]:
    """Middle and half width of what two intervals have in common; of the first, if they have nothing."""
    low, high = max(here - wide, there - far), min(here + wide, there + far)
    if low > high + _ROUNDING:
        return here, wide
    return 0.5 * (low + high), max(0.5 * (high - low), 0.0)


@njit(cache=True)
def _within(x: float, y: float, bound: float, bx: float, by: float, wx: float, wy: float) -> tuple[float, float, float]:
    """What to believe of a pair, and how far it may be off: what was measured, or the middle of the box if less."""
    corner = math.hypot(wx, wy)
    return (bx, by, corner) if corner < bound else (x, y, bound)


@njit(cache=True)
def narrow(kind: int, body: Array, known: Array, error: float, heading: float, velocity: float, time: float) -> float:
    """Correct a state that was predicted from what was measured by what is known; returns how far it may be off [m].

    Args:
        kind: A value of ``Kind``.
        body: ``float64[5]``, predicted from what was measured; corrected.
        known: ``float64[KNOWN]``, of the same moment, from the period before; replaced by what is known now.
        error: How far the place may be from the predicted one [m].
        heading: How far the heading may be off [rad].
        velocity: How far the measured velocity may be off [m/s].
        time: For how long was predicted [s].
    """
    if known[K_VALID] == 0.0:
        known[K_X], known[K_Y], known[K_HEADING] = body[0], body[1], body[2]
        known[K_WIDE_X] = known[K_WIDE_Y] = error
        known[K_WIDE_HEADING], known[K_VALID] = heading, 1.0
    if kind == DOUBLE_INTEGRATOR:
        vx, vy = body[3], body[4]
        known[K_VX], known[K_WIDE_VX] = _common(vx, velocity, known[K_VX], known[K_WIDE_VX])
        known[K_VY], known[K_WIDE_VY] = _common(vy, velocity, known[K_VY], known[K_WIDE_VY])
        body[3], body[4], unknown = _within(
            vx, vy, velocity, known[K_VX], known[K_VY], known[K_WIDE_VX], known[K_WIDE_VY]
        )
        body[0], body[1] = body[0] + (body[3] - vx) * time, body[1] + (body[4] - vy) * time
        error += unknown * time
    x, y = body[0], body[1]
    known[K_X], known[K_WIDE_X] = _common(x, error, known[K_X], known[K_WIDE_X])
    known[K_Y], known[K_WIDE_Y] = _common(y, error, known[K_Y], known[K_WIDE_Y])
    if kind == UNICYCLE:
        apart = known[K_HEADING] - body[2]
        turned = body[2] + math.atan2(math.sin(apart), math.cos(apart))
        body[2], known[K_WIDE_HEADING] = _common(body[2], heading, turned, known[K_WIDE_HEADING])
    body[0], body[1], error = _within(x, y, error, known[K_X], known[K_Y], known[K_WIDE_X], known[K_WIDE_Y])
    return error


@njit(cache=True)
def stray_of(known: Array, slip: float) -> float:
    """By which share of a way the robot may come elsewhere, for slip and for what is not known of its heading."""
    return slip + 2.0 * math.sin(0.5 * min(known[K_WIDE_HEADING], math.pi))


@njit(cache=True)
def unknown_velocity(known: Array, bound: float) -> float:
    """How far the velocity may be off [m/s]; ``bound``: how far what is measured of it may be."""
    return min(math.hypot(known[K_WIDE_VX], known[K_WIDE_VY]), bound)


@njit(cache=True)
def carry(
    known: Array, before: Array, after: Array, way: float, change: float, slip: float, period: float
) -> None:  # fmt: skip
    """Take what is known on by a period.

    Along each axis the way strays by itself. A wrong heading turns it. Slip makes it longer, however it varies, by its
    share of all that is gone along the axis: in one direction, unless the speed there is 0 at some moment, and then it
    is never more than its change.

    Args:
        known: ``float64[KNOWN]``, changed.
        before: ``float64[5]``, the state that was believed (``narrow``).
        after: ``float64[5]``, where that leads.
        way: In metres, the longest that it may have been.
        change: Of the velocity along any axis within the period, at most [m/s].
        slip: Share of the way.
        period: [s]
    """
    heading = min(known[K_WIDE_HEADING], math.pi)
    turned, shorter = math.sin(min(heading, 0.5 * math.pi)), 1.0 - math.cos(heading)
    dx, dy, most = abs(after[0] - before[0]), abs(after[1] - before[1]), change * period
    wide_x = shorter * dx + turned * dy + known[K_WIDE_VX] * period
    wide_y = shorter * dy + turned * dx + known[K_WIDE_VY] * period
    # What is kept is a box, and what is believed need not be its middle: of velocities only where these are unknown.
    aside_x = known[K_VX] - before[3] if known[K_WIDE_VX] > 0.0 else 0.0
    aside_y = known[K_VY] - before[4] if known[K_WIDE_VY] > 0.0 else 0.0
    known[K_X] += after[0] - before[0] + aside_x * period
    known[K_Y] += after[1] - before[1] + aside_y * period
    known[K_HEADING] = after[2]
    known[K_VX], known[K_VY] = after[3] + aside_x, after[4] + aside_y
    known[K_WIDE_X] += wide_x + slip * min(max(dx + wide_x, most), way)
    known[K_WIDE_Y] += wide_y + slip * min(max(dy + wide_y, most), way)
