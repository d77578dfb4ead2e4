"""The gap between one robot and what is around it."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.filter.shapes.gaps import clearance_of
from swarm.kernel_cache.references import uncounted
from swarm.model.body import RADIUS
from swarm.model.shapes import NO_SHAPES
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y, O_GAP


def clearance(
    state: Array, body: Array, footprint: Array, near: Array, obstacles: Array, shapes: Array | None = None
) -> float:
    """Gap to the nearest of some robots and obstacles [m]; inf: none.

    Args:
        state: ``float64[5]``, its own.
        body: ``float64[BODY]``, its own.
        footprint: ``float64[V, 2]``, its own; V is 0 of a disc.
        near: ``float64[k, 22]``, the robots.
        obstacles: ``float64[m, 11]``.
        shapes: ``float64[k, P, 2]`` of the robots; of those that are no discs, the gap is to their stop hull.
    """
    if len(footprint) > 0 or shapes is not None:
        shapes = NO_SHAPES if shapes is None else shapes
        return float(clearance_of(state, body, footprint, near, shapes, obstacles))
    return float(nearest_gap(state, body[RADIUS], near, obstacles))


@uncounted
def nearest_gap(state: Array, radius: float, near: Array, obstacles: Array) -> float:
    """Gap [m] between a disc and the nearest of other discs and obstacles; inf: there are none.

    Args:
        state: ``float64[5]``, its own.
        radius: Its own [m].
        near: ``float64[k, 22]``, the other discs.
        obstacles: ``float64[m, 11]``.
    """
    least = np.inf
    for k in range(len(obstacles)):
        least = min(least, obstacles[k, O_GAP])
    for k in range(len(near)):
        dx, dy = near[k, N_X] - state[0], near[k, N_Y] - state[1]
        least = min(least, math.sqrt(dx * dx + dy * dy) - near[k, N_RADIUS])
    return least - radius
