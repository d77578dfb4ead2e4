"""Scenarios: reading and writing YAML, one clear error for each thing that can be wrong, drawn deliveries."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.files.yaml_input import parse_yaml
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.strangers import Strangers
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import ROBOT_TYPES, numbers_from, state_from
from swarm.scenario.scenario import RobotSpec, Scenario, deliveries, load_scenario
from swarm.scenario.world import World

DYNOBENCH = """\
environment:
  min: [0, 0]
  max: [5, 5]
  obstacles:
    - type: box
      center: [2.5, 3.9]
      size: [0.2, 2.2]
    # a comment
robots:
  - type: double_integrator_0
    start: [1,1,0.1,0]
    goal: [4,3,0,0]
  - type: unicycle_first_order_0
    start: [4,1.5,3.14] # x,y,theta
    goal: [1,2.5,-1.57]
  - type: unicycle_first_order_0_sphere
    start: [1,3,0]
    goal: [4,3,0]
"""
FULL = """\
environment:
  min: [0.25, 0]
  max: [6, 3]
  obstacles:
    - {type: circle, center: [1.0, 2.0], radius: 0.3}
  map: halls.map
  cell_size: 1.5
robots:
  - type: single_integrator
    start: [2, 0.75]
    goal: [3, 0.75]
    goals: [[3, 0.75], [5, 0.75]]
    radius: 5e-2
    limits: {speed: 0.7, acceleration: 1, turn_rate: 2.0}
  - {type: unicycle, start: [5, 1, 0.5], goals: [[2, 1]], limits: {acceleration: 3}}
