"""What a robot is, as the flat array that the kernels read."""

from __future__ import annotations

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits, brake, reach, seen_speed

# Columns of a body, float64[BODY]: radius (m), look-ahead of a unicycle's control point (m), top speed (m/s), largest
# acceleration (m/s²), largest turn rate (rad/s), control period (s), sensing radius (m), safety margin (m),
# reach in one period (m, see dynamics.reach), and whether it gives way to other robots (1) or not (0).
BODY = 10
RADIUS, LOOK_AHEAD, TOP_SPEED, ACCELERATION, TURN_RATE, PERIOD, SENSING, MARGIN, REACH, YIELDS = range(BODY)

# A unicycle's control point, in radii ahead of its axle: nearer is less extra room, farther is easier steering.
LOOK_AHEAD_RADII = 0.2


def body_of(
    kind: Kind, radius: float, limits: Limits, *, dt: float, sensing_radius: float, margin: float = 0.0,
    cooperative: bool = True,
) -> Array:  # fmt: skip
    """The body array ``float64[BODY]`` of one robot.

    Args:
        kind: Its dynamics.
        radius: Of the disc that encloses it, m.
        limits: Of its actuators.
        dt: Control period, s.
        sensing_radius: Beyond it nothing is known, m.
        margin: Extra distance kept on its own side, m; for sensing and actuation that are not exact.
        cooperative: Whether it gives way; one that does not is only kept from touching anybody.

    Returns:
        The array; its top speed may be below the limit, so that robots out of sight cannot be met within a period.

    Raises:
        InputError: If a number is not usable, or the dynamics need a limit that is not given.
    """
    for name, value in (("radius", radius), ("dt", dt), ("sensing_radius", sensing_radius)):
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(f"robot {name}", value, "a finite number above 0")
    if not (np.isfinite(margin) and margin >= 0.0):
        raise InputError("robot margin", margin, "a finite number, 0 or more")
    if kind == Kind.DOUBLE_INTEGRATOR and not np.isfinite(limits.acceleration):
        raise InputError("limits.acceleration", limits.acceleration, "a finite number for a double integrator")
    if kind == Kind.UNICYCLE and not np.isfinite(limits.turn_rate):
        raise InputError("limits.turn_rate", limits.turn_rate, "a finite number for a unicycle")
    top = seen_speed(kind, radius + margin, limits, dt, sensing_radius)
    body = np.empty(BODY)
    body[RADIUS], body[LOOK_AHEAD], body[TOP_SPEED] = radius, LOOK_AHEAD_RADII * radius, top
    body[ACCELERATION], body[TURN_RATE], body[PERIOD] = limits.acceleration, limits.turn_rate, dt
    body[SENSING], body[MARGIN] = sensing_radius, margin
    body[YIELDS] = float(cooperative)
    body[REACH] = reach(int(kind), radius, body[TOP_SPEED : TURN_RATE + 1], dt)
    return body


def full_braking(kind: int, state: Array, body: Array) -> Array:
    """The control ``float64[2]`` that brings a robot to rest as soon as its limits allow.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
    """
    control = np.empty(2)
    brake(kind, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)
    return control
