"""The gap between one robot and what is around it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from swarm.array_types import Array
from swarm.filter.shapes.gaps import clearance_of
from swarm.model.body import RADIUS
from swarm.model.shapes import NO_SHAPES
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y, O_GAP

PLACE_AND_SIZE = [N_X, N_Y, N_RADIUS]


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
    near, wall = near[:, PLACE_AND_SIZE].tolist(), float(obstacles[:, O_GAP].min(initial=math.inf))
    return nearest_gap(float(state[0]), float(state[1]), float(body[RADIUS]), near, wall)


def nearest_gap(x: float, y: float, radius: float, near: Iterable[Sequence[float]], wall: float) -> float:
    """Gap [m] between a disc and the nearest of other discs, of which place and radius are given, and of walls.

    Args:
        x: Of its centre [m].
        y: Of its centre [m].
        radius: Its own [m].
        near: The columns ``PLACE_AND_SIZE`` of the others.
        wall: From its centre to the nearest wall [m]; inf if there is none.
    """
    return min([wall, *[math.hypot(other_x - x, other_y - y) - size for other_x, other_y, size in near]]) - radius
