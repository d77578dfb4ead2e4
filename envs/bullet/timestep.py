"""How many physics steps a control period has: as many as by default, or fewer, so that large teams run faster.

The engine's work grows with its steps; what gets worse with longer ones is how well bodies follow their commands. So
no robot may move or turn far in one step. At 60 Hz two other savings are not worth what they cost. With 4 iterations of
the engine's solver in place of 10, a robot misses its turn rate by 9 %, for a tenth of the time. Casters that are part
of the hull bear nothing, so that the robot pitches by 0.1 rad, or save nothing where they touch the ground.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits

DEFAULT_HZ = 240.0
"""Physics steps a second, or nearly so many: a control period has a whole number of them."""
_HIGHEST_HZ = 10_000.0
_LONGEST_MOVE, _LARGEST_TURN = 0.1, 0.1  # of a robot in a step, at its limits: in radii, and in rad
_ROUNDED = 1e-4  # of a step: numbers such as 66.6667 Hz


def substeps_of(
    physics_hz: float | None, control_dt: float, radii: Array, kinds: Sequence[Kind], limits: Sequence[Limits]
) -> int:
    """Physics steps of a control period.

    Args:
        physics_hz: Physics steps a second; None: about ``DEFAULT_HZ``.
        control_dt: Control period [s].
        radii: ``float64[N]``: radius of each robot [m].
        kinds: Dynamics of each robot.
        limits: What each robot's actuators can do.

    Raises:
        InputError: If a control period has no whole number of such steps, or a robot moves too far in one.
    """
    if not (control_dt > 0.0 and math.isfinite(control_dt)):
        raise InputError("control_dt", control_dt, "a finite number above 0")
    if physics_hz is None:
        return max(1, round(control_dt * DEFAULT_HZ))
    least = math.ceil(control_dt * _least_hz(radii, kinds, limits) - _ROUNDED)
    most = max(least, math.floor(control_dt * _HIGHEST_HZ))
    steps = control_dt * physics_hz
    if not (least - _ROUNDED <= steps <= most + _ROUNDED and abs(steps - round(steps)) <= _ROUNDED):
        valid = (
            f"a multiple of {1.0 / control_dt:g} Hz (whole physics steps in a control period), "
            f"at least {least / control_dt:g} Hz for the limits of these robots, at most {most / control_dt:g} Hz"
        )
        raise InputError("physics_hz", physics_hz, valid)
    return round(steps)


def _least_hz(radii: Array, kinds: Sequence[Kind], limits: Sequence[Limits]) -> float:
    """Steps a second that the fastest robot needs for its size; the default is enough for all."""
    moves = [limit.speed / (_LONGEST_MOVE * radius) for limit, radius in zip(limits, radii.tolist(), strict=True)]
    turns = [
        limit.turn_rate / _LARGEST_TURN for limit, kind in zip(limits, kinds, strict=True) if kind == Kind.UNICYCLE
    ]
    return min(DEFAULT_HZ, max([1.0, *moves, *turns]))
