"""What a robot's control process has to remember when it is killed: incarnation, goal, cells, emergency stop.

A file of two slots that are written in turn, each of fixed size with version, serial number and checksum: at a restart
the newest whole one counts. Whatever is told to others or to the body is written before, so a slot that was being
written when the process was killed had no effect yet. A write goes to the system's memory, which outlives the process,
and takes some microseconds (a file that is renamed over the old one takes 0.2 to 0.4 ms on ext4, which writes it to the
disk then). Nothing waits for the disk: a power cut loses the last seconds. Hence cells count only if the machine has
not been started anew since, and so do the robots that were heard: one that does not sense others waits for them again,
since they are there even if their processes are dead. The rest counts as it was found.

The file is locked while its process lives, so that one process drives a robot on a machine; a second one can wait for
the lock, and take over when the first one dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import os
import stat
import struct
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from swarm.errors import InputError
from swarm.runtime.fleet_file.braking import REASONS
from swarm.runtime.link.estop import EmergencyStop
from swarm.sense.intent import MAX_HELD

VERSION = 1
PATIENCE = 0.5
"""Seconds for which a new process waits for the end of one that is being killed."""
RETRY = 5.0
"""Seconds after which a file that could not be written is tried again."""

_SLOT = 2048
_ROBOTS = 10_240  # As many as a fleet can have, in whole bytes.
_HEAD = struct.Struct("<4sHIQ")  # Magic, version, checksum of all that follows, serial number.
_BODY = struct.Struct(
    f"<8sI8s16sIIBQB{MAX_HELD}i{_ROBOTS // 8}s"  # Fleet, robot, map, boot, incarnation, goal, stop, counter, cells,
)  # whom it heard: a bit for each robot.
_DOUBTED = 64  # What older versions do not know stands behind that, each part with a checksum: whom it doubts, at most;
# and the reason that has latched it, its place in the list of them, from 1 on.
_DOUBT_PART, _LATCH_PART = struct.Struct(f"<B{_DOUBTED}H"), struct.Struct("<B")
_MAGIC = b"SWRJ"
_NO_STOP, _RELEASED, _LATCHED = range(3)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Memory:
    """What survives.

    Attributes:
        goal: Place in the list of goals.
        held: Cells that the planner holds, tail first. What it claimed only was never its own.
        stop: The last wish of an operator that it knows.
        heard: The robots that it has heard.
        doubted: Whom it does not believe that it is stopped (``swarm.runtime.link.estop``).
        latched: The reason that keeps it until an operator releases it (``swarm.runtime.fleet_file.braking``), or none.
    """

    goal: int = 0
    held: tuple[int, ...] = ()
    stop: EmergencyStop | None = None
    heard: frozenset[int] = frozenset()
    doubted: frozenset[int] = frozenset()
    latched: str = ""


@dataclass(frozen=True)
class _Slot:
    """One slot of the file."""

    serial: int
    fleet: bytes
    robot: int
    map: bytes
    boot: bytes
    incarnation: int
    memory: Memory


class Journal:
    """The journal of one robot, open and locked; what is found in it is checked before it is believed.

    Args:
        fleet: Name of the fleet.
        robot: Whose journal it is.
        world: Digest of the map, 8 bytes (``swarm.runtime.link.handshake``).
        folder: Where it is; None: ``default_folder``.
        fleet_file: Of the fleet.
        patience: Seconds to wait for the end of another process of this robot; inf: until it ends.

    Attributes:
        path: The file.
        found: What the process before this one knew; empty if there is nothing that can be used.
        incarnation: Larger than that of any earlier process of this robot that wrote here.
        problem: Why what was there could not be used, or nothing is written any more; empty: all is well.

    Raises:
        InputError: If another process of this robot runs on this machine, or if it could not be noticed whether the
            one ends for which this one would wait.
    """

    def __init__(
        self, fleet: str, robot: int, world: bytes, folder: Path | None, fleet_file: Path, *,
        patience: float = PATIENCE,
    ) -> None:  # fmt: skip
        self.path = Path()
        self.found, self.problem, self._file, self._writes = Memory(), "", -1, False
        self._kept, self._retry_at = self.found, math.inf
        self._fleet, self._robot = _digest(fleet.encode()), robot
        self._map, self._boot = world, _boot()
        self._serial, self.incarnation = 0, int(time.time())
        try:
            folder = folder or default_folder(fleet, fleet_file)
            self.path = folder / f"{fleet}-{robot}.journal"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = _open(self.path)
        except (OSError, RuntimeError) as error:
            self.problem = f"journal: {error}"
            if math.isinf(patience):
                raise InputError("journal", str(error), "a file that can be locked") from None
            return
        self._lock(patience)
        self._writes = True
        self._read()
        self._kept = self.found
        self._write(self.found)

    def keep(self, memory: Memory) -> bool:
        """Write what is to be remembered if it changed; returns whether it did. To be called before it has effect."""
        changed, self._kept = memory != self._kept, memory
        if not (changed if self._writes else time.monotonic() >= self._retry_at):
            return False
        self._write(memory)
        return True

    def end(self) -> None:
        """The process ends because it was told to: what it heard of others says nothing about a later start."""
        self.keep(replace(self._kept, heard=frozenset()))
        self.close()

    def close(self) -> None:
        """Give the file back; what was written stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file, self._writes, self._retry_at = -1, False, math.inf

    def _lock(self, patience: float) -> None:
        if math.isinf(patience):
            fcntl.flock(self._file, fcntl.LOCK_EX)
            return
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    self.close()
                    where = f"robot {self._robot}"
                    raise InputError(where, str(self.path), "a journal that no running process of it holds") from None
            time.sleep(0.01)

    def _read(self) -> None:
        """Find what was known, and the incarnation that follows."""
        data = os.pread(self._file, 2 * _SLOT + 1, 0)
        try:
            slots = _slots(data)
            if not slots:
                return
            last = max(slots, key=lambda slot: slot.serial)
            if (last.fleet, last.robot) != (self._fleet, self._robot):
                raise InputError("journal", "another fleet or robot", "this one's")
        except InputError as error:
            self.problem = f"{self.path}: {error}"
            os.ftruncate(self._file, 0)  # or what is there would look newer than what is written now
            return
        self._serial, self.found = last.serial + 1, last.memory
        self.incarnation = max(self.incarnation, last.incarnation + 1)
        if last.map != self._map:
            self.problem = f"{self.path}: of another map; goal and cells are not used"
            self.found = Memory(stop=last.memory.stop, doubted=last.memory.doubted, latched=last.memory.latched)
        elif last.boot != self._boot:
            self.found = replace(self.found, held=(), heard=frozenset())

    def _write(self, memory: Memory) -> None:
        slot = _Slot(self._serial, self._fleet, self._robot, self._map, self._boot, self.incarnation, memory)
        try:
            os.pwrite(self._file, _encode(slot), self._serial % 2 * _SLOT)
            self._serial += 1
        except OSError as error:
            self.problem = f"journal: {error.strerror}; nothing is remembered until it can be written: {self.path}"
            self._forget()
            return
        if not self._writes:
            self._writes, self._retry_at, self.problem = True, math.inf, ""

    def _forget(self) -> None:
        """What is in the file is no longer true; its lock still is."""
        self._writes, self._retry_at = False, time.monotonic() + RETRY
        with contextlib.suppress(OSError):  # else nothing more can be done; the process goes on
            os.ftruncate(self._file, 0)


