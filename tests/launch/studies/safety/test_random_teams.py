"""The teams that the safety check draws."""

from __future__ import annotations

import numpy as np
import pytest

import check_safety
from swarm.model.footprint.polygon import reach


@pytest.mark.parametrize("name", [name for name in check_safety.families() if "8 robots" in name])
def test_every_kind_of_team_is_drawn_with_the_shapes_that_it_is_named_for(name: str) -> None:
    scenario = check_safety.families()[name](np.random.default_rng(2))
    shapes = [robot.footprint for robot in scenario.robots]
    polygons = [shape for shape in shapes if shape is not None]
    if "half polygons" in name:
        assert 0 < len(polygons) < len(shapes)
    else:
        assert len(polygons) == (len(shapes) if "polygons" in name else 0)
    assert all(robot.radius == reach(robot.footprint) for robot in scenario.robots if robot.footprint is not None)
