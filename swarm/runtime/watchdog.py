"""Whether a robot may move in this period, and why not: the watchdogs of its control process.

Pure logic on times that are passed in [s], of one monotonic clock that goes on while the process is stopped.
"""

from __future__ import annotations

from collections import Counter

from swarm.errors import InputError

STATE_AGE = 0.15
"""Seconds after which a robot's own state is too old to move by."""
STOPPED_FOR = 3.0
"""Periods without a step after which the process has been stopped, and begins anew with newer data only."""
OVERRUNS = 2
"""Late periods in a row after which the robot brakes."""

MAY_MOVE, NO_STATE, OLD_STATE = "moving", "no own state", "own state older than declared"
_ROUNDING = 1e-6


class Watchdog:
    """Watches one control loop; ask it once a period.

    Args:
        period: Of the loop [s].
        age: How old a state that is used may be, if that is declared [s]; None: it is not.

    Attributes:
        state_age: How old a state may be to move by it [s].
        stopped: Whether an emergency stop is latched.
        reasons: How many periods each answer was given for.
        overruns: Late periods so far.
        resumes: How often the process had been stopped.
    """

    def __init__(self, period: float, age: float | None = None) -> None:
        if not 0.0 < period < 10.0:
            raise InputError("period", period, "above 0 and below 10 s")
        self.period, self._declared = period, age is not None
        self.state_age = STATE_AGE if age is None else age + _ROUNDING
        self.stopped = False
        self.reasons: Counter[str] = Counter()
        self.overruns = self.resumes = 0
        self._late = 0
        self._last: float | None = None
        self._newer_than = float("-inf")

    def begin(self, now: float) -> bool:
        """A period begins; True if the process had been stopped since the last one.

        Then everything that was read before is void: the caller drops what is queued, and arms its goal anew.
        """
        resumed = self._last is not None and now - self._last > STOPPED_FOR * self.period
        if resumed:
            self.resumes += 1
            self._newer_than, self._late = now, 0
        self._last = now
        return resumed

    def check(
        self, now: float, *, state_at: float | None, planned: bool, waits_for: int | None,
        joined: bool = True, refusal: str | None = None, doubt: str = "",
    ) -> str:  # fmt: skip
        """Whether it may move, as ``MAY_MOVE`` or the reason why not.

        Args:
            now: Time [s].
            state_at: When the robot's own state was measured; None: there is none. The future is another clock's.
            planned: Whether there is a valid map, roster, goal and plan.
            waits_for: A robot that has to be waited for (``swarm.runtime.belief``).
            joined: Whether it had the time to hear the others (``swarm.runtime.lockstep``).
            refusal: Who does not fit, and why (``swarm.runtime.link.handshake``).
            doubt: Why its own state cannot be so, or nothing (``swarm.runtime.drivers.doubts``).
        """
        reason = counted = MAY_MOVE
        if self.stopped:
            reason = "emergency stop"
        elif doubt:
            reason = doubt
        elif self._declared and state_at is not None and now - state_at > self.state_age:
            reason = OLD_STATE
        elif state_at is None or not abs(now - state_at) <= self.state_age:
            reason = NO_STATE
        elif state_at <= self._newer_than:
            reason = "own state from before the stop"
        elif refusal is not None:
            reason, counted = refusal, "incompatible"
        elif self._late >= OVERRUNS:
            reason = "overrun"
        elif not planned:
            reason = "no plan"
        elif not joined:
            reason = "has not heard the others yet"
        elif waits_for is not None:
            reason, counted = f"waits for robot {waits_for}", "waits"
        # Reasons that somebody else can word are counted as one.
        self.reasons[reason if counted == MAY_MOVE else counted] += 1
        return reason

    def end(self, now: float) -> None:
        """The period's work is done; it is late if that took longer than a period."""
        late = self._last is not None and now - self._last > self.period
        self._late = self._late + 1 if late else 0
        self.overruns += late

    def stop(self) -> None:
        """Latch the emergency stop."""
        self.stopped = True

    def release(self) -> None:
        """Lift the emergency stop; the robot begins with newer data only."""
        if self.stopped:
            self.stopped = False
            self._newer_than = self._last if self._last is not None else float("-inf")
