"""The emergency stop: its bytes (latch or release, with a counter), and what a robot makes of who tells of it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from swarm.errors import InputError

_FORMAT = struct.Struct("<4sBBQ")  # magic, version, 1: latch or 0: release, counter
_MAGIC, VERSION = b"STOP", 1
COUNTERS = 1 << 64
CEILING = 1 << 62
"""The largest counter that is remembered. Operators count by their clocks [ns], and none is beyond that before the
year 2116: a counter from here on was pushed by somebody who lies."""
DOUBT = 10.0
"""Seconds without a word of a stop after which a robot is believed again that told of one without an operator."""


@dataclass(frozen=True)
class EmergencyStop:
    """What the operator asks for.

    Attributes:
        latched: Stop, or release.
        counter: Grows with every wish of an operator; that a wish is repeated does not change it.
        signed: The bytes that prove that an operator wished so (``swarm.runtime.link.signed_stop``), if there are any.
    """

    latched: bool
    counter: int
    signed: bytes = field(default=b"", compare=False, repr=False)


def encode(stop: EmergencyStop) -> bytes:
    """Its bytes; ``InputError`` if the counter does not fit."""
    if not 0 <= stop.counter < COUNTERS:
        raise InputError("counter", stop.counter, "0 to 2^64 − 1")
    return _FORMAT.pack(_MAGIC, VERSION, stop.latched, stop.counter)


def decode(data: bytes) -> EmergencyStop:
    """What these bytes ask for; ``InputError`` if they are none."""
    if len(data) != _FORMAT.size:
        raise InputError("emergency stop", data, f"{_FORMAT.size} bytes")
    magic, version, latched, counter = _FORMAT.unpack(data)
    if magic != _MAGIC or version != VERSION or latched > 1:
        raise InputError("emergency stop", data, f"magic {_MAGIC!r}, version {VERSION}, 0 or 1, counter")
    return EmergencyStop(bool(latched), counter)


def follow(known: EmergencyStop | None, told: EmergencyStop) -> EmergencyStop:
    """What holds after an operator's message: a stop is always obeyed, a release only if it is newer than all told.

    So operators whose clocks differ, messages that come twice, or out of order, can stop but never release. An
    operator's release is newer than what robots tell him of their stops; where one of them lies, it may be as large as
    can be. What is remembered ends below that, so that there is always a newer release; and the next stop counts anew.

    Args:
        known: What held before; None: nothing was ever told.
        told: The message.
    """
    if known is None or told.counter > known.counter:
        return EmergencyStop(told.latched, min(told.counter, CEILING))
    if not told.latched:
        return known
    return EmergencyStop(True, told.counter if known.counter >= CEILING else known.counter)


def learn(known: EmergencyStop | None, counter: int) -> EmergencyStop | None:
    """What holds after another robot has told that it is stopped.

    So a robot that comes later, or that the operator did not reach, stops too. The other one has to know a counter at
    least as new as ours: one that missed the release stops nobody. Our counter stays as operators told it, so their
    next release is newer, whatever robots tell. Robots never release each other.

    Args:
        known: What held before.
        counter: Of the newest wish that the other one knows.
    """
    if known is None:
        return EmergencyStop(True, 0)
    # What was pushed to the end says nothing of what is newer: then a stop is believed.
    return EmergencyStop(True, known.counter) if counter >= known.counter or known.counter >= CEILING else known


class StopLatch:
    """Whether one robot is stopped, by what operators and other robots tell.

    A robot that tells of a stop cannot be told from one that lies until an operator speaks. So it is believed, but it
    is in doubt from then on, as is one that contradicts an operator's release: it makes nobody stop any more until it
    has told of no stop for ``DOUBT`` seconds, or an operator tells of a stop himself. So no lie outlives a release.

    Where wishes are signed, what robots tell of themselves counts for nothing. They pass on what an operator signed,
    and that counts if it is newer than all before: a liar can neither stop nor release, and what he repeats is old.

    Args:
        known: What held when the process before this one ended.
        doubted: Whom that one doubted.
        now: Time [s], monotonic.
        signed: Whether wishes are signed. A counter from before that may have been pushed, as far as one is remembered.

    Attributes:
        known: What holds; None: nothing was ever told. Its counter is an operator's, 0 if none has told one.
        released: Whether the last news held an operator's release that was newer than all before.
    """

    def __init__(
        self, known: EmergencyStop | None, doubted: Iterable[int], now: float, *, signed: bool = False
    ) -> None:
        most = CEILING - 1 if signed else CEILING
        self.known = None if known is None else EmergencyStop(known.latched, min(known.counter, most))
        self._signed = signed
        self.released = False
        self._doubted = dict.fromkeys(doubted, now)  # And when each last told of a stop.

    @property
    def latched(self) -> bool:
        """Whether the robot is stopped."""
        return self.known is not None and self.known.latched

    @property
    def doubted(self) -> frozenset[int]:
        """The robots that make this one stop no more."""
        return frozenset(self._doubted)

    def take(
        self, wishes: Iterable[EmergencyStop], stopped: Mapping[int, int], now: float,
        passed_on: Iterable[EmergencyStop] = (),
    ) -> None:  # fmt: skip
        """A period's news.

        Args:
            wishes: What operators told since the last call, oldest first.
            stopped: Of each robot whose last report tells of a stop, its counter.
            now: Time [s].
            passed_on: What operators signed and robots pass on.
        """
        before, self.released = self.latched, False
        for wish in wishes:
            self.released |= not wish.latched and (self.known is None or wish.counter > self.known.counter)
            self.known = follow(self.known, wish)
            if wish.latched:
                self._doubted.clear()
        for wish in passed_on:
            if self.known is None or wish.counter > self.known.counter:
                self.known, self.released = EmergencyStop(wish.latched, wish.counter), not wish.latched
        if self._signed:
            return
        released = before and not self.latched
        for robot, counter in stopped.items():
            learned = learn(self.known, counter)
            if robot in self._doubted:
                self._doubted[robot] = now
            elif learned != self.known:
                self._doubted[robot] = now
                self.known = self.known if released else learned
        self._doubted = {robot: told for robot, told in self._doubted.items() if now - told < DOUBT}
