"""What docs/own_parts.md shows works as it stands there, with few steps: from a file to a policy that drives."""

from __future__ import annotations

import json
import logging
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from oracles.loopback import write_fleet
from oracles.project import ROOT

import envs
from policies.tuner import checkpoint
from swarm import InputError, Robot, View, load_scenario
from swarm.runtime import process

pytestmark = [pytest.mark.torch, pytest.mark.bullet]
TEXT = (ROOT / "docs" / "own_parts.md").read_text(encoding="utf-8")
NAMES = "my_family.py", "my_network.py", "my_ranker.py", "my_parts.py"
FILES = dict(zip(NAMES, re.findall(r"```py\n(.*?)```", TEXT, re.S), strict=True))
COMMANDS = [shlex.split(line) for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
FEW = {
    "train follower": "--kinds puzzles --steps 1",
    "train": "--worlds 2 --threads 1 --steps 96 --ppo.rollout 8 --ppo.minibatches 2",
    "simulate": "--seconds 0.5 --no-film",
    "evaluate family": "--episodes 2",
    "evaluate grid": "--limit 2 --steps 32",
    "evaluate arena": "",
}
MOST_LINES, GOAL_LINES = 25, 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of the document lie."""
    found = tmp_path_factory.mktemp("own")
    for name, text in FILES.items():
        (found / name).write_text(text)
    (found / "envs").symlink_to(ROOT / "envs")
    return found


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch, same_signals: None) -> None:
    monkeypatch.chdir(folder)
    train = import_module("envs.commands.train")
    for name in ("tuner_table", "follower_table"):
        monkeypatch.setattr(train, name, lambda folder, track: train.NOT_EVALUATED)


def call(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """A command of the document, with few steps."""
    command = words[0].removeprefix("swarm-")
    few = FEW.get(f"{command} {words[1]}", FEW.get(command, ""))
    monkeypatch.setattr(sys, "argv", [*words, *few.split()])
    monkeypatch.setattr("envs.commands.entry.leave", sys.exit)
    logging.disable(logging.WARNING)  # the export traces itself at length for whoever listens, as pytest does
    threads = torch.get_num_threads()
    try:
        with pytest.raises(SystemExit) as left:
            getattr(import_module("envs.commands.entry"), command)()
        return int(left.value.code or 0)
    finally:
        torch.set_num_threads(threads)
        logging.disable(logging.NOTSET)


def test_the_files_are_short() -> None:
    for name in ("my_family.py", "my_network.py", "my_ranker.py"):
        lines = [line for line in FILES[name].splitlines() if line.strip()]
        assert len(lines) <= GOAL_LINES < MOST_LINES, name


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=[" ".join(words[:4]) for words in COMMANDS])
def test_the_commands_of_the_document_run_in_their_order(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(COMMANDS[number], monkeypatch) == 0
    if "--out" in COMMANDS[number]:
        made = Path(COMMANDS[number][-1])
        assert (made / "policy.onnx").is_file()
        assert yaml.safe_load((made / "config.yaml").read_text())["policy"] == COMMANDS[number][1]


def test_a_robot_and_a_fleet_drive_by_the_network_without_its_python(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder / "runs" / "net"
    assert (made / "network.py").read_text() == FILES["my_network.py"]
    for name in ("my_network.py", "runs/net/network.py"):
        (folder / name).write_text("raise RuntimeError('this was run')\n")
    try:
        scenario = load_scenario(ROOT / "envs" / "maps" / "passage.yaml")
        spec, world, sensing = scenario.robots[0], scenario.world, scenario.sensing_radius
        robot = Robot(spec, world, dt=scenario.dt, sensing_radius=sensing, controller=str(made))
        command = robot.step(View(0.0, spec.start, spec.goals[0]))
        assert np.isfinite(command.control).all() and np.linalg.norm(command.control) > 0.0
        fleet = write_fleet(folder / "fleet.yaml", "three", 3, 30)
        fleet.write_text(re.sub(r"(?m)^controller: .*$", f"controller: {made}", fleet.read_text()))
        assert process.main(["--fleet", str(fleet), "--robot", "1", "--check"]) == 0
        with pytest.raises(InputError, match="load_and_run"):
            checkpoint.load(made)
        with pytest.raises(InputError, match="this was run"):
            checkpoint.load_and_run(made)
        fleet.write_text(re.sub(r"(?m)^controller: .*$", "controller: my_parts.py:middle", fleet.read_text()))
        assert process.main(["--fleet", str(fleet), "--robot", "1", "--check"]) == 2
        assert "of Python a robot runs its driver and its constraint alone" in capsys.readouterr().err
    finally:
        for name in ("my_network.py", "runs/net/network.py"):
            (folder / name).write_text(FILES["my_network.py"])


def test_what_was_trained_goes_on_with_the_copies_of_its_parts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "swarm-train tuner --family my_family.py:ring --network my_network.py:Net --reward my_parts.py:careful"
    at_once = [*words.split(), "--out", "whole", "--seed", "3"]
    monkeypatch.setitem(FEW, "train", FEW["train"].replace("96", "192"))
    assert call(at_once, monkeypatch) == 0
    monkeypatch.setitem(FEW, "train", FEW["train"].replace("192", "384"))
    assert call([*words.split(), "--out", "long", "--seed", "3"], monkeypatch) == 0
    monkeypatch.setitem(FEW, "train", "--steps 384")
    for name in FILES:
        (folder / name).rename(folder / f"{name}.away")
    try:
        assert call(["swarm-train", "tuner", "--resume", "whole"], monkeypatch) == 0
        assert call(["swarm-train", "tuner", "--resume", "whole", "--reward", "my_parts.py:careful"], monkeypatch) == 2
        assert "--reward with --resume" in capsys.readouterr().err
    finally:
        for name in FILES:
            (folder / f"{name}.away").rename(folder / name)
    rows = [(folder / run / "progress.csv").read_text().splitlines() for run in ("whole", "long")]
    assert len(rows[0]) == len(rows[1]) == 1 + 3 and rows[0][2] != rows[0][3], "three updates, the last after resuming"
    (tuner, config), (other, _) = checkpoint.load_and_run(folder / "whole"), checkpoint.load_and_run(folder / "long")
    assert config.network is not None and config.network.endswith("network.py:Net")
    assert type(tuner.network).__name__ == "Net" and tuner.state_dict().keys() == other.state_dict().keys()


def test_a_followers_network_goes_on_with_its_copy_and_drives_without_its_python(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = import_module("envs.commands.train").KINDS
    monkeypatch.setitem(kinds, "puzzles", kinds["puzzles"]._replace(robots=(2, 3)))
    words = ["swarm-train", "follower", "--network", "my_ranker.py:Ranker", "--seed", "3"]
    monkeypatch.setitem(FEW, "train follower", FEW["train follower"].replace("1", "80"))
    assert call([*words, "--out", "parts"], monkeypatch) == 0
    before = torch.load(folder / "parts" / "weights.pt", weights_only=True)
    away = (folder / "my_ranker.py").rename(folder / "ranker.away")
    monkeypatch.setitem(FEW, "train follower", "--steps 120")
    try:
        assert call(["swarm-train", "follower", "--resume", "parts"], monkeypatch) == 0
        after = torch.load(folder / "parts" / "weights.pt", weights_only=True)
        assert all(name.startswith("network.") and not torch.equal(before[name], after[name]) for name in after)
        assert len((folder / "parts" / "progress.csv").read_text().splitlines()) == 1 + 3, "of 40 robot-steps each"
        config = yaml.safe_load((folder / "parts" / "config.yaml").read_text())
        assert config["network"] == "parts/network.py:Ranker" and "A network of its own" in (
            folder / "parts" / "card.md").read_text()  # fmt: skip
        (folder / "parts" / "network.py").write_text("raise RuntimeError('this was run')\n")
        puzzles = "swarm-evaluate grid envs/instances/puzzles.jsonl --robots 4 --planner follower:parts --json g.json"
        assert call(puzzles.split(), monkeypatch) == 0
        assert json.loads((folder / "g.json").read_text())[0]["planner"] == "follower:parts"
        assert call(["swarm-train", "follower", "--resume", "parts"], monkeypatch) == 2
        assert "this was run" in capsys.readouterr().err
    finally:
        away.rename(folder / "my_ranker.py")


def test_environments_take_the_same_parts() -> None:
    env = envs.make(
        "arena_v0", family="my_family.py:ring", reward="my_parts.py:careful", planner="my_parts.py:Straight"
    )
    env.reset(seed=1)
    _, rewards, *_ = env.step({agent: np.full(6, 0.5) for agent in env.agents})
    core = env.core
    wanted = np.array(list(rewards.values()))
    assert len(wanted) == 6 and (core.clearance > 0.05).all()
    plain = envs.make("arena_v0", family="my_family.py:ring")
    plain.reset(seed=1)
    _, built_in, *_ = plain.step({agent: np.full(6, 0.5) for agent in plain.agents})
    # The built-in one gives 0.1 times the same way, less 0.04 for the time.
    assert np.array(list(built_in.values())) == pytest.approx(0.1 * wanted - 0.04, abs=1e-6)
    with pytest.raises(InputError, match="one of the three"):
        envs.make("arena_v0", family="clutter", map="warehouse")
    assert envs.make("arena_v0", map="my_parts.py:hall").core.scenarios[0].world.grid is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("tuner --reward no_file.py:reward", "no_file.py"),
        ("tuner --reward my_parts.py:nobody", "hall, careful, Straight, middle, slow_near_robots"),
        ("tuner --reward my_parts.py:hall --family nowhere", "scenario family: got 'nowhere'"),
        ("tuner --network my_parts.py:Straight", "a method forward(ego, edges, mask), which it lacks"),
        ("tuner --network my_network.py:Net --rounds 2", "neither of them with --network"),
        (
            "tuner --family my_parts.py:Straight",
            "valid: Family: a function(rng), or an object that can be called so",
        ),
        ("tuner --family clutter --map warehouse", "one of the three"),
    ],
)
def test_what_does_not_fit_is_refused_at_the_door(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(["swarm-train", *words.split()], monkeypatch)
    shown = capsys.readouterr()
    assert code == 2 and said in " ".join((shown.err + shown.out).split())


def test_results_name_the_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "swarm-evaluate arena --family my_family.py:ring --robots 4 --controller my_parts.py:middle --json r.json"
    assert call(words.split(), monkeypatch) == 0
    (record,) = json.loads((folder / "r.json").read_text())
    assert record["controller"] == "my_parts.py:middle" and record["scenario"] == "ring" and record["robots"] == 4
