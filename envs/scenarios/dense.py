"""Dense team: 8 robots and 8 boxes on every 16 m², at any size of the team.

What is difficult: nothing that is not so in ``clutter``; but the whole team must get through, and the share that does
falls with its size for controllers that need more than their neighbourhood. Goals are near enough for the horizon.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from envs.scenarios import clutter
from envs.scenarios.parts import DT, HORIZON, SENSING
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 64,
    travel: float = 4.0,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    horizon: float = HORIZON,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario; the density is per squared radius.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots and of boxes.
        travel: Largest distance of a goal from its start [m].
        kind: Dynamics of all robots.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].
    """
    scenario = clutter.draw(
        rng, robots=robots, obstacles=robots, side=20.0 * radius * math.sqrt(2.0 * robots), travel=travel, kind=kind,
        limits=limits, radius=radius, horizon=horizon, dt=dt, sensing_radius=sensing_radius,
    )  # fmt: skip
    return replace(scenario, name="dense")