horizon: 15.36
dt: 0.03
sensing_radius: 0.5
"""
HALLS = "type octile\nheight 2\nwidth 4\nmap\n..@.\n..SE\n"
seeds = st.integers(0, 2**32 - 1)


def write(folder, text, name="case.yaml"):
    (folder / "halls.map").write_text(HALLS)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reads_dynobench_files(tmp_path):
    scenario = load_scenario(write(tmp_path, DYNOBENCH))
    assert scenario.name == "case"
    assert scenario.world.boxes.tolist() == [[2.5, 3.9, 0.1, 1.1]]
    assert scenario.world.bounds.tolist() == [0, 0, 5, 5]
    double, unicycle, sphere = scenario.robots
    assert (double.kind, double.radius, double.limits) == (Kind.DOUBLE_INTEGRATOR, 0.1, Limits(0.5, 2.0))
    assert double.start.tolist() == [1, 1, 0, 0.1, 0] and double.goals.tolist() == [[4, 3]]
    assert double.goal_heading is None
    assert unicycle.radius == math.hypot(0.25, 0.125) and unicycle.limits == Limits(0.5, math.inf, 0.5)
    assert unicycle.start.tolist() == [4, 1.5, 3.14, 0, 0] and unicycle.goal_heading == -1.57
    assert (sphere.kind, sphere.radius, sphere.limits) == (Kind.UNICYCLE, 0.4, Limits(0.5, math.inf, 2.0))
    assert (scenario.horizon, scenario.dt, scenario.sensing_radius) == (60.0, 0.05, 4.0)


def test_reads_our_keys(tmp_path):
    scenario = load_scenario(write(tmp_path, FULL))
    assert (scenario.horizon, scenario.dt, scenario.sensing_radius) == (15.36, 0.03, 0.5)
    assert scenario.world.grid == GridMap.from_movingai(tmp_path / "halls.map", 1.5)
    assert scenario.world.bounds.tolist() == [0.25, 0, 6, 3]
    assert scenario.world.circles.tolist() == [[1, 2, 0.3]]
    first, second = scenario.robots
    assert (first.radius, first.limits) == (0.05, Limits(0.7, 1.0, 2.0))
    assert first.goals.tolist() == [[3, 0.75], [5, 0.75]]
    assert second.limits == Limits(0.5, 3.0, 2.0) and second.goals.tolist() == [[2, 1]]


def test_reads_and_writes_strangers_and_who_ignores_everybody(tmp_path):
    text = DYNOBENCH.replace("robots:", "strangers: {speed: 1.5}\nrobots:")
    text = text.replace("goal: [4,3,0,0]", "goal: [4,3,0,0]\n    ignores: true")
    (tmp_path / "case.yaml").write_text(text)
    scenario = load_scenario(tmp_path / "case.yaml")
    assert scenario.strangers == Strangers(1.5)
    assert [robot.ignores for robot in scenario.robots][:2] == [True, False]
    assert [robot.cooperative for robot in scenario.robots][:2] == [False, True]
    scenario.save(tmp_path / "again.yaml")
    again = load_scenario(tmp_path / "again.yaml")
    assert again.strangers == scenario.strangers and again.robots == scenario.robots
    assert "strangers" not in (tmp_path / "again.yaml").read_text().replace("strangers: {speed: 1.5}", "")


def test_reads_declared_errors_and_writes_those_that_are_declared(tmp_path):
    text = FULL + "errors: {position: 0.01, lag: 1e-1, others: sensed, loss: 0}\n"
    scenario = load_scenario(write(tmp_path, text))
    assert scenario.errors == ErrorBounds(position=0.01, lag=0.1, others="sensed")
    scenario.save(tmp_path / "again.yaml")
    assert "errors: {position: 0.01, lag: 0.1, others: sensed}\n" in (tmp_path / "again.yaml").read_text()
    exact = load_scenario(write(tmp_path, FULL))
    assert exact.errors == EXACT and exact != scenario
    exact.save(tmp_path / "again.yaml")
    assert "errors" not in (tmp_path / "again.yaml").read_text()


def test_a_map_alone_sets_the_bounds(tmp_path):
    text = FULL.replace("  min: [0.25, 0]\n  max: [6, 3]\n", "")
    assert load_scenario(write(tmp_path, text)).world.bounds.tolist() == [0, 0, 6, 3]
    text = text.replace("  cell_size: 1.5\n", "").replace("[5, 0.75]", "[3.5, 0.75]")
    text = text.replace("[5, 1, 0.5]", "[3, 1.5, 0]")
    with pytest.raises(InputError, match=r"robots\[1\].start"):
        load_scenario(write(tmp_path, text))


@pytest.mark.parametrize("text", [DYNOBENCH, FULL])
def test_round_trip_is_exact(tmp_path, text):
    scenario = load_scenario(write(tmp_path, text))
    other = tmp_path / "other"
    other.mkdir()
    for folder in (other, other, tmp_path):
        scenario.save(folder / "case.yaml")
        assert load_scenario(folder / "case.yaml") == scenario
    assert not [name for name in os.listdir(other) if name.endswith(".part")]


def random_scenario(seed):
    """A scenario of all kinds with awkward floats, robots in a row."""
    rng = np.random.default_rng(seed)
    robots = []
    for place in range(rng.integers(1, 6)):
        name = str(rng.choice(list(ROBOT_TYPES)))
        kind = ROBOT_TYPES[name].kind
        limits = Limits(rng.uniform(0.1, 2), rng.uniform(0.1, 5), rng.uniform(0.1, 5))
        if ROBOT_TYPES[name].reduced:
            limits = replace(limits, turn_acceleration=rng.uniform(0.1, 5))
        if name == "car":
            limits = replace(limits, wheelbase=rng.uniform(0.1, 1), steering=rng.uniform(0.1, 1.5))
        heading = rng.uniform(-4, 4) if kind == Kind.UNICYCLE or rng.integers(2) else 0.0
        # A reduced state holds a speed along the heading: what comes back of a velocity is rounded.
        speed = rng.uniform(0, limits.speed) * rng.integers(2) * (not ROBOT_TYPES[name].reduced)
        along = heading if kind == Kind.UNICYCLE else rng.uniform(-4, 4)
        start = [3 * place + 1, rng.uniform(1, 2), heading, speed * math.cos(along), speed * math.sin(along)]
        goals = rng.uniform(1e-7, 2.9, (rng.integers(1, 4), 2))
        end = rng.uniform(-4, 4) if kind == Kind.UNICYCLE and rng.integers(2) else None
        robots.append(RobotSpec(kind, start, goals, rng.uniform(1e-3, 0.5), limits, end, name, bool(rng.integers(4))))
    boxes = [[*rng.uniform(20, 30, 2), *rng.uniform(1e-6, 1, 2)] for _ in range(rng.integers(3))]
    circles = [[*rng.uniform(20, 30, 2), rng.uniform(1e-6, 1)] for _ in range(rng.integers(3))]
    angles = rng.uniform(-4.0, 4.0, len(boxes)) * rng.integers(0, 2, len(boxes))
    world = World(np.array([-rng.uniform(), 0, 40, 40]), np.array(boxes), np.array(circles), angles=angles)
    horizon, dt, sensing_radius = rng.uniform([1, 1e-3, 1], [9, 1, 2])
    bounds = ErrorBounds(*(rng.uniform(0, 1, 10) * rng.integers(0, 2, 10)), str(rng.choice(["heard", "sensed"])))
    errors = bounds if rng.integers(2) else EXACT
    return Scenario(world, tuple(robots), horizon, dt, sensing_radius, "drawn", errors)


def test_random_scenarios_round_trip(tmp_path):
    for seed in range(60):
        scenario = random_scenario(seed)
        scenario.save(tmp_path / "drawn.yaml")
        assert load_scenario(tmp_path / "drawn.yaml") == scenario, seed


@given(st.sampled_from(list(Kind)), st.lists(st.sampled_from([0.0, 1.5, -2.25]), min_size=5, max_size=5))
def test_a_state_survives_its_shortest_list(kind, numbers):
    assert state_from(np.array(numbers_from(np.array(numbers), kind))).tolist() == numbers


DYNOBENCH_2 = """\
name: corridor
environment: {min: [0, 0], max: [9, 9]}
robots:
  - {type: integrator1_2d_v0, start: [1, 1], goal: [5, 1]}
  - {type: integrator2_2d_v0, start: [1, 2, 0, 0.5], goal: [5, 2, 0, 0]}
  - {type: unicycle1_v0, start: [1, 3, 0], goal: [5, 3, 0]}
  - {type: unicycle1_sphere_v0, start: [1, 4, 0], goal: [5, 4, 0]}
  - {type: unicycle2_v0, start: [1, 5, 1.57, -0.25, 0], goal: [5, 5, 0, 0, 0]}
  - {type: unicycle_second_order_0, start: [1, 6, 0], goal: [5, 6, 1.5]}
