"""Mixed team: every robot has its own dynamics, radius and limits; boxes and circles in between.

What is difficult: robots that brake and turn differently share the work of keeping apart, in little room.
"""

from __future__ import annotations

import math

import numpy as np

from envs.scenarios.parts import DT, LIMITS, any_heading, robot
from envs.scenarios.placing import Room, place
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

# Radius of the largest robot [m].
_LARGEST = 0.07


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 8,
    obstacles: int = 6,
    room: float = 0.25,
    kinds: tuple[Kind, ...] = tuple(Kind),
    horizon: float = 12.0,
    dt: float = DT,
    sensing_radius: float = 0.6,
    second_order: float = 0.0,
    cars: float = 0.0,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers.
        robots: Number of robots, with radii from 0.04 to 0.07 m and limits within 30 % of the clutter protocol's.
        obstacles: Number of obstacles, half of them boxes, half circles.
        room: Side of the square that each robot has on average [m]; below 0.3 it is crowded.
        kinds: Dynamics to draw from.
        horizon: Length of an episode [s].
        dt: Control period [s].
        sensing_radius: How far robots sense [m].
        second_order: Share of the unicycles whose accelerations are finite: 0.3 to 2 m/s², 1 to 10 rad/s².
        cars: Share of the unicycles that are cars, a third of them without an acceleration, a third with a steering
            rate, a third that drive forward only.
    """
    side = max(room * math.sqrt(robots), 0.8)
    while True:
        half = rng.uniform(0.02, 0.15, (obstacles, 2))
        centres = rng.uniform(0.0, side, (obstacles, 2))
        boxes = np.concatenate([centres, half], axis=1)[: obstacles // 2]
        circles = np.concatenate([centres, half[:, :1]], axis=1)[obstacles // 2 :]
        world = World(np.array([0.0, 0.0, side, side]), boxes, circles)
        free = Room(world, _LARGEST)
        starts, goals = place(rng, robots, free, 0.145), place(rng, robots, free, 0.1)
        if starts is not None and goals is not None:
            break
        side *= 1.05
    specs = []
    for start, goal in zip(starts, goals, strict=True):
        kind = kinds[int(rng.integers(len(kinds)))]
        top, push, turn = rng.uniform(0.7, 1.3, 3)
        own = LIMITS[kind]
        limits = Limits(own.speed * top, own.acceleration * push, own.turn_rate * turn)
        if kind == Kind.UNICYCLE and second_order > 0.0 and rng.random() < second_order:
            limits = _slowly(rng, limits)
        if kind == Kind.UNICYCLE and cars > 0.0 and rng.random() < cars:
            limits = _steered(rng, limits.speed)
        radius = float(rng.uniform(0.04, _LARGEST))
        specs.append(robot(kind, start, goal, radius, limits, heading=any_heading(rng)))
    return Scenario(world, tuple(specs), horizon, dt, sensing_radius, "mixed")


def _slowly(rng: np.random.Generator, limits: Limits) -> Limits:
    """The same with accelerations; no faster in turning than what comes to rest within a triangle (2 rad)."""
    push, turn_push = float(rng.uniform(0.3, 2.0)), float(rng.uniform(1.0, 10.0))
    turn_rate = min(limits.turn_rate, 1.9 * math.sqrt(turn_push) - turn_push * DT)
    return Limits(limits.speed, push, turn_rate, turn_push)


def _steered(rng: np.random.Generator, speed: float) -> Limits:
    """A car's limits: arcs of 0.05 to 0.5 m; with an acceleration, a steering rate and a reverse gear or without."""
    steering = float(rng.uniform(0.3, 0.8))
    wheelbase = math.tan(steering) * float(rng.uniform(0.05, 0.5))
    reverse = 0.0 if rng.random() < 1 / 3 else speed * float(rng.uniform(0.3, 1.0))
    more = int(rng.integers(3))
    return Limits(
        speed, math.inf if more == 0 else float(rng.uniform(0.3, 2.0)), wheelbase=wheelbase, steering=steering,
        steering_rate=float(rng.uniform(0.5, 5.0)) if more == 2 else math.inf, reverse_speed=reverse,
    )  # fmt: skip
