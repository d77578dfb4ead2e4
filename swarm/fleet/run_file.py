"""Which processes of a fleet run on this machine: a small file that other commands of the same user find.

It is a note, never trusted: a process in it counts only if it is this user's, and was started when the note says.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from swarm.errors import InputError
from swarm.files.text_files import MEBIBYTE, read_text, write_text
from swarm.fleet.child import Identity

STOP_PATIENCE = 15.0
"""Seconds for which the processes of a fleet are given time to end, before they are killed."""


def folder() -> Path:
    """The folder of such files, private to the user: in ``$XDG_RUNTIME_DIR``, or else beside other temporary files.

    Raises:
        InputError: If somebody else could write there.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    inside = given and Path(given).is_dir()
    path = Path(given) / "swarm" if given and inside else Path(tempfile.gettempdir()) / f"swarm-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a folder that can be written") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise InputError(str(path), "another user's, or writable by others", "a folder of this user alone")
    return path


@dataclass(frozen=True)
class Running:
    """A fleet that runs on this machine.

    Attributes:
        supervisor: The process that started the others.
        processes: The others, by name, as far as they live.
        page: Address of its browser page; empty: it has none.
    """

    supervisor: Identity | None
    processes: Mapping[str, Identity]
    page: str = ""

    @property
    def lives(self) -> bool:
        """Whether any process of it does."""
        return self.supervisor is not None or bool(self.processes)


class RunFile:
    """The file of one fleet.

    Args:
        fleet: Its name.
    """

    def __init__(self, fleet: str) -> None:
        self.path = folder() / f"{fleet}.json"
        self._lock: IO[bytes] | None = None

    def claim(self) -> None:
        """This process is now the fleet's supervisor, until it ends.

        Raises:
            InputError: If the fleet runs already.
        """
        lock = self.path.with_suffix(".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            valid = "swarm-fleet stop (launch/fleet.py stop) first"
            raise InputError(str(self.path), "a fleet of this name that runs already", valid) from None
        self._lock = lock

    def write(self, processes: Mapping[str, int | None], page: str = "") -> None:
        """Note which processes there are, by name and number."""
        found = {name: Identity.of(pid) for name, pid in processes.items() if pid is not None}
        own = Identity.of(os.getpid())
        note = {
            "supervisor": own and [own.pid, own.started], "page": page,
            "processes": {name: [one.pid, one.started] for name, one in found.items() if one is not None},
        }  # fmt: skip
        write_text(self.path, json.dumps(note) + "\n")

    def read(self) -> Running:
        """What runs; nothing if there is no such file, or none that makes sense."""
        try:
            note = json.loads(read_text(self.path, MEBIBYTE))
            named = {str(name): _living(value) for name, value in note["processes"].items()}
            page = note["page"] if isinstance(note["page"], str) and note["page"].isprintable() else ""
            processes = {name: one for name, one in named.items() if one is not None}
            return Running(_living(note["supervisor"]), processes, page)
        except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Running(None, {})

    def remove(self) -> None:
        """Nothing runs any more."""
        self.path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _living(value: object) -> Identity | None:
    """A process that was noted as its number and start, if it still is that one."""
    if not isinstance(value, list) or len(value) != 2 or not all(type(number) is int for number in value):
        return None
    one = Identity(value[0], value[1])
    return one if one.pid > 1 and one.lives else None


def stop(file: RunFile, patience: float = STOP_PATIENCE) -> tuple[int, int]:
    """End a fleet: ask its supervisor to, and kill what is still there after so many seconds.

    Returns:
        How many processes ended, and how many of them were killed.
    """
    found = file.read()
    everybody = [*([found.supervisor] if found.supervisor else []), *found.processes.values()]
    asked = [found.supervisor] if found.supervisor else everybody
    for one in asked:
        one.signal(signal.SIGTERM)
        one.signal(signal.SIGCONT)
    until = time.monotonic() + patience
    while any(one.lives for one in everybody) and time.monotonic() < until:
        time.sleep(0.05)
    latest = file.read()  # it may have started one again meanwhile
    left = [one for one in {*everybody, *latest.processes.values()} if one.lives]
    for one in left:
        one.signal(signal.SIGKILL)
    if left:
        file.remove()
    return len(everybody), len(left)
