"""One step of many worlds at once: sense, filter, move; every world runs the kernels of ``swarm`` (numba, parallel).

Waypoints and what is left of the way come from the planners of ``envs.arena.team_planner``.

The kernels that go through the robots of a world count no references (``swarm.kernel_cache.references``) and cannot
allocate: their caller holds all arrays, and room to work in (``Desk``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from envs.arena.geometry_store import Geometry, geometry_of
from envs.arena.second_order import coast_world, ramp_world
from envs.strangers import TOUCH, has_strangers, mark_strangers, meet_world
from swarm.array_types import Array, Flags, Int8s, Int64s
from swarm.filter.narrow import note_narrow
from swarm.filter.safety import Scratch, filter_control, scratch, wanted_control
from swarm.filter.shapes.gaps import gap_between, gap_to_obstacle
from swarm.filter.tunables import COUNT, ROTATION, SPEED, decode_one
from swarm.kernel_cache.references import uncounted
from swarm.model import dynamics
from swarm.model.body import RADIUS, YIELDS
from swarm.model.geometry import extents, to_obstacle
from swarm.model.shapes import place_corners, shape_size, stop_shape
from swarm.sense.neighbours import (
    N_REACH,
    NEIGHBOUR,
    OBSTACLE,
    Around,
    bin_of,
    copy_shapes,
    describe,
    sense_obstacles,
    sense_robots,
)


class Robots(NamedTuple):
    """The robots of B worlds; of one world the same without the first axis.

    Attributes:
        kind: ``int64[B, N]``.
        state: ``float64[B, N, 5]``.
        body: ``float64[B, N, BODY]``.
        waypoint: ``float64[B, N, 2]`` [m].
        remaining: ``float64[B, N]``, what is left of the way [m].
        told: ``float64[B, N, 2]``, the waypoints that the robots told each other [m].
        memory: ``float64[B, N, 2]`` (``swarm.tune.memory``).
        last_action: ``float64[B, N, 6]`` in [0, 1], of the period before.
        wanted: ``float64[B, N, 2]``, controls in the variables of the QP that replace the nominal ones; NaN: none.
        trail: ``float64[B, N, TRAIL]``, what they trail behind their states (``swarm.model.actuators``).
        strangers: ``float64[B, STRANGERS]``, what they count on of those who ignore them (``swarm.model.strangers``).
        agreed: ``bool[B, N]``, whether who goes first where they drive is agreed (``swarm.planning.Plan``).
        footprint: ``float64[B, N, V, 2]`` (``swarm.model.shapes``); V is 0 where everybody is a disc.
    """

    kind: Int64s
    state: Array
    body: Array
    waypoint: Array
    remaining: Array
    told: Array
    memory: Array
    last_action: Array
    wanted: Array
    trail: Array
    strangers: Array
    agreed: Flags
    footprint: Array


class Counts(NamedTuple):
    """What happens in a step of B worlds; of one world the same without the first axis.

    Attributes:
        control: ``float64[B, N, 2]``, written.
        outcome: ``int64[B, N]``, written.
        clearance: ``float64[B, N]``, written: each robot's smallest gap to a robot or obstacle [m].
        outcomes: ``int64[B, 3]``, added to.
        min_clearance: ``float64[B, N]``, lowered.
        collided: ``bool[B, N]``, set where a gap was below ``TOUCH``.
        contacts: ``int64[B, 2]``, with strangers, added to: with a robot that moves, and with one that stands.
        touching: ``int8[B, N, N]`` (``envs.strangers``).
    """

    control: Array
    outcome: Int64s
    clearance: Array
    outcomes: Int64s
    min_clearance: Array
    collided: Flags
    contacts: Int64s
    touching: Int8s


class Desk(NamedTuple):
    """Room to work in, for one world, and in it for one robot, after the other.

    Attributes:
        seen: ``float64[1, N, NEIGHBOUR]``, all robots as they are.
        at: ``float64[N, 5]``, where they are at an instant of the period.
        shapes: ``float64[1, N, P, 2]`` (``swarm.model.shapes``), of all robots; P is 0 where all are discs.
        corners: ``float64[N, V, 2]``, where those of their bodies are at an instant of the period [m].
        neighbours: ``float64[K, NEIGHBOUR]``, those of one robot.
        near_shapes: ``float64[K, P, 2]``, theirs.
        things: ``float64[M, OBSTACLE]``, its obstacles.
        order: ``float64[max(K, M), 2]``, to sort them.
        scratch: Of its filter.
        nominal: ``float64[2]``, its nominal control.
        tunables: ``float64[6]``, physical.
        chosen: ``float64[2]``, its control.
    """

    seen: Array
    at: Array
    shapes: Array
    corners: Array
    neighbours: Array
    near_shapes: Array
    things: Array
    order: Array
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
        np.empty((count, corners, 2)), np.empty((slots[0], NEIGHBOUR)), np.empty((slots[0], points, 2)),
        np.empty((slots[1], OBSTACLE)), np.empty((max(slots[0], slots[1]), 2)),
        scratch(slots[0] + slots[1]), np.empty(2), np.empty(COUNT), np.empty(2),
    )  # fmt: skip


@njit(cache=True, inline="always")
def robots_of(worlds: Robots, b: int) -> Robots:
    """The robots of world ``b``."""
    return Robots(
        worlds.kind[b], worlds.state[b], worlds.body[b], worlds.waypoint[b], worlds.remaining[b], worlds.told[b],
        worlds.memory[b], worlds.last_action[b], worlds.wanted[b], worlds.trail[b], worlds.strangers[b],
        worlds.agreed[b], worlds.footprint[b],
    )  # fmt: skip


@uncounted
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


@uncounted
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
def sense_around(i: int, robots: Robots, others: Array, shapes: Array, geometry: Geometry, desk: Desk) -> Around:
    """What robot ``i`` has around it; neighbours, their shapes, ``things`` and ``order`` of the desk are written."""
    neighbours, things, order = desk.neighbours, desk.things, desk.order
    near, crowd = sense_robots(i, others, robots.body[i], neighbours, order)
    copy_shapes(shapes, order, near, desk.near_shapes)
    first, last = candidates(robots.state[i], geometry)
    reach = others[i, N_REACH]
    walls, crush = sense_obstacles(
        robots.state[i], robots.body[i], reach, geometry.obstacles, geometry.items, first, last, things, order
    )
    return Around(
        neighbours, near, things, walls, geometry.bounds, crowd or crush, robots.trail[i], robots.agreed[i],
        robots.footprint[i], desk.near_shapes,
    )  # fmt: skip


@uncounted
def _filter_robots(
    robots: Robots, geometry: Geometry, action: Array, filtered: bool, control: Array, outcome: Int64s, seen: Array,
    shapes: Array, desk: Desk,
) -> None:  # fmt: skip
    """``filter_world``, on a desk."""
    nominal, tunables, chosen = desk.nominal, desk.tunables, desk.chosen
    for i in range(len(robots.kind)):
        others, outlines = seen[min(i, len(seen) - 1)], shapes[min(i, len(shapes) - 1)]
        kind, state, body = robots.kind[i], robots.state[i], robots.body[i]
        decode_one(action[i], tunables)
        around = sense_around(i, robots, others, outlines, geometry, desk)
        if not filtered or body[YIELDS] < 0.0:
            walls = around.num_obstacles if filtered else 0
            around = Around(
                around.neighbours, 0, around.obstacles, walls, geometry.bounds, False, robots.trail[i], False,
                robots.footprint[i], around.shapes,
            )  # fmt: skip
        note_narrow(kind, state, body, around, robots.waypoint[i], tunables)
        if math.isnan(robots.wanted[i, 0]):
            way = robots.waypoint[i], robots.remaining[i]
            wanted_control(kind, state, body, around, way[0], way[1], tunables, desk.scratch, nominal)
        else:
            nominal[0], nominal[1] = robots.wanted[i, 0], robots.wanted[i, 1]
        outcome[i], _ = filter_control(kind, state, body, around, nominal, tunables, desk.scratch, chosen)
        control[i, 0], control[i, 1] = chosen[0], chosen[1]


@njit(cache=True)
def filter_world(
    robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, control: Array, outcome: Int64s,
    seen: Array, shapes: Array,
) -> None:  # fmt: skip
    """The first part of ``step_worlds``, for one world; ``seen``, ``shapes``: all robots as each takes them."""
    desk = desk_for(len(robots.kind), slots, robots.footprint.shape[1])
    _filter_robots(robots, geometry, action, filtered, control, outcome, seen, shapes, desk)


@uncounted
def _nearest_gaps(at: Array, body: Array, footprint: Array, corners: Array, clearance: Array) -> None:
    """Lower each robot's gap to that to the robot that is nearest as a disc: then few others have to be looked at."""
    for i in range(len(at)):
        best, least = -1, math.inf
        for j in range(len(at) if body[i, YIELDS] >= 0.0 else 0):
            dx, dy = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
            gap = math.sqrt(dx * dx + dy * dy) - body[i, RADIUS] - body[j, RADIUS]
            if j != i and gap < least and body[j, YIELDS] >= 0.0:
                best, least = j, gap
        if least < clearance[i]:
            gap = gap_between(at, body, footprint, corners, i, best)
            clearance[i], clearance[best] = min(clearance[i], gap), min(clearance[best], gap)


