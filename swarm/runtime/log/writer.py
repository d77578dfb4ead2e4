"""The log of one control process: MCAP files of a bounded size, readable also after the process was killed.

The control loop hands over each period and goes on. A thread of its own writes them, as JSON, and closes a chunk every
``FLUSH_EVERY`` seconds: that is what SIGKILL can cost, and nothing that was written before it is lost. (Nothing waits
for the disk itself; when a machine loses its power, what its system had not yet written is lost.) If the writer cannot
keep up or the disk fails, periods are dropped and counted; the loop never waits. The disk is tried again less and less
often: into the same file if it was full, else into a new one. A file counts, and older ones make room for it, once
something is in it; before, a fault removes it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from swarm.errors import InputError
from swarm.files.text_files import MEBIBYTE, NO_SPACE
from swarm.model.body import LOOK_AHEAD
from swarm.model.dynamics import UNICYCLE
from swarm.runtime.control import Control, Period
from swarm.runtime.link.status import MAX_TEXT
from swarm.runtime.log.file import McapFile, make_room
from swarm.runtime.log.messages import (
    Entry,
    log_message,
    map_message,
    period_message,
    pose_message,
    scene_message,
    words,
    world_message,
)
from swarm.runtime.log.outage import Outage
from swarm.scenario.scenario import Scenario

FLUSH_EVERY = 1.0
"""Seconds after which what was logged is in the file, at the latest."""
SCENE_EVERY = 4
"""Periods between two pictures of the scene."""
FILE_BYTES, KEPT = 32 * MEBIBYTE, 4
"""Size after which a new file is begun; and a robot's files together have at most so many times that."""
_QUEUED = 200  # Periods that may wait for the writer: ten seconds.
_FULL = 0.95  # Share of a file's size at which it is ended: its index comes on top.


class PeriodLog:
    """Writes the log of one robot; use as a context manager.

    Args:
        folder: Made if it is not there. A robot's oldest files in it are removed to make room.
        name: Of the fleet.
        scenario: What it drives in.
        robot_id: Which robot.
        incarnation: Of this process.
        file_bytes: See ``FILE_BYTES``.
        kept: See ``KEPT``.
        clock: That of ``Period.time`` [s].

    Attributes:
        error: The last thing that went wrong, empty if nothing did.
        outage: Of its disk.

    Raises:
        InputError: If the folder cannot be made, or a size makes no sense.
    """

    def __init__(
        self, folder: Path, name: str, scenario: Scenario, robot_id: int, incarnation: int, *,
        file_bytes: int = FILE_BYTES, kept: int = KEPT, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if file_bytes < 1 or kept < 1:
            raise InputError("log", (file_bytes, kept), "1 byte and 1 file, or more")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in NO_SPACE:  # then it is tried again
                raise InputError(str(folder), error.strerror or str(error), "a folder that can be written") from None
        self.error, self.outage = "", Outage(folder)
        self._folder, self._stem, self._robot_id = folder, f"{name}-robot{robot_id:03d}", robot_id
        self._world, self._incarnation = world_message(name, scenario, robot_id, incarnation), incarnation
        self._file_bytes, self._kept, self._clock = file_bytes, kept, clock
        self._queue: queue.Queue[Entry | None] = queue.Queue(_QUEUED)
        self._file: McapFile | None = None
        self._count, self._said, self._spec = 0, "", scenario.robots[robot_id]
        # Periods that could not be handed over, that were not written, that wait in the file for the next flush.
        self._overflowed, self._lost, self._waiting = 0, 0, 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Periods that were not written."""
        return self._overflowed + self._lost

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
            self._overflowed += 1
            self.outage.behind()

    def note(self, width: int = MAX_TEXT) -> str:
        """What a person should know of it, in so many characters at most; empty if all is well."""
        return self.outage.note(self.dropped, width)

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
                    self._take(entry)
                if time.monotonic() >= flush_at:
                    flush_at = time.monotonic() + FLUSH_EVERY
                    if not self.outage.reason:
                        self._flush()
                if ended:
                    self._finish()
            except OSError as error:
                self._failed(error)
            except Exception as error:  # An entry that cannot be written must not cost those after it.
                self.error = str(error) or repr(error)
                self._lost += entry is not None
            if ended:
                self._give_up()
                return

    def _failed(self, error: OSError) -> None:
        """The disk: what was written stays as it is, and what waits for room waits on."""
        self.error = str(error) or repr(error)
        self.outage.failed(error, self.dropped)
        if self._file is not None and not (self._file.settled and error.errno in NO_SPACE):
            self._give_up()

    def _give_up(self) -> None:
        """Leave the file as it is on the disk, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            self._lost, self._waiting = self._lost + self._waiting, 0
            file.give_up()

    def _take(self, entry: Entry) -> None:
        """Write an entry, or count it as lost."""
        file = self._ready(entry)
        if file is None:
            self._lost += 1
            return
        self._put(file, entry)
        if not file.settled:  # At once: before, nobody knows whether the disk takes it.
            self._flush()

    def _ready(self, entry: Entry) -> McapFile | None:
        """The file for an entry, None if the disk does not work; one that failed is tried again when it is time."""
        if not self.outage.due:
            return None
        try:
            if self.outage.reason:
                self._flush()
            if self._file is None:
                self._file = self._open(entry)
        except OSError as error:
            self._failed(error)
            return None
        return self._file

    def _put(self, file: McapFile, entry: Entry) -> None:
        robot, period = self._robot_id, entry.period
        stamp = file.stamp(period.time)
        file.add("period", stamp, period_message(robot, entry))
        self._waiting += 1
        self._count += 1
        if self._count % SCENE_EVERY:
            return
        if period.reading is not None:
            file.add("pose", stamp, pose_message(period.reading.state, stamp))
        scene = scene_message(robot, self._spec.radius, entry, stamp, self._spec.footprint)
        if scene is not None:
            file.add("scene", stamp, scene)
        if (said := words(entry)) != self._said:
            self._said = said
            file.add("log", stamp, log_message(robot, entry, stamp))

    def _open(self, entry: Entry) -> McapFile:
        """The next file, with what does not change at its beginning; nothing is on the disk yet."""
        file = McapFile(self._folder, self._stem, self._robot_id, time.time_ns() - round(self._clock() * 1e9))
        stamp = file.stamp(entry.period.time)
        file.add("world", stamp, json.dumps(self._world))
        file.add("map", stamp, map_message(self._world, stamp))
        self._said = ""
        return file

    def _flush(self) -> None:
        """Write what waits; the first time in a file, make room for it."""
        file = self._file
        if file is None:
            return
        size = file.flush()
        if not file.settled:
            make_room(file.path, self._stem, (self._kept - 1) * self._file_bytes)
            file.settled = True
        self._waiting = 0
        self.outage.works(self.dropped)
        if size >= _FULL * self._file_bytes:
            self._finish()

    def _finish(self) -> None:
        """Write what waits, and the end of the file."""
        if self._file is not None:
            self._file.finish()
            self._file, self._waiting = None, 0
