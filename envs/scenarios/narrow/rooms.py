"""Rooms in a square, with a door for one robot in every wall between two of them.

What is difficult: those who want out of a room and into it meet in its doors, and who has arrived may stand in front of
one.
"""

from __future__ import annotations

import numpy as np

from envs.scenarios.narrow.dynamics import DT, GAPS, LIMITS, RADIUS, SENSING
from envs.scenarios.parts import team, wall
from envs.scenarios.placing import Room, place
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

# Side of a room and thickness of a wall, in radii; least distance of a door from a corner, starts from walls.
_SIDE, _WALL, _CORNER, _CLEAR = 14.0, 1.0, 3.0, 1.5
# Rooms in a row, and robots in a room.
_ROWS, _LEAST, _MOST = (2, 3, 4), 2, 4


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    kind: Kind = Kind.SINGLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = RADIUS,
    horizon: float = 60.0,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario: 2 × 2 to 4 × 4 rooms, as many as give each 2 to 4 robots.

    Args:
        rng: Source of all random numbers: how many rooms, where and how wide the doors are, starts and goals.
        robots: Number of robots, 8 to 64.
        kind: Dynamics of all robots.
        limits: Their limits; those of this family if not given.
        radius: Their radius [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If no number of rooms fits the robots.
    """
    fitting = [rows for rows in _ROWS if _LEAST * rows * rows <= robots <= _MOST * rows * rows]
    if not fitting:
        raise InputError("rooms: robots", robots, "8 to 64")
    rows = fitting[int(rng.integers(len(fitting)))]
    return square_of(rng, rows, robots, kind, limits or LIMITS[kind], radius, horizon, dt, sensing_radius)


def square_of(
    rng: np.random.Generator, rows: int, robots: int, kind: Kind, limits: Limits, radius: float, horizon: float,
    dt: float, sensing_radius: float,
) -> Scenario:  # fmt: skip
    """Draw a scenario in ``rows`` × ``rows`` rooms; the other arguments are those of ``draw``.

    Raises:
        InputError: If the robots do not fit.
    """
    length = rows * _SIDE + (rows - 1) * _WALL
    world = World(radius * np.array([0.0, 0.0, length, length]), radius * _walls(rng, rows, length))
    floor = Room(World(world.bounds), radius)
    starts, goals = np.empty((2, robots, 2))
    for points in (starts, goals):
        homes = rng.permutation(np.resize(np.arange(rows * rows), robots))
        for home in range(rows * rows):
            mine = np.flatnonzero(homes == home)
            low = np.array(divmod(home, rows)) * (_SIDE + _WALL) + _CLEAR
            area = radius * np.concatenate([low, low + _SIDE - 2.0 * _CLEAR])
            found = place(rng, len(mine), floor, _CLEAR * radius, area=area, apart=3.0 * radius)
            if found is None:
                raise InputError("rooms: robots", robots, "few enough for the rooms")
            points[mine] = found
    specs = team(rng, kind, starts, goals, radius, limits)
    return Scenario(world, specs, horizon, dt, sensing_radius, "rooms")


def _walls(rng: np.random.Generator, rows: int, length: float) -> Array:
    """The walls between rooms as boxes ``[n, 4]``, in radii, a door in each."""
    boxes = []
    for k in range(1, rows):
        across = k * (_SIDE + _WALL) - _WALL, k * (_SIDE + _WALL)
        for room in range(rows):
            low, high = room * (_SIDE + _WALL), room * (_SIDE + _WALL) + _SIDE
            for turned in (False, True):
                gap = rng.uniform(*GAPS)
                door = rng.uniform(low + _CORNER + 0.5 * gap, high - _CORNER - 0.5 * gap)
                far = min(high + _WALL, length) if not turned else high
                for start, end in ((low, door - 0.5 * gap), (door + 0.5 * gap, far)):
                    corners = (across[0], start, across[1], end)
                    boxes.append(wall(*((corners[1], corners[0], corners[3], corners[2]) if turned else corners)))
    return np.array(boxes)
