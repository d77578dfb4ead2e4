"""What one robot believes of the others: which reports it takes, how old they may be, and what it counts as wrong.

Clocks are not compared. A report that acknowledges our report k was written after k had arrived, hence after k was
sent: it is at most as old as that, by our own clock, whatever delays, drifts and offsets there are; the state in it is
older by what its sender has measured with one clock. The same bound tells how far its sender can have come between
two reports; who came farther is not believed for a while.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from swarm.errors import InputError
from swarm.model.body import ERROR, PERIOD
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.runtime.fleet_file.braking import LATE_NEWS
from swarm.runtime.fleet_file.roster import Peer, growth, top_speed
from swarm.runtime.link.report_codec import MAX_ACKS, Report, decode

RATE = 60.0
"""Reports a second that are read of each sender, on average."""
BURST = 30.0
"""Reports that may come at once."""
QUARANTINE = 1.0
"""Seconds for which nothing is believed of a robot that has jumped."""
SLACK = 0.05
"""Metres and shares by which positions and speeds may miss their limits: localisation is not exact."""
FORGOTTEN = 3.0
"""Seconds for which nothing was taken of a sender, after which it may count from anywhere again: as long as handshakes
count (``swarm.runtime.link.handshake.SPEAKS``), and longer than a link that works is ever silent. So a forged report,
or a clock that was set back, does not silence a robot for ever. An old report that is replayed then is as old as its
own acknowledgements prove, or of unknown age: where its sender may be meanwhile only gets larger."""
_REMEMBERED = 1200  # Own reports whose sending is remembered: a minute of them.

REASONS = (
    "oversized or malformed", "unknown sender", "own identity", "older incarnation", "not newer", "flooding",
    "out of range", "jump", "quarantined", "incompatible", "not its own",
)  # fmt: skip
"""Why a report is rejected."""


@dataclass
class _Sender:
    """What is kept of one neighbour."""

    report: Report | None = None
    written_after: float = -math.inf  # By our clock: the report that is kept was written after that.
    measured_after: float = -math.inf  # By our clock: the state in the report that is kept was measured after that.
    taken: float = -math.inf  # When that was.
    acked: int = -1
    incarnation: int = -1
    sequence: int = -1
    tokens: float = BURST
    filled: float = -math.inf
    banned_until: float = -math.inf
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Heard:
    """The last report of a neighbour.

    Attributes:
        report: What it told.
        age: Its state is at most so old [s]; inf if it has not acknowledged anything of ours.
        acked: Sequence of our newest report that it acknowledges, -1 if none.
        since: It arrived so long ago, so it was written before that [s].
    """

    report: Report
    age: float
    acked: int = -1
    since: float = 0.0

    def off(self, period: float) -> float:
        """By how many seconds what it tells of one period later is off from now, either way, at most.

        It was written at most so long ago as its state is old, less what that was old then; and before it arrived.
        """
        return max(abs(self.age - self.report.state_age - period), abs(self.since - period))

    def growth(self, peer: Peer) -> float:
        """How far it can have come since its state was measured [m]."""
        return growth(peer, math.hypot(self.report.state[3], self.report.state[4]), self.age)

    def told(self, most: float) -> str:
        """What a person should know of it if its news are older than the ``most`` that is explained [s]."""
        age = self.age - self.report.state_age
        old = f"{age:.2f} s old" if age < 100.0 else "of unknown age"
        return f"{LATE_NEWS}: of robot {self.report.robot_id}, {old}, where {most:.2f} s are explained"


class Inbox:
    """Takes the bytes that arrive, at times of one monotonic clock.

    Args:
        robot_id: Whose inbox it is.
        incarnation: Of this process.
        roster: The robots of the fleet.
        digest: Of this robot's map and roster; reports of another are not taken.
        errors: What is declared of all of them: so far what they say may be off.

    Attributes:
        rejected: How many reports were rejected, by reason; also of senders that are not in the roster.
    """

    def __init__(
        self, robot_id: int, incarnation: int, roster: Mapping[int, Peer], digest: int = 0,
        errors: ErrorBounds = EXACT,
    ) -> None:  # fmt: skip
        if robot_id not in roster:
            raise InputError("robot_id", robot_id, f"one of the roster: {', '.join(map(str, sorted(roster)))}")
        self.robot_id, self.incarnation, self.roster, self.digest = robot_id, incarnation, dict(roster), digest
        self._errors = errors
        self.rejected: Counter[str] = Counter()
        self._senders = {peer: _Sender() for peer in roster if peer != robot_id}
        self._sent: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    def sent(self, sequence: int, now: float) -> None:
        """Remember when an own report was sent; before it is sent."""
        self._sent.append((sequence, now))

    def receive(self, data: bytes, now: float, key_of: int | None = None) -> str | None:
        """Take a report, or count why not.

        Args:
            data: As it arrived.
            now: Time [s], monotonic.
            key_of: The robot on whose key it came, which must be its sender: only that is authenticated. None: unknown.

        Returns:
            One of ``REASONS``, or None if it was taken.
        """
        try:
            report = decode(data)
        except InputError:
            self.rejected["oversized or malformed"] += 1
            return "oversized or malformed"
        sender = self._senders.get(report.robot_id)
        if sender is None:
            reason = "own identity" if report.robot_id == self.robot_id else "unknown sender"
            self.rejected[reason] += 1
            return reason
        if key_of is not None and key_of != report.robot_id:
            self.rejected["not its own"] += 1
            return "not its own"
        found = self._judge(report, sender, now)
        if found is not None:
            self.rejected[found] += 1
            sender.rejected[found] += 1
            return found
        acked, written_after = self._acked(report)
        if self._follows(report, sender):
            # It was written after the one before, also if its sender has just started, or acknowledges nothing.
            written_after = max(sender.written_after, written_after)
        sender.report, sender.taken, sender.acked = report, now, acked
        sender.written_after, sender.measured_after = written_after, written_after - report.state_age
        sender.incarnation, sender.sequence = report.incarnation, report.sequence
        return None

    def heard(self, now: float) -> list[Heard]:
        """The last report of each neighbour that has told anything, by identity."""
        return [
            Heard(sender.report, now - sender.measured_after, sender.acked, now - sender.taken)
            for _, sender in sorted(self._senders.items()) if sender.report is not None
        ]  # fmt: skip

    def acks(self) -> tuple[tuple[int, int, int], ...]:
        """What the next report acknowledges."""
        known = [(peer, one.incarnation, one.sequence) for peer, one in self._senders.items() if one.sequence >= 0]
        return tuple(known[:MAX_ACKS])

    def status(self) -> dict[int, dict[str, int]]:
        """Rejected reports by sender and reason."""
        return {peer: dict(sender.rejected) for peer, sender in self._senders.items() if sender.rejected}

    def _judge(self, report: Report, sender: _Sender, now: float) -> str | None:
        """Why a report is not taken."""
        sender.tokens = min(BURST, sender.tokens + RATE * (now - sender.filled)) if sender.filled > -math.inf else BURST
        sender.filled = now
        if sender.tokens < 1.0:
            return "flooding"
        sender.tokens -= 1.0
        if report.digest != self.digest:
            return "incompatible"
        if not self._follows(report, sender) and now - sender.taken < FORGOTTEN:
            return "older incarnation" if report.incarnation < sender.incarnation else "not newer"
        if now < sender.banned_until:
            return "quarantined"
        peer = self.roster[report.robot_id]
        x, y, _, vx, vy = report.state
        left, low, right, high = peer.bounds
        slack = SLACK + self._errors.position
        inside = left - slack <= x <= right + slack and low - slack <= y <= high + slack
        fastest = top_speed(peer) * (1.0 + SLACK) + SLACK + math.sqrt(2.0) * self._errors.velocity
        if not inside or math.hypot(vx, vy) > fastest or not self._follows_from_state(report, peer):
            return "out of range"
        way = top_speed(peer) * (now - sender.measured_after) + slack + self._errors.position
        if sender.report is not None and self._apart(report, sender.report) > way:
            # What it said before is not believed any more either, but nor is it forgotten: its age keeps growing.
            sender.banned_until = now + QUARANTINE
            return "jump"
        return None

    def _follows_from_state(self, report: Report, peer: Peer) -> bool:
        """Whether the state ahead that it tells, if it does, can follow from the one that it measured."""
        if not report.ahead:
            return True
        errors, body = self._errors, peer.body
        time = report.state_age + errors.dead_time + float(body[PERIOD]) + errors.lag
        apart = math.hypot(report.ahead[0] - report.state[0], report.ahead[1] - report.state[1])
        return apart <= top_speed(peer) * time + 2.0 * float(body[ERROR]) + SLACK

    @staticmethod
    def _follows(report: Report, sender: _Sender) -> bool:
        """Whether a report is newer than the one that is kept, by what both count."""
        return (report.incarnation, report.sequence) > (sender.incarnation, sender.sequence)

    @staticmethod
    def _apart(report: Report, before: Report) -> float:
        """How far apart the places of two reports are [m]."""
        return math.hypot(report.state[0] - before.state[0], report.state[1] - before.state[1])

    def _acked(self, report: Report) -> tuple[int, float]:
        """The newest report of ours that it acknowledges, and when we sent that, by our clock."""
        for robot, incarnation, sequence in report.acks:
            if robot == self.robot_id and incarnation == self.incarnation:
                for known, time in reversed(self._sent):
                    if known == sequence:
                        return sequence, time
        return -1, -math.inf
