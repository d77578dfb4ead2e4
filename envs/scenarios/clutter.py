"""Random clutter: robots and goals anywhere among random boxes (the protocol of GCBF+, Zhang et al., T-RO 2025).

What is difficult: a robot that goes straight to its goal gets caught behind a box, where no class-K parameter helps,
and robots meet in gaps between boxes.

As in the protocol: the boxes' centres anywhere, their sides uniform; starts, and goals, at least four radii from each
other and from the boxes; a unicycle's heading anywhere. Unlike there, and in ``turned_clutter``: boxes are not turned,
the square has bounds that robots' centres stay in, and a start or goal to which there is no way for the disc is drawn
again.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.parts import DT, HORIZON, LIMITS, SENSING, SLOW, team
from envs.scenarios.placing import Room, ends
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

__all__ = ["LIMITS", "SLOW", "draw"]

LONGEST = {Kind.SINGLE_INTEGRATOR: 12.0, Kind.DOUBLE_INTEGRATOR: 10.0, Kind.UNICYCLE: 12.0}
"""Longest side of a box, in radii."""
_ATTEMPTS = 50


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    obstacles: int = 8,
    side: float = 4.0,
    travel: float = math.inf,
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
        travel: Largest distance of a goal from its start [m].
        kind: Dynamics of all robots.
        limits: Their limits; those of the protocol if not given (``SLOW``: a double integrator with 1 m/s²).
        radius: Their radius [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If no room is found for so many robots and boxes.
    """
    for _ in range(_ATTEMPTS):
        world = boxes(rng, obstacles, side, kind, radius)
        found = ends(rng, robots, Room(world, radius), 4.0 * radius, travel)
        if found is not None:
            specs = team(rng, kind, *found, radius, limits)
            return Scenario(world, specs, horizon, dt, sensing_radius, "clutter")
    raise InputError("clutter: robots, obstacles", (robots, obstacles), f"few enough for a square of {side:g} m")


def boxes(rng: np.random.Generator, count: int, side: float, kind: Kind, radius: float) -> World:
    """A square with random boxes, as many and as large as the protocol has them for robots of this kind."""
    centres = rng.uniform(0.0, side, (count, 2))
    half = 0.5 * radius * rng.uniform(2.0, LONGEST[kind], (count, 2))
    return World(np.array([0.0, 0.0, side, side]), np.concatenate([centres, half], axis=1))
