"""For whom a robot gives way: the *pushers*, by what is known in one tick.

A robot gives way if it stands where another of higher rank wants through, or if that one comes towards it through the
slice that it wants next. Who comes out of a passage needs the room before it, and who cannot come out since this robot
waits before it needs room of any rank.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Iterable, Mapping
from typing import NamedTuple

from swarm.array_types import Array
from swarm.planning.passages.aside import in_line
from swarm.planning.passages.right_of_way import Course, Rank, goes_first, opposed
from swarm.planning.passages.team import others_naming
from swarm.planning.pibt.priority_inheritance import id_of
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y
from swarm.sense.view import View


class Scene(NamedTuple):
    """What one robot knows of itself and of the others in one tick.

    Attributes:
        view: What it sees.
        position: Where it is [m], float64[2].
        radius: Its own [m].
        own: What the others know of it, with its way as of now.
        others: What they have told, by their identities.
        arrived: Whether it has been at its goal.
        waits: Whether it has not moved for long.
        crossed_by: Those in passages who want through right where it stands, or where it wants to stand again.
    """

    view: View
    position: Array
    radius: float
    own: Course
    others: Mapping[int, Course]
    arrived: bool
    waits: bool
    crossed_by: Collection[int] = ()

    @property
    def following(self) -> int:
        """The slice that this robot wants next, 0 for none."""
        return _next_of(self.own)

    @property
    def rank(self) -> Rank:
        """What this robot is compared by with those for whom it may make way.

        Who has arrived comes last even while it makes way for somebody, in whose place it goes: else it would go on for
        a tick, outrank that one in the next, and stay. If it has nowhere to go, it goes on looking for a way: else it
        would say so in every other tick, and others would turn round in each.
        """
        rank = self.own.rank
        return rank._replace(leaving=False, inside=False, inherited=rank.priority) if self.arrived else rank

    def is_near(self, row: Array, margin: float, sums: float) -> bool:
        """Whether a robot (a row of neighbours) is nearer than so many sums of both radii and margins [m]."""
        return math.dist(self.position, row[[N_X, N_Y]]) < sums * self.sum_of(row, margin)

    def sum_of(self, row: Array, margin: float) -> float:
        """The sum of this robot's and another's radii and margins [m]."""
        return self.radius + float(row[N_RADIUS]) + 2.0 * margin

    def is_let_in_by(self, other: Course) -> bool:
        """Whether another holds the slice that this robot wants next, and goes out of the way for its sake."""
        mine = id_of(self.own.rank.inherited)
        return self.following in other.held and id_of(other.rank.inherited) == mine

    def is_met_by(self, other: Course) -> bool:
        """Whether another comes towards this robot."""
        return opposed(self.own.ahead, other.ahead)


def _next_of(course: Course) -> int:
    """The slice that a robot wants next, 0 for none."""
    return next((number for number in course.ahead if number not in course.held), 0)


def pushers_of(scene: Scene, still: Container[int], before: Container[int] = ()) -> list[int]:
    """For whom a robot gives way, each once.

    Args:
        scene: What is known.
        still: Also for these, as long as they come towards it; no longer if all that they want is back to where they
            had arrived, where somebody may stand for whom they would wait for ever.
        before: Also for these, as long as they come towards it and go first: else it would go on, since nobody is near
            enough to what it wants next, hold that, give way and give it back, again and again.
    """
    mine = frozenset((*scene.own.held, *scene.own.ahead))
    others = others_naming(scene.others, mine)
    found = [one for one, other in others.items() if _is_in_the_way_of(scene, other) or _comes_against(scene, other)]
    found += [one for one in others if one in before and _still_meets(scene, others[one])]
    if scene.crossed_by:
        found += [one for one in scene.others if one in scene.crossed_by]
    if not scene.own.held or scene.waits:
        found += _coming_out(scene)
    # Of two that both have said that they have nowhere to go, each goes for the other if it can now.
    ranks = {robot: scene.others[robot].rank for robot in found}
    higher = (robot for robot, rank in ranks.items() if goes_first(rank, scene.rank) or rank.leaving)
    again = (r for r, other in others.items() if r in still and other.rank.inherited >= 0 and scene.is_met_by(other))
    return list(dict.fromkeys([*higher, *again, *(_shut_in(scene) if scene.waits else [])]))


def _still_meets(scene: Scene, other: Course) -> bool:
    """Whether another still wants through where this robot is, or comes towards it."""
    return scene.is_met_by(other) or not {*other.ahead, other.claim}.isdisjoint(scene.own.held)


def _is_in_the_way_of(scene: Scene, other: Course) -> bool:
    """Whether this robot stands where another wants through."""
    held = scene.own.held
    if not held or {*other.ahead, other.claim}.isdisjoint(held):
        return False
    if scene.arrived:
        return bool(other.held) or other.claim in held
    return scene.is_met_by(other) or (scene.waits and bool(other.held))


def _comes_against(scene: Scene, other: Course) -> bool:
    """Whether another is in a passage, and comes towards this robot through the slice that it wants next.

    Or through others farther on, which it does not enter against this robot, though this one does not get on either:
    behind who makes way for that other one, it would keep it out for ever.

    Who has arrived and was pushed out of its place lets those go first whom it would meet on its way back, and who
    want the slice that leads back to it next: they would else not enter a lane against it, though it may have to wait
    there for ever, for another one that has arrived.
    """
    if scene.arrived and scene.following > 0 and (scene.following == _next_of(other) or scene.is_met_by(other)):
        return True
    if not other.held or not scene.is_met_by(other):
        return False
    return scene.following in other.ahead or (scene.waits and _next_of(other) in scene.own.ahead)


def _coming_out(scene: Scene) -> Iterable[int]:
    """Who is in a passage, and this robot stands right before him."""
    neighbours = scene.view.neighbours
    for k, robot in enumerate(neighbours[:, N_ID].tolist()):
        other = scene.others.get(robot)
        if other is not None and other.held and in_line(scene.position, scene.radius, neighbours[k].tolist()):
            yield int(robot)


def _shut_in(scene: Scene) -> Iterable[int]:
    """Who holds the slice that this robot waits for and wants out of it, not into this robot's: it needs room.

    If this robot is in a passage itself, only who comes out right where it is: at a crossing there are other ways out.
    But not who makes way for this robot, and so has a way already: if this one went, the other would stay.
    """
    own, following = scene.own, scene.following
    if following == 0 or scene.arrived:
        return
    for robot, other in others_naming(scene.others, (following,)).items():
        leaves = following in other.held and len(other.ahead) > 1 and other.ahead[-1] != following
        past_here = (not own.held or robot in scene.crossed_by) and set(own.held).isdisjoint(other.ahead)
        if leaves and past_here and id_of(other.rank.inherited) != id_of(own.rank.priority):
            yield robot
