"""What the tuner is trained on: every family with at most eight robots, three dynamics, many sizes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from envs.scenarios import (
    clutter,
    corridor,
    crossing,
    door_swap,
    doorway,
    merge,
    mixed,
    moving,
    open_floor,
    swap,
    turned_clutter,
    warehouse,
)  # fmt: skip
from envs.scenarios.tiled import tile
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario

ROBOTS = 8
MAP_HORIZON = 20.0
"""Length of an episode on a map [s]."""
Style = Callable[[np.random.Generator, int], Scenario]


def _any(rng: np.random.Generator) -> dict[str, Any]:
    """Any dynamics; a double integrator's acceleration between 1 and 10 m/s²."""
    kind = Kind(int(rng.integers(3)))
    limits = Limits(0.5, acceleration=10.0 ** rng.uniform(0.0, 1.0)) if kind == Kind.DOUBLE_INTEGRATOR else None
    return {"kind": kind, "limits": limits}


def _slim(rng: np.random.Generator) -> dict[str, Any]:
    """Dynamics for gaps of 2.4 radii: unicycles need a planner that tells them where it is narrow to fit through."""
    options = _any(rng)
    return {"kind": Kind.SINGLE_INTEGRATOR} if options["kind"] == Kind.UNICYCLE else options


def _clutter(rng: np.random.Generator, robots: int) -> Scenario:
    """Random boxes, from the protocol's density to three times as dense; a quarter of them with a roadmap."""
    side, boxes = rng.uniform(2.0, 4.0), int(rng.integers(0, 11))
    scenario = clutter.draw(rng, robots=robots, obstacles=boxes, side=side, **_any(rng))
    return dataclasses.replace(scenario, name="roadmap") if rng.random() < 0.25 else scenario


def _turned_clutter(rng: np.random.Generator, robots: int) -> Scenario:
    """As GCBF+ draws, some with fewer or more boxes."""
    return turned_clutter.draw(rng, robots=robots, obstacles=int(rng.integers(4, 13)), side=4.0, **_any(rng))


def _carts(rng: np.random.Generator, robots: int) -> Scenario:
    """Robots of the size of the warehouse demo's, two thirds of them on wheels, in rooms from crowded to wide."""
    kind = Kind.UNICYCLE if rng.random() < 0.65 else Kind(int(rng.integers(2)))
    acceleration = 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf
    radius, side, boxes = rng.uniform(0.2, 0.3), rng.uniform(5.0, 14.0), int(rng.integers(0, 9))
    return clutter.draw(
        rng, robots=robots, obstacles=boxes if side > 8.0 else boxes // 3, side=side, horizon=20.0, kind=kind,
        limits=Limits(1.0, acceleration, turn_rate=4.0), radius=radius, dt=0.05, sensing_radius=rng.uniform(2.5, 3.0),
    )  # fmt: skip


def _warehouse(rng: np.random.Generator, robots: int) -> Scenario:
    """Deliveries between shelves, behind a roadmap: as crowded as with 8 to 30 robots on all of the map."""
    shelves = int(rng.integers(2, 5)), int(rng.integers(3, 8))
    return warehouse.draw(rng, robots=robots, horizon=MAP_HORIZON, shelves=shelves)


def _swap(rng: np.random.Generator, robots: int) -> Scenario:
    if rng.random() < 0.5:
        rooms = [swap.draw(rng, robots=2, spread=rng.uniform(4.0, 12.0), horizon=10.0, **kind)
                 for kind in [_any(rng)] * (robots // 2)]  # fmt: skip
        return tile(rooms)
    return swap.draw(rng, robots=robots, spread=rng.uniform(8.0, 24.0), horizon=10.0, **_any(rng))


def _late(rng: np.random.Generator, room: Scenario) -> Scenario:
    """One of the two robots starts up to 12 radii farther back: some cases settle themselves, others nearly do."""
    robots, late = list(room.robots), int(rng.integers(2))
    start, goal = robots[late].start.copy(), robots[late].goals[0]
    start[0] -= math.copysign(rng.uniform(0.0, 12.0) * rng.random() * robots[late].radius, goal[0] - start[0])
    robots[late] = dataclasses.replace(robots[late], start=start)
    return dataclasses.replace(room, robots=tuple(robots))


def _merge(rng: np.random.Generator) -> Scenario:
    return _late(rng, merge.draw(rng, noise=rng.random(), horizon=9.0, **_slim(rng)))


def _door_swap(rng: np.random.Generator) -> Scenario:
    return _late(rng, door_swap.draw(rng, noise=rng.random(), horizon=9.0))


def _door(rng: np.random.Generator) -> Scenario:
    return doorway.draw(rng, robots=2, gap=rng.uniform(2.3, 3.5), side=20.0, horizon=12.0, **_any(rng))


def _corridor(rng: np.random.Generator) -> Scenario:
    return corridor.draw(rng, horizon=12.0, **_slim(rng))


def _rooms(draw_room: Callable[[np.random.Generator], Scenario]) -> Style:
    """Rooms of two robots that meet at a gap or in a corridor, side by side."""
    return lambda rng, robots: tile([draw_room(rng) for _ in range(robots // 2)])


STYLES: dict[str, tuple[float, Style]] = {
    "clutter": (0.13, _clutter),
    "turned_clutter": (0.04, _turned_clutter),
    "carts": (0.13, _carts),
    "swap": (0.06, _swap),
    "merge": (0.05, _rooms(_merge)),
    "door_swap": (0.06, _rooms(_door_swap)),
    "door": (0.06, _rooms(_door)),
    "corridor": (0.12, _rooms(_corridor)),
    "crossing": (0.02, lambda rng, robots: crossing.draw(rng, robots=robots, **_any(rng))),
    "doorway": (0.09, lambda rng, robots: doorway.draw(rng, robots=robots, gap=rng.uniform(2.3, 5.0), **_any(rng))),
    "moving": (0.03, lambda rng, robots: moving.draw(rng, robots=robots - 2, movers=1, rude=1, **_any(rng))),
    "warehouse": (0.07, _warehouse),
    "open": (0.11, lambda rng, robots: open_floor.draw(rng, robots=robots, filled=rng.uniform(0.1, 0.25))),
    "mixed": (0.15, lambda rng, robots: mixed.draw(rng, robots=robots)),
}
"""Kinds of worlds: share, and how to draw one for some number of robots."""


def draw(rng: np.random.Generator, robots: int = ROBOTS, styles: Sequence[str] = tuple(STYLES)) -> Scenario:
    """Draw one training scenario of these kinds; which robot has which id says nothing of its place."""
    shares = np.array([STYLES[name][0] for name in styles])
    scenario = STYLES[styles[int(rng.choice(len(styles), p=shares / shares.sum()))]][1](rng, robots)
    return dataclasses.replace(scenario, robots=tuple(rng.permutation(np.array(scenario.robots, dtype=object))))


def planner_of(scenario: Scenario) -> str:
    """The planner of a training scenario."""
    return "roadmap" if scenario.name in ("roadmap", "warehouse") else "straight"
