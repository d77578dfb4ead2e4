"""One step of many worlds at once: sense, filter, move; every world runs the kernels of ``swarm`` (numba, parallel).

Waypoints and what is left of the way come from the planners of ``envs.arena.team_planner``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from envs.arena.geometry_store import Geometry, geometry_of
from envs.arena.second_order import coast_world, ramp_world
from envs.strangers import TOUCH, mark_strangers, meet_world
from swarm.array_types import Array, Flags, Int8s, Int32s, Int64s
from swarm.filter.nominal import nominal_control
from swarm.filter.passages import note_passages
from swarm.filter.safety import Scratch, filter_control
from swarm.filter.tunables import COUNT, ROTATION, SPEED, decode_one
from swarm.model import dynamics
from swarm.model.body import RADIUS, YIELDS
from swarm.model.geometry import to_obstacle
from swarm.sense.neighbours import (
    N_ID,
    N_REACH,
    NEIGHBOUR,
    OBSTACLE,
    Around,
    bin_of,
    describe,
    sense_obstacles,
    sense_robots,
)
from swarm.tune.memory import remember
from swarm.tune.observation import Observation, observe


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
        trail: ``float64[B, N, TRAIL]``, what they trail behind their states (``swarm.model.actuators``).
        strangers: ``float64[B, STRANGERS]``, what they count on of those who ignore them (``swarm.model.strangers``).
    """

    kind: Int64s
    state: Array
    body: Array
    waypoint: Array
    remaining: Array
    told: Array
    memory: Array
    last_action: Array
    trail: Array
    strangers: Array


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


@njit(cache=True, inline="always")
def robots_of(worlds: Robots, b: int) -> Robots:
    """The robots of world ``b``."""
    return Robots(
        worlds.kind[b], worlds.state[b], worlds.body[b], worlds.waypoint[b], worlds.remaining[b], worlds.told[b],
        worlds.memory[b], worlds.last_action[b], worlds.trail[b], worlds.strangers[b],
    )  # fmt: skip


@njit(cache=True)
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


@njit(cache=True, inline="always")
def candidates(state: Array, geometry: Geometry) -> tuple[int, int]:
    """Range of the obstacle index's items that can be near a robot."""
    cell = bin_of(state[0], state[1], geometry.origin, geometry.bin_size, geometry.shape)
    return geometry.start[cell], geometry.start[cell + 1]


@njit(cache=True, inline="always")
def _sense(
    i: int, robots: Robots, others: Array, geometry: Geometry, neighbours: Array, things: Array, order: Array
) -> Around:
    """What robot ``i`` has around it; ``neighbours`` (K, 22), ``things`` (M, 9) and ``order`` are written."""
    near, crowd = sense_robots(i, others, robots.body[i], neighbours, order)
    first, last = candidates(robots.state[i], geometry)
    reach = others[i, N_REACH]
    walls, crush = sense_obstacles(
        robots.state[i], robots.body[i], reach, geometry.obstacles, geometry.items, first, last, things, order
    )
    return Around(neighbours, near, things, walls, geometry.bounds, crowd or crush, robots.trail[i])


@njit(cache=True)
def filter_world(
    robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, control: Array, outcome: Int64s,
    seen: Array,
) -> None:  # fmt: skip
    """The first part of ``step_worlds``, for one world; ``seen``: all robots as each takes them, or as they are."""
    count, size = len(robots.kind), slots[0] + slots[1] + 4
    neighbours = np.empty((slots[0], NEIGHBOUR))
    things, order = np.empty((slots[1], OBSTACLE)), np.empty((max(slots[0], slots[1]), 2))
    scratch = Scratch(np.empty((size, 2)), np.empty(size), np.empty((2, 2)), np.empty((size, 3)), np.empty(1))
    nominal, tunables, chosen = np.empty(2), np.empty(COUNT), np.empty(2)
    for i in range(count):
        others = seen[min(i, len(seen) - 1)]
        kind, state, body = robots.kind[i], robots.state[i], robots.body[i]
        decode_one(action[i], tunables)
        around = _sense(i, robots, others, geometry, neighbours, things, order)
        if not filtered:
            around = Around(neighbours, 0, things, 0, geometry.bounds, False, robots.trail[i])
        elif body[YIELDS] < 0.0:
            around = Around(neighbours, 0, things, around.num_obstacles, geometry.bounds, False, robots.trail[i])
        note_passages(kind, state, body, around, robots.waypoint[i], tunables)
        nominal_control(kind, state, body, robots.waypoint[i], robots.remaining[i], tunables, nominal)
        outcome[i], _ = filter_control(kind, state, body, around, nominal, tunables, scratch, chosen)
        control[i, 0], control[i, 1] = chosen[0], chosen[1]


@njit(cache=True)
def gaps(at: Array, body: Array, geometry: Geometry, clearance: Array) -> None:
    """Lower ``clearance`` (N,) of one world to each robot's gap to the nearest robot or obstacle [m].

    Who ignores everybody is none of these robots: contacts with them count apart (``envs.strangers``).
    """
    obstacles, items = geometry.obstacles, geometry.items
    for i in range(len(at)):
        for j in range(i):
            dx, dy = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
            both = body[i, RADIUS] + body[j, RADIUS]
            square, least = dx * dx + dy * dy, max(max(clearance[i], clearance[j]) + both, 0.0)
            if square < least * least and body[i, YIELDS] >= 0.0 and body[j, YIELDS] >= 0.0:
                gap = math.sqrt(square) - both
                clearance[i], clearance[j] = min(clearance[i], gap), min(clearance[j], gap)
        first, last = candidates(at[i], geometry)
        for index in range(first, last):
            thing = obstacles[items[index]]
            beside = max(abs(at[i, 0] - thing[0]) - thing[2], abs(at[i, 1] - thing[1]) - thing[3])
            if beside - thing[4] - body[i, RADIUS] < clearance[i]:
                gap = to_obstacle(at[i, 0], at[i, 1], thing)[0]
                clearance[i] = min(clearance[i], gap - body[i, RADIUS])


