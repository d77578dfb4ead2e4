"""What the robots of one world look like to each other, and what each of them has around it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.arena.stepping.desk import Desk
from envs.arena.stepping.geometry_store import Geometry
from envs.arena.stepping.robots import FOUND, Robots
from envs.arena.stepping.second_order import coast_world
from envs.strangers import mark_strangers
from swarm.array_types import Array, Int32s
from swarm.filter.tunables import COUNT, ROTATION, SPEED
from swarm.kernel_cache.references import inlined
from swarm.model.body import YIELDS
from swarm.model.geometry import COLUMNS
from swarm.model.shapes import stop_shape
from swarm.sense.neighbours import (
    N_REACH,
    NEIGHBOUR,
    Around,
    bin_of,
    copy_shapes,
    describe,
    measure_obstacles,
    sense_obstacles,
    sense_robots,
)


@inlined
def describe_world(robots: Robots, others: Array) -> None:
    """Neighbour columns (N, 22) of all robots of one world; one that does not cooperate has told nothing: id -1.

    Of unicycles of second order, the way to rest is written into ``robots.trail`` as well.
    """
    kind, state, body, told, last_action = robots.kind, robots.state, robots.body, robots.told, robots.last_action
    for i in range(kind.size):
        if body[i, YIELDS] > 0.0:
            rotation, speed = last_action[i, ROTATION], last_action[i, SPEED]
            describe(kind[i], state[i], body[i], told[i], rotation, speed, i, others[i])
        else:
            describe(kind[i], state[i], body[i], state[i, :2], 0.5, 0.5, -1, others[i])
    coast_world(state, body, robots.trail, others)
    mark_strangers(kind, body, robots.strangers, others)


@inlined
def shape_world(robots: Robots, shapes: Array) -> None:
    """Write the shapes (N, P, 2) of one world's robots, where some are no discs; behind ``describe_world``."""
    for i in range(len(robots.kind) if shapes.shape[1] > 0 else 0):
        stop_shape(robots.kind[i], robots.state[i], robots.body[i], robots.trail[i], robots.footprint[i], shapes[i])


@njit(cache=True, inline="always")
def candidates(state: Array, geometry: Geometry) -> tuple[int, int]:
    """Range of the obstacle index's items that can be near a robot."""
    cell = bin_of(state[0], state[1], geometry.origin, geometry.bin_size, geometry.shape)
    return geometry.start[cell], geometry.start[cell + 1]


@njit(cache=True, inline="always")
def search_around(
    i: int, robots: Robots, others: Array, shapes: Array, geometry: Geometry, desk: Desk, note: Int32s
) -> Around:  # fmt: skip
    """What robot ``i`` has around it; neighbours, their shapes, ``things`` and ``order`` of the desk are written.

    ``note`` (FOUND + K + M,) is written: what it found (``Sensed``).
    """
    neighbours, things, order = desk.neighbours, desk.things, desk.order
    near, crowd = sense_robots(i, others, robots.body[i], neighbours, order)
    for k in range(near):
        note[FOUND + k] = int(order[k, 1])
    copy_shapes(shapes, order, near, desk.near_shapes)
    first, last = candidates(robots.state[i], geometry)
    walls, crush = sense_obstacles(
        robots.state[i], robots.body[i], others[i, N_REACH], geometry.obstacles, geometry.items, first, last, things,
        order,
    )  # fmt: skip
    for k in range(walls):
        note[FOUND + len(neighbours) + k] = int(order[k, 1])
    note[0], note[1], note[2] = near, walls, crowd or crush
    return _around(i, robots, geometry, desk, note)


@njit(cache=True, inline="always")
def recall_around(
    i: int, robots: Robots, others: Array, shapes: Array, geometry: Geometry, desk: Desk, note: Int32s
) -> Around:  # fmt: skip
    """``search_around`` of a robot that has searched, and nobody has moved since: ``note`` is what it found."""
    neighbours, things, order = desk.neighbours, desk.things, desk.order
    for k in range(note[0]):
        order[k, 1] = note[FOUND + k]
        for column in range(NEIGHBOUR):
            neighbours[k, column] = others[note[FOUND + k], column]
    copy_shapes(shapes, order, note[0], desk.near_shapes)
    for k in range(note[1]):
        for column in range(COLUMNS):
            things[k, column] = geometry.obstacles[note[FOUND + len(neighbours) + k], column]
    measure_obstacles(robots.state[i], things, note[1])
    return _around(i, robots, geometry, desk, note)


@njit(cache=True, inline="always")
def _around(i: int, robots: Robots, geometry: Geometry, desk: Desk, note: Int32s) -> Around:
    near: Any = np.int64(note[0])  # an int of these is an int32 to numba, unlike elsewhere
    walls: Any = np.int64(note[1])
    return Around(
        desk.neighbours, near, desk.things, walls, geometry.bounds, note[2] > 0, robots.trail[i], robots.agreed[i],
        robots.footprint[i], desk.near_shapes,
    )  # fmt: skip


@inlined
def tell_minds(robots: Robots, action: Array) -> None:
    """The last part of ``step_worlds``, for one world: what the robots tell each other in the next period."""
    for i in range(len(robots.kind)):
        robots.told[i, 0], robots.told[i, 1] = robots.waypoint[i, 0], robots.waypoint[i, 1]
        for k in range(COUNT):
            robots.last_action[i, k] = min(max(action[i, k], 0.0), 1.0)
