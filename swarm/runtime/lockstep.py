"""A planner's tick that needs no common clock: it advances when everybody near has heard of the last one.

``swarm.planning.cells.planner`` takes a cell one tick after claiming it, if no report *that was written in knowledge of
the claim* holds the cell or claims it better. Where robots share a clock, one tick is long enough for that. Here a
report says what it knows, by what it acknowledges: an intent counts as of this tick only if its sender has heard of
ours. Then of two robots that claim one cell, each takes it only after reading a report of the other that knows its
claim; the one whose claim is worse reads of the better claim, or that the cell is held, and does not take it.

Until then the tick, and with it the plan, stays as it is. A lost or late message costs time, nothing else.

Who has been silent for ``SILENCE`` may be dead, and is not waited for any more by those who sense other robots
themselves. It keeps the cells that it held and claimed, and as long as it may be near, cells are claimed as
``swarm.planning.cells.planner`` claims them among strangers. It knows of our last claim, since we waited for that until
then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from swarm.array_types import Array
from swarm.planning.cells.claims import bounded_priority
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Heard
from swarm.runtime.sensing import SILENCE
from swarm.sense.intent import MAX_HELD, RANKINGS, WINDOW, Intent
from swarm.sense.messages import Message

JOIN = 1.5
"""Seconds for which a robot waits for those of the roster that it has never heard; then they are not there. Who is,
is heard within half of that; and a robot that starts beside a dead one is to be ready soon."""
_UNKNOWN = -1
"""Stamp of an intent whose sender does not know ours."""
_SOON = 1.5
"""Metres beyond the radius from which on a robot is told everything: by then both know each other's last tick."""
_FIRST = priority_key(1 << 40, 0)
"""Priority of a robot that nobody can move."""


class Lockstep:
    """The tick of one robot.

    Args:
        roster: The robots of the fleet.
        radius: Robots within it may want the same cells [m].
        start: When it began [s].

    Attributes:
        tick: Of the planner.
        soon: Who may be near by now or soon.
        known: Whom an earlier process of this robot has heard.
        alone: Whether somebody who may be near is not waited for, since he is silent.
    """

    def __init__(self, roster: Mapping[int, Peer], radius: float, start: float) -> None:
        self.roster, self.radius, self.start = roster, radius, start
        self.tick, self.alone = 0, False
        self.soon: frozenset[int] = frozenset()
        self.known: frozenset[int] = frozenset()
        self._told_at: int | None = None  # Sequence of the first report of this tick.
        self._told_before: int | None = None  # The same of the tick before.
        self._near: list[Heard] = []
        self._solid: frozenset[int] = frozenset()  # Of these, who is not waited for.

    @property
    def near(self) -> frozenset[int]:
        """Who may be within the radius, as of the last ``advance``."""
        return frozenset(one.report.robot_id for one in self._near)

    def told(self, sequence: int) -> None:
        """A report with this tick's intent is on its way."""
        if self._told_at is None:
            self._told_at = sequence

    def advance(self, x: float, y: float, heard: Sequence[Heard], now: float, senses: bool = False) -> bool:
        """Go on to the next tick if everybody who may be near has acknowledged this one; returns whether it did.

        Args:
            x: Where the robot is [m].
            y: Where the robot is [m].
            heard: Of each neighbour, the last report.
            now: Time [s].
            senses: Whether this robot senses others itself, and need not wait for those who are silent.
        """
        gaps = [self._gap(x, y, one) for one in heard]
        self.soon = frozenset(one.report.robot_id for one, gap in zip(heard, gaps, strict=True) if gap <= _SOON)
        self._near = [one for one, gap in zip(heard, gaps, strict=True) if gap <= 0.0]
        self._solid = frozenset(one.report.robot_id for one in self._near if senses and one.age > SILENCE)
        missing = len(heard) < len(self.roster) - 1
        self.alone = senses and (missing or bool(self._solid))
        if self._told_at is None or not self.joined(heard, now, senses):
            return False
        if not all(self._knows(one) for one in self._near if one.report.robot_id not in self._solid):
            return False
        self.tick, self._told_before, self._told_at = self.tick + 1, self._told_at, None
        return True

    def joined(self, heard: Sequence[Heard], now: float, senses: bool = False) -> bool:
        """Whether these are all of the others, or the time to hear the rest is over; see ``advance``.

        Who does not sense others waits longer for those of whom he knows that they are there.
        """
        if len(heard) >= len(self.roster) - 1:
            return True
        return now - self.start >= JOIN and (senses or self.known <= {one.report.robot_id for one in heard})

    def _gap(self, x: float, y: float, one: Heard) -> float:
        """How far outside of the radius a robot is at least by now [m]; 0 or less: it may be within."""
        state = one.report.state
        return math.hypot(state[0] - x, state[1] - y) - one.growth(self.roster[one.report.robot_id]) - self.radius

    def messages(self) -> dict[int, Message]:
        """What the planner reads: intents are of the last tick where their senders know of it, else of none.

        They are of the robots that were near at the last ``advance``, however old: cells that somebody holds stay held
        however long nothing is heard of him.
        """
        found = {}
        for one in self._near:
            message = one.report.message
            if message.intent is not None:
                told = message.intent
                if (counts := bounded_priority(told.priority, message.robot_id)) != told.priority:
                    told = replace(told, priority=counts)
                intent = self._solidify(told) if message.robot_id in self._solid else told
                known = message.robot_id in self._solid or self._knew(one)
                message = replace(message, intent=replace(intent, stamp=self.tick - 1 if known else _UNKNOWN))
            found[message.robot_id] = message
        return found

    def silent(self) -> Array:
        """Last known places of those who are not waited for, ``float64[k, 2]`` [m]."""
        places = [one.report.state[:2] for one in self._near if one.report.robot_id in self._solid]
        return np.array(places).reshape(-1, 2)

    @staticmethod
    def _solidify(intent: Intent) -> Intent:
        """The intent of a robot that stays where it is, with all that it may hold."""
        held = intent.held if intent.claim < 0 or intent.claim in intent.held else (*intent.held, intent.claim)
        return replace(
            intent, held=held[-MAX_HELD:], claim=-1, priority=_FIRST, ranking=RANKINGS[0], leaving=False,
            window=(held[-1],) * (WINDOW + 1),
        )  # fmt: skip

    def _knows(self, one: Heard) -> bool:
        return self._told_at is not None and one.acked >= self._told_at

    def _knew(self, one: Heard) -> bool:
        return self._told_before is not None and one.acked >= self._told_before
