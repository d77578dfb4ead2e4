"""Corridor: one robot wide, with an alcove for one robot in the middle; two robots come from the two ends.

What is difficult: they cannot pass each other. The one that comes to the alcove first has to go in, out of its way,
and let the other by. If neither does, both stand face to face for ever.
"""

from __future__ import annotations

import numpy as np

from envs.scenarios.parts import DT, HORIZON, SENSING, pair, wall
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

# In radii: the corridor's length and width, the alcove's width and depth, how thick the walls are.
_LENGTH, _WIDTH, _ALCOVE, _DEPTH, _WALL = 60.0, 2.4, 3.0, 2.4, 3.0


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 2,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    horizon: float = HORIZON,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: which robot is nearer to the alcove and by how much (2 to 8 radii), and on
            which side the alcove is.
        robots: 2.
        kind: Dynamics of both.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If another number of robots is asked for.
    """
    height = 2.0 * (_WALL + _DEPTH) + _WIDTH
    low, high = 0.5 * (height - _WIDTH), 0.5 * (height + _WIDTH)
    left, right = 0.5 * (_LENGTH - _ALCOVE), 0.5 * (_LENGTH + _ALCOVE)
    boxes = np.array([
        wall(0.0, 0.0, _LENGTH, low), wall(0.0, high, left, height), wall(right, high, _LENGTH, height),
        wall(left, high + _DEPTH, right, height),
    ])  # fmt: skip
    if rng.random() < 0.5:
        boxes[:, 1] = height - boxes[:, 1]
    ahead = np.zeros(2)
    ahead[rng.integers(2)] = rng.uniform(2.0, 8.0)
    places, middle = 6.0 + ahead, 0.5 * height
    starts, goals = [(places[0], middle), (_LENGTH - places[1], middle)], [(_LENGTH - 3.0, middle), (3.0, middle)]
    world = World(radius * np.array([0.0, 0.0, _LENGTH, height]), radius * boxes)
    specs = pair(rng, "corridor", robots, starts, goals, 0.1, kind, limits, radius)
    return Scenario(world, specs, horizon, dt, sensing_radius, "corridor")
