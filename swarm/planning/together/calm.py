"""One period of the planner for passages, for all robots of a process that need nothing but its kernels.

Mostly a robot drives on along the way that it knows, waits, claims a slice, takes it or gives it back. These are
kernels (``swarm.planning.passages``), and here one of them calls all others, in the order of ``PassagePlanner.plan``.
Whoever backs off, looks for a way, finds no place out of the way of others or meets one who says nothing is not calm:
it plans by itself. Nothing is kept of what has been looked at for it here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.planning.passages.errand import (
    ABOUT,
    ARRIVED,
    BEGUN,
    COUNT,
    DOOR,
    DUE,
    FORGETS,
    GOAL,
    HEARD,
    IDLE,
    IS_ARRIVED,
    LEAST,
    LEAVING,
    LEFT,
    MOVED,
    NEARER,
    NEARLY,
    PASSED,
    PASSES,
    PLACE,
    SIGHT,
    SINCE,
    who_passes,
)
from swarm.planning.passages.holding import DT, SPEED, Leg, going_on
from swarm.planning.passages.planner import CREEPS, DRAWN, FAR, NEAR, STANDS
from swarm.planning.passages.pushers import is_any_opposed
from swarm.planning.passages.right_of_way import (
    T_CLAIM,
    Own,
    first_of_key,
    has,
    listed,
    may_enter,
    may_take,
    waiting_order,
)
from swarm.planning.passages.route import BEFORE, POINTS, aim_along
from swarm.planning.passages.search import leg_ahead
from swarm.planning.passages.slices import label_at
from swarm.planning.pibt.priority_inheritance import pack_key
from swarm.planning.roadmap.shut_in import MOVES, PATIENCE
from swarm.planning.roadmap.waypoints import W_CELL, WAY, Field
from swarm.planning.roadmap.yielding import yield_aside
from swarm.planning.silent import look
from swarm.planning.together.address import reals_at
from swarm.planning.together.giving import append, backs_not_off, give_way, leg_along
from swarm.planning.together.tables import (
    LONGEST,
    MARGIN,
    MOST_NEW,
    MOST_THERE,
    RADIUS,
    SPINS,
    WATCHES,
    Decided,
    Ground,
    Heeded,
    Known,
)

waiting: Any = inlined(waiting_order)


@njit(cache=True, nogil=True)
def plan_some(
    begin: int, end: int, ground: Ground, parts: Any, known: Known, heeded: Heeded, found: Decided
) -> None:  # fmt: skip
    """Plan for those robots from ``begin`` to before ``end`` that are asked; write who of them is calm.

    Args:
        begin: The first.
        end: Behind the last.
        ground: Where they are.
        parts: Of their roadmap (``swarm.planning.roadmap.occupancy.flat``).
        known: What each remembers, written.
        heeded: What each sees and hears.
        found: What each decides, written.
    """
    flags = np.zeros(len(ground.doors), np.bool_)
    for i in range(begin, end):
        if found.asked[i]:
            found.calm[i] = _is_calm(i, ground, parts, known, heeded, found, flags)


@njit(cache=True)
def _is_calm(
    i: int, ground: Ground, parts: Any, known: Known, heeded: Heeded, found: Decided, flags: Flags
) -> bool:  # fmt: skip
    """Plan for one robot; whether it is calm."""
    body, numbers, position = known.body[i], known.numbers[i], heeded.state[i, :2]
    near = heeded.near[heeded.near_first[i] : heeded.near_first[i + 1]]
    who, ids = heeded.who[heeded.first[i] : heeded.first[i + 1]], heeded.ids[heeded.first[i] : heeded.first[i + 1]]
    far, all_heard = look(near, heeded.state[i], ids)
    same_goal = heeded.goal[i, 0] == numbers[GOAL] and heeded.goal[i, 1] == numbers[GOAL + 1]
    if not (all_heard and same_goal):
        return False
    numbers[SIGHT] = max(numbers[SIGHT], far)
    held, told = _taken(i, ground, known, heeded, who), known.told[i]
    away_x, away_y = position[0] - numbers[PLACE], position[1] - numbers[PLACE + 1]
    if math.sqrt(away_x * away_x + away_y * away_y) > MOVES * body[RADIUS]:
        numbers[PLACE], numbers[PLACE + 1], numbers[MOVED] = position[0], position[1], heeded.tick
    waits = (heeded.tick - numbers[MOVED]) * known.pace[i, DT] > PATIENCE
    leg = _leg_of(i, ground, parts, known, position, found)
    if not 0.0 <= leg.left < np.inf:
        return False
    _note_left(numbers, body, known.pace[i], heeded.tick, leg.left, waits)
    arrived = numbers[IS_ARRIVED] > 0.0
    if not _note_passed(i, ground, known, heeded, leg, len(held) == 0 and not arrived, found):
        return False
    own = Own(held, leg.ahead, told)
    calm, aside = give_way(i, ground, parts, known, heeded, leg, own, waits, found, flags)
    if not calm:
        return False
    gives, taken = len(aside) > 0, leg
    if gives:
        taken = leg_along(ground, aside)
        own = Own(held, taken.ahead, told)
    if not gives and arrived and len(leg.ahead) == 0 and _steps_aside(ground, body, position, heeded.goal[i], near):
        return False
    if not backs_not_off(i, ground, known, heeded, own, waits, arrived, gives):
        return False
    later = leg if gives and len(taken.ahead) == 0 else taken
    _go_on(i, ground, known, heeded, own, taken, later, gives, arrived, found)
    return _drive(i, ground, parts, known, heeded, taken, waits, arrived, gives, found, flags)


@njit(cache=True)
def _taken(i: int, ground: Ground, known: Known, heeded: Heeded, who: Int64s) -> Int64s:
    """``Holding.take``: what it holds, int64[n]."""
    count, told, rows = known.held[i, 0], known.told[i], heeded.rows
    held = np.empty(count + 1, np.int64)
    held[:count] = known.held[i, 1 : count + 1]
    claim = told[T_CLAIM]
    if claim > 0 and may_take(claim, told, rows, who) and may_enter(claim, told, rows, who, ground.lanes):
        held[count], count = claim, count + 1
    return held[:count]


@njit(cache=True)
def _leg_of(i: int, ground: Ground, parts: Any, known: Known, position: Array, found: Decided) -> Leg:
    """``Route.leg_to`` along the way that is known, its ``left`` negative if that is not enough; notes its cells."""
    part, cells = known.field[i], reals_at(known.cells[i, 0], (known.cells[i, 1], WAY))
    values = reals_at(part[0], (part[1], part[2]))
    field = Field(values, part[3], part[4], known.limit[i], part[5], part[6])
    goal = known.numbers[i, GOAL : GOAL + 2]
    left, target, now, path, along = leg_ahead(
        ground.cut.labels, ground.length, field, cells, position, goal, POINTS, *parts
    )  # fmt: skip
    numbers, steps, order, firsts, ahead, distance = along
    more = len(now) - len(cells)
    new, drop = 0, max(-more, 0)
    if more <= 0 and (len(now) == 0 or cells[drop, W_CELL] != now[0, W_CELL]):
        left = -1.0
    if more > 0:  # cells before those that were known
        while drop < len(cells) and cells[drop, W_CELL] != now[drop + more, W_CELL]:
            drop += 1
        new = drop + more
        if new > MOST_NEW or drop == len(cells):
            left = -1.0
        else:
            found.new[i, :new] = now[:new]
    found.num_new[i], found.dropped[i] = new, drop
    return Leg(path, numbers, steps, order, firsts, target, left, order[:ahead], distance)


@inlined
def _note_left(numbers: Array, body: Array, pace: Array, tick: int, left: float, waits: bool) -> None:
    """``Errand.note_left``."""
    radius = body[RADIUS]
    numbers[LEFT] = left
    if left < numbers[LEAST] - MOVES * radius or tick - numbers[NEARER] > FORGETS / pace[DT]:
        numbers[LEAST], numbers[NEARER] = left, tick
    if left <= ARRIVED * radius or (waits and left <= NEARLY * radius):
        numbers[IS_ARRIVED] = 1.0


@njit(cache=True)
def _note_passed(
    i: int, ground: Ground, known: Known, heeded: Heeded, leg: Leg, waits: bool, found: Decided
) -> bool:  # fmt: skip
    """``Passed.is_due``: write whether it is; whether there is room to remember all who were there before it."""
    body, numbers, pace, there, door = known.body[i], known.numbers[i], known.pace[i], found.there[i], 0
    there[:], numbers[DUE], near, tick = known.there[i], 0.0, body[WATCHES], heeded.tick
    if waits and len(leg.ahead) > 0 and leg.distance <= ABOUT * ground.length:
        lane = ground.lanes.number[leg.ahead[0]]
        door = lane if lane != 0 else -leg.ahead[0]
        if leg.distance > near and door != numbers[DOOR]:
            door = 0
    anew = door != numbers[DOOR] or (numbers[COUNT] >= PASSES and tick - numbers[PASSED] > body[LONGEST])
    if anew:
        numbers[DOOR], numbers[BEGUN], numbers[COUNT], there[0] = door, tick, 0.0, 0
    if door == 0:
        return True
    who = heeded.who[heeded.first[i] : heeded.first[i + 1]]
    before = heeded.who_before[heeded.first_before[i] : heeded.first_before[i + 1]]
    waiting, goes_in = who_passes(
        heeded.rows, who, heeded.rows_before, before, leg.ahead, ground.doors, pace[SPEED] * pace[DT], near, anew,
        tick - numbers[BEGUN] <= HEARD,
    )  # fmt: skip
    for robot in waiting:
        if not has(listed(there, 0), robot):
            if there[0] == MOST_THERE:
                return False
            append(there, robot)
    for robot in goes_in:
        if has(listed(there, 0), robot):
            _remove(there, robot)
            continue
        numbers[COUNT] += 1.0
        if numbers[COUNT] == PASSES:
            numbers[PASSED] = tick
    numbers[DUE] = 1.0 if numbers[COUNT] >= PASSES else 0.0
    return True


@uncounted
def _remove(numbers: Int64s, number: int) -> None:
    """Remove a number from some, int64[n], of which the first tells how many there are; their order changes."""
    for k in range(1, numbers[0] + 1):
        if numbers[k] == number:
            numbers[k] = numbers[numbers[0]]
            numbers[0] -= 1
            break


@njit(cache=True)
def _steps_aside(ground: Ground, body: Array, position: Array, goal: Array, near: Array) -> bool:
    """Whether ``PassagePlanner._beside_goal`` leads somewhere else."""
    there = yield_aside(position, body[RADIUS], body[MARGIN], goal, near, -1)
    if not np.isfinite(there).all():
        return False
    return label_at(ground.cut.labels, ground.cut.origin, ground.cut.resolution, there[0], there[1]) == 0


@njit(cache=True)
def _go_on(
    i: int, ground: Ground, known: Known, heeded: Heeded, own: Own, leg: Leg, later: Leg, gives: bool, arrived: bool,
    found: Decided,
) -> None:  # fmt: skip
    """``PassagePlanner._hold``: write what it holds and tells."""
    numbers, pace, me = known.numbers[i], known.pace[i], known.robot_id[i]
    who = heeded.who[heeded.first[i] : heeded.first[i + 1]]
    leaving = not gives and numbers[LEAVING] > 0.0 and is_any_opposed(own.ahead, heeded.rows, who)
    ticks = IDLE if arrived else waiting(int(heeded.tick - numbers[SINCE]), numbers[DUE] > 0.0)
    key = pack_key(ticks, me)
    claims_with = key
    if gives and first_of_key(found.inherited[i]) > key:
        claims_with = found.inherited[i]
    found.inherited[i] = claims_with
    arrival = int(np.rint(min(later.distance, FAR) / (pace[SPEED] * pace[DT])))
    none = np.empty(0, np.int64)
    wanted = later.ahead if gives and len(leg.ahead) == 0 else none
    held, told, window = going_on(
        ground.cut.labels, ground.cut.origin, ground.cut.resolution, ground.lanes.number, ground.lanes.place, pace,
        heeded.state[i], own.held, leg.order, leg.firsts, leg.steps, leg.distance, leg.ahead, heeded.rows, who,
        own.ahead, own.told, none, False, wanted, me, heeded.tick, leaving, key, claims_with, arrival,
    )  # fmt: skip
    numbers[LEAVING] = 1.0 if leaving else 0.0
    found.held[i, 0], found.held[i, 1 : len(held) + 1] = len(held), held
    found.told[i], found.window[i] = told, window


@uncounted
def _drive(
    i: int, ground: Ground, parts: Any, known: Known, heeded: Heeded, leg: Leg, waits: bool, arrived: bool,
    gives: bool, found: Decided, flags: Flags,
) -> bool:  # fmt: skip
    """``PassagePlanner._drive`` and ``_turned`` of who is on its way: whether it is; write where it drives."""
    body, position, held = known.body[i], heeded.state[i, :2], found.held[i, 1 : found.held[i, 0] + 1]
    target: Any = leg.target
    radius = body[RADIUS]
    way = (leg.path, leg.steps, leg.order, leg.firsts, held, BEFORE * ground.length, target)
    needed, margin = radius + body[MARGIN], body[MARGIN]
    chosen, off, stop, ends, reach = aim_along(
        ground.cut.labels, flags, ground.bounds, needed, margin, position, *way, *parts
    )  # fmt: skip
    if stop == 0:
        ends, reach, x, y = True, 0.0, position[0], position[1]
    elif off:
        return False
    else:
        reach = reach if ends else leg.left
        x, y = (target[0], target[1]) if chosen < 0 else (leg.path[chosen, 0], leg.path[chosen, 1])
    shut_in = waits and not arrived
    close = body[SPINS] > 0.0 and (shut_in or leg.distance < NEAR * ground.length)
    agreed, ends = len(held) > 0 or close or gives, ends or gives
    if body[SPINS] > 0.0 and ends and agreed and reach <= STANDS * radius:
        for k in range(len(leg.path)):
            away_x, away_y = leg.path[k, 0] - position[0], leg.path[k, 1] - position[1]
            if math.sqrt(away_x * away_x + away_y * away_y) > radius:
                reach, x, y = CREEPS, leg.path[k, 0], leg.path[k, 1]
                break
    found.waypoint[i, 0], found.waypoint[i, 1], found.reach[i] = x, y, reach
    found.waits[i], found.agreed[i] = ends, agreed
    stride, count = max(1, len(leg.path) // DRAWN), 0
    for k in range(0, len(leg.path), stride):
        found.drawn[i, count, 0], found.drawn[i, count, 1], count = leg.path[k, 0], leg.path[k, 1], count + 1
    found.num_drawn[i] = count
    return True
