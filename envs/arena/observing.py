"""What all robots of many worlds observe, and what they remember (numba, parallel)."""

from __future__ import annotations

import math

from numba import njit, prange

from envs.arena.geometry_store import Geometry, geometry_of
from envs.arena.kernels import Desk, Robots, describe_world, desk_for, robots_of, sense_around, uncounted
from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.sense.neighbours import N_ID
from swarm.tune.memory import remember
from swarm.tune.observation import Observation, observe


@uncounted
def ways_left(state: Array, goal: Array, ways: Array) -> None:
    """Write the distances ``float64[B, N]`` [m] of robots ``[B, N, 5]`` from their goals ``[B, N, 2]``."""
    for b in range(ways.shape[0]):
        for i in range(ways.shape[1]):
            dx, dy = goal[b, i, 0] - state[b, i, 0], goal[b, i, 1] - state[b, i, 1]
            ways[b, i] = math.sqrt(dx * dx + dy * dy)


@uncounted
def head_for_goals(moved: Flags, state: Array, goal: Array, waypoint: Array, remaining: Array) -> None:
    """In the worlds ``bool[B]`` that moved: straight to the goals; waypoints and what is left of the ways."""
    for b in range(remaining.shape[0]):
        if moved[b]:
            ways_left(state[b : b + 1], goal[b : b + 1], remaining[b : b + 1])
            for i in range(remaining.shape[1]):
                waypoint[b, i, 0], waypoint[b, i, 1] = goal[b, i, 0], goal[b, i, 1]


@uncounted
def remember_worlds(moved: Flags, body: Array, remaining: Array, memory: Array) -> None:
    """Update the memories ``float64[B, N, 2]`` in the worlds ``bool[B]`` that moved; ``remaining``: ``[B, N]`` [m]."""
    for b in range(remaining.shape[0]):
        if moved[b]:
            for i in range(remaining.shape[1]):
                remember(body[b, i], remaining[b, i], memory[b, i])


@uncounted
def _observe_robots(
    robots: Robots, geometry: Geometry, views: Array, seen: Observation, sender: Int32s, told: bool, desk: Desk
) -> None:
    """``observe_worlds`` for one world that is described, on a desk."""
    for i in range(len(robots.kind)):
        around = sense_around(i, robots, views[min(i, len(views) - 1)], geometry, desk)
        one = Observation(seen.ego[i], seen.edges[i], seen.mask[i])
        observe(
            robots.kind[i], robots.state[i], robots.body[i], i, robots.waypoint[i], robots.remaining[i], around,
            robots.memory[i], robots.last_action[i], one,
        )  # fmt: skip
        for k in range(sender.shape[1]):
            heard = told and k < around.num_neighbours
            sender[i, k] = int(around.neighbours[k, N_ID]) if heard else -1


@njit(cache=True)
def _observe_world(
    b: int, robots: Robots, geometry: Geometry, slots: Int64s, views: Array, told: Flags, seen: Observation,
    sender: Int32s,
) -> None:  # fmt: skip
    """``observe_worlds`` for world ``b``."""
    here, walls = robots_of(robots, b), geometry_of(geometry, b)
    if len(views[b]) == 1:
        describe_world(here, views[b, 0])
    one = Observation(seen.ego[b], seen.edges[b], seen.mask[b])
    _observe_robots(here, walls, views[b], one, sender[b], told[b], desk_for(slots))


@njit(cache=True, parallel=True)
def observe_worlds(
    which: Int64s, robots: Robots, geometry: Geometry, slots: Int64s, views: Array, told: Flags, seen: Observation,
    sender: Int32s,
) -> None:  # fmt: skip
    """Sense and observe, for some of B worlds of N robots.

    Args:
        which: ``int64[n]``, their numbers.
        robots: As in ``step_worlds``.
        geometry: What stands still.
        slots: Most robots and most obstacles in a neighbourhood.
        views: ``float64[B, N, N, NEIGHBOUR]``, all robots as each robot takes them; or ``float64[B, 1, N, NEIGHBOUR]``,
            written: as they are, for all.
        told: ``bool[B]``, whether the robots of a world have told each other anything yet.
        seen: Written, arrays with leading dimensions [B, N].
        sender: ``int32[B, N, P]``, written.
    """
    for k in prange(len(which)):
        _observe_world(which[k], robots, geometry, slots, views, told, seen, sender)


@njit(cache=True)
def observe_in_turn(
    which: Int64s, robots: Robots, geometry: Geometry, slots: Int64s, views: Array, told: Flags, seen: Observation,
    sender: Int32s,
) -> None:  # fmt: skip
    """``observe_worlds`` in one thread."""
    for k in range(len(which)):
        _observe_world(which[k], robots, geometry, slots, views, told, seen, sender)
