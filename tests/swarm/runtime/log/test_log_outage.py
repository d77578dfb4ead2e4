"""A disk that does not take the log: no file with something in it is lost, no empty one stays, and it is said."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles.logged import Pair, make_fleet
from oracles.loopback import until
from oracles.project import ROOT

from swarm.errors import InputError
from swarm.runtime.link.status import MAX_TEXT
from swarm.runtime.log import file as log_file
from swarm.runtime.log import outage as log_outage
from swarm.runtime.log import writer as log_module
from swarm.runtime.log.outage import Outage
from swarm.runtime.log.reader import open_logs
from swarm.runtime.log.writer import PeriodLog

OLD = "pair-robot000-20200101T000000{:03d}.mcap"
FULL, QUOTA, BROKEN = (OSError(code, os.strerror(code)) for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO))


class Disk:
    """Stands for the disk that logs are written to: it takes so many bytes, and then fails.

    Attributes:
        left: Bytes that it takes.
        error: How it fails.
        failures: How often it did.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left, self.error, self.failures, self._pwrite = 1 << 40, FULL, 0, os.pwrite
        patch.setattr(os, "pwrite", self._write)

    def _write(self, file: int, data: bytes, offset: int) -> int:
        if self.left <= 0:
            self.failures += 1
            raise self.error
        count = self._pwrite(file, bytes(data[: self.left]), offset)
        self.left -= count
        return count


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """It is tried again at once, and flushed often."""
    monkeypatch.setattr(log_outage, "RETRY", 1e-3)
    monkeypatch.setattr(log_outage, "RETRY_MOST", 2e-3)
    monkeypatch.setattr(log_module, "FLUSH_EVERY", 2e-3)
    return Disk(monkeypatch)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(make_fleet(tmp_path_factory.mktemp("fleet")))


class Running:
    """A robot that logs a period every few milliseconds for as long as is wanted."""

    def __init__(self, pair: Pair, folder: Path, **options: int) -> None:
        self.log = PeriodLog(folder, pair.fleet.name, pair.fleet.scenario, 0, 1, clock=lambda: pair.time, **options)
        self._pair, self.added = pair, 0

    def add(self) -> None:
        self.log.add(self._pair.controls[0], self._pair.tick()[0])  # type: ignore[arg-type]
        self.added += 1

    def until(self, condition: Callable[[], bool]) -> None:
        def reached() -> bool:
            self.add()
            return condition()

        until(reached)


@pytest.fixture
def running(pair: Pair, tmp_path: Path, disk: Disk) -> Iterator[Running]:
    found = Running(pair, tmp_path / "logs")
    yield found
    found.log.close()


def logged(folder: Path) -> list[float]:
    """Times of the periods in a folder."""
    logs = open_logs(folder)
    return [period["time"] for _, period in logs.periods(logs.start, logs.end).get(0, [])]


def old_logs(folder: Path, count: int, size: int = 100) -> list[Path]:
    folder.mkdir()
    paths = [folder / OLD.format(k) for k in range(count)]
    for path in paths:
        path.write_bytes(b"x" * size)
    return paths


@pytest.mark.parametrize("error", [FULL, QUOTA, BROKEN], ids=["full", "quota", "broken"])
def test_a_disk_that_fails_hundreds_of_times_costs_no_file_and_leaves_no_empty_one(
    pair: Pair, tmp_path: Path, disk: Disk, error: OSError
) -> None:
    old = old_logs(tmp_path / "logs", log_file.MOST_FILES - 1)
    disk.left, disk.error = 0, error
    running = Running(pair, tmp_path / "logs")
    running.until(lambda: disk.failures > log_file.MOST_FILES + 50)
    running.log.close()
    assert sorted((tmp_path / "logs").iterdir()) == old and running.log.dropped == running.added


@pytest.mark.parametrize("error", [FULL, QUOTA], ids=["full", "quota"])
def test_after_a_full_disk_the_same_file_goes_on(running: Running, disk: Disk, tmp_path: Path, error: OSError) -> None:
    log = running.log
    running.until(lambda: any((tmp_path / "logs").glob("*.mcap")) and running.added > 20)
    disk.error, disk.left = error, 300  # in the midst of a chunk
    running.until(lambda: disk.failures > 20)
    assert log.note().startswith("log: disk full since ") and f": {error.strerror}; " in log.note()
    (path,) = (tmp_path / "logs").iterdir()
    disk.left = 1 << 40
    running.until(lambda: not log.outage.reason)
    assert log.note().startswith("log: written again since ") and "records lost" in log.note()
    running.until(lambda: log.dropped + log._waiting < running.added)
    log.close()
    assert list((tmp_path / "logs").iterdir()) == [path] and open_logs(path).files[0].complete
    assert len(logged(path)) == running.added - log.dropped and 0 < log.dropped < running.added


