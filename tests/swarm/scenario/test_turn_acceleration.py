"""Turn accelerations in scenario files, and robots of second order that start in motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.scenario.world import World

LIMITS = Limits(1.0, acceleration=0.5, turn_rate=3.0, turn_acceleration=5.0)


def moving(x: float, limits: Limits) -> Scenario:
    """A robot at (x, 2) that drives to the right at 0.8 m/s; a box has its face at x = 4."""
    spec = RobotSpec(Kind.UNICYCLE, np.array([x, 2.0, 0.0, 0.8, 0.0]), np.array([[1.0, 2.0]]), 0.2, limits)
    return Scenario(World(np.array([0.0, 0.0, 8.0, 4.0]), np.array([[5.0, 2.0, 1.0, 1.0]])), (spec,), 10.0, 0.05, 4.0)


def test_written_and_read(tmp_path: Path) -> None:
    scenario, path = moving(1.0, LIMITS), tmp_path / "s.yaml"
    scenario.save(path)
    assert "turn_acceleration: 5.0" in path.read_text()
    assert load_scenario(path).robots[0].limits == LIMITS
    moving(1.0, Limits(1.0, turn_rate=3.0)).save(path)
    assert "turn_acceleration" not in path.read_text()


def test_a_start_from_which_it_cannot_brake_is_refused() -> None:
    way = 0.5 * 0.8 * 1.6  # 1.6 s to lose 0.8 m/s
    moving(3.8 - way - 0.01, LIMITS)
    with pytest.raises(InputError, match="brake in time"):
        moving(3.8 - way + 0.01, LIMITS)
    moving(3.8 - way + 0.01, Limits(1.0, turn_rate=3.0))  # this one stops at once
