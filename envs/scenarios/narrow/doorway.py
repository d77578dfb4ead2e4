"""Doorway: a wall across the room with one gap that a single robot fits through; half of the robots on each side.

What is difficult: the two sides want through the gap at the same time, one robot has to let the other out first, and
those who wait must not stand in front of the gap.
"""

from __future__ import annotations

import numpy as np

from envs.scenarios.parts import DT, SENSING, gate, team
from envs.scenarios.placing import Room, place_on_sides
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 4,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    gap: float = 2.4,
    side: float = 40.0,
    horizon: float = 20.0,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: where the gap is, starts and goals.
        robots: Number of robots; those with an even number start on the left.
        kind: Dynamics of all robots.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Their radius [m].
        gap: Width of the gap, in radii.
        side: Side of the room, in radii.
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If there are too many robots for the room.
    """
    length = side * radius
    middle, door = 0.5 * length, length * rng.uniform(0.25, 0.75)
    bounds = np.array([0.0, 0.0, length, length])
    world = World(bounds, gate(middle, door, 2.0 * radius, gap * radius, length))
    # The gap is narrower than a search on a grid is sure of: the sides are taken as they are, one by one.
    open_room, clear = Room(World(bounds), radius), 6.0 * radius
    sides = np.array([[0.0, 0.0, middle - clear, length], [middle + clear, 0.0, length, length]])
    found = place_on_sides(rng, robots, open_room, 4.0 * radius, sides)
    if found is None:
        raise InputError("doorway: robots", robots, f"few enough for a room of {length:g} m")
    specs = team(rng, kind, found[0], found[1], radius, limits)
    return Scenario(world, specs, horizon, dt, sensing_radius, "doorway")
