"""Room to work in for kernels that cannot allocate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from envs.arena.stepping.robots import FOUND
from swarm.array_types import Array, Int32s, Int64s
from swarm.filter.safety import Scratch, scratch
from swarm.filter.tunables import COUNT
from swarm.model import dynamics
from swarm.model.shapes import shape_size
from swarm.sense.neighbours import NEIGHBOUR, OBSTACLE


class Desk(NamedTuple):
    """Room to work in, for one world, and in it for one robot, after the other.

    Attributes:
        seen: ``float64[1, N, NEIGHBOUR]``, all robots as they are.
        at: ``float64[N, 5]``, where they are at an instant of the period.
        shapes: ``float64[1, N, P, 2]`` (``swarm.model.shapes``), of all robots; P is 0 where all are discs.
        corners: ``float64[N, V, 2]``, where those of their bodies are at an instant of the period [m].
        nearest: ``float64[N, 2]``, the gap to the robot that is nearest as a disc [m], and which that is.
        neighbours: ``float64[K, NEIGHBOUR]``, those of one robot.
        near_shapes: ``float64[K, P, 2]``, theirs.
        things: ``float64[M, OBSTACLE]``, its obstacles.
        order: ``float64[max(K, M), 2]``, to sort them.
        note: ``int32[1, FOUND + K + M]``, of whom it found (``envs.arena.stepping.robots.Sensed``).
        scratch: Of its filter.
        nominal: ``float64[2]``, its nominal control.
        tunables: ``float64[6]``, physical.
        chosen: ``float64[2]``, its control.
    """

    seen: Array
    at: Array
    shapes: Array
    corners: Array
    nearest: Array
    neighbours: Array
    near_shapes: Array
    things: Array
    order: Array
    note: Int32s
    scratch: Scratch
    nominal: Array
    tunables: Array
    chosen: Array


@njit(cache=True, inline="always")
def desk_for(count: int, slots: Int64s, corners: int) -> Desk:
    """Room for worlds of ``count`` robots, each with so many neighbours, obstacles and corners at most."""
    points = shape_size(corners)
    return Desk(
        np.empty((1, count, NEIGHBOUR)), np.empty((count, dynamics.STATE)), np.empty((1, count, points, 2)),
        np.empty((count, corners, 2)), np.empty((count, 2)), np.empty((slots[0], NEIGHBOUR)),
        np.empty((slots[0], points, 2)), np.empty((slots[1], OBSTACLE)), np.empty((max(slots[0], slots[1]), 2)),
        np.empty((1, FOUND + slots[0] + slots[1]), np.int32), scratch(slots[0] + slots[1]), np.empty(2),
        np.empty(COUNT), np.empty(2),
    )  # fmt: skip
