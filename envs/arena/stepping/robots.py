"""The arrays of many worlds' robots as kernels take them, and those of one world."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from swarm.array_types import Array, Flags, Int8s, Int32s, Int64s
from swarm.kernel_cache.references import inlined
from swarm.model.dynamics import STATE


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


class Sensed(NamedTuple):
    """What the robots of B worlds that are exact found around them when they looked last; of one world the same.

    Whoever looks again and nobody has moved (``state``) finds the same, and need not search.

    Attributes:
        state: ``float64[B, N, 5]``, where they were; NaN: nobody has looked.
        rows: ``float64[B, 1, N, NEIGHBOUR]``, how all looked to all.
        note: ``int32[B, N, FOUND + K + M]``: how many robots, how many obstacles, whether one had to be left out, then
            which robots and which obstacles, nearest first.
    """

    state: Array
    rows: Array
    note: Int32s


FOUND = 3


@njit(cache=True, inline="always")
def sensed_of(worlds: Sensed, b: int) -> Sensed:
    """What was sensed in world ``b``."""
    return Sensed(worlds.state[b], worlds.rows[b], worlds.note[b])


@inlined
def nobody_moved(state: Array, sensed: Sensed) -> bool:
    """Whether the robots ``[N, 5]`` of one world are where they were when they looked last."""
    same = True
    for i in range(len(state)):
        for k in range(STATE):
            same = same and state[i, k] == sensed.state[i, k]
    return same


@njit(cache=True, inline="always")
def robots_of(worlds: Robots, b: int) -> Robots:
    """The robots of world ``b``."""
    return Robots(
        worlds.kind[b], worlds.state[b], worlds.body[b], worlds.waypoint[b], worlds.remaining[b], worlds.told[b],
        worlds.memory[b], worlds.last_action[b], worlds.wanted[b], worlds.trail[b], worlds.strangers[b],
        worlds.agreed[b], worlds.footprint[b],
    )  # fmt: skip
