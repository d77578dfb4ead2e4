"""Where a disc can get to in a world: connected parts of a fine grid, labelled by scipy."""

from __future__ import annotations

import numpy as np
from oracles.contact import surface_distance
from scipy import ndimage

from swarm.scenario.world import World


def parts(world: World, radius: float, points: np.ndarray, cell: float) -> np.ndarray:
    """Number ``[n]`` of the connected part in which a disc at each point ``[n, 2]`` is; 0 where it does not fit.

    Args:
        world: Obstacles and bounds.
        radius: Of the disc [m].
        points: Places [m].
        cell: Side of a cell [m]; the finer, the narrower the gaps that are found.
    """
    low, high = world.bounds[:2], world.bounds[2:]
    xs, ys = (np.linspace(a, b, round((b - a) / cell) + 1) for a, b in zip(low, high, strict=True))
    free = np.ones((len(ys), len(xs)), bool)
    for obstacle in world.obstacles:
        turned = len(obstacle) > 5 and obstacle[6] != 0.0
        reach = (np.full(2, obstacle[2:4].sum()) if turned else obstacle[2:4]) + obstacle[4] + radius
        columns, rows = (
            slice(*np.searchsorted(axis, [middle - far, middle + far]))
            for axis, middle, far in zip((xs, ys), obstacle[:2], reach, strict=True)
        )
        grid = np.stack(np.meshgrid(xs[columns], ys[rows]), axis=-1)
        free[rows, columns] &= surface_distance(grid, obstacle) >= radius - 1e-9
    labels, _ = ndimage.label(free)
    at = np.rint((points - low) / (high - low) * (np.array(free.shape[::-1]) - 1)).astype(int)
    return labels[at[:, 1], at[:, 0]]
