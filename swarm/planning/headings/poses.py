"""Poses, cell and heading, on which a robot that is no disc may drive.

A robot that drives along its heading has 16 headings, those of the moves of a chess king and a knight, so that each
leads from cell to cell; between two of them it turns on the spot. One that does not turn has the heading that it
starts with.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s, Int64s
from swarm.filter.hulls.geometry import hull_to_obstacle
from swarm.model.shapes import convex_hull, end_circles, place_corners
from swarm.scenario.obstacle_index import ObstacleIndex, bin_at, middle_of_cell, room_around, surface_distance

INDEXED = 3.0
"""Reaches of the outline within which obstacles are looked for."""


class Poses(NamedTuple):
    """What a robot may drive on; numba kernels take it as one argument.

    Attributes:
        turning: Whether the outline can turn where there is the most room in a cell, bool[2 n, rows, columns], row 0 at
            the bottom: from each heading half-way to the next one, then on to that. Those after the first n are alike.
        free: Whether it fits at a heading, at the point that stands for the cell then, bool[n, rows, columns].
        open: Whether it fits on each of the moves from a cell, from point to point, bool[moves, rows, columns].
        offset: From the middle of the cell to that point [m], float32[n, rows, columns, 2]: to where there is the most
            room, all around if the robot can turn there, else beside it; 0 where there is room anyway.
        cost: Of each pose per cell length, float32[n, rows, columns].
        angles: The headings [rad], float64[H].
        moves: Rows and columns of the step at each heading, int64[H, 2]; all 8 of a robot that does not turn.
        turn: Cost of turning to the next heading [cells]; of no account for a robot that does not turn.
        origin: Lower-left corner of the grid, world frame [m], float64[2].
        bounds: Of the world, within which the robot's own point stays [m], float64[4].
        resolution: Side of a cell [m].
        footprint: The outline, float64[V, 2] [m].
        reach: Of the outline [m].
        margin: That is kept from obstacles [m].
        tolerance: That ways keep besides [m].
        least: That they keep in any case, where it is narrow [m]: what the rows of the filter ask for.
        obstacles: Those of the world, within ``INDEXED`` reaches of each bin.
        others: Further obstacles, rows as in ``ObstacleIndex.obstacles``, float64[m, 7].
    """

    turning: Flags
    free: Flags
    open: Flags
    offset: Float32s
    cost: Float32s
    angles: Array
    moves: Int64s
    turn: float
    origin: Array
    bounds: Array
    resolution: float
    footprint: Array
    reach: float
    margin: float
    tolerance: float
    least: float
    obstacles: ObstacleIndex
    others: Array


def half_width(footprint: Array) -> float:
    """Half of the least width of an outline over all headings [m]: what a robot needs that drives along it."""
    return float(end_circles(footprint)[4])


@njit(cache=True)
def is_inside(poses: Poses, x: float, y: float) -> bool:
    """Whether a point is within the bounds of the world."""
    return poses.bounds[0] <= x <= poses.bounds[2] and poses.bounds[1] <= y <= poses.bounds[3]


@njit(cache=True)
def room_at(poses: Poses, x: float, y: float) -> float:
    """Distance from a point to the nearest obstacle [m], at most ``INDEXED`` reaches."""
    return room_around(poses.obstacles, poses.others, x, y, INDEXED * poses.reach)


@njit(cache=True)
def _is_clear(hull: Array, count: int, obstacle: Array, needed: float) -> bool:
    distance, nx, ny, _, _ = hull_to_obstacle(hull, count, obstacle)
    return (nx != 0.0 or ny != 0.0) and distance >= needed


@njit(cache=True)
def hull_fits(poses: Poses, hull: Array, count: int, x: float, y: float, reach: float, needed: float) -> bool:
    """Whether a convex hull keeps ``needed`` [m] from all obstacles; all of it is within ``reach`` [m] of (x, y)."""
    index = poses.obstacles
    box = bin_at(index, x, y)
    for item in range(index.start[box], index.start[box + 1]):
        row = index.items[item]
        if surface_distance(index.obstacles, row, x, y) < reach + needed and not _is_clear(
            hull, count, index.obstacles[row], needed
        ):
            return False
    for row in range(len(poses.others)):
        if surface_distance(poses.others, row, x, y) < reach + needed and not _is_clear(
            hull, count, poses.others[row], needed
        ):
            return False
    return True


@njit(cache=True)
def hull_room(
    index: ObstacleIndex, others: Array, hull: Array, count: int, x: float, y: float, reach: float, most: float
) -> float:  # fmt: skip
    """Distance of a convex hull, all of it within ``reach`` [m] of (x, y), from the nearest obstacle [m].

    At most ``most``; below 0 if they meet. ``others``: further obstacles, rows as in ``ObstacleIndex.obstacles``.
    """
    least, box = most, bin_at(index, x, y)
    known = index.start[box + 1] - index.start[box]
    for k in range(known + len(others)):
        rows, row = (index.obstacles, index.items[index.start[box] + k]) if k < known else (others, k - known)
        if surface_distance(rows, row, x, y) < reach + least:
            distance, nx, ny, _, _ = hull_to_obstacle(hull, count, rows[row])
            if nx == 0.0 and ny == 0.0:
                return -1.0
            least = min(least, distance)
    return least


@njit(cache=True)
def sweep_fits(poses: Poses, x: float, y: float, start: float, end: float, needed: float) -> bool:
    """Whether the outline keeps ``needed`` [m] from obstacles on a small turn on the spot, but for the arcs' rise."""
    half = len(poses.footprint)
    corners, hull = np.empty((2 * half, 2)), np.empty((2 * half + 1, 2))
    place_corners(x, y, start, poses.footprint, corners)
    place_corners(x, y, end, poses.footprint, corners[half:])
    count = convex_hull(corners, 2 * half, hull)
    return hull_fits(poses, hull, count, x, y, poses.reach, needed)


