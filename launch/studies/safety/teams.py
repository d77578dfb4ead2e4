"""Random teams: all dynamics, one kind a team and mixed, loose and dense, discs, polygons and cars."""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import Any

import numpy as np

from envs.scenarios import mixed
from swarm.array_types import Array
from swarm.model.dynamics import Kind
from swarm.model.footprint.polygon import reach
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario


def draw(rng: np.random.Generator, rude: float, polygons: float, **options: Any) -> Scenario:
    """A mixed team of which a share does not give way, and a share are polygons."""
    scenario = mixed.draw(rng, **options)
    robots = tuple(dataclasses.replace(robot, cooperative=bool(rng.random() >= rude)) for robot in scenario.robots)
    if polygons > 0.0:
        robots = tuple(shaped(rng, robot) if rng.random() < polygons else robot for robot in robots)
    return dataclasses.replace(scenario, robots=robots)


def shaped(rng: np.random.Generator, robot: RobotSpec) -> RobotSpec:
    """The robot as a polygon within its disc."""
    corners = polygon(rng, robot.radius)
    return dataclasses.replace(robot, footprint=corners, radius=reach(corners))


def polygon(rng: np.random.Generator, radius: float) -> Array:
    """A convex polygon of 3 to 8 corners, within a disc [m] and on an ellipse in it; half of the time a box."""
    slim, count = rng.uniform(0.3, 1.0), int(rng.integers(3, 9))
    if rng.random() < 0.5:
        corners = np.array([[1.0, slim], [-1.0, slim], [-1.0, -slim], [1.0, -slim]]) / math.hypot(1.0, slim)
    else:
        gaps = rng.uniform(0.5, 1.0, count)
        angle = 2.0 * math.pi * (rng.random() + np.cumsum(gaps) / gaps.sum())
        corners = np.stack([np.cos(angle), slim * np.sin(angle)], axis=1)
    return radius * (1.0 - 1e-9) * corners


def families() -> dict[str, partial[Scenario]]:
    """Kinds of teams: dynamics × team size × room."""
    teams = {kind.label: (kind,) for kind in Kind} | {"mixed": tuple(Kind), "mixed, a third rude": tuple(Kind)}
    # With finite accelerations of unicycles: of all, or of half.
    slow = {"unicycle, second order": 1.0, "mixed, second order": 0.5, "mixed, second order, a third rude": 0.5}
    # With cars: all of the unicycles, or half.
    cars = {"cars": 1.0, "mixed, cars": 0.5, "mixed, cars, a third rude": 0.5}
    slow |= dict.fromkeys(["mixed, cars", "mixed, cars, a third rude"], 0.5)
    unicycles = ("unicycle, second order", "cars")
    teams |= {name: (Kind.UNICYCLE,) if name in unicycles else tuple(Kind) for name in slow | cars}
    shapes = {f"{name}, polygons": 1.0 for name in teams if "rude" not in name}
    shapes["mixed, second order, a third rude, half polygons"] = 0.5
    for name in shapes:
        base = name.replace(", half polygons", "").replace(", polygons", "")
        teams[name], slow[name], cars[name] = teams[base], slow.get(base, 0.0), cars.get(base, 0.0)
    return {
        f"{name}, {robots} robots, {label}": partial(
            draw,
            rude=1 / 3 if "rude" in name else 0.0,
            robots=robots,
            room=room,
            kinds=kinds,
            second_order=slow.get(name, 0.0),
            cars=cars.get(name, 0.0),
            polygons=shapes.get(name, 0.0),
        )
        for name, kinds in teams.items()
        for robots, room, label in ((8, 0.5, "loose"), (16, 0.3, "dense"), (32, 0.26, "packed"))
    }
