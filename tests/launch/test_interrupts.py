"""Ctrl-C and SIGTERM to real processes of the commands: one line, status 130, and what was done is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from oracles.project import ROOT

from envs.commands.command import UNREAD

PATIENCE = 300.0
"""Seconds for a command on a busy machine."""
SIGNALS = [signal.SIGINT, signal.SIGTERM]
COMPILING = "compiling kernels"
# As pip writes them.
INSTALLED = """import sys
del sys.argv[0]
import envs.commands.entry
sys.exit(getattr(envs.commands.entry, sys.argv[0].removeprefix("swarm-"))())"""


class Command:
    """A running command of ``launch``, with a terminal's worth of what it says.

    Args:
        folder: Where it runs.
        kernels: Folder of compiled kernels; None: the user's.
        arguments: The script, or the name of an installed command, and its arguments.
    """

    def __init__(self, folder: Path, *arguments: str, kernels: Path | None = None) -> None:
        script, *rest = arguments
        what = [str(ROOT / "launch" / script)] if script.endswith(".py") else ["-c", INSTALLED, script]
        environment = dict(os.environ) | ({} if kernels is None else {"NUMBA_CACHE_DIR": str(kernels)})
        self.process = subprocess.Popen(
            [sys.executable, "-u", *what, *rest], cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.said: dict[str, str] = {"out": "", "err": ""}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream))
            for name, stream in (("out", self.process.stdout), ("err", self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream) -> None:
        for line in stream:
            self.said[name] += line

    def wait_for(self, condition) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def end(self, number: int) -> int:
        """Sends a signal, as a terminal does: to all processes of the command; gives the exit status."""
        os.killpg(self.process.pid, number)
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    running: list[Command] = []

    def begin(*arguments: str, kernels: Path | None = None) -> Command:
        running.append(Command(tmp_path, *arguments, kernels=kernels))
        return running[-1]

    yield begin
    for command in running:
        command.kill()


def assert_clean(command: Command, *expected: str) -> None:
    """On stderr, these lines and no other."""
    lines = command.said["err"].splitlines()
    assert len(lines) == len(expected), command.said
    for line, words in zip(lines, expected, strict=True):
        assert line.startswith(words), command.said


TINY = ("--worlds", "2", "--robots", "4", "--threads", "1", "--ppo.rollout", "8", "--ppo.minibatches", "2")
COMPILED = {
    "evaluate": ("evaluate.py", "family", "clutter", "--episodes", "2"),
    "check_safety": ("check_safety.py", "--steps", "1000", "--out", "safety.md"),
    "bench": ("bench.py", "grid"),
    "train": pytest.param(("train.py", "tuner", "--out", "run"), marks=pytest.mark.torch),
    "simulate": pytest.param(("simulate.py", "clutter", "--no-film"), marks=pytest.mark.bullet),
}


@pytest.mark.parametrize("arguments", COMPILED.values(), ids=COMPILED)
@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_while_kernels_compile(start, tmp_path: Path, arguments, number: int) -> None:
    command = start(*arguments, kernels=tmp_path / "kernels")
    command.wait_for(lambda: COMPILING in command.said["err"])
    time.sleep(0.5)  # somewhere inside of the compiler
    assert command.end(number) == 130
    assert_clean(command, COMPILING, "interrupted")
    assert not (tmp_path / "run").exists() and not (tmp_path / "safety.md").exists()


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_while_modules_are_loaded(start, number: int) -> None:
    command = start("evaluate.py", "--help")
    maps = Path(f"/proc/{command.process.pid}/maps")
    command.wait_for(lambda: "numpy" in maps.read_text())
    status = command.end(number)
    if status != 0:  # it was faster
        assert status == 130
        assert_clean(command, "interrupted")


def caught(command: Command) -> bool:
    """Whether a process does something of its own about SIGTERM."""
    status = Path(f"/proc/{command.process.pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask.split()[1], 16) & 1 << signal.SIGTERM - 1)


@pytest.mark.parametrize("name", ["robot", "fleet", "train", "evaluate", "simulate"])
@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_of_an_installed_command_before_it_has_loaded_anything(start, name: str, number: int) -> None:
    command = start(f"swarm-{name}", "--help")
    command.wait_for(lambda: caught(command))
    assert command.end(number) == 130
    assert_clean(command, "interrupted")


def test_installed_commands_load_nothing_that_takes_long_before_they_can_be_interrupted() -> None:
    code = "import sys, envs.commands.entry; print(len(sys.modules), {'numpy', 'numba', 'tyro'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    count, heavy = done.stdout.split(maxsplit=1)
    assert int(count) < 150 and heavy.strip() == "set()"


@pytest.mark.parametrize("number", SIGNALS)
def test_what_an_evaluation_has_done_is_written(start, tmp_path: Path, number: int) -> None:
    instances = str(ROOT / "envs" / "instances" / "puzzles.jsonl")
    folder = tmp_path / "t"
    command = start("evaluate.py", "grid", instances, "--json", "found.json", "--trajectories", str(folder))
    command.wait_for(lambda: len(list(folder.glob("*.npz"))) >= 3)
    assert command.end(number) == 130
    assert command.said["err"].splitlines()[-1] == "interrupted"
    assert len(json.loads((tmp_path / "found.json").read_text())) >= 3


@pytest.mark.bullet
@pytest.mark.parametrize("number", SIGNALS)
def test_what_a_simulation_has_driven_is_written(start, tmp_path: Path, number: int) -> None:
    command = start("simulate.py", "--seconds", "3000", "--robots", "4", "--trajectories", "t")
    film = tmp_path / "out"
    command.wait_for(lambda: any(path.stat().st_size > 0 for path in film.glob(".demo.mp4.*")))
    assert command.end(number) == 130
    assert command.said["err"].splitlines()[-1].startswith("interrupted: what was driven is written")
    (result,) = json.loads((tmp_path / "out" / "demo.json").read_text())
    assert 0 < result["steps"] < 3000 / result["dt"]
    with np.load(tmp_path / "t" / "demo.npz") as track:
        assert len(track["position"]) == result["steps"] + 1
    for name in ("demo.mp4", "demo.png", "demo.mcap"):
        assert (tmp_path / "out" / name).stat().st_size > 500, name
    assert not list(film.glob(".*"))


@pytest.mark.torch
@pytest.mark.parametrize("number", SIGNALS)
def test_what_a_training_has_done_is_written_and_goes_on(start, tmp_path: Path, number: int) -> None:
    command = start("train.py", "tuner", "--out", "run", *TINY)
    command.wait_for(lambda: " updates: " in command.said["out"])
    assert command.end(number) == 130
    assert command.said["err"].splitlines()[-1].startswith("interrupted: this update is finished")
    assert (tmp_path / "run" / "weights.pt").is_file() and "--resume" in command.said["out"]


@pytest.mark.bullet
def test_a_window_without_a_display_is_wrong_input(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    command = start("simulate.py", "clutter", "--gui", "--no-film")
    assert command.process.wait(PATIENCE) == 2
    command.end(signal.SIGTERM) if command.process.poll() is None else [one.join() for one in command._readers]
    (line,) = [line for line in command.said["err"].splitlines() if not line.startswith(COMPILING)]
    assert line.startswith("error: gui") and "display" in line


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("train.py tuner --help", UNREAD),
        ("evaluate.py family --help", UNREAD),
        ("fleet.py --help", UNREAD),
        (f"deploy.py --check --robot 0 --fleet {ROOT}/envs/fleets/warehouse16.yaml", 0),
    ],
)
def test_a_pipe_that_nobody_reads_any_more_is_no_error(name: str, status: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    script, *arguments = name.split()
    with os.fdopen(writer, "wb") as nowhere:
        command = [sys.executable, str(ROOT / "launch" / script), *arguments]
        done = subprocess.run(command, stdout=nowhere, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("name", ["train.py --help", "evaluate.py family doorway --episodes 1 --controller fixed:6,1"])
def test_output_into_a_file_on_a_full_disk_is_one_line(name: str) -> None:
    script, *arguments = name.split()
    with open("/dev/full", "wb") as full:
        command = [sys.executable, str(ROOT / "launch" / script), *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    said = [line for line in done.stderr.splitlines() if not line.startswith(COMPILING)]
    assert done.returncode == 2 and said == ["error: output: No space left on device"]


def test_a_command_ends_without_taking_the_interpreter_apart_but_after_its_threads() -> None:
    ending = """
import atexit, threading, time
from envs.commands.command import leave

class Part:
    def __del__(self):
        print("apart")

part = Part()
atexit.register(print, "exit")
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
leave(3)
"""
    done = subprocess.run([sys.executable, "-c", ending], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "thread\nexit\n", "")
