"""Fleet files: what is read, and one clear error, with its place, for each thing that can be wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import envs
from swarm.errors import InputError
from swarm.model.body import ERROR
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.strangers import UNKNOWN, Strangers
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.mind import mind_of
from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import deliveries

SHIPPED = Path(envs.__file__).parent / "fleets" / "warehouse16.yaml"
SCENARIO = """\
environment: {min: [0, 0], max: [9, 9]}
robots:
  - {type: unicycle, start: [1, 1, 0], goals: [[8, 1], [1, 1]], radius: 0.25, limits: {speed: 1, turn_rate: 4}}
  - {type: unicycle, start: [1, 4, 0], goal: [8, 4], radius: 0.25, limits: {speed: 1, turn_rate: 4}}
"""
FLEET = """\
fleet: two
scenario: two_robots.yaml
planner: auto
controller: fixed:2,1
margin: 0.02
driver: bullet
endpoints: 17400
physics: 127.0.0.1:17390
"""


@pytest.fixture
def load(tmp_path):
    (tmp_path / "two_robots.yaml").write_text(SCENARIO)
    (tmp_path / "two_carts.yaml").write_text("{acceleration: 0.3, speed".join(SCENARIO.rsplit("{speed", 1)))
    (tmp_path / "keys").mkdir()

    def load(old="", new=""):
        assert old in FLEET
        (tmp_path / "fleet.yaml").write_text(FLEET.replace(old, new) if old else FLEET + new)
        return load_fleet(tmp_path / "fleet.yaml")

    return load


def test_the_shipped_fleet_is_the_one_that_the_simulation_draws():
    fleet = load_fleet(SHIPPED)
    grid = GridMap.from_movingai(SHIPPED.parents[1] / "maps" / "warehouse.map")
    drawn = deliveries(grid, 16, np.random.default_rng(0), goals_per_robot=308, horizon=300.0)
    assert fleet.scenario == drawn
    assert (fleet.name, fleet.driver, fleet.planner, fleet.physics) == (
        "warehouse16", "bullet", "cells", ("127.0.0.1", 17390),
    )  # fmt: skip
    assert fleet.endpoints[15] == "tcp/127.0.0.1:17415" and len(set(fleet.endpoints)) == 16
    roster = fleet.roster()
    assert list(roster) == list(range(16)) and roster[3].bounds == tuple(drawn.world.bounds)


def test_auto_reserves_passages_where_two_robots_of_the_fleet_cannot_pass_each_other():
    fleet = load_fleet(SHIPPED.with_name("rooms8.yaml"))
    assert fleet.planner == "passages" and len(fleet.scenario.robots) == 8


def test_reads_a_scenario_beside_it_and_endpoints_of_each(load, tmp_path):
    fleet = load("endpoints: 17400", "endpoints: {0: tcp/127.0.0.1:2000, 1: tcp/127.0.0.2:2000}")
    assert fleet.endpoints == ("tcp/127.0.0.1:2000", "tcp/127.0.0.2:2000")
    assert fleet.planner == "roadmap" and len(fleet.scenario.robots) == 2
    assert fleet.log is None and load(new="log: logs\n").log == tmp_path / "logs"
    assert load("physics: 127.0.0.1:17390", "keys: keys\nphysics: 127.0.0.1:17390").endpoints[0].startswith("tls/")
    assert load("driver: bullet", "driver: my.robot:Base").driver == "my.robot:Base"


def test_declared_errors_are_the_fleet_files_or_else_the_scenarios(load, tmp_path):
    assert load().errors == EXACT
    assert load(new="errors: {position: 0.01, others: sensed}\n").errors == ErrorBounds(position=0.01, others="sensed")
    (tmp_path / "two_robots.yaml").write_text(SCENARIO + "errors: {lag: 0.1}\n")
    assert load().errors == load().scenario.errors == ErrorBounds(lag=0.1)
    assert load(new="errors: {slip: 0.1}\n").errors == ErrorBounds(slip=0.1)
    assert load(new="errors: {}\n").errors == EXACT


def test_declared_strangers_are_the_fleet_files_or_else_the_scenarios(load, tmp_path):
    assert load().strangers == UNKNOWN
    assert load(new="strangers: {speed: 1.5}\n").strangers == Strangers(1.5)
    (tmp_path / "two_robots.yaml").write_text(SCENARIO + "strangers: {acceleration: 2}\n")
    assert load().strangers == load().scenario.strangers == Strangers(acceleration=2.0)
    robot = mind_of(load(), 1)
    assert robot.robot.strangers == Strangers(acceleration=2.0)
    assert robot.handshake.digest != mind_of(load(new="strangers: {speed: 1}\n"), 0).handshake.digest
    with pytest.raises(InputError, match=r"yaml:9: strangers.speed.*0 to 1e\+06 m/s"):
        load(new="strangers: {speed: fast}\n")


def test_the_clock_of_a_body_is_the_same_or_its_own(load):
    fleet = load(new="errors: {age: 0.05, heading: 0.1}\n")
    assert [fleet.clock_of(robot) for robot in range(2)] == ["same", "same"] and fleet.errors_of(1) == fleet.errors
    other = load(new="errors: {age: 0.05, heading: 0.1}\nclock: {1: base}\n")
    assert [other.clock_of(robot) for robot in range(2)] == ["same", "base"]
    assert other.errors_of(0) == other.errors == fleet.errors
    assert other.errors_of(1) == replace(fleet.errors, age=0.05 + other.scenario.dt), "a period later than the quickest"
    assert other.roster()[1].body[ERROR] > fleet.roster()[1].body[ERROR] == other.roster()[0].body[ERROR]
    assert load(new="clock: base\n").clock_of(0) == "base" and load(new="clock: base\n").errors_of(0) == EXACT


WRONG = [
    ("fleet: two", "fleet: Two", "yaml:1: fleet", "a-z"),
    ("fleet: two", "fleets: two", "yaml:1: fleets", "unknown key"),
    ("margin: 0.02\n", "", "margin", "required"),
    ("margin: 0.02", "margin: -0.1", "yaml:5: margin", "0 or more"),
    ("margin: 0.02", "margin: .nan", "yaml:5: margin", "number"),
    ("margin: 0.02", "margin: 0.02\npatience: 0.01", "yaml:6: patience", "0.05 to 60 s"),
    ("margin: 0.02", "margin: 0.02\npatience: .inf", "yaml:6: patience", "number"),
    ("margin: 0.02", "margin: 2", "yaml:5: margin", "more than twice"),
    ("two_robots.yaml", "none.yaml", "yaml:2: scenario", "none.yaml"),
    ("two_robots.yaml", "two_carts.yaml", "yaml:5: margin: robots[1]: limits.acceleration", "none, or a margin"),
    ("scenario: two_robots.yaml", "deliveries: {map: none.map, robots: 2}", "yaml:2: deliveries.map", "none.map"),
    ("scenario: two_robots.yaml", "deliveries: {map: a.map, robots: 2.5}", "yaml:2: deliveries.robots", "whole"),
    ("scenario: two_robots.yaml\n", "", "yaml:1: the file", "either scenario"),
    ("planner: auto", "planner: cells", "yaml:3: planner", "grid map"),
    ("planner: auto", "planner: cells:pibt", "yaml:3: planner", "grid map"),
    ("planner: auto", "planner: best", "yaml:3: planner", "roadmap"),
    ("driver: bullet", "driver: os.system", "yaml:6: driver", "bullet, replay, ros2, or my_file.py:NAME"),
    ("driver: bullet", "driver: nobody.py:Base", "yaml:6: driver", "of a file that is there (looked for"),
    ("driver: bullet", "driver: replay", "yaml:6: driver", "recording"),
    ("physics: 127.0.0.1:17390\n", "", "yaml:6: driver", "physics"),
    ("physics: 127.0.0.1:17390", "physics: 10.0.0.1:17390", "yaml:8: physics", "this machine"),
    ("physics: 127.0.0.1:17390", "physics: localhost:17390", "yaml:8: physics", "IPv4"),
    ("physics: 127.0.0.1:17390", "physics: 127.0.0.1:17401", "yaml:8: physics", "another port"),
    ("endpoints: 17400", "endpoints: 80", "yaml:7: endpoints", "1024"),
    ("endpoints: 17400", "endpoints: 65535", "yaml:7: endpoints", "65534"),
    ("endpoints: 17400", "endpoints: {0: tcp/127.0.0.1:2000}", "yaml:7: endpoints: 1", "required"),
    ("endpoints: 17400", "endpoints: {0: tcp/127.0.0.1:2000, 1: tcp/127.0.0.1:2000}", "endpoints.1", "robot 0"),
    ("endpoints: 17400", "endpoints: {0: udp/127.0.0.1:2000, 1: tcp/127.0.0.1:2}", "yaml:7: endpoints.0", "tcp/"),
    ("endpoints: 17400", "endpoints: {0: tcp/10.0.0.1:2000, 1: tcp/127.0.0.1:2}", "yaml:7: endpoints.0", "TLS"),
    ("endpoints: 17400", "endpoints: {0: tcp/127.0.0.1:99999, 1: tcp/127.0.0.1:2}", "yaml:7: endpoints.0", "65535"),
    ("", "keys: none\n", "yaml:9: keys", "a folder"),
    ("", "errors:\n  lag: 0.1\n  age: -1\n", "yaml:11: errors.age", "0 to 60 s"),
    ("", "errors: {ages: 1}\n", "yaml:9: errors.ages", "age (optional)"),
    ("", "errors: none\n", "yaml:9: errors", "a mapping"),
    ("", "errors: {age: 1.1}\n", "yaml:9: errors: errors.age", "at most 1 s"),
    ("", "errors: {lag: 0.6}\n", "yaml:9: errors: robots[0]: errors.lag", "at most 0.5 s at a turn rate of 4 rad/s"),
    ("", "errors: {position: 3}\n", "yaml:9: errors: robots[0]: sensing_radius", "(6.5 m)"),
    ("", "clock: wall\n", "yaml:9: clock", "same or base"),
    ("", "clock: {0: 1}\n", "yaml:9: clock.0", "same or base"),
    ("", "clock: {2: base}\n", "yaml:9: clock.2", "unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "valid"), WRONG)
def test_what_is_wrong_is_named_with_its_place(load, old, new, place, valid):
    with pytest.raises(InputError) as caught:
        load(old, new)
    text = str(caught.value)
    assert "fleet.yaml" in text and place in text and valid in text, text


def test_a_file_of_another_format_is_called_by_its_name(tmp_path):
    (tmp_path / "robots.yaml").write_text(SCENARIO)
    with pytest.raises(InputError, match=r"robots.yaml: got 'a scenario \(YAML of .*'; valid: a fleet file \(YAML\)"):
        load_fleet(tmp_path / "robots.yaml")
