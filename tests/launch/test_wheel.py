"""Installed, it works: what is in the wheel, and robots and a fleet that it drives, far from any checkout."""

from __future__ import annotations

import contextlib
import email
import json
import math
import re
import signal
import socket
import subprocess
import threading
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from oracles.installed import Environment, build
from oracles.loopback import free_port, until
from oracles.project import ROOT

import swarm
from swarm.runtime.drivers.line import BASE_PORT

PACKAGES = ("swarm", "envs", "policies")
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def texts(wheel: Path) -> dict[str, str]:
    """The files about the distribution, by name."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" in name]
        return {name.split(".dist-info/")[1]: archive.read(name).decode() for name in names}


@pytest.fixture(scope="module")
def metadata(texts: dict[str, str]) -> Message:
    return email.message_from_string(texts["METADATA"])


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


# What is in it.


def test_it_has_every_source_and_what_they_need_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    stays = ("ablations", "__pycache__", "learning_curve.png")
    wanted = {path.as_posix() for path in files if not set(path.parts) & set(stays)}
    assert packed == wanted
    for name in (
        "swarm/py.typed", "swarm/fleet/page.html", "envs/bullet/assets/differential_drive.urdf",
        "envs/bullet/assets/cart.urdf", "envs/maps/carts.yaml",
        "envs/maps/warehouse.map", "envs/maps/examples.jsonl", "envs/fleets/warehouse16.yaml",
        "envs/instances/mazes.jsonl", "policies/checkpoints/tuner/policy.onnx",
        "policies/checkpoints/follower/policy.onnx",
    ):  # fmt: skip
        assert name in packed
    assert wheel.stat().st_size < MOST_BYTES


def test_building_it_leaves_nothing_in_the_checkout(wheel: Path) -> None:
    assert not wheel.is_relative_to(ROOT)
    assert not (ROOT / "build").exists() and not (ROOT / "dist").exists()
    assert not [path for package in PACKAGES for path in (ROOT / package).rglob("*.egg-info")]


def test_it_is_named_and_described_as_the_project_says(metadata: Message, project: dict[str, object]) -> None:
    assert metadata["Name"] == project["name"] == "swarm-navigation"
    assert metadata["Version"] == swarm.__version__
    assert metadata["License-Expression"] == "Apache-2.0" and metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    urls = dict(text.split(", ", 1) for text in metadata.get_all("Project-URL", []))
    assert urls == project["urls"] and all(url.startswith("https://") for url in urls.values())
    assert "## How a robot decides" in metadata.get_payload()


def test_its_extras_leave_out_what_a_newer_python_does_not_have(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == {"train", "sim", "maps", "ros2", "dev"}
    needed = metadata.get_all("Requires-Dist", [])
    robot = {re.split(r"[ ;<>=]", text)[0] for text in needed if "extra ==" not in text}
    assert robot == {
        "numpy", "numba", "cvxpy", "onnxruntime", "PyYAML", "eclipse-zenoh", "mcap", "msgspec", "cryptography",
    }  # fmt: skip
    older = {re.split(r"[ ;<>=]", text)[0] for text in needed if 'python_version < "3.12"' in text}
    assert older == {"torch", "torch-geometric", "pybullet"}


def test_its_commands_and_checkpoints_are_found(texts: dict[str, str]) -> None:
    lines = set(texts["entry_points.txt"].split("\n"))
    assert {"swarm-robot = envs.commands.entry:robot", "shipped = policies:CHECKPOINTS"} <= lines
    assert {line.split(" ")[0] for line in lines if line.startswith("swarm-")} == {
        "swarm-robot", "swarm-fleet", "swarm-doctor", "swarm-train", "swarm-evaluate", "swarm-simulate",
    }  # fmt: skip
    assert texts["top_level.txt"].split() == sorted(PACKAGES)
    assert "Apache License" in texts["licenses/LICENSE"]


# What it does.


class Base:
    """A base that speaks lines (``swarm.runtime.drivers.line``): a unicycle that does at once what it is told.

    Attributes:
        way: How far it has driven [m].
    """

    PERIOD = 0.02
    PATIENCE = 0.2

    def __init__(self, robot: int, x: float, y: float) -> None:
        self.way, self._place, self._heading = 0.0, (x, y), 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", BASE_PORT + robot))
        self._socket.setblocking(False)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drive)
        self._thread.start()

    def _drive(self) -> None:
        heard, last, told, command = -math.inf, time.monotonic(), None, (0.0, 0.0)
        while not self._ended.wait(self.PERIOD):
            now = time.monotonic()
            with contextlib.suppress(BlockingIOError):
                while True:
                    line, told = self._socket.recvfrom(256)
                    if line.strip():  # else it only says where to answer
                        forward, left = map(float, line.split())
                        command, heard = (forward, left), now
            speed, turn = command if now - heard < self.PATIENCE else (0.0, 0.0)
            self._heading += (now - last) * turn
            velocity = (speed * math.cos(self._heading), speed * math.sin(self._heading))
            x, y = (at + (now - last) * v for at, v in zip(self._place, velocity, strict=True))
            self._place = (x, y)
            self.way += (now - last) * abs(speed)
            last = now
            if told is not None:
                state = (now, *self._place, self._heading, *velocity)
                self._socket.sendto(" ".join(map(str, state)).encode(), told)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()


def ready(process: subprocess.Popen[str]) -> list[str]:
    """The lines that a fleet says until all of its robots are ready."""
    lines: list[str] = []
    while not lines or "all robots are ready" not in lines[-1]:  # kernels may have to be compiled first
        lines.append(process.stdout.readline() if process.stdout else "")
        assert lines[-1], lines
    return lines


@pytest.fixture(scope="module")
def robot(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("robot"), str(wheel))


@pytest.fixture(scope="module")
def simulated(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("sim"), f"{wheel}[sim]")


@pytest.fixture
def base() -> Iterator[Base]:
    one = Base(0, 1.0, 1.0)
    yield one
    one.close()


@pytest.fixture
def alone(robot: Environment) -> Path:
    """The file of a fleet of one, whose base is this test's."""
    floor = "robots: [{type: unicycle, start: [1, 1, 0], goals: [[5, 1], [1, 1]], radius: 0.2}]\n"
    (robot.folder / "floor.yaml").write_text("environment: {min: [0, 0], max: [6, 4]}\n" + floor)
    path = robot.folder / "alone.yaml"
    path.write_text(
        "fleet: alone\nscenario: floor.yaml\nplanner: roadmap\ncontroller: tuner\nmargin: 0.06\n"
        f"driver: swarm.runtime.drivers.line:LineDriver\nendpoints: {{0: tcp/127.0.0.1:{free_port()}}}\n"
    )
    return path