def default_folder(fleet: str, fleet_file: Path) -> Path:
    """The user's folder for the state of a fleet: $XDG_STATE_HOME/swarm/NAME-HASH, the hash of the file's path."""
    given = os.environ.get("XDG_STATE_HOME", "")
    state = Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    return state / "swarm" / f"{fleet}-{_digest(os.fsencode(fleet_file.resolve())).hex()[:12]}"


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is not a regular file")
    return file


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:8]


def _boot() -> bytes:
    """Identity of the machine's start, 16 bytes; zeros where it is not told."""
    try:
        return hashlib.sha256(_BOOT_ID.read_bytes()).digest()[:16]
    except OSError:
        return bytes(16)


def _encode(slot: _Slot) -> bytes:
    memory, stop = slot.memory, slot.memory.stop
    state = _NO_STOP if stop is None else _LATCHED if stop.latched else _RELEASED
    body = _BODY.pack(
        slot.fleet, slot.robot, slot.map, slot.boot, slot.incarnation, memory.goal, state,
        0 if stop is None else stop.counter, len(memory.held), *memory.held, *[-1] * (MAX_HELD - len(memory.held)),
        sum(1 << robot for robot in memory.heard).to_bytes(_ROBOTS // 8, "little"),
    )  # fmt: skip
    serial = struct.pack("<Q", slot.serial)
    head = _HEAD.pack(_MAGIC, VERSION, zlib.crc32(serial + body), slot.serial)
    return (head + body + _encode_more(serial, memory)).ljust(_SLOT, b"\0")


def _checked(serial: bytes, part: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(serial + part)) + part


def _part(data: bytes, at: int, layout: struct.Struct) -> tuple[int, ...]:
    """The numbers of a part of a slot; zeros if an older version wrote it."""
    found, end = data.ljust(_SLOT, b"\0")[at:], 4 + layout.size
    whole = found[:end] == _checked(data[_HEAD.size - 8 : _HEAD.size], found[4:end])
    return layout.unpack(found[4:end] if whole else bytes(layout.size))


def _encode_more(serial: bytes, memory: Memory) -> bytes:
    """Of more doubted ones than there is room for, the first: the others are doubted again once they lie again."""
    given = sorted(memory.doubted)[:_DOUBTED]
    doubted = _DOUBT_PART.pack(len(given), *given, *[0] * (_DOUBTED - len(given)))
    return _checked(serial, doubted) + _checked(serial, _LATCH_PART.pack(("", *REASONS).index(memory.latched)))


def _slots(data: bytes) -> list[_Slot]:
    """The whole slots of a file; ``InputError`` if there are none in a file that is not empty, or newer ones."""
    parts = [part for part in (data[:_SLOT], data[_SLOT : 2 * _SLOT]) if part.strip(b"\0")]
    found = [slot for slot in map(_decode, parts) if slot is not None]
    if len(data) > 2 * _SLOT or (data and not found):
        raise InputError("journal", f"{len(data)} bytes without a whole slot", "a journal")
    return found


def _decode(data: bytes) -> _Slot | None:
    """A slot; None if it is not whole; ``InputError`` if it is of another version."""
    if len(data) < _HEAD.size + _BODY.size or data[:4] != _MAGIC:
        return None
    _, version, checksum, serial = _HEAD.unpack_from(data)
    if version != VERSION:
        raise InputError("journal: version", version, str(VERSION))
    end = _HEAD.size + _BODY.size
    if zlib.crc32(data[_HEAD.size - 8 : end]) != checksum:
        return None
    fleet, robot, world, boot, incarnation, *numbers = _BODY.unpack_from(data, _HEAD.size)
    goal, state, counter, count, *cells, bits = numbers
    if state > _LATCHED or count > MAX_HELD or incarnation >= 2**32 - 1 or min(cells[:count], default=0) < 0:
        return None
    stop = None if state == _NO_STOP else EmergencyStop(state == _LATCHED, counter)
    known = int.from_bytes(bits, "little")
    heard = frozenset(robot for robot in range(known.bit_length()) if known >> robot & 1)
    many, *doubted = _part(data, end, _DOUBT_PART)
    (number,) = _part(data, end + 4 + _DOUBT_PART.size, _LATCH_PART)
    latched = ("", *REASONS)[number] if number <= len(REASONS) else ""  # A newer version may know of more.
    memory = Memory(goal, tuple(cells[:count]), stop, heard, frozenset(doubted[:many]), latched)
    return _Slot(serial, fleet, robot, world, boot, incarnation, memory)
