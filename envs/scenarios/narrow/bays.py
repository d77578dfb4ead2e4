"""Lane with bays: two rooms, a lane for one robot between them, and bays at its side that hold one robot each.

What is difficult: half of the robots come from each side. They meet in the lane, unless one side waits in its room or
in a bay.
"""

from __future__ import annotations

import numpy as np

from envs.scenarios.narrow.dynamics import DT, GAPS, LIMITS, RADIUS, SENSING
from envs.scenarios.parts import team, wall
from envs.scenarios.placing import Room, place_on_sides
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

# In radii: side of a room, length of the lane, width and depth of a bay, least distance of starts from walls.
_ROOM, _LANE, _BAY, _DEPTH, _CLEAR = 12.0, 30.0, 2.5, 2.6, 1.5
_MOST_BAYS, _MOST_ROBOTS = 3, 8


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 4,
    kind: Kind = Kind.SINGLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = RADIUS,
    horizon: float = 60.0,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers: how many bays, where, how wide the lane is, starts and goals.
        robots: Number of robots, 2 to 8; those with an even number start on the left.
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
        raise InputError("bays: robots", robots, f"2 to {_MOST_ROBOTS}")
    length = 2.0 * _ROOM + _LANE
    world = World(radius * np.array([0.0, 0.0, length, _ROOM]), radius * _walls(rng))
    left = np.array([_CLEAR, _CLEAR, _ROOM - _CLEAR, _ROOM - _CLEAR])
    sides = radius * (left + np.array([[0.0], [_ROOM + _LANE]]) * [1.0, 0.0, 1.0, 0.0])
    found = place_on_sides(rng, robots, Room(World(world.bounds), radius), _CLEAR * radius, sides, apart=3.0 * radius)
    if found is None:
        raise InputError("bays: robots", robots, "few enough for the rooms")
    specs = team(rng, kind, found[0], found[1], radius, limits or LIMITS[kind])
    return Scenario(world, specs, horizon, dt, sensing_radius, "bays")


def _walls(rng: np.random.Generator) -> Array:
    """What is solid beside the lane, as boxes ``[n, 4]``, in radii."""
    gap, bays = rng.uniform(*GAPS), int(rng.integers(1, _MOST_BAYS + 1))
    share = (_LANE - 6.0) / bays
    places = [_ROOM + 3.0 + k * share + rng.uniform(0.5 * _BAY, share - 0.5 * _BAY) for k in range(bays)]
    above = rng.random(bays) < 0.5
    low, high = 0.5 * (_ROOM - gap), 0.5 * (_ROOM + gap)
    boxes = []
    for upper in (False, True):
        near, far = (high, _ROOM) if upper else (0.0, low)
        left = _ROOM
        for bay in [middle for middle, up in zip(places, above, strict=True) if up == upper]:
            boxes.append(wall(left, near, bay - 0.5 * _BAY, far))
            left = bay + 0.5 * _BAY
            bottom = (high + _DEPTH, _ROOM) if upper else (0.0, low - _DEPTH)
            boxes.append(wall(left - _BAY, bottom[0], left, bottom[1]))
        boxes.append(wall(left, near, _ROOM + _LANE, far))
    return np.array(boxes)
