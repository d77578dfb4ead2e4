"""Gaps between bodies of which some are no discs, for whoever counts contacts (kernels)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.hulls.geometry import polygon_to_obstacle, polygon_to_polygon
from swarm.kernel_cache.references import uncounted
from swarm.model.body import RADIUS
from swarm.model.geometry import to_obstacle
from swarm.model.shapes import corners_of, place_corners, points_of
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y

OVERLAP = -1e-3
"""What counts as the gap of bodies that overlap, however deep [m]."""


@uncounted
def gap_between(at: Array, body: Array, footprint: Array, corners: Array, i: int, j: int) -> float:
    """Gap [m] between two robots.

    Args:
        at: ``float64[N, 5]``, where robots are.
        body: ``float64[N, BODY]``, or the radii alone, ``float64[N, 1]``.
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
    distance = polygon_to_polygon(a, max(one, 1), b, max(other, 1))[0]
    return distance - radii if distance > 0.0 else OVERLAP - radii


@uncounted
def gap_to_obstacle(at: Array, body: Array, footprint: Array, corners: Array, i: int, thing: Array) -> float:
    """Gap [m] between robot ``i`` and an obstacle; the rest as in ``gap_between``."""
    count = corners_of(footprint[i])
    if count == 0:
        return to_obstacle(at[i, 0], at[i, 1], thing)[0] - body[i, RADIUS]
    distance, nx, ny, _, _ = polygon_to_obstacle(corners[i], count, thing)
    return distance if nx != 0.0 or ny != 0.0 else OVERLAP - thing[4]


@njit(cache=True)
def clearance_of(state: Array, body: Array, footprint: Array, near: Array, shapes: Array, obstacles: Array) -> float:
    """Gap [m] from a robot to the nearest of what it senses; to the stop hull of a robot that is no disc; inf: none.

    Args:
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        footprint: ``float64[V, 2]``.
        near: ``float64[k, NEIGHBOUR]``.
        shapes: ``float64[k, P, 2]`` (``swarm.model.shapes``).
        obstacles: ``float64[m, 7]`` or more.
    """
    own, least, corners = np.empty((max(len(footprint), 1), 2)), math.inf, corners_of(footprint)
    own[0, 0], own[0, 1] = state[0], state[1]
    place_corners(state[0], state[1], state[2], footprint, own)
    size, many, theirs = 0.0 if corners > 0 else body[RADIUS], max(corners, 1), np.empty((1, 2))
    for k in range(len(near)):
        points, radius = points_of(shapes, k), 0.0
        if points == 0:
            theirs[0, 0], theirs[0, 1], radius = near[k, N_X], near[k, N_Y], near[k, N_RADIUS]
        distance = polygon_to_polygon(own, many, shapes[k, 1:] if points > 0 else theirs, max(points, 1))[0]
        least = min(least, (distance if distance > 0.0 else OVERLAP) - size - radius)
    for k in range(len(obstacles)):
        if corners == 0:
            least = min(least, to_obstacle(state[0], state[1], obstacles[k])[0] - size)
        else:
            distance, nx, ny, _, _ = polygon_to_obstacle(own, many, obstacles[k])
            least = min(least, distance if nx != 0.0 or ny != 0.0 else OVERLAP - obstacles[k, 4])
    return least


@njit(cache=True)
def all_gaps(
    at: Array, radii: Array, footprint: Array, obstacles: Array, between: Array, walls: Array
) -> None:  # fmt: skip
    """Write the gaps of bodies at one instant.

    Args:
        at: ``float64[N, 5]``.
        radii: ``float64[N, 1]``, of the discs around them [m].
        footprint: ``float64[N, V, 2]``.
        obstacles: ``float64[n, 7]``.
        between: ``float64[N, N]``, written [m]; inf to itself.
        walls: ``float64[N]``, written: gap to the nearest obstacle [m]; inf: none.
    """
    corners = np.empty_like(footprint)
    for i in range(len(at)):
        place_corners(at[i, 0], at[i, 1], at[i, 2], footprint[i], corners[i])
        between[i, i], walls[i] = math.inf, math.inf
        for j in range(i):
            between[i, j] = between[j, i] = gap_between(at, radii, footprint, corners, i, j)
        for k in range(len(obstacles)):
            thing = obstacles[k]
            if to_obstacle(at[i, 0], at[i, 1], thing)[0] - radii[i, 0] < walls[i]:
                walls[i] = min(walls[i], gap_to_obstacle(at, radii, footprint, corners, i, thing))
