"""The physics world as the judge: its status, asked for many times a second, and what it tells of a stretch of time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from swarm.runtime.drivers.bullet_wire import Address, Mailbox, Request, Type, decode_reply

STANDS = 0.02
"""A body slower than that stands [m/s]."""


@dataclass(frozen=True)
class Sample:
    """One status of the physics world.

    Attributes:
        at: When it came [s] (``time.monotonic``).
        time: Simulated [s].
        collisions: So far.
        deliveries: So far, of all robots.
        speeds: Of the bodies [m/s], by robot.
        places: x, y [m], by robot.
        held: Why the newest command is not executed (empty: it is), by robot.
        ages: Of the newest command [s], inf: there is none, by robot.
    """

    at: float
    time: float
    collisions: int
    deliveries: int
    speeds: tuple[float, ...]
    places: tuple[tuple[float, float], ...]
    held: tuple[str, ...]
    ages: tuple[float, ...]


class WorldWatch:
    """Asks on a thread of its own; a context manager.

    Args:
        address: Of the physics world.
        every: Seconds between two questions.

    Attributes:
        samples: What was told, in order.
    """

    def __init__(self, address: Address, every: float = 0.02) -> None:
        self.samples: list[Sample] = []
        self._address, self._every, self._ended = address, every, threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> WorldWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5.0)

    def until(self, holds: Callable[[Sample], bool], seconds: float) -> float | None:
        """Wait until a new sample is so; the seconds that it took, None if it did not happen in time."""
        began, seen = time.monotonic(), len(self.samples)
        while time.monotonic() - began < seconds:
            for sample in self.samples[seen:]:
                if holds(sample):
                    return max(0.0, sample.at - began)
                seen += 1
            time.sleep(0.005)
        return None

    def _run(self) -> None:
        mailbox = Mailbox(peer=self._address)
        try:
            while not self._ended.wait(self._every):
                mailbox.send(Request(Type.STATUS, 0).encode())
                for data, _, _ in mailbox.drain(16):
                    text = decode_reply(data)
                    if text is not None:
                        self.samples.append(_sample(json.loads(text), time.monotonic()))
        finally:
            mailbox.close()


def _sample(answer: dict[str, Any], now: float) -> Sample:
    robots = answer["robots"]
    return Sample(
        now, answer["time"], answer["collisions"], answer["deliveries"], tuple(one[3] for one in robots),
        tuple((one[0], one[1]) for one in robots), tuple(one[5] for one in robots),
        tuple(float("inf") if one[4] is None else 1e-3 * one[4] for one in robots),
    )  # fmt: skip


def deliveries_a_minute(samples: Sequence[Sample]) -> float:
    """Deliveries in a simulated minute of a stretch."""
    if len(samples) < 2 or samples[-1].time <= samples[0].time:
        return 0.0
    return 60.0 * (samples[-1].deliveries - samples[0].deliveries) / (samples[-1].time - samples[0].time)


def longest_wait(samples: Sequence[Sample]) -> float:
    """Longest simulated time in which nobody delivered [s]."""
    if not samples:
        return 0.0
    longest, last, count = 0.0, samples[0].time, samples[0].deliveries
    for sample in samples:
        longest = max(longest, sample.time - last)
        if sample.deliveries > count:
            last, count = sample.time, sample.deliveries
    return longest


def standing_after(samples: Sequence[Sample], robot: int, since: float) -> float | None:
    """Seconds from ``since`` until a robot stands and goes on standing; None if it does not."""
    moves = [sample.at for sample in samples if sample.at >= since and sample.speeds[robot] >= STANDS]
    last = moves[-1] if moves else since
    later = [sample.at for sample in samples if sample.at > last]
    return None if not later else later[0] - since
