"""A robot's report as bytes: what each control process sends to the others once per period.

The layout is fixed, little-endian, without padding, and at most ``MAX_BYTES`` long. A report acknowledges the last one
that was heard of each neighbour: who reads it knows that it was written after that one had arrived, whatever the
clocks of both say (``swarm.runtime.link.inbox``).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from swarm.errors import InputError
from swarm.model.dynamics import STATE
from swarm.sense.intent import MAX_HELD, RANKING_NUMBER, RANKINGS, WINDOW, Intent
from swarm.sense.messages import EMBEDDING, Message

MAJOR, MINOR = 1, 0
"""Version: another major one is refused; a newer minor one may end in bytes that this version does not know."""
AHEAD = 1
"""Minor version of reports that end in a state ahead; all others are of the version before, byte for byte."""
SHAPED = 2
"""Minor version of reports of robots that are no discs and declare errors: they end in the body's heading and drive."""
MAX_BYTES = 1024
MAX_ACKS = 32
"""Most neighbours whose reports one report acknowledges."""

_MAGIC = b"SW"
_HEAD = struct.Struct("<2sBBIIIqQ")  # Magic, major, minor, robot, incarnation, sequence, its clock in ns, digest.
_BODY = struct.Struct("<5df2d2dffQBB")  # State, its age, goal, waypoint, rotation, speed, stop, flags, number of acks.
_ACK = struct.Struct("<III")  # Robot, incarnation, sequence.
_INTENT = struct.Struct(f"<qiqqBIB{MAX_HELD}i{WINDOW + 1}i")
_EMBEDDING = struct.Struct(f"<{EMBEDDING}f")
_TRAILING = 5
_AHEAD = struct.Struct(f"<{STATE + _TRAILING}d")
_DRIVE = struct.Struct("<3d")
_ARMED, _STOPPED, _HAS_INTENT, _HAS_EMBEDDING, _HAS_AHEAD, _HAS_DRIVE = 1, 2, 4, 8, 16, 32
_LARGEST, _LONGEST = 1 << 32, 1 << 64


@dataclass(frozen=True)
class Report:
    """What one control process tells the others.

    Attributes:
        robot_id: Of the sender, in the roster.
        incarnation: Grows with every start of its process.
        sequence: Grows with every report of this incarnation.
        clock_ns: The sender's clock; nobody compares it with his own.
        state: x, y [m], heading [rad], vx, vy [m/s], world frame.
        state_age: How old that was when the report was written [s], 0 to 10.
        goal: Where it is going [m].
        armed: Whether it may move.
        stopped: Whether an emergency stop is latched there.
        acks: For each neighbour that it hears, the incarnation and the sequence of its last report.
        message: What its planner and its controller tell (``swarm.sense.messages``).
        stop_counter: Of the newest wish of an operator that it knows (``swarm.runtime.link.estop``); 0: of none.
        digest: Of the sender's map and roster (``swarm.runtime.link.handshake``).
        ahead: If errors are declared: its state (as ``state``) one period after what it was told in this one begins to
            act (``swarm.sense.own_motion``), where the actuators lag of a body that runs ahead; from there back to the
            body, x and y, and to the corner beside the way there [m]; and how far all of it may be elsewhere [m].
            Empty: not told.
        drive: Of a robot that is no disc, where ``ahead`` is: heading of its body then [rad], forward speed [m/s], turn
            rate [rad/s]. Empty: not told.

    Raises:
        InputError: If a number is not finite or outside its range.
    """

    robot_id: int
    incarnation: int
    sequence: int
    clock_ns: int
    state: tuple[float, ...]
    state_age: float
    goal: tuple[float, float]
    armed: bool
    stopped: bool
    acks: tuple[tuple[int, int, int], ...]
    message: Message
    stop_counter: int = 0
    digest: int = 0
    ahead: tuple[float, ...] = ()
    drive: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self._check_ahead()
        for name in ("robot_id", "incarnation", "sequence"):
            if not 0 <= getattr(self, name) < _LARGEST:
                raise InputError(f"report: {name}", getattr(self, name), f"0 to {_LARGEST - 1}")
        for name in ("stop_counter", "digest"):
            if not 0 <= getattr(self, name) < _LONGEST:
                raise InputError(f"report: {name}", getattr(self, name), f"0 to {_LONGEST - 1}")
        numbers = (*self.state, *self.goal)
        if len(self.state) != 5 or len(self.goal) != 2 or not all(math.isfinite(value) for value in numbers):
            raise InputError("report: state, goal", numbers, "5 and 2 finite numbers")
        if not 0.0 <= self.state_age <= 10.0:
            raise InputError("report: state_age", self.state_age, "0 to 10 s")
        numbers_of_acks = [value for ack in self.acks for value in ack] or [0]
        if len(self.acks) > MAX_ACKS or min(numbers_of_acks) < 0 or max(numbers_of_acks) >= _LARGEST:
            raise InputError("report: acks", self.acks, f"at most {MAX_ACKS} of robot, incarnation and sequence")
        if self.message.robot_id != self.robot_id:
            raise InputError("report: message.robot_id", self.message.robot_id, f"that of the sender, {self.robot_id}")

    def _check_ahead(self) -> None:
        fits = len(self.drive) == 0 or (len(self.drive) == 3 and len(self.ahead) > 0)
        if not fits or not all(map(math.isfinite, self.drive)):
            raise InputError("report: drive", self.drive, "3 finite numbers, beside a state ahead")
        if not self.ahead:
            return
        if len(self.ahead) != STATE + _TRAILING or not all(map(math.isfinite, self.ahead)) or self.ahead[-1] < 0.0:
            raise InputError("report: ahead", self.ahead, "10 finite numbers, the last one 0 or more")


