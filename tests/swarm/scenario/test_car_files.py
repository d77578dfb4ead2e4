"""Cars in scenario files: written, read, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from swarm.errors import InputError
from swarm.model.body import CURVATURE, REVERSE, STEERING, TURN_RATE, body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.scenario.world import World

CAR = Limits(1.0, 0.5, wheelbase=0.3, steering=0.5, steering_rate=1.5, reverse_speed=0.4)
TEXT = """environment: {min: [0, 0], max: [8, 4]}
robots:
  - {type: car, start: [1, 2, 0], goal: [5, 2], KEYS}
"""


def scenario(limits: Limits, speed: float = 0.0) -> Scenario:
    robot = RobotSpec(Kind.UNICYCLE, np.array([1.0, 2.0, 0.0, speed, 0.0]), np.array([[5.0, 2.0]]), 0.2, limits)
    return Scenario(World(np.array([0.0, 0.0, 8.0, 4.0])), (robot,), 10.0, 0.05, 4.0)


def read(folder: Path, keys: str) -> RobotSpec:
    path = folder / "s.yaml"
    path.write_text(TEXT.replace("KEYS", keys))
    return load_scenario(path).robots[0]


@pytest.mark.parametrize(
    "limits", [CAR, Limits(1.0, wheelbase=0.3, steering=0.5), replace(CAR, reverse_speed=0.0), replace(CAR, speed=2.0)]
)
def test_written_and_read(limits: Limits, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    scenario(limits).save(path)
    again = load_scenario(path)
    assert again.robots[0].limits == limits
    assert again.robots[0].type_name == "car"
    assert again == scenario(limits) or again.name != scenario(limits).name
    assert "turn_rate" not in path.read_text()


def test_what_a_file_says_is_what_the_body_is(tmp_path: Path) -> None:
    keys = (
        "wheelbase: 0.3, steering: 0.5, steering_rate: 1.5, reverse_speed: 0.4, limits: {speed: 1, acceleration: 0.5}"
    )
    robot = read(tmp_path, keys)
    assert robot.limits == CAR
    body = body_of(robot.kind, robot.radius, robot.limits, dt=0.05, sensing_radius=9.0)
    assert body[CURVATURE] == pytest.approx(math.tan(0.5) / 0.3)
    assert body[TURN_RATE] == pytest.approx(math.tan(0.5) / 0.3)
    assert body[REVERSE] == 0.4
    assert body[STEERING] == pytest.approx(1.5 * 0.05 / 0.3)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("steering: 0.5", "wheelbase: got None; valid: this key is required of a car"),
        ("wheelbase: 0.3", "steering: got None; valid: this key is required of a car"),
        ("wheelbase: 0, steering: 0.5", "wheelbase: got 0"),
        ("wheelbase: 0.3, steering: 1.6", "steering: got 1.6; valid: an angle above 0 and below pi / 2"),
        ("wheelbase: 0.3, steering: 0.5, steering_rate: 1", "limits.acceleration: got inf; valid: a finite number, as"),
        ("wheelbase: 0.3, steering: 0.5, reverse_speed: -1", "reverse_speed: got -1.0; valid: 0"),
        (
            "wheelbase: 0.3, steering: 0.5, reverse_speed: 0.6",
            "reverse_speed: got 0.6; valid: at most limits.speed, 0.5",
        ),
        ("wheelbase: 0.3, steering: 0.5, limits: {turn_rate: 2}", "turn_rate"),
    ],
)
def test_what_is_no_car_is_refused(keys: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"s\.yaml:3") as caught:
        read(tmp_path, keys)
    assert says in str(caught.value)


def test_only_a_car_steers(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(TEXT.replace("type: car", "type: unicycle").replace("KEYS", "wheelbase: 0.3"))
    with pytest.raises(InputError, match=r"wheelbase: got 0\.3; valid: no such key: only a car steers"):
        load_scenario(path)
    with pytest.raises(InputError, match=r"steering_rate: got 1\.0; valid: none without a wheelbase"):
        Limits(1.0, steering_rate=1.0)
    with pytest.raises(InputError, match="type_name"):
        replace(scenario(CAR).robots[0], type_name="unicycle")


def test_a_car_does_not_start_backwards_faster_than_it_can() -> None:
    scenario(CAR, -0.4)
    with pytest.raises(InputError, match=r"reverse_speed of 0\.4"):
        scenario(CAR, -0.5)


def test_errors_that_no_car_plans_with_are_refused() -> None:
    for limits, errors, where in (
        (CAR, ErrorBounds(position=0.01), "errors: got"),
        (replace(CAR, steering_rate=math.inf), ErrorBounds(lag=0.1), "errors.lag"),
    ):
        with pytest.raises(InputError, match=where):
            body_of(Kind.UNICYCLE, 0.2, limits, dt=0.05, sensing_radius=9.0, errors=errors)
    body_of(Kind.UNICYCLE, 0.2, replace(CAR, steering_rate=math.inf), dt=0.05, sensing_radius=9.0,
            errors=ErrorBounds(position=0.01))  # fmt: skip
