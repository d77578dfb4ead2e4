"""What the minds of one team do in the same way for all robots, in one call each: the kernels of ``swarm.robot``.

Rows belong to robots, in their order. What each robot has around it is ragged: neighbours of robot i are the rows from
``first[i]`` to ``first[i + 1]``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.filter.narrow import note_narrow
from swarm.filter.safety import Scratch, filter_control, wanted_control
from swarm.kernel_cache.references import inlined
from swarm.model.body import RADIUS, REACH, YIELDS
from swarm.robot.clearance import nearest_gap
from swarm.robot.way import remember_plan
from swarm.scenario.obstacle_index import ObstacleIndex
from swarm.sense.neighbours import (
    MAX_NEIGHBOURS,
    MAX_OBSTACLES,
    Around,
    bin_of,
    copy_shapes,
    describe,
    sense_obstacles,
    sense_robots,
)
from swarm.tune.observation import Observation, observe

_SPAN = 1.0 + 1e-12  # Along one axis alone: a trace more, as differences are rounded.


class Crowd(NamedTuple):
    """N robots, and what each of them has around it.

    Attributes:
        kind: ``int64[N]``.
        robot_id: ``int64[N]``.
        state: ``float64[N, 5]``.
        body: ``float64[N, BODY]``.
        near: ``float64[k, NEIGHBOUR]``, the neighbours of all.
        first: ``int64[N + 1]``, where those of each begin.
        obstacles: ``float64[N, M, OBSTACLE]``.
        num_obstacles: ``int64[N]``.
        bounds: ``float64[4]`` [m].
        truncated: ``bool[N]``, whether somebody near had to be left out.
        trail: ``float64[N, TRAIL]``.
        footprint: ``float64[N, V, 2]`` (``swarm.model.shapes``).
        shapes: ``float64[k, P, 2]``, those of ``near``; P is 0 where all are discs.
    """

    kind: Int64s
    robot_id: Int64s
    state: Array
    body: Array
    near: Array
    first: Int64s
    obstacles: Array
    num_obstacles: Int64s
    bounds: Array
    truncated: Flags
    trail: Array
    footprint: Array
    shapes: Array


class Wish(NamedTuple):
    """Where N robots want to go.

    Attributes:
        waypoint: ``float64[N, 2]`` [m].
        remaining: ``float64[N]``, what is left of the way [m].
        agreed: ``bool[N]``, whether who goes first there is agreed.
    """

    waypoint: Array
    remaining: Array
    agreed: Flags


@njit(cache=True)
def within(places: Array, distance: float) -> tuple[Int64s, Int64s]:
    """Who is within a distance [m] of each of N robots at ``float64[N, 2]`` [m], but itself.

    Returns:
        Their rows, those of one after those of another, ``int64[k]``; and where those of each begin, ``int64[N + 1]``.
    """
    count, order = len(places), np.argsort(places[:, 0])
    x, y = places[order, 0], places[order, 1]
    begin, first = np.searchsorted(x, x - _SPAN * distance), np.zeros(count + 1, np.int64)
    for a in range(count):
        for b in range(begin[a], a):
            if _is_within(x[a] - x[b], y[a] - y[b], distance):
                first[order[a] + 1] += 1
                first[order[b] + 1] += 1
    first = np.cumsum(first)
    found, filled, rank = np.empty(first[-1], np.int64), first[:-1].copy(), np.empty(count, np.int64)
    rank[order] = np.arange(count)
    for i in range(count):  # in ascending order: so are those that are found for each
        a = rank[i]
        for b in range(begin[a], count):
            if x[b] - x[a] > _SPAN * distance:
                break
            if b != a and _is_within(x[a] - x[b], y[a] - y[b], distance):
                found[filled[order[b]]] = i
                filled[order[b]] += 1
    return found, first


@inlined
def _is_within(dx: float, dy: float, distance: float) -> bool:
    return abs(dy) <= distance and np.sqrt(dx * dx + dy * dy) <= distance


@njit(cache=True)
def describe_team(kind: Int64s, state: Array, body: Array, told: Array, robot_id: Int64s, others: Array) -> None:
    """Write the neighbour columns of all robots that trail nothing.

    Args:
        kind: ``int64[N]``.
        state: ``float64[N, 5]``.
        body: ``float64[N, BODY]``.
        told: ``float64[N, 4]``, what each told last: waypoint [m], rotation and speed in [0, 1].
        robot_id: ``int64[N]``, -1 of those who tell nothing.
        others: ``float64[N, NEIGHBOUR]``, written.
    """
    for i in range(len(kind)):
        describe(kind[i], state[i], body[i], told[i, :2], told[i, 2], told[i, 3], robot_id[i], others[i])


@njit(cache=True)
def sense_team(
    others: Array, body: Array, outlines: Array, found: Array, shapes: Array, count: Int64s, truncated: Flags
) -> None:  # fmt: skip
    """Write the nearest robots of each robot, how many they are, and who has too many.

    Args:
        others: ``float64[N, NEIGHBOUR]``.
        body: ``float64[N, BODY]``.
        outlines: ``float64[N, P, 2]``, stop hulls (``swarm.model.shapes``).
        found: ``float64[N, K, NEIGHBOUR]``, written.
        shapes: ``float64[N, K, P, 2]``, written.
        count: ``int64[N]``, written.
        truncated: ``bool[N]``, written.
    """
    order = np.empty((MAX_NEIGHBOURS, 2))
    for i in range(len(others)):
        count[i], truncated[i] = sense_robots(i, others, body[i], found[i], order)
        copy_shapes(outlines, order, count[i], shapes[i])


@njit(cache=True)
def sense_walls(crowd: Crowd, index: tuple[Array, Array, float, Int64s, Int64s, Int64s]) -> None:
    """Write the nearest obstacles of each robot; ``index`` is ``flat_index`` of the map's."""
    obstacles, origin, bin_size, shape, items, start = index
    order = np.empty((MAX_OBSTACLES, 2))
    for i in range(len(crowd.kind)):
        state, body = crowd.state[i], crowd.body[i]
        cell = bin_of(state[0], state[1], origin, bin_size, shape)
        crowd.num_obstacles[i], crush = sense_obstacles(
            state, body, body[REACH], obstacles, items, start[cell], start[cell + 1], crowd.obstacles[i], order
        )
        crowd.truncated[i] |= crush


