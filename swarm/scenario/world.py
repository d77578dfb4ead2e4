"""The static world: boxes, circles and a grid map; clearance and nearest-obstacle queries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import ArrayRecord, array
from swarm.model.geometry import COLUMNS
from swarm.scenario.grid_map import GridMap
from swarm.scenario.obstacle_index import ONE_BIN, ObstacleIndex, bin_at, build_index, clearances, distances

__all__ = ["GridMap", "ObstacleIndex", "World", "bin_at"]

# Indexes for so many radii are kept: a program uses one sensing radius or two.
_KEPT_INDEXES = 8


def _none(columns: int) -> Array:
    return np.zeros((0, columns))


@dataclass(frozen=True, eq=False)
class World(ArrayRecord):
    """What does not move. Arrays are not to be changed after construction.

    Attributes:
        bounds: ``float64[4]`` (xmin, ymin, xmax, ymax) [m]: robots' centres stay inside (as in dynobench).
        boxes: ``float64[n, 4]`` (cx, cy, half_x, half_y) [m].
        circles: ``float64[n, 3]`` (cx, cy, radius) [m].
        grid: A grid map; its wall cells and everything outside of it are obstacles.
        angles: ``float64[n]``, by which each box is turned counter-clockwise [rad]; if not given, none is turned.
    """

    bounds: Array
    boxes: Array = field(default_factory=lambda: _none(4))
    circles: Array = field(default_factory=lambda: _none(3))
    grid: GridMap | None = None
    angles: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        bounds = array("World.bounds", self.bounds, (4,))
        boxes = array("World.boxes", self.boxes, (None, 4))
        circles = array("World.circles", self.circles, (None, 3))
        angles = array("World.angles", self.angles if np.size(self.angles) else np.zeros(len(boxes)), (len(boxes),))
        if not (bounds[:2] < bounds[2:]).all():
            raise InputError("World.bounds", bounds.tolist(), "xmin < xmax and ymin < ymax")
        for name, sizes in (("boxes", boxes[:, 2:]), ("circles", circles[:, 2:])):
            for index in () if (sizes > 0.0).all() else np.argwhere(~(sizes > 0.0))[:1]:
                where = f"World.{name}[{index[0]}]"
                raise InputError(where, float(sizes[tuple(index)]), "half sizes and radii above 0 m")
        for name, value in (("bounds", bounds), ("boxes", boxes), ("circles", circles), ("angles", angles)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_grid(cls, grid: GridMap) -> World:
        """The world of a grid map alone; its bounds are the map's edges."""
        return cls(grid.bounds, grid=grid)

    def copy(self) -> World:
        """The same of arrays of its own: what is written into them moves nothing here."""
        return replace(self, grid=None if self.grid is None else replace(self.grid))

    @cached_property
    def obstacles(self) -> Array:
        """Everything solid: ``float64[n, 7]`` (``swarm.model.geometry``).

        Boxes first (rounding 0), then circles (half sizes 0, rounding is the radius), then the grid map's
        walls merged into rectangles, then four boxes around the map.
        """
        walls = np.empty((0, 4)) if self.grid is None else self.grid.wall_boxes()
        boxes, rest = len(self.boxes), len(self.boxes) + len(self.circles)
        found = np.zeros((rest + len(walls), COLUMNS))
        found[:boxes, :4], found[rest:, :4], found[boxes:rest, [0, 1, 4]] = self.boxes, walls, self.circles
        found[:boxes, 5], found[:boxes, 6], found[boxes:, 5] = np.cos(self.angles), np.sin(self.angles), 1.0
        return found

    def clearance(self, xy: ArrayLike) -> Array:
        """Distance from points to the nearest surface of an obstacle; the bounds are none.

        Args:
            xy: ``[..., 2]`` [m], world frame.

        Returns:
            ``float64[...]`` [m]: the smallest signed distance to a row of ``obstacles``, so negative inside
            one; infinite in a world without obstacles, NaN where ``xy`` is not finite.
        """
        points = np.asarray(xy, dtype=np.float64)
        if points.ndim == 0 or points.shape[-1] != 2:
            raise InputError("xy", f"shape {points.shape}", "points of shape [..., 2]")
        flat = np.ascontiguousarray(points.reshape(-1, 2))
        result: Array = clearances(self.index(0.0), flat)
        return result.reshape(points.shape[:-1])

    def near(self, xy: ArrayLike, radius: float, limit: int) -> Array:
        """The obstacles around a point, nearest first.

        Args:
            xy: ``[2]`` [m], world frame.
            radius: Largest distance of an obstacle's surface [m].
            limit: Largest number of obstacles.

        Returns:
            ``float64[m, 7]``, rows of ``obstacles``, m ≤ ``limit``; at one distance the earlier row first.
        """
        point = array("xy", xy, (2,))
        index = self.index(radius)
        place = bin_at(index, point[0], point[1])
        candidates = index.obstacles[index.items[index.start[place] : index.start[place + 1]]]
        distance = distances(candidates, point)
        order = np.argsort(distance, kind="stable")[:limit]
        return candidates[order[distance[order] <= radius]]

    def index(self, radius: float, one_bin: int = ONE_BIN) -> ObstacleIndex:
        """Bins over the bounds that list the obstacles within ``radius`` [m]; the last few are kept.

        ``one_bin``: with so many obstacles or fewer there is one bin.

        Raises:
            InputError: If the radius is negative or not a number.
        """
        if not radius >= 0.0:
            raise InputError("radius", radius, "a distance of at least 0 m")
        kept = self._indexes
        key = radius, one_bin
        if key not in kept:
            while len(kept) >= _KEPT_INDEXES:
                kept.pop(next(iter(kept)))
            kept[key] = build_index(self.obstacles, self.bounds, float(radius), one_bin)
        return kept[key]

    @cached_property
    def derived(self) -> dict[object, Any]:
        """What others made from this world, under keys of their own, so that it is made once."""
        return {}

    @cached_property
    def _indexes(self) -> dict[tuple[float, int], ObstacleIndex]:
        return {}
