"""train.py: Ctrl-C leaves a usable checkpoint, and --resume goes on exactly as if nothing had happened."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from oracles.project import ROOT

from policies.training_log import LOG, read_log
from policies.tuner import checkpoint
from policies.tuner.training import TunerOptions
from swarm.errors import InputError
from swarm.tune.controllers import OnnxController
from swarm.tune.observation import EDGE, EGO, Observation

pytestmark = pytest.mark.torch

TINY = ("--worlds", "2", "--robots", "4", "--threads", "1", "--ppo.rollout", "8", "--ppo.minibatches", "2")
PER_UPDATE = 2 * 4 * 8
UPDATES = 6


@pytest.fixture(scope="module")
def train() -> ModuleType:
    return import_module("envs.commands.train")


@pytest.fixture
def start(train: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Calls the script with arguments; the long evaluation at the end is left out."""
    monkeypatch.setattr(train, "tuner_table", lambda folder, track: train.NOT_EVALUATED)
    threads = torch.get_num_threads()

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["launch/train.py", "tuner", *arguments])
        logging.disable(logging.WARNING)  # the export traces itself at length for whoever listens, as pytest does
        try:
            return train.main()
        finally:
            torch.set_num_threads(threads)
            logging.disable(logging.NOTSET)

    return call


def weights(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "weights.pt", weights_only=True)


TAUGHT = (
    "--teachers", "give_way", "fixed:6,1,6,1", "--lessons", "2", "--styles", "merge", "--team", "0.5",
    "--no-sees-action", "--ppo.per-family", "--ppo.near", "1",
)  # fmt: skip


DRAWN = (*TAUGHT, "--errors-drawn", "0.6")


@pytest.mark.parametrize("further", [(), TAUGHT, DRAWN], ids=["from_scratch", "taught", "errors_drawn"])
def test_interrupted_and_resumed_is_the_same_training(
    train: ModuleType, start: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], further: tuple[str, ...],
) -> None:  # fmt: skip
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    steps = str(UPDATES * PER_UPDATE)
    assert start("--out", str(whole), "--seed", "5", "--steps", steps, *TINY, *further) == 0

    update = train.TunerTraining.update

    def interrupted(training: Any) -> dict[str, Any]:
        if training.ppo.done == 2:
            os.kill(os.getpid(), signal.SIGINT)  # in the third update, which is finished first
        return update(training)

    monkeypatch.setattr(train.TunerTraining, "update", interrupted)
    assert start("--out", str(parts), "--seed", "5", "--steps", steps, *TINY, *further) == 130
    assert f"--resume {parts}" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr(train.TunerTraining, "update", update)

    # What Ctrl-C left drives a robot, without torch.
    tuner, _ = checkpoint.load(parts)
    rng = np.random.default_rng(0)
    ego, edges = (rng.normal(size=shape).astype(np.float32) for shape in (EGO, (4, EDGE)))
    action = OnnxController(parts)(Observation(ego, edges, np.ones(4, bool)))
    assert action.shape == (6,) and np.isfinite(action).all() and tuner is not None
    assert len(read_log(parts / LOG)) == 3
    halfway = weights(parts)

    assert start("--resume", str(parts)) == 0
    first, second = weights(whole), weights(parts)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first), "bit for bit"
    assert any(not torch.equal(halfway[name], second[name]) for name in second)
    rows = [read_log(folder / LOG) for folder in (whole, parts)]
    clock = {"minutes", "steps_per_second"}
    logs = [[{k: v for k, v in row.items() if k not in clock} for row in log] for log in rows]
    assert len(logs[0]) == UPDATES and logs[0] == logs[1]
    card = (parts / "card.md").read_text()
    assert f"{UPDATES * PER_UPDATE:,} of {UPDATES * PER_UPDATE:,}" in card
    assert ("| worlds | give_way | fixed:6,1,6,1 | network |" in card) == bool(further)