@uncounted
def gaps(at: Array, body: Array, geometry: Geometry, footprint: Array, corners: Array, clearance: Array) -> None:
    """Lower ``clearance`` (N,) of one world to each robot's gap to the nearest robot or obstacle [m].

    Who ignores everybody is none of these robots: contacts with them count apart (``envs.strangers``). ``corners``
    (N, V, 2) of ``footprint`` (N, V, 2) are written: where polygons are.
    """
    for i in range(len(at) if footprint.shape[1] > 0 else 0):
        place_corners(at[i, 0], at[i, 1], at[i, 2], footprint[i], corners[i])
    obstacles, items = geometry.obstacles, geometry.items
    if footprint.shape[1] > 0:
        _nearest_gaps(at, body, footprint, corners, clearance)
    for i in range(len(at)):
        for j in range(i):
            dx, dy = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
            both = body[i, RADIUS] + body[j, RADIUS]
            square, least = dx * dx + dy * dy, max(max(clearance[i], clearance[j]) + both, 0.0)
            if square < least * least and body[i, YIELDS] >= 0.0 and body[j, YIELDS] >= 0.0:
                if footprint.shape[1] > 0:
                    gap = gap_between(at, body, footprint, corners, i, j)
                else:
                    gap = math.sqrt(square) - both
                clearance[i], clearance[j] = min(clearance[i], gap), min(clearance[j], gap)
        first, last = candidates(at[i], geometry)
        for index in range(first, last):
            thing = obstacles[items[index]]
            half_x, half_y = extents(thing)
            beside = max(abs(at[i, 0] - thing[0]) - half_x, abs(at[i, 1] - thing[1]) - half_y)
            if beside - thing[4] - body[i, RADIUS] < clearance[i]:
                gap = to_obstacle(at[i, 0], at[i, 1], thing)[0] - body[i, RADIUS]
                if footprint.shape[1] > 0 and gap < clearance[i]:
                    gap = gap_to_obstacle(at, body, footprint, corners, i, thing)
                clearance[i] = min(clearance[i], gap)


