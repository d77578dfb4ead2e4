"""What the body senses is who reports, if it can be; nobody is believed to be where he is not sensed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.model.body import REACH, YIELDS, body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.strangers import NOBODY, UNKNOWN, Strangers
from swarm.runtime.belief import believe
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Heard
from swarm.runtime.link.report_codec import Report
from swarm.runtime.sensing import S_VX, SILENCE, SLACK, recognise
from swarm.sense.messages import Message
from swarm.sense.neighbours import N_ACCELERATION, N_ERROR, N_ID, N_PACE, N_PUSH, N_RADIUS, N_REACH, N_X, N_Y

LIMITS = Limits(1.0, turn_rate=4.0)
BODY = body_of(Kind.UNICYCLE, 0.3, LIMITS, dt=0.05, sensing_radius=3.0)
SLOW = body_of(Kind.DOUBLE_INTEGRATOR, 0.2, Limits(0.5, acceleration=0.8), dt=0.05, sensing_radius=3.0)
ROSTER = {k: Peer(Kind.UNICYCLE, BODY, (0.0, 0.0, 50.0, 50.0)) for k in range(5)}
ROSTER[5] = Peer(Kind.DOUBLE_INTEGRATOR, SLOW, (0.0, 0.0, 50.0, 50.0))
ME = np.array([10.0, 10.0, 0.0, 0.0, 0.0])


def heard(robot, x, y, age=0.1):
    message = Message(robot, 0.0, (x + 1.0, y), 0.25, 0.75)
    return Heard(Report(robot, 1, 1, 0, (x, y, 0.0, 0.0, 0.0), 0.0, (9.0, 9.0), True, False, (), message), age)


def seen(*places):
    return np.array([[x, y, 0.0, 0.0, 0.3] for x, y in places]).reshape(-1, 5)


def test_each_sensed_robot_is_the_nearest_that_reports_to_be_there():
    told = [heard(1, 11.0, 10.0), heard(2, 11.1, 10.0), heard(3, 12.0, 9.0, age=SILENCE + 0.1)]
    assert recognise(seen((11.09, 10.0), (11.0, 10.0), (12.0, 9.0), (8.0, 8.0)), told, ROSTER) == [1, 0, -1, -1]
    assert recognise(seen(), told, ROSTER) == []


def test_a_robot_can_only_be_where_it_can_have_driven():
    far = 11.0 + 0.1 * 1.0 + SLACK
    assert recognise(seen((far - 0.01, 10.0)), [heard(1, 11.0, 10.0)], ROSTER) == [0]
    assert recognise(seen((far + 0.01, 10.0)), [heard(1, 11.0, 10.0)], ROSTER) == [-1]


def test_who_is_recognised_keeps_its_name_and_who_is_not_is_a_stranger_with_the_worst_limits():
    near = seen((11.02, 10.0), (10.0, 12.0))
    belief = believe(ROSTER[0], ME, [heard(1, 11.0, 10.0)], ROSTER, 0.05, near, strangers=NOBODY)
    assert belief.neighbours[:, N_ID].tolist() == [1, -1] and belief.neighbours[0, N_X] == 11.02
    assert belief.strangers.tolist() == [[10.0, 12.0]]
    stranger = belief.neighbours[1]
    assert stranger[N_ACCELERATION] == pytest.approx(0.8) and stranger[N_RADIUS] == 0.3
    assert stranger[N_REACH] == max(BODY[REACH], SLOW[REACH])


def test_who_does_not_answer_is_a_stranger_whose_reach_grows_with_the_age_of_the_scan():
    near = seen((11.02, 10.0), (10.0, 12.0))
    near[1, S_VX] = 0.6
    for news_age in (0.0, 1.0):  # what it tells is old, but it answers
        news = [heard(1, 11.0, 10.0, news_age)]
        for age, declared in ((0.0, UNKNOWN), (0.2, UNKNOWN), (0.2, Strangers(0.7, 2.0)), (0.2, Strangers(1.5))):
            belief = believe(ROSTER[0], ME, news, ROSTER, 0.05, near, age=age, strangers=declared)
            ours, stranger = belief.neighbours
            assert ours[N_X] == 11.02 and ours[N_PACE] == ours[N_PUSH] == 0.0
            push = 1.0 if declared == UNKNOWN else declared.acceleration or math.inf
            most = declared.speed or math.inf
            fine = np.linspace(0.0, age, 20_001)
            speed = np.minimum(0.6 + push * fine, most) if math.isfinite(push) else np.full_like(fine, most)
            way = np.trapezoid(speed, fine)
            assert stranger[N_ERROR] == pytest.approx(way, abs=1e-6)
            assert stranger[N_PACE] == pytest.approx(most if math.isinf(push) else min(0.6 + push * age, most))
            assert stranger[N_REACH] >= stranger[N_ERROR] + 0.05 * stranger[N_PACE] - 1e-12


def test_a_robot_of_the_roster_that_ignores_everybody_is_a_stranger_whether_sensed_or_heard():
    body = BODY.copy()
    body[YIELDS] = -1.0
    roster = ROSTER | {1: Peer(ROSTER[1].kind, body, ROSTER[1].bounds)}
    for sensed in (None, seen((11.0, 10.0))):
        for team, push in ((ROSTER, 0.0), (roster, 1.0)):
            belief = believe(team[0], ME, [heard(1, 11.0, 10.0)], team, 0.05, sensed)
            assert belief.neighbours[0, N_PUSH] == push


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 1.0, 5.0, math.inf]))
def test_no_report_moves_anybody_from_where_it_is_sensed(seed, age):
    rng = np.random.default_rng(seed)
    places = rng.uniform(7.5, 12.5, (4, 2))
    lies = [heard(1 + k, *(place + rng.normal(0.0, rng.choice([0.01, 0.2, 3.0]), 2)), age)
            for k, place in enumerate(places)]  # fmt: skip
    belief = believe(ROSTER[0], ME, lies, ROSTER, 0.05, seen(*places))
    near = places[np.linalg.norm(places - ME[:2], axis=1) <= 3.0]
    found = belief.neighbours[:, [N_X, N_Y]]
    assert sorted(found.tolist()) == sorted(near.tolist()) and (belief.neighbours[:, N_RADIUS] == 0.3).all()
    assert belief.hold is None
