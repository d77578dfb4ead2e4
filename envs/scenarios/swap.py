"""Antipodal swap: robots on a circle, each with its goal on the other side.

What is difficult: all straight ways meet in one point, and everybody arrives there at once. By symmetry nobody has a
reason to turn aside.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.parts import DT, HORIZON, LIMITS, SENSING, robot
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    spread: float = 20.0,
    horizon: float | None = None,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: where on the circle, and up to half a radius of noise.
        robots: Number of robots.
        kind: Dynamics of all robots.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius [m].
        spread: Radius of the circle, in radii of a robot; grows with the number of robots where it must.
        horizon: Length of an episode [s]; if not given, that of ``clutter``, and longer where the circle is so wide
            that a robot alone needs a third of it.
        dt: Control period [s].
        sensing_radius: How far robots sense [m].
    """
    circle = radius * max(spread, 4.0 * robots / math.pi)
    side = 2.0 * circle + 8.0 * radius
    angles = rng.uniform(0.0, 2.0 * math.pi) + 2.0 * math.pi * np.arange(robots) / robots
    spokes = circle * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    middle = 0.5 * side
    noise = rng.uniform(-0.25 * radius, 0.25 * radius, (2, robots, 2))
    limits = limits or LIMITS[kind]
    specs = tuple(
        robot(kind, middle + spoke + noise[0, i], middle - spoke + noise[1, i], radius, limits)
        for i, spoke in enumerate(spokes)
    )
    if horizon is None:
        horizon = max(HORIZON, 3.0 * 2.0 * circle / limits.speed)
    return Scenario(World(np.array([0.0, 0.0, side, side])), specs, horizon, dt, sensing_radius, "swap")