@uncounted
def move_world(
    robots: Robots, control: Array, period: float, geometry: Geometry, checks: int, clearance: Array, at: Array,
    corners: Array, contacts: Int64s, touching: Int8s,
) -> None:  # fmt: skip
    """The second part of ``step_worlds``, for one world; ``at`` (N, 5) and ``corners`` (N, V, 2) are to work in."""
    strange = has_strangers(robots.body)
    clearance[:] = np.inf
    for check in range(1, checks + 1):
        for i in range(len(robots.kind)):
            dynamics.step(robots.kind[i], robots.state[i], control[i], period * check / checks, at[i])
        ramp_world(robots.state, robots.body, robots.trail, control, check, checks, period, at)
        gaps(at, robots.body, geometry, robots.footprint, corners, clearance)
        if strange:
            meet_world(at, robots.body, contacts, touching)
    for i in range(len(robots.kind)):
        for k in range(dynamics.STATE):
            robots.state[i, k] = at[i, k]


@uncounted
def count_world(outcome: Int64s, clearance: Array, outcomes: Int64s, min_clearance: Array, collided: Flags) -> None:
    """The third part of ``step_worlds``, for one world: outcomes and gaps of the episode so far."""
    for i in range(len(outcome)):
        outcomes[outcome[i]] += 1
        min_clearance[i] = min(min_clearance[i], clearance[i])
        collided[i] |= clearance[i] < TOUCH


