"""Moving obstacles: clutter in which large discs patrol, and rude robots drive without giving way.

What is difficult: the world changes while the robots are in it, and those that move do not share the work of keeping
apart. The patrols never arrive; an episode is over when the cooperative robots are at their goals, or at its horizon.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from envs.scenarios.clutter import boxes
from envs.scenarios.parts import DT, HORIZON, LIMITS, SENSING, robot, team
from envs.scenarios.placing import Room, ends
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.geometry import segment_to_obstacle, segment_to_segment
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

# A patrol has twice the radius and 0.6 of the speed of the other robots.
_PATROL_RADII, _PATROL_SPEED = 2.0, 0.6
_ATTEMPTS, _LINES = 50, 200


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    movers: int = 2,
    rude: int = 2,
    obstacles: int = 6,
    side: float = 4.0,
    kind: Kind = Kind.DOUBLE_INTEGRATOR,
    limits: Limits | None = None,
    radius: float = 0.05,
    horizon: float = HORIZON,
    dt: float = DT,
    sensing_radius: float = SENSING,
) -> Scenario:
    """Draw a scenario: first the cooperative robots, then those that patrol, then the rude ones.

    The ways of those that do not give way are free of boxes and do not cross each other: they would block each other
    for ever. Starts and goals of the others are off these ways.

    Args:
        rng: Source of all random numbers.
        robots: Number of cooperative robots.
        movers: Number of large discs that drive to and fro between two points.
        rude: Number of robots like the cooperative ones that drive straight to their goals and do not give way.
        obstacles: Number of boxes, as in ``clutter``.
        side: Side of the square [m].
        kind: Dynamics of all.
        limits: Their limits; those of ``clutter`` if not given.
        radius: Of the robots [m].
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].

    Raises:
        InputError: If no room is found for so many robots and boxes.
    """
    limits = limits or LIMITS[kind]
    wide = [_PATROL_RADII * radius] * movers + [radius] * rude
    for _ in range(_ATTEMPTS):
        world = boxes(rng, obstacles, side, kind, radius)
        ways = _ways(rng, world, np.array(wide), radius)
        if ways is None:
            continue
        keep_off = np.column_stack([ways, np.array(wide) + 3.0 * radius])
        found = ends(rng, robots, Room(world, radius), 4.0 * radius, keep_off=keep_off)
        if found is not None:
            specs = team(rng, kind, *found, radius, limits)
            specs += tuple(_patrol(kind, way, wide[0], limits, horizon) for way in ways[:movers])
            specs += tuple(robot(kind, way[:2], way[2:], radius, limits, cooperative=False) for way in ways[movers:])
            return Scenario(world, specs, horizon, dt, sensing_radius, "moving")
    counts = (robots, movers, rude, obstacles)
    raise InputError("moving: robots, movers, rude, obstacles", counts, f"few enough for a square of {side:g} m")


def _ways(rng: np.random.Generator, world: World, wide: Array, spare: float) -> Array | None:
    """A straight way ``[n, 4]`` (ax, ay, bx, by [m]) for each disc of radius ``wide[n]``; None if none was found.

    They keep ``spare`` m from boxes and from each other, and are at least a quarter of the square's side long.
    """
    low, high = world.bounds[:2], world.bounds[2:]
    ways: list[Array] = []
    for _ in range(_LINES):
        if len(ways) == len(wide):
            break
        own = wide[len(ways)] + spare
        a, b = rng.uniform(low + own, high - own, (2, 2))
        dx, dy = b - a
        long_enough = np.linalg.norm(b - a) >= 0.25 * (high - low).min()
        free = all(segment_to_obstacle(a[0], a[1], dx, dy, box)[0] >= own for box in world.obstacles)
        if (
            long_enough
            and free
            and all(
                segment_to_segment(*a, *(b - a), *way[:2], *(way[2:] - way[:2]))[0] >= own + other
                for way, other in zip(ways, wide, strict=False)
            )
        ):
            ways.append(np.concatenate([a, b]))
    return np.array(ways).reshape(-1, 4) if len(ways) == len(wide) else None


def _patrol(kind: Kind, way: Array, radius: float, limits: Limits, horizon: float) -> RobotSpec:
    """A disc that drives to and fro for longer than the horizon."""
    slower = replace(limits, speed=_PATROL_SPEED * limits.speed)
    # It turns round as soon as it is within two radii of an end; per axis, it is up to √2 faster than its limit.
    length = max(float(np.linalg.norm(way[2:] - way[:2])) - 4.0 * radius, radius)
    trips = math.ceil(math.sqrt(2.0) * slower.speed * horizon / length) + 2
    goals = np.tile([way[2:], way[:2]], (math.ceil(trips / 2), 1))
    return robot(kind, way[:2], goals, radius, slower, cooperative=False)
