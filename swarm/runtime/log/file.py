"""One MCAP file of a robot's log, whose bytes wait until the disk takes them; and the room for it in its folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from mcap.writer import Writer

from swarm.files.text_files import MEBIBYTE
from swarm.runtime.log.schemas import SCHEMAS

MOST_FILES = 200
"""Files with something in them that a robot has at most: of one that is started again and again."""

_CHUNK = 8 * MEBIBYTE  # Never reached: chunks are closed by time.


class McapFile:
    """One MCAP file; stamps are by the clock of the day. Only what is said below touches the disk.

    Attributes:
        path: The file.
        settled: Whether something is in it and there was room; before, giving it up removes it.

    Raises:
        OSError: From all methods that touch the disk; they can be called again.
    """

    def __init__(self, folder: Path, stem: str, robot_id: int, offset_ns: int) -> None:
        """Make the file."""
        self._offset, self._ended, self.settled = offset_ns, False, False
        self.path, self._stream = _create(folder, stem)
        self._writer = Writer(cast(BinaryIO, self._stream), chunk_size=_CHUNK)
        self._writer.start()
        names = {
            "world": "swarm.World", "map": "foxglove.SceneUpdate", "period": "swarm.Period",
            "pose": "foxglove.PoseInFrame", "scene": "foxglove.SceneUpdate", "log": "foxglove.Log",
        }  # fmt: skip
        schemas = {
            name: self._writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
            for name, schema in SCHEMAS.items()
        }
        self._channels = {
            topic: self._writer.register_channel(f"/robot/{robot_id}/{topic}", "json", schemas[name])
            for topic, name in names.items()
        }

    def stamp(self, seconds: float) -> int:
        """A time of the process [s], by the clock of the day [ns]."""
        return round(seconds * 1e9) + self._offset

    def add(self, topic: str, stamp: int, message: str) -> None:
        """Take a message; not on the disk yet."""
        self._writer.add_message(self._channels[topic], stamp, message.encode(), stamp)

    def flush(self) -> int:
        """Close the chunk and write what waits; the size of the file so far."""
        self._writer.flush()
        return self._stream.tell()

    def finish(self) -> None:
        """Write what waits and the end, and close the file."""
        if not self._ended:
            self._writer.finish()
            self._ended = True
        self._stream.flush()
        self._stream.close()

    def give_up(self) -> None:
        """Close the file as it is, which is readable up to there; one with nothing in it is removed. Never raises."""
        with contextlib.suppress(OSError):
            self._stream.close()
        if not self.settled:
            with contextlib.suppress(OSError):
                self.path.unlink()


class _Stream:
    """A new file as an MCAP writer wants it: writing only takes the bytes, ``flush`` can be tried again after a fault.

    So the writer, which could not go on after a fault, never sees one. The file is locked while it is open, which
    tells other processes that it is in use.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._waiting, self._size = path, bytearray(), 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def tell(self) -> int:
        return self._size + len(self._waiting)

    def flush(self) -> None:
        while self._waiting:
            count = os.pwrite(self._file, self._waiting, self._size)
            self._size += count
            del self._waiting[:count]
        if os.fstat(self._file).st_nlink == 0:  # Nobody will find what is written into it.
            raise FileNotFoundError(errno.ENOENT, "the file was removed", str(self._path))

    def close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _create(folder: Path, stem: str) -> tuple[Path, _Stream]:
    """A new file with a name that says when it was begun (UTC), so that names sort by time."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        moment = datetime.now(UTC)
        path = folder / f"{stem}-{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}.mcap"
        with contextlib.suppress(FileExistsError):
            return path, _Stream(path)
        time.sleep(1e-3)


def make_room(own: Path, stem: str, most: int) -> None:
    """Remove a robot's files with nothing in them, and its oldest ones until the rest have at most so many bytes.

    Args:
        own: The file for which there is to be room; it stays, and so does every file that some process has open.
        stem: What the names of the robot's files begin with.
        most: Of all the others together.

    Raises:
        OSError: If a file cannot be removed.
    """
    pattern = re.compile(re.escape(stem) + r"-\d{8}T\d{9}\.mcap")
    others = sorted(path for path in own.parent.iterdir() if pattern.fullmatch(path.name) and path != own)
    sizes = {path: path.lstat().st_size for path in others}
    total, count = sum(sizes.values()), sum(size > 0 for size in sizes.values())
    for path, size in sizes.items():
        if size and total <= most and count < MOST_FILES:
            continue
        if not _in_use(path):
            path.unlink(missing_ok=True)
            total, count = total - size, count - (size > 0)


def _in_use(path: Path) -> bool:
    """Whether a process writes this file now, as far as can be known."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:  # not readable, or gone
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(file)
    return False
