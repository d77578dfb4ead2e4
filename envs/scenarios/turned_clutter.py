"""Turned boxes as the code of GCBF+ draws them (Zhang et al., T-RO 2025; github.com/MIT-REALM/gcbfplus): its protocol.

What is difficult: what is in ``clutter``, and boxes that stand together at any angle, with corners to get caught in.

Boxes' centres anywhere in the square, their sides uniform, turned by any angle; starts, and goals, anywhere in the
square, at least four radii from each other and from the boxes, and nothing else is asked of them: there may be boxes on
the straight way, or even around a goal. A unicycle's heading is anywhere. The square has no walls, so that a robot may
go around a box at its edge; the bounds here lie so far outside of it that the longest box leaves room.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.clutter import LONGEST
from envs.scenarios.parts import DT, HORIZON, LIMITS, SENSING, SLOW, team
from envs.scenarios.placing import Anywhere, place
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

__all__ = ["LIMITS", "SLOW", "draw"]

# From the square to the bounds, in radii: a box of 12 radii reaches 8.5 beyond its centre.
_AROUND = 20.0
_ATTEMPTS = 50


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    obstacles: int = 8,
    side: float = 4.0,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    horizon: float = HORIZON,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario; the boxes scale with the robots' radius.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots.
        obstacles: Number of boxes, their sides between 2 and 10 radii (12, unless double integrators).
        side: Side of the square [m].
        kind: Dynamics of all robots.
        limits: Their limits; those of the protocol if not given (``SLOW``: a double integrator with 1 m/s²).
        radius: Their radius [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If no room is found for so many robots and boxes.
    """
    square, around = np.array([0.0, 0.0, side, side]), _AROUND * radius
    for _ in range(_ATTEMPTS):
        half = 0.5 * radius * rng.uniform(2.0, LONGEST[kind], (obstacles, 2))
        boxes = np.concatenate([rng.uniform(0.0, side, (obstacles, 2)), half], axis=1)
        bounds = square + around * np.array([-1.0, -1.0, 1.0, 1.0])
        world = World(bounds, boxes, angles=rng.uniform(0.0, 2.0 * math.pi, obstacles))
        starts = place(rng, robots, Anywhere(world, radius), 4.0 * radius, area=square)
        goals = place(rng, robots, Anywhere(world, radius), 4.0 * radius, area=square)
        if starts is not None and goals is not None:
            specs = team(rng, kind, starts, goals, radius, limits)
            return Scenario(world, specs, horizon, dt, sensing_radius, "turned_clutter")
    raise InputError("turned_clutter: robots, obstacles", (robots, obstacles), f"few enough for a square of {side:g} m")
