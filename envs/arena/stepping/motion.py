"""How the bodies of one world move in a period, and how near they come to each other and to what stands still."""

from __future__ import annotations

import math

import numpy as np

from envs.arena.stepping.geometry_store import Geometry
from envs.arena.stepping.robots import Robots
from envs.arena.stepping.second_order import ramp_world
from envs.arena.stepping.sensing import candidates
from envs.strangers import TOUCH, has_strangers, meet_world
from swarm.array_types import Array, Flags, Int8s, Int64s
from swarm.filter.shapes.gaps import gap_between, gap_to_obstacle
from swarm.kernel_cache.references import inlined
from swarm.model import dynamics
from swarm.model.body import RADIUS, YIELDS
from swarm.model.geometry import extents, to_obstacle
from swarm.model.shapes import place_corners
from swarm.scenario.obstacle_index import ONE_BIN


@inlined
def _find_nearest(at: Array, body: Array, nearest: Array) -> None:
    """Write which robot is nearest to each as a disc, and the gap [m]; -1 and inf: none (``gaps``)."""
    for i in range(len(at)):
        nearest[i, 0], nearest[i, 1] = math.inf, -1
        for j in range(i if body[i, YIELDS] >= 0.0 else 0):
            dx, dy = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
            gap = math.sqrt(dx * dx + dy * dy) - body[i, RADIUS] - body[j, RADIUS]
            if body[j, YIELDS] >= 0.0:
                if gap < nearest[i, 0]:
                    nearest[i, 0], nearest[i, 1] = gap, j
                if gap < nearest[j, 0]:
                    nearest[j, 0], nearest[j, 1] = gap, i


@inlined
def gaps(
    at: Array, body: Array, geometry: Geometry, footprint: Array, corners: Array, nearest: Array, clearance: Array
) -> None:  # fmt: skip
    """Lower ``clearance`` (N,) of one world to each robot's gap to the nearest robot or obstacle [m].

    Who ignores everybody is none of these robots: contacts with them count apart (``envs.strangers``). ``corners``
    (N, V, 2) of ``footprint`` (N, V, 2) are written: where polygons are. Of many obstacles, those count that are near.
    Polygons are compared first with those that are nearest as discs (``nearest`` (N, 2), written): then few others have
    to be looked at.
    """
    shaped = footprint.shape[1] > 0
    for i in range(len(at) if shaped else 0):
        place_corners(at[i, 0], at[i, 1], at[i, 2], footprint[i], corners[i])
    obstacles, items, all_count = geometry.obstacles, geometry.items, geometry.count <= ONE_BIN
    if shaped:
        _find_nearest(at, body, nearest)
    for turn in range(0 if shaped else 1, 2):
        for i in range(len(at)):
            for j in range(i):
                if shaped and (nearest[i, 1] == j or nearest[j, 1] == i) != (turn == 0):
                    continue
                dx, dy = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
                both = body[i, RADIUS] + body[j, RADIUS]
                square, least = dx * dx + dy * dy, max(max(clearance[i], clearance[j]) + both, 0.0)
                if square < least * least and body[i, YIELDS] >= 0.0 and body[j, YIELDS] >= 0.0:
                    gap = gap_between(at, body, footprint, corners, i, j) if shaped else math.sqrt(square) - both
                    clearance[i], clearance[j] = min(clearance[i], gap), min(clearance[j], gap)
    for i in range(len(at)):
        first, last = (0, geometry.count) if all_count else candidates(at[i], geometry)
        for index in range(first, last):
            thing = obstacles[index if all_count else items[index]]
            half_x, half_y = extents(thing)
            beside = max(abs(at[i, 0] - thing[0]) - half_x, abs(at[i, 1] - thing[1]) - half_y)
            if beside - thing[4] - body[i, RADIUS] < clearance[i]:
                gap = to_obstacle(at[i, 0], at[i, 1], thing)[0] - body[i, RADIUS]
                if shaped and gap < clearance[i]:
                    gap = gap_to_obstacle(at, body, footprint, corners, i, thing)
                clearance[i] = min(clearance[i], gap)


@inlined
def move_world(
    robots: Robots, control: Array, period: float, geometry: Geometry, checks: int, clearance: Array, at: Array,
    corners: Array, nearest: Array, contacts: Int64s, touching: Int8s,
) -> None:  # fmt: skip
    """The second part of ``step_worlds``, for one world; ``at``, ``corners``, ``nearest``: see the desk."""
    strange = has_strangers(robots.body)
    clearance[:] = np.inf
    for check in range(1, checks + 1):
        for i in range(len(robots.kind)):
            dynamics.step(robots.kind[i], robots.state[i], control[i], period * check / checks, at[i])
        ramp_world(robots.state, robots.body, robots.trail, control, check, checks, period, at)
        gaps(at, robots.body, geometry, robots.footprint, corners, nearest, clearance)
        if strange:
            meet_world(at, robots.body, contacts, touching)
    for i in range(len(robots.kind)):
        for k in range(dynamics.STATE):
            robots.state[i, k] = at[i, k]


@inlined
def count_world(outcome: Int64s, clearance: Array, outcomes: Int64s, min_clearance: Array, collided: Flags) -> None:
    """The third part of ``step_worlds``, for one world: outcomes and gaps of the episode so far."""
    for i in range(len(outcome)):
        outcomes[outcome[i]] += 1
        min_clearance[i] = min(min_clearance[i], clearance[i])
        collided[i] |= clearance[i] < TOUCH
