"""Gaps between bodies of which some are no discs, for whoever counts contacts (kernels)."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.filter.hulls import hull_to_obstacle, shape_to_shape
from swarm.kernel_cache.references import uncounted
from swarm.model.body import RADIUS
from swarm.model.geometry import to_obstacle
from swarm.model.shapes import corners_of

OVERLAP = -1e-3
"""What counts as the gap of bodies that overlap, however deep [m]."""


@uncounted
def gap_between(at: Array, body: Array, footprint: Array, corners: Array, i: int, j: int) -> float:
    """Gap [m] between two robots.

    Args:
        at: ``float64[N, 5]``, where robots are.
        body: ``float64[N, BODY]``.
        footprint: ``float64[N, V, 2]``.
        corners: ``float64[N, V, 2]``, those of their bodies in the world.
        i: One of them.
        j: The other.
    """
    one, other = corners_of(footprint[i]), corners_of(footprint[j])
    if one == 0 and other == 0:
        return math.hypot(at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]) - body[i, RADIUS] - body[j, RADIUS]
    radii = (0.0 if one > 0 else body[i, RADIUS]) + (0.0 if other > 0 else body[j, RADIUS])
    a = corners[i] if one > 0 else at[i : i + 1, :2]
    b = corners[j] if other > 0 else at[j : j + 1, :2]
    distance = shape_to_shape(a, max(one, 1), b, max(other, 1))[0]
    return distance - radii if distance > 0.0 else OVERLAP - radii


@uncounted
def gap_to_obstacle(at: Array, body: Array, footprint: Array, corners: Array, i: int, thing: Array) -> float:
    """Gap [m] between robot ``i`` and an obstacle; the rest as in ``gap_between``."""
    count = corners_of(footprint[i])
    if count == 0:
        return to_obstacle(at[i, 0], at[i, 1], thing)[0] - body[i, RADIUS]
    distance, nx, ny, _, _ = hull_to_obstacle(corners[i], count, thing)
    return distance if nx != 0.0 or ny != 0.0 else OVERLAP - thing[4]
