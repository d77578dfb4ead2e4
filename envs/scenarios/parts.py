"""What the families share: limits, robots, walls."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.robot_spec import RobotSpec

# Limits in the code of GCBF+ (Zhang et al., T-RO 2025) for robots of radius 0.05 m: |u| <= 1 m/s for a single
# integrator; |v| <= 0.5 m/s and |u| <= 1 N on 0.1 kg for a double integrator; |v| <= 0.8 m/s for a car. The turn rate
# is ours: their car turns at up to 60 rad/s but has an acceleration; our unicycle has the speed that it is told.
LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(1.0),
    Kind.DOUBLE_INTEGRATOR: Limits(0.5, acceleration=10.0),
    Kind.UNICYCLE: Limits(0.8, turn_rate=4.0),
}
# A double integrator that needs 0.125 m to stop: for the ``limits`` of a family.
SLOW = Limits(0.5, acceleration=1.0)

# A car with the speed and the acceleration of theirs, and arcs of two radii or more: for the ``limits`` of a family.
CAR_LIMITS = Limits(0.8, acceleration=3.0, wheelbase=0.06, steering=0.54, reverse_speed=0.8)

# Control period [s], length of an episode [s] and sensing radius [m] of that protocol.
DT, HORIZON, SENSING = 0.03, 512 * 0.03, 0.5


def robot(
    kind: Kind,
    start: ArrayLike,
    goals: ArrayLike,
    radius: float,
    limits: Limits | None = None,
    *,
    heading: float | None = None,
    cooperative: bool = True,
) -> RobotSpec:
    """A robot at rest.

    Args:
        kind: Its dynamics.
        start: x, y [m].
        goals: One goal ``[2]`` or a list of them ``[g, 2]`` [m].
        radius: Of the disc [m].
        limits: Those of the protocol if not given.
        heading: Of a unicycle [rad]; towards its first goal if not given.
        cooperative: Whether it gives way.
    """
    (x, y), aims = np.asarray(start, np.float64).tolist(), np.asarray(goals, np.float64).reshape(-1, 2)
    if heading is None:
        heading = math.atan2(aims[0, 1] - y, aims[0, 0] - x)
    state = np.array([x, y, heading if kind == Kind.UNICYCLE else 0.0, 0.0, 0.0])
    return RobotSpec(kind, state, aims, radius, limits or LIMITS[kind], cooperative=cooperative)


def team(
    rng: np.random.Generator, kind: Kind, starts: Array, goals: Array, radius: float, limits: Limits | None,
) -> tuple[RobotSpec, ...]:  # fmt: skip
    """Robots that differ only in where they start ``[n, 2]`` and go ``[n, 2]`` [m]; unicycles look anywhere."""
    return tuple(
        robot(kind, start, goal, radius, limits, heading=any_heading(rng))
        for start, goal in zip(starts, goals, strict=True)
    )


def pair(
    rng: np.random.Generator, name: str, robots: int, starts: ArrayLike, goals: ArrayLike, noise: float, kind: Kind,
    limits: Limits | None, radius: float,
) -> tuple[RobotSpec, ...]:  # fmt: skip
    """Two robots of a family that is made for two.

    Args:
        rng: Source of all random numbers.
        name: Of the family.
        robots: The number that was asked for.
        starts: ``[2, 2]``, in radii.
        goals: ``[2, 2]``, in radii.
        noise: Of each coordinate of a start, at most, in radii.
        kind: Dynamics of both.
        limits: Their limits, as in ``robot``.
        radius: Of the disc [m].

    Raises:
        InputError: If another number of robots was asked for.
    """
    if robots != 2:
        raise InputError(f"{name}: robots", robots, "2")
    places = radius * (np.array(starts) + rng.uniform(-noise, noise, (2, 2)))
    aims = radius * np.array(goals)
    return tuple(robot(kind, start, goal, radius, limits) for start, goal in zip(places, aims, strict=True))


def any_heading(rng: np.random.Generator) -> float:
    """An angle [rad]."""
    return float(rng.uniform(-math.pi, math.pi))


def wall(xmin: float, ymin: float, xmax: float, ymax: float) -> list[float]:
    """A box by its corners [m], as a row of ``World.boxes``."""
    return [0.5 * (xmin + xmax), 0.5 * (ymin + ymax), 0.5 * (xmax - xmin), 0.5 * (ymax - ymin)]


def gate(x: float, y: float, thickness: float, gap: float, height: float) -> Array:
    """A wall across a room ``height`` m high, its middle at ``x``, a gap around ``y``: two boxes ``[2, 4]`` [m]."""
    left, right = x - 0.5 * thickness, x + 0.5 * thickness
    return np.array([wall(left, 0.0, right, y - 0.5 * gap), wall(left, y + 0.5 * gap, right, height)])
