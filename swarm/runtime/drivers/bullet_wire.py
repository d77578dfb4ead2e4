"""Datagrams between robots and the physics world: fixed sizes, a version, checked before use; UDP on one machine.

Whoever drives a robot says hello, with a number that grows with every start of its process; the physics world then
sends it that robot's state and takes its commands, until a newer one says hello. Anybody on the machine may ask for the
status and stop all robots. A datagram that is not as it should be is refused with a reason, and changes nothing.
"""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.runtime.drivers.clocks import WallClock
from swarm.runtime.sensing import SENSED

VERSION = 2
MAX_REPLY = 4096
"""Largest reply to a question, bytes."""
ROBOTS_A_REPLY = 48
"""Most robots that one status reply tells of."""
MOST_SENSED = 32
"""Most robots that a body's sensors tell of, the nearest ones."""

_HEAD = struct.Struct("<2sBBIQI")  # Magic, version, type, robot, incarnation, sequence.
_COMMAND = struct.Struct("<3d")  # Control, lifetime.
# Stamp, state, goal, its number, control applied, why nothing else is, robots sensed; then these as float32[k, SENSED].
_STATE = struct.Struct("<d5d2dI2dBB")
_MAGIC = b"PW"

HELD = ("", "command too old", "emergency stop")
"""Why a body does not execute the newest command, by its number in a datagram."""
RUNS, TOO_OLD, STOPPED = range(3)

Address = tuple[str, int]

# Linux tells when a datagram arrived; Python has no name for the option.
_TIMESTAMPS = 35
_TIMESPEC = struct.Struct("@ll")


class Type(IntEnum):
    """What a datagram is."""

    HELLO = 1
    COMMAND = 2
    STATE = 3
    STATUS = 4
    STOP = 5
    RELEASE = 6
    REPLY = 7


