"""For whom a robot gives way: the *pushers*, by what is known in one tick.

A robot gives way if it stands where another of higher rank wants through, or if that one comes towards it through the
slice that it wants next. Who comes out of a passage needs the room before it, and who cannot come out since this robot
waits before it needs room of any rank.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.planning.passages.aside.heeded import stretch_key, sum_of
from swarm.planning.passages.right_of_way import (
    T_AHEAD,
    T_CLAIM,
    T_HELD,
    T_INHERITED,
    T_LATER,
    T_LEAVING,
    T_PRIORITY,
    T_ROBOT,
    Own,
    Rank,
    goes_first,
    has,
    listed,
    meet,
    opposed,
    rank_of,
)
from swarm.planning.passages.team import Others
from swarm.planning.pibt.priority_inheritance import id_of, id_of_key
from swarm.planning.silent import place_among
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_RADIUS, N_X, N_Y
from swarm.sense.view import View

_NOBODY = np.empty(0, np.int64)
_APART = 1.1  # Discs that are so much farther apart than they must be pass each other.
_NEAR = 2.0  # Who is so near to another, in sums of their radii, may be in its way in a room.
_SOMEWHERE = 0.05  # Who is heading for so near a point stays where he is.


class Scene(NamedTuple):
    """What one robot knows of itself and of the others in one tick.

    Attributes:
        view: What it sees.
        position: Where it is [m], float64[2].
        radius: Its own [m].
        own: What the others know of it, with its way as of now.
        others: What they have told.
        arrived: Whether it has been at its goal.
        waits: Whether it has not moved for long.
        crossed_by: Those in passages who want through right where it stands, or where it wants to stand again.
    """

    view: View
    position: Array
    radius: float
    own: Own
    others: Others
    arrived: bool
    waits: bool
    crossed_by: Collection[int] = ()

    @property
    def following(self) -> int:
        """The slice that this robot wants next, 0 for none."""
        return int(next_of(self.own.held, self.own.ahead))

    @property
    def rank(self) -> Rank:
        """What this robot is compared by with those for whom it may make way."""
        rank: Rank = compared_by(self.own.told, self.arrived)
        return rank

    def is_near(self, row: Array, margin: float, sums: float) -> bool:
        """Whether a robot (a row of neighbours) is nearer than so many sums of both radii and margins [m]."""
        return math.dist(self.position, row[[N_X, N_Y]]) < sums * sum_of(row, self.radius, margin)

    def is_let_in_by(self, other: Int64s) -> bool:
        """Whether another (what it tells) holds the slice that this robot wants next, and goes away for its sake."""
        mine = id_of(int(self.own.told[T_INHERITED]))
        return bool(has(listed(other, T_HELD), self.following)) and id_of(int(other[T_INHERITED])) == mine

    @property
    def is_met(self) -> bool:
        """Whether anybody comes towards this robot."""
        return bool(is_any_opposed(self.own.ahead, self.others.rows, self.others.who))


def pushers_of(scene: Scene, still: Collection[int], before: Collection[int] = ()) -> list[int]:
    """For whom a robot gives way, each once.

    Args:
        scene: What is known.
        still: Also for these, as long as they come towards it; no longer if all that they want is back to where they
            had arrived, where somebody may stand for whom they would wait for ever.
        before: Also for these, as long as they come towards it and go first: else it would go on, since nobody is near
            enough to what it wants next, hold that, give way and give it back, again and again.
    """
    others, who = scene.others, (still, before, scene.crossed_by)
    lists = (np.array([*some], np.int64) if some else _NOBODY for some in who)
    known: tuple[Any, ...] = (
        *(others.rows, others.who, others.ids, others.flags), *scene.own, scene.arrived, scene.waits, *lists,
        *(scene.view.neighbours, scene.position, scene.radius),
    )  # fmt: skip
    found: list[int] = pushing(*known).tolist()
    return found


@inlined
def compared_by(told: Int64s, arrived: bool) -> Rank:
    """What a robot that has told this is compared by with those for whom it may make way.

    Who has arrived comes last even while it makes way for somebody, in whose place it goes: else it would go on for
    a tick, outrank that one in the next, and stay. If it has nowhere to go, it goes on looking for a way: else it
    would say so in every other tick, and others would turn round in each.
    """
    rank = rank_of(told)
    return Rank(False, False, rank.priority, rank.priority, rank.order) if arrived else rank


@uncounted
def is_any_opposed(ahead: Int64s, rows: Int64s, who: Int64s) -> bool:
    """Whether any of those who are heard comes towards a robot that wants through some slices."""
    met = False
    for k in who:
        met = met or opposed(ahead, listed(rows[k], T_AHEAD))
    return met


@uncounted
def next_of(held: Int64s, ahead: Int64s) -> int:
    """The slice that a robot wants next, 0 for none."""
    for number in ahead:
        if not has(held, number):
            return number
    return 0


@inlined
def _wants_through(other: Int64s, held: Int64s) -> bool:
    """Whether another wants through some slices: on its way, or as the next one that it holds."""
    return meet(listed(other, T_AHEAD), held) or has(held, other[T_CLAIM])


@uncounted
def _still_meets(own: Own, other: Int64s) -> bool:
    """Whether another still wants through where this robot is, or comes towards it."""
    return opposed(own.ahead, listed(other, T_AHEAD)) or _wants_through(other, own.held)


@uncounted
def _is_in_the_way_of(own: Own, arrived: bool, waits: bool, other: Int64s) -> bool:
    """Whether this robot stands where another wants through."""
    if not _wants_through(other, own.held):
        return False
    if arrived:
        return other[T_HELD] > 0 or has(own.held, other[T_CLAIM])
    return opposed(own.ahead, listed(other, T_AHEAD)) or (waits and other[T_HELD] > 0)


@uncounted
def _comes_against(own: Own, arrived: bool, waits: bool, other: Int64s) -> bool:
    """Whether another is in a passage, and comes towards this robot through the slice that it wants next.

    Or through others farther on, which it does not enter against this robot, though this one does not get on either:
    behind who makes way for that other one, it would keep it out for ever.

    Who has arrived and was pushed out of its place lets those go first whom it would meet on its way back, and who
    want the slice that leads back to it next: they would else not enter a lane against it, though it may have to wait
    there for ever, for another one that has arrived.
    """
    ahead = listed(other, T_AHEAD)
    following, theirs = next_of(own.held, own.ahead), next_of(listed(other, T_HELD), ahead)
    met = opposed(own.ahead, ahead)
    if arrived and following > 0 and (following == theirs or met):
        return True
    if other[T_HELD] == 0 or not met:
        return False
    return has(ahead, following) or (waits and has(own.ahead, theirs))


@uncounted
def _is_shut_in(own: Own, following: int, crosses: bool, other: Int64s) -> bool:
    """Whether another holds the slice that this robot waits for and wants out of it, not into this robot's.

    Then it needs room. If this robot is in a passage itself, only who comes out right where it is: at a crossing there
    are other ways out. But not who makes way for this robot, and so has a way already: if this one went, the other
    would stay.
    """
    ahead = listed(other, T_AHEAD)
    leaves = has(listed(other, T_HELD), following) and len(ahead) > 1 and ahead[-1] != following
    past_here = (len(own.held) == 0 or crosses) and not meet(own.held, ahead)
    return leaves and past_here and id_of_key(other[T_INHERITED]) != id_of_key(own.told[T_PRIORITY])


@uncounted
def _in_line(position: Array, radius: float, row: Array) -> bool:
    """Whether a robot stands right before another (a row of neighbours) that is heading through where it is."""
    both = radius + row[N_RADIUS]
    to_x, to_y = row[N_INTENT_X] - row[N_X], row[N_INTENT_Y] - row[N_Y]
    away_x, away_y = position[0] - row[N_X], position[1] - row[N_Y]
    left = math.hypot(to_x, to_y)
    if left < _SOMEWHERE * both or math.hypot(away_x, away_y) > _NEAR * both:
        return False
    along, across = (to_x * away_x + to_y * away_y) / left, abs(to_x * away_y - to_y * away_x) / left
    return 0.0 < along < left + both and across < _APART * stretch_key(row) * both


@inlined
def _names_any(other: Int64s, flags: Flags) -> bool:
    """Whether another holds or wants any of the slices with a flag, be it now or later."""
    for column in (T_HELD, T_AHEAD, T_LATER):
        for number in listed(other, column):
            if flags[number]:
                return True
    return bool(flags[other[T_CLAIM]])


@inlined
def _note(number: int, known: Flags, found: Int64s, count: int) -> int:
    """Add a number to those found, unless it is known already; how many there are then."""
    if not known[number]:
        known[number], found[count] = True, number
        return count + 1
    return count


@njit(cache=True)
def pushing(
    rows: Int64s, who: Int64s, ids: Int64s, flags: Flags, held: Int64s, ahead: Int64s, told: Int64s, arrived: bool,
    waits: bool, still: Int64s, before: Int64s, crossed_by: Int64s, neighbours: Array, position: Array, radius: float,
) -> Int64s:  # fmt: skip
    """``pushers_of``; ``rows`` to ``flags``: as in ``Others``."""
    own, rank = Own(held, ahead, told), compared_by(told, arrived)
    known, found, count = np.zeros(len(who), np.bool_), np.empty(len(who), np.int64), 0
    named = np.empty(len(who), np.bool_)
    _set_flags(flags, own, True)
    for k in range(len(who)):
        other = rows[who[k]]
        named[k] = _names_any(other, flags)
        if named[k] and (
            _is_in_the_way_of(own, arrived, waits, other)
            or _comes_against(own, arrived, waits, other)
            or (has(before, other[T_ROBOT]) and _still_meets(own, other))
        ):
            count = _note(k, known, found, count)
        if len(crossed_by) > 0 and has(crossed_by, other[T_ROBOT]):
            count = _note(k, known, found, count)
    _set_flags(flags, own, False)
    if len(own.held) == 0 or waits:  # who is in a passage, and this robot stands right before him
        for j in range(len(neighbours)):
            k = place_among(ids, neighbours[j, N_ID])
            if k >= 0 and rows[who[k], T_HELD] > 0 and _in_line(position, radius, neighbours[j]):
                count = _note(k, known, found, count)
    # Of two that both have said that they have nowhere to go, each goes for the other if it can now.
    pushes, following = np.zeros(len(who), np.bool_), next_of(own.held, own.ahead)
    for k in found[:count]:
        other = rows[who[k]]
        pushes[k] = goes_first(rank_of(other), rank) or other[T_LEAVING] > 0
    for k in range(len(who)):
        other = rows[who[k]]
        again = len(still) > 0 and named[k] and has(still, other[T_ROBOT]) and other[T_INHERITED] >= 0
        pushes[k] |= again and opposed(own.ahead, listed(other, T_AHEAD))
        if waits and following > 0 and not arrived:
            pushes[k] |= _is_shut_in(own, following, has(crossed_by, other[T_ROBOT]), other)
    return rows[who[pushes], T_ROBOT]


@inlined
def _set_flags(flags: Flags, own: Own, value: bool) -> None:
    """Set or take back the flags of what this robot holds and wants."""
    for number in own.held:
        flags[number] = value
    for number in own.ahead:
        flags[number] = value
    flags[0] = False
