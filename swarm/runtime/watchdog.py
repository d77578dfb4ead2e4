"""Whether a robot may move in this period, and why not: the watchdogs of its control process.

Pure logic on times that are passed in [s], of one monotonic clock that goes on while the process is stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from swarm.errors import InputError
from swarm.runtime.fleet_file import braking as names
from swarm.runtime.fleet_file.braking import DEFAULT, HOLD, LATCH, TELL, Action

STATE_AGE = 0.15
"""Seconds after which a robot's own state is too old to move by."""
STOPPED_FOR = 3.0
"""Periods without a step after which the process has been stopped, and begins anew with newer data only."""
OVERRUNS = 2
"""Late periods in a row after which the robot brakes in the next one, too; in a late one it does so anyway."""

MAY_MOVE = "moving"
RELEASE = "until an operator releases it"
"""What the reason of a robot ends in that a reason has latched."""
_DOUBTS = (names.NO_MOTION, names.JUMPED, names.UNCERTAIN)
_ROUNDING = 1e-6


class Watchdog:
    """Watches one control loop; ask it once a period.

    Args:
        period: Of the loop [s].
        age: How old a state that is used may be, if that is declared [s]; None: it is not.
        braking: What is done about each reason (``swarm.runtime.fleet_file.braking``).
        latched: The reason that had latched the robot when the process before this one ended; empty: none.

    Attributes:
        state_age: How old a state may be to move by it [s].
        stopped: Whether an emergency stop is latched.
        latched: The reason other than that which keeps it until an operator releases it; empty: none.
        holds: Whether the last answer is a reason for which it still keeps its command, through the filter.
        reasons: How many periods each answer was given for.
        blind: Why it does not know where it is, by the last answer; empty: it knows, or something else comes first.
        overruns: Late periods so far.
        resumes: How often the process had been stopped.
    """

    def __init__(
        self, period: float, age: float | None = None, braking: Mapping[str, Action] = DEFAULT, latched: str = ""
    ) -> None:
        if not 0.0 < period < 10.0:
            raise InputError("period", period, "above 0 and below 10 s")
        self.period, self._declared = period, age is not None
        self.state_age = STATE_AGE if age is None else age + _ROUNDING
        self.stopped, self.holds, self.latched, self._braking = False, False, latched, braking
        self.reasons: Counter[str] = Counter()
        self.blind = ""
        self.overruns = self.resumes = 0
        self._late = 0
        self._last: float | None = None
        self._newer_than = self._moved_at = float("-inf")

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
        joined: bool = True, refusal: str | None = None, doubt: str = "", late: int | None = None,
        took: float = 0.0,
    ) -> str:  # fmt: skip
        """Whether it may move, as ``MAY_MOVE`` or the reason why not.

        Args:
            now: Time, at which the period began [s].
            state_at: When the robot's own state was measured; None: there is none. The future is another clock's.
            planned: Whether there is a valid map, roster, goal and plan.
            waits_for: A robot that has to be waited for (``swarm.runtime.belief``).
            joined: Whether it had the time to hear the others (``swarm.runtime.lockstep``).
            refusal: Who does not fit, and why (``swarm.runtime.link.handshake``).
            doubt: Why its own state cannot be so, or nothing (``swarm.runtime.drivers.doubts``).
            late: A robot whose news is older than declared (``swarm.runtime.link.inbox``).
            took: How long the period's work has taken until its command can be sent [s].
        """
        reason, name = self._reason(now, state_at, planned, waits_for, joined, refusal, doubt, late, took)
        # Reasons that somebody else can word are counted as one.
        shared = name in (names.INCOMPATIBLE, names.WAITS, names.LATE_NEWS)
        self.reasons[name if shared else reason] += 1
        self.blind = name if name in (names.NO_STATE, names.OLD_STATE) else ""
        if self.blind and state_at is not None:
            self.blind += f": by time.monotonic(), states are more than {self.state_age:.3g} s old, or of the future"
        if name == MAY_MOVE:
            self._moved_at = now
        elif not self.stopped and not self.latched and self._braking[name].kind == LATCH:
            self.latched = name
        self.holds = self.holding(now, name)
        if self.latched and not self.stopped:
            return f"{self.latched}, {RELEASE}"
        return reason

    def holding(self, now: float, name: str) -> bool:
        """Whether a robot keeps its command though there is this reason: for so long after it was last free to move."""
        action = self._braking.get(name)
        return action is not None and action.kind == HOLD and now - self._moved_at <= action.seconds + _ROUNDING

    def _reason(
        self, now: float, state_at: float | None, planned: bool, waits_for: int | None, joined: bool,
        refusal: str | None, doubt: str, late: int | None, took: float,
    ) -> tuple[str, str]:  # fmt: skip
        """In words, and its name among ``names.REASONS``; ``MAY_MOVE`` twice: there is none."""
        reason = MAY_MOVE
        if self.stopped:
            reason = names.EMERGENCY
        elif self.latched:
            reason = self.latched
        elif doubt:
            return doubt, doubt if doubt in _DOUBTS else names.DRIVER
        elif self._declared and state_at is not None and now - state_at > self.state_age:
            reason = names.OLD_STATE
        elif state_at is None or not abs(now - state_at) <= self.state_age:
            reason = names.NO_STATE
        elif state_at <= self._newer_than:
            reason = names.BEFORE_STOP
        elif refusal is not None:
            return refusal, names.INCOMPATIBLE
        elif self._late >= OVERRUNS or took > self.period:  # What was decided is of the past, or will be.
            reason = names.OVERRUN
        elif not planned:
            reason = names.NO_PLAN
        elif not joined:
            reason = names.UNHEARD
        elif waits_for is not None:
            return f"waits for robot {waits_for}", names.WAITS
        elif late is not None and self._braking[names.LATE_NEWS].kind != TELL:
            return f"news of robot {late} older than declared", names.LATE_NEWS
        return reason, reason

    def end(self, now: float) -> None:
        """The period's work is done; it is late if that took longer than a period."""
        late = self._last is not None and now - self._last > self.period
        self._late = self._late + 1 if late else 0
        self.overruns += late

    def stop(self) -> None:
        """Latch the emergency stop."""
        self.stopped = True

    def release(self) -> None:
        """Lift the emergency stop, and what a reason has latched; the robot begins with newer data only."""
        if self.stopped or self.latched:
            self.stopped, self.latched = False, ""
            self._newer_than = self._last if self._last is not None else float("-inf")
