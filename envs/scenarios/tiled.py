"""Several small scenarios side by side in one world, out of sight of each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.scenarios.parts import wall
from swarm.array_types import Array, Flags, Int64s
from swarm.errors import InputError
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

_CLOSE = 1e-9
"""Edges that are nearer to each other are at the same place [m]."""


def tile(scenarios: Sequence[Scenario]) -> Scenario:
    """One world of many rooms: the scenarios in rows, each with walls around it, the robots in their order.

    A robot's centre can be where it could be before: the walls stand one radius (of the largest robot) outside of the
    bounds, in place of which they are. A side that the room's own boxes close gets none: robots sense what is behind a
    wall, too, and would see there what is not in the room by itself. Rooms are so far apart that nobody senses
    anything of another room.

    Args:
        scenarios: One or more, of one control period and one sensing radius, without grid maps.

    Returns:
        A scenario with the longest of their horizons.

    Raises:
        InputError: If they do not fit together.
    """
    if not scenarios or any(scenario.world.grid is not None for scenario in scenarios):
        raise InputError("tile: scenarios", [scenario.name for scenario in scenarios], "one or more, without grid maps")
    for name in ("dt", "sensing_radius"):
        values = sorted({getattr(scenario, name) for scenario in scenarios})
        if len(values) > 1:
            raise InputError(f"tile: {name}", values, "the same in all scenarios")
    radius = max(robot.radius for scenario in scenarios for robot in scenario.robots)
    sizes = np.array([scenario.world.bounds[2:] - scenario.world.bounds[:2] for scenario in scenarios])
    # From room to room: two walls, each a radius away and a radius thick, and what can be sensed past them.
    rim = 2.0 * radius
    pitch = sizes.max(axis=0) + 2.0 * rim + scenarios[0].sensing_radius
    shape = _shape(len(scenarios))
    boxes, angles, circles, robots = [], [], [], []
    for k, scenario in enumerate(scenarios):
        shift = rim + pitch * np.array([k % shape[0], k // shape[0]]) - scenario.world.bounds[:2]
        inside = scenario.world.bounds + np.tile(shift, 2) + radius * np.array([-1.0, -1.0, 1.0, 1.0])
        boxes += [_moved(scenario.world.boxes, shift), _ring(inside, radius)[_open_sides(scenario.world)]]
        angles += [scenario.world.angles, np.zeros(len(boxes[-1]))]
        circles.append(_moved(scenario.world.circles, shift))
        robots += [
            replace(robot, start=robot.start + np.array([*shift, 0.0, 0.0, 0.0]), goals=robot.goals + shift)
            for robot in scenario.robots
        ]
    extent = shape * pitch - scenarios[0].sensing_radius
    parts = (np.concatenate(part) for part in (boxes, circles, angles))
    world = World(np.array([0.0, 0.0, *extent]), next(parts), next(parts), angles=next(parts))
    first, rooms = scenarios[0], len(scenarios)
    horizon, name = max(scenario.horizon for scenario in scenarios), f"{first.name}_x{rooms}"
    return Scenario(world, tuple(robots), horizon, first.dt, first.sensing_radius, name, rooms=rooms)


def rooms_of(scenario: Scenario) -> Int64s:
    """In which room each robot of a scenario starts, ``int64[N]``; in room 0 unless it was made by ``tile``."""
    starts = np.array([robot.start[:2] for robot in scenario.robots])
    if scenario.rooms == 1:
        return np.zeros(len(starts), np.int64)
    shape = _shape(scenario.rooms)
    pitch = (scenario.world.bounds[2:] + scenario.sensing_radius) / shape
    column, row = (starts // pitch).astype(np.int64).T
    rooms: Int64s = row * shape[0] + column
    return rooms


def _shape(rooms: int) -> Int64s:
    """Columns and rows of so many rooms."""
    columns = math.ceil(math.sqrt(rooms))
    return np.array([columns, math.ceil(rooms / columns)])


def _moved(rows: Array, shift: Array) -> Array:
    """Boxes or circles, moved by ``shift`` [m]."""
    return np.concatenate([rows[:, :2] + shift, rows[:, 2:]], axis=1)


def _ring(inside: Array, thickness: float) -> Array:
    """Four walls ``[4, 4]`` around a rectangle (xmin, ymin, xmax, ymax) [m]: below, above, left, right."""
    xmin, ymin, xmax, ymax = inside
    t = thickness
    return np.array([
        wall(xmin - t, ymin - t, xmax + t, ymin), wall(xmin - t, ymax, xmax + t, ymax + t),
        wall(xmin - t, ymin, xmin, ymax), wall(xmax, ymin, xmax + t, ymax),
    ])  # fmt: skip


def _open_sides(world: World) -> Flags:
    """Which sides of a world its own boxes do not close from corner to corner, ``bool[4]``: see ``_ring``."""
    boxes = world.boxes[world.angles == 0.0]
    low, high = boxes[:, :2] - boxes[:, 2:], boxes[:, :2] + boxes[:, 2:]
    at = np.concatenate([low <= world.bounds[:2] + _CLOSE, high >= world.bounds[2:] - _CLOSE], axis=1)
    sides = ((1, 0), (3, 0), (0, 1), (2, 1))  # number of the bound, and the axis along it
    return np.array([
        not _covered(low[at[:, bound], along], high[at[:, bound], along], *world.bounds[[along, 2 + along]])
        for bound, along in sides
    ])  # fmt: skip


def _covered(first: Array, last: Array, start: float, end: float) -> bool:
    """Whether intervals from ``first`` to ``last`` cover all from ``start`` to ``end``."""
    for k in np.argsort(first):
        if first[k] > start + _CLOSE:
            return False
        start = max(start, last[k])
    return bool(start >= end - _CLOSE)
