"""The log of one control process: MCAP files of a bounded size, readable also after the process was killed.

The control loop hands over each period and goes on. A thread of its own writes them, as JSON, and closes a chunk every
`FLUSH_EVERY` seconds: that is what SIGKILL can cost, and nothing that was written before it is lost. (Nothing waits for
the disk itself; when a machine loses its power, what its system had not yet written is lost.) If the writer cannot
keep up or the disk is full, periods are dropped and counted; the loop never waits.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mcap.writer import Writer

from swarm.body import LOOK_AHEAD
from swarm.dynamics import UNICYCLE
from swarm.errors import InputError
from swarm.runtime.control import Control, Period
from swarm.runtime.fleet_file import FleetFile
from swarm.runtime.log_messages import (
    Entry,
    log_message,
    map_message,
    period_message,
    pose_message,
    scene_message,
    words,
    world_message,
)
from swarm.runtime.log_schemas import SCHEMAS
from swarm.text_files import MEBIBYTE

FLUSH_EVERY = 1.0
"""Seconds after which what was logged is in the file, at the latest."""
SCENE_EVERY = 4
"""Periods between two pictures of the scene."""
FILE_BYTES, KEPT = 32 * MEBIBYTE, 4
"""Size after which a new file is begun; and a robot's files together have at most so many times that."""
_MOST_FILES = 200  # Of a robot that is started again and again.
_QUEUED = 200  # Periods that may wait for the writer: ten seconds.
_RETRY = 5.0  # Seconds after which a disk that failed is tried again.
_FULL = 0.95  # Share of a file's size at which it is ended: its index comes on top.
_CHUNK = 8 * MEBIBYTE  # Never reached: chunks are closed by time.


