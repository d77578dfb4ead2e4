"""Antipodal swap: robots on a circle, each with its goal on the other side."""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.clutter import LIMITS
from swarm.dynamics import Kind, Limits
from swarm.robot_spec import RobotSpec
from swarm.scenario import Scenario
from swarm.world import World


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    spread: float = 20.0,
    horizon: float = 512 * 0.03,
    dt: float = 0.03,
    sensing_radius: float = 0.5,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: where on the circle, and up to half a radius of noise.
        robots: Number of robots.
        kind: Dynamics of all robots.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius, m.
        spread: Radius of the circle, in radii of a robot; grows with the number of robots where it must.
        horizon: Length of an episode, s.
        dt: Control period, s.
        sensing_radius: m.
    """
    circle = radius * max(spread, 4.0 * robots / math.pi)
    side = 2.0 * circle + 8.0 * radius
    angles = rng.uniform(0.0, 2.0 * math.pi) + 2.0 * math.pi * np.arange(robots) / robots
    spokes = circle * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    middle = 0.5 * side
    noise = rng.uniform(-0.25 * radius, 0.25 * radius, (2, robots, 2))
    specs = []
    for i in range(robots):
        heading = angles[i] + math.pi if kind == Kind.UNICYCLE else 0.0
        state = np.array([*(middle + spokes[i] + noise[0, i]), heading, 0.0, 0.0])
        goal = middle - spokes[i] + noise[1, i]
        specs.append(RobotSpec(kind, state, goal[None], radius, limits or LIMITS[kind]))
    world = World(np.array([0.0, 0.0, side, side]))
    return Scenario(world, tuple(specs), horizon, dt, sensing_radius, "swap")
