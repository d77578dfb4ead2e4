"""One step of many worlds at once: sense, filter, move; every world runs the kernels of ``swarm`` (numba, parallel).

Waypoints and what is left of the way come from the planners of ``envs.arena.team_planner``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from swarm.array_types import Array, Flags, Float32s, Int32s, Int64s
from swarm.filter.nominal import nominal_control
from swarm.filter.safety import filter_control
from swarm.filter.tunables import COUNT, ROTATION, SPEED, decode_one
from swarm.model import dynamics
from swarm.model.body import RADIUS, YIELDS
from swarm.model.geometry import to_obstacle
from swarm.sense.neighbours import N_ID, N_REACH, NEIGHBOUR, bin_of, describe, sense_obstacles, sense_robots
from swarm.tune.memory import remember
from swarm.tune.observation import observe

# A gap below this (m) counts as a collision: rounding is 1e-15 times the coordinates.
TOUCH = -1e-9


@njit(cache=True)
def describe_world(kind: Int64s, state: Array, body: Array, told: Array, last_action: Array, others: Array) -> None:
    """Neighbour columns (N, 14) of all robots of one world; one that does not cooperate has told nothing: id -1."""
    for i in range(kind.size):
        if body[i, YIELDS] > 0.0:
            rotation, speed = last_action[i, ROTATION], last_action[i, SPEED]
            describe(kind[i], state[i], body[i], told[i], rotation, speed, i, others[i])
        else:
            describe(kind[i], state[i], body[i], state[i, :2], 0.5, 0.5, -1, others[i])


@njit(cache=True)
def candidates(state: Array, start: Int64s, origin: Array, bin_size: float, shape: Int64s) -> tuple[int, int]:
    """Range of the obstacle index's items that can be near a robot."""
    cell = bin_of(state[0], state[1], origin, bin_size, shape)
    return start[cell], start[cell + 1]


@njit(cache=True)
def _filter_world(
    kind: Int64s, state: Array, body: Array, waypoint: Array, remaining: Array, told: Array, bounds: Array,
    obstacles: Array, items: Int64s, start: Int64s, origin: Array, bin_size: float, shape: Int64s, slots: Int64s,
    action: Array, last_action: Array, filtered: bool, control: Array, outcome: Int64s,
) -> None:  # fmt: skip
    """The first part of ``step_worlds``, for one world."""
    robots = len(kind)
    others, neighbours = np.empty((robots, NEIGHBOUR)), np.empty((slots[0], NEIGHBOUR))
    seen, order = np.empty((slots[1], 5)), np.empty((max(slots[0], slots[1]), 2))
    size = slots[0] + slots[1] + 4
    rows, rhs, lines = np.empty((size, 2)), np.empty(size), np.empty((size, 3))
    box, proof, nominal, tunables = np.empty((2, 2)), np.empty(1), np.empty(2), np.empty(COUNT)
    chosen = np.empty(2)
    describe_world(kind, state, body, told, last_action, others)
    for i in range(robots):
        decode_one(action[i], tunables)
        nominal_control(kind[i], state[i], body[i], waypoint[i], remaining[i], tunables, nominal)
        near, crowd = sense_robots(i, others, body[i], neighbours, order)
        first, last = candidates(state[i], start, origin, bin_size, shape)
        reach = others[i, N_REACH]
        walls, crush = sense_obstacles(state[i], body[i], reach, obstacles, items, first, last, seen, order)
        if not filtered:
            near, walls = 0, 0
        outcome[i], _ = filter_control(
            kind[i], state[i], body[i], neighbours, near, seen, walls, bounds, filtered and (crowd or crush),
            nominal, tunables, rows, rhs, box, lines, proof, chosen,
        )  # fmt: skip
        control[i, 0], control[i, 1] = chosen[0], chosen[1]


