"""A constraint of a user's own in a fleet: read, told in the hello, and obeyed by the robot that is deployed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from oracles.loopback import write_fleet

from swarm.errors import InputError
from swarm.runtime import process
from swarm.runtime.fleet_file.read import FleetFile, load_fleet
from swarm.runtime.mind import mind_of
from swarm.sense.view import View

SOURCE = """
import numpy as np

def slow(view):
    return np.array([[1.0, 0.0], [-1.0, 0.0]]), np.full(2, 0.07)

def broken(view):
    return 1 / 0
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "rows.py").write_text(SOURCE)
    return write_fleet(tmp_path / "fleet.yaml", "three", 3, 30, "constraint: parts/rows.py:slow\n")


def first_speed(fleet: FleetFile) -> float:
    """The forward speed that robot 0 commands at its start, with its goal straight ahead [m/s]."""
    mind = mind_of(replace(fleet, planner="straight", controller="fixed:6,1"), 0)
    start = mind.spec.start
    ahead = start[:2] + 2.0 * np.array([np.cos(start[2]), np.sin(start[2])])
    return float(mind.robot.step(View(0.0, start, ahead)).control[0])


def test_a_deployed_robot_obeys_it(path: Path) -> None:
    fleet = load_fleet(path)
    assert fleet.constraint == f"{path.parent}/parts/rows.py:slow"
    assert 0.0 < first_speed(fleet) <= 0.07 + 1e-9
    assert first_speed(replace(fleet, constraint="")) > 0.1


def test_the_hello_is_of_its_source_wherever_that_lies(path: Path, tmp_path: Path) -> None:
    fleet = load_fleet(path)
    plain, slow = (mind_of(one, 0).handshake for one in (replace(fleet, constraint=""), fleet))
    assert plain.policy != slow.policy and plain.digest == slow.digest, "noted, and no more"
    elsewhere = tmp_path / "copy.py"
    elsewhere.write_text(SOURCE)
    assert mind_of(replace(fleet, constraint=f"{elsewhere}:slow"), 0).handshake.policy == slow.policy
    elsewhere.write_text(SOURCE.replace("0.07", "0.08"))
    assert mind_of(replace(fleet, constraint=f"{elsewhere}:slow"), 0).handshake.policy != slow.policy


def test_check_says_it_and_the_command_line_comes_first(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = path.parent / "parts" / "rows.py"
    words = ["--fleet", str(path), "--robot", "1", "--check"]
    assert process.main(words) == 0 and f"constraint  {rows}:slow" in capsys.readouterr().out
    rows.write_text(SOURCE.replace("slow", "slower"))
    assert process.main(words) == 2 and "slower" in capsys.readouterr().err
    assert process.main([*words, "--constraint", f"{rows}:slower"]) == 0
    assert process.main([*words, "--constraint", f"{rows}:broken"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: constraint: broken ({rows}:8): got 'ZeroDivisionError: division by zero'; valid: a " \
        "function that gives rows for any view"  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"), [("slow", r"my_file\.py:NAME"), ("parts/other.py:slow", "a file that is there"), ("5", "text")]
)
def test_what_is_no_constraint_is_refused_where_it_stands(path: Path, given: str, said: str) -> None:
    path.write_text(path.read_text().replace("parts/rows.py:slow", given))
    with pytest.raises(InputError, match=rf"fleet\.yaml:\d+: constraint: .*{said}"):
        load_fleet(path)
