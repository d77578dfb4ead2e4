"""Control processes whose bodies are not exact, as is declared: what they predict of themselves, and tell."""

import math
from dataclasses import replace

import numpy as np
import pytest
from oracles.control_world import DOUBLE, SCENARIO, LateWorld, World

from swarm.model.body import RADIUS
from swarm.runtime.fleet_file.braking import JUMPED, NO_MOTION, OLD_STATE, UNCERTAIN
from swarm.runtime.link.estop import EmergencyStop
from swarm.runtime.link.report_codec import encode
from swarm.runtime.watchdog import MAY_MOVE
from swarm.sense.neighbours import N_BODY_X
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


@pytest.mark.parametrize("scenario", [SCENARIO, DOUBLE])
def test_robots_tell_where_they_will_be_and_are_believed(tmp_path, scenario):
    """Also where the driver sent something else than the mind wanted, and where a robot brakes."""
    world = LateWorld(tmp_path, LATE, scenario)
    told, seen = [{}, {}], []
    for k in range(260):
        if k == 200:
            world.wishes[1].append(EmergencyStop(True, 5))
        world.run(0.05)
        for i, mind in enumerate(world.minds):
            told[1 - i] |= {one.report.sequence - 1: one.report.ahead for one in mind.inbox.heard(world.time)}
        seen.append(world.last[0].belief.neighbours)
    assert world.last[1].reason == "emergency stop" and not world.minds[0].rejected["out of range"]
    for i in range(2):
        true = np.array(world.true[i])
        # What a robot tells in period k is of a period after a command that begins to act after the dead time.
        gaps = [np.abs(true[k + world.steps + 1] - ahead[:5]).max() for k, ahead in told[i].items() if k < 255]
        assert len(gaps) > 50 and max(gaps) < 1e-9
    gap = min(math.hypot(*(a[:2] - b[:2])) for a, b in zip(*map(np.array, world.true), strict=True))
    radii = sum(mind.robot.body[RADIUS] for mind in world.minds)
    assert gap > radii and max(len(rows) for rows in seen) == 1


def test_without_errors_reports_and_rows_are_as_before(tmp_path):
    world = World(tmp_path)
    world.run(2.0)
    (heard,) = world.minds[0].inbox.heard(world.time)
    assert heard.report.ahead == () and encode(heard.report)[3] == 0
    assert not world.last[0].belief.neighbours[:, N_BODY_X:].any() and world.minds[0].handshakes.own.minor == 0


DOUBTED = "{age: 0.05, dead_time: 0.1, lag: 0.1, position: 0.01, heading: 0.02}"


def test_who_does_not_move_though_told_brakes_and_goes_on_when_freed(tmp_path):
    world = LateWorld(tmp_path, DOUBTED)
    world.run(2.0)
    body, held = world.minds[0]._driver, world.states[0].copy()
    free, world.measured = world.measured, lambda i: held.copy() if i == 0 else free(i)
    reasons = set()
    for _ in range(50):
        world.run(0.05)
        reasons.add(world.last[0].reason)
        assert world.last[0].reason == MAY_MOVE or not body.world.controls[0].any()
    assert reasons == {MAY_MOVE, NO_MOTION}


@pytest.mark.parametrize(("errors", "reason"), [(DOUBTED, JUMPED), ("{}", MAY_MOVE)])
def test_a_pose_that_jumps_brakes(tmp_path, errors, reason):
    world = LateWorld(tmp_path, errors) if errors != "{}" else World(tmp_path)
    world.run(2.0)
    assert world.last[0].reason == MAY_MOVE
    free = world.measured
    world.measured = lambda i: free(i) + np.array([0.0, 0.4, 0.0, 0.0, 0.0]) if i == 0 else free(i)
    world.run(0.05)
    assert world.last[0].reason == reason and (reason == MAY_MOVE or not world.controls[0].any())


def test_what_a_body_says_of_its_certainty_and_what_its_driver_doubts_brakes(tmp_path):
    world = LateWorld(tmp_path, DOUBTED)
    world.run(2.0)
    body = world.minds[0]._driver
    body.deviation = 0.004, 0.0
    world.run(0.05)
    assert world.last[0].reason == UNCERTAIN and not world.controls[0].any()
    body.deviation, body.doubt = None, "stamp in the future"
    world.run(0.05)
    assert world.last[0].reason == "stamp in the future" and not world.controls[0].any()
    body.doubt = ""
    world.run(0.05)
    assert world.last[0].reason == MAY_MOVE


def test_a_state_that_is_older_than_declared_brakes(tmp_path):
    world = LateWorld(tmp_path, DOUBTED)
    world.run(2.0)
    free = world.clock
    body = world.minds[0]._driver
    read = body.read
    body.read = lambda: replace(read(), measured=free() - 0.07)
    world.run(0.05)
    assert world.last[0].reason == OLD_STATE and not world.controls[0].any()
