"""A small fleet with a process for each robot, as it would be on computers of their own."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from oracles.loopback import until, write_fleet
from oracles.project import ROOT

from studies.faults.process_cells import waits_for_a_lock
from swarm.runtime import process as robot_process
from swarm.runtime.drivers.bullet import ask
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.link.status import MAX_TEXT


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """Journals are written where the test is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def fleet(tmp_path):
    return write_fleet(tmp_path / "fleet.yaml", "three", 3, 30)


def start(script, *arguments):
    command = [sys.executable, str(ROOT / "launch" / script), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_check_says_what_a_robot_would_do(fleet):
    process = start("deploy.py", "--fleet", fleet, "--robot", 1, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert "3 robots" in text and "50 ms" in text and "cells" in text and "\nerrors" not in text
    fleet.write_text(fleet.read_text() + "errors: {position: 0.01, lag: 0.1}\n")
    process = start("deploy.py", "--fleet", fleet, "--robot", 1, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "errors      position 10 mm, lag 100 ms" in text, text
    assert "needs       a margin of 10 mm" in text and "where 60 mm are declared" in text, text
    fleet.write_text(fleet.read_text().replace("lag: 0.1", "lag: 9"))
    process = start("deploy.py", "--fleet", fleet, "--robot", 1, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2 and "errors.lag" in text and "at most" in text, text
    fleet.write_text(fleet.read_text().replace("lag: 9", "lag: 0.1"))
    process = start("deploy.py", "--fleet", fleet, "--robot", 3, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2 and "0 to 2" in text
    fleet.write_text(fleet.read_text() + "log: fleet.yaml\n")
    process = start("deploy.py", "--fleet", fleet, "--robot", 1, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2 and "log: " in text and "fleet.yaml is no folder" in text, text


@pytest.mark.bullet
def test_robots_in_processes_of_their_own_drive_and_one_that_dies_stops_unless_it_has_a_standby(fleet, tmp_path):
    physics = start("physics.py", "--fleet", fleet, "--json", tmp_path / "physics.json")
    robots = [start("deploy.py", "--fleet", fleet, "--robot", i, "--json", tmp_path / f"{i}.json") for i in range(3)]
    address = load_fleet(fleet).physics

    def speeds():
        status = ask(address, timeout=1.0)
        return [0.0] * 3 if status is None else [robot[3] for robot in status["robots"]]

    moved = set()

    def all_have_moved():
        moved.update(robot for robot, speed in enumerate(speeds()) if speed > 0.2)
        return len(moved) == 3

    try:
        until(all_have_moved, 600.0)  # kernels may have to be compiled first
        robots.append(start("deploy.py", "--fleet", fleet, "--robot", 0, "--standby", "--json", tmp_path / "0.json"))
        until(lambda: waits_for_a_lock(robots[3].pid), 60.0)
        until(lambda: speeds()[2] > 0.2, 60.0)
        robots[0].send_signal(signal.SIGKILL)
        robots[2].send_signal(signal.SIGKILL)
        until(lambda: speeds()[2] < 0.02)
        until(lambda: speeds()[0] > 0.2, 60.0)
    finally:
        for process in (*robots, physics):
            process.terminate()
        outputs = [process.communicate(timeout=60)[0] for process in (*robots, physics)]
    result = json.loads((tmp_path / "physics.json").read_text())
    assert result["collisions"] == 0 and "robot 0: this process drives it from now on" in outputs[3], outputs
    for i in range(2):
        figures = json.loads((tmp_path / f"{i}.json").read_text())
        assert figures["reasons"]["moving"] > 0 and not figures["rejected"], figures


@pytest.mark.bullet
def test_robots_with_different_maps_refuse_each_other_and_say_so(fleet, tmp_path):
    """Nobody moves, though nobody can know who is right; a second process of a robot refuses to start."""
    other = tmp_path / "other" / "fleet.yaml"
    other.parent.mkdir()
    text = (ROOT / "envs" / "maps" / "warehouse.map").read_text()
    (other.parent / "warehouse.map").write_text(text[: text.rindex("@")] + "." + text[text.rindex("@") + 1 :])
    other.write_text(fleet.read_text().replace(f"{ROOT}/envs/maps/", ""))
    physics = start("physics.py", "--fleet", fleet)
    robots = [
        start("deploy.py", "--fleet", path, "--robot", i, "--json", tmp_path / f"{i}.json")
        for i, path in enumerate((fleet, other))
    ]
    late = threading.Timer(600.0, lambda: [robot.kill() for robot in robots])  # Else a silent one is read for ever.
    late.start()

    def nobody_moves():
        status = ask(load_fleet(fleet).physics)
        return status is not None and max(robot[3] for robot in status["robots"]) < 0.02

    try:
        # On a busy machine they start seconds apart, and a report may come long before the hello with the reason.
        texts = [next((line for line in robot.stdout if "another map: " in line), "") for robot in robots]
        late.cancel()
        second = start("deploy.py", "--fleet", fleet, "--robot", 0)
        text, _ = second.communicate(timeout=600)
        assert second.returncode == 2 and "no running process" in text, text
        until(nobody_moves, 600.0)  # One that was alone at first may have begun to move.
        time.sleep(2.0)
        assert nobody_moves()
    finally:
        late.cancel()
        for process in (*robots, physics):  # One after the other: what the first one notes, the second one still says.
            process.terminate()
            process.communicate(timeout=600)
    for i, text in enumerate(texts):
        figures = json.loads((tmp_path / f"{i}.json").read_text())
        assert f"robot {i} does not move: robot {1 - i} has another map: " in text, text
        # On a busy machine the own state is too old in many periods, which is said first.
        assert figures["reasons"]["incompatible"] > 0, figures
    figures = json.loads((tmp_path / "0.json").read_text())
    assert any("robot 1 has another map" in note for note in figures["notes"]), figures


def test_a_reason_is_said_once_it_stands_and_not_too_often(monkeypatch, capsys):
    watchdog = SimpleNamespace(blind="")
    control, now = SimpleNamespace(robot_id=1, refusal=None, body_problem="", watchdog=watchdog), [0.0]
    monkeypatch.setattr(robot_process.time, "monotonic", lambda: now[0])
    told = [(0.0, None), (1.0, "vague"), (1.5, "exact"), (2.9, "exact"), (3.1, "exact"), (4.0, "other")]
    complaints = robot_process.complaints(control)
    lines = []
    for now[0], control.refusal in (*told, (12.0, "other"), (13.2, "other"), (14.0, None), (30.0, "other")):
        next(complaints)
        lines.append(capsys.readouterr().err)
    assert [i for i, line in enumerate(lines) if line] == [4, 7]
    assert [lines[i].split(": ")[1] for i in (4, 7)] == ["exact\n", "other\n"]
    control.refusal, control.body_problem = None, "late"
    for now[0] in (40.0, 42.0):
        next(complaints)
    assert capsys.readouterr().err == "robot 1 does not move: late\n"
    control.body_problem, watchdog.blind = "", "no own state"
    for now[0] in (60.0, 62.0):
        next(complaints)
    assert capsys.readouterr().err == "robot 1 does not move: no own state\n"


def test_a_log_that_cannot_be_written_is_said_and_that_it_can_again(monkeypatch, capsys):
    now, outage = [0.0], SimpleNamespace(reason="")
    monkeypatch.setattr(robot_process.time, "monotonic", lambda: now[0])
    log = SimpleNamespace(outage=outage, note=lambda width: f"log: {outage.reason or 'written again'}")
    outages, lines = robot_process.outages(log), []
    for now[0], outage.reason in ((1, ""), (2, "full"), (3, "full"), (4, ""), (12.5, ""), (13, "full"), (14, "")):
        next(outages)
        lines.append(capsys.readouterr().err)
    assert lines == ["", "log: full\n", "", "", "log: written again\n", "", ""]


def test_interrupted_before_it_drives_it_ends_without_a_traceback(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(robot_process, "load_fleet", interrupted)
    assert robot_process.main(["--fleet", "fleet.yaml", "--robot", "0"]) == 130


def test_what_cannot_be_said_keeps_nobody_from_driving(monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(robot_process.sys, "stderr", full)
        robot_process.say("the disk is full")
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()


def test_a_robot_whose_logs_have_a_full_disk_of_their_own_goes_on_and_says_so(fleet, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    inside = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=16k none "$0" && exec "$@"', str(logs)]
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("a file system of one's own needs user namespaces")
    with fleet.open("a") as file:
        file.write(f"log: {logs}\n")
    command = [*inside, sys.executable, str(ROOT / "launch" / "deploy.py"), "--fleet", str(fleet), "--robot", "0"]
    command += ["--json", str(tmp_path / "0.json")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = next((line for line in process.stdout if line.startswith("log: ")), "")
    finally:
        process.terminate()
        process.communicate(timeout=60)
    figures = json.loads((tmp_path / "0.json").read_text())
    assert line.startswith("log: disk full since ") and f": {logs}: No space left on device; " in line
    assert process.returncode == 0 and figures["log"]["dropped"] > 0
    assert figures["notes"][0].startswith("log: disk full since ") and len(figures["notes"][0]) <= MAX_TEXT
