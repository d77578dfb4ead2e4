"""Actuators that take time: what a body does between a command and the moment when it has taken effect.

A body's *drive* is what its actuators give at an instant, ``float64[2]``, in the units of a control
(``swarm.model.dynamics``): the velocity of a single integrator, the acceleration of a double integrator, forward speed
and turn rate of a unicycle. Without a lag it is the command. With a time constant tau it follows the command u by
``d/dt drive = (u - drive) / tau``; a command acts after a dead time. A robot knows its own drive exactly, since it
knows what it has commanded, so its state at a later moment is computed (``predict``), not guessed.

*Ahead* of a body that lags runs the body without the lag: for the integrators p* = p + tau v (and v* = v + tau a) moves
exactly as the dynamics without a lag, under the same commands, and p follows p* by a low-pass filter, so that it stays
in the convex hull of where it is and of the path of p*. A unicycle that is told to stop rolls along an arc to p*, since
speed and turn rate fade together.

A unicycle of second order has limited accelerations instead: a command is reached at the end of its period, linearly
over it (``ramp``). Told to stop, it loses speed and turn rate together, and rolls along an arc as well (``coast``).
"""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.model.dynamics import (
    DOUBLE_INTEGRATOR,
    SINGLE_INTEGRATOR,
    STATE,
    UNICYCLE,
    arc_offset,
    coast_periods,
    step,
)

# Gauss-Legendre nodes and weights on [0, 1], for the path of a unicycle whose speeds change: in so many pieces for each
# time constant, and after so many time constants the old drive is forgotten.
_PIECES, _FADED = 2.0, 40.0
_NODES = np.array([0.06943184420297371, 0.33000947820757187, 0.6699905217924281, 0.9305681557970262])
_WEIGHTS = np.array([0.17392742256872692, 0.3260725774312731, 0.3260725774312731, 0.17392742256872692])

# The same for a unicycle of second order: its path under a full turn within a period is exact to 1e-13 of its length.
_FINE_NODES = np.array([
    0.033765242898423975, 0.16939530676686776, 0.3806904069584015, 0.6193095930415985, 0.8306046932331322,
    0.966234757101576,
])  # fmt: skip
_FINE_WEIGHTS = np.array([
    0.08566224618958525, 0.1803807865240693, 0.23395696728634546, 0.23395696728634546, 0.1803807865240693,
    0.08566224618958525,
])  # fmt: skip

# An arc of less (rad) is a straight line but for rounding, and has no corner.
_STRAIGHT = 1e-12

# Columns of what a lag adds to a state ahead, float64[TRAIL]: from the place ahead back to the body, and to the corner
# of the triangle that holds the arc between them [m]; the body's own heading [rad], speed [m/s], turn rate [rad/s]; and
# how far all of it may be elsewhere [m], and by which share of a way it may come elsewhere than planned.
# A unicycle of second order has its state where its body is: there, the arc goes on to where it comes to rest. Last is
# the curvature that a car has steered to [1/m], also while it stands.
TRAIL = 10
T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y, T_HEADING, T_SPEED, T_TURN_RATE, T_ERROR, T_STRAY, T_CURVATURE = range(
    TRAIL
)


@uncounted
def move(
    kind: int, state: Array, drive: Array, control: Array, time: float, lag: float, slip: float, after: Array,
    drive_after: Array,
) -> None:  # fmt: skip
    """Advance one body for ``time`` seconds under a constant command.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]`` at the start.
        drive: ``float64[2]`` at the start.
        control: ``float64[2]``, the command that acts.
        time: Duration [s].
        lag: Time constant of the actuators [s]; 0: none.
        slip: The way over the ground is longer by this share of it.
        after: ``float64[5]``, written; may be ``state`` itself.
        drive_after: ``float64[2]``, written; may be ``drive`` itself.
    """
    x, y = state[0], state[1]
    if lag <= 0.0:
        step(kind, state, control, time, after)
        drive_after[0], drive_after[1] = control[0], control[1]
    else:
        fade = math.exp(-time / lag)
        d0, d1, u0, u1 = drive[0], drive[1], control[0], control[1]
        gone = lag * (1.0 - fade)  # seconds for which the old drive still counts
        after[2] = state[2]
        if kind == SINGLE_INTEGRATOR:
            after[0], after[1] = x + u0 * time + (d0 - u0) * gone, y + u1 * time + (d1 - u1) * gone
            after[3], after[4] = u0 + (d0 - u0) * fade, u1 + (d1 - u1) * fade
        elif kind == DOUBLE_INTEGRATOR:
            late = lag * (time - gone)
            vx, vy = state[3], state[4]
            after[0] = x + vx * time + 0.5 * u0 * time * time + (d0 - u0) * late
            after[1] = y + vy * time + 0.5 * u1 * time * time + (d1 - u1) * late
            after[3], after[4] = vx + u0 * time + (d0 - u0) * gone, vy + u1 * time + (d1 - u1) * gone
        else:
            _roll(state, drive, control, time, lag, after)
        drive_after[0], drive_after[1] = u0 + (d0 - u0) * fade, u1 + (d1 - u1) * fade
    after[0], after[1] = after[0] + slip * (after[0] - x), after[1] + slip * (after[1] - y)


