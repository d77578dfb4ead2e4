"""A planner's tick that needs no common clock: it advances when everybody near has heard of the last one.

`swarm.planning.cells` takes a cell one tick after claiming it, if no report *that was written in knowledge of the
claim* holds the cell or claims it better. Where robots share a clock, one tick is long enough for that. Here a report
says what it knows, by what it acknowledges: an intent counts as of this tick only if its sender has heard of ours.
Then of two robots that claim one cell, each takes it only after reading a report of the other that knows its claim;
the one whose claim is worse reads of the better claim, or that the cell is held, and does not take it.

Until then the tick, and with it the plan, stays as it is. A lost or late message costs time, nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from swarm.messages import Message
from swarm.runtime.inbox import Heard
from swarm.runtime.roster import Peer

JOIN = 3.0
"""Seconds for which a robot waits for those of the roster that it has never heard; then they are not there."""
_UNKNOWN = -1
"""Stamp of an intent whose sender does not know ours."""


class Lockstep:
    """The tick of one robot.

    Args:
        roster: The robots of the fleet.
        radius: Robots within it may want the same cells, m.
        start: When it began, s.

    Attributes:
        tick: Of the planner.
    """

    def __init__(self, roster: Mapping[int, Peer], radius: float, start: float) -> None:
        self.roster, self.radius, self.start = roster, radius, start
        self.tick = 0
        self._told_at: int | None = None  # Sequence of the first report of this tick.
        self._told_before: int | None = None  # The same of the tick before.

    def told(self, sequence: int) -> None:
        """A report with this tick's intent is on its way."""
        if self._told_at is None:
            self._told_at = sequence

    def advance(self, x: float, y: float, heard: Sequence[Heard], now: float) -> bool:
        """Go on to the next tick if everybody who may be near has acknowledged this one; returns whether it did.

        Args:
            x: Where the robot is, m.
            y: Where the robot is, m.
            heard: Of each neighbour, the last report.
            now: s.
        """
        if now - self.start < JOIN and len(heard) < len(self.roster) - 1:
            return False
        if self._told_at is None or any(self.may_be_near(x, y, one) and not self._knows(one) for one in heard):
            return False
        self.tick, self._told_before, self._told_at = self.tick + 1, self._told_at, None
        return True

    def may_be_near(self, x: float, y: float, one: Heard) -> bool:
        """Whether a robot may by now be within the radius."""
        state = one.report.state
        return math.hypot(state[0] - x, state[1] - y) - one.growth(self.roster[one.report.robot_id]) <= self.radius

    def messages(self, heard: Iterable[Heard]) -> dict[int, Message]:
        """What the planner reads: intents are of the last tick where their senders know of it, else of none.

        Call it after `advance`; the intents of all who were ever heard are there, since cells that somebody holds
        stay held however long nothing is heard of him.
        """
        found = {}
        for one in heard:
            message = one.report.message
            if message.intent is not None:
                stamp = self.tick - 1 if self._knew(one) else _UNKNOWN
                message = replace(message, intent=replace(message.intent, stamp=stamp))
            found[message.robot_id] = message
        return found

    def _knows(self, one: Heard) -> bool:
        return self._told_at is not None and one.acked >= self._told_at

    def _knew(self, one: Heard) -> bool:
        return self._told_before is not None and one.acked >= self._told_before