def test_after_a_fault_of_the_disk_a_new_file_is_begun(running: Running, disk: Disk, tmp_path: Path) -> None:
    log = running.log
    running.until(lambda: any((tmp_path / "logs").glob("*.mcap")) and running.added > 20)
    disk.error, disk.left = BROKEN, 300
    running.until(lambda: disk.failures > 20)
    assert log.note().startswith("log: not written since ") and "Input/output error" in log.note()
    disk.left = 1 << 40
    running.until(lambda: not log.outage.reason)
    log.close()
    assert [file.complete for file in open_logs(tmp_path / "logs").files] == [False, True]
    assert len(logged(tmp_path / "logs")) == running.added - log.dropped


@pytest.mark.parametrize("whole", [False, True], ids=["files", "folder"])
def test_logs_that_are_removed_meanwhile_are_missed(running: Running, tmp_path: Path, whole: bool) -> None:
    folder, log = tmp_path / "logs", running.log
    running.until(lambda: log._file is not None and log._file.settled)
    if whole:  # at once: the writer may begin a file in it meanwhile
        gone = folder.rename(tmp_path / "gone")
        shutil.rmtree(gone)
    else:
        for path in folder.iterdir():
            path.unlink()
    # It may be noticed by a flush for which nothing waits: then nothing is lost but what was written before.
    running.until(lambda: "removed" in log.error and any(folder.glob("*.mcap")))
    running.until(lambda: not log.outage.reason)
    log.close()
    assert logged(folder)


