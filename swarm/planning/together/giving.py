"""What a robot of many does for others in one period: makes way for them, or backs off (kernels).

As ``swarm.planning.passages.giving_way`` and ``crowd`` have it, for robots that turn at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.planning.passages.aside.heeded import around_pushers, who_crosses
from swarm.planning.passages.crowd import SLOW, TOUCHING
from swarm.planning.passages.errand import ARRIVED, CROWD_UNTIL, FOR, IS_ARRIVED, LEFT, NEARER, STUCK, UNTIL
from swarm.planning.passages.giving_way import BESIDE, THERE
from swarm.planning.passages.holding import DT, SPEED, Leg
from swarm.planning.passages.pushers import compared_by, next_of, pushing
from swarm.planning.passages.right_of_way import (
    T_HELD,
    T_INHERITED,
    T_LEAVING,
    T_ROBOT,
    Own,
    goes_first,
    has,
    inherited_from,
    listed,
    rank_of,
)
from swarm.planning.passages.search import slices_along, way_aside
from swarm.planning.passages.slices import label_at
from swarm.planning.pibt.priority_inheritance import id_of_key
from swarm.planning.roadmap.occupancy import whole
from swarm.planning.silent import place_among
from swarm.planning.together.tables import MARGIN, MOST_GIVEN, NO_KEY, RADIUS, SPINS, Decided, Ground, Heeded, Known
from swarm.sense.neighbours import N_ID, N_RADIUS, N_VX, N_VY, N_X, N_Y

_SURELY = 1.0 + 1e-9  # Whether two are near is decided elsewhere, by other roundings.


@njit(cache=True)
def leg_along(ground: Ground, path: Array) -> Leg:
    """``Route.leg`` along a way that ends where the robot goes."""
    grid = (ground.cut.labels, ground.cut.origin, ground.cut.resolution)
    numbers, steps, order, firsts, ahead, distance = slices_along(*grid, ground.length, path)
    target, left = np.full(2, np.nan), steps[-1]
    return Leg(path, numbers, steps, order, firsts, target, left, order[:ahead], distance)


@njit(cache=True)
def give_way(
    i: int, ground: Ground, parts: Any, known: Known, heeded: Heeded, leg: Leg, own: Own, waits: bool, found: Decided,
    flags: Flags,
) -> tuple[bool, Array]:  # fmt: skip
    """``PassagePlanner._make_way`` of who turns at once: whether it is calm, and the way aside; none: for nobody."""
    near = heeded.near[heeded.near_first[i] : heeded.near_first[i + 1]]
    who, ids = heeded.who[heeded.first[i] : heeded.first[i + 1]], heeded.ids[heeded.first[i] : heeded.first[i + 1]]
    position, radius, arrived = heeded.state[i, :2], known.body[i, RADIUS], known.numbers[i, IS_ARRIVED] > 0.0
    crossed, none = np.empty(0, np.int64), np.empty((0, 2))
    before, let_out = listed(known.gave[i], 0), listed(known.let_out[i], 0)
    if arrived or waits or len(before) > 0:
        stands = leg.path if arrived else _stands(position, leg, own.held, len(before) > 0)
        told, me = (heeded.rows, who, ids), (radius, known.body[i, MARGIN])
        crossed = who_crosses(ground.scratch, ground.cut, flags, stands, near, *told, *me, *parts)
    some = (let_out, before, crossed, near, position, radius)
    pushers = pushing(heeded.rows, who, ids, flags, own.held, own.ahead, own.told, arrived, waits, *some)
    found.gave[i, 0] = found.let_out[i, 0] = 0
    if len(pushers) == 0:
        found.aside[i] = np.nan
        return True, none
    if known.body[i, SPINS] > 0.0 or len(pushers) > MOST_GIVEN:
        return False, none
    for k in range(len(pushers)):
        pushers[k] = who[place_among(ids, pushers[k])]
    aside = _aside_of(ground, parts, heeded.rows, who, pushers, near, own.held, position, known.body[i], known.aside[i])
    if len(aside) == 0:
        return False, none
    found.aside[i] = aside[-1]
    for k in pushers:
        robot = heeded.rows[k, T_ROBOT]
        append(found.gave[i], robot)
        if heeded.rows[k, T_LEAVING] > 0 or has(let_out, robot):
            append(found.let_out[i], robot)
    found.inherited[i] = inherited_from(heeded.rows[pushers, T_INHERITED]) if len(aside) > THERE else NO_KEY
    return True, aside


@njit(cache=True)
def _stands(position: Array, leg: Leg, held: Int64s, goes_back: bool) -> Array:
    """``PassagePlanner._stands`` of who has not arrived; ``goes_back``: whether it makes way."""
    found, count = np.empty((len(leg.path) + 1, 2)), 1
    found[0, 0], found[0, 1] = position[0], position[1]
    for k in range(len(leg.path) if goes_back else 0):
        if has(held, leg.numbers[k]):
            found[count, 0], found[count, 1], count = leg.path[k, 0], leg.path[k, 1], count + 1
    return found[:count]


@njit(cache=True)
def _aside_of(
    ground: Ground, parts: Any, rows: Int64s, who: Int64s, pushers: Int64s, near: Array, held: Int64s,
    position: Array, body: Array, kept: Array,
) -> Array:  # fmt: skip
    """``Aside.find``: the way, float64[n, 2] [m]; none: there is none."""
    me = (position, body[RADIUS], body[MARGIN])
    wall, crowd, off, rooms, closed, theirs, taken = around_pushers(
        ground.scratch, ground.cut, near, rows, who, pushers, held, *me, *parts
    )  # fmt: skip
    roadmap, labels = whole(parts), ground.cut.labels
    blocked, scratch, limit = np.concatenate((wall, crowd)), ground.scratch, len(rooms)
    found, limit = way_aside(
        scratch, roadmap, labels, position, taken, closed, off, blocked, crowd, rooms, limit, kept
    )  # fmt: skip
    if limit > 0:
        way, limit = way_aside(
            scratch, roadmap, labels, position, taken, theirs, off, wall, crowd, rooms, limit, kept
        )  # fmt: skip
        found = way if len(way) > 0 else found
    return np.concatenate((found, found[-1:]))


@uncounted
def append(numbers: Int64s, number: int) -> None:
    """Add a number to some, int64[n], of which the first tells how many there are."""
    numbers[0] += 1
    numbers[numbers[0]] = number


@uncounted
def backs_not_off(
    i: int, ground: Ground, known: Known, heeded: Heeded, own: Own, waits: bool, arrived: bool, gives: bool
) -> bool:  # fmt: skip
    """``BackingOff.place`` and ``Crowd.place`` where nobody is near for whose sake the robot would: whether that is so.

    How near is told by other roundings there: so that somebody is, is said here a trace too early.
    """
    numbers, tick, position = known.numbers[i], heeded.tick, heeded.state[i, :2]
    here = label_at(ground.cut.labels, ground.cut.origin, ground.cut.resolution, position[0], position[1])
    if waits or tick < numbers[UNTIL]:
        following, place = next_of(own.held, own.ahead), -1
        ids = heeded.ids[heeded.first[i] : heeded.first[i + 1]]
        if numbers[FOR] >= 0:
            place = place_among(ids, numbers[FOR])
        if place < 0 or not has(listed(heeded.rows[heeded.who[heeded.first[i] + place]], T_HELD), following):
            numbers[UNTIL] = -1.0
        inside = here != 0 and has(own.held, here)
        if inside and tick >= numbers[UNTIL] and waits and _meets(i, known, heeded, own, arrived, BESIDE, True):
            return False
    if gives or len(own.held) > 0 or here > 0 or tick < numbers[CROWD_UNTIL]:
        return True
    ends = numbers[LEFT] <= ARRIVED * known.body[i, RADIUS]
    gets_on = ends or (tick - numbers[NEARER]) * known.pace[i, DT] <= STUCK
    numbers[CROWD_UNTIL] = tick
    return gets_on or not _meets(i, known, heeded, own, arrived, TOUCHING, False)


@uncounted
def _meets(i: int, known: Known, heeded: Heeded, own: Own, arrived: bool, sums: float, lets_in: bool) -> bool:
    """Whether anybody about so near, in sums of radii and margins, lets the robot in, or goes first and hardly moves.

    Args:
        i: The robot.
        known: As of ``plan_some``.
        heeded: The same.
        own: What the others know of it.
        arrived: Whether it has been at its goal.
        sums: So near.
        lets_in: Whether only those count who let it in.
    """
    body, position, following = known.body[i], heeded.state[i, :2], next_of(own.held, own.ahead)
    ids, mine = heeded.ids[heeded.first[i] : heeded.first[i + 1]], own.told[T_INHERITED]
    slow = SLOW * known.pace[i, SPEED] * _SURELY
    for j in range(heeded.near_first[i], heeded.near_first[i + 1]):
        row = heeded.near[j]
        place = place_among(ids, row[N_ID])
        away = math.hypot(row[N_X] - position[0], row[N_Y] - position[1])
        both = row[N_RADIUS] + body[RADIUS] + 2.0 * body[MARGIN]
        if place < 0 or away >= sums * both * _SURELY:
            continue
        other = heeded.rows[heeded.who[heeded.first[i] + place]]
        if other[T_INHERITED] < 0:
            continue
        let_in = has(listed(other, T_HELD), following) and id_of_key(other[T_INHERITED]) == id_of_key(mine)
        if lets_in:
            if let_in and mine >= 0:
                return True
        elif math.hypot(row[N_VX], row[N_VY]) < slow and (
            let_in or goes_first(rank_of(other), compared_by(own.told, arrived))
        ):
            return True
    return False
