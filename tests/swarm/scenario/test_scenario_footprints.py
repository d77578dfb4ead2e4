"""Robots that are no discs in scenario files: keys, types, round trips, what is checked at starts and said of goals."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.scenario.world import World

NAV2 = "[ [0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2] ]"
"""As ``footprint:`` of a costmap of Nav2 is written: text."""

ALCOVE = """\
environment:
  min: [0, 0]
  max: [4, 1.5]
  obstacles:
    - {type: box, center: [0.75, 0.25], size: [1.5, 0.5]}
    - {type: box, center: [3.25, 0.25], size: [1.5, 0.5]}
    - {type: box, center: [2.0, 1.25], size: [4.0, 0.5]}
robots:
  - {type: unicycle_first_order_0, start: [0.5, 0.75, 0], goal: [3.5, 0.75, 0]}
  - {type: unicycle_first_order_0, start: [1.5, 0.75, 0], goal: [2.5, 0.75, 0]}
"""


def write(folder, keys, kind="unicycle", start="[2, 2, 0]", goal="[5, 2]"):
    path = folder / "case.yaml"
    robot = f"{{type: {kind}, start: {start}, goal: {goal}, {keys}}}"
    path.write_text(f"environment: {{min: [0, 0], max: [6, 4]}}\nrobots:\n  - {robot}\nhorizon: 20\n")
    return path


@pytest.mark.parametrize(
    "keys",
    [
        f'footprint: "{NAV2}"',
        f"footprint: {NAV2}",
        "shape: box, size: [0.6, 0.4]",
        f"footprint: {NAV2}, radius: 0.3605551",
    ],
)
def test_reads_shapes(tmp_path, keys):
    (robot,) = load_scenario(write(tmp_path, keys)).robots
    np.testing.assert_array_equal(robot.footprint, box(0.6, 0.4))
    assert robot.radius == math.hypot(0.3, 0.2)


@pytest.mark.parametrize("shape", ["disc", "circle"])
def test_reads_discs(tmp_path, shape):
    (robot,) = load_scenario(write(tmp_path, f"shape: {shape}, radius: 0.3")).robots
    assert robot.footprint is None
    assert robot.radius == 0.3


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            f"footprint: {NAV2}, radius: 0.3",
            r"robots\[0\]\.radius: got 0.3; valid: no radius beside.* 0.36055",
        ),
        (f"footprint: {NAV2}, shape: box", r"robots\[0\]\.shape: got 'box'.*no such key beside footprint"),
        ("shape: box", r"robots\[0\]\.shape: got 'box'; valid: box with size"),
        ("shape: disc, size: [1, 1]", r"robots\[0\]\.size.*valid: box with size"),
        ("size: [1, 1]", r"robots\[0\]\.size.*valid: box with size"),
        ("shape: sphere", r"robots\[0\]\.shape: got 'sphere'; valid: box with size"),
        ("shape: box, size: [1, 0]", r"robots\[0\]\.size\[1\]: got 0"),
        ("footprint: [[1, 1], [2, 1], [2, 2]]", r"robots\[0\]\.footprint: .*holds the centre"),
        ('footprint: "[[1, 1], [2, 1]"', r"case\.yaml:3: robots\[0\]\.footprint"),
        ('footprint: "[[1, 1], [2], [0, 0]]"', r"case\.yaml:3: robots\[0\]\.footprint.*\[1\].*\[x, y\]"),
    ],
)
def test_bad_shapes_name_place_value_and_what_is_valid(tmp_path, keys, says):
    with pytest.raises(InputError, match=says):
        load_scenario(write(tmp_path, keys))


@pytest.mark.parametrize("kind", ["car1_v0", "car_first_order_with_1_trailers_0"])
def test_why_trailers_are_not_driven(tmp_path, kind):
    with pytest.raises(InputError, match=f"got '{kind}'.*pulls a trailer, which swings on"):
        load_scenario(write(tmp_path, "radius: 1", kind=kind))


def test_notes_say_what_was_changed(tmp_path):
    dented = "[[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.1, 0], [-0.3, 0.2]]"
    scenario = load_scenario(write(tmp_path, f"footprint: {dented}"))
    assert scenario.notes == ("the footprint is not convex, and is taken for its convex hull (0.2 m farther out)",)
    assert replace(scenario.robots[0], cooperative=False).shape_note == scenario.robots[0].shape_note


def test_round_trips_and_copies(tmp_path):
    robots = "".join(
        f"  - {{type: {kind}, start: [{1 + k}, 2, 0.3], goal: [{1 + k}, 3], {keys}}}\n"
        for k, (kind, keys) in enumerate([
            ("unicycle", "footprint: [[0.3, 0.1], [-0.2, 0.3], [-0.1, 0], [-0.2, -0.3]]"),
            ("single_integrator", "shape: box, size: [0.5, 0.3]"),
            ("unicycle_first_order_0", "radius: 0.2"), ("unicycle_first_order_0", "shape: disc"),
            ("unicycle_first_order_0", "cooperative: false"),
        ])
    )  # fmt: skip
    path = tmp_path / "first.yaml"
    path.write_text(f"environment: {{min: [0, 0], max: [6, 4]}}\nrobots:\n{robots}")
    scenario = load_scenario(path)
    outlines = [robot.footprint is not None for robot in scenario.robots]
    assert outlines == [True, True, False, False, True]
    scenario.save(tmp_path / "second.yaml")
    again = load_scenario(tmp_path / "second.yaml")
    assert again.robots == scenario.robots
    assert pickle.loads(pickle.dumps(scenario)) == copy.deepcopy(scenario) == scenario
    turned = replace(scenario.robots[0], footprint=None)
    assert turned != scenario.robots[0]


def spec(x, y, heading=0.0, kind=Kind.UNICYCLE, footprint=None, goal=(5.0, 3.0), v=0.0):
    footprint = box(0.8, 0.2) if footprint is None else footprint
    limits = Limits(1.0, 1.0, 1.0, 1.0)
    start = np.array([x, y, heading, v * math.cos(heading), v * math.sin(heading)])
    return RobotSpec(kind, start, np.array([goal]), reach(footprint), limits, footprint=footprint)


def scenario_of(*robots, boxes=()):
    return Scenario(World(np.array([0.0, 0.0, 6.0, 4.0]), np.array(boxes).reshape(-1, 4)), robots)


def test_a_radius_is_that_of_the_disc_around_the_footprint():
    with pytest.raises(InputError, match=r"RobotSpec\.radius: got 0.5; valid: 0.41231"):
        replace(spec(1, 1), radius=0.5)


def test_starts_are_checked_on_outlines_where_they_are_driven():
    wall = [2.0, 1.5, 1.0, 0.3]
    scenario_of(spec(2.0, 1.05), spec(2.0, 0.8), boxes=[wall])
    with pytest.raises(InputError, match=r"robots\[0\]\.start.*obstacles"):
        scenario_of(spec(2.0, 1.05, 0.5), boxes=[wall])
    with pytest.raises(InputError, match=r"robots\[0\]\.start and robots\[1\]\.start"):
        scenario_of(spec(2.0, 1.0), spec(2.0, 0.8, 0.5))
    disc = RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([2.0, 0.6, 0, 0, 0]), np.array([[1.0, 1.0]]), 0.25, Limits(1.0))
    scenario_of(spec(2.0, 0.96), disc)
    with pytest.raises(InputError, match=r"robots\[0\]\.start and robots\[1\]\.start"):
        scenario_of(spec(2.0, 0.94), disc)


def test_with_errors_outlines_start_a_little_apart_and_who_is_only_sensed_as_a_disc():
    wall = [2.0, 1.5, 1.0, 0.3]
    near, far = scenario_of(spec(2.0, 1.098), boxes=[wall]), scenario_of(spec(2.0, 1.09), boxes=[wall])
    with pytest.raises(InputError, match=r"robots\[0\]\.start.*is 0.00412 m away from obstacles"):
        replace(near, errors=ErrorBounds(position=0.01))
    replace(far, errors=ErrorBounds(position=0.01))
    pair = scenario_of(spec(2.0, 1.0), spec(2.0, 0.795))
    with pytest.raises(InputError, match=r"robots\[1\]\.start.*is 0.00825 m away from the other's"):
        replace(pair, errors=ErrorBounds(position=0.01))
    pair = replace(scenario_of(spec(2.0, 1.0), spec(2.0, 0.78)), errors=ErrorBounds(position=0.01))
    with pytest.raises(InputError, match=r"robots\[1\]\.start.*the sum of the two radii"):
        replace(pair, errors=ErrorBounds(sensing=0.01, others="sensed"))


def test_starts_in_motion_are_checked_on_what_the_outline_covers_until_it_stands():
    # At 0.9 m/s and 1 m/s² it needs more than 0.4 m beyond its own front.
    ahead = [3.0, 1.0, 0.1, 0.5]
    scenario_of(spec(2.0, 1.0, v=0.3), boxes=[ahead])
    with pytest.raises(InputError, match="brake in time"):
        scenario_of(spec(2.2, 1.0, v=0.9), boxes=[ahead])
    beside = [2.6, 1.31, 0.5, 0.2]
    scenario_of(spec(2.0, 1.0, v=0.9), spec(3.0, 0.79, v=0.0), boxes=[beside])
    with pytest.raises(InputError, match="brake in time"):
        scenario_of(spec(2.0, 1.0, v=0.9), spec(3.0, 0.81, v=0.0), boxes=[beside])


def test_the_published_boxes_start_where_their_discs_do_not(tmp_path):
    path = tmp_path / "alcove.yaml"
    path.write_text(ALCOVE.replace("start: [0.5, 0.75, 0]", "start: [0.5, 0.75, 1.2]"))
    with pytest.raises(InputError, match=r"robots\[0\]\.start.*heading at which its footprint does not overlap"):
        load_scenario(path)
    path.write_text(ALCOVE)
    scenario = load_scenario(path)
    assert [robot.footprint.tolist() for robot in scenario.robots] == [box(0.5, 0.25).tolist()] * 2
    assert not any("disc" in note for note in scenario.notes)


def test_a_goal_where_no_heading_fits_is_said():
    lane = [[3.0, 1.0, 1.0, 0.2], [3.0, 1.5, 1.0, 0.2]]
    fits, narrow = box(0.4, 0.08), box(0.4, 0.12)
    for footprint, kind, heading, said in (
        (fits, Kind.UNICYCLE, 0.0, False), (narrow, Kind.UNICYCLE, 0.0, True),
        (fits, Kind.SINGLE_INTEGRATOR, 0.0, False), (fits, Kind.SINGLE_INTEGRATOR, 0.5, True),
    ):  # fmt: skip
        robot = spec(1.0, 3.0, heading, kind, footprint, goal=(3.0, 1.25))
        notes = scenario_of(robot, boxes=lane).notes
        assert any("does not fit at its goal [3.0, 1.25]" in note for note in notes) == said
