"""Blocks with lanes between them that hold one robot beside the other nowhere: streets of a small town.

What is difficult: there is no room anywhere. Who meets another in a lane has to go back to a crossing, and aside there.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.narrow.dynamics import DT, GAPS, LIMITS, RADIUS, SENSING
from envs.scenarios.parts import team, wall
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

_BLOCK = 9.0  # side of a block, in radii
_MOST_ROBOTS = 32


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    kind: Kind = Kind.SINGLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = RADIUS,
    horizon: float = 90.0,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario; robots start, and end, at crossings, of which there are at least two a robot.

    Args:
        rng: Source of all random numbers: how wide the lanes are, starts and goals.
        robots: Number of robots, 2 to 32.
        kind: Dynamics of all robots.
        limits: Their limits; those of this family if not given.
        radius: Their radius [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If there are too few or too many robots.
    """
    if not 2 <= robots <= _MOST_ROBOTS:
        raise InputError("blocks: robots", robots, f"2 to {_MOST_ROBOTS}")
    rows = math.ceil(math.sqrt(2.0 * robots))
    gap = rng.uniform(*GAPS)
    lows = gap + (_BLOCK + gap) * np.arange(rows - 1)
    boxes = np.array([wall(x, y, x + _BLOCK, y + _BLOCK) for x in lows for y in lows])
    length = (rows - 1) * (_BLOCK + gap) + gap
    world = World(radius * np.array([0.0, 0.0, length, length]), radius * boxes)
    crossings = np.stack(np.divmod(np.arange(rows * rows), rows), axis=1) * (_BLOCK + gap) + 0.5 * gap
    starts, goals = (radius * crossings[rng.permutation(len(crossings))[:robots]] for _ in range(2))
    specs = team(rng, kind, starts, goals, radius, limits or LIMITS[kind])
    return Scenario(world, specs, horizon, dt, sensing_radius, "blocks")
