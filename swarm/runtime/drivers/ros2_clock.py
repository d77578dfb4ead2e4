"""The clock of a ROS 2 base: when odometry was measured, which time goes on commands, and what is wrong with it.

ROS 2's nodes stamp what they measure by the wall clock, which the computers of a robot share or synchronise. If they do
not (``clock: base`` in the fleet file), only the stamps tell of the base's clock, as far as its delay is declared. In a
simulation (``use_sim_time``) they stamp by its clock, and only its stamps tell of it here
(``swarm.runtime.drivers.clocks``).
"""

from __future__ import annotations

import time

from swarm.runtime.drivers.clocks import (
    CLOCK_JUMPED,
    IN_FUTURE,
    LEARN,
    LEARNING,
    OLDER,
    OTHER_CLOCK,
    REPEATED,
    WRONG,
    LearntClock,
    OffsetClock,
    WallClock,
    wrong,
)
from swarm.runtime.watchdog import STATE_AGE

AHEAD = 0.05
"""Seconds that odometry may be stamped ahead of its arrival: synchronised clocks agree better than that."""
_SENT = 10.0  # Seconds after which a time of sending is of another clock.
_SYNCHRONISE = "synchronise, or set clock: base or use_sim_time: true"
# For an operator, within the 96 characters that a status has for a line.
_PROBLEMS = {
    IN_FUTURE: "odometry {:.4g} s ahead of this clock: " + _SYNCHRONISE,
    OTHER_CLOCK: "odometry {:.4g} s behind this clock: " + _SYNCHRONISE,
    REPEATED: "odometry has the same stamp again and again: not stamped, or a simulation that is paused",
    OLDER: "odometry is stamped older than before: was the base's clock set back?",
    CLOCK_JUMPED: "the base's clock was set, or its odometry comes {:.4g} s late: waits until stamps agree",
    LEARNING: f"simulated time begins: {LEARN:g} s of odometry without a break are needed",
    "late": f"odometry comes {{:.2g}} s late, valid is {STATE_AGE:g} s: slow network, or clocks that differ",
    "slow": f"odometry comes {{:.2g}} s late, valid is {STATE_AGE:g} s: slow network, or simulation below real time",
}


class BaseClock:
    """The clock by which one base stamps.

    Args:
        simulated: Whether it is that of a simulation.
        wall: The wall clock.
        offset: The clock of a base that has its own; None: it is the wall clock.

    Attributes:
        problem: What is wrong with it or with its stamps, and what would be valid, one line; empty: nothing.
    """

    def __init__(self, simulated: bool, wall: WallClock | None = None, offset: OffsetClock | None = None) -> None:
        self.problem, self._kind = "", ""
        self._simulated, self._offset = simulated, offset
        self._learnt = LearntClock(settle=LEARN)
        self._wall = wall or WallClock()
        self._ahead = self._wall.ahead()
        self._stamp: float | None = None  # The newest that came, usable or not.
        self._used, self._measured = float("nan"), float("-inf")  # The newest that was usable, and when that was.

    def look(self) -> None:
        """Look at the wall clock; once a period."""
        self._ahead = self._wall.ahead()

    def measured(self, stamp: float, sent: float, arrived: float) -> float | str:
        """When odometry was measured.

        Args:
            stamp: By this clock [s].
            sent: When it was sent by the wall clock, since 1970 [s], as the middleware says.
            arrived: When it arrived [s], by ``time.monotonic``.

        Returns:
            When [s], by ``time.monotonic``, at most ``arrived``; or why it is no new state.
        """
        self._stamp = stamp
        if self._offset is not None:
            measured = self._offset.measured(stamp, arrived)
        else:
            measured = self._by_simulation(stamp, sent, arrived) if self._simulated else self._by_wall(stamp, arrived)
        if not isinstance(measured, str):
            self._used, self._measured = stamp, measured
        self._tell(measured, stamp, arrived)
        return measured

    def _by_wall(self, stamp: float, arrived: float) -> float | str:
        measured = stamp - self._ahead
        if measured > arrived + AHEAD:
            return IN_FUTURE
        if found := wrong(measured, arrived):
            return found
        if stamp == self._used:
            return REPEATED
        measured = min(measured, arrived)
        return measured if measured > self._measured else OLDER

    def _by_simulation(self, stamp: float, sent: float, arrived: float) -> float | str:
        measured = self._learnt.measured(stamp, arrived)
        sent -= self._ahead
        # Simulated time does not tell a slow network from a pause; the time of sending does, if it is the wall clock's.
        return measured if isinstance(measured, str) or sent < arrived - _SENT else min(measured, sent)

    def _tell(self, measured: float | str, stamp: float, arrived: float) -> None:
        """Word what is wrong; the words of one kind of problem stay, so that they can be said once."""
        kind, seconds = "", abs(stamp - self._ahead - arrived)
        if not isinstance(measured, str):
            seconds = arrived - measured
            if seconds > STATE_AGE:
                kind = "slow" if self._simulated else "late"
        elif measured in (REPEATED, OLDER):
            # One that comes twice, or was overtaken, harms nobody.
            kind = measured if arrived - self._measured > STATE_AGE else self._kind
        else:
            kind = measured
        if kind != self._kind:
            self._kind, self.problem = kind, _PROBLEMS[kind].format(seconds) if kind else ""

    @property
    def doubt(self) -> str:
        """Why states with such stamps must not be driven by; empty: they may."""
        return self._kind if self._kind in WRONG else ""

    def stamp(self) -> int:
        """The time that goes on a command [ns]; of a base's own clock what that shows, else the newest that came.

        As with any node in simulated time it stands still between messages. So the base's command timeout comes rather
        too early than too late, and also in a simulation that was paused.
        """
        if self._offset is not None and not self._kind:
            return round(1e9 * (self._offset.now(time.monotonic()) or 0.0))
        if self._offset is None and not self._simulated and (self._stamp is None or not self._kind):
            return time.time_ns()
        return round(1e9 * (self._stamp or 0.0))
