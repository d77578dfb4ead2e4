"""What a robot runs with, told about once a second: whether two robots fit together, and what is wrong if they do not.

Robots of another protocol, map, roster or declared errors do not fit: what they mean by a place or a cell is unknown.
Their reports are refused by the digest in them (``swarm.runtime.link.report_codec``); the hello says why. Of two camps
nobody can know which one is right, so the rule is the same for both: **nobody moves while somebody speaks who does not
fit**. Only a robot that senses the others itself goes on, if those who fit, itself among them, are more than those who
do not: for it the others are obstacles that it sees. Another policy or minor protocol is noted, nothing more.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swarm.errors import InputError
from swarm.files.references import moved, source_of
from swarm.model.body import ARM, CURVATURE, DELAY, LAG, TURN_ACCELERATION, is_car, is_second_order
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.strangers import UNKNOWN, Strangers
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.report_codec import AHEAD, MAJOR, MINOR
from swarm.scenario.world import World
from swarm.tune.controllers import checkpoint_folder

EVERY = 1.0
"""Seconds between two handshakes of a robot."""
SPEAKS = 3.0
"""Seconds after which a robot that says nothing more is not counted any more."""

SIGNED = 2
"""Minor version of hellos where stops are signed (``swarm.runtime.link.signed_stop``)."""

_MAGIC = b"HELO"
_HEAD = struct.Struct("<4sBB")  # Magic, major, minor: the same in every version.
_BODY = struct.Struct("<I8s8s8s")  # Robot, map, limits, policy.
_NONE = bytes(8)


@dataclass(frozen=True)
class Handshake:
    """What one robot runs with.

    Attributes:
        robot: Whose hello it is; -1 if the protocol is another major one.
        major: Protocol; with another one nothing else is known.
        minor: Protocol.
        map: Digest of the map, 8 bytes.
        limits: Digest of the roster: bodies, limits, margin, period, errors and strangers if any are declared; 8 bytes.
        policy: Digest of planner, controller and constraint, 8 bytes.
    """

    robot: int
    major: int
    minor: int
    map: bytes = _NONE
    limits: bytes = _NONE
    policy: bytes = _NONE

    @property
    def digest(self) -> int:
        """What reports carry: robots with another one do not fit."""
        return int.from_bytes(hashlib.sha256(self.map + self.limits).digest()[:8], "little")


def handshake_of(
    robot: int, world: World, roster: Iterable[Peer], planner: str, controller: str, errors: ErrorBounds = EXACT,
    strangers: Strangers = UNKNOWN, signs: bool = False, constraint: str = "",
) -> Handshake:  # fmt: skip
    """The hello of a robot that runs with this map, roster in order of identity, planner, controller, declarations.

    Where stops are signed, its minor version says so: who speaks an older one obeys an operator, but passes nothing on.
    """
    limits = hashlib.sha256()
    for peer in roster:
        # The last columns are made of the errors, which count only if there are any: a fleet that declares none goes on
        # with processes that know of no errors. What only policies read has no part in it.
        columns = LAG if errors == EXACT else ARM
        limits.update(struct.pack("<i", peer.kind) + peer.body[:columns].tobytes())
        if len(peer.footprint) > 0:
            limits.update(b"footprint" + peer.footprint.tobytes())
        if is_second_order(peer.body):  # likewise: processes that do not know of it have no such robots
            limits.update(b"turn acceleration" + peer.body[TURN_ACCELERATION].tobytes())
        if is_car(peer.body):
            limits.update(b"steering" + peer.body[CURVATURE:DELAY].tobytes())
    if errors != EXACT:
        limits.update(b"errors" + errors.as_array().tobytes() + errors.others.encode())
    if strangers != UNKNOWN:
        limits.update(b"strangers" + strangers.as_array().tobytes())
    minor = max(MINOR, AHEAD if errors.any else MINOR, SIGNED if signs else MINOR)
    policy = _policy_digest(planner, controller, constraint)
    return Handshake(robot, MAJOR, minor, map_digest(world), limits.digest()[:8], policy)


def map_digest(world: World) -> bytes:
    """Of everything that does not move, 8 bytes; names do not count."""
    found = hashlib.sha256(world.bounds.tobytes())
    for part in (world.boxes, world.circles):
        found.update(struct.pack("<I", len(part)) + part.tobytes())
    if world.angles.any():  # older versions know of no others
        found.update(b"angles" + world.angles.tobytes())
    if world.grid is not None:
        rows, columns = world.grid.free.shape
        found.update(struct.pack("<IId", rows, columns, world.grid.cell_size) + np.packbits(world.grid.free).tobytes())
        if world.grid.origin != (0.0, 0.0):  # older versions know of no other
            found.update(struct.pack("<dd", *world.grid.origin))
    return found.digest()[:8]


def _policy_digest(planner: str, controller: str, constraint: str) -> bytes:
    """Of planner and controller; of a network, of its files; of a constraint, if there is one, of its source."""
    found = hashlib.sha256(planner.encode())
    folder = checkpoint_folder(controller)
    if folder is None:
        found.update(controller.encode())
    else:
        for path in (folder / "policy.onnx", folder / "config.yaml"):
            found.update(hashlib.sha256(_content(path)).digest())
    if constraint:
        source = source_of(constraint)
        name = moved(constraint, Path()).encode()  # wherever the file lies
        found.update(b"constraint" + name + hashlib.sha256(_content(source)).digest())
    return found.digest()[:8]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "an existing, readable file") from None


def encode(handshake: Handshake) -> bytes:
    """Its bytes."""
    head = _HEAD.pack(_MAGIC, handshake.major, handshake.minor)
    return head + _BODY.pack(handshake.robot, handshake.map, handshake.limits, handshake.policy)


def decode(data: bytes) -> Handshake:
    """What these bytes say; ``InputError`` if they are no hello. Of another major protocol only the version is read."""
    if len(data) < _HEAD.size or data[:4] != _MAGIC:
        raise InputError("hello", f"{len(data)} bytes that begin with {data[:4].hex()}", "a hello")
    _, major, minor = _HEAD.unpack_from(data)
    if major != MAJOR:
        return Handshake(-1, major, minor)
    size = _HEAD.size + _BODY.size
    if len(data) < size or (minor <= MINOR and len(data) > size):
        raise InputError("hello", f"{len(data)} bytes", f"{size} bytes")
    robot, world, limits, policy = _BODY.unpack_from(data, _HEAD.size)
    return Handshake(robot, major, minor, world, limits, policy)


class Handshakes:
    """What the others run with, compared with what this robot does.

    Args:
        own: This robot's hello.
        others: Identities of the other robots of the roster.

    Attributes:
        malformed: Hellos that were none.
    """

    def __init__(self, own: Handshake, others: Iterable[int]) -> None:
        self.own, self.malformed = own, 0
        self._theirs: dict[int, Handshake] = {}
        self._spoke: dict[int, float] = {robot: -np.inf for robot in others}
        self._misfit: dict[int, float] = dict(self._spoke)  # When a report with another digest arrived.
        self._said = -np.inf

    def due(self, now: float) -> bool:
        """Whether it is time to say hello; True at most every ``EVERY`` seconds."""
        if now - self._said < EVERY:
            return False
        self._said = now
        return True

    def receive(self, robot: int, data: bytes, now: float) -> None:
        """Take a hello that came on the key of a robot."""
        try:
            theirs = decode(data)
        except InputError:
            theirs = None
        if theirs is None or robot not in self._spoke or (theirs.major == MAJOR and theirs.robot != robot):
            self.malformed += 1
            return
        self._theirs[robot], self._spoke[robot] = theirs, now

    def suspect(self, robot: int, now: float) -> None:
        """A report with another digest came from a robot, perhaps before its hello."""
        if robot in self._misfit:
            self._misfit[robot] = now

    def misfits(self, now: float) -> dict[int, str]:
        """Who speaks now and does not fit, and why."""
        found = {}
        for robot, spoke in self._spoke.items():
            why = self._wrong(robot) if now - spoke < SPEAKS else ""
            if not why and now - self._misfit[robot] < SPEAKS and self._misfit[robot] > spoke:
                why = f"robot {robot} has another map, other limits or declared errors"
            if why:
                found[robot] = why
        return found

    def refusal(self, now: float, senses: bool) -> str | None:
        """Why this robot must not move now, or None.

        Args:
            now: Time [s].
            senses: Whether it senses the other robots itself.
        """
        wrong = self.misfits(now)
        if not wrong:
            return None
        fit = 1 + sum(now - spoke < SPEAKS for robot, spoke in self._spoke.items() if robot not in wrong)
        return None if senses and fit > len(wrong) else min(wrong.values())

    def notes(self, now: float) -> tuple[str, ...]:
        """What differs and does no harm."""
        found = []
        for robot, theirs in sorted(self._theirs.items()):
            if now - self._spoke[robot] < SPEAKS and not self._wrong(robot):
                if theirs.minor != self.own.minor:
                    found.append(f"robot {robot} speaks protocol {theirs.major}.{theirs.minor}")
                if theirs.policy != self.own.policy:
                    found.append(f"robot {robot} has another policy: {theirs.policy.hex()}")
        return tuple(found)

    def _wrong(self, robot: int) -> str:
        """Why a robot that said hello does not fit; empty if it does."""
        theirs, own = self._theirs[robot], self.own
        if theirs.major != own.major:
            return f"robot {robot} speaks protocol {theirs.major}.{theirs.minor}, here {own.major}.{own.minor}"
        if theirs.map != own.map:
            return f"robot {robot} has another map: {theirs.map.hex()}, here {own.map.hex()}"
        if theirs.limits != own.limits:
            return f"robot {robot} has other limits or declared errors: {theirs.limits.hex()}, here {own.limits.hex()}"
        return ""