def test_a_log_that_is_removed_while_nothing_waits_is_missed_too(pair: Pair, disk: Disk, tmp_path: Path) -> None:
    """As beside a busy machine: the writer has flushed all before anything comes."""
    running, folder = Running(pair, tmp_path / "logs"), tmp_path / "logs"
    log = running.log
    running.until(lambda: log._file is not None and log._file.settled)
    until(lambda: log._queue.empty() and not log._waiting)
    for path in folder.iterdir():
        path.unlink()
    until(lambda: "removed" in log.error)
    assert log.dropped == 0 and log.outage.reason
    running.until(lambda: any(folder.glob("*.mcap")) and not log.outage.reason)
    log.close()
    assert logged(folder)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    stretches=st.lists(
        st.tuples(st.integers(0, 3000), st.sampled_from([FULL, QUOTA, BROKEN]), st.integers(0, 15)), max_size=8
    ),
    fails_at_the_end=st.booleans(),
)  # fmt: skip
def test_whenever_the_disk_fails_what_is_not_counted_as_lost_is_there(
    pair: Pair, disk: Disk, tmp_path_factory: pytest.TempPathFactory, stretches: list[tuple[int, OSError, int]],
    fails_at_the_end: bool,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("run") / "logs"
    old, running = old_logs(folder, 3), Running(pair, folder, file_bytes=20_000, kept=200)
    for left, disk.error, periods in stretches:
        disk.left = left
        for _ in range(periods):
            running.add()
            time.sleep(1e-3)
    disk.left = 0 if fails_at_the_end else 1 << 40
    running.log.close()
    disk.left = 1 << 40
    assert all(path.exists() for path in old) and all(path.stat().st_size for path in folder.iterdir())
    for path in old:
        path.unlink()
    kept = running.added - running.log.dropped
    # Where a chunk was cut within what follows its messages, they are read, though they count as lost.
    assert kept <= (len(logged(folder)) if any(folder.iterdir()) else 0) <= running.added


def test_empty_files_make_room_and_files_in_use_stay(pair: Pair, tmp_path: Path, disk: Disk) -> None:
    """Those that earlier versions left; and another process's."""
    old = old_logs(tmp_path / "logs", log_file.MOST_FILES)
    empty = [tmp_path / "logs" / OLD.replace("2020", "2021").format(k) for k in range(3)]
    for path in empty:
        path.write_bytes(b"")
    with old[0].open("rb") as used, empty[0].open("rb") as begun:
        fcntl.flock(used, fcntl.LOCK_EX)
        fcntl.flock(begun, fcntl.LOCK_EX)
        running = Running(pair, tmp_path / "logs")
        running.until(lambda: not old[1].exists())
        running.log.close()
    left = set((tmp_path / "logs").iterdir())
    assert {old[0], *old[2:], empty[0]} < left and len(left) == log_file.MOST_FILES + 1 and running.log.dropped == 0


def test_files_that_cannot_be_removed_are_said_and_the_bound_is_kept(
    pair: Pair, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, unlink, tried = old_logs(tmp_path / "logs", 3, size=50_000), Path.unlink, []

    def guarded(path: Path, missing_ok: bool = False) -> None:
        if path in old:
            tried.append(path)
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", guarded)
    running = Running(pair, tmp_path / "logs", file_bytes=30_000, kept=2)
    running.until(lambda: len(tried) > 50)
    assert running.log.note().endswith("records lost") and ": Permission denied; " in running.log.note()
    running.log.close()
    assert sorted((tmp_path / "logs").iterdir()) == old and running.log.dropped == running.added


def test_a_process_may_start_on_a_full_disk(
    pair: Pair, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, gate = Path.mkdir, threading.Event()

    def full(path: Path, *arguments: object, **options: object) -> None:
        if not gate.is_set():
            raise FULL
        mkdir(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", full)
    running = Running(pair, tmp_path / "logs")
    running.until(lambda: "disk full" in running.log.note())
    gate.set()
    running.until(lambda: any(tmp_path.glob("logs/*.mcap")))
    running.log.close()
    assert logged(tmp_path / "logs")
    gate.clear()
    read_only = OSError(errno.EROFS, "Read-only file system")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: (_ for _ in ()).throw(read_only))
    with pytest.raises(InputError, match="Read-only"):
        Running(pair, tmp_path / "others")


def test_a_real_limit_of_the_system(tmp_path: Path) -> None:
    """No file may be larger than 30 kB (RLIMIT_FSIZE): the process goes on in new files, each readable."""
    program = (
        "import resource, sys, time; from pathlib import Path; from oracles.logged import Pair, make_fleet\n"
        "from swarm.runtime.log import outage as log_outage, writer as module\n"
        "log_outage.RETRY = log_outage.RETRY_MOST = module.FLUSH_EVERY = 0.002\n"
        "folder = Path(sys.argv[1]); pair = Pair(make_fleet(folder))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "with module.PeriodLog(folder / 'logs', pair.fleet.name, pair.fleet.scenario, 0, 1) as log:\n"
        "    while len(list((folder / 'logs').iterdir())) < 4:\n"
        "        log.add(pair.controls[0], pair.tick()[0]); time.sleep(0.001)\n"
        "print(log.error)\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", program, tmp_path], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "File too large" in done.stdout, done.stderr
    sizes = [path.stat().st_size for path in (tmp_path / "logs").iterdir()]
    assert len(open_logs(tmp_path / "logs").files) == len(sizes) >= 4 and max(sizes) == 30_000


# -- what is said, and when it is tried again -----------------------------------------------------------------------


class Clock:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        patch.setattr(time, "monotonic", lambda: self.now)
        patch.setattr(time, "gmtime", lambda: time.struct_time((2026, 3, 1, 12, 4, 31, 6, 60, 0)))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_disk_that_fails_is_tried_less_and_less_often(clock: Clock) -> None:
    outage, waits = Outage(Path("logs")), []
    for _ in range(6):
        outage.failed(FULL, 0)
        begin = clock.now
        while not outage.due:
            clock.now += 0.5
        waits.append(clock.now - begin)
    assert waits == [5, 10, 20, 40, 60, 60]
    outage.works(0)
    clock.now += 30  # it worked for a moment only
    outage.failed(FULL, 0)
    clock.now += 59.5
    assert not outage.due
    outage.works(0)
    clock.now += 60
    outage.failed(FULL, 0)
    clock.now += 5
    assert outage.due


def test_what_is_said_of_a_disk(clock: Clock) -> None:
    outage = Outage(Path("/var/log/robots"))
    assert not outage.note(0) and outage.due
    outage.failed(FULL, 7)
    told = "log: disk full since 03-01 12:04 UTC: /var/log/robots: No space left on device; 93 records lost"
    assert outage.note(100, width=1000) == told
    outage.failed(BROKEN, 50)
    assert "disk full" in outage.note(100) and "Input/output error; 93 " in outage.note(100)
    outage.works(107)
    assert outage.note(500) == "log: written again since 03-01 12:04 UTC: /var/log/robots; 100 records lost"
    clock.now += log_outage.TOLD
    assert not outage.note(500)
    outage.behind()
    assert outage.note(501) == "log: the disk does not keep up: /var/log/robots; 501 records lost"
    clock.now += log_outage.BEHIND
    assert not outage.note(501)


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=300), st.integers(0, 10**7))
def test_a_note_fits_into_a_status(folder: str, lost: int) -> None:
    outage = Outage(Path(folder))
    outage.failed(FULL, 0)
    note = outage.note(lost)
    assert len(note) <= MAX_TEXT and note.endswith(f"No space left on device; {lost} records lost")
