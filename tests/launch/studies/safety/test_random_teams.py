"""The teams that the safety check draws."""

from __future__ import annotations

import numpy as np
import pytest

from studies.safety import inexact
from studies.safety.teams import families
from swarm.model.dynamics import Kind
from swarm.model.footprint.polygon import reach


@pytest.mark.parametrize("name", [name for name in families() if "8 robots" in name])
def test_every_kind_of_team_is_drawn_with_the_shapes_that_it_is_named_for(name: str) -> None:
    scenario = families()[name](np.random.default_rng(2))
    shapes = [robot.footprint for robot in scenario.robots]
    polygons = [shape for shape in shapes if shape is not None]
    if "half polygons" in name:
        assert 0 < len(polygons) < len(shapes)
    else:
        assert len(polygons) == (len(shapes) if "polygons" in name else 0)
    assert all(robot.radius == reach(robot.footprint) for robot in scenario.robots if robot.footprint is not None)


@pytest.mark.parametrize("row", inexact.SHAPES, ids=lambda row: row.name)
def test_teams_that_are_not_exact_have_all_shapes_and_dynamics(row: inexact.Row) -> None:
    rng = np.random.default_rng(1)
    drawn = [inexact.shapes(rng, kind, row.errors) for kind in Kind for _ in range(8)]
    robots = [robot for scenario in drawn for robot in scenario.robots]
    assert all(scenario.errors == row.errors for scenario in drawn)
    assert {robot.kind for robot in robots} == set(Kind) and {robot.cooperative for robot in robots} == {True, False}
    assert {robot.footprint is None for robot in robots} == {True, False}
    slow = [robot for robot in robots if robot.limits.is_second_order(robot.kind) and not robot.limits.is_car]
    assert bool(slow) is any(robot.limits.is_car for robot in robots) is (row.errors.lag == 0.0)