FOLLOWER = ("--kinds", "puzzles", "--filters", "2", "--width", "8", "--ppo.minibatches", "2")
PUZZLES = (2, 3)
PARTS = {"tuner": (TINY, PER_UPDATE), "follower": (FOLLOWER, 8 * sum(PUZZLES))}
"""Options of each training, and robot-steps of an update of each process."""
PROCESS = f"""
import os, signal, sys
from envs.commands import train
from policies import distributed
from policies.follower import checkpoint as follower_checkpoint, training as follower_training
from policies.tuner import checkpoint, training

distributed.join()
distributed.join = distributed.leave = lambda: None  # stay together from one training to the next
kind, kept, steps, *options = sys.argv[1:]
kinds = dict(tuner=train.TunerTraining, follower=train.FollowerTraining)
update = kinds[kind].update

def interrupted(training):
    if training.ppo.done == 1 and distributed.rank() == 1:
        os.kill(os.getpid(), signal.SIGINT)
    return update(training)

def call(*arguments):
    sys.argv = ["launch/train.py", kind, *arguments, "--no-evaluate"]
    return train.main()

train.KINDS["puzzles"] = train.KINDS["puzzles"]._replace(robots={PUZZLES!r})
training.learning_curve = follower_training.learning_curve = lambda rows: b""
checkpoint.export_onnx = follower_checkpoint.export_onnx = lambda network, path: path.write_bytes(b"")
options = ["--seed", "5", "--steps", steps, *options]
codes = [call("--out", "whole", *options)]
kinds[kind].update = interrupted
codes.append(call("--out", kept, *options))
kinds[kind].update = update
distributed.agree(True)  # the first process has written the checkpoint
codes.append(call("--resume", kept))
with open(f"codes{{distributed.rank()}}", "w") as file:
    file.write(" ".join(map(str, codes)))
"""


