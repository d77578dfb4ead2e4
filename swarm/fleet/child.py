"""Child processes that never outlive their parent, however it ends; and whether a pid is still the process it was.

The start of a process is read from /proc: psutil tells it by the clock of the day, which may be set meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from swarm.errors import InputError

LOG_LIMIT = 1 << 20
"""Bytes after which the file of what a process says begins anew at its next start."""

# Run before the program itself, in the process that becomes it: Linux kills that when the thread that started it ends
# (prctl, PR_SET_PDEATHSIG). A parent that has ended meanwhile is noticed by its number.
_GUARD = (
    "import os, sys\n"
    "if sys.platform == 'linux':\n"
    "    import ctypes\n"
    "    ctypes.CDLL(None).prctl(1, 9)\n"
    "if os.getppid() != int(sys.argv[1]):\n"
    "    sys.exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)


@dataclass(frozen=True)
class Identity:
    """A process, told apart from a later one that got its number.

    Attributes:
        pid: Its number.
        started: When it was started, in ticks since the machine was.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The process that has this number now, if it is this user's and has not ended."""
        try:
            owner = Path(f"/proc/{pid}").stat().st_uid
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            return None
        # Fields 3 (state) and 22 (start) of proc(5); a zombie has ended.
        return None if owner != os.getuid() or fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return Identity.of(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal to it, and never to another one; whether it was there."""
        if not self.lives:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def guarded(command: Sequence[str]) -> list[str]:
    """A command (program with its folder) that ends with this process, if it is started from the main thread."""
    return [sys.executable, "-IS", "-c", _GUARD, str(os.getpid()), *command]


# A thread of linear algebra for each core, which numpy starts when it is loaded, is of no use to many processes.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


class Child:
    """One program, started as often as is wanted; start it from the main thread, since it ends with its thread.

    Args:
        name: Shown to people.
        command: Program and arguments; the program with its folder.
        says: File for what it says.
    """

    def __init__(self, name: str, command: Sequence[str], says: Path) -> None:
        self.name, self.command, self.says = name, list(command), says
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; in a session of its own, so that Ctrl-C in the terminal reaches its parent alone."""
        try:
            with self._output() as file:
                self._process = subprocess.Popen(
                    guarded(self.command), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
                    env=_ENVIRONMENT | os.environ,
                )  # fmt: skip
        except OSError as error:
            raise InputError(str(self.says), error.strerror or str(error), "a file that can be written") from None

    def _output(self) -> BinaryIO:
        """Where it writes what it says. If it ran before, it runs again even if nobody can read that."""
        try:
            fresh = not self.says.exists() or self.says.stat().st_size > LOG_LIMIT
            return self.says.open("wb" if fresh else "ab")
        except OSError:
            if self._process is None:
                raise
            return open(os.devnull, "wb")

    @property
    def pid(self) -> int | None:
        """Its number while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def code(self) -> int | None:
        """How it ended (negative: by that signal); None while it runs, or if it was never started."""
        return None if self._process is None else self._process.poll()

    def signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.pid is not None and self._process is not None:
            self._process.send_signal(number)

    def exchange(self, other: Child) -> None:
        """Let this one stand for the other's process, and the other for this one's."""
        self._process, other._process = other._process, self._process
        self.says, other.says = other.says, self.says

    def last_words(self) -> str:
        """The last line that it wrote."""
        try:
            with self.says.open("rb") as file:
                file.seek(max(0, self.says.stat().st_size - 2000))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""


def end(children: Sequence[Child], patience: float) -> list[Child]:
    """End some processes: ask, wait for so many seconds, then kill. Returns those that had to be killed."""
    for child in children:
        child.signal(signal.SIGTERM)
        child.signal(signal.SIGCONT)  # one that is stopped cannot end
    until = time.monotonic() + patience
    while any(child.pid for child in children) and time.monotonic() < until:
        time.sleep(0.02)
    left = [child for child in children if child.pid]
    for child in left:
        child.signal(signal.SIGKILL)
    while any(child.pid for child in left):
        time.sleep(0.01)
    return left
