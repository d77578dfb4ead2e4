"""Driver ``bullet``: a body in the physics world of ``envs.bullet.host``, which runs as a process of its own.

A command is filtered for one control period. What a body does beyond that is covered by the safety margin only, so a
command lives for ``LIFETIME`` periods even if its time-to-live would allow more: at 1 m/s and 50 ms the second period
is 5 cm.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.runtime.drivers.base import COMMAND_TTL, Reading, Sent, clip
from swarm.runtime.drivers.bullet_wire import (
    HELD,
    Address,
    BodyState,
    Mailbox,
    Request,
    Type,
    decode_reply,
    decode_state,
)
from swarm.runtime.drivers.clocks import WRONG, OffsetClock, wrong
from swarm.runtime.fleet_file.read import FleetFile

SILENCE, HELLO_EVERY = 0.25, 2.0
"""Seconds without a state after which a robot says hello again; and seconds after which it does so anyway."""
LIFETIME = 2.0
"""Control periods for which a command holds, at most ``COMMAND_TTL``."""
_MOST = 256


class BulletDriver:
    """The body of robot ``robot_id``; the physics world may start, end and start again meanwhile.

    Args:
        fleet: Names the physics world's address.
        robot_id: Which body.
        incarnation: Grows with every start of this robot's process; by default the time of day.

    Attributes:
        rejected: Datagrams that were refused, by reason.
        lifetime: Seconds for which a command holds.
        doubt: What is wrong with the clock that the newest state is stamped by; empty: nothing.

    Raises:
        InputError: If the fleet file has no physics world.
    """

    def __init__(self, fleet: FleetFile, robot_id: int, *, incarnation: int | None = None) -> None:
        if fleet.physics is None:
            raise InputError(f"{fleet.path}: physics", None, "host and port of the physics world, which bullet needs")
        self._spec, self._robot = fleet.scenario.robots[robot_id], robot_id
        self._incarnation = time.time_ns() if incarnation is None else incarnation
        self._mailbox = Mailbox(peer=fleet.physics)
        self._sequence, self.lifetime = 0, min(COMMAND_TTL, LIFETIME * fleet.scenario.dt)
        self._last: Reading | None = None
        self._clock = OffsetClock(fleet.errors.age) if fleet.clock_of(robot_id) == "base" else None
        self.rejected, self.doubt = Counter[str](), ""
        self._hello(time.monotonic())

    def read(self) -> Reading | None:
        """The newest state; what came before it is not looked at."""
        for data, _, arrived in reversed(list(self._mailbox.drain(_MOST))):
            received = decode_state(data)
            if isinstance(received, BodyState) and (received.robot, received.incarnation) != (
                self._robot,
                self._incarnation,
            ):
                received = "for another"
            reason = received if isinstance(received, str) else self._take(received, arrived)
            if not reason:
                break
            self.rejected[reason] += 1
        now = time.monotonic()
        silent = self._last is None or now - self._last.arrived > SILENCE
        if now - self._said_hello > (SILENCE if silent else HELLO_EVERY):
            self._hello(now)
        return self._last

    def _take(self, received: BodyState, arrived: float) -> str:
        """A state becomes the last reading, or the reason why not is returned."""
        if self._clock is None:
            # A stamp ahead of its arrival is wrong: as it stands it would make all that follows old.
            stamp = min(received.stamp, arrived)
            measured: float | str = stamp
            self.doubt = wrong(received.stamp, arrived)
        else:
            stamp = received.stamp
            measured = self._clock.measured(stamp, arrived)
            self.doubt = measured if isinstance(measured, str) and measured in WRONG else self.doubt
        if isinstance(measured, str):
            return measured
        if self._last is not None and measured <= self._last.measured:
            return "old"
        self._last = Reading(
            np.array(received.state), stamp, arrived, received.goal, received.goal_number,
            np.array(received.applied), HELD[received.held], received.sensed, measured,
        )  # fmt: skip
        return ""

    def _hello(self, now: float) -> None:
        self._said_hello = now
        self._mailbox.send(Request(Type.HELLO, self._robot, self._incarnation).encode())

    def write(self, control: Array) -> Sent:
        """Send a command; what the body makes of it comes with the next states."""
        clipped = clip(control, self._spec)
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        wire = (float(clipped[0]), float(clipped[1]))
        request = Request(
            Type.COMMAND, self._robot, self._incarnation, self._sequence, wire, self.lifetime
        )  # fmt: skip
        self._mailbox.send(request.encode())
        return Sent(clipped, time.monotonic(), not np.array_equal(clipped, control))

    def close(self) -> None:
        """Give the socket back; the body brakes when its last command is too old."""
        self._mailbox.close()


def ask(address: Address, type: Type = Type.STATUS, *, timeout: float = 1.0) -> dict[str, Any] | None:
    """Ask the physics world for its status, after an emergency stop or a release if that is the ``type``.

    Args:
        address: Of the physics world.
        type: ``STATUS``, ``STOP`` or ``RELEASE``.
        timeout: Seconds; the question is repeated until then.

    Returns:
        Its status, as ``envs.bullet.host`` describes it, with all robots; None if nobody answers.
    """
    until, status = time.monotonic() + timeout, None
    mailbox = Mailbox(peer=address)
    try:
        while (found := _ask_once(mailbox, type, len(status["robots"]) if status else 0, until)) is not None:
            status = found if status is None else found | {"robots": status["robots"] + found["robots"]}
            if not found["robots"] or len(status["robots"]) >= status["count"]:
                return status
            type = Type.STATUS
    finally:
        mailbox.close()
    return None


def _ask_once(mailbox: Mailbox, type: Type, first: int, until: float) -> dict[str, Any] | None:
    """One reply, about the robots from ``first`` on."""
    asked = -np.inf
    while (now := time.monotonic()) < until:
        if now - asked > 0.1:
            asked = now
            mailbox.send(Request(type, first).encode())
        for data, _, _ in mailbox.drain(_MOST):
            text = decode_reply(data)
            found = None if text is None else json.loads(text)
            if isinstance(found, dict) and found.get("first") == first:
                return found
        time.sleep(0.002)
    return None
