"""Who goes first: what robots tell of the slices that they hold and want, and how claims are compared.

A robot tells it by an ``Intent`` whose cells are slices: ``held``; ``claim``, the next one; ``window``, those on its
way until it comes to where others can pass it, and behind a 0 those that it wants when it makes way no longer;
``arrival``, ticks until it is at the first of them; ``leaving``, that it has nowhere to go out of the way. Else 0
stands for no slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from swarm.planning.cells.claims import LONGEST
from swarm.planning.passages.lanes import Lanes
from swarm.planning.pibt.priority_inheritance import IDS, id_of, priority_key
from swarm.sense.intent import RANKINGS, WINDOW, Intent

_DUE = LONGEST // 2  # Ticks of waiting that count; those of who is due are more.
_CHAIN = 63  # Most robots in a chain, each of which makes way for the one before; so many ticks of waiting are as one.


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


class _Told(NamedTuple):
    """The fields of a ``Course``."""

    held: tuple[int, ...]
    ahead: tuple[int, ...]
    claim: int
    rank: Rank
    later: tuple[int, ...] = ()
    arrival: int = 0


class Course(_Told):
    """What one robot tells of itself.

    Attributes:
        held: Slices that it alone may be in.
        ahead: Slices on its way, in order, from where it is to where others can pass it.
        claim: The next one that it wants to hold, 0 for none.
        rank: See ``rank``.
        later: If it makes way: what is ahead of it when it does so no longer.
        arrival: Ticks until it is at the first slice that it wants.
    """

    @property
    def wants(self) -> tuple[int, ...]:
        """Slices that it wants through, be it now or when it makes way no longer."""
        return self.later or self.ahead

    @cached_property
    def slices(self) -> frozenset[int]:
        """All that it holds or wants, also later: two robots of whose none the other tells have nothing to agree on."""
        return frozenset((*self.held, *self.ahead, *self.later, self.claim)) - {0}


def rank(intent: Intent, robot_id: int) -> Rank:
    """What robots are compared by: who cannot make way goes first, then who is in a passage, then who waits longest.

    A robot that makes way for another goes with the priority of that one, but after it. Who has arrived goes last.
    """
    own, claimed = intent.priority, intent.claim_priority
    inherited = claimed if first_of(claimed) > first_of(own) else own
    inside = max(intent.held) > 0 and inherited >= 0
    return Rank(intent.leaving, inside, inherited, intent.priority, -robot_id)


def goes_first(theirs: Rank, mine: Rank) -> bool:
    """Whether another robot goes first, by the ranks of both.

    Of robots that make way for one and the same, and that one itself, the nearest to it in the chain goes first: who
    makes way does not go before whom it makes way for. To all others, each of them is what that one is.
    """
    if theirs.leaving == mine.leaving or not theirs.leaving:
        one, other = theirs.inherited, mine.inherited
        if min(one, other) >= 0 and id_of(one) == id_of(other) and one != other:
            return one > other
    return _outside(theirs) > _outside(mine)


def _outside(rank: Rank) -> tuple[int, ...]:
    """A rank as it counts for those who are not of the same chain."""
    return rank.leaving, rank.inside, first_of(rank.inherited), rank.priority, rank.order


def course(intent: Intent, robot_id: int) -> Course:
    """What another robot has told; worked out once for all who hear it."""
    found: Course | None = intent.derived.get(robot_id)
    if found is None:
        held = tuple(filter(None, intent.held))
        now, then = _parts(intent.window)
        ahead, later = tuple(dict.fromkeys(now)), in_order(then[1:]) if any(then) else ()
        found = Course(held, ahead, max(intent.claim, 0), rank(intent, robot_id), later, intent.arrival)
        intent.derived[robot_id] = found
    return found


def in_order(numbers: Sequence[int]) -> tuple[int, ...]:
    """Slices in the order in which a way comes to them, each once; without 0."""
    return tuple(dict.fromkeys(filter(None, numbers)))


def waiting_key(ticks: int, robot_id: int, due: bool = False) -> int:
    """The priority of a robot that has waited for so many ticks; who has waited about as long goes by its identity.

    Keys in between are those of robots that make way for it, one after the other (``after``). Who is due
    (``swarm.planning.passages.errand``) goes before all who are not.
    """
    return priority_key((min(ticks, _DUE - 1) + _DUE * due) | _CHAIN, robot_id)


def is_due(key: int) -> bool:
    """Whether this is the priority of a robot that is due, or makes way for one."""
    return key // IDS >= _DUE


def first_of(key: int) -> int:
    """The priority of the first in a chain of robots that make way one for the other, by that of any of them."""
    return key if key < 0 else key | _CHAIN * IDS


def after(key: int) -> int:
    """The priority that a robot inherits from one that it makes way for, and goes after."""
    return key - IDS if key >= 0 and key // IDS & _CHAIN else key


def inherited_from(keys: Iterable[int]) -> int:
    """The priority of who makes way for robots with these: with the highest, after all of its chain among them."""
    keys = tuple(keys)
    most = max(first_of(key) for key in keys)
    return after(min(key for key in keys if first_of(key) == most))


def window_of(ahead: Sequence[int], later: Sequence[int] = ()) -> tuple[int, ...]:
    """Slices ahead, as many as an intent tells: the next ones, and at the end the last one, again and again.

    And so behind a 0 those that a robot wants ``later``, if there is room for them.
    """
    before = [*ahead, 0] if later and len(ahead) < WINDOW else []
    told, most = (later, WINDOW - len(before)) if before else (ahead, WINDOW)
    shown = [*before, *told[:most], told[-1]] if told else [0]
    return (*shown, *[shown[-1]] * (WINDOW + 1 - len(shown)))


def _parts(window: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """What a window tells of the slices ahead, and of those that a robot wants later."""
    first = window.index(0) if 0 in window else len(window)
    return window[:first], window[first:]


def opposed(mine: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether two robots want through two slices or more in opposite directions."""
    place = {number: k for k, number in enumerate(theirs)}
    common = [place[number] for number in mine if number in place]
    return any(before > after for before, after in pairwise(common))


