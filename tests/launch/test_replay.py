"""replay.py: any moment of a fleet's logs or a simulation's, drawn and explained; files that are none are refused."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType

import imageio.v3 as imageio
import numpy as np
import pytest
from oracles.logged import Pair, make_fleet
from oracles.scripts import load_script

from envs.rollout.log import RunLog
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import swap
from swarm.errors import InputError
from swarm.model.dynamics import Kind
from swarm.runtime.control import Period
from swarm.runtime.log.reader import open_logs
from swarm.runtime.log.writer import PeriodLog

PERIODS = 80


@pytest.fixture(scope="module")
def replay() -> ModuleType:
    return load_script("replay")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[Period]]]:
    """The folder of both robots' logs, and what they did."""
    folder = tmp_path_factory.mktemp("fleet")
    pair = Pair(make_fleet(folder))
    since = time.monotonic() - pair.time
    periods = [pair.tick() for _ in range(PERIODS)]
    name, scenario = pair.fleet.name, pair.fleet.scenario
    for robot in range(2):
        # Each log compares this clock with the wall clock when its file begins, so the clock must not stand in between.
        with PeriodLog(folder / "logs", name, scenario, robot, 1, clock=lambda: time.monotonic() - since) as log:
            for both in periods:
                log.add(pair.controls[robot], both[robot])  # type: ignore[arg-type]
        assert log.dropped == 0
    return folder / "logs", periods


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_moment_of_a_folder_is_drawn_and_explained(
    replay: ModuleType, drive: tuple[Path, list[list[Period]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, periods = drive
    picture = tmp_path / "picture.png"
    logs = open_logs(folder)
    held = [
        stamp for stamp, period in logs.periods(logs.start, logs.end)[0]
        if period.get("override", {}).get("barrier") == "robot"
    ]  # fmt: skip
    at = (held[len(held) // 2] - logs.start) / 1e9
    assert replay.main([str(folder), "--at", str(at), "--out", str(picture)]) == 0
    text = said(capsys)
    assert "robot 0: moving, slowed by robot 1, " in text and "robot 1: moving" in text
    assert imageio.imread(picture).shape[2] == 3
    made = replay.Replay(logs, None)
    scene = made.scene(made.load(at, at), at)
    now = [both for both in periods if both[0].time <= 100.0 + at + 1e-3][-1]
    for robot, period in enumerate(now):
        assert period.reading is not None
        assert scene.positions[robot] == pytest.approx(period.reading.state[:2], abs=0.05)
    assert np.allclose(scene.radii, 0.4) and (0, 1) in scene.links and scene.discs is None
    assert len(scene.obstacles) == 2
    assert scene.trails is not None and scene.trails[0] is not None and len(scene.trails[0]) > 5


def test_what_one_robot_believed_is_shown(
    replay: ModuleType, drive: tuple[Path, list[list[Period]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, periods = drive
    (path,) = folder.glob("pair-robot001-*")
    picture = tmp_path / "picture.png"
    assert replay.main([str(path), "--robot", "1", "--at", "1.5", "--out", str(picture)]) == 0
    text = said(capsys)
    assert "robot 1: moving" in text and "robot 0:" not in text
    made = replay.Replay(open_logs(path), 1)
    scene = made.scene(made.load(1.5, 1.5), 1.5)
    other = periods[30][0].reading
    assert other is not None and scene.discs is not None and len(scene.positions) == 1
    assert scene.discs[0] == pytest.approx([*other.state[:2], 0.4], abs=0.05)
    colours = imageio.imread(picture).reshape(-1, 3).astype(int)
    red = (colours[:, 0] > 180) & (colours[:, 1:].max(axis=1) < 90)
    assert 50 < red.sum() < 20_000


def test_a_film_and_how_much_of_it_is_drawn(
    replay: ModuleType, drive: tuple[Path, list[list[Period]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    film = tmp_path / "film.mp4"
    monkeypatch.setattr("envs.commands.progress.EVERY", 0.0)
    assert replay.main([str(drive[0]), "--at", "1", "--seconds", "0.5", "--out", str(film)]) == 0
    assert film.stat().st_size > 1000
    assert "film" in capsys.readouterr().out


def test_a_log_that_was_cut_is_drawn_as_far_as_it_goes(
    replay: ModuleType, drive: tuple[Path, list[list[Period]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = next(drive[0].glob("pair-robot000-*")).read_bytes()
    (tmp_path / "cut.mcap").write_bytes(whole[:-2000])
    assert replay.main([str(tmp_path), "--out", str(tmp_path / "p.png")]) == 0
    assert "cut.mcap has no end" in said(capsys)
    assert (tmp_path / "p.png").exists()


def test_the_log_of_a_simulation(replay: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = swap.draw(np.random.default_rng(1), kind=Kind.UNICYCLE, robots=5, spread=8.0, sensing_radius=0.5)
    run = Run(scenario, Fleet(scenario, planner="straight", controller="fixed:2,1"), ExactPlant(scenario))
    with RunLog(tmp_path / "run.mcap") as log:
        for _ in range(20):
            run.tick()
            log.add(run)
    assert replay.main([str(tmp_path / "run.mcap"), "--out", str(tmp_path / "p.png")]) == 0
    assert "robot 4: moving" in said(capsys)
    made = replay.Replay(open_logs(tmp_path / "run.mcap"), None)
    scene = made.scene(made.load(0.0, run.time), run.time)
    assert scene.positions == pytest.approx(run.states[:, :2], abs=1e-3)
    assert scene.radii == pytest.approx(run.radii)


def test_what_cannot_be_replayed_is_one_clear_error(
    replay: ModuleType, drive: tuple[Path, list[list[Period]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "foreign.mcap").write_bytes(b"\x89PNG not a log")
    (tmp_path / "early.mcap").write_bytes(b"")
    (tmp_path / "none").mkdir()
    good = str(drive[0])
    for arguments, text in (
        ([str(tmp_path / "foreign.mcap")], "begins with"),
        ([str(tmp_path / "early.mcap")], "nothing was written"),
        ([str(tmp_path / "none")], "0 .mcap files"),
        ([str(tmp_path / "missing.mcap")], "missing.mcap"),
        ([good, "--at", "99"], "--at"),
        ([good, "--robot", "7"], "--robot"),
        ([good, "--out", "p.gif"], "p.gif"),
    ):
        assert replay.main(arguments) == 2
        found = capsys.readouterr().err
        assert found.startswith("error: ") and text in found and found.count("\n") == 1, found


def test_logs_of_two_fleets_do_not_mix(drive: tuple[Path, list[list[Period]]], tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    pair = Pair(make_fleet(folder))
    (folder / "fleet.yaml").write_text((folder / "fleet.yaml").read_text().replace("fleet: pair", "fleet: others"))
    from swarm.runtime.fleet_file.read import load_fleet

    others = load_fleet(folder / "fleet.yaml")
    with PeriodLog(tmp_path, others.name, others.scenario, 0, 1) as log:
        log.add(pair.controls[0], pair.tick()[0])  # type: ignore[arg-type]
    one = next(drive[0].glob("*.mcap"))
    (tmp_path / one.name).write_bytes(one.read_bytes())
    with pytest.raises(InputError, match="the same fleet"):
        open_logs(tmp_path)
