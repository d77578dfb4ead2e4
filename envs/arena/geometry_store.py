"""The obstacles of many worlds as padded arrays that the kernels read, each world with its own index of bins."""

from __future__ import annotations

import numpy as np

from swarm.array_types import AnyArray, Array, Int64s
from swarm.scenario.world import World


class GeometryStore:
    """One slot for each of ``worlds`` worlds."""

    def __init__(self, worlds: int) -> None:
        self._holds: list[tuple[World, float] | None] = [None] * worlds
        self.obstacles, self.items = np.zeros((worlds, 1, 5)), np.zeros((worlds, 1), np.int64)
        self.start, self.origin = np.zeros((worlds, 2), np.int64), np.zeros((worlds, 2))
        self.bin_size, self.shape = np.ones(worlds), np.ones((worlds, 2), np.int64)

    def put(self, b: int, world: World, radius: float) -> None:
        """Give world ``b`` the obstacles of ``world``, indexed for a sensing radius (m)."""
        held = self._holds[b]
        if held is not None and held[0] is world and held[1] == radius:
            return
        index = world.index(radius)
        self.obstacles = _put(self.obstacles, b, index.obstacles)
        self.items = _put(self.items, b, index.items)
        self.start = _put(self.start, b, index.start)
        self.origin[b], self.bin_size[b], self.shape[b] = index.origin, index.bin_size, index.shape
        self._holds[b] = (world, radius)

    @property
    def arrays(self) -> tuple[Array, Int64s, Int64s, Array, Array, Int64s]:
        """Obstacles, items, start, origin, bin size and shape, in the order of the kernels' arguments."""
        return self.obstacles, self.items, self.start, self.origin, self.bin_size, self.shape


def _put(store: AnyArray, b: int, values: AnyArray) -> AnyArray:
    """``store`` with ``values`` in row ``b``; a wider copy of it where they do not fit."""
    if len(values) > store.shape[1]:
        width = max(len(values), 2 * store.shape[1])
        wider = np.zeros((store.shape[0], width, *store.shape[2:]), store.dtype)
        wider[:, : store.shape[1]] = store
        store = wider
    store[b, : len(values)] = values
    return store
