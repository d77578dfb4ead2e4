"""The roadmaps of many robots in one world, in arrays that kernels take as one argument."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.model.geometry import COLUMNS
from swarm.planning.roadmap.occupancy import REACH, Roadmap, cell_at, middle, roadmap_of
from swarm.scenario.obstacle_index import ObstacleIndex
from swarm.scenario.world import World


class Maps(NamedTuple):
    """The roadmaps of n robots of any radii; ``costs`` and ``narrow`` hold those of all radii one after the other."""

    obstacles: ObstacleIndex
    origin: Array
    costs: Array
    place: Int64s  # int64[n, 5]: first of the costs, rows, columns; first and last narrow cell (there are none)
    through: Int64s  # The same, of the maps with passages
    squeezed: Flags  # Whose map is at present the one with passages
    resolution: Array
    clearance: Array
    radius: Array
    narrow: Array
    turns: Flags


@njit(cache=True)
def map_of(maps: Maps, k: int, others: Array) -> Roadmap:
    """The roadmap of robot ``k``, with further obstacles."""
    first, rows, columns, narrow, end = maps.through[k] if maps.squeezed[k] else maps.place[k]
    cost = maps.costs[first : first + rows * columns].reshape((rows, columns))
    return Roadmap(
        cost,
        maps.origin,
        maps.resolution[k],
        maps.clearance[k],
        maps.obstacles,
        others,
        maps.narrow[narrow:end],
        maps.turns[k],
    )


@njit(cache=True)
def is_in_free_cell(maps: Maps, k: int, position: Array) -> bool:
    """Whether the cell of robot ``k`` itself is free, and not only one nearby: who is in a passage goes on there."""
    roadmap = map_of(maps, k, np.empty((0, COLUMNS)))
    row, column = cell_at(roadmap, position[0], position[1])
    x, y = middle(roadmap, row, column)
    return max(abs(x - position[0]), abs(y - position[1])) <= 0.5 * roadmap.resolution


def maps_of(world: World, radii: Array, margin: float, turns: Flags) -> Maps:
    """The maps of robots of these radii; those of one radius share theirs."""
    distinct, which = np.unique(radii, return_inverse=True)
    each = [roadmap_of(world, float(radius), margin) for radius in distinct]
    shapes = np.array([roadmap.cost.shape for roadmap in each])
    first = np.cumsum(shapes.prod(axis=1)) - shapes.prod(axis=1)
    place = np.column_stack([first, shapes, 0 * shapes])[which]
    resolution = np.array([roadmap.resolution for roadmap in each])
    clearance = np.array([roadmap.clearance for roadmap in each])
    costs = each[0].cost.ravel() if len(each) == 1 else np.concatenate([roadmap.cost.ravel() for roadmap in each])
    return Maps(
        world.index(REACH * clearance.max()), each[0].origin, costs, place, place.copy(), np.zeros(len(radii), bool),
        resolution[which], clearance[which], radii, np.empty((0, 3)), turns,
    )  # fmt: skip
