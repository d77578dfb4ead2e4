"""A small fleet with a process for each robot, as it would be on computers of their own."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def fleet(tmp_path):
    path = tmp_path / "fleet.yaml"
    ends = ", ".join(f"{i}: tcp/127.0.0.1:{free_port()}" for i in range(3))
    path.write_text(
        f"fleet: three\ndeliveries: {{map: {ROOT}/envs/maps/warehouse.map, robots: 3, seed: 1, seconds: 30}}\n"
        f"planner: cells\ncontroller: tuner\nmargin: 0.06\ndriver: bullet\nendpoints: {{{ends}}}\n"
        f"physics: 127.0.0.1:{free_port(socket.SOCK_DGRAM)}\n"
    )
    return path


def start(script, *arguments):
    command = [sys.executable, str(ROOT / "launch" / script), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_check_says_what_a_robot_would_do(fleet):
    process = start("deploy.py", "--fleet", fleet, "--robot", 1, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert "3 robots" in text and "50 ms" in text and "cells" in text
    process = start("deploy.py", "--fleet", fleet, "--robot", 3, "--check")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2 and "0 to 2" in text


def test_robots_in_processes_of_their_own_drive_and_one_that_dies_stops(fleet, tmp_path):
    physics = start("physics.py", "--fleet", fleet, "--json", tmp_path / "physics.json")
    robots = [start("deploy.py", "--fleet", fleet, "--robot", i, "--json", tmp_path / f"{i}.json") for i in range(3)]
    try:
        from swarm.runtime.bullet_link import ask
        from swarm.runtime.fleet_file import load_fleet

        address = load_fleet(fleet).physics
        deadline, moved = time.monotonic() + 240.0, [False] * 3  # kernels may have to be compiled first
        while time.monotonic() < deadline:
            status = ask(address, timeout=1.0)
            speeds = [0.0] * 3 if status is None else [robot[3] for robot in status["robots"]]
            moved = [before or speed > 0.2 for before, speed in zip(moved, speeds, strict=True)]
            if all(moved) and speeds[2] > 0.2:
                break
            time.sleep(0.02)
        else:
            pytest.fail(f"not all robots ever moved: {status}")
        robots[2].send_signal(signal.SIGKILL)
        time.sleep(0.6)
        assert ask(address)["robots"][2][3] < 0.02
    finally:
        for process in (*robots, physics):
            process.terminate()
        outputs = [process.communicate(timeout=60)[0] for process in (*robots, physics)]
    result = json.loads((tmp_path / "physics.json").read_text())
    assert result["collisions"] == 0, outputs
    for i in range(2):
        figures = json.loads((tmp_path / f"{i}.json").read_text())
        assert figures["reasons"]["moving"] > 0 and not figures["rejected"], figures
