"""From a view to what the filter takes into account."""

from __future__ import annotations

import numpy as np

from swarm.array_types import Array
from swarm.model.body import REACH
from swarm.model.shapes import NO_SHAPES, SHAPE
from swarm.scenario.world import World
from swarm.sense import neighbours
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES, NEIGHBOUR, O_GAP, OBSTACLE, Around, measure_obstacles
from swarm.sense.view import View


class Sensor:
    """Copies what one robot senses into arrays of fixed size, which are written anew each time.

    Args:
        body: ``float64[BODY]``.
        footprint: ``float64[V, 2]`` (``swarm.model.shapes``).
        world: The static map.
        sensing_radius: Beyond it nothing is known [m].
    """

    def __init__(self, body: Array, footprint: Array, world: World, sensing_radius: float) -> None:
        self._body, self._footprint, self._bounds = body, footprint, world.bounds
        index = world.index(sensing_radius)
        self._obstacles, self._origin, self._bin_size = index.obstacles, index.origin, index.bin_size
        self._shape = np.array(index.shape, dtype=np.int64)
        self._items, self._start = index.items.astype(np.int64), index.start.astype(np.int64)
        self._near, self._near_obstacles = np.zeros((MAX_NEIGHBOURS, NEIGHBOUR)), np.zeros((MAX_OBSTACLES, OBSTACLE))
        self._order, self._shapes = np.empty((MAX_OBSTACLES, 2)), np.zeros((MAX_NEIGHBOURS, SHAPE, 2))

    def sense(self, view: View, trail: Array) -> Around:
        """What is around it in a view that was checked; obstacles from the map if that has none.

        Args:
            view: Its own.
            trail: ``float64[TRAIL]``, its own.
        """
        num_neighbours = len(view.neighbours)
        self._near[:num_neighbours] = view.neighbours
        if view.obstacles is not None:
            num_obstacles = len(view.obstacles)
            self._near_obstacles[:num_obstacles, :O_GAP] = view.obstacles
            measure_obstacles(view.state, self._near_obstacles, num_obstacles)
            return self._around(view, trail, num_neighbours, num_obstacles, view.truncated)
        cell = neighbours.bin_of(view.state[0], view.state[1], self._origin, self._bin_size, self._shape)
        num_obstacles, crush = neighbours.sense_obstacles(
            view.state, self._body, self._body[REACH], self._obstacles, self._items, self._start[cell],
            self._start[cell + 1], self._near_obstacles, self._order,
        )  # fmt: skip
        return self._around(view, trail, num_neighbours, num_obstacles, view.truncated or crush)

    def _around(self, view: View, trail: Array, num_neighbours: int, num_obstacles: int, truncated: bool) -> Around:
        shapes = NO_SHAPES
        if view.shapes is not None:
            shapes = self._shapes
            shapes[:num_neighbours] = view.shapes
        return Around(
            self._near, num_neighbours, self._near_obstacles, num_obstacles, self._bounds, truncated, trail,
            False, self._footprint, shapes,
        )  # fmt: skip
