"""Open floor: robots of all sizes and speeds without obstacles, as ORCA is tested (van den Berg et al., ISRR 2011).

What is difficult: large and small, fast and slow robots share the work of keeping apart although they cannot do the
same share, and in the middle of the floor they stand in each other's way.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.parts import any_heading, robot
from envs.scenarios.placing import Room
from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

# Metres between the discs of two starts, or of two goals, at least.
_SPARE = 0.4
_TRIES = 500


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    kind: Kind = Kind.SINGLE_INTEGRATOR,
    filled: float = 0.25,
    horizon: float = 60.0,
    dt: float = 0.05,
    sensing_radius: float = 5.0,
) -> Scenario:
    """Draw a scenario with radii of 0.2 to 0.8 m and speeds of 0.5 to 1.5 m/s.

    Starts and goals lie in a square that the discs fill to ``filled``; around it is room for the largest robot to
    pass. Every goal can be reached from outside when all others stand at theirs.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots.
        kind: Their dynamics; acceleration 2 m/s² and turn rate 4 rad/s where these count.
        filled: Share of the square that the discs cover; the square grows if they do not fit.
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].
    """
    radii, speeds = rng.uniform(0.2, 0.8, robots), rng.uniform(0.5, 1.5, robots)
    side = math.sqrt(math.pi * float(radii @ radii) / filled)
    rim = 2.0 * float(radii.max()) + _SPARE
    while True:
        starts, goals = _scatter(rng, radii, side), _scatter(rng, radii, side)
        bounds = np.array([0.0, 0.0, side + 2.0 * rim, side + 2.0 * rim])
        if starts is not None and goals is not None and _all_can_arrive(bounds, goals + rim, radii):
            break
        side *= 1.03
    specs = tuple(
        robot(
            kind, starts[i] + rim, goals[i] + rim, float(radii[i]),
            Limits(float(speeds[i]), 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf, 4.0),
            heading=any_heading(rng),
        )
        for i in range(robots)
    )  # fmt: skip
    return Scenario(World(bounds), specs, horizon, dt, sensing_radius, "open")


def _scatter(rng: np.random.Generator, radii: Array, side: float) -> Array | None:
    """Places ``[n, 2]`` [m] for discs in a square, apart from each other; None if none were found."""
    points = np.empty((len(radii), 2))
    for i, radius in enumerate(radii):
        for point in rng.uniform(0.0, side, (_TRIES, 2)):
            if (np.linalg.norm(points[:i] - point, axis=1) >= radii[:i] + radius + _SPARE).all():
                points[i] = point
                break
        else:
            return None
    return points


def _all_can_arrive(bounds: Array, goals: Array, radii: Array) -> bool:
    """Whether there is a way for each disc from outside to its goal, between all others at theirs."""
    discs = np.column_stack([goals, radii])
    return all(
        bool(Room(World(bounds, circles=np.delete(discs, i, axis=0)), float(radii[i])).reaches(goals[i : i + 1])[0])
        for i in range(len(radii))
    )
