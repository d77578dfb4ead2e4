"""Merge: two robots on the same side of a wall reach its one narrow gap at the same time.

What is difficult: both want in at once and block each other. One must hold back while the other goes; the same
parameters in both, whatever they are, leave both where they are.
"""

from __future__ import annotations

import numpy as np

from envs.scenarios.parts import DT, HORIZON, SENSING, gate, pair
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 2,
    kind: Kind = Kind.SINGLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    noise: float = 0.2,
    horizon: float = HORIZON,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: where exactly the robots start.
        robots: 2.
        kind: Dynamics of both.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius [m].
        noise: Of each coordinate of a start, at most, in radii.
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If another number of robots is asked for.
    """
    starts, goals = [(28.0, 47.0), (28.0, 33.0)], [(60.0, 40.0), (68.0, 40.0)]
    world = World(radius * np.array([0.0, 0.0, 80.0, 80.0]), radius * gate(40.0, 40.0, 4.0, 2.4, 80.0))
    specs = pair(rng, "merge", robots, starts, goals, noise, kind, limits, radius)
    return Scenario(world, specs, horizon, dt, sensing_radius, "merge")
