"""What a double integrator does where its shield refuses a control: not less of it, but another one beside it.

Drawn towards braking it would lose speed along lines as well as towards them, and two that pass each other would both
slow down. The control is moved up the gradient of the distance from a line of where the robot would come to rest, line
after line, the one that it misses by most first, until none is missed: projections onto half-planes, here of a curve
that is nearly straight. The shield checks what comes of it, as it checks every control: nothing here is the guarantee.

Where something is not exact, the quadratic program does not see all that the lines of hulls need, and a refused control
is frequent. Who is exact brakes: there turning aside wins little, and in a crowd that swaps places some time is lost.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.model.body import ACCELERATION, PERIOD, TOP_SPEED
from swarm.model.dynamics import acceleration_range

TURNS = 8
"""Most lines that a control is moved for, one after the other."""
DEFLECTED = 0.999
"""What a shield returns in place of the share of the control that it kept."""
# By so much of what is missing, and so many metres, a control is moved farther: the curve bends away from its tangent.
_MORE, _BEYOND = 1.1, 1e-6


@uncounted
def turn_aside(state: Array, body: Array, nx: float, ny: float, lack: float, control: Array) -> None:
    """Change an acceleration, within its limits, so that the robot comes to rest farther along a normal.

    Args:
        state: ``float64[5]`` of a double integrator.
        body: ``float64[BODY]``.
        nx: The normal.
        ny: The normal.
        lack: By how much farther [m].
        control: ``float64[2]`` [m/s²], changed in place.
    """
    dt, top, push = body[PERIOD], body[TOP_SPEED], body[ACCELERATION]
    vx, vy = state[3] + control[0] * dt, state[4] + control[1] * dt
    speed = math.sqrt(vx * vx + vy * vy)
    # It comes to rest v |v| / (2 A) ahead, and half a period later on average, since it brakes for whole periods.
    half = 0.5 * (speed / push + dt)
    ax, ay = (vx / speed, vy / speed) if speed > 0.0 else (0.0, 0.0)
    along = half * (nx * ax + ny * ay)
    gx, gy = dt * ((0.5 * dt + half) * nx + along * ax), dt * ((0.5 * dt + half) * ny + along * ay)
    step = (_MORE * lack + _BEYOND) / (gx * gx + gy * gy)
    low, high = acceleration_range(state[3], top, push, dt)
    control[0] = min(max(control[0] + step * gx, low), high)
    low, high = acceleration_range(state[4], top, push, dt)
    control[1] = min(max(control[1] + step * gy, low), high)
