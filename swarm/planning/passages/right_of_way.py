"""Who goes first: what robots tell of the slices that they hold and want, and how claims are compared.

A robot tells it by an ``Intent`` whose cells are slices: ``held``; ``claim``, the next one; ``window``, those on its
way until it comes to where others can pass it, and behind a 0 those that it wants when it makes way no longer;
``arrival``, ticks until it is at the first of them; ``leaving``, that it has nowhere to go out of the way. Else 0
stands for no slice. Whoever hears it reads it as a row of numbers (``T_ROBOT`` and those after it).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.planning.cells.claims import LONGEST
from swarm.planning.passages.lanes import Lanes, against, is_inside
from swarm.planning.pibt.priority_inheritance import IDS, id_of_key, priority_key
from swarm.sense.intent import MAX_HELD, RANKINGS, WINDOW, Intent

_DUE = LONGEST // 2  # Ticks of waiting that count; those of who is due are more.
_CHAIN = 63  # Most robots in a chain, each of which makes way for the one before; so many ticks of waiting are as one.

# Columns of what one robot tells, int64[TOLD]: identity, stamp, whether it has nowhere to go, whether it is in a
# passage, its priority or that of the robot that it makes way for, its own, that of its claim, the slice that it claims
# (0: none), ticks until it is at the first slice that it wants, and the largest number among all.
T_ROBOT, T_STAMP, T_LEAVING, T_INSIDE, T_INHERITED, T_PRIORITY, T_CLAIMS_WITH, T_CLAIM, T_ARRIVAL, T_LAST = range(10)
# Then four lists, each behind how many numbers count (``listed``): slices that it alone may be in; those on its way, in
# order, to where others can pass it; if it makes way, those ahead of it when it does so no longer; its window up to 0.
T_HELD = T_LAST + 1
T_AHEAD = T_HELD + 1 + MAX_HELD
T_LATER = T_AHEAD + 1 + WINDOW + 1
T_WINDOW = T_LATER + 1 + WINDOW + 1
TOLD = T_WINDOW + 1 + WINDOW + 1


class Rank(NamedTuple):
    """What robots are compared by, one after the other: the larger goes first.

    Attributes:
        leaving: Whether it has nowhere to go out of the way.
        inside: Whether it is in a passage.
        inherited: Its priority, or that of the robot that it makes way for.
        priority: Its own.
        order: The smaller identity goes first.
    """

    leaving: bool
    inside: bool
    inherited: int
    priority: int
    order: int


class Own(NamedTuple):
    """What the others know of one robot, with its way as of now.

    Attributes:
        held: Slices that it alone may be in, int64[n].
        ahead: Slices on its way, in order, from where it is to where others can pass it, int64[m].
        told: What it told last, int64[TOLD].
    """

    held: Int64s
    ahead: Int64s
    told: Int64s


def waiting_order(ticks: int, due: bool) -> int:
    """What comes first in the priority of a robot that waits (``waiting_key``)."""
    return (min(ticks, _DUE - 1) + _DUE * due) | _CHAIN


def waiting_key(ticks: int, robot_id: int, due: bool = False) -> int:
    """The priority of a robot that has waited for so many ticks; who has waited about as long goes by its identity.

    Keys in between are those of robots that make way for it, one after the other (``after``). Who is due
    (``swarm.planning.passages.errand``) goes before all who are not.
    """
    return priority_key(waiting_order(ticks, due), robot_id)


def is_due(key: int) -> bool:
    """Whether this is the priority of a robot that is due, or makes way for one."""
    return key // IDS >= _DUE


def first_of(key: int) -> int:
    """The priority of the first in a chain of robots that make way one for the other, by that of any of them."""
    return key if key < 0 else key | _CHAIN * IDS


# The same in kernels.
is_due_key: Any = inlined(is_due)
first_of_key: Any = inlined(first_of)


def after(key: int) -> int:
    """The priority that a robot inherits from one that it makes way for, and goes after."""
    return key - IDS if key >= 0 and key // IDS & _CHAIN else key


_after: Any = inlined(after)  # the same in kernels


@uncounted
def inherited_from(keys: Int64s) -> int:
    """The priority of who makes way for robots with these: with the highest, after all of its chain among them."""
    least = keys[0]
    for key in keys[1:]:
        if first_of_key(key) > first_of_key(least):
            least = key
        elif first_of_key(key) == first_of_key(least):
            least = min(least, key)
    return _after(least)


@uncounted
def goes_first(theirs: Rank, mine: Rank) -> bool:
    """Whether another robot goes first, by the ranks of both.

    Of robots that make way for one and the same, and that one itself, the nearest to it in the chain goes first: who
    makes way does not go before whom it makes way for. To all others, each of them is what that one is.
    """
    if theirs.leaving == mine.leaving or not theirs.leaving:
        one, other = theirs.inherited, mine.inherited
        if min(one, other) >= 0 and id_of_key(one) == id_of_key(other) and one != other:
            return bool(one > other)
    return bool(_outside(theirs) > _outside(mine))


@inlined
def _outside(rank: Rank) -> tuple[int, int, int, int, int]:
    """A rank as it counts for those who are not of the same chain."""
    return int(rank.leaving), int(rank.inside), first_of_key(rank.inherited), rank.priority, rank.order


@inlined
def rank_of(row: Int64s) -> Rank:
    """What robots are compared by: who cannot make way goes first, then who is in a passage, then who waits longest.

    A robot that makes way for another goes with the priority of that one, but after it. Who has arrived goes last.
    """
    return Rank(row[T_LEAVING] > 0, row[T_INSIDE] > 0, row[T_INHERITED], row[T_PRIORITY], -row[T_ROBOT])


@njit(cache=True, inline="always")  # kernels that count no references return no views
def listed(row: Int64s, column: int) -> Int64s:
    """One of the lists of what is told; ``column``: ``T_HELD``, ``T_AHEAD``, ``T_LATER`` or ``T_WINDOW``."""
    return row[column + 1 : column + 1 + row[column]]


@inlined
def wants_at(row: Int64s) -> int:
    """The list of slices that a robot wants through, be it now or when it makes way no longer."""
    return T_LATER if row[T_LATER] > 0 else T_AHEAD


@inlined
def has(numbers: Int64s, number: int) -> bool:
    """Whether a number is among some."""
    found = False
    for one in numbers:
        found = found or one == number
    return found


@uncounted
def meet(some: Int64s, others: Int64s) -> bool:
    """Whether two lists have a number in common."""
    found = False
    for one in some:
        found = found or has(others, one)
    return found


@uncounted
def opposed(mine: Int64s, theirs: Int64s) -> bool:
    """Whether two robots want through two slices or more in opposite directions; each comes to a slice once."""
    last = -1
    for number in theirs:
        for k in range(len(mine)):
            if mine[k] == number:
                if k < last:
                    return True
                last = k
                break
    return False


@inlined
def _claims_before(theirs: Int64s, mine: Int64s) -> bool:
    """Whether another's claim goes before one's own, int64[TOLD] each."""
    if theirs[T_LEAVING] != mine[T_LEAVING]:
        return theirs[T_LEAVING] > mine[T_LEAVING]
    if theirs[T_CLAIMS_WITH] != mine[T_CLAIMS_WITH]:
        return theirs[T_CLAIMS_WITH] > mine[T_CLAIMS_WITH]
    return theirs[T_ROBOT] < mine[T_ROBOT]


@uncounted
def may_take(number: int, own: Int64s, told: Int64s, who: Int64s) -> bool:
    """Whether the slice that was claimed in the tick of an own message, int64[TOLD], is this robot's now.

    Everybody who is heard (rows ``who`` of ``told``, int64[n, TOLD]) must have written it in that tick, hold another
    slice and claim none or claim it with a lower rank: then of two robots that claim one slice, at most one takes it,
    and nobody takes what is held.
    """
    for k in who:
        if told[k, T_STAMP] != own[T_STAMP] or has(listed(told[k], T_HELD), number):
            return False
        if told[k, T_CLAIM] == number and _claims_before(told[k], own):
            return False
    return True


@uncounted
def may_enter(number: int, own: Int64s, told: Int64s, who: Int64s, lanes: Lanes) -> bool:
    """Whether nobody comes the other way through the lane that a robot enters with the slice that it claimed.

    Then nobody enters a lane against somebody in it, and of those who claim their way in from both ends in one tick,
    all who ``may_take`` what they claim go one way.
    """
    lane = lanes.number[number]
    if lane == 0 or is_inside(lanes, lane, listed(own, T_HELD)):
        return True
    for k in who:
        other = told[k]
        inside, claim = is_inside(lanes, lane, listed(other, T_HELD)), other[T_CLAIM]
        enters = not inside and claim > 0 and lanes.number[claim] == lane
        first = inside or (enters and _claims_before(other, own))
        if first and against(lanes, lane, number, listed(own, T_WINDOW), listed(other, T_WINDOW)):
            return False
    return True


@inlined
def _add_each_once(row: Int64s, column: int, number: int) -> None:
    """Add a slice to a list, unless it is there or is none."""
    if number > 0 and not has(listed(row, column), number):
        row[column] += 1
        row[column + row[column]] = number


@uncounted
def _read(row: Int64s, window: Int64s) -> None:
    """Write what follows from the first columns, from what is held, and from the window, int64[WINDOW + 1]."""
    own, claimed, held = row[T_PRIORITY], row[T_CLAIMS_WITH], listed(row, T_HELD)
    row[T_INHERITED] = claimed if first_of_key(claimed) > first_of_key(own) else own
    row[T_INSIDE], row[T_LAST] = len(held) > 0 and row[T_INHERITED] >= 0, row[T_CLAIM]
    for number in held:
        row[T_LAST] = max(row[T_LAST], number)
    column = T_AHEAD
    for number in window:
        if number == 0:
            column = T_LATER
        elif column == T_AHEAD:
            row[T_WINDOW] += 1
            row[T_WINDOW + row[T_WINDOW]] = number
        _add_each_once(row, column, number)
        row[T_LAST] = max(row[T_LAST], number)


@uncounted
def write_window(ahead: Int64s, later: Int64s, window: Int64s) -> None:
    """Slices ahead, as many as an intent tells: the next ones, and at the end the last one, again and again.

    And so behind a 0 those that a robot wants ``later``, if there is room for them.
    """
    both = len(later) > 0 and len(ahead) < WINDOW
    shown, begin = (later, len(ahead) + 1) if both else (ahead, 0)
    for k in range(len(window)):
        if k < begin:
            window[k] = ahead[k] if k < len(ahead) else 0
        elif len(shown) > 0:
            window[k] = shown[min(k - begin, len(shown) - 1)] if k < WINDOW else shown[-1]


@njit(cache=True)
def row_with(numbers: tuple[int, ...], held: Int64s, window: Int64s) -> Int64s:
    """The row of what is told: its first columns up to ``T_ARRIVAL``, slices that are held, and the window."""
    row, k = np.zeros(TOLD, np.int64), 0
    for number in numbers:
        row[k], k = number, k + 1
    for number in held:
        _add_each_once(row, T_HELD, number)
    _read(row, window)
    return row


def row_of(intent: Intent, robot_id: int) -> Int64s:
    """What a robot has told, int64[TOLD]; worked out once for all who hear it."""
    row: Int64s | None = intent.derived.get(TOLD)
    if row is None:
        said = robot_id, intent.stamp, int(intent.leaving), 0, 0, intent.priority, intent.claim_priority
        lists = np.array(intent.held, np.int64), np.array(intent.window, np.int64)
        row = intent.derived[TOLD] = row_with((*said, max(intent.claim, 0), intent.arrival), *lists)
    return row


def intent_of(row: Int64s, window: Int64s) -> Intent:
    """What a robot tells of its slices as the others hear it."""
    _, tick, leaving, _, _, priority, claims_with, claim, arrival, _, many, *held = row[:T_AHEAD].tolist()
    intent = Intent(
        tick, tuple(held[:many]) or (0,), claim or -1, claims_with, priority, RANKINGS[0], arrival, leaving > 0,
        tuple(window.tolist()),
    )  # fmt: skip
    intent.derived[TOLD] = row
    return intent
