"""Measurements as jobs: each runs in a process of its own with one thread, and its result is kept as a JSON file.

A result is found again by a hash of what it depends on: the function, its options, and the policy files that these
name. The code is not part of it, but its hash is kept beside the result, so that a report can say that some results
are of another state of the code.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from envs.commands.evaluation.common import progress_bar
from studies.report.code_state import code_hash
from swarm.errors import InputError, SwarmError
from swarm.files.text_files import write_text

Record = dict[str, Any]

# One thread for each process: two processes with one job each waste less than one job on two threads.
_ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Job:
    """One measurement.

    Attributes:
        name: For people: in the name of the file and on the screen.
        function: ``module:function``; takes the options, returns the result, both plain enough for JSON.
        options: What is measured.
        cost: Roughly how long it takes, in any unit; long jobs start first.
        files: What else the result depends on.
    """

    name: str
    function: str
    options: Record
    cost: float = 1.0
    files: tuple[Path, ...] = ()

    @property
    def key(self) -> str:
        """Hash of everything that the result depends on, but for the code."""
        total = hashlib.sha256(json.dumps([self.function, self.options], sort_keys=True).encode())
        for path in self.files:
            total.update(path.read_bytes())
        return total.hexdigest()[:16]

    @property
    def code(self) -> str:
        """Hash of the code that the result depends on."""
        return code_hash(self.function.split(":")[0])

    def run(self) -> Record:
        """Measure, here and now."""
        module, function = self.function.split(":")
        found: Callable[[Record], Record] = getattr(importlib.import_module(module), function)
        return found(self.options)


@dataclass(frozen=True)
class Store:
    """A folder with one JSON file a result.

    Attributes:
        folder: Where.
        reuse: Whether results that are there are taken; else everything is measured again.
    """

    folder: Path
    reuse: bool = False

    def path(self, job: Job) -> Path:
        """The file of a job's result."""
        return self.folder / f"{job.name.replace('/', '_').replace(' ', '_')}-{job.key}.json"

    def find(self, job: Job) -> Record | None:
        """What is kept of a job: result, seconds and hash of the code; None if there is nothing that can be read."""
        try:
            entry = json.loads(self.path(job).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return entry if isinstance(entry, dict) and "result" in entry else None

    def measure(self, job: Job) -> Record:
        """Run a job and keep its result."""
        began = time.perf_counter()
        result = job.run()
        entry = {
            "job": {"name": job.name, "function": job.function, "options": job.options},
            "seconds": round(time.perf_counter() - began, 3), "code": job.code, "result": result,
        }  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.path(job), json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n")
        return entry


def _measure(store: Store, job: Job) -> Record:
    """In another process: an error comes back as text, since not every exception survives the way."""
    try:
        return store.measure(job)
    except SwarmError as error:
        return {"error": str(error)}


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started meanwhile; this one gets its own back."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Lab:
    """Has jobs done and hands out their results.

    Args:
        store: Where results are kept.
        processes: How many jobs run at a time; 1 runs them in this process.
        console: For the progress bar.
    """

    def __init__(self, store: Store, processes: int, console: Console) -> None:
        if processes < 1:
            raise InputError("--processes", processes, "1 or more")
        self._store, self._processes, self._console = store, processes, console
        self._entries: dict[str, Record] = {}

    def do(self, jobs: Sequence[Job], title: str, *, alone: bool = False) -> None:
        """Do what has not been done; ``alone``: one after the other, for timings.

        Raises:
            InputError: If a job cannot be done; what others have found by then is kept.
        """
        waiting = {job.key: job for job in jobs if job.key not in self._entries}
        if self._store.reuse:
            for key, job in list(waiting.items()):
                if (entry := self._store.find(job)) is not None:
                    self._entries[key] = entry
                    del waiting[key]
        ordered = sorted(waiting.values(), key=lambda job: -job.cost)
        if not ordered:
            return
        with progress_bar(self._console, title, ("done",)) as progress:
            task = progress.add_task(title, total=len(ordered), done="–")

            def note(job: Job, entry: Record) -> None:
                self._entries[job.key] = entry
                progress.update(task, advance=1, done=f"{job.name}, {entry['seconds']:.0f} s")

            if self._processes == 1:
                for job in ordered:
                    note(job, self._store.measure(job))
            else:
                self._in_processes(ordered, 1 if alone else self._processes, note)

    def _in_processes(self, jobs: Sequence[Job], processes: int, note: Callable[[Job, Record], None]) -> None:
        """Fresh processes: one that is forked from a program with threads may hang."""
        context = multiprocessing.get_context("spawn")
        with environment(_ONE_THREAD), ProcessPoolExecutor(processes, mp_context=context) as pool:
            running: dict[Future[Record], Job] = {pool.submit(_measure, self._store, job): job for job in jobs}
            try:
                for future in as_completed(running):
                    entry = future.result()
                    if "error" in entry:
                        where = f"measurement {running[future].name}"
                        raise InputError(where, entry["error"], "a job that can be done")
                    note(running[future], entry)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def __getitem__(self, job: Job) -> Record:
        """The result of a job that has been done."""
        result: Record = self._entries[job.key]["result"]
        return result

    def kept(self, job: Job) -> Record | None:
        """A result that is there, whether others are taken from before or not; None if there is none."""
        entry = self._store.find(job)
        return None if entry is None else entry["result"]

    @property
    def seconds(self) -> float:
        """What all jobs took, together."""
        return sum(entry["seconds"] for entry in self._entries.values())

    @property
    def of_other_code(self) -> int:
        """How many of the results were measured with another state of the code."""
        modules = ((entry["code"], entry["job"]["function"].split(":")[0]) for entry in self._entries.values())
        return sum(code != code_hash(module) for code, module in modules)