def may_take(slice_number: int, own: Intent, robot_id: int, heard: Mapping[int, Intent]) -> bool:
    """Whether the slice that was claimed in the tick of an own message is this robot's now.

    Everybody whose message may matter must have written it in that tick, hold another slice and claim none or claim it
    with a lower rank: then of two robots that claim one slice, at most one takes it, and nobody takes what is held.
    """
    mine = own.leaving, own.claim_priority, -robot_id
    for robot, other in heard.items():
        if other.stamp != own.stamp or slice_number in other.held:
            return False
        if other.claim == slice_number and (other.leaving, other.claim_priority, -robot) > mine:
            return False
    return True


def may_enter(slice_number: int, own: Intent, robot_id: int, heard: Mapping[int, Intent], lanes: Lanes) -> bool:
    """Whether nobody comes the other way through the lane that a robot enters with the slice that it claimed.

    Then nobody enters a lane against somebody in it, and of those who claim their way in from both ends in one tick,
    all who ``may_take`` what they claim go one way.
    """
    lane = lanes.entered(slice_number, own.held)
    if lane == 0:
        return True
    mine = own.leaving, own.claim_priority, -robot_id
    for robot, other in heard.items():
        inside = lanes.is_inside(lane, other.held)
        enters = not inside and other.claim > 0 and lanes.of[other.claim] == lane
        first = inside or (enters and (other.leaving, other.claim_priority, -robot) > mine)
        if first and lanes.opposed(lane, slice_number, _parts(own.window)[0], _parts(other.window)[0]):
            return False
    return True


def intent_of(
    *, tick: int, held: Sequence[int], claim: int, claim_priority: int, priority: int, arrival: int, leaving: bool,
    ahead: Sequence[int], later: Sequence[int] = (),
) -> Intent:  # fmt: skip
    """What a robot tells of its slices; see the head of this module."""
    return Intent(
        tick, tuple(held) or (0,), claim if claim > 0 else -1, claim_priority, priority, RANKINGS[0], arrival, leaving,
        window_of(ahead, later),
    )  # fmt: skip
