"""One row of the quadratic program: how fast a gap may close, by class-K functions, in the variables of the robot."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.kernel_cache.references import inlined
from swarm.model.body import ACCELERATION, ERROR, PERIOD, is_second_order, recovery
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE

# The part of the brakes that the barrier counts on; the rest covers directions in which two rows pull at once.
BRAKE_SHARE = 0.8


@inlined
def class_k(gap: float, gain: float, power: float) -> float:
    """Gain * gap^power [m/s] for a positive gap, linear inside it, where a power below 1 would chatter."""
    if gap <= 0.0 or power == 1.0:
        return gain * gap
    return gain * math.exp(power * math.log(gap))


@inlined
def approach_speed(gap: float, gain: float, power: float, dt: float) -> float:
    """Phi [m/s] of a robot that stops at once: class-K, but never through the gap within one period."""
    return min(class_k(gap, gain, power), gap / dt) if gap > 0.0 else class_k(gap, gain, power)


@inlined
def braking_speed(gap: float, rate: float, gain: float, power: float, braking: float, dt: float) -> float:
    """Phi [m/s] at the end of the period of a robot that has to brake.

    Args:
        gap: s [m].
        rate: w [m/s]; negative when closing.
        gain: Class-K gain.
        power: Class-K power.
        braking: A, the acceleration that both together can count on [m/s²].
        dt: Control period [s].
    """
    left = gap - 0.5 * dt * max(0.0, -rate)
    if left <= 0.0:
        return min(class_k(left, gain, power), 0.0)
    shed = -braking * dt + math.sqrt(braking * braking * dt * dt + 2.0 * braking * left)
    return min(class_k(gap, gain, power), shed)


@inlined
def write_row(
    kind: int, state: Array, body: Array, gap: float, nx: float, ny: float, rate: float, gain: float, power: float,
    share: float, partners: float, own: float, row: Array,
) -> float:  # fmt: skip
    """Write the normal of one row in the variables of the QP; returns its right-hand side (``right_side``)."""
    row[0], row[1] = -nx, -ny
    if kind == UNICYCLE:
        c, s = math.cos(state[2]), math.sin(state[2])
        row[0], row[1] = -(nx * c + ny * s), -(ny * c - nx * s)
    return right_side(kind, body, gap, rate, gain, power, share, partners, own)


@inlined
def right_side(
    kind: int, body: Array, gap: float, rate: float, gain: float, power: float, share: float, partners: float,
    own: float,
) -> float:  # fmt: skip
    """The right-hand side of a row.

    ``own``: the robot's own part of ``rate``, which a unicycle's variables replace.
    """
    dt = body[PERIOD]
    if kind == DOUBLE_INTEGRATOR:
        braking = BRAKE_SHARE * partners * body[ACCELERATION]
        return share * (braking_speed(gap, rate, gain, power, braking, dt) + rate) / dt
    if kind == UNICYCLE and is_second_order(body):
        braking = BRAKE_SHARE * partners * body[ACCELERATION]
        return share * (braking_speed(gap, rate, gain, power, braking, dt) + rate) - own
    return share * approach_speed(gap, gain, power, dt)


@inlined
def recover(kind: int, body: Array, gap: float, rate: float, share: float, limit: float) -> float:
    """The right-hand side of a row, so that a double integrator leaves a margin that it is in, whatever is tuned.

    With a wrong velocity it drifts while it believes that it stands, and only its place tells.
    """
    if kind != DOUBLE_INTEGRATOR or body[ERROR] <= 0.0 or gap >= 0.0:
        return limit
    dt = body[PERIOD]
    return min(limit, share * (recovery(dt) * gap + rate) / dt)
