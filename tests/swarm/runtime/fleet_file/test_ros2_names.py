"""The key ros2 of a fleet file: names of ROS 2 for each robot, and one clear error for what cannot be one."""

from pathlib import Path

import pytest

import envs
from swarm.errors import InputError
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.fleet_file.ros2_names import Ros2

SHIPPED = Path(envs.__file__).parent / "fleets" / "ros2_pair.yaml"


@pytest.fixture
def load(tmp_path):
    floor = SHIPPED.with_name("ros2_pair_floor.yaml")
    head = SHIPPED.read_text().partition("ros2:\n")[0].replace("ros2_pair_floor.yaml", str(floor))

    def load(mapping):
        (tmp_path / "fleet.yaml").write_text(head + mapping)
        return load_fleet(tmp_path / "fleet.yaml")

    return load


def test_the_shipped_pair_has_names_of_its_own_for_each_robot():
    fleet = load_fleet(SHIPPED)
    assert [robot.goals[:, 0].tolist() for robot in fleet.scenario.robots] == [[5, 1], [5, 5, 1]]
    assert fleet.ros2 == Ros2(stamped=True, origin="start")
    assert fleet.ros2.of(1) == Ros2(
        namespace="/robot1", odom="/robot1/odom", cmd_vel="/robot1/cmd_vel", stamped=True, origin="start"
    )


def test_everything_has_a_default_and_the_number_goes_everywhere(load):
    assert load("ros2: {}\n").ros2 == Ros2() and Ros2().router == "tcp/127.0.0.1:7447"
    topics = "namespace: /, odom: '/r{id}/base/odom', cmd_vel: '/r{id}/cmd_vel'"
    found = load(f"ros2: {{{topics}, odom_frame: 'r{{id}}/odom', domain: 7}}\n").ros2.of(1)
    assert (found.namespace, found.odom, found.cmd_vel) == ("/", "/r1/base/odom", "/r1/cmd_vel")
    assert (found.odom_frame, found.base_frame, found.domain, found.stamped) == ("r1/odom", "base_link", 7, False)
    assert load("ros2: {namespace: 'a/b{id}', odom: x/y}\n").ros2.of(0).odom == "/a/b0/x/y"
    assert not Ros2().use_sim_time and load("ros2: {use_sim_time: true}\n").ros2.of(1).use_sim_time


@pytest.mark.parametrize(
    ("mapping", "place", "valid"),
    [
        ("", "yaml:8: driver", "the key ros2"),
        ("ros2: []", "yaml:10: ros2", "mapping"),
        ("ros2: {topic: odom}", "ros2.topic", "unknown key"),
        ("ros2: {router: tcp/10.0.0.1:7447}", "ros2.router", "same computer"),
        ("ros2: {router: tcp/127.0.0.1:74470}", "ros2.router", "PORT"),
        ("ros2: {router: udp/127.0.0.1:7447}", "ros2.router", "tcp/"),
        ("ros2: {domain: 233}", "ros2.domain", "0 to 232"),
        ("ros2: {domain: 0.5}", "ros2.domain", "whole"),
        ("ros2: {namespace: robot}", "ros2.namespace", "{id}"),
        ("ros2: {namespace: 'robot {id}'}", "ros2.namespace", "name of ROS 2"),
        ("ros2: {namespace: '{id}'}", "ros2.namespace", "name of ROS 2"),
        ("ros2: {namespace: 'robot{id}/**'}", "ros2.namespace", "name of ROS 2"),
        ("ros2: {cmd_vel: /cmd_vel}", "ros2.cmd_vel", "differ"),
        ("ros2: {odom: odom/}", "ros2.odom", "name of ROS 2"),
        ("ros2: {odom_frame: /odom}", "ros2.odom_frame", "tf2"),
        ("ros2: {stamped: 1}", "ros2.stamped", "true or false"),
        ("ros2: {use_sim_time: 1}", "ros2.use_sim_time", "true or false"),
        ("ros2: {origin: map}", "ros2.origin", "world or start"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(load, mapping, place, valid):
    with pytest.raises(InputError) as caught:
        load(mapping + "\n")
    text = str(caught.value)
    assert "fleet.yaml" in text and place in text and valid in text, text