"""


def test_reads_dynobench_files_under_all_names_of_what_is_driven(tmp_path):
    scenario = load_scenario(write(tmp_path, DYNOBENCH_2))
    assert scenario.name == "corridor"
    single, double, box, sphere, second, other = scenario.robots
    assert (single.kind, single.limits) == (Kind.SINGLE_INTEGRATOR, Limits(0.5))
    assert (double.kind, double.limits) == (Kind.DOUBLE_INTEGRATOR, Limits(0.5, 2.0))
    assert (box.kind, box.radius, box.limits) == (Kind.UNICYCLE, math.hypot(0.25, 0.125), Limits(0.5, math.inf, 0.5))
    assert (sphere.radius, sphere.limits) == (0.4, Limits(0.5, math.inf, 0.5))
    assert second.limits == other.limits == Limits(0.5, 0.25, 0.5, 0.25)
    assert second.start == pytest.approx([1, 5, 1.57, -0.25 * math.cos(1.57), -0.25 * math.sin(1.57)])
    assert second.goal_heading == 0.0 and other.goal_heading == 1.5 and other.start.tolist() == [1, 6, 0, 0, 0]
    assert scenario.notes == ()
    assert [robot.footprint is not None for robot in scenario.robots] == [False, False, True, False, True, True]
    np.testing.assert_allclose(np.ptp(box.footprint, axis=0), [0.5, 0.25])
    scenario.save(tmp_path / "again.yaml")
    again = load_scenario(tmp_path / "again.yaml")
    assert again.name == "corridor" and again.robots[:4] == scenario.robots[:4] and again.robots[5] == other
    assert again.robots[4].start == pytest.approx(second.start, abs=1e-15)
    scenario.save(tmp_path / "corridor.yaml")
    assert "name" not in (tmp_path / "corridor.yaml").read_text()


def test_angles_of_more_than_a_turn_are_said(tmp_path):
    text = """
environment: {min: [0, 0], max: [9, 9], obstacles: [{type: box, center: [7, 7], size: [1, 1], angle: %s}]}
robots:
  - {type: unicycle, start: [1, 1, %s], goal: [5, 1]}
  - {type: unicycle, start: [1, 2, %s], goal: [5, 2, %s]}
