"""Narrow passages: what room two obstacles leave a robot between them, and what its rows ask for there.

The rows of a unicycle are about a point ahead of its axle, and all rows keep a little more than the shield does. In the
open both are easier driving; between two obstacles they shut a passage that the body fits through. There the point
moves back towards the axle, and the extra distance shrinks, by what the passage leaves free.
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.filter.tunables import ROTATION
from swarm.model.body import FLOOR, LOOK_AHEAD, RADIUS
from swarm.model.dynamics import UNICYCLE
from swarm.sense.neighbours import O_GAP, Around

NARROW_ROOM = 3.0
"""A passage is narrow for a unicycle that leaves less than so many look-aheads free on each side."""


@njit(cache=True)
def width_between(one: Array, other: Array) -> float:
    """Distance between the surfaces of two obstacles [m], rows as in ``swarm.model.geometry``; 0 if they touch."""
    dx = max(abs(one[0] - other[0]) - one[2] - other[2], 0.0)
    dy = max(abs(one[1] - other[1]) - one[3] - other[3], 0.0)
    return max(math.sqrt(dx * dx + dy * dy) - one[4] - other[4], 0.0)


@njit(cache=True)
def room_beside(k: int, obstacles: Array, count: int, size: float, most: float) -> float:
    """What the narrowest passage along obstacle ``k`` leaves free on each side of a robot that fits [m].

    A passage counts while the robot is no farther from both of its sides than it is wide.

    Args:
        k: One of ``obstacles``.
        obstacles: ``float64[M, 8]`` that the robot senses, nearest first; the first ``count`` count.
        count: See ``obstacles``.
        size: How far the robot's centre has to be from an obstacle [m].
        most: More room than this does not matter [m].

    Returns:
        The room, at most ``most``.
    """
    room = most
    if obstacles[k, O_GAP] >= 2.0 * (size + most):
        return room
    for j in range(count):
        if obstacles[j, O_GAP] >= 2.0 * (size + room):
            break
        if j == k:
            continue
        width = width_between(obstacles[k], obstacles[j])
        if 2.0 * size <= width < 2.0 * (size + room) and max(obstacles[k, O_GAP], obstacles[j, O_GAP]) < width:
            room = 0.5 * width - size
    return room


@njit(cache=True, inline="always")
def straighten(kind: int, body: Array, around: Around, tunables: Array) -> None:
    """Take the rotation out of the ``tunables`` of a unicycle that is in a narrow passage, or before it, alone.

    It fits through only along its way, and there is nobody for whom it would have to turn aside.
    """
    if kind != UNICYCLE or around.num_neighbours > 0:
        return
    size, most = body[RADIUS] + body[FLOOR], NARROW_ROOM * body[LOOK_AHEAD]
    for k in range(around.num_obstacles):
        if room_beside(k, around.obstacles, around.num_obstacles, size, most) < most:
            tunables[ROTATION] = 0.0
