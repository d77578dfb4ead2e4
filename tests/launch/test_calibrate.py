"""calibrate.py: logs of ours and bags of ROS 2 become errors and limits to paste; what cannot be read is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from oracles.recorded import write_bag, write_log
from oracles.scripts import load_script
from rich.console import Console

from envs.rollout.log import RunLog
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from studies.calibration.known_bodies import Body, drive_of
from studies.calibration.read import read_drives
from studies.calibration.ros2_bag import Topics
from swarm.errors import InputError
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import parse_errors
from swarm.runtime.drivers import ros2_wire as wire
from swarm.scenario.scenario import load_scenario

BODY = Body(Kind.UNICYCLE)
GOALS = "goal: [1, 7], goals: [[1, 7], [1, 1], [7, 7], [7, 1], [1, 4], [4, 1], [4, 7], [7, 4], [1, 7], [1, 1]]"
SCENARIO = """
environment: {{min: [0, 0], max: [8, 8], obstacles: []}}
robots:
  - {{type: {kind}, start: {start}, {goals}, radius: 0.3, limits: {{speed: 0.8{most}}}}}
horizon: 40
dt: 0.05
sensing_radius: 3.0
"""


def scenario_of(kind: Kind, folder: Path) -> Path:
    """A robot that drives to and fro."""
    path = folder / "alone.yaml"
    most = {Kind.DOUBLE_INTEGRATOR: ", acceleration: 1.0", Kind.UNICYCLE: ", turn_rate: 2.0"}.get(kind, "")
    start = [7, 1, 0] if kind == Kind.UNICYCLE else [7, 1]
    path.write_text(SCENARIO.format(kind=kind.label, start=start, goals=GOALS, most=most))
    return path


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("calibrate")


def calibrated(script: ModuleType, folder: Path, *arguments: str) -> dict[str, dict[str, dict[str, float]]]:
    """What the command finds, by robot and name."""
    out = folder / "found.json"
    assert script.main([*arguments, "--json", str(out), "--out", str(folder / "picture.png")]) == 0
    found = json.loads(out.read_text())
    return {robot: one["values"] for robot, one in found.items()}


def test_the_log_of_a_control_process(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive, truth = drive_of(BODY, 1)
    path = write_log(drive, tmp_path, robot=3)
    values = calibrated(script, tmp_path, str(path), "--robot", "3")["3"]
    for name in ("dead_time", "lag", "slip", "position", "heading", "velocity", "speed", "turn_rate"):
        assert values[name]["value"] == pytest.approx(truth[name], rel=0.15), name
    assert values["rate"]["value"] == pytest.approx(20.0, rel=0.15)
    text = capsys.readouterr().out
    pasted = tmp_path / "pasted.yaml"
    pasted.write_text(text[text.index("errors:") :])
    errors, limits = parse_errors(str(pasted)), yaml.safe_load(pasted.read_text())["limits"]
    assert errors.position == pytest.approx(0.03, rel=0.15) and errors.lag == pytest.approx(0.15, rel=0.15)
    assert 0.05 <= errors.slip < 0.06 and errors.dead_time == pytest.approx(0.08, abs=0.01)
    assert limits == {"speed": pytest.approx(0.6, rel=0.02), "turn_rate": pytest.approx(1.5, rel=0.02)}
    assert "A constant offset of the position is in no log" in text
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("stamped", [False, True])
def test_a_bag_of_ros2(script: ModuleType, tmp_path: Path, stamped: bool) -> None:
    drive, truth = drive_of(BODY, 2)
    path = write_bag(drive, tmp_path / "bag", stamped=stamped, late=0.012)
    values = calibrated(script, tmp_path, str(path))["0"]
    for name in ("dead_time", "lag", "slip", "position", "heading", "speed", "turn_rate"):
        assert values[name]["value"] == pytest.approx(truth[name], rel=0.15), name
    assert values["age"]["value"] == pytest.approx(0.012, abs=0.001)


@pytest.mark.parametrize(
    ("late", "said", "age"),
    [(-0.05, "stamped up to 50 ms after they were recorded: by another clock", "  # age: not shown"),
     (2.5, "up to 2.5 s old, by their stamps; robots drive by none of more than 1 s", "  age: 2.5")],
)  # fmt: skip
def test_a_bag_of_two_clocks_says_so(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], late: float, said: str, age: str
) -> None:
    path = write_bag(drive_of(BODY, 2)[0], tmp_path / "bag", stamped=True, late=late)
    assert script.main([str(path), "--out", str(tmp_path / "picture.png")]) == 0
    told = capsys.readouterr().out
    assert said in " ".join(told.split()) and age in told


def test_odometry_without_stamps_is_refused(tmp_path: Path) -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE, seconds=20.0), 1)
    path = write_bag(replace(drive, measured=np.full(len(drive.measured), 1.0)), tmp_path / "bag", stamped=True)
    with pytest.raises(
        InputError, match=r"odom: got '\d+ messages without a stamp that grows'; valid: stamped odometry"
    ):
        read_drives(path, None, Topics())


def test_the_states_of_a_bag_are_those_that_were_recorded(tmp_path: Path) -> None:
    drive, _ = drive_of(BODY, 2)
    path = write_bag(drive, tmp_path / "bag", stamped=True)
    found = read_drives(path, None, Topics())[0]
    assert np.allclose(np.sin(found.states[:, 2] - drive.states[:, 2]), 0.0, atol=1e-9)
    assert np.allclose(found.states[:, [0, 1, 3, 4]], drive.states[:, [0, 1, 3, 4]], atol=1e-9)
    assert np.allclose(found.commands, drive.commands)
    assert np.allclose(found.told - found.measured[0], drive.told - drive.measured[0], atol=1e-5)
    # An integrator's commands are turned into the world's frame, by the heading at that time.
    integrator = read_drives(path, None, Topics(kind=Kind.SINGLE_INTEGRATOR))[0]
    assert np.allclose(np.hypot(*integrator.commands.T), np.abs(drive.commands[:, 0]))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_run_that_is_exact_has_no_dead_time_no_lag_and_no_slip(
    script: ModuleType, tmp_path: Path, kind: Kind
) -> None:
    scenario = load_scenario(scenario_of(kind, tmp_path))
    run = Run(scenario, Fleet(scenario, planner="straight", controller="fixed:2,1"), ExactPlant(scenario))
    with RunLog(tmp_path / "run.mcap") as log:
        for _ in range(round(30.0 / scenario.dt)):
            run.tick()
            log.add(run)
    values = calibrated(script, tmp_path, str(tmp_path / "run.mcap"))["0"]
    for name in ("dead_time", "lag", "slip"):
        assert abs(values[name]["value"]) < 1e-3 and values[name]["low"] <= 1e-4, name
    assert values["position"]["value"] < 1e-4
    assert values["speed"]["value"] == pytest.approx(0.8, rel=0.02)


@pytest.mark.bullet
def test_the_log_that_simulate_wrote(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, simulate = scenario_of(Kind.DOUBLE_INTEGRATOR, tmp_path), import_module("envs.commands.simulate")
    options = simulate.Options(path, seconds=30.0, controller="fixed:4,1", film=False)
    simulate.simulate(options, Console(quiet=True))
    values = calibrated(script, tmp_path, str(tmp_path / "out" / "alone.mcap"))["0"]
    assert values["dead_time"]["value"] < 0.005 and values["lag"]["value"] < 0.005
    assert abs(values["slip"]["value"]) < 0.005 and values["position"]["value"] < 0.001
    assert values["speed"]["value"] == pytest.approx(0.8, rel=0.02)


def test_while_the_body_holds_nothing_is_learnt(script: ModuleType, tmp_path: Path) -> None:
    drive, truth = drive_of(BODY, 1)
    states = drive.states.copy()
    held = (drive.measured > 20.0) & (drive.measured < 25.0)
    states[held] = states[np.flatnonzero(held)[0]] * np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    path = write_log(replace(drive, states=states), tmp_path, held=(20.0, 25.0))
    values = calibrated(script, tmp_path, str(path))["0"]
    assert values["slip"]["value"] == pytest.approx(truth["slip"], rel=0.15)
    assert values["lag"]["value"] == pytest.approx(truth["lag"], rel=0.15)


def test_what_cannot_be_calibrated_is_one_clear_error(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE, seconds=30.0), 1)
    log = str(write_log(drive, tmp_path / "log"))
    bag = str(write_bag(drive, tmp_path / "bag", stamped=False))
    short = str(write_log(drive_of(Body(Kind.UNICYCLE, seconds=5.0), 1)[0], tmp_path / "short"))
    (tmp_path / "foreign.mcap").write_bytes(b"\x89PNG not a log")
    (tmp_path / "early.mcap").write_bytes(b"")
    (tmp_path / "none").mkdir()
    capsys.readouterr()
    for arguments, text in (
        ([str(tmp_path / "foreign.mcap")], "begins with"),
        ([str(tmp_path / "early.mcap")], "no message of either"),
        ([str(tmp_path / "none")], "no .mcap file"),
        ([str(tmp_path / "missing.mcap")], "missing.mcap"),
        ([log, "--robot", "7"], "--robot"),
        ([short], "robot 0: got"),
        ([bag, "--odom", "/other/odom"], "/robot0/odom"),
        ([bag, "--cmd-vel", "/robot0/odom"], "/robot0/cmd_vel"),
        ([log, "--out", "p.gif"], "p.gif"),
        ([], "LOG"),
    ):
        assert script.main(arguments) == 2, arguments
        found = capsys.readouterr().err
        assert found.startswith("error: ") and text in found and found.count("\n") == 1, found
    with pytest.raises(InputError, match="--kind"):
        read_drives(Path(bag), None, Topics(kind=Kind.DOUBLE_INTEGRATOR))


def test_a_message_that_is_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE, seconds=20.0), 1)
    monkeypatch.setattr(wire, "encode_twist", lambda *parts: b"\0\1\0\0" + b"\xff" * 48)
    path = write_bag(drive, tmp_path / "bag", stamped=False)
    with pytest.raises(InputError, match=r"bag: /robot0/cmd_vel, message \d+: got 'not finite'"):
        read_drives(path, None, Topics())


def test_two_robots_in_a_bag_have_to_be_told_apart(tmp_path: Path) -> None:
    drive, _ = drive_of(Body(Kind.UNICYCLE, seconds=20.0), 1)
    write_bag(drive, tmp_path / "first", stamped=False, robot=0)
    write_bag(drive, tmp_path / "second", stamped=False, robot=1)
    both = tmp_path / "both"
    both.mkdir()
    for name in ("first", "second"):
        (file,) = (tmp_path / name).glob("*.mcap")
        (both / file.name).write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="2 topics of nav_msgs/msg/Odometry"):
        read_drives(both, None, Topics())
    assert list(read_drives(both, 1, Topics())) == [1]


def test_the_selftest_of_the_command(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "BODIES", (BODY,))
    out = tmp_path / "rows.json"
    assert script.main(["--selftest", "--seeds", "1", "--json", str(out)]) in (0, 1)  # 1: an interval of one drive
    rows = json.loads(out.read_text())
    assert {row["name"] for row in rows} >= {"dead_time", "lag", "slip", "turn_rate"}
    assert max(row["worst"] for row in rows) <= 1.0
