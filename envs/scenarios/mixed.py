"""Mixed team: every robot has its own dynamics, radius and limits; boxes and circles in between."""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.clutter import LIMITS, place
from swarm.dynamics import Kind, Limits
from swarm.robot_spec import RobotSpec
from swarm.scenario import Scenario
from swarm.world import World


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    obstacles: int = 6,
    room: float = 0.25,
    kinds: tuple[Kind, ...] = tuple(Kind),
    horizon: float = 12.0,
    dt: float = 0.03,
    sensing_radius: float = 0.6,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots, with radii from 0.04 to 0.07 m and limits within 30 % of the clutter protocol's.
        obstacles: Number of obstacles, half of them boxes, half circles.
        room: Side of the square that each robot has on average, m; below 0.3 it is crowded.
        kinds: Dynamics to draw from.
        horizon: Length of an episode, s.
        dt: Control period, s.
        sensing_radius: m.
    """
    side = max(room * math.sqrt(robots), 0.8)
    while True:
        half = rng.uniform(0.02, 0.15, (obstacles, 2))
        half[obstacles // 2 :, 1] = half[obstacles // 2 :, 0]
        things = np.concatenate([rng.uniform(0.0, side, (obstacles, 2)), half], axis=1)
        starts = place(rng, robots, side, things, 0.145)
        goals = place(rng, robots, side, things, 0.1)
        if starts is not None and goals is not None:
            break
        side *= 1.05
    specs = []
    for start, goal in zip(starts, goals, strict=True):
        kind = kinds[int(rng.integers(len(kinds)))]
        top, push, turn = rng.uniform(0.7, 1.3, 3)
        own = LIMITS[kind]
        limits = Limits(own.speed * top, own.acceleration * push, own.turn_rate * turn)
        heading = rng.uniform(-math.pi, math.pi) if kind == Kind.UNICYCLE else 0.0
        state = np.array([start[0], start[1], heading, 0.0, 0.0])
        specs.append(RobotSpec(kind, state, goal[None], float(rng.uniform(0.04, 0.07)), limits))
    boxes, circles = things[: obstacles // 2], things[obstacles // 2 :, :3]
    return Scenario(
        World(np.array([0.0, 0.0, side, side]), boxes, circles), tuple(specs), horizon, dt, sensing_radius, "mixed"
    )