"""
    for fine in ((0, 0, 0, 0), (-3.14, 3.14, -6.2831853, 6.2832)):
        assert load_scenario(write(tmp_path, text % fine)).notes == ()
    told = "more than a turn: angles are in radians, 90° are 1.5708"
    assert load_scenario(write(tmp_path, text % (0, 0, 90, 0))).notes == (f"robot 1 has a heading of 90 rad, {told}",)
    several = load_scenario(write(tmp_path, text % (45, -90, 1, 180)))
    assert several.notes == (
        f"robot 0 has a heading of -90 rad (and 1 more so), {told}", f"box 0 is turned by 45 rad, {told}",
    )  # fmt: skip


def test_what_is_not_driven_is_said_first(tmp_path):
    text = "environment: {min: [0, 0, 0], max: [5, 5, 5], obstacles: [{type: octomap}]}\nrobots:\n"
    text += (
        "- {type: integrator2_2d_v0, start: [1, 1, 0, 0], goal: [2, 2, 0, 0]}\n- {type: quad3d_v0, start: [1, 2, 3]}\n"
    )
    with pytest.raises(InputError, match=r"case\.yaml:4: robots\[1\]\.type: got 'quad3d_v0'.*not driven"):
        load_scenario(write(tmp_path, text))


def test_a_box_has_to_fit_at_its_heading_and_a_disc_at_any(tmp_path):
    near = DYNOBENCH.replace("start: [4,1.5,3.14]", "start: [2.87,3,1.57]")
    load_scenario(write(tmp_path, near))
    with pytest.raises(InputError, match=r"robots\[1\].start.*a heading at which its footprint does not overlap"):
        load_scenario(write(tmp_path, near.replace("[2.87,3,1.57]", "[2.87,3,0.46]")))
    beside = DYNOBENCH.replace("start: [4,1.5,3.14]", "start: [1.1,1,1.57]")
    with pytest.raises(InputError, match=r"robots\[0\].start and robots\[1\].start.*does not overlap the other's"):
        load_scenario(write(tmp_path, beside))
    given = near.replace("goal: [1,2.5,-1.57]", "goal: [1,2.5,-1.57]\n    radius: 0.28")
    with pytest.raises(InputError, match=r"nearest is 0.27 m away\)"):
        load_scenario(write(tmp_path, given))


def test_obstacles_and_bounds_with_a_height_are_those_seen_from_above(tmp_path):
    flat = load_scenario(write(tmp_path, DYNOBENCH))
    tall = DYNOBENCH.replace(
        "size: [0.2, 2.2]", "size: [0.2, 2.2, 1.0]\n    - {type: sphere, center: [1, 4, 2], radius: 0.3}"
    )
    tall = tall.replace("max: [5, 5]", "max: [5, 5, 1]")
    found = load_scenario(write(tmp_path, tall)).world
    assert (found.bounds == flat.world.bounds).all() and (found.boxes == flat.world.boxes).all()
    assert found.circles.tolist() == [[1.0, 4.0, 0.3]]


BAD = [
    # What the good file says, what this one says, the place that the error names, what it says about it.
    ("environment:\n", "environment: {\n", ":", "well-formed YAML"),
    ("max: [5, 5]", "max: [5, 5", ":4", "well-formed YAML"),
    ("max: [5, 5]", "max: [5, .nan]", ":3: environment.max[1]", "nan"),
    ("max: [5, 5]", "max: [5, .inf]", ":3: environment.max[1]", "inf"),
    ("max: [5, 5]", "max: [5, 1e308]", ":3: environment.max[1]", "1e+06"),
    ("max: [5, 5]", "max: [5, 1e999]", ":3: environment.max[1]", "1e+06"),
    ("max: [5, 5]", f"max: [5, {'9' * 5000}]", ":3: environment.max[1]", "1e+06"),
    ("max: [5, 5]", "max: [5, five]", ":3: environment.max[1]", "'five'"),
    ("max: [5, 5]", "max: [5, true]", ":3: environment.max[1]", "True"),
    ("max: [5, 5]", "max: [5, '5']", ":3: environment.max[1]", "'5'"),
    ("max: [5, 5]", "max: [5]", ":3: environment.max", "[x, y]"),
    ("max: [5, 5]", "max: 5", ":3: environment.max", "[x, y]"),
    ("max: [5, 5]", "max: [0, 5]", ":3: environment.max", "more than min"),
    ("max: [5, 5]", "min: [5, 5]", ":3: environment.min", "first in line 2"),
    ("  max: [5, 5]\n", "", ":1: environment: max", "required"),
    ("max: [5, 5]", "max: [5, 5]\n  colour: red", ":4: environment.colour", "min, max, obstacles"),
    ("max: [5, 5]", "max: [5, 5]\n  cell_size: 1", ":4: environment.cell_size", "without a map"),
    ("max: [5, 5]", "max: [5, 5]\n  map: none.map", ":4: environment.map", "No such file"),
    ("max: [5, 5]", "max: &a [5, 5]\n  map: *a", ":4: environment.map", "a list of 2"),
    ("max: [5, 5]", "max: *a", ":3: environment.max", "an anchor &a before it"),
    ("max: [5, 5]", "max: &a [5, *a]", ":3: environment.max[1]", "inside of what it stands for"),
    ("max: [5, 5]", "max: !!python/tuple [5, 5]", ":3: environment.max", "without a tag"),
    ("type: box", "type: octomap", ":5: environment.obstacles[0].type", "box, circle or sphere"),
    ("type: box", "type: circle", ":7: environment.obstacles[0].size", "type, center, radius"),
    ("type: box", "kind: box", ":5: environment.obstacles[0].kind", "type, center, size"),
    ("size: [0.2, 2.2]", "size: [0.2, 0]", ":7: environment.obstacles[0].size[1]", "above 0"),
    ("size: [0.2, 2.2]", "size: [0.2, -2]", ":7: environment.obstacles[0].size[1]", "above 0"),
    ("type: double_integrator_0", "type: trailer", ":10: robots[0].type", ", ".join(ROBOT_TYPES)),
    ("type: double_integrator_0", "type: car1_v0", ":10: robots[0].type", "others are not driven"),
    ("type: double_integrator_0", "type: unicycle1_v1", ":10: robots[0].type", "cannot stand still"),
    ("type: double_integrator_0", "type: unicycle2_v0", ":11: robots[0].start", "heading, speed, turn rate"),
    (
        "double_integrator_0\n    start: [1,1,0.1,0]",
        "unicycle2_v0\n    start: [1,1,0,0,0.1]",
        "turn rate",
        "while they turn",
    ),
    ("environment:\n", "name: [1]\nenvironment:\n", ":1: name", "text"),
    ("type: double_integrator_0", "type: [1]", ":10: robots[0].type", "text"),
    ("start: [1,1,0.1,0]", "start: [1,1,0]", ":11: robots[0].start", "[x, y, vx, vy]"),
    ("start: [1,1,0.1,0]", "start: [1,.nan,0,0]", ":11: robots[0].start[1]", "nan"),
    ("start: [1,1,0.1,0]", "start: [1,1,0.6,0]", ":10: robots[0].start", "0.5 m/s"),
    ("start: [1,1,0.1,0]", "start: [5.1,1,0,0]", "robots[0].start", "x 0 to 5 and y 0 to 5"),
    ("start: [1,1,0.1,0]", "start: [2.5,3,0,0]", "robots[0].start", "0.1 m from obstacles"),
    ("start: [1,1,0.1,0]", "start: [2.31,3,0,0]", "robots[0].start", "nearest is 0.09 m"),
    ("start: [1,1,0.1,0]", "start: [1,2.55,0,0]", "robots[0].start and robots[2].start", "0.45 m apart"),
    ("start: [4,1.5,3.14]", "start: [4,1.5]", ":14: robots[1].start", "[x, y, heading]"),
    ("start: [4,1.5,3.14]", "start: [4,1.5,0,0,0.4]", ":13: robots[1].start", "along the unicycle"),
    ("goal: [4,3,0,0]", "goal: [6,3,0,0]", "robots[0].goal", "bounds"),
    ("goal: [4,3,0,0]", "goal: [2.5,3,0,0]", "robots[0].goal", "outside of obstacles"),
    ("goal: [4,3,0,0]", "goals: []", ":12: robots[0].goals", "at least one"),
    ("goal: [4,3,0,0]", "goals: [[4,3,0,0]]", ":12: robots[0].goals[0]", "[x, y]"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    goals: [[1,1]]", ":12: robots[0].goal", "first of goals"),
    ("    goal: [4,3,0,0]\n", "", ":10: robots[0]: goal", "required"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    radius: 0", ":13: robots[0].radius", "above 0"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    limits: {top: 1}", ":13: robots[0].limits.top", "speed (optional)"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    limits: {speed: -1}", ":13: robots[0].limits.speed", "above 0"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    cooperative: 1", ":13: robots[0].cooperative", "true or false"),
    ("robots:", "horizon: 0\nrobots:", ":9: horizon", "above 0"),
    ("robots:", "horizon: 1\ndt: 2\nrobots:", "dt", "at most 1"),
    ("robots:", "robots: 3\nspare:", ":10: spare", "an unknown key"),
    ("robots:", "errors:\n  lag: 0.1\n  slip: -0.1\nrobots:", ":11: errors.slip", "below 1"),
    ("robots:", "strangers:\n  speed: 1\n  acceleration: 0\nrobots:", ":11: strangers.acceleration", "above 0"),
    ("robots:", "strangers: {speed: -1}\nrobots:", ":9: strangers.speed", "0 to 1e+06 m/s"),
    ("robots:", "strangers: {pace: 1}\nrobots:", ":9: strangers.pace", "speed (optional)"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    ignores: 1", ":13: robots[0].ignores", "true or false"),
    ("goal: [4,3,0,0]", "goal: [4,3]\n    cooperative: true\n    ignores: true", ":13: robots[0].cooperative", "false"),
    ("robots:", "errors: {lags: 0.1}\nrobots:", ":9: errors.lags", "lag (optional)"),
    ("robots:", "horizon: [[1, a], {b: ~}]\nrobots:", ":9: horizon", "got [[1.0, 'a'], {'b': None}]; valid: a number"),
    ("robots:", "errors: {others: [heard]}\nrobots:", ":9: errors.others", "got 'a list of 1'; valid: heard or sensed"),
    ("robots:", "errors:\nrobots:", ":9: errors", "a mapping"),
    ("robots:", "? [1]\n: 2\nrobots:", ":9", "plain words"),
    (DYNOBENCH[DYNOBENCH.index("  - type: double") :], "  []\n", "robots", "at least one robot"),
    (DYNOBENCH[DYNOBENCH.index("    start: [1,1,") :], "", ":10: robots[0]: start", "required"),
    (DYNOBENCH[DYNOBENCH.index("robots:") :], "", "robots", "required"),
    (DYNOBENCH, "", "", "mapping"),
    (DYNOBENCH, "just words", ":1", "mapping"),
    (DYNOBENCH, "[" * 100_000, ":1", "32 levels"),
    (DYNOBENCH, "- " * 2000, ":1", "32 levels"),
    (DYNOBENCH, "a: " + "{a: " * 2000, ":1", "32 levels"),
    (DYNOBENCH, "a: 1\n---\nb: 2\n", ":2", "one YAML document"),
    (DYNOBENCH, "a: \x00", "", "well-formed YAML"),
]


@pytest.mark.parametrize(("old", "new", "place", "says"), BAD)
def test_bad_input_names_the_place_and_what_is_valid(tmp_path, old, new, place, says):
    assert DYNOBENCH.count(old) == 1
    path = write(tmp_path, DYNOBENCH.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and place in message and says in message
    assert message.count(str(path)) == 1 and "object at" not in message
    assert len(message) < 1000


def test_bad_files(tmp_path):
    for content in (DYNOBENCH.encode("utf-16"), DYNOBENCH.encode() + b"# caf\xe9"):
        with pytest.raises(InputError, match="UTF-8"):
            load_scenario(write(tmp_path, content))
    assert load_scenario(write(tmp_path, b"\xef\xbb\xbf" + DYNOBENCH.encode())).robots
    with pytest.raises(InputError, match="a folder"):
        load_scenario(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        load_scenario(tmp_path / "missing.yaml")
    with pytest.raises(InputError, match="name of a file"):
        load_scenario("nul\0byte.yaml")
    with open(tmp_path / "case.yaml", "wb") as stream:
        stream.truncate(100_000_000)
    with pytest.raises(InputError, match=r"95\.4 MiB.*at most 16 MiB"):
        load_scenario(tmp_path / "case.yaml")


def test_every_truncation_is_an_input_error_or_a_scenario(tmp_path):
    text = FULL.encode()
    for end in range(0, len(text), 2):
        try:
            load_scenario(write(tmp_path, text[:end]))
        except InputError as error:
            assert str(error).startswith(str(tmp_path))


@given(st.text(alphabet="ab:-[]{}&*!?#'\"|>%@ \n\t1.e~\u00e9", max_size=60))
def test_any_text_is_a_tree_or_an_input_error(text):
    try:
        parse_yaml(text, "x.yaml")
    except InputError as error:
        assert str(error).startswith("x.yaml")


def test_numbers_are_those_of_yaml_1_2():
    tree = parse_yaml("[1e-3, 1E+2, 010, .5, -1., yes, '1', ~, 1_000, 0x1f]", "x").value
    assert [f.value for f in tree] == [1e-3, 100.0, 10.0, 0.5, -1.0, "yes", "1", None, "1_000", "0x1f"]


def test_words_are_those_of_yaml_1_2():
    tree = parse_yaml("[true, True, TRUE, false, False, FALSE, null, Null, NULL, tRue, yes, 'True']", "x").value
    assert [f.value for f in tree] == [*[True] * 3, *[False] * 3, *[None] * 3, "tRue", "yes", "True"]


def test_an_alias_bomb_ends_at_once(tmp_path):
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    with pytest.raises(InputError, match=r":6: a5\[\d\].*the alias \*a4, one too many.*100000 values"):
        load_scenario(write(tmp_path, "\n".join(lines)))
    deep = ["a0: &a0 1", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 40))]
    with pytest.raises(InputError, match=r":33: a32.*at most 32 levels"):
        load_scenario(write(tmp_path, "\n".join(deep)))


@given(st.integers(0, 2**16))
def test_what_pyyaml_writes_with_aliases_is_what_it_writes_without(seed):
    rng = np.random.default_rng(seed)
    shared: list = [[0.5, 1.0], {"speed": 0.5}, "word", [[1.0], {"a": [2.0]}]]
    document = {f"k{i}": [shared[j] for j in rng.integers(len(shared), size=3)] for i in range(4)}
    document["twice"] = [shared[0], shared[0]]
    text = yaml.safe_dump(document)
    assert "*id001" in text and plain(parse_yaml(text, "x")) == document


def test_merge_keys_add_what_is_missing_and_are_bounded_too():
    text = (
        "- &a {type: x, radius: 1, start: [1]}\n- &b {<<: *a, radius: 2}\n- {<<: [*b, {s: 3, type: y}], start: [4]}\n"
    )
    assert plain(parse_yaml(text, "x")) == yaml.safe_load(text)
    with pytest.raises(InputError, match=r"x:2: \[1\]\.<<: got 5.*whose keys are added"):
        parse_yaml("- 1\n- {<<: 5}", "x")
    with pytest.raises(InputError, match="inside of what it stands for"):
        parse_yaml("- &a {<<: *a}", "x")
    bomb = ["a0: &a0 {k: [1,1,1,1,1,1,1,1]}"]
    bomb += [f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: [{','.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 30)]
    with pytest.raises(InputError, match="100000 values"):
        parse_yaml("\n".join(bomb), "x")


def plain(field):
    value = field.value
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list) else value


def test_a_scenario_that_ends_safely_is_no_error(tmp_path):
    """Two robots with one goal, a goal nearer to a wall than the radius, robots that touch."""
    text = DYNOBENCH.replace("goal: [1,2.5,-1.57]", "goal: [4,3,0]")
    text = text.replace("goal: [4,3,0,0]", "goal: [2.35,3,0,0]")
    assert load_scenario(write(tmp_path, text)).robots[0].goals.tolist() == [[2.35, 3]]
    world = World(np.array([0, 0, 1, 1]))
    pair = tuple(
        RobotSpec(Kind.SINGLE_INTEGRATOR, [x, 0.5, 0, 0, 0], [[0, 0]], radius, Limits(1))
        for x, radius in ((0.1, 0.1), (0.4, 0.2))
    )
    assert len(Scenario(world, pair).robots) == 2


def test_overlap_is_found_among_many_robots():
    places = np.stack(np.meshgrid(np.arange(60.0), np.arange(60.0)), axis=-1).reshape(-1, 2)
    places[3599] = places[1234] + [0.0, 0.3]
    robots = [RobotSpec(Kind.SINGLE_INTEGRATOR, [*p, 0, 0, 0], [[0, 0]], 0.2, Limits(1)) for p in places]
    with pytest.raises(InputError, match=r"robots\[1234\].start and robots\[3599\].start.*0.3 m apart"):
        Scenario(World(np.array([0, 0, 60, 60])), tuple(robots))


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"type_name": "unicycle"}, "one of the kind's types"),
        ({"start": [0, 0, 0, 0]}, "RobotSpec.start"),
        ({"start": [0, 0, np.nan, 0, 0]}, r"RobotSpec.start\[2\]"),
        ({"goals": []}, "RobotSpec.goals"),
        ({"radius": np.inf}, "RobotSpec.radius"),
        ({"goal_heading": 1e7}, "RobotSpec.goal_heading"),
        ({"limits": Limits(1.0)}, "RobotSpec.limits.acceleration"),
    ],
)
def test_a_robot_is_checked_on_construction(fields, where):
    good = {"kind": Kind.DOUBLE_INTEGRATOR, "start": [0] * 5, "goals": [[0, 0]], "radius": 0.1}
    good["limits"] = Limits(1, 1)
    assert RobotSpec(**good).type_name == "double_integrator"
    with pytest.raises(InputError, match=where):
        RobotSpec(**{**good, **fields})


def test_saving_never_replaces_another_map(tmp_path):
    scenario = load_scenario(write(tmp_path, FULL))
    other = tmp_path / "other"
    other.mkdir()
    (other / "halls.map").write_text(HALLS.replace("..@.", "...."))
    with pytest.raises(InputError, match="another map"):
        scenario.save(other / "case.yaml")
    assert os.listdir(other) == ["halls.map"]


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = write(tmp_path, DYNOBENCH)
    scenario = load_scenario(path)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        scenario.save(path)
    assert path.read_text() == DYNOBENCH and sorted(os.listdir(tmp_path)) == ["case.yaml", "halls.map"]


SHELVES = GridMap.from_rows([".......", ".S##E..", ".S##E.#", "......#", "#######", "..#...."])


@given(seeds, st.integers(1, 20))
def test_deliveries_alternate_between_pickup_and_delivery(seed, robots):
    scenario = deliveries(SHELVES, robots, np.random.default_rng(seed), 7)
    assert scenario == deliveries(SHELVES, robots, np.random.default_rng(seed), 7)
    cells = SHELVES.cells_at(np.array([robot.start[:2] for robot in scenario.robots]))
    assert len({tuple(cell) for cell in cells}) == robots
    main = SHELVES.largest_component()
    for cell, robot in zip(cells, scenario.robots, strict=True):
        assert main[tuple(cell)] and np.array_equal(robot.start[:2], SHELVES.centre(cell))
        visited = [tuple(cell), *map(tuple, SHELVES.cells_at(robot.goals))]
        assert all(a != b for a, b in itertools.pairwise(visited))
        symbols = [SHELVES.symbols[row][col] for row, col in visited[1:]]
        assert symbols == ["S", "E", "S", "E", "S", "E", "S"]


@given(seeds)
def test_deliveries_without_two_symbols(seed):
    rng = np.random.default_rng(seed)
    only = GridMap.from_rows(["E..", "..E", "#.."])
    for robot in deliveries(only, 3, rng, 6).robots:
        assert all(only.symbols[row][col] == "E" for row, col in only.cells_at(robot.goals))
    plain = GridMap.from_rows(["...", "##.", "S#."])
    reached = {tuple(c) for r in deliveries(plain, 5, rng, 30).robots for c in plain.cells_at(r.goals)}
    assert reached == set(map(tuple, np.argwhere(plain.largest_component())))


def test_who_delivers_fits_side_by_side_in_cells_of_any_size():
    for size, radius in ((0.1, 0.025), (0.5, 0.125), (1.0, 0.25), (3.0, 0.25)):
        grid = GridMap.from_rows(("....", "...."), cell_size=size)
        assert {robot.radius for robot in deliveries(grid, 8, np.random.default_rng(0)).robots} == {radius}


def test_deliveries_that_cannot_be_drawn():
    rng = np.random.default_rng(0)
    for robots in (0, 23):
        with pytest.raises(InputError, match="1 to 22"):
            deliveries(SHELVES, robots, rng)
    with pytest.raises(InputError, match="at least 2 cells"):
        deliveries(GridMap.from_rows([".#."]), 1, rng)
    with pytest.raises(InputError, match="1 to 0"):
        deliveries(GridMap.from_rows(["##"]), 1, rng)
    with pytest.raises(InputError, match=r"start"):
        deliveries(SHELVES, 1, rng, radius=0.6)


@pytest.mark.parametrize(
    ("velocity", "place"),
    [((0.5, 0.0), (4.8, 2.0)), ((0.5, 0.0), (2.85, 2.0)), ((0.0, 0.5), (1.0, 2.8))],
    ids=["into the bounds", "into a box", "into a robot"],
)
def test_a_start_from_which_braking_comes_too_late_is_an_error(velocity, place) -> None:
    limits = Limits(0.5, acceleration=0.5)
    world = World(np.array([0.0, 0.0, 5.0, 5.0]), np.array([[3.1, 2.0, 0.1, 0.1]]))
    other = RobotSpec(Kind.DOUBLE_INTEGRATOR, np.array([1.0, 3.1, 0, 0, 0]), np.array([[1.0, 4.0]]), 0.1, limits)

    def scenario(vx: float, vy: float) -> Scenario:
        start = np.array([*place, 0.0, vx, vy])
        moving = RobotSpec(Kind.DOUBLE_INTEGRATOR, start, np.array([[4.0, 4.0]]), 0.1, limits)
        return Scenario(world, (other, moving))

    scenario(0.0, 0.0)
    with pytest.raises(InputError, match=r"robots\[1\]\.start.*brake in time"):
        scenario(*velocity)


@pytest.mark.parametrize("tiny", [5e-324, 1e-300, 9e-5])
def test_what_is_too_small_for_a_robot_is_refused_at_once(tiny: float) -> None:
    start, goals, world = np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([[4.0, 4.0]]), World(np.array([0.0, 0, 5, 5]))
    robot = RobotSpec(Kind.UNICYCLE, start, goals, 0.1, Limits(1.0, turn_rate=1.0))
    scenario = Scenario(world, (robot,), horizon=1.0, dt=0.1, sensing_radius=1.0)
    makers: list[Callable[[], object]] = [
        lambda: replace(robot, radius=tiny), lambda: replace(robot, limits=Limits(tiny, turn_rate=1.0)),
        lambda: replace(robot, limits=Limits(1.0, turn_rate=tiny)),
        lambda: RobotSpec(Kind.DOUBLE_INTEGRATOR, start, goals, 0.1, Limits(1.0, tiny)),
        lambda: replace(scenario, horizon=tiny), lambda: replace(scenario, dt=tiny),
        lambda: replace(scenario, sensing_radius=tiny), lambda: robot.body(dt=tiny, sensing_radius=1.0),
    ]  # fmt: skip
    for make in makers:
        with pytest.raises(InputError, match=r"valid: a number of at least 0\.0001$"):
            make()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda spec: replace(spec, kind="unicycle"),
            r"RobotSpec\.kind: got 'unicycle'; valid: swarm\.Kind\.SINGLE_INT",
        ),
        (lambda spec: replace(spec, limits=1.0), r"RobotSpec\.limits: got 1\.0; valid: a swarm\.Limits"),
        (lambda spec: replace(spec.limits, speed="1.0"), r"limits\.speed: got '1\.0'; valid: a number above 0"),
        (lambda spec: replace(spec.limits, speed=None), r"limits\.speed: got None; valid: a number above 0"),
        (lambda spec: replace(spec.limits, wheelbase="0.3"), r"wheelbase: got '0\.3'; valid: a number above 0"),
        (lambda spec: spec.body(dt="0.1", sensing_radius=1.0), r"robot dt: got '0\.1'; valid: a finite number above 0"),
        (lambda spec: spec.body(dt=0.1, sensing_radius=None), r"robot sensing_radius: got None"),
        (lambda spec: spec.body(dt=0.1, sensing_radius=1.0, margin="0"), r"robot margin: got '0'"),
        (lambda spec: spec.body(dt=True, sensing_radius=1.0), r"robot dt: got True"),
    ],
)
def test_what_is_no_number_is_refused_as_such(make: Callable[[Any], object], said: str) -> None:
    spec = RobotSpec(Kind.UNICYCLE, np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([[4.0, 4.0]]), 0.1,
                     Limits(1.0, turn_rate=1.0))  # fmt: skip
    with pytest.raises(InputError, match=said):
        make(spec)