@njit(cache=True)
def _gaps(
    at: Array, body: Array, obstacles: Array, items: Int64s, start: Int64s, origin: Array, bin_size: float,
    shape: Int64s, clearance: Array,
) -> None:  # fmt: skip
    """Lower ``clearance`` (N,) of one world to each robot's gap to the nearest robot or obstacle (m)."""
    for i in range(len(at)):
        for j in range(i):
            dx, dy = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
            both = body[i, RADIUS] + body[j, RADIUS]
            square, least = dx * dx + dy * dy, max(max(clearance[i], clearance[j]) + both, 0.0)
            if square < least * least:
                gap = math.sqrt(square) - both
                clearance[i], clearance[j] = min(clearance[i], gap), min(clearance[j], gap)
        first, last = candidates(at[i], start, origin, bin_size, shape)
        for index in range(first, last):
            thing = obstacles[items[index]]
            beside = max(abs(at[i, 0] - thing[0]) - thing[2], abs(at[i, 1] - thing[1]) - thing[3])
            if beside - thing[4] - body[i, RADIUS] < clearance[i]:
                gap = to_obstacle(at[i, 0], at[i, 1], thing)[0]
                clearance[i] = min(clearance[i], gap - body[i, RADIUS])


@njit(cache=True)
def _move_world(
    kind: Int64s, state: Array, body: Array, control: Array, period: float, obstacles: Array, items: Int64s,
    start: Int64s, origin: Array, bin_size: float, shape: Int64s, checks: int, clearance: Array,
) -> Array:  # fmt: skip
    """The second part of ``step_worlds``, for one world; returns the new states."""
    at = np.empty((len(kind), dynamics.STATE))
    clearance[:] = np.inf
    for check in range(1, checks + 1):
        for i in range(len(kind)):
            dynamics.step(kind[i], state[i], control[i], period * check / checks, at[i])
        _gaps(at, body, obstacles, items, start, origin, bin_size, shape, clearance)
    return at


@njit(cache=True)
def _count_world(outcome: Int64s, clearance: Array, outcomes: Int64s, min_clearance: Array, collided: Flags) -> None:
    """The third part of ``step_worlds``, for one world: outcomes and gaps of the episode so far."""
    for i in range(len(outcome)):
        outcomes[outcome[i]] += 1
        min_clearance[i] = min(min_clearance[i], clearance[i])
        collided[i] |= clearance[i] < TOUCH


@njit(cache=True, parallel=True)
def step_worlds(
    kind: Int64s, state: Array, body: Array, waypoint: Array, remaining: Array, told: Array, bounds: Array,
    obstacles: Array, items: Int64s, start: Int64s, origin: Array, bin_size: Array, shape: Int64s, slots: Int64s,
    action: Array, last_action: Array, filtered: bool, period: Array, checks: int, control: Array, outcome: Int64s,
    clearance: Array, outcomes: Int64s, min_clearance: Array, collided: Flags,
) -> None:  # fmt: skip
    """One period of B worlds of N robots: sense, nominal control, filter, exact motion.

    Args:
        kind: ``int64[B, N]``.
        state: ``float64[B, N, 5]``, replaced.
        body: ``float64[B, N, BODY]``.
        waypoint: ``float64[B, N, 2]``, m.
        remaining: ``float64[B, N]``, what is left of the way, m.
        told: ``float64[B, N, 2]``, the waypoints that the robots told each other, m; replaced by ``waypoint``.
        bounds: ``float64[B, 4]``, m.
        obstacles: ``float64[B, n, 5]``; with the next five, the ``GeometryStore``.
        items: ``int64[B, L]``.
        start: ``int64[B, bins + 1]``.
        origin: ``float64[B, 2]``.
        bin_size: ``float64[B]``.
        shape: ``int64[B, 2]``.
        slots: Most robots and most obstacles in a neighbourhood.
        action: ``float64[B, N, 6]``, clipped to [0, 1] when it is decoded.
        last_action: ``float64[B, N, 6]``, of the period before; replaced by ``action``, clipped.
        filtered: False lets the nominal control through.
        period: ``float64[B]``, s.
        checks: Instants in the period at which gaps are measured.
        control: ``float64[B, N, 2]``, written.
        outcome: ``int64[B, N]``, written.
        clearance: ``float64[B, N]``, written: each robot's smallest gap to a robot or obstacle, m.
        outcomes: ``int64[B, 3]``, added to.
        min_clearance: ``float64[B, N]``, lowered.
        collided: ``bool[B, N]``, set where a gap was below ``TOUCH``.
    """
    for b in prange(len(kind)):
        _filter_world(
            kind[b], state[b], body[b], waypoint[b], remaining[b], told[b], bounds[b], obstacles[b], items[b],
            start[b], origin[b], bin_size[b], shape[b], slots, action[b], last_action[b], filtered, control[b],
            outcome[b],
        )  # fmt: skip
        state[b] = _move_world(
            kind[b], state[b], body[b], control[b], period[b], obstacles[b], items[b], start[b], origin[b],
            bin_size[b], shape[b], checks, clearance[b],
        )  # fmt: skip
        _count_world(outcome[b], clearance[b], outcomes[b], min_clearance[b], collided[b])
        for i in range(kind.shape[1]):
            told[b, i, 0], told[b, i, 1] = waypoint[b, i, 0], waypoint[b, i, 1]
            for k in range(COUNT):
                last_action[b, i, k] = min(max(action[b, i, k], 0.0), 1.0)


