"""The worlds that the tuner is trained on: every family with at most eight robots, three dynamics, many sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.arena_core import ArenaCore
from envs.scenarios import clutter, corridor, crossing, door_swap, doorway, merge, mixed, moving, open_floor, swap
from envs.scenarios.tiled import tile
from swarm.dynamics import Kind, Limits
from swarm.scenario import Scenario

ROBOTS = 8
# A wheeled robot of the size of the warehouse demo.
_CART = {"kind": Kind.UNICYCLE, "limits": Limits(1.0, turn_rate=4.0), "radius": 0.25, "dt": 0.05, "sensing_radius": 2.5}
Style = Callable[[np.random.Generator, int], Scenario]


def _any(rng: np.random.Generator) -> dict[str, Any]:
    """Any dynamics; a double integrator's acceleration between 1 and 10 m/s²."""
    kind = Kind(int(rng.integers(3)))
    limits = Limits(0.5, acceleration=10.0 ** rng.uniform(0.0, 1.0)) if kind == Kind.DOUBLE_INTEGRATOR else None
    return {"kind": kind, "limits": limits}


def _clutter(rng: np.random.Generator, robots: int) -> Scenario:
    """Random boxes, from the protocol's density to three times as dense; a quarter of them with a roadmap."""
    side, boxes = rng.uniform(2.0, 4.0), int(rng.integers(0, 11))
    scenario = clutter.draw(rng, robots=robots, obstacles=boxes, side=side, **_any(rng))
    return dataclasses.replace(scenario, name="roadmap") if rng.random() < 0.25 else scenario


def _carts(rng: np.random.Generator, robots: int) -> Scenario:
    side, boxes = rng.uniform(6.0, 14.0), int(rng.integers(0, 9))
    return clutter.draw(rng, robots=robots, obstacles=boxes, side=side, horizon=20.0, **_CART)


def _swap(rng: np.random.Generator, robots: int) -> Scenario:
    if rng.random() < 0.5:
        rooms = [swap.draw(rng, robots=2, spread=rng.uniform(4.0, 12.0), horizon=10.0, **kind)
                 for kind in [_any(rng)] * (robots // 2)]  # fmt: skip
        return tile(rooms)
    return swap.draw(rng, robots=robots, spread=rng.uniform(8.0, 24.0), horizon=10.0, **_any(rng))


def _pairs(rng: np.random.Generator, robots: int) -> Scenario:
    """Rooms of two robots that meet at a gap or in a corridor; of dynamics that fit through."""
    style, single = rng.random(), {"kind": Kind.SINGLE_INTEGRATOR}
    rooms = []
    for _ in range(robots // 2):
        options, noise = _any(rng), rng.uniform(0.2, 3.0)
        if style < 0.15:
            options = single if options["kind"] == Kind.UNICYCLE else options
            rooms.append(merge.draw(rng, noise=noise, **options))
        elif style < 0.5:
            rooms.append(door_swap.draw(rng, noise=noise, **single))
        elif style < 0.75:
            rooms.append(doorway.draw(rng, robots=2, gap=rng.uniform(2.3, 3.5), side=20.0, **options))
        else:
            rooms.append(corridor.draw(rng, **options))
    return tile(rooms)


STYLES: dict[Style, float] = {
    _clutter: 0.31,
    _carts: 0.09,
    _swap: 0.09,
    _pairs: 0.20,
    lambda rng, robots: crossing.draw(rng, robots=robots, **_any(rng)): 0.04,
    lambda rng, robots: doorway.draw(rng, robots=robots, gap=rng.uniform(2.3, 5.0), **_any(rng)): 0.08,
    lambda rng, robots: moving.draw(rng, robots=robots - 2, movers=1, rude=1, **_any(rng)): 0.05,
    lambda rng, robots: open_floor.draw(rng, robots=robots, filled=rng.uniform(0.1, 0.25)): 0.10,
    lambda rng, robots: mixed.draw(rng, robots=robots): 0.04,
}
"""Share of each kind of world."""


def draw(rng: np.random.Generator, robots: int = ROBOTS) -> Scenario:
    """Draw one training scenario."""
    styles = list(STYLES)
    return styles[int(rng.choice(len(styles), p=list(STYLES.values())))](rng, robots)


def planner_of(scenario: Scenario) -> str:
    """The planner of a training scenario."""
    return "roadmap" if scenario.name == "roadmap" else "straight"


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
