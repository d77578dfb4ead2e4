"""Slices that one robot holds, and the next one that it claims.

It claims the next slice on its way and takes it a tick later, by the rules of ``right_of_way``; until then it stops
before it. It does not claim what is left to others that come towards it.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Int32s, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.planning.passages.lanes import Lanes, against, is_inside
from swarm.planning.passages.right_of_way import (
    T_AHEAD,
    T_ARRIVAL,
    T_CLAIM,
    T_HELD,
    T_PRIORITY,
    TOLD,
    Own,
    goes_first,
    has,
    intent_of,
    is_due_key,
    listed,
    may_enter,
    may_take,
    opposed,
    rank_of,
    row_with,
    wants_at,
    write_window,
)
from swarm.planning.passages.search import Along
from swarm.planning.passages.slices import Slices, label_at
from swarm.planning.passages.team import Others
from swarm.scenario.robot_spec import RobotSpec
from swarm.sense.intent import MAX_HELD, WINDOW, Intent
from swarm.sense.view import View

NOTHING = np.empty(0, np.int64)
_DECIDING = 4.0  # Periods for which a robot drives on while a claim is decided.


class Leg(NamedTuple):
    """The way ahead of one robot.

    Attributes:
        path: Its points, world frame [m], float64[n, 2]; of a robot that is no disc its poses, float64[n, 3].
        numbers: The slices at them, 0 where there is room, int64[n].
        steps: Way to each of them [m], float64[n].
        order: The slices on it, in the order in which it comes to them, int64[k].
        firsts: At which point it comes to each of these, int64[k].
        target: Where the robot would drive if nothing were reserved [m], float64[2]; None: along the way.
        left: Its length [m].
        ahead: The slices on it without room to wait between them, the first of ``order``.
        distance: The way to the first of these [m]; inf if there is none.
    """

    path: Array
    numbers: Int64s
    steps: Array
    order: Int64s
    firsts: Int64s
    target: Array | None
    left: float
    ahead: Int64s
    distance: float

    def without_slices(self) -> Leg:
        """The same way of a robot that holds none, and asks for none."""
        none = self.order[:0]
        return self._replace(
            numbers=np.zeros_like(self.numbers), order=none, firsts=none, ahead=none, distance=math.inf
        )  # fmt: skip


def leg_of(path: Array, along: Along, target: Array | None, left: float | None = None) -> Leg:
    """A way as ``Leg`` with what ``swarm.planning.passages.search.slices_along`` tells of it."""
    numbers, steps, order, firsts, ahead, distance = along
    left = float(steps[-1]) if left is None else left
    return Leg(path, numbers, steps, order, firsts, target, left, order[:ahead], distance)


@uncounted
def next_beyond(order: Int64s, held: Int64s) -> int:
    """The place in the order of a way of the first slice that is not held; as many as there are if all are held."""
    for place in range(len(order)):
        if not has(held, order[place]):
            return place
    return len(order)


@uncounted
def held_part(order: Int64s, firsts: Int64s, steps: Array, held: Int64s, before: float) -> tuple[int, bool]:
    """How many points of a way (``Leg``) lead no farther than [m] before what is not held, and if it goes on there."""
    beyond = next_beyond(order, held)
    if beyond == len(order):
        return len(steps), False
    first = stop = firsts[beyond]
    while stop > 0 and steps[first] - steps[stop - 1] < before:
        stop -= 1
    return stop, True


# Columns of how a robot moves: top speed [m/s], deceleration [m/s²], control period [s], length of a slice [m].
SPEED, BRAKING, DT, LENGTH = range(4)


class Said(NamedTuple):
    """What a robot tells beside its slices, as in ``Intent``; identity, tick, priorities and ticks."""

    robot_id: int
    stamp: int
    leaving: bool
    priority: int
    claim_priority: int
    arrival: int


class Holding:
    """What one robot holds and claims.

    Args:
        slices: Of the team.
        spec: The robot.
        dt: Control period [s].

    Attributes:
        held: Slices that this robot alone may be in, int64[n]; 0 stands for none.
        claim: The next one that it wants to hold, 0 for none.
        told: What the robot told last, int64[TOLD].
    """

    def __init__(self, slices: Slices, spec: RobotSpec, dt: float) -> None:
        self._lanes = slices.lanes
        self._places = slices.labels, slices.origin, slices.resolution, *slices.lanes
        self._pace = np.array([spec.limits.speed, spec.limits.acceleration or math.inf, dt, slices.length])
        self.held = np.empty(0, np.int64)
        self.claim, self.told = 0, np.zeros(TOLD, np.int64)

    @property
    def pace(self) -> Array:
        """How it moves: the columns ``SPEED`` to ``LENGTH``."""
        return self._pace

    def went_on(self, held: Int64s, told: Int64s) -> None:
        """Hold this, int64[n], and have told this last, int64[TOLD]."""
        self.held, self.told, self.claim = held, told, int(told[T_CLAIM])

    def take(self, others: Others, closed: frozenset[int]) -> None:
        """Take the slice that was claimed, if nobody has a better right to it and it is not closed."""
        if self.claim <= 0 or self.claim in closed:
            return
        heard = self.claim, self.told, others.rows, others.who
        if may_take(*heard) and may_enter(*heard, self._lanes):
            self.held = np.append(self.held, self.claim)

    def go_on(
        self, view: View, leg: Leg, own: Own, others: Others, said: Said, *, later: Int64s = NOTHING,
        closed: Collection[int] = (), lets_in: bool = False,
    ) -> Intent:  # fmt: skip
        """Give slices back, claim the next one, and say so.

        What is neither under the robot, nor where it can still come to, nor next on its way is given back; the next one
        on its way is claimed if it is near and not closed, and nobody goes first.

        Args:
            view: What the robot sees.
            leg: Its way.
            own: What the others know of it.
            others: What they have told.
            said: What it tells beside that.
            later: What is ahead of it when it makes way no longer, int64[n]; nothing if that is the same.
            closed: Slices that it may not claim.
            lets_in: Whether it holds nothing, and so lets others in.
        """
        shut = np.array([*closed], np.int64) if closed else NOTHING
        way = leg.order, leg.firsts, leg.steps, leg.distance, leg.ahead
        around: tuple[Any, ...] = others.rows, others.who, own.ahead, own.told, shut, lets_in, later, *said
        self.held, self.told, window = going_on(*self._places, self._pace, view.state, self.held, *way, *around)
        self.claim = int(self.told[T_CLAIM])
        return intent_of(self.told, window)


@njit(cache=True)
def going_on(
    labels: Int32s, origin: Array, resolution: float, lane: Int64s, place: Int64s, pace: Array, state: Array,
    held: Int64s, order: Int64s, firsts: Int64s, steps: Array, distance: float, ahead: Int64s, rows: Int64s,
    who: Int64s, known_ahead: Int64s, told: Int64s, shut: Int64s, lets_in: bool, later: Int64s, robot_id: int,
    stamp: int, leaving: bool, priority: int, claim_priority: int, arrival: int,
) -> tuple[Int64s, Int64s, Int64s]:  # fmt: skip
    """``Holding.go_on``: what is held then, int64[n]; what is told, int64[TOLD]; the window of that, int64[13]."""
    kept = _kept(labels, origin, resolution, pace, state, held, order)
    if lets_in:
        kept = kept[:0]
    way, own = (order, firsts, steps, distance, ahead), Own(held, known_ahead, told)
    claim = _claim(pace, state, kept, *way, own, rows, who, Lanes(lane, place))
    if has(shut, claim):
        claim = 0
    window = np.zeros(WINDOW + 1, np.int64)
    write_window(ahead, later, window)
    row = row_with((robot_id, stamp, int(leaving), 0, 0, priority, claim_priority, claim, arrival), kept, window)
    return kept, row, window


@njit(cache=True)
def _kept(
    labels: Int32s, origin: Array, resolution: float, pace: Array, state: Array, held: Int64s, order: Int64s
) -> Int64s:  # fmt: skip
    """What the robot goes on to hold, int64[n]."""
    kept = np.empty(len(order) + 3, np.int64)
    kept[0], count = label_at(labels, origin, resolution, state[0], state[1]), 1
    if len(held) > 0:
        time = pace[DT] + 0.5 * math.hypot(state[3], state[4]) / pace[BRAKING]
        for share in (0.5, 1.0):
            x, y = state[0] + share * time * state[3], state[1] + share * time * state[4]
            kept[count] = label_at(labels, origin, resolution, x, y)
            count += has(held, kept[count])
    for number in order:
        if number != kept[0] and not has(held, number):
            break
        kept[count], count = number, count + 1
    found, many = np.empty(MAX_HELD, np.int64), 0
    for number in kept[:count]:
        if number > 0 and many < MAX_HELD and not has(found[:many], number):
            found[many], many = number, many + 1
    return found[:many]


@uncounted
def _claim(
    pace: Array, state: Array, held: Int64s, order: Int64s, firsts: Int64s, steps: Array, distance: float,
    ahead: Int64s, own: Own, rows: Int64s, who: Int64s, lanes: Lanes,
) -> int:  # fmt: skip
    """The slice that is claimed, 0 for none; ``order`` to ``ahead``: as of ``Leg``."""
    following = next_beyond(order, held)
    if len(held) == MAX_HELD or following == len(order):
        return 0
    stopping = 0.5 * (state[3] * state[3] + state[4] * state[4]) / pace[BRAKING]
    if steps[firsts[following]] > stopping + pace[LENGTH] + _DECIDING * pace[DT] * pace[SPEED]:
        return 0
    number = order[following]
    lane = lanes.number[number]
    if is_inside(lanes, lane, held):
        lane = 0
    for k in who:
        other = rows[k]
        if has(listed(other, wants_at(other)), number) and _is_left_to(pace, number, other, own, distance, lanes):
            return 0
        inside = lane > 0 and is_inside(lanes, lane, listed(other, T_HELD))
        if inside and against(lanes, lane, number, ahead, listed(other, T_AHEAD)):
            return 0
    return number


@uncounted
def _is_left_to(pace: Array, number: int, other: Int64s, own: Own, distance: float, lanes: Lanes) -> bool:
    """Whether a slice is left to another robot that goes first and comes towards this one through it.

    But not if that one is still so far away that this one, ``distance`` [m] before the first of its own, is through
    by then; nor those of a lane that this one is in, and that one is not: it does not enter that against this one.
    If that one is due, and this one is in no passage, this one waits whichever way they go.
    """
    waits = is_due_key(other[T_PRIORITY]) and len(own.held) == 0
    ahead, theirs = listed(other, T_AHEAD), listed(other, T_HELD)
    if not goes_first(rank_of(other), rank_of(own.told)) or not (waits or opposed(own.ahead, ahead)):
        return False
    through = distance + (len(own.ahead) + 2) * pace[LENGTH]
    if len(theirs) == 0 and other[T_ARRIVAL] * pace[DT] * pace[SPEED] > through:
        return False
    lane = lanes.number[number]
    if lane > 0 and is_inside(lanes, lane, own.held) and not is_inside(lanes, lane, theirs):
        return False
    return waits or has(ahead, number)
