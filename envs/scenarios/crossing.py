"""Crossing: two roads between four corner blocks, and a stream of robots out of each of the four arms.

What is difficult: in the middle all four streams meet at once, and in each arm two streams pass each other. Whoever
waits keeps those behind waiting, too.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.parts import DT, SENSING, robot, wall
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
    width: float = 10.0,
    horizon: float = 20.0,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: where across the road each start and goal is, and a little along it.
        robots: Number of robots, dealt out to the arms in turn; the arms grow with it.
        kind: Dynamics of all robots.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius [m].
        width: Of the roads, in radii.
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].
    """
    rows = math.ceil(robots / 4)
    half_road = 0.5 * width * radius
    half = half_road + radius * max(20.0, 4.0 + 5.0 * rows)
    across = half_road - 2.0 * radius
    specs = []
    for i in range(robots):
        arm, row = i % 4, i // 4
        outwards = np.array([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][arm])
        sideways = np.array([-outwards[1], outwards[0]])
        # Who starts nearest to the middle goes farthest: nobody has to pass those of its own stream.
        along = half - radius * (3.0 + 5.0 * np.array([rows - 1 - row, row]) + rng.uniform(-0.5, 0.5, 2))
        off = rng.uniform(-across, across, 2)
        start, goal = half + along[0] * outwards + off[0] * sideways, half - along[1] * outwards + off[1] * sideways
        specs.append(robot(kind, start, goal, radius, limits))
    side, near, far = 2.0 * half, half - half_road, half + half_road
    blocks = [
        wall(xmin, ymin, xmax, ymax)
        for xmin, xmax in ((0.0, near), (far, side))
        for ymin, ymax in ((0.0, near), (far, side))
    ]
    world = World(np.array([0.0, 0.0, side, side]), np.array(blocks))
    return Scenario(world, tuple(specs), horizon, dt, sensing_radius, "crossing")
