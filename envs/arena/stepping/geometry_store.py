"""The obstacles of many worlds as padded arrays that the kernels read, each world with its own index of bins."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import AnyArray, Array, Int64s
from swarm.model.geometry import COLUMNS
from swarm.scenario.world import World

# From more obstacles on, those in a bin are looked up faster than all are read.
_ONE_BIN = 4


class Geometry(NamedTuple):
    """What stands still, in B worlds; of one world the same without the first axis.

    Attributes:
        bounds: ``float64[B, 4]``, of the robots' centres [m].
        obstacles: ``float64[B, n, 7]``.
        items: ``int64[B, L]``, with the rest the index of bins (``swarm.scenario.obstacle_index``).
        start: ``int64[B, bins + 1]``.
        origin: ``float64[B, 2]``.
        bin_size: ``float64[B]``.
        shape: ``int64[B, 2]``.
        count: ``int64[B]``, how many obstacles there are.
    """

    bounds: Array
    obstacles: Array
    items: Int64s
    start: Int64s
    origin: Array
    bin_size: Any
    shape: Int64s
    count: Any


@njit(cache=True, inline="always")
def geometry_of(worlds: Geometry, b: int) -> Geometry:
    """The geometry of world ``b``."""
    return Geometry(
        worlds.bounds[b], worlds.obstacles[b], worlds.items[b], worlds.start[b], worlds.origin[b], worlds.bin_size[b],
        worlds.shape[b], worlds.count[b],
    )  # fmt: skip


class GeometryStore:
    """One slot for each of ``worlds`` worlds."""

    def __init__(self, worlds: int) -> None:
        self._holds: list[tuple[World, float] | None] = [None] * worlds
        self.obstacles, self.items = np.zeros((worlds, 1, COLUMNS)), np.zeros((worlds, 1), np.int64)
        self.start, self.origin = np.zeros((worlds, 2), np.int64), np.zeros((worlds, 2))
        self.bin_size, self.shape = np.ones(worlds), np.ones((worlds, 2), np.int64)
        self.bounds, self.count = np.zeros((worlds, 4)), np.zeros(worlds, np.int64)

    def put(self, b: int, world: World, radius: float) -> None:
        """Give world ``b`` the obstacles of ``world``, indexed for a sensing radius [m]."""
        held = self._holds[b]
        if held is not None and held[0] is world and held[1] == radius:
            return
        index, self.bounds[b] = world.index(radius, _ONE_BIN), world.bounds
        self.count[b] = len(index.obstacles)
        self.obstacles = _put(self.obstacles, b, index.obstacles)
        self.items = _put(self.items, b, index.items)
        self.start = _put(self.start, b, index.start)
        self.origin[b], self.bin_size[b], self.shape[b] = index.origin, index.bin_size, index.shape
        self._holds[b] = (world, radius)

    @property
    def arrays(self) -> Geometry:
        """As the kernels take it."""
        return Geometry(
            self.bounds, self.obstacles, self.items, self.start, self.origin, self.bin_size, self.shape, self.count
        )


def _put(store: AnyArray, b: int, values: AnyArray) -> AnyArray:
    """``store`` with ``values`` in row ``b``; a wider copy of it where they do not fit."""
    if len(values) > store.shape[1]:
        width = max(len(values), 2 * store.shape[1])
        wider = np.zeros((store.shape[0], width, *store.shape[2:]), store.dtype)
        wider[:, : store.shape[1]] = store
        store = wider
    store[b, : len(values)] = values
    return store