@njit(cache=True)
def straight_fits(
    poses: Poses, x: float, y: float, to_x: float, to_y: float, heading: float, needed: float
) -> bool:  # fmt: skip
    """Whether the outline, at one heading, keeps ``needed`` [m] from obstacles on all of a straight way."""
    length = math.hypot(to_x - x, to_y - y)
    corners, hull = np.empty((2 * len(poses.footprint), 2)), np.empty((2 * len(poses.footprint) + 1, 2))
    pieces, half = int(length / poses.reach) + 1, len(poses.footprint)
    for k in range(pieces):
        ax, ay = x + k / pieces * (to_x - x), y + k / pieces * (to_y - y)
        bx, by = x + (k + 1) / pieces * (to_x - x), y + (k + 1) / pieces * (to_y - y)
        mx, my, wide = 0.5 * (ax + bx), 0.5 * (ay + by), poses.reach + 0.5 * length / pieces
        place_corners(ax, ay, heading, poses.footprint, corners)
        place_corners(bx, by, heading, poses.footprint, corners[half:])
        count = convex_hull(corners, 2 * half, hull)
        if not hull_fits(poses, hull, count, mx, my, wide, needed):
            return False
    return True


@njit(cache=True)
def middle_of(poses: Poses, row: int, column: int) -> tuple[float, float]:
    """Middle of a cell, world frame [m]."""
    return middle_of_cell(poses.origin, poses.resolution, row, column)


@njit(cache=True)
def point_of(poses: Poses, heading: int, row: int, column: int) -> tuple[float, float]:
    """The point that stands for a cell at a heading's number, world frame [m]."""
    (x, y), k = middle_of(poses, row, column), heading % len(poses.offset)
    return x + poses.offset[k, row, column, 0], y + poses.offset[k, row, column, 1]


@njit(cache=True, inline="always")
def can_turn(turning: Flags, heading: int, row: int, column: int) -> bool:
    """Whether a robot can turn from a heading's number to the next one, and back, in a cell."""
    many, k = len(turning), 2 * heading
    return turning[k % many, row, column] and turning[(k + 1) % many, row, column]