class PeriodLog:
    """Writes the log of one robot; use as a context manager.

    Args:
        folder: Made if it is not there. A robot's oldest files in it are removed to make room.
        fleet: What the log is of.
        robot_id: Which robot.
        incarnation: Of this process.
        file_bytes: See `FILE_BYTES`.
        kept: See `KEPT`.
        clock: That of `Period.time`, s.

    Attributes:
        dropped: Periods that were not written.
        error: The last thing that went wrong, empty if nothing did.

    Raises:
        InputError: If the folder cannot be made, or a size makes no sense.
    """

    def __init__(
        self, folder: Path, fleet: FleetFile, robot_id: int, incarnation: int, *, file_bytes: int = FILE_BYTES,
        kept: int = KEPT, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if file_bytes < 1 or kept < 1:
            raise InputError("log", (file_bytes, kept), "1 byte and 1 file, or more")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(str(folder), error.strerror or str(error), "a folder that can be written") from None
        self.dropped, self.error = 0, ""
        self._folder, self._stem, self._robot_id = folder, f"{fleet.name}-robot{robot_id:03d}", robot_id
        self._world, self._incarnation = world_message(fleet.name, fleet.scenario, robot_id, incarnation), incarnation
        self._file_bytes, self._kept, self._clock = file_bytes, kept, clock
        self._queue: queue.Queue[Entry | None] = queue.Queue(_QUEUED)
        self._file: _File | None = None
        self._count, self._said, self._retry_at, self._body = 0, "", float("-inf"), fleet.roster()[robot_id].body
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def add(self, control: Control, period: Period) -> None:
        """Take a period; never waits."""
        robot, nominal = control.robot, None
        if period.command is not None and period.view is not None:
            nominal = robot.nominal(period.view, period.command)
            if robot.kind == UNICYCLE:
                nominal[1] /= robot.body[LOOK_AHEAD]
        entry = Entry(
            period, self._incarnation, control.lockstep.tick, control.why(period), nominal,
            control.inbox.heard(period.time), self.dropped,
        )  # fmt: skip
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what waits, and finish the file."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=1.0)
        self._thread.join(timeout=5.0)

    def __enter__(self) -> PeriodLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self) -> None:
        """The writer's thread."""
        flush_at = time.monotonic() + FLUSH_EVERY
        while True:
            entry: Entry | None = None
            ended = False
            try:
                entry = self._queue.get(timeout=max(flush_at - time.monotonic(), 0.0))
                ended = entry is None
            except queue.Empty:
                pass
            try:
                if entry is not None:
                    self._put(entry)
                if time.monotonic() >= flush_at:
                    flush_at = time.monotonic() + FLUSH_EVERY
                    self._flush()
                if ended:
                    self._finish()
            except OSError as error:  # The disk: what was written stays as it is; try again later.
                self._failed(error, entry)
                self._file, self._retry_at = None, time.monotonic() + _RETRY
            except Exception as error:  # An entry that cannot be written must not cost those after it.
                self._failed(error, entry)
            if ended:
                return

    def _failed(self, error: Exception, entry: Entry | None) -> None:
        self.error = str(error) or repr(error)
        self.dropped += entry is not None

    def _put(self, entry: Entry) -> None:
        if self._file is None:
            if time.monotonic() < self._retry_at:
                self.dropped += 1
                return
            self._file = self._open(entry)
        file, robot, period = self._file, self._robot_id, entry.period
        stamp = file.stamp(period.time)
        file.add("period", stamp, period_message(robot, entry))
        self._count += 1
        if self._count % SCENE_EVERY:
            return
        if period.reading is not None:
            file.add("pose", stamp, pose_message(period.reading.state, stamp))
        scene = scene_message(robot, self._body, entry, stamp)
        if scene is not None:
            file.add("scene", stamp, scene)
        if (said := words(entry)) != self._said:
            self._said = said
            file.add("log", stamp, log_message(robot, entry, stamp))

    def _open(self, entry: Entry) -> _File:
        """The next file, with what does not change at its beginning; makes room for it."""
        _make_room(self._folder, self._stem, (self._kept - 1) * self._file_bytes)
        file = _File(self._folder, self._stem, self._robot_id, time.time_ns() - round(self._clock() * 1e9))
        stamp = file.stamp(entry.period.time)
        file.add("world", stamp, json.dumps(self._world))
        file.add("map", stamp, map_message(self._world, stamp))
        self._said = ""
        return file

    def _flush(self) -> None:
        if self._file is not None and self._file.flush() >= _FULL * self._file_bytes:
            self._finish()

    def _finish(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _File:
    """One MCAP file; stamps are by the clock of the day."""

    def __init__(self, folder: Path, stem: str, robot_id: int, offset_ns: int) -> None:
        self._offset = offset_ns
        self._stream = _create(folder, stem)
        self._writer = Writer(self._stream, chunk_size=_CHUNK)
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
        return round(seconds * 1e9) + self._offset

    def add(self, topic: str, stamp: int, message: str) -> None:
        self._writer.add_message(self._channels[topic], stamp, message.encode(), stamp)

    def flush(self) -> int:
        """Close the chunk; the size of the file so far."""
        self._writer.flush()  # type: ignore[no-untyped-call]
        return self._stream.tell()

    def close(self) -> None:
        self._writer.finish()  # type: ignore[no-untyped-call]
        self._stream.close()


def _create(folder: Path, stem: str) -> BinaryIO:
    """A new file with a name that says when it was begun (UTC), so that names sort by time."""
    while True:
        moment = datetime.now(UTC)
        name = f"{stem}-{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}.mcap"
        with contextlib.suppress(FileExistsError):
            return (folder / name).open("xb")
        time.sleep(1e-3)


def _make_room(folder: Path, stem: str, most: int) -> None:
    """Remove a robot's oldest files until the rest have at most so many bytes."""
    pattern = re.compile(re.escape(stem) + r"-\d{8}T\d{9}\.mcap")
    files = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    sizes = [path.stat().st_size for path in files]
    while files and (sum(sizes) > most or len(files) >= _MOST_FILES):
        files.pop(0).unlink(missing_ok=True)
        sizes.pop(0)