@njit(cache=True)
def remember_worlds(moved: Flags, body: Array, remaining: Array, memory: Array) -> None:
    """Update the memories ``float64[B, N, 2]`` in the worlds ``bool[B]`` that moved; ``remaining``: ``[B, N]``, m."""
    for b in range(remaining.shape[0]):
        if moved[b]:
            for i in range(remaining.shape[1]):
                remember(body[b, i], remaining[b, i], memory[b, i])


@njit(cache=True)
def _observe_world(
    kind: Int64s, state: Array, body: Array, waypoint: Array, remaining: Array, told: Array, obstacles: Array,
    items: Int64s, start: Int64s, origin: Array, bin_size: float, shape: Int64s, slots: Int64s, memory: Array,
    last_action: Array, ego: Float32s, edges: Float32s, mask: Flags, sender: Int32s,
) -> None:  # fmt: skip
    """``observe_worlds`` for one world."""
    robots = len(kind)
    others, neighbours = np.empty((robots, NEIGHBOUR)), np.empty((slots[0], NEIGHBOUR))
    seen, order = np.empty((slots[1], 5)), np.empty((max(slots[0], slots[1]), 2))
    describe_world(kind, state, body, told, last_action, others)
    for i in range(robots):
        near, _ = sense_robots(i, others, body[i], neighbours, order)
        first, last = candidates(state[i], start, origin, bin_size, shape)
        reach = others[i, N_REACH]
        walls, _ = sense_obstacles(state[i], body[i], reach, obstacles, items, first, last, seen, order)
        observe(
            kind[i], state[i], body[i], i, waypoint[i], remaining[i], neighbours, near, seen, walls, memory[i],
            last_action[i], ego[i], edges[i], mask[i],
        )  # fmt: skip
        sender[i] = -1
        for k in range(near):
            sender[i, k] = int(neighbours[k, N_ID])


@njit(cache=True, parallel=True)
def observe_worlds(
    kind: Int64s, state: Array, body: Array, waypoint: Array, remaining: Array, told: Array, obstacles: Array,
    items: Int64s, start: Int64s, origin: Array, bin_size: Array, shape: Int64s, slots: Int64s, memory: Array,
    last_action: Array, ego: Float32s, edges: Float32s, mask: Flags, sender: Int32s,
) -> None:  # fmt: skip
    """Sense and observe, for B worlds of N robots; writes ``ego``, ``edges``, ``mask`` and ``sender``."""
    for b in prange(len(kind)):
        _observe_world(
            kind[b], state[b], body[b], waypoint[b], remaining[b], told[b], obstacles[b], items[b], start[b],
            origin[b], bin_size[b], shape[b], slots, memory[b], last_action[b], ego[b], edges[b], mask[b], sender[b],
        )  # fmt: skip
