"""Warehouse: lifelong deliveries between the shelves of the map that is shipped (``envs/maps/warehouse.map``).

What is difficult: aisles of one cell in which carts cannot pass each other, and work that never ends: a jam at any
time stays for good. Made for ``cells`` as the planner.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from swarm.model.dynamics import Kind, Limits
from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import Scenario, deliveries

MAP = Path(str(files("envs") / "maps" / "warehouse.map"))


def draw(
    rng: np.random.Generator,
    *,
    robots: int = 24,
    kind: Kind = Kind.UNICYCLE,
    limits: Limits | None = None,
    radius: float = 0.25,
    horizon: float = 60.0,
    dt: float = 0.05,
    sensing_radius: float = 3.0,
) -> Scenario:
    """Draw a scenario.

    Args:
        rng: Source of all random numbers.
        robots: Number of carts.
        kind: Their dynamics.
        limits: Their limits; those of ``swarm.scenario.scenario.deliveries`` if not given.
        radius: Their radius [m].
        horizon: Length of an episode [s]; there are more goals than can be reached in it.
        dt: Control period [s].
        sensing_radius: How far robots sense [m].
    """
    scenario = deliveries(
        _map(), robots, rng, 8 + int(horizon), kind=kind, radius=radius, limits=limits, horizon=horizon, dt=dt,
        sensing_radius=sensing_radius,
    )  # fmt: skip
    return replace(scenario, name="warehouse")


@cache
def _map() -> GridMap:
    return GridMap.from_movingai(MAP)
