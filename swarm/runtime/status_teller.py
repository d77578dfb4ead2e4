"""Makes the status of a control process from what it knows."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

from swarm.array_types import Array
from swarm.robot import Command
from swarm.runtime.control import Control, Period
from swarm.runtime.link.status import EVERY, MAX_AGES, MAX_REASONS, Pair, Status, encode
from swarm.runtime.loop import Rate

_RECENT = 200  # Periods that figures of time are about.


class StatusTeller:
    """Makes a status every few periods, from what its control process knows.

    Args:
        control: Of the robot.
        rate: Of its loop.
        log_note: What a person should know of its log, if anything. Told first: the last ones are cut.
    """

    def __init__(self, control: Control, rate: Rate, log_note: Callable[[], str] = str) -> None:
        self._control, self._rate, self._log_note = control, rate, log_note
        self._every = max(1, math.ceil(EVERY / control.dt - 1e-9))
        self._count = control.robot_id  # Robots that start together do not all tell in the same period.

    def due(self, period: Period) -> bytes | None:
        """Call it once a period, after its work: the bytes to publish, or None."""
        self._count += 1
        return encode(self.status(period)) if self._count % self._every == 0 else None

    def status(self, period: Period) -> Status:
        """What is known after a period."""
        control, command, reading = self._control, period.command, period.reading
        return Status(
            control.robot_id, control.incarnation, period.reason,
            control.watchdog.stopped or bool(control.watchdog.latched),
            0 if control.stop is None else control.stop.counter, control.lockstep.tick,
            None if reading is None else tuple(reading.state.tolist()),
            None if period.view is None else _pair(period.view.goal),
            None if command is None else _pair(command.plan.waypoint),
            None if command is None else tuple(command.tunables.tolist()),
            None if period.sent is None else _pair(period.sent.control),
            "" if command is None else command.outcome, control.why(period), self._ages(period),
            dict(control.rejected.most_common(MAX_REASONS)), control.watchdog.overruns,
            _high(self._rate.late), _high(self._rate.took), self.notes(command),
        )  # fmt: skip

    def notes(self, command: Command | None = None) -> tuple[str, ...]:
        """What else a person should know of this robot; with its last command, also what blocks its way."""
        blocked = "" if command is None else command.plan.note
        return (*filter(None, [self._log_note(), blocked]), *self._control.notes())

    def _ages(self, period: Period) -> tuple[tuple[int, float], ...]:
        """How old the news of the nearest robots is."""
        if period.reading is None:
            return ()
        x, y = period.reading.state[:2].tolist()
        heard = sorted(
            self._control.inbox.heard(period.time),
            key=lambda one: math.hypot(one.report.state[0] - x, one.report.state[1] - y),
        )
        return tuple((one.report.robot_id, one.age) for one in heard[:MAX_AGES])


def _pair(values: Array) -> Pair:
    return float(values[0]), float(values[1])


def _high(values: Any) -> float:
    """What 99 of 100 of the last values do not exceed [ms]."""
    recent = sorted(islice(reversed(values), _RECENT))
    return 1e3 * recent[min(len(recent) - 1, math.ceil(0.99 * len(recent)))] if recent else 0.0
