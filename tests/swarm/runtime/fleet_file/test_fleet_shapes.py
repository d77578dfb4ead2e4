"""What ``swarm-robot --check`` says of robots that are no discs."""

from __future__ import annotations

from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.process import summary

SCENARIO = """\
environment: {min: [0, 0], max: [6, 4]}
robots:
  - {type: unicycle, start: [1, 1, 0], goal: [5, 1],
     footprint: "[ [0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2] ]"}
  - {type: unicycle, start: [1, 3, 0], goal: [5, 3], radius: 0.25}
sensing_radius: 4
"""
FLEET = """\
fleet: shapes
scenario: shapes.yaml
planner: straight
controller: fixed:1,1
margin: 0.02
driver: bullet
endpoints: 17400
physics: 127.0.0.1:17390
"""


def test_check_says_that_a_footprint_of_nav2_is_driven(tmp_path):
    (tmp_path / "shapes.yaml").write_text(SCENARIO)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    fleet = load_fleet(tmp_path / "fleet.yaml")
    assert "shape       a polygon of 4 corners" in summary(fleet, 0)
    assert "shape " not in summary(fleet, 1)