@uncounted
def tell_minds(robots: Robots, action: Array) -> None:
    """The last part of ``step_worlds``, for one world: what the robots tell each other in the next period."""
    for i in range(len(robots.kind)):
        robots.told[i, 0], robots.told[i, 1] = robots.waypoint[i, 0], robots.waypoint[i, 1]
        for k in range(COUNT):
            robots.last_action[i, k] = min(max(action[i, k], 0.0), 1.0)


@uncounted
def _step_world(
    b: int, robots: Robots, geometry: Geometry, action: Array, filtered: bool, period: Array, checks: int,
    counts: Counts, desk: Desk,
) -> None:  # fmt: skip
    """``step_worlds`` for world ``b``, on a desk."""
    here, walls = robots_of(robots, b), geometry_of(geometry, b)
    control, outcome, clearance = counts.control[b], counts.outcome[b], counts.clearance[b]
    describe_world(here, desk.seen[0])
    shape_world(here, desk.shapes[0])
    _filter_robots(here, walls, action[b], filtered, control, outcome, desk.seen, desk.shapes, desk)
    move_world(
        here, control, period[b], walls, checks, clearance, desk.at, desk.corners, counts.contacts[b],
        counts.touching[b],
    )  # fmt: skip
    count_world(outcome, clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
    tell_minds(here, action[b])


@njit(cache=True)
def step_some(
    first: int, last: int, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool,
    period: Array, checks: int, counts: Counts,
) -> None:  # fmt: skip
    """``step_worlds`` for the worlds from ``first`` to before ``last``, one after the other."""
    desk = desk_for(robots.kind.shape[1], slots, robots.footprint.shape[2])
    for b in range(first, last):
        _step_world(b, robots, geometry, action, filtered, period, checks, counts, desk)


@njit(cache=True, parallel=True)
def step_worlds(
    parts: int, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, period: Array,
    checks: int, counts: Counts,
) -> None:  # fmt: skip
    """One period of B worlds of N robots: sense, nominal control, filter, exact motion.

    Args:
        parts: Into so many parts the worlds are divided, one for a thread.
        robots: State, told waypoints and last action are replaced.
        geometry: What stands still.
        slots: Most robots and most obstacles in a neighbourhood.
        action: ``float64[B, N, 6]``, clipped to [0, 1] when it is decoded.
        filtered: False lets the nominal control through.
        period: ``float64[B]`` [s].
        checks: Instants in the period at which gaps are measured.
        counts: What happened.
    """
    # Only calls in the loops: numba drops what a parallel function itself writes to an array in a tuple.
    count = len(robots.kind)
    for k in prange(parts):
        first, last = count * k // parts, count * (k + 1) // parts
        step_some(first, last, robots, geometry, slots, action, filtered, period, checks, counts)
