"""What all robots of many worlds observe, and what they remember (numba, parallel)."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numba import njit, prange

from envs.arena.stepping.desk import Desk, desk_for
from envs.arena.stepping.geometry_store import Geometry, geometry_of
from envs.arena.stepping.robots import Robots, Sensed, robots_of, sensed_of
from envs.arena.stepping.sensing import describe_world, search_around
from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.dynamics import STATE
from swarm.sense.neighbours import N_ID
from swarm.tune.memory import remember
from swarm.tune.observation import EDGE, EGO, Observation, observe

# The present observation, the one before, and one to write.
_KEPT_PAGES = 3


class Pages:
    """Memory for observations ``[B, N, ...]``, used again as soon as nobody holds any of it.

    Asking the system for fresh pages at every step takes longer than to fill them. A caller may keep an observation as
    long as it likes: what it holds, be it a view or a tensor on the same memory, is counted by Python, and not written.

    Args:
        shape: B and N.
        edges: Slots of an observation.
    """

    def __init__(self, shape: tuple[int, int], edges: int) -> None:
        self._shape, self._edges = shape, edges
        self._kept: list[tuple[Observation, int]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Pages, (self._shape, self._edges)

    def take(self) -> Observation:
        """An observation with any content that nobody else holds."""
        for kept, alone in self._kept:
            if _holders(kept) == alone:
                return Observation(*kept)  # another tuple: who holds the arrays holds that one
        shape, edges = self._shape, self._edges
        fresh = Observation(
            np.empty((*shape, EGO), np.float32), np.empty((*shape, edges, EDGE), np.float32),
            np.empty((*shape, edges), np.bool_), np.empty((*shape, edges), np.int32),
        )  # fmt: skip
        self._kept = [*self._kept[-_KEPT_PAGES + 1 :], (fresh, _holders(fresh))]
        return Observation(*fresh)


def _holders(observation: Observation) -> int:
    """How many references there are to the arrays, those of this very call included."""
    return sum(sys.getrefcount(array) for array in observation)


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


@inlined
def _observe_world(
    b: int, robots: Robots, geometry: Geometry, sensed: Sensed, views: Array, told: Flags, seen: Observation,
    sender: Int32s, desk: Desk,
) -> None:  # fmt: skip
    """``observe_worlds`` for world ``b``, on a desk."""
    here, walls, view = robots_of(robots, b), geometry_of(geometry, b), views[b]
    found, exact = sensed_of(sensed, b), len(view) == 1
    if exact:
        describe_world(here, view[0])
        for i in range(len(here.kind)):
            for k in range(STATE):
                found.state[i, k] = here.state[i, k]
    for i in range(len(here.kind)):
        around = search_around(i, here, view[min(i, len(view) - 1)], desk.shapes[0], walls, desk, found.note[i])
        one = Observation(seen.ego[b, i], seen.edges[b, i], seen.mask[b, i])
        observe(
            here.kind[i], here.state[i], here.body[i], i, here.waypoint[i], here.remaining[i], around, here.memory[i],
            here.last_action[i], one,
        )  # fmt: skip
        sender[b, i, :] = -1
        for k in range(around.num_neighbours if told[b] else 0):
            sender[b, i, k] = int(around.neighbours[k, N_ID])


@njit(cache=True)
def observe_some(
    which: Int64s, robots: Robots, geometry: Geometry, sensed: Sensed, slots: Int64s, views: Array, told: Flags,
    seen: Observation, sender: Int32s,
) -> None:  # fmt: skip
    """``observe_worlds``, one after the other."""
    desk = desk_for(robots.kind.shape[1], slots, 0)
    for k in range(len(which)):
        _observe_world(which[k], robots, geometry, sensed, views, told, seen, sender, desk)


@njit(cache=True, parallel=True)
def observe_worlds(
    parts: int, which: Int64s, robots: Robots, geometry: Geometry, sensed: Sensed, slots: Int64s, views: Array,
    told: Flags, seen: Observation, sender: Int32s,
) -> None:  # fmt: skip
    """Sense and observe, for some of B worlds of N robots.

    Args:
        parts: Into so many parts the worlds are divided, one for a thread.
        which: ``int64[n]``, their numbers.
        robots: As in ``step_worlds``.
        geometry: What stands still.
        sensed: Written: what they find.
        slots: Most robots and most obstacles in a neighbourhood.
        views: ``float64[B, N, N, NEIGHBOUR]``, all robots as each robot takes them; or ``float64[B, 1, N, NEIGHBOUR]``,
            written: as they are, for all.
        told: ``bool[B]``, whether the robots of a world have told each other anything yet.
        seen: Written, arrays with leading dimensions [B, N].
        sender: ``int32[B, N, P]``, written.
    """
    count = len(which)
    for k in prange(parts):
        some = which[count * k // parts : count * (k + 1) // parts]
        observe_some(some, robots, geometry, sensed, slots, views, told, seen, sender)