@pytest.mark.slow
def test_an_installed_robot_brings_no_simulator_and_comes_from_its_environment(robot: Environment) -> None:
    listed = json.loads(robot.run("python", "-m", "pip", "list", "--format", "json").stdout)
    names = {one["name"].lower() for one in listed}
    assert "swarm-navigation" in names and not names & {"torch", "pybullet", "gymnasium", "pettingzoo", "tyro"}
    code = "import swarm, envs, policies; print(swarm.__file__, envs.__file__, policies.__file__)"
    places = robot.run("python", "-I", "-c", code).stdout.split()
    assert len(places) == 3 and all(Path(place).is_relative_to(robot.packages) for place in places)


@pytest.mark.slow
def test_an_installed_robot_drives_until_it_is_told_to_end(robot: Environment, alone: Path, base: Base) -> None:
    checked = robot.run("swarm-robot", "--fleet", alone, "--robot", 0, "--check")
    assert checked.returncode == 0, checked.stderr
    assert "alone, 1 robots" in checked.stdout and "controller tuner" in checked.stdout
    figures = robot.folder / "figures.json"
    timed = robot.run("swarm-robot", "--fleet", alone, "--robot", 0, "--seconds", 6, "--json", figures)
    assert timed.returncode == 0 and timed.stderr == "", timed.stderr
    assert json.loads(figures.read_text())["reasons"]["moving"] > 50 and base.way > 1.0
    before = base.way
    process = robot.start("swarm-robot", "--fleet", alone, "--robot", 0, "--json", figures)
    until(lambda: base.way > before + 1.0, 60.0)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and said == ""
    assert json.loads(figures.read_text())["reasons"]["moving"] > 10


