"""Random clutter: robots and goals anywhere among random boxes (the protocol of GCBF+, Zhang et al., T-RO 2025)."""

from __future__ import annotations

import math

import numpy as np

from swarm.dynamics import Kind, Limits
from swarm.errors import InputError
from swarm.robot_spec import RobotSpec
from swarm.scenario import Scenario
from swarm.world import World

# Limits of the protocol by dynamics, for robots of radius 0.05 m; the turn rate is ours (a car there).
LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(1.0),
    Kind.DOUBLE_INTEGRATOR: Limits(0.5, acceleration=1.0),
    Kind.UNICYCLE: Limits(0.8, turn_rate=4.0),
}
_TRIES, _ATTEMPTS = 64, 50


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    obstacles: int = 8,
    side: float = 4.0,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    horizon: float = 512 * 0.03,
    dt: float = 0.03,
    sensing_radius: float = 0.5,
) -> Scenario:
    """Draw a scenario; the boxes scale with the robots' radius.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots.
        obstacles: Number of boxes, their sides between 2 and 10 radii.
        side: Side of the square, m.
        kind: Dynamics of all robots.
        limits: Their limits; those of the protocol if not given.
        radius: Their radius, m.
        horizon: Length of an episode, s.
        dt: Control period, s.
        sensing_radius: m.

    Raises:
        InputError: If no room is found for so many robots and boxes.
    """
    scale = radius / 0.05
    for _ in range(_ATTEMPTS):
        half = 0.5 * rng.uniform(0.1 * scale, 0.5 * scale, (obstacles, 2))
        boxes = np.concatenate([rng.uniform(0.0, side, (obstacles, 2)), half], axis=1)
        starts = place(rng, robots, side, boxes, 4.0 * radius)
        goals = place(rng, robots, side, boxes, 4.0 * radius)
        if starts is not None and goals is not None:
            break
    else:
        raise InputError("clutter: robots, obstacles", (robots, obstacles), f"few enough for a square of {side:g} m")
    specs = []
    for start, goal in zip(starts, goals, strict=True):
        heading = rng.uniform(-math.pi, math.pi) if kind == Kind.UNICYCLE else 0.0
        state = np.array([start[0], start[1], heading, 0.0, 0.0])
        specs.append(RobotSpec(kind, state, goal[None], radius, limits or LIMITS[kind]))
    world = World(np.array([0.0, 0.0, side, side]), boxes)
    return Scenario(world, tuple(specs), horizon, dt, sensing_radius, "clutter")


def place(
    rng: np.random.Generator, count: int, side: float, boxes: np.ndarray, apart: float
) -> np.ndarray | None:
    """Points ``[count, 2]`` in the square, ``apart`` (m) from each other and from the boxes; None if none was found."""
    points = np.empty((0, 2))
    for _ in range(_TRIES):
        tried = rng.uniform(0.0, side, (4 * count, 2))
        outside = np.maximum(np.abs(tried[:, None] - boxes[:, :2]) - boxes[:, 2:], 0.0)
        tried = tried[(np.linalg.norm(outside, axis=-1) > apart).all(axis=1)]
        for point in tried:
            if not len(points) or (np.linalg.norm(points - point, axis=1) > apart).all():
                points = np.concatenate([points, point[None]])
                if len(points) == count:
                    return points
    return None