_BODY_OF = {
    Type.HELLO: 0, Type.COMMAND: _COMMAND.size, Type.STATUS: 0, Type.STOP: 0, Type.RELEASE: 0,
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A datagram to the physics world.

    Attributes:
        type: Any but ``STATE`` and ``REPLY``.
        robot: Who sends it; of ``STATUS``: the first robot to tell of.
        incarnation: Of its process.
        sequence: Grows with every command.
        control: Of a command, finite.
        lifetime: Of a command [s], above 0; how long it holds after it arrived, if the physics world allows so much.
    """

    type: Type
    robot: int = 0
    incarnation: int = 0
    sequence: int = 0
    control: tuple[float, float] = (0.0, 0.0)
    lifetime: float = 1.0

    def encode(self) -> bytes:
        """As bytes."""
        head = _HEAD.pack(_MAGIC, VERSION, self.type, self.robot, self.incarnation, self.sequence)
        return head + (_COMMAND.pack(*self.control, self.lifetime) if self.type == Type.COMMAND else b"")


@dataclass(frozen=True, eq=False)
class BodyState:
    """A datagram to a robot.

    Attributes:
        robot: Whose body.
        incarnation: Of the process that it is for.
        stamp: When it was so, by the monotonic clock of the machine [s].
        state: x, y, heading, vx, vy.
        goal: Where it is to go now [m].
        goal_number: How many goals it has reached.
        applied: The control that its body executes.
        held: Index into ``HELD``.
        sensed: ``float[k, SENSED]``, the robots around it (``swarm.runtime.sensing``), at most ``MOST_SENSED``.
    """

    robot: int
    incarnation: int
    stamp: float
    state: tuple[float, ...]
    goal: tuple[float, float]
    goal_number: int
    applied: tuple[float, float]
    held: int
    sensed: Array = field(default_factory=lambda: np.empty((0, SENSED)))

    def encode(self) -> bytes:
        """As bytes."""
        head = _HEAD.pack(_MAGIC, VERSION, Type.STATE, self.robot, self.incarnation, 0)
        body = _STATE.pack(
            self.stamp, *self.state, *self.goal, self.goal_number & 0xFFFFFFFF, *self.applied, self.held,
            len(self.sensed),
        )  # fmt: skip
        return head + body + self.sensed.astype("<f4").tobytes()


def _refuse_head(data: bytes) -> str | None:
    """Why these bytes are no datagram of this version, or None."""
    if len(data) < _HEAD.size:
        return "size"
    if data[:2] != _MAGIC:
        return "magic"
    return None if data[2] == VERSION else "version"


def decode_request(data: bytes, robots: int) -> Request | str:
    """A datagram to the physics world of so many robots, or the reason why it is refused."""
    if reason := _refuse_head(data):
        return reason
    _, _, kind, robot, incarnation, sequence = _HEAD.unpack_from(data)
    if kind not in _BODY_OF:
        return "type"
    if len(data) != _HEAD.size + _BODY_OF[Type(kind)]:
        return "size"
    if robot >= robots:
        return "robot"
    if kind != Type.COMMAND:
        return Request(Type(kind), robot, incarnation, sequence)
    first, second, lifetime = _COMMAND.unpack_from(data, _HEAD.size)
    if not all(map(math.isfinite, (first, second, lifetime))):
        return "not finite"
    if lifetime <= 0.0:
        return "lifetime"
    return Request(Type.COMMAND, robot, incarnation, sequence, (first, second), lifetime)


def decode_state(data: bytes) -> BodyState | str:
    """A datagram to a robot, or the reason why it is refused."""
    if reason := _refuse_head(data):
        return reason
    _, _, kind, robot, incarnation, _ = _HEAD.unpack_from(data)
    if kind != Type.STATE:
        return "type"
    end = _HEAD.size + _STATE.size
    if len(data) < end or data[end - 1] > MOST_SENSED or len(data) != end + 4 * SENSED * data[end - 1]:
        return "size"
    stamp, *numbers, number, first, second, held, _ = _STATE.unpack_from(data, _HEAD.size)
    sensed = np.frombuffer(data, "<f4", offset=end).reshape(-1, SENSED).astype(np.float64)
    if not all(map(math.isfinite, (stamp, *numbers, first, second))) or not np.isfinite(sensed).all():
        return "not finite"
    if held >= len(HELD):
        return "held"
    goal = (numbers[5], numbers[6])
    return BodyState(robot, incarnation, stamp, tuple(numbers[:5]), goal, number, (first, second), held, sensed)


def encode_reply(text: str) -> bytes:
    """A reply with a JSON text."""
    data = _HEAD.pack(_MAGIC, VERSION, Type.REPLY, 0, 0, 0) + text.encode()
    if len(data) > MAX_REPLY:
        raise InputError("reply", f"{len(data)} bytes", f"at most {MAX_REPLY}")
    return data


def decode_reply(data: bytes) -> str | None:
    """The text of a reply, or None."""
    if _refuse_head(data) or data[3] != Type.REPLY:
        return None
    return data[_HEAD.size :].decode("utf-8", "replace")


class Mailbox:
    """A UDP socket that is emptied now and then, and tells when each datagram had arrived.

    A process that was stopped finds old datagrams in it: they must not look new. Linux stamps them on arrival; where it
    does not, the time of the look before is taken, which makes them at most one look too old. That may be so for the
    first ones of a new socket: until its stamps are on, Linux fills in the time at which it is asked.

    Args:
        bind: Where to listen; None is any free port.
        peer: Whom to hear and to talk to; None is everybody.
    """

    def __init__(self, bind: Address | None = None, peer: Address | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.setblocking(False)
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
            if bind is not None:
                self.socket.bind(bind)
            if peer is not None:
                self.socket.connect(peer)
        except OSError as error:
            self.socket.close()
            raise InputError("UDP address", bind or peer, f"one that can be used here ({error.strerror})") from None
        self._looked, self._wall = time.monotonic(), WallClock()

    def drain(self, most: int) -> Iterator[tuple[bytes, Address, float]]:
        """Datagrams that are there, at most so many: content, sender, and when it arrived by ``time.monotonic``."""
        looked = time.monotonic()
        ahead = self._wall.ahead()
        for _ in range(most):
            asked = time.time()
            try:
                data, notes, _, sender = self.socket.recvmsg(MAX_REPLY + 1, 64)
            except BlockingIOError:
                self._looked = looked
                return
            except OSError:  # nobody listened to what was sent before
                continue
            arrived = self._looked
            for level, kind, value in notes:
                if level == socket.SOL_SOCKET and kind == _TIMESTAMPS and len(value) == _TIMESPEC.size:
                    seconds, nanoseconds = _TIMESPEC.unpack(value)
                    stamp = seconds + 1e-9 * nanoseconds
                    if stamp < asked:
                        arrived = max(arrived, min(stamp - ahead, looked))
            yield data, sender, arrived

    def send(self, data: bytes, to: Address | None = None) -> bool:
        """Send a datagram; whether the system took it."""
        try:
            self.socket.sendto(data, to) if to else self.socket.send(data)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the socket back."""
        self.socket.close()