@pytest.mark.slow
def test_an_installed_doctor_finds_a_robot_ready_and_a_fleet_command_says_what_it_needs(robot: Environment) -> None:
    told = robot.run("swarm-doctor")
    assert told.returncode == 0 and "Ready." in told.stdout, told.stdout + told.stderr
    assert "checkpoint: tuner" in told.stdout and "checkpoint: follower" in told.stdout
    fleet = robot.run("swarm-fleet", "--help")
    assert fleet.returncode == 2 and "pip install 'swarm-navigation[sim]'" in fleet.stderr
    assert "Traceback" not in fleet.stderr


@pytest.fixture
def deliveries(simulated: Environment) -> Path:
    """The file of a fleet of four in a shipped map, with a physics world."""
    ends = ", ".join(f"{i}: tcp/127.0.0.1:{free_port()}" for i in range(4))
    path = simulated.folder / "four.yaml"
    path.write_text(
        f"fleet: four\ndeliveries: {{map: {simulated.packages}/envs/maps/warehouse.map, robots: 4, seed: 1, "
        f"seconds: 120}}\nplanner: cells\ncontroller: tuner\nmargin: 0.06\ndriver: bullet\nendpoints: {{{ends}}}\n"
        f"physics: 127.0.0.1:{free_port()}\n"
    )
    return path


@pytest.mark.slow
@pytest.mark.bullet
def test_an_installed_fleet_delivers_and_shows_its_page(simulated: Environment, deliveries: Path) -> None:
    results = simulated.folder / "results.json"
    process = simulated.start("swarm-fleet", "up", deliveries, "--seconds", 40, "--json", results)
    page = re.search(r"http://127\.0\.0\.1:\d+/", "".join(ready(process)))
    assert page is not None
    url = page[0]
    with urllib.request.urlopen(url, timeout=10.0) as answer:
        assert "<html" in answer.read().decode()
    with urllib.request.urlopen(f"{url}fleet.json", timeout=10.0) as answer:
        assert json.load(answer)
    told = simulated.run("swarm-fleet", "status", deliveries)
    assert told.returncode == 0 and "four" in told.stdout and url in told.stdout, told.stdout + told.stderr
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    found = json.loads(results.read_text())
    assert found["deliveries"] > 0 and found["collisions"] == 0, found
    assert all(one["figures"]["reasons"]["moving"] > 0 for one in found["robots"])


@pytest.mark.slow
@pytest.mark.bullet
def test_an_installed_fleet_ends_in_order_when_interrupted(simulated: Environment, deliveries: Path) -> None:
    process = simulated.start("swarm-fleet", "up", deliveries)
    ready(process)
    second = simulated.run("swarm-fleet", "up", deliveries)
    assert second.returncode == 2 and "swarm-fleet stop" in second.stderr
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "0 collisions" in said and "Traceback" not in said, said
    assert simulated.run("swarm-fleet", "stop", deliveries).stdout == "nothing runs\n"


@pytest.mark.slow
@pytest.mark.bullet
def test_an_installed_doctor_finds_the_simulation_ready(simulated: Environment) -> None:
    told = simulated.run("swarm-doctor")
    assert told.returncode == 0 and "Ready." in told.stdout, told.stdout + told.stderr
    helped = simulated.run("swarm-fleet", "--help")
    assert helped.returncode == 0 and "swarm-fleet" in helped.stdout
