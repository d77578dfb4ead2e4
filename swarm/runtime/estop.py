"""The emergency stop as bytes: latch or release, with a counter."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from swarm.errors import InputError

_FORMAT = struct.Struct("<4sBBQ")  # magic, version, 1: latch or 0: release, counter
_MAGIC, VERSION = b"STOP", 1
COUNTERS = 1 << 64
TOLD_BY_ROBOTS = 1 << 63
"""Counters from here on are an operator's alone: no robot believes another one that tells them."""


@dataclass(frozen=True)
class EmergencyStop:
    """What the operator asks for.

    Attributes:
        latched: Stop, or release.
        counter: Grows with every wish of an operator; that a wish is repeated does not change it.
    """

    latched: bool
    counter: int


def encode(stop: EmergencyStop) -> bytes:
    """Its bytes; `InputError` if the counter does not fit."""
    if not 0 <= stop.counter < COUNTERS:
        raise InputError("counter", stop.counter, "0 to 2^64 − 1")
    return _FORMAT.pack(_MAGIC, VERSION, stop.latched, stop.counter)


def decode(data: bytes) -> EmergencyStop:
    """What these bytes ask for; `InputError` if they are none."""
    if len(data) != _FORMAT.size:
        raise InputError("emergency stop", data, f"{_FORMAT.size} bytes")
    magic, version, latched, counter = _FORMAT.unpack(data)
    if magic != _MAGIC or version != VERSION or latched > 1:
        raise InputError("emergency stop", data, f"magic {_MAGIC!r}, version {VERSION}, 0 or 1, counter")
    return EmergencyStop(bool(latched), counter)


def follow(known: EmergencyStop | None, told: EmergencyStop) -> EmergencyStop:
    """What holds after a message: a stop is always obeyed, a release only if it is newer than all that was told.

    So operators whose clocks differ, messages that come twice, or out of order, can stop but never release.

    Args:
        known: What held before; None: nothing was ever told.
        told: The message.
    """
    if known is None or told.counter > known.counter:
        return told
    return EmergencyStop(True, known.counter) if told.latched else known


def learn(known: EmergencyStop | None, counter: int) -> EmergencyStop | None:
    """What holds after another robot has told that it is stopped.

    So a robot that comes later, or that the operator did not reach, stops too. It has to know a counter at least as new
    as ours: one that missed the release stops nobody. Robots never release each other, and an operator always has a
    counter above every one that a robot can bring up.

    Args:
        known: What held before.
        counter: Of the newest wish that the other one knows.
    """
    newer = known is None or counter >= known.counter
    return EmergencyStop(True, counter) if newer and counter < TOLD_BY_ROBOTS else known