@njit(cache=True)
def _move_world(
    robots: Robots, control: Array, period: float, geometry: Geometry, checks: int, clearance: Array, contacts: Int64s,
    touching: Int8s,
) -> Array:  # fmt: skip
    """The second part of ``step_worlds``, for one world; returns the new states."""
    at = np.empty((len(robots.kind), dynamics.STATE))
    clearance[:] = np.inf
    for check in range(1, checks + 1):
        for i in range(len(robots.kind)):
            dynamics.step(robots.kind[i], robots.state[i], control[i], period * check / checks, at[i])
        ramp_world(robots.state, robots.body, robots.trail, control, check, checks, period, at)
        gaps(at, robots.body, geometry, clearance)
        meet_world(at, robots.body, contacts, touching)
    return at


@njit(cache=True)
def count_world(outcome: Int64s, clearance: Array, outcomes: Int64s, min_clearance: Array, collided: Flags) -> None:
    """The third part of ``step_worlds``, for one world: outcomes and gaps of the episode so far."""
    for i in range(len(outcome)):
        outcomes[outcome[i]] += 1
        min_clearance[i] = min(min_clearance[i], clearance[i])
        collided[i] |= clearance[i] < TOUCH


@njit(cache=True)
def tell_minds(robots: Robots, action: Array) -> None:
    """The last part of ``step_worlds``, for one world: what the robots tell each other in the next period."""
    for i in range(len(robots.kind)):
        robots.told[i, 0], robots.told[i, 1] = robots.waypoint[i, 0], robots.waypoint[i, 1]
        for k in range(COUNT):
            robots.last_action[i, k] = min(max(action[i, k], 0.0), 1.0)


@njit(cache=True)
def _step_world(
    b: int, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, period: Array,
    checks: int, counts: Counts,
) -> None:  # fmt: skip
    """``step_worlds`` for world ``b``."""
    here, walls = robots_of(robots, b), geometry_of(geometry, b)
    control, outcome, clearance = counts.control[b], counts.outcome[b], counts.clearance[b]
    seen = np.empty((1, len(here.kind), NEIGHBOUR))
    describe_world(here, seen[0])
    filter_world(here, walls, slots, action[b], filtered, control, outcome, seen)
    here.state[:] = _move_world(
        here, control, period[b], walls, checks, clearance, counts.contacts[b], counts.touching[b]
    )
    count_world(outcome, clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
    tell_minds(here, action[b])


@njit(cache=True, parallel=True)
def step_worlds(
    robots: Robots, geometry: Geometry, slots: Int64s, action: Array, filtered: bool, period: Array, checks: int,
    counts: Counts,
) -> None:  # fmt: skip
    """One period of B worlds of N robots: sense, nominal control, filter, exact motion.

    Args:
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
    for b in prange(len(robots.kind)):
        _step_world(b, robots, geometry, slots, action, filtered, period, checks, counts)


@njit(cache=True)
def remember_worlds(moved: Flags, body: Array, remaining: Array, memory: Array) -> None:
    """Update the memories ``float64[B, N, 2]`` in the worlds ``bool[B]`` that moved; ``remaining``: ``[B, N]`` [m]."""
    for b in range(remaining.shape[0]):
        if moved[b]:
            for i in range(remaining.shape[1]):
                remember(body[b, i], remaining[b, i], memory[b, i])


@njit(cache=True)
def _observe_world(
    b: int, robots: Robots, geometry: Geometry, slots: Int64s, views: Array, seen: Observation, sender: Int32s
) -> None:
    """``observe_worlds`` for world ``b``."""
    here, walls = robots_of(robots, b), geometry_of(geometry, b)
    count = len(here.kind)
    neighbours = np.empty((slots[0], NEIGHBOUR))
    things, order = np.empty((slots[1], OBSTACLE)), np.empty((max(slots[0], slots[1]), 2))
    if len(views[b]) == 1:
        describe_world(here, views[b, 0])
    for i in range(count):
        others = views[b, min(i, len(views[b]) - 1)]
        around = _sense(i, here, others, walls, neighbours, things, order)
        one = Observation(seen.ego[b, i], seen.edges[b, i], seen.mask[b, i], sender[b, i])
        observe(
            here.kind[i], here.state[i], here.body[i], i, here.waypoint[i], here.remaining[i], around, here.memory[i],
            here.last_action[i], one,
        )  # fmt: skip
        sender[b, i] = -1
        for k in range(around.num_neighbours):
            sender[b, i, k] = int(neighbours[k, N_ID])


@njit(cache=True, parallel=True)
def observe_worlds(
    robots: Robots, geometry: Geometry, slots: Int64s, views: Array, seen: Observation, sender: Int32s
) -> None:
    """Sense and observe, for B worlds of N robots.

    Args:
        robots: As in ``step_worlds``.
        geometry: What stands still.
        slots: Most robots and most obstacles in a neighbourhood.
        views: ``float64[B, N, N, NEIGHBOUR]``, all robots as each robot takes them; or ``float64[B, 1, N, NEIGHBOUR]``,
            written: as they are, for all.
        seen: Written, arrays with leading dimensions [B, N].
        sender: ``int32[B, N, P]``, written.
    """
    for b in prange(len(robots.kind)):
        _observe_world(b, robots, geometry, slots, views, seen, sender)
