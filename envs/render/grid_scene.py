"""What there is to see in a grid world: robots as discs in cells, their goals, and their ways to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.render.scene import Scene
from swarm.array_types import Array, Int64s
from swarm.scenario.grid_map import GridMap
from swarm.scenario.world import World

FEW = 64
"""Ways are drawn for teams of at most so many robots; of more, nobody could tell them apart."""
DISC = 0.36
"""Radius of a robot [cells]."""


class GridScenes:
    """Scenes of one map.

    Args:
        grid: The map.

    Attributes:
        bounds: xmin, ymin, xmax, ymax [m].
    """

    def __init__(self, grid: GridMap) -> None:
        self.grid, self.bounds = grid, tuple(grid.bounds.tolist())
        self._obstacles = World.from_grid(grid).obstacles

    def scene(self, positions: Array, goals: Int64s, way: Callable[[int], Array], caption: tuple[str, ...]) -> Scene:
        """One moment.

        Args:
            positions: ``float64[N, 2]`` [m].
            goals: ``int64[N, 2]`` (row, column), a negative row without a goal.
            way: Points on a robot's way, ``float64[p, 2]`` [m].
            caption: Short texts above the picture.
        """
        count = len(positions)
        centres = np.where(goals[:, :1] >= 0, self.grid.centre(goals), np.nan)
        paths = [way(robot) for robot in range(count)] if count <= FEW else None
        radii = np.full(count, DISC * self.grid.cell_size)
        return Scene(self._obstacles, positions, radii, goals=centres, paths=paths, caption=caption)
