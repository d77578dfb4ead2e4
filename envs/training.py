"""The worlds that the tuner is trained on: clutter and swaps, three dynamics, two sizes of robot."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.arena_core import ArenaCore
from envs.scenarios import clutter, swap
from swarm.dynamics import Kind, Limits
from swarm.scenario import Scenario

ROBOTS = 8
# A wheeled robot of the size of the warehouse demo.
_CART = {"kind": Kind.UNICYCLE, "limits": Limits(1.0, turn_rate=4.0), "radius": 0.25, "dt": 0.05, "sensing_radius": 2.5}


def draw(rng: np.random.Generator, robots: int = ROBOTS) -> Scenario:
    """Draw one training scenario."""
    style = rng.random()
    kind = Kind(int(rng.integers(3)))
    limits = Limits(0.5, acceleration=10.0 ** rng.uniform(0.0, 1.0)) if kind == Kind.DOUBLE_INTEGRATOR else None
    if style < 0.2:
        return swap.draw(rng, robots=robots, kind=kind, limits=limits, spread=rng.uniform(8.0, 24.0), horizon=10.0)
    if style < 0.35:
        side, boxes = rng.uniform(6.0, 14.0), int(rng.integers(0, 9))
        return clutter.draw(rng, robots=robots, obstacles=boxes, side=side, horizon=20.0, **_CART)  # type: ignore
    side, boxes = rng.uniform(1.6, 4.0), int(rng.integers(0, 11))
    scenario = clutter.draw(rng, robots=robots, obstacles=boxes, side=side, kind=kind, limits=limits, horizon=15.0)
    return dataclasses.replace(scenario, name="clutter, roadmap") if rng.random() < 0.25 else scenario


def planner_of(scenario: Scenario) -> str:
    """The planner of a training scenario."""
    return "roadmap" if scenario.name.endswith("roadmap") else "straight"


class SharedArena(ArenaCore):
    """All robots of a world act on the mean of what they propose."""

    def step(self, action: NDArray[Any]) -> Any:
        """See ``ArenaCore.step``."""
        mean = np.clip(np.asarray(action, dtype=np.float64), 0.0, 1.0).mean(axis=1, keepdims=True)
        return super().step(np.broadcast_to(mean, np.shape(action)))


def training_worlds(seed: int, worlds: int, robots: int = ROBOTS, *, shared: bool = False) -> ArenaCore:
    """The batched core over ``draw``."""
    kind = SharedArena if shared else ArenaCore
    return kind(lambda rng: draw(rng, robots), worlds=worlds, seed=seed, planner=planner_of)