@uncounted
def _roll(state: Array, drive: Array, control: Array, time: float, lag: float, after: Array) -> None:
    """``move`` of a unicycle that lags: speeds in closed form, the way by quadrature."""
    x, y, heading = state[0], state[1], state[2]
    v, w, dv, dw = control[0], control[1], drive[0] - control[0], drive[1] - control[1]
    dx, dy = 0.0, 0.0
    curved = min(time, _FADED * lag)
    pieces = max(math.ceil(_PIECES * curved / lag), 1)
    for k in range(pieces * _NODES.size):
        at = (k // _NODES.size + _NODES[k % _NODES.size]) * curved / pieces
        fade = math.exp(-at / lag)
        angle = heading + w * at + dw * lag * (1.0 - fade)
        way = (v + dv * fade) * _WEIGHTS[k % _NODES.size] * curved / pieces
        dx, dy = dx + way * math.cos(angle), dy + way * math.sin(angle)
    if curved < time:
        rest_x, rest_y = arc_offset(heading + w * curved + dw * lag, v, w, time - curved)
        dx, dy = dx + rest_x, dy + rest_y
    fade = math.exp(-time / lag)
    turned, speed = heading + w * time + dw * lag * (1.0 - fade), v + dv * fade
    after[0], after[1] = x + dx, y + dy
    after[2] = math.atan2(math.sin(turned), math.cos(turned))
    after[3], after[4] = speed * math.cos(turned), speed * math.sin(turned)


@uncounted
def predict(
    kind: int, state: Array, drive: Array, begin: float, end: float, commands: Array, dead_time: float, period: float,
    lag: float, slip: float, after: Array, drive_after: Array, ramped: bool = False,
) -> None:  # fmt: skip
    """Advance one body from ``begin`` to ``end`` under the commands of the last periods.

    Times count from the beginning of the present period. The command of a period acts ``dead_time`` after the beginning
    of that period, until the next one does.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]`` at ``begin``.
        drive: ``float64[2]`` at ``begin``.
        begin: [s]
        end: [s]
        commands: ``float64[P, 2]``, one a period; the last is that of the present one.
        dead_time: [s]
        period: [s]
        lag: [s]
        slip: As in ``move``.
        after: ``float64[5]``, written; may be ``state`` itself.
        drive_after: ``float64[2]``, written; may be ``drive`` itself.
        ramped: Whether it is a unicycle of second order.
    """
    for k in range(STATE):
        after[k] = state[k]
    drive_after[0], drive_after[1] = drive[0], drive[1]
    time, newest = begin, commands.shape[0] - 1
    while time < end - 1e-9 * period:
        # The small shares of a period keep rounding from making segments of no length.
        which = math.floor((time - dead_time) / period + 1e-7)
        until = min(dead_time + (which + 1) * period, end)
        control = commands[min(max(newest + int(which), 0), newest)]
        if ramped:
            left = dead_time + (which + 1) * period - time
            ramp(after, drive_after, control, until - time, left, slip, after, drive_after)
        else:
            move(kind, after, drive_after, control, until - time, lag, slip, after, drive_after)
        time = until


@uncounted
def ramp(
    state: Array, drive: Array, control: Array, time: float, period: float, slip: float, after: Array,
    drive_after: Array,
) -> None:  # fmt: skip
    """Advance a unicycle of second order: its drive goes linearly to the command, and has reached it after ``period``.

    Args:
        state: ``float64[5]`` at the start.
        drive: ``float64[2]`` at the start.
        control: ``float64[2]``, forward speed and turn rate at the end of the period.
        time: Duration, at most the period [s].
        period: What is left of the control period at the start [s].
        slip: The way over the ground is longer by this share of it.
        after: ``float64[5]``, written; may be ``state`` itself.
        drive_after: ``float64[2]``, written; may be ``drive`` itself.
    """
    heading, v, w = state[2], drive[0], drive[1]
    dv, dw = (control[0] - v) / period, (control[1] - w) / period
    dx, dy = 0.0, 0.0
    for k in range(_FINE_NODES.size):
        at = _FINE_NODES[k] * time
        angle, way = heading + at * (w + 0.5 * dw * at), (v + dv * at) * _FINE_WEIGHTS[k]
        dx, dy = dx + way * math.cos(angle), dy + way * math.sin(angle)
    turned = heading + time * (w + 0.5 * dw * time)
    drive_after[0], drive_after[1] = v + dv * time, w + dw * time
    if time >= period:  # without rounding: a robot that was told to stop stands
        drive_after[0], drive_after[1] = control[0], control[1]
    after[0], after[1] = state[0] + (1.0 + slip) * dx * time, state[1] + (1.0 + slip) * dy * time
    after[2] = math.atan2(math.sin(turned), math.cos(turned))
    after[3], after[4] = drive_after[0] * math.cos(turned), drive_after[0] * math.sin(turned)


def advance_ramped(state: Array, drive: Array, control: Array, time: float, period: float) -> tuple[Array, Array]:
    """``ramp`` for callers outside kernels: the new state ``float64[5]`` and drive ``float64[2]``."""
    after, drive_after = np.empty(STATE), np.empty(2)
    ramp(state, drive, np.asarray(control, dtype=np.float64), time, period, 0.0, after, drive_after)
    return after, drive_after


@uncounted
def brake_roll(
    speed: float, turn_rate: float, acceleration: float, turn_acceleration: float, dt: float, control: Array
) -> None:
    """Write the command that brings a unicycle of second order to rest along its arc (``coast``)."""
    periods = coast_periods(speed, turn_rate, acceleration, turn_acceleration, dt)
    share = 1.0 - 1.0 / periods if periods > 0.0 else 0.0
    control[0], control[1] = share * speed, share * turn_rate


@uncounted
def coast(
    heading: float, speed: float, turn_rate: float, acceleration: float, turn_acceleration: float, dt: float,
    trail: Array,
) -> None:  # fmt: skip
    """Write the way to rest of a unicycle of second order that brakes as ``brake_roll`` says.

    Speed and turn rate fall together, so the way is an arc of the present curvature, as long as if both were held for
    half of the time. After a period of braking the rest of the same arc is left.

    Args:
        heading: [rad]
        speed: [m/s]
        turn_rate: [rad/s]
        acceleration: Largest [m/s²].
        turn_acceleration: Largest [rad/s²].
        dt: Control period [s].
        trail: ``float64[TRAIL]``, written: from its place to the end of the arc, and to where the tangents at both ends
            of the arc meet.
    """
    time = 0.5 * dt * coast_periods(speed, turn_rate, acceleration, turn_acceleration, dt)
    trail[T_HEADING], trail[T_SPEED], trail[T_TURN_RATE] = heading, speed, turn_rate
    trail[T_BODY_X], trail[T_BODY_Y] = arc_offset(heading, speed, turn_rate, time)
    trail[T_CORNER_X], trail[T_CORNER_Y] = trail[T_BODY_X], trail[T_BODY_Y]
    half = 0.5 * turn_rate * time
    if abs(half) > _STRAIGHT:
        tangent = 0.5 * speed * time * math.tan(half) / half
        trail[T_CORNER_X], trail[T_CORNER_Y] = tangent * math.cos(heading), tangent * math.sin(heading)


@uncounted
def fastest(kind: int, state: Array, drive: Array, commands: Array) -> float:
    """A bound [m/s] of the speed of a body that is now so and was told ``commands`` (P, 2) before."""
    if kind == DOUBLE_INTEGRATOR:
        return math.hypot(state[3], state[4])
    speed = abs(drive[0]) if kind == UNICYCLE else math.hypot(drive[0], drive[1])
    for k in range(len(commands)):
        told = abs(commands[k, 0]) if kind == UNICYCLE else math.hypot(commands[k, 0], commands[k, 1])
        speed = max(speed, told)
    return speed


@uncounted
def ahead(kind: int, state: Array, drive: Array, lag: float, found: Array, trail: Array) -> None:
    """Write the state that runs ahead of a body that lags, and what it trails behind it.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]`` of the body.
        drive: ``float64[2]`` of the body.
        lag: [s]
        found: ``float64[5]``, written: where the dynamics without the lag are.
        trail: ``float64[TRAIL]``, written.
    """
    for k in range(STATE):
        found[k] = state[k]
    for k in range(TRAIL):
        trail[k] = 0.0
    trail[T_HEADING], trail[T_SPEED], trail[T_TURN_RATE] = state[2], drive[0], drive[1]
    if lag <= 0.0:
        return
    if kind == DOUBLE_INTEGRATOR:
        found[3], found[4] = state[3] + lag * drive[0], state[4] + lag * drive[1]
        dx, dy = lag * state[3], lag * state[4]
    elif kind == SINGLE_INTEGRATOR:
        dx, dy = lag * drive[0], lag * drive[1]
    else:
        dx, dy = arc_offset(state[2], drive[0], drive[1], lag)
        half = 0.5 * drive[1] * lag
        tangent = 0.5 * drive[0] * lag * (math.tan(half) / half if abs(half) > 1e-6 else 1.0)
        trail[T_CORNER_X], trail[T_CORNER_Y] = tangent * math.cos(state[2]) - dx, tangent * math.sin(state[2]) - dy
        turned = state[2] + drive[1] * lag
        found[2] = math.atan2(math.sin(turned), math.cos(turned))
        found[3], found[4] = drive[0] * math.cos(found[2]), drive[0] * math.sin(found[2])
    found[0], found[1] = state[0] + dx, state[1] + dy
    trail[T_BODY_X], trail[T_BODY_Y] = -dx, -dy
    if kind != SINGLE_INTEGRATOR and kind != DOUBLE_INTEGRATOR:
        return
    trail[T_CORNER_X], trail[T_CORNER_Y] = -dx, -dy
