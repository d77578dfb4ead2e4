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

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import Scenario, deliveries

_BESIDE, _BEHIND = 4, 7  # shelves of the map
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
    shelves: tuple[int, int] = (_BESIDE, _BEHIND),
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
        shelves: How many stand beside each other, 1 to 4, and behind each other, 1 to 7: a part of the map.

    Raises:
        InputError: If there are not so many shelves.
    """
    scenario = deliveries(
        _map(*shelves), robots, rng, 8 + int(horizon), kind=kind, radius=radius, limits=limits, horizon=horizon, dt=dt,
        sensing_radius=sensing_radius,
    )  # fmt: skip
    return replace(scenario, name="warehouse")


@cache
def _map(beside: int, behind: int) -> GridMap:
    whole = GridMap.from_movingai(MAP)
    if not (1 <= beside <= _BESIDE and 1 <= behind <= _BEHIND):
        valid = f"1 to {_BESIDE} beside, 1 to {_BEHIND} behind each other"
        raise InputError("warehouse: shelves", (beside, behind), valid)
    rows, columns = 1 + (whole.free.shape[0] - 1) * behind // _BEHIND, 2 + (whole.free.shape[1] - 2) * beside // _BESIDE
    return GridMap.from_rows([row[:columns] for row in whole.symbols[:rows]], whole.cell_size, whole.name)