@pytest.mark.parametrize("kind", PARTS)
def test_two_processes_stop_and_resume_together(
    train: ModuleType, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options, per_update = PARTS[kind]
    (tmp_path / "process.py").write_text(PROCESS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "process.py"]
    command += [kind, "parts", str(2 * 3 * per_update), *options]
    path = os.pathsep.join([str(ROOT), str(ROOT / "launch"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Ctrl-C reached the second process alone, in the second update.
    assert [(tmp_path / f"codes{rank}").read_text() for rank in range(2)] == ["0 130 0"] * 2
    assert done.stdout.count(f"To go on: torchrun --nproc-per-node 2 launch/train.py {kind} --resume parts") == 1
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(first[name], second[name]) for name in first), "bit for bit"
    rows = (tmp_path / "parts" / "progress.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [[str(k), str(2 * k * per_update)] for k in (1, 2, 3)]
    assert "torchrun --nproc-per-node 2" in (tmp_path / "parts" / "card.md").read_text()
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["launch/train.py", kind, "--resume", str(tmp_path / "parts")])
    monkeypatch.setitem(train.KINDS, "puzzles", train.KINDS["puzzles"]._replace(robots=PUZZLES))
    threads = torch.get_num_threads()
    assert train.main() == 2
    torch.set_num_threads(threads)
    assert "torchrun --nproc-per-node 2, as before" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_refused_and_a_resumed_training_can_do_without(
    start: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    run = str(tmp_path / "run")
    assert start("--out", run, "--steps", str(PER_UPDATE), "--device", "cuda", *TINY) == 2
    assert "error: --device: got 'cuda'; valid: cpu" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert start("--out", run, "--steps", str(PER_UPDATE), *TINY) == 0
    saved = torch.load(tmp_path / "run" / "resume.pt", weights_only=True)
    torch.save({**saved, "options": {**saved["options"], "device": "cuda"}}, tmp_path / "run" / "resume.pt")
    assert start("--resume", run) == 2, "it was on a GPU"
    assert "error: --device: got 'cuda'" in capsys.readouterr().err
    assert start("--resume", run, "--steps", str(2 * PER_UPDATE), "--device", "cpu") == 0
    assert len(read_log(tmp_path / "run" / LOG)) == 2


def test_where_nothing_can_be_written_is_said_before_anything_is_made(
    train: ModuleType, start: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(train, "start", None)
    (tmp_path / "file").touch()
    assert start("--seed", "-1", "--out", str(tmp_path / "new"), *TINY) == 2
    assert "--seed: got -1; valid: 0 or more" in capsys.readouterr().err
    for wrong, said in (("file", "is no folder"), ("n" * 300, "File name too long")):
        assert start("--out", str(tmp_path / wrong), "--steps", "1", *TINY) == 2
        assert said in capsys.readouterr().err


def test_a_checkpoint_of_before_is_kept_and_a_training_that_is_done_is_said(
    start: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        assert start(*words, "--no-evaluate") == 0
        return " ".join(capsys.readouterr().out.split())

    new = ("--out", str(tmp_path / "a"), "--steps", str(PER_UPDATE), *TINY)
    first = said(*new)
    assert "note:" not in first and f"tuner: 1 update of {PER_UPDATE} robot-steps, into" in first
    once = weights(tmp_path / "a")
    assert "the checkpoint of before is kept in" in (second := said(*new, "--seed", "1")) and "a.1" in second
    kept, now = weights(tmp_path / "a.1"), weights(tmp_path / "a")
    assert all(torch.equal(kept[name], once[name]) for name in once)
    assert any(not torch.equal(kept[name], now[name]) for name in now)
    assert len(read_log(tmp_path / "a.1" / LOG)) == len(read_log(tmp_path / "a" / LOG)) == 1
    said(*new, "--seed", "2")
    assert all(torch.equal(weights(tmp_path / "a.2")[name], now[name]) for name in now)
    assert "1 update: done already; a larger --steps would add" in said("--resume", str(tmp_path / "a"))
    assert "note:" not in said("--resume", str(tmp_path / "a"), "--steps", str(2 * PER_UPDATE))


def test_the_evaluation_at_the_end_shows_how_far_it_is(
    tmp_path: Path, start: Callable[..., int], train: ModuleType, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(train, "tuner_table", lambda folder, track: "| " + " | ".join(track(["clutter"])) + " |")
    assert start("--out", str(tmp_path / "a"), "--steps", "1", *TINY) == 0
    assert "table for the card (--no-evaluate: none)" in " ".join(capsys.readouterr().out.split())
    assert "| clutter |" in (tmp_path / "a" / "card.md").read_text()


def test_resuming_as_another_training_is_refused(
    start: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("--out", str(tmp_path / "run"), "--steps", str(PER_UPDATE), "--rounds", "2", *TINY) == 0
    assert checkpoint.load(tmp_path / "run")[1].rounds == 2
    assert start("--resume", str(tmp_path / "run"), "--seed", "9") == 2
    assert "--seed with --resume" in capsys.readouterr().err
    assert start("--resume", str(tmp_path / "run"), "--rounds", "0") == 2
    assert "--rounds with --resume" in capsys.readouterr().err
    assert start("--resume", str(tmp_path / "nothing")) == 2
    assert "nothing" in capsys.readouterr().err


def test_follower_interrupted_and_resumed_is_the_same_training(
    train: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["launch/train.py", "follower", *arguments])
        logging.disable(logging.WARNING)
        try:
            return train.main()
        finally:
            torch.set_num_threads(threads)
            logging.disable(logging.NOTSET)

    threads = torch.get_num_threads()
    monkeypatch.setattr(train, "follower_table", lambda folder, track: "| suite |")
    monkeypatch.setitem(train.KINDS, "puzzles", train.KINDS["puzzles"]._replace(robots=(2, 3)))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert call("--out", str(whole), "--steps", "240", *FOLLOWER) == 0
    update = train.FollowerTraining.update

    def interrupted(training: Any) -> dict[str, Any]:
        if training.ppo.done == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return update(training)

    monkeypatch.setattr(train.FollowerTraining, "update", interrupted)
    assert call("--out", str(parts), "--steps", "240", *FOLLOWER) == 130
    assert f"follower --resume {parts}" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr(train.FollowerTraining, "update", update)
    assert call("--resume", str(parts)) == 0
    first, second = weights(whole), weights(parts)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert "| suite |" in (whole / "card.md").read_text() and (whole / "learning_curve.png").is_file()
    assert call("--resume", str(parts), "--width", "9") == 2
    assert "--width with --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [{"errors_drawn": 1.5}, {"errors_drawn": -0.1}, {"errors_drawn": 0.5, "errors": "loss=0.1"},
                {"errors_drawn": 0.5, "assume": "none"}],
)  # fmt: skip
def test_errors_are_drawn_or_given(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"--errors-drawn: got "):
        TunerOptions(**options)