def encode(report: Report) -> bytes:
    """A report as bytes; see ``decode``."""
    message = report.message
    flags = _ARMED * report.armed | _STOPPED * report.stopped | _HAS_AHEAD * bool(report.ahead)
    flags |= _HAS_DRIVE * bool(report.drive)
    flags |= _HAS_INTENT * (message.intent is not None) | _HAS_EMBEDDING * bool(message.embedding)
    parts = [
        _HEAD.pack(
            _MAGIC,
            MAJOR,
            SHAPED if report.drive else AHEAD if report.ahead else MINOR,
            report.robot_id,
            report.incarnation,
            report.sequence,
            report.clock_ns,
            report.digest,
        ),
        _BODY.pack(
            *report.state,
            report.state_age,
            *report.goal,
            *message.waypoint,
            message.rotation,
            message.speed,
            report.stop_counter,
            flags,
            len(report.acks),
        ),
        *(_ACK.pack(*ack) for ack in report.acks),
    ]
    if message.intent is not None:
        parts.append(_pack_intent(message.intent))
    if message.embedding:
        parts.append(_EMBEDDING.pack(*message.embedding))
    if report.ahead:
        parts.append(_AHEAD.pack(*report.ahead))
    if report.drive:
        parts.append(_DRIVE.pack(*report.drive))
    return b"".join(parts)


def decode(data: bytes) -> Report:
    """What ``encode`` wrote.

    Raises:
        InputError: If the bytes are not such a report; names what is wrong with them.
    """
    if len(data) > MAX_BYTES:
        raise InputError("report", f"{len(data)} bytes", f"at most {MAX_BYTES}")
    if len(data) < _HEAD.size + _BODY.size or data[:2] != _MAGIC:
        raise InputError("report", f"{len(data)} bytes that begin with {data[:2].hex()}", "a report")
    _, major, minor, robot_id, incarnation, sequence, clock_ns, digest = _HEAD.unpack_from(data)
    if major != MAJOR:
        raise InputError("report: version", f"{major}.{minor}", f"{MAJOR}.x")
    *numbers, rotation, speed, stop_counter, flags, acks = _BODY.unpack_from(data, _HEAD.size)
    at = _HEAD.size + _BODY.size
    if minor < AHEAD:
        flags &= ~_HAS_AHEAD  # There it has no meaning.
    if minor < SHAPED:
        flags &= ~_HAS_DRIVE
    end = (
        at
        + acks * _ACK.size
        + _INTENT.size * bool(flags & _HAS_INTENT)
        + _EMBEDDING.size * bool(flags & _HAS_EMBEDDING)
        + _AHEAD.size * bool(flags & _HAS_AHEAD)
        + _DRIVE.size * bool(flags & _HAS_DRIVE)
    )
    if len(data) < end or (minor <= SHAPED and len(data) > end):
        raise InputError("report", f"{len(data)} bytes", f"{end} bytes, as its head says")
    heard = tuple(_ACK.iter_unpack(data[at : at + acks * _ACK.size]))
    at += acks * _ACK.size
    intent = None
    if flags & _HAS_INTENT:
        intent = _unpack_intent(data, at)
        at += _INTENT.size
    embedding = _EMBEDDING.unpack_from(data, at) if flags & _HAS_EMBEDDING else ()
    at += _EMBEDDING.size * bool(embedding)
    ahead = _AHEAD.unpack_from(data, at) if flags & _HAS_AHEAD else ()
    at += _AHEAD.size * bool(ahead)
    drive = _DRIVE.unpack_from(data, at) if flags & _HAS_DRIVE else ()
    message = Message(robot_id, clock_ns * 1e-9, (numbers[8], numbers[9]), rotation, speed, intent, embedding)
    return Report(
        robot_id, incarnation, sequence, clock_ns, tuple(numbers[:5]), numbers[5], (numbers[6], numbers[7]),
        bool(flags & _ARMED), bool(flags & _STOPPED), heard, message, stop_counter, digest, ahead,
        drive,
    )  # fmt: skip


def _pack_intent(intent: Intent) -> bytes:
    held = [*intent.held, *[-1] * (MAX_HELD - len(intent.held))]
    return _INTENT.pack(
        intent.stamp, intent.claim, intent.claim_priority, intent.priority, RANKING_NUMBER[tuple(intent.ranking)],
        intent.arrival, intent.leaving, *held, *intent.window,
    )  # fmt: skip


def _unpack_intent(data: bytes, at: int) -> Intent:
    stamp, claim, claim_priority, priority, ranking, arrival, leaving, *cells = _INTENT.unpack_from(data, at)
    held, window = cells[:MAX_HELD], cells[MAX_HELD:]
    count = held.index(-1) if -1 in held else MAX_HELD
    if ranking >= len(RANKINGS) or leaving > 1 or any(cell != -1 for cell in held[count:]):
        raise InputError("report: intent", (ranking, leaving, held), "a ranking, a flag, and cells without gaps")
    return Intent(
        stamp, tuple(held[:count]), claim, claim_priority, priority, RANKINGS[ranking], arrival, bool(leaving),
        tuple(window),
    )  # fmt: skip
