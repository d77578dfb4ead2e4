"""Slices that one robot holds, and the next one that it claims.

It claims the next slice on its way and takes it a tick later, by the rules of ``right_of_way``; until then it stops
before it. It does not claim what is left to others that come towards it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array, Int64s
from swarm.planning.passages.right_of_way import Course, goes_first, in_order, is_due, may_enter, may_take, opposed
from swarm.planning.passages.search import Along
from swarm.planning.passages.slices import Slices
from swarm.planning.passages.team import Others, others_naming
from swarm.scenario.robot_spec import RobotSpec
from swarm.sense.intent import MAX_HELD, Intent
from swarm.sense.view import View

_DECIDING = 4.0  # Periods for which a robot drives on while a claim is decided.


class Leg(NamedTuple):
    """The way ahead of one robot.

    Attributes:
        path: Its points, world frame [m], float64[n, 2]; of a robot that is no disc its poses, float64[n, 3].
        numbers: The slices at them, 0 where there is room, int64[n].
        steps: Way to each of them [m], float64[n].
        order: The slices on it, in the order in which it comes to them.
        firsts: At which point it comes to each of these.
        target: Where the robot would drive if nothing were reserved [m], float64[2]; None: along the way.
        left: Its length [m].
        ahead: The slices on it without room to wait between them.
        distance: The way to the first of these [m]; inf if there is none.
    """

    path: Array
    numbers: Int64s
    steps: Array
    order: tuple[int, ...]
    firsts: tuple[int, ...]
    target: Array | None
    left: float
    ahead: tuple[int, ...]
    distance: float

    def without_slices(self) -> Leg:
        """The same way of a robot that holds none, and asks for none."""
        return self._replace(
            numbers=np.zeros_like(self.numbers), order=(), firsts=(), ahead=(), distance=math.inf
        )  # fmt: skip

    def next_beyond(self, held: Sequence[int]) -> int:
        """The place in ``order`` of the first slice that is not held; as many as there are if all are held."""
        for place, number in enumerate(self.order):
            if number not in held:
                return place
        return len(self.order)


def leg_of(path: Array, along: Along, target: Array | None, left: float | None = None) -> Leg:
    """A way as ``Leg`` with what ``swarm.planning.passages.search.slices_along`` tells of it."""
    numbers, steps, order, firsts, ahead, distance = along
    met, left = tuple(order.tolist()), float(steps[-1]) if left is None else left
    return Leg(path, numbers, steps, met, tuple(firsts.tolist()), target, left, met[:ahead], distance)


class Holding:
    """What one robot holds and claims.

    Args:
        slices: Of the team.
        spec: The robot.
        dt: Control period [s].
        robot_id: Identity.

    Attributes:
        held: Slices that this robot alone may be in.
        claim: The next one that it wants to hold, 0 for none.
    """

    def __init__(self, slices: Slices, spec: RobotSpec, dt: float, robot_id: int) -> None:
        self._slices, self._dt, self._robot_id = slices, dt, robot_id
        self._speed, self._braking = spec.limits.speed, spec.limits.acceleration or math.inf
        self.held: list[int] = []
        self.claim = 0

    def take(self, last: Intent | None, others: Others, closed: frozenset[int]) -> None:
        """Take the slice that was claimed, if nobody has a better right to it and it is not closed."""
        if self.claim <= 0 or self.claim in closed or last is None or not others.are_of(last.stamp):
            return
        heard = others.intents_naming((self.claim, *self._slices.lanes.along(self.claim)))
        if may_take(self.claim, last, self._robot_id, heard) and may_enter(
            self.claim, last, self._robot_id, heard, self._slices.lanes
        ):
            self.held.append(self.claim)

    def release(self, view: View, leg: Leg) -> None:
        """Give back what is neither under the robot, nor where it can still come to, nor next on its way."""
        x, y, _, vx, vy = view.state.tolist()
        kept = [self._slices.at(x, y)]
        if self.held:
            time = self._dt + 0.5 * math.hypot(vx, vy) / self._braking
            coming = [self._slices.at(x + share * time * vx, y + share * time * vy) for share in (0.5, 1.0)]
            kept += [number for number in coming if number in self.held]
        for number in leg.order:
            if number not in self.held and number != kept[0]:
                break
            kept.append(number)
        self.held = list(in_order(kept))[:MAX_HELD]

    def claim_next(
        self, view: View, leg: Leg, own: Course, others: Mapping[int, Course], closed: frozenset[int]
    ) -> None:  # fmt: skip
        """Claim the next slice on the way if it is near and not closed, and nobody goes first."""
        self.claim, following = 0, leg.next_beyond(self.held)
        if len(self.held) == MAX_HELD or following == len(leg.order):
            return
        *_, vx, vy = view.state.tolist()
        stopping = 0.5 * (vx * vx + vy * vy) / self._braking
        if leg.steps[leg.firsts[following]] > stopping + self._slices.length + _DECIDING * self._dt * self._speed:
            return
        number = leg.order[following]
        naming = others_naming(others, (number,))
        wanted = ((other, view.messages[robot].intent) for robot, other in naming.items() if number in other.wants)
        if number in closed or any(number in self._left_to(*one, own, leg.distance) for one in wanted):
            return
        if not self._enters_against(number, leg, others):
            self.claim = number

    def _left_to(self, other: Course, told: Intent | None, own: Course, distance: float) -> tuple[int, ...]:
        """Slices that are left to another robot that goes first and comes towards this one through them.

        But not if that one is still so far away that this one, ``distance`` [m] before the first of its own, is through
        by then; nor those of a lane that this one is in, and that one is not: it does not enter that against this one.
        If that one is due, and this one is in no passage, this one waits whichever way they go.
        """
        waits = is_due(other.rank.priority) and not own.held
        if not goes_first(other.rank, own.rank) or not (waits or opposed(own.ahead, other.ahead)):
            return ()
        through = distance + (len(own.ahead) + 2) * self._slices.length
        if not other.held and told is not None and told.arrival * self._dt * self._speed > through:
            return ()
        lanes = self._slices.lanes
        mine = {lanes.of[one] for one in own.held} - {0, *(lanes.of[one] for one in other.held)}
        return tuple(number for number in (other.wants if waits else other.ahead) if lanes.of[number] not in mine)

    def _enters_against(self, number: int, leg: Leg, others: Mapping[int, Course]) -> bool:
        """Whether it would enter a lane with this slice against somebody who is in it."""
        lanes = self._slices.lanes
        lane = lanes.entered(number, self.held)
        return lane > 0 and any(
            lanes.is_inside(lane, other.held) and lanes.opposed(lane, number, leg.ahead, other.ahead)
            for other in others_naming(others, lanes.along(number)).values()
        )
