"""The worlds that the tuner is trained on: clutter and swaps, three dynamics, two sizes of robot."""

from __future__ import annotations

import numpy as np

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
    if style < 0.25:
        return swap.draw(rng, robots=robots, kind=kind, spread=rng.uniform(8.0, 24.0), horizon=10.0)
    if style < 0.45:
        side, boxes = rng.uniform(6.0, 14.0), int(rng.integers(0, 9))
        return clutter.draw(rng, robots=robots, obstacles=boxes, side=side, horizon=20.0, **_CART)
    side, boxes = rng.uniform(1.6, 4.0), int(rng.integers(0, 9))
    return clutter.draw(rng, robots=robots, obstacles=boxes, side=side, kind=kind, horizon=15.0)


def training_worlds(seed: int, worlds: int, robots: int = ROBOTS) -> ArenaCore:
    """The batched core over ``draw``."""
    return ArenaCore(lambda rng: draw(rng, robots), worlds=worlds, seed=seed)