def flat_index(index: ObstacleIndex) -> tuple[Array, Array, float, Int64s, Int64s, Int64s]:
    """An obstacle index as ``sense_walls`` takes it."""
    shape, items, start = (np.array(part, np.int64) for part in (index.shape, index.items, index.start))
    return index.obstacles, index.origin, index.bin_size, shape, items, start


@njit(cache=True, inline="always")
def _around(crowd: Crowd, wish: Wish, i: int) -> Around:
    first, last = crowd.first[i], crowd.first[i + 1]
    return Around(
        crowd.near[first:last], last - first, crowd.obstacles[i], crowd.num_obstacles[i], crowd.bounds,
        crowd.truncated[i], crowd.trail[i], wish.agreed[i], crowd.footprint[i], crowd.shapes[first:last],
    )  # fmt: skip


@njit(cache=True)
def observe_team(
    crowd: Crowd, wish: Wish, memory: Array, last_action: Array, seen: Observation, sender: Int32s
) -> None:
    """Write the observation of each robot, all but ``sender``.

    Args:
        crowd: The robots.
        wish: Where they want to go.
        memory: ``float64[N, 2]`` (``swarm.tune.memory``).
        last_action: ``float64[N, 6]`` in [0, 1].
        seen: Of N robots.
        sender: ``int32[N, P]``, not touched.
    """
    for i in range(len(crowd.kind)):
        observe(
            crowd.kind[i], crowd.state[i], crowd.body[i], crowd.robot_id[i], wish.waypoint[i], wish.remaining[i],
            _around(crowd, wish, i), memory[i], last_action[i],
            Observation(seen.ego[i], seen.edges[i], seen.mask[i], sender[i]),
        )  # fmt: skip


@njit(cache=True)
def remember_team(body: Array, remaining: Array, waits: Flags, is_new: Flags, memory: Array) -> None:
    """``remember_plan`` of all robots whose plan is a new one.

    Args:
        body: ``float64[N, BODY]``.
        remaining: ``float64[N]`` [m].
        waits: ``bool[N]``, who may stand for others' sake.
        is_new: ``bool[N]``.
        memory: ``float64[N, 2]``, changed in place.
    """
    for i in range(len(body)):
        if is_new[i]:
            remember_plan(body[i], remaining[i], waits[i], memory[i])


@njit(cache=True)
def clearances(crowd: Crowd) -> Array:
    """Gaps [m] between each robot, all of them discs, and what is around it, ``float64[N]``; inf: nothing is."""
    found = np.empty(len(crowd.kind))
    for i in range(len(crowd.kind)):
        near, obstacles = crowd.near[crowd.first[i] : crowd.first[i + 1]], crowd.obstacles[i, : crowd.num_obstacles[i]]
        found[i] = nearest_gap(crowd.state[i], crowd.body[i, RADIUS], near, obstacles)
    return found


@njit(cache=True)
def filter_team(
    crowd: Crowd, wish: Wish, tunables: Array, scratch: Scratch, control: Array, outcome: Int64s, relaxation: Array
) -> None:
    """Write each robot's control ``float64[N, 2]``, outcome ``int64[N]`` and relaxation ``float64[N]``.

    Args:
        crowd: The robots.
        wish: Where they want to go.
        tunables: ``float64[N, 6]``, physical.
        scratch: Room for one robot after the other.
        control: Written.
        outcome: Written.
        relaxation: Written.
    """
    nominal = np.empty(2)
    for i in range(len(crowd.kind)):
        kind, state, body = crowd.kind[i], crowd.state[i], crowd.body[i]
        around = _around(crowd, wish, i)
        if body[YIELDS] < 0.0:  # it sees others, and drives as if it did not
            around = Around(
                around.neighbours,
                0,
                around.obstacles,
                around.num_obstacles,
                around.bounds,
                False,
                around.trail,
                False,
                around.footprint,
                around.shapes,
            )
        note_narrow(kind, state, body, around, wish.waypoint[i], tunables[i])
        wanted_control(kind, state, body, around, wish.waypoint[i], wish.remaining[i], tunables[i], scratch, nominal)
        outcome[i], relaxation[i] = filter_control(kind, state, body, around, nominal, tunables[i], scratch, control[i])
