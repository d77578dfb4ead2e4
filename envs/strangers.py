"""Strangers in simulated worlds (robots with ``ignores: true``): how others see them, and contacts with them.

A contact counts once, when it begins, as one with a robot that stands; and once as one with a robot that moves, if the
robot moves at any instant of it.
"""

from __future__ import annotations

import math

from swarm.array_types import Array, Int8s, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.body import PERIOD, RADIUS, YIELDS
from swarm.model.strangers import STANDS, longest_rest
from swarm.sense.neighbours import N_ERROR, count_on

TOUCH = -1e-9
"""A gap below this [m] counts as a collision: rounding is 1e-15 times the coordinates."""
MOVING, STANDING = range(2)
"""Columns of contacts."""


@inlined
def has_strangers(body: Array) -> bool:
    """Whether anybody of a world ``float64[N, BODY]`` ignores everybody."""
    found = False
    for i in range(len(body)):
        found = found or body[i, YIELDS] < 0.0
    return found


@inlined
def mark_strangers(kind: Int64s, body: Array, declared: Array, others: Array) -> None:
    """Make strangers of those who ignore everybody, where all are seen as they are, now.

    Args:
        kind: ``int64[N]``.
        body: ``float64[N, BODY]``.
        declared: ``float64[STRANGERS]``.
        others: ``float64[N, NEIGHBOUR]``, their columns; those of strangers are changed.
    """
    if not has_strangers(body):
        return
    time = _longest(kind, body)
    for j in range(len(body)):
        if body[j, YIELDS] < 0.0:
            others[j, N_ERROR] = 0.0
            count_on(others[j], declared, 0.0, time)


@uncounted
def _longest(kind: Int64s, body: Array) -> float:
    """A period, and for how long [s] any of a world's robots may then still move."""
    time = 0.0
    for i in range(len(body)):
        if body[i, YIELDS] >= 0.0:
            time = max(time, body[i, PERIOD] + longest_rest(kind[i], body[i]))
    return time


@uncounted
def meet_world(at: Array, body: Array, contacts: Int64s, touching: Int8s) -> None:
    """Count the contacts of one world's robots with strangers at an instant.

    Args:
        at: ``float64[N, 5]``, states.
        body: ``float64[N, BODY]``.
        contacts: ``int64[2]``, added to: with a robot that moves, and with one that stands.
        touching: ``int8[N, N]``, of a stranger (second axis) with a robot: 0 none, 1 counted as standing, 2 moving.
    """
    for j in range(len(at)):
        if body[j, YIELDS] >= 0.0:
            continue
        for i in range(len(at)):
            if body[i, YIELDS] < 0.0:
                continue
            gap = math.hypot(at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]) - body[i, RADIUS] - body[j, RADIUS]
            if gap >= TOUCH:
                touching[i, j] = 0
            elif math.hypot(at[i, 3], at[i, 4]) >= STANDS:
                contacts[MOVING] += touching[i, j] < 2
                touching[i, j] = 2
            elif touching[i, j] == 0:
                contacts[STANDING] += 1
                touching[i, j] = 1
