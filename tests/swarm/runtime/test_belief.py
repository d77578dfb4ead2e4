"""Others as discs that grow: whatever a robot does within its limits, it stays inside of its disc."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_SPEED, T_TURN_RATE, TRAIL
from swarm.model.body import RADIUS, TOP_SPEED, body_of, coast_of
from swarm.model.dynamics import Kind, Limits, step
from swarm.runtime.belief import INTENT_AGE, believe
from swarm.runtime.fleet_file.roster import HOLD_AGE, Peer, growth, stopping_distance
from swarm.runtime.link.inbox import Heard
from swarm.runtime.link.report_codec import Report
from swarm.sense.messages import Message
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_RADIUS, N_X

DT = 0.05
LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(0.5), Kind.DOUBLE_INTEGRATOR: Limits(0.5, acceleration=2.0),
    Kind.UNICYCLE: Limits(1.0, turn_rate=4.0),
}  # fmt: skip


def peer(kind, sensing=5.0):
    return Peer(kind, body_of(kind, 0.3, LIMITS[kind], dt=DT, sensing_radius=sensing), (0.0, 0.0, 50.0, 50.0))


def heard(robot, x, age, vx=0.0):
    message = Message(robot, 0.0, (x + 1.0, 5.0), 0.5, 1.0)
    return Heard(Report(robot, 1, 1, 0, (x, 5.0, 0.0, vx, 0.0), 0.0, (9.0, 9.0), True, False, (), message), age)


def within(kind, state, control, limits):
    """Accelerations that keep the speed within its limit."""
    if kind != Kind.DOUBLE_INTEGRATOR:
        return control
    return np.clip(control, (-limits.speed - state[3:]) / DT, (limits.speed - state[3:]) / DT)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(LIMITS)), st.integers(0, 10**6), st.integers(1, 40))
def test_no_robot_leaves_its_disc(kind, seed, steps):
    rng, one = np.random.default_rng(seed), peer(kind)
    limits = LIMITS[kind]
    state = np.array([20.0, 20.0, rng.uniform(-3, 3), 0.0, 0.0])
    if kind == Kind.DOUBLE_INTEGRATOR:
        state[3:] = rng.uniform(-limits.speed, limits.speed, 2)
    start, speed = state[:2].copy(), math.hypot(state[3], state[4])
    high = {
        Kind.SINGLE_INTEGRATOR: (limits.speed, limits.speed), Kind.UNICYCLE: (limits.speed, limits.turn_rate),
        Kind.DOUBLE_INTEGRATOR: (limits.acceleration, limits.acceleration),
    }[kind]  # fmt: skip
    control = rng.choice([-1.0, 1.0], 2) * high
    for k in range(1, steps + 1):
        if rng.random() < 0.2:
            control = rng.choice([-1.0, 1.0], 2) * high
        after = np.empty(5)
        step(int(kind), state, within(kind, state, control, limits), DT, after)
        state = after
        assert np.linalg.norm(state[:2] - start) <= growth(one, speed, k * DT) + 1e-9


def test_the_disc_grows_and_what_was_meant_is_forgotten():
    one = peer(Kind.UNICYCLE)
    state = np.array([0.0, 5.0, 0.0, 0.0, 0.0])
    fresh, old = (believe(one, state, [heard(2, 3.0, age)], {2: one}, DT) for age in (0.1, INTENT_AGE + 0.1))
    assert fresh.neighbours[0, N_RADIUS] == pytest.approx(0.3 + 0.1)
    assert old.neighbours[0, N_RADIUS] == pytest.approx(0.3 + 0.35)
    assert fresh.neighbours[0, N_INTENT_X] == pytest.approx(4.0) and old.neighbours[0, N_INTENT_X] == 3.0
    assert fresh.neighbours[0, N_ID] == 2 and old.neighbours[0, N_ID] == -1
    assert fresh.hold is None and old.hold is None


def test_who_may_be_near_and_is_silent_is_waited_for():
    one, state = peer(Kind.UNICYCLE), np.array([0.0, 5.0, 0.0, 1.0, 0.0])
    assert believe(one, state, [heard(2, 1.3, HOLD_AGE + 0.2)], {2: one}, DT).hold == 2
    assert believe(one, state, [heard(2, 4.0, HOLD_AGE + 0.2)], {2: one}, DT).hold is None
    assert believe(one, state, [heard(2, 4.0, 5.0)], {2: one}, DT).hold == 2  # it may have come here since
    assert believe(one, state, [heard(2, 40.0, math.inf)], {2: one}, DT).hold == 2  # nothing is known of its age
    belief = believe(one, state, [heard(2, 4.0, math.inf)], {2: one}, DT)
    assert np.isfinite(belief.neighbours[:, : N_X + 2]).all() and np.isfinite(belief.neighbours[:, N_RADIUS]).all()


def test_stopping_takes_what_it_takes():
    one = peer(Kind.DOUBLE_INTEGRATOR)
    state, way = np.array([20.0, 20.0, 0.0, 0.5, 0.0]), 0.0
    for control in ([0.0, 0.0], *[[-2.0, 0.0]] * 5):
        after = np.empty(5)
        step(int(one.kind), state, np.array(control), DT, after)
        state = after
    way = state[0] - 20.0
    assert state[3] == pytest.approx(0.0, abs=1e-9)
    assert way <= stopping_distance(one, 0.5, DT) + 1e-9
    assert one.body[RADIUS] == 0.3 and one.body[TOP_SPEED] == 0.5


def test_a_unicycle_of_second_order_is_a_disc_that_holds_all_of_its_ways_to_rest():
    limits = Limits(0.8, acceleration=0.5, turn_rate=2.0, turn_acceleration=4.0)
    body = body_of(Kind.UNICYCLE, 0.3, limits, dt=DT, sensing_radius=5.0)
    one, state = Peer(int(Kind.UNICYCLE), body, (0.0, 0.0, 50.0, 50.0)), np.array([0.0, 5.0, 0.0, 0.0, 0.0])
    rests = [believe(one, state, [heard(2, 3.0, age)], {2: one}, DT).neighbours[0, N_RADIUS] for age in (0.0, 0.4)]
    assert rests[0] == 0.3
    assert rests[1] == pytest.approx(0.3 + 0.8 * 0.4 + 0.2 * 0.25)  # by now 0.2 m/s, and half a second to turn no more
    moving = believe(one, state, [heard(2, 3.0, 0.0, vx=0.6)], {2: one}, DT).neighbours[0, N_RADIUS] - 0.3
    sensed = np.array([[3.0, 5.0, 0.6, 0.0, 0.3]])
    seen = believe(one, state, [heard(2, 3.0, 0.0, vx=0.6)], {2: one}, DT, sensed)
    assert seen.neighbours[0, N_RADIUS] == pytest.approx(0.3 + moving)
    for turn_rate in (-2.0, -0.5, 0.0, 1.0):
        trail = np.zeros(TRAIL)
        trail[T_SPEED], trail[T_TURN_RATE] = 0.6, turn_rate
        coast_of(state, body, trail)
        assert np.hypot(trail[T_BODY_X], trail[T_BODY_Y]) <= moving + 1e-12
    assert stopping_distance(one, 0.6, DT) == pytest.approx(0.6 * DT + moving)
