"""Whether what a body says of itself can be so, by what is declared of it; if not, its robot must not move.

Nothing here is an alarm without a cause: what stays within the declared errors, however they fall, is never doubted.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from swarm.array_types import Array
from swarm.model.body import PERIOD, STRAY, TURN_RATE
from swarm.model.dynamics import UNICYCLE
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.drivers.base import Reading
from swarm.runtime.fleet_file.braking import JUMPED, NO_MOTION, UNCERTAIN
from swarm.runtime.fleet_file.roster import Peer, top_speed

WINDOW = 1.0
"""Seconds for which a robot that is told to move may not do so; and for which it then stands before it tries again."""
SIGMAS = 3.0
"""Standard deviations of what a body says that have to be within the declared bound."""
_SHARE = 0.1  # Of the way that it was told to go; who moves less does not move.


class _Told(NamedTuple):
    """One period: when [s], where the robot measured itself, and by how much it was told to move [m]."""

    time: float
    x: float
    y: float
    dx: float
    dy: float


class Doubts:
    """Doubts about one body.

    Args:
        peer: The robot.
        errors: What is declared of it. Without any there is no doubt.
        obeys: Whether it executes commands: that one moves as it is told is asked of no other.
    """

    def __init__(self, peer: Peer, errors: ErrorBounds, obeys: bool = True) -> None:
        self._peer, self._errors, self._period = peer, errors, float(peer.body[PERIOD])
        self._obeys = obeys
        self._last: Reading | None = None
        self._told: deque[_Told] = deque()
        self._reason, self._until = "", -math.inf

    def of(self, now: float, reading: Reading) -> str:
        """Why the robot must not move now, or nothing; ask once a period, with the newest reading."""
        if not self._errors.any:
            return ""
        if self._last is not None and self._cannot_follow(reading, self._last):
            self._stand(now, JUMPED)
        elif self._stuck(now, reading):
            self._stand(now, NO_MOTION)
        self._last = reading
        if now < self._until:
            return self._reason
        return UNCERTAIN if self._uncertain(reading) else ""

    def told(self, now: float, reading: Reading, way: Array | None) -> None:
        """By how much the robot was told to move in this period, ``float64[2]`` [m]; None: not to move."""
        if way is None or not self._obeys:
            self._told.clear()
            return
        x, y = reading.state[:2].tolist()
        self._told.append(_Told(now, x, y, float(way[0]), float(way[1])))

    def _stand(self, now: float, reason: str) -> None:
        self._told.clear()
        self._reason, self._until = reason, now + WINDOW

    def _cannot_follow(self, reading: Reading, before: Reading) -> bool:
        """Whether a state is farther from the one before than the robot can have come, a period more counted."""
        time = max(reading.measured - before.measured, 0.0) + self._period
        x, y, heading = (reading.state[:3] - before.state[:3]).tolist()
        if math.hypot(x, y) > top_speed(self._peer) * time + 2.0 * self._errors.position:
            return True
        turned = abs(math.atan2(math.sin(heading), math.cos(heading)))
        most = float(self._peer.body[TURN_RATE]) * time + 2.0 * self._errors.heading
        return self._peer.kind == UNICYCLE and turned > most

    def _stuck(self, now: float, reading: Reading) -> bool:
        """Whether it has moved by less than a tenth of what it was told, and errors do not explain that.

        A measured way is off by twice the bound of a place, by what goes elsewhere, and by what is not done yet or was
        still to be done: the first and the last commands of the time that is looked at.
        """
        while len(self._told) > 1 and self._told[1].time <= now - WINDOW + 1e-6:
            self._told.popleft()
        if not self._told or self._told[0].time > now - WINDOW + 1e-6:
            return False
        first, errors = self._told[0], self._errors
        told = math.hypot(sum(one.dx for one in self._told), sum(one.dy for one in self._told))
        ways = [math.hypot(one.dx, one.dy) for one in self._told]
        late = 2.0 * (errors.age + errors.dead_time + errors.lag + self._period) * max(ways) / self._period
        off = 4.0 * errors.position + float(self._peer.body[STRAY]) * sum(ways) + late
        moved = math.hypot(reading.state[0] - first.x, reading.state[1] - first.y) - 2.0 * errors.position
        return moved < _SHARE * told and (1.0 - _SHARE) * told > off

    def _uncertain(self, reading: Reading) -> bool:
        if reading.deviation is None:
            return False
        place, heading = reading.deviation
        turns = self._peer.kind == UNICYCLE
        return SIGMAS * place > self._errors.position or (turns and SIGMAS * heading > self._errors.heading)
