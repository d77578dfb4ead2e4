"""Control processes whose bodies are not exact, as is declared: what they predict of themselves, and tell."""

import numpy as np
import pytest
from oracles.control_world import DOUBLE, SCENARIO, LateWorld

from swarm.runtime.link.estop import EmergencyStop
from swarm.sense.view import View

LATE = "{age: 0.05, dead_time: 0.1, lag: 0.1}"


@pytest.mark.parametrize("scenario", [SCENARIO, DOUBLE])
def test_a_robot_knows_where_it_is_when_its_command_acts(tmp_path, scenario):
    """Whatever was sent, also where it was told to brake: states that are predicted are those that come true."""
    world = LateWorld(tmp_path, LATE, scenario)
    world.run(4.0)
    for wishes in world.wishes:
        wishes.append(EmergencyStop(True, 5))
    world.run(1.5)
    assert {one.reason for one in world.last} == {"emergency stop"}
    for i in range(2):
        true, predicted = np.array(world.true[i]), np.array(world.predicted[i])
        assert np.abs(true[world.steps :] - predicted[: -world.steps]).max() < 1e-9
        assert np.linalg.norm(true[-1, :2] - true[0, :2]) > 0.3, "it drove"
        assert np.linalg.norm(true[-1, 3:]) < 0.01, "it stands"


def test_what_was_sent_counts_and_not_what_was_wanted(tmp_path, monkeypatch):
    """A body takes less than it is asked for, and periods are missed: the robot goes by what the driver says."""
    world = LateWorld(tmp_path, LATE)
    body = world.minds[0]._driver
    write = body.write
    monkeypatch.setattr(body, "write", lambda control: write(np.array([0.5, 0.5]) * control))
    world.run(3.0)
    true, predicted = np.array(world.true[0]), np.array(world.predicted[0])
    assert np.abs(true[world.steps :] - predicted[: -world.steps]).max() < 1e-9
    assert np.linalg.norm(true[-1, :2] - true[0, :2]) > 0.2


def test_the_same_view_in_another_period_is_another_moment(tmp_path):
    """The planner's time may stand still, and a body may measure the same again: what was sent tells the periods."""
    robot = LateWorld(tmp_path, LATE).minds[0].robot
    start = robot.believed(View(0.0, [1.0, 4.0, 0.0, 0.0, 0.0], (7.0, 4.0), measured=-0.05)).state[0]
    places = []
    for _ in range(4):
        view = View(0.0, [1.0, 4.0, 0.0, 0.0, 0.0], (7.0, 4.0), measured=-0.05)
        places.append(robot.believed(view).state[0])
        robot.sent(np.array([0.5, 0.0]))
        assert robot.believed(view).state[0] == places[-1], "what was decided on can still be explained"
    assert places[0] == start < places[1] < places[2] < places[3]


def test_a_period_without_a_state_counts(tmp_path):
    """Then the body goes on as it was told, or brakes by itself, and the next state is predicted from that."""
    measured, found = np.array([1.0, 4.0, 0.0, 0.5, 0.0]), {}
    for told in ((0.5, 0.0), (0.0, 0.0), None):
        robot = LateWorld(tmp_path, LATE).minds[0].robot
        for k in range(5):
            if k != 3:
                last = robot.believed(View(0.05 * k, measured, (7.0, 4.0), measured=0.05 * (k - 1))).state[0]
            robot.sent(np.array((0.5, 0.0)) if k != 3 or told == (0.5, 0.0) else told and np.array(told))
        found[told] = last
    assert found[None] == found[0.0, 0.0] < found[0.5, 0.0] - 0.01
