"""One step of many worlds at once: sense, filter, move; every world runs the kernels of ``swarm`` (numba, parallel)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from swarm import dynamics
from swarm.body import RADIUS
from swarm.geometry import to_obstacle
from swarm.neighbours import N_REACH, NEIGHBOUR, bin_of, describe, sense_obstacles, sense_robots
from swarm.nominal import nominal_control
from swarm.observation import observe
from swarm.safety import filter_control
from swarm.tunables import COUNT, ROTATION, SPEED, decode_one

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True)
def describe_world(
    kind: Ints, state: Array, body: Array, told: Array, last_action: Array, others: Array
) -> None:
    """Neighbour columns (N, 14) of all robots of one world."""
    for i in range(kind.size):
        rotation, speed = last_action[i, ROTATION], last_action[i, SPEED]
        describe(kind[i], state[i], body[i], told[i], rotation, speed, i, others[i])


@njit(cache=True)
def candidates(state: Array, start: Ints, origin: Array, bin_size: float, shape: Ints) -> tuple[int, int]:
    """Range of the obstacle index's items that can be near a robot."""
    cell = bin_of(state[0], state[1], origin, bin_size, shape)
    return start[cell], start[cell + 1]


@njit(cache=True, parallel=True)
def filter_worlds(
    kind: Ints, state: Array, body: Array, waypoint: Array, told: Array, remaining: Array, bounds: Array,
    obstacles: Array, items: Ints, start: Ints, origin: Array, bin_size: Array, shape: Ints, slots: Ints,
    action: Array, last_action: Array, filtered: bool, control: Array, outcome: Ints,
) -> None:  # fmt: skip
    """Sense, build the nominal control and filter it, for B worlds of N robots; writes control and outcome."""
    worlds, robots = kind.shape
    for b in prange(worlds):
        others, neighbours = np.empty((robots, NEIGHBOUR)), np.empty((slots[0], NEIGHBOUR))
        things, order = np.empty((slots[1], 5)), np.empty((max(slots[0], slots[1]), 2))
        size = slots[0] + slots[1] + 4
        rows, rhs, lines = np.empty((size, 2)), np.empty(size), np.empty((size, 3))
        box, proof, nominal, tunables = np.empty((2, 2)), np.empty(1), np.empty(2), np.empty(COUNT)
        describe_world(kind[b], state[b], body[b], told[b], last_action[b], others)
        for i in range(robots):
            decode_one(action[b, i], tunables)
            nominal_control(
                kind[b, i], state[b, i], body[b, i], waypoint[b, i], remaining[b, i], tunables, nominal
            )
            near, crowd = sense_robots(i, others, body[b, i], neighbours, order)
            first, last = candidates(state[b, i], start[b], origin[b], bin_size[b], shape[b])
            walls, crush = sense_obstacles(
                state[b, i],
                body[b, i],
                others[i, N_REACH],
                obstacles[b],
                items[b],
                first,
                last,
                things,
                order,
            )
            if not filtered:
                near, walls = 0, 0
            outcome[b, i], _ = filter_control(
                kind[b, i], state[b, i], body[b, i], neighbours, near, things, walls, bounds[b],
                filtered and (crowd or crush), nominal, tunables, rows, rhs, box, lines, proof, control[b, i],
            )  # fmt: skip


@njit(cache=True)
def _gaps(
    at: Array, body: Array, obstacles: Array, items: Ints, start: Ints, origin: Array, bin_size: float, shape: Ints,
    clearance: Array,
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


@njit(cache=True, parallel=True)
def move_worlds(
    kind: Ints, state: Array, body: Array, control: Array, period: Array, obstacles: Array, items: Ints, start: Ints,
    origin: Array, bin_size: Array, shape: Ints, checks: int, clearance: Array,
) -> None:  # fmt: skip
    """Move all robots one period, exactly; write each one's smallest gap (m) at ``checks`` instants on the way."""
    worlds, robots = kind.shape
    for b in prange(worlds):
        at = np.empty((robots, dynamics.STATE))
        clearance[b, :] = np.inf
        for check in range(1, checks + 1):
            for i in range(robots):
                dynamics.step(kind[b, i], state[b, i], control[b, i], period[b] * check / checks, at[i])
            _gaps(at, body[b], obstacles[b], items[b], start[b], origin[b], bin_size[b], shape[b], clearance[b])
        state[b] = at


@njit(cache=True, parallel=True)
def observe_worlds(
    kind: Ints, state: Array, body: Array, waypoint: Array, told: Array, remaining: Array, obstacles: Array,
    items: Ints, start: Ints, origin: Array, bin_size: Array, shape: Ints, slots: Ints, last_action: Array,
    ego: NDArray[np.float32], edges: NDArray[np.float32], mask: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Sense and observe, for B worlds of N robots; writes ``ego``, ``edges`` and ``mask``."""
    worlds, robots = kind.shape
    for b in prange(worlds):
        others, neighbours = np.empty((robots, NEIGHBOUR)), np.empty((slots[0], NEIGHBOUR))
        things, order = np.empty((slots[1], 5)), np.empty((max(slots[0], slots[1]), 2))
        describe_world(kind[b], state[b], body[b], told[b], last_action[b], others)
        for i in range(robots):
            near, _ = sense_robots(i, others, body[b, i], neighbours, order)
            first, last = candidates(state[b, i], start[b], origin[b], bin_size[b], shape[b])
            walls, _ = sense_obstacles(
                state[b, i],
                body[b, i],
                others[i, N_REACH],
                obstacles[b],
                items[b],
                first,
                last,
                things,
                order,
            )
            observe(
                kind[b, i], state[b, i], body[b, i], waypoint[b, i], remaining[b, i], neighbours, near, things, walls,
                last_action[b, i], ego[b, i], edges[b, i], mask[b, i],
            )  # fmt: skip
