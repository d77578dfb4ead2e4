"""What a body says and cannot be so brakes its robot, with a name; what the declared errors explain does not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.model.body import TOP_SPEED, body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.drivers.base import Reading
from swarm.runtime.drivers.doubts import WINDOW, Doubts
from swarm.runtime.fleet_file.braking import JUMPED, NO_MOTION, UNCERTAIN
from swarm.runtime.fleet_file.roster import Peer

DT = 0.05
ERRORS = ErrorBounds(position=0.01, heading=0.05, age=0.05, dead_time=0.05)


def peer(errors=ERRORS, kind=Kind.UNICYCLE):
    body = body_of(kind, 0.3, Limits(0.5, turn_rate=2.0), dt=DT, sensing_radius=5.0, errors=errors)
    return Peer(int(kind), body, (0.0, 0.0, 50.0, 50.0))


def reading(now, x=5.0, heading=0.0, deviation=None, age=0.0):
    return Reading(np.array([x, 5.0, heading, 0.0, 0.0]), now, now, measured=now - age, deviation=deviation)


def drive(doubts, moves, told, seconds=2.0, start=10.0):
    """A robot that is told ``told`` metres a period, and moves ``moves``; the reasons by period."""
    found, x = [], 5.0
    for k in range(round(seconds / DT)):
        now = start + k * DT
        found.append(doubts.of(now, reading(now, x)))
        doubts.told(now, reading(now, x), None if found[-1] else np.array([told, 0.0]))
        x += 0.0 if found[-1] else moves
    return found


def test_who_is_told_to_move_for_a_second_and_does_not_stands_and_tries_again():
    found = drive(Doubts(peer(), ERRORS), 0.0, 0.025, seconds=4.0)
    first = round(WINDOW / DT)
    assert found[:first] == [""] * first and found[first : 2 * first] == [NO_MOTION] * first
    assert found[2 * first : 3 * first] == [""] * first and found[3 * first] == NO_MOTION


@pytest.mark.parametrize(
    ("moves", "reason"), [(0.025, ""), (0.0036, ""), (-0.0036, ""), (0.0034, NO_MOTION), (0.0, NO_MOTION)]
)
def test_a_tenth_of_the_way_is_a_motion(moves, reason):
    """Of 0.5 m told: with a place that may be off by 1 cm at both ends, less than 5 + 2 cm are no motion for sure."""
    found = drive(Doubts(peer(), ERRORS), moves, 0.025)
    assert found[19] == "" and found[20] == reason


def test_who_is_not_told_to_move_or_by_less_than_its_error_may_stand():
    assert not any(drive(Doubts(peer(), ERRORS), 0.0, 0.0))
    rough = ErrorBounds(position=0.2)
    assert not any(drive(Doubts(peer(rough), rough), 0.0, 0.025))
    doubts = Doubts(peer(), ERRORS)
    for k in range(100):  # To and fro: where it is told to be in the end is where it is.
        now = 10.0 + k * DT
        assert doubts.of(now, reading(now)) == ""
        doubts.told(now, reading(now), np.array([(-1.0) ** k * 0.025, 0.0]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.1), st.integers(0, 3), st.floats(0.0, 0.3))
def test_no_robot_that_moves_as_declared_is_ever_doubted(seed, position, late, slip):
    """Noise at its bounds, commands that act late, and slip: whatever it is told."""
    rng = np.random.default_rng(seed)
    errors = ErrorBounds(position=position, dead_time=late * DT, slip=slip)
    one = peer(errors)
    doubts, place, waiting = Doubts(one, errors), np.array([20.0, 20.0]), [np.zeros(2)] * late
    way = np.zeros(2)
    for k in range(120):
        now, angle = 10.0 + k * DT, rng.uniform(-math.pi, math.pi)
        noise = position * np.array([math.cos(angle), math.sin(angle)])
        seen = Reading(np.array([*(place + noise), 0.0, 0.0, 0.0]), now, now)
        assert doubts.of(now, seen) == ""
        if rng.random() < 0.1:
            angle = rng.uniform(-math.pi, math.pi)
            way = rng.uniform(0.0, 1.0) * float(one.body[TOP_SPEED]) * DT * np.array([math.cos(angle), math.sin(angle)])
        doubts.told(now, seen, way)
        waiting.append(way)
        place = place + (1.0 + rng.uniform(-slip, slip)) * waiting.pop(0)


def test_a_pose_that_jumps_is_doubted_for_a_while():
    doubts, one = Doubts(peer(), ERRORS), peer()
    top = float(one.body[TOP_SPEED])

    def looks(now, **state):
        return doubts.of(now, reading(now, **state))

    assert looks(10.0) == ""
    most = top * (1.0 + 2.0 * math.sin(0.025)) * 2 * DT + 0.02
    assert looks(10.05, x=5.0 + most - 1e-6) == ""
    assert looks(10.1, x=5.0 + 2 * most + 1e-3) == JUMPED
    assert looks(10.15, x=5.0 + 2 * most + 1e-3) == JUMPED, "it stands for a while"
    assert looks(10.1 + WINDOW + 0.01, x=5.0 + 2 * most) == ""
    assert looks(11.2, x=5.0 + 2 * most, heading=0.7) == JUMPED
    assert looks(13.0, x=5.0 + 2 * most, heading=0.7) == "" == looks(20.0, x=8.0, heading=-3.0), "in so long a time"


def test_a_turn_from_minus_to_plus_pi_is_no_jump_and_integrators_have_no_heading():
    doubts = Doubts(peer(), ERRORS)
    assert doubts.of(10.0, reading(10.0, heading=3.13)) == "" == doubts.of(10.05, reading(10.05, heading=-3.13))
    single = Doubts(peer(kind=Kind.SINGLE_INTEGRATOR), ERRORS)
    assert single.of(10.0, reading(10.0)) == "" == single.of(10.05, reading(10.05, heading=2.0))


@pytest.mark.parametrize(
    ("deviation", "wrong"),
    [(None, False), ((0.0033, 0.016), False), ((0.0034, 0.0), True), ((0.0, 0.0167), True), ((math.inf, 0.0), True)],
)
def test_three_standard_deviations_are_within_the_declared_bounds(deviation, wrong):
    assert Doubts(peer(), ERRORS).of(10.0, reading(10.0, deviation=deviation)) == (UNCERTAIN if wrong else "")
    single = Doubts(peer(kind=Kind.SINGLE_INTEGRATOR), ERRORS)
    turned = deviation is not None and deviation[0] < 0.003
    assert single.of(10.0, reading(10.0, deviation=deviation)) == (UNCERTAIN if wrong and not turned else "")


def test_where_nothing_is_declared_nothing_is_doubted():
    doubts = Doubts(peer(ErrorBounds()), ErrorBounds())
    assert not any(drive(doubts, 0.0, 0.025)) and not any(drive(doubts, 3.0, 0.025))
    assert doubts.of(10.0, reading(10.0, deviation=(9.0, 9.0))) == ""
