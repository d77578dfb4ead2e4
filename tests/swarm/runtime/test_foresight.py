"""Neighbours with declared errors: where they will be is within what a row allows, however old the news is."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y, T_ERROR, TRAIL, ahead, move
from swarm.model.body import ERROR, GROWTH, REACH, TOP_SPEED, body_of
from swarm.model.dynamics import DOUBLE_INTEGRATOR, Kind, Limits, brake
from swarm.model.error_bounds import ErrorBounds
from swarm.model.strangers import NOBODY
from swarm.runtime.belief import believe
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Heard, Inbox
from swarm.runtime.link.report_codec import Report, encode
from swarm.sense.messages import Message
from swarm.sense.neighbours import N_BODY_X, N_BODY_Y, N_CORNER_X, N_ERROR, N_ID, N_RADIUS, N_REACH, N_X, N_Y
from swarm.sense.own_motion import OwnMotion

DT = 0.05
LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(0.5), Kind.DOUBLE_INTEGRATOR: Limits(0.5, acceleration=2.0),
    Kind.UNICYCLE: Limits(1.0, turn_rate=4.0),
}  # fmt: skip
ERRORS = ErrorBounds(age=0.1, dead_time=0.1, lag=0.1)
TOLD = [T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y, T_ERROR]
ME = np.array([20.0, 20.0, 0.0, 0.0, 0.0])


def at(right, up=0.0):
    return ME + np.array([right, up, 0.0, 0.0, 0.0])


def peer(kind, errors=ERRORS):
    body = body_of(kind, 0.3, LIMITS[kind], dt=DT, sensing_radius=6.0, errors=errors)
    return Peer(int(kind), body, (0.0, 0.0, 50.0, 50.0))


def report(robot, state, told=(), age=0.0):
    message = Message(robot, 0.0, (21.0, 21.0), 0.5, 1.0)
    return Report(robot, 1, 1, 0, tuple(state), age, (9.0, 9.0), True, False, (), message, ahead=tuple(told))


class Driven:
    """A robot whose body does what it was told, late; what it tells is known, and where it really is."""

    def __init__(self, kind, rng):
        self.one, self.kind, self.rng = peer(kind), int(kind), rng
        self.motion = OwnMotion(self.kind, self.one.body, ERRORS)
        self.state, self.drive, self.waiting = at(0.5, 0.5), np.zeros(2), [np.zeros(2)] * 2
        self.past, self.told = [self.state] * 3, None

    def control(self):
        body = self.one.body
        top, found = float(body[TOP_SPEED]), np.empty(2)
        if self.rng.random() < 0.3:
            brake(self.kind, self.motion.believe(self.past[-3], 0.1)[0], body[2:5], DT, found)
            return found
        high = {Kind.SINGLE_INTEGRATOR: (top, top), Kind.UNICYCLE: (top, 4.0), Kind.DOUBLE_INTEGRATOR: (2.0, 2.0)}
        return self.rng.choice([-1.0, 1.0], 2) * high[Kind(self.kind)]

    def period(self, parts):
        """One period; returns the true state ahead at so many instants within it, as seen after the dead time."""
        state, _ = self.motion.believe(self.past[-3], 0.1)
        control = self.control()
        if self.kind == DOUBLE_INTEGRATOR:  # A shield keeps the speed ahead within its limit.
            control = np.clip(control, (-0.5 - state[3:]) / DT, (0.5 - state[3:]) / DT)
        found, trail = self.motion.plan(control)
        self.told = (*found.tolist(), *trail[TOLD].tolist())
        self.motion.sent(control)
        self.waiting.append(control)
        acting, true = self.waiting.pop(0), []
        for part in parts:
            after, drive, place = np.empty(5), np.empty(2), np.empty(5)
            move(self.kind, self.state, self.drive, acting, part * DT, 0.1, 0.0, after, drive)
            ahead(self.kind, after, drive, 0.1, place, trail := np.empty(TRAIL))
            true.append((place, place[:2] + trail[[T_BODY_X, T_BODY_Y]]))
        self.state, self.drive = after, drive
        self.past.append(self.state)
        return true


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(LIMITS)), st.integers(0, 10**6), st.integers(0, 4), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_a_neighbour_will_be_where_its_row_allows(kind, seed, late, phase):
    """Its period begins elsewhere in time than ours, and its news is a few periods old.

    True states are seen at the sender's time t0 + dead time, and it decides k periods and a part later than it told.
    """
    rng = np.random.default_rng(seed)
    driven, one, told, places = Driven(kind, rng), peer(kind), [], []
    for _ in range(14):
        places.append(driven.period((max(phase, 1e-9), 1.0))[0])
        told.append(driven.told)
    for k in range(2, 10):
        # Told in period k; the receiver decides ``late`` periods and ``phase`` later, and its command acts as late as
        # the sender's: what is wanted is where the body is then, which is that place two periods (the dead time) on.
        since = (late + phase) * DT
        heard = Heard(report(2, driven.past[0], told[k], 0.1), since + 0.1, 1, since)
        near = believe(one, ME, [heard], {2: one}, DT, errors=ERRORS).neighbours
        if not len(near) or k + late + 2 >= len(places):
            continue
        place, body = places[k + late + 2]
        row = near[0]
        assert np.linalg.norm(place[:2] - row[[N_X, N_Y]]) <= row[N_ERROR] + 1e-9
        assert np.linalg.norm(body - row[[N_X, N_Y]] - row[[N_BODY_X, N_BODY_Y]]) <= row[N_ERROR] + 1e-9


TELLS = (21.0, 20.0, 0.5, 0.1, 0.2, -0.1, -0.2, -0.3, -0.4, 0.01)


def test_a_row_is_what_was_told_and_grows_by_the_periods_that_it_is_off():
    one = peer(Kind.UNICYCLE)
    body = one.body

    def row(age, since, state_age=0.0):
        heard = Heard(report(2, ME, TELLS, state_age), age, 1, since)
        return believe(one, ME, [heard], {2: one}, DT, errors=ERRORS).neighbours[0]

    exact = row(DT + 0.125, DT, 0.125)
    assert exact[[N_X, N_Y, *range(N_BODY_X, N_ERROR + 1)]] == pytest.approx([21.0, 20.0, *TELLS[5:]])
    assert exact[N_RADIUS] == 0.3 and exact[N_ID] == 2 and exact[N_REACH] == pytest.approx(body[REACH])
    for age, since, periods in ((3 * DT, 3 * DT, 2.0), (3 * DT, DT, 2.0), (DT, 0.25 * DT, 0.75), (1.5 * DT, 0.0, 1.0)):
        grown = row(age, since)
        assert grown[N_ERROR] == pytest.approx(0.01 + periods * body[GROWTH])
        assert grown[N_REACH] == pytest.approx(body[REACH] + periods * body[GROWTH])
        assert grown[N_RADIUS] == 0.3
    assert row(math.inf, 0.0)[[N_ERROR, N_REACH]] == pytest.approx([6.01, 6.0 + body[REACH]]), "it stays a number"


def test_without_it_a_neighbour_is_a_disc_as_before():
    one = peer(Kind.UNICYCLE)
    row = believe(one, ME, [Heard(report(2, at(1.0)), 0.1, 1, 0.1)], {2: one}, DT).neighbours[0]
    assert row[N_RADIUS] == pytest.approx(0.4) and row[N_X] == 21.0 and row[N_ERROR] == one.body[ERROR]
    assert not row[N_BODY_X : N_CORNER_X + 2].any()


@pytest.mark.parametrize("known", [True, False])
def test_who_is_sensed_grows_by_the_age_of_the_scan(known):
    errors = ErrorBounds(age=0.1, dead_time=0.05, lag=0.1, sensing=0.02, position=0.01)
    one = peer(Kind.UNICYCLE, errors)
    sensed = np.array([[21.0, 20.0, 0.0, 0.0, 0.3]])
    heard = [Heard(report(2, at(1.0), TELLS), 0.1, 1, 0.1)] if known else []
    exact = believe(one, ME, heard, {2: one}, DT, sensed, strangers=NOBODY).neighbours[0]
    row = believe(one, ME, heard, {2: one}, DT, sensed, errors=errors, age=0.075, strangers=NOBODY).neighbours[0]
    grown = 2.5 * one.body[GROWTH] + math.sqrt(2.0) * one.body[TOP_SPEED] * 0.1 + 0.02
    assert row[N_ERROR] == pytest.approx(grown) and row[N_REACH] == pytest.approx(one.body[REACH] + grown)
    assert row[N_ID] == (2 if known else -1) and not row[N_BODY_X : N_CORNER_X + 2].any() and row[N_X] == 21.0
    assert exact[N_REACH] == pytest.approx(one.body[REACH])


def test_what_cannot_follow_from_the_state_that_was_measured_is_refused():
    one = peer(Kind.UNICYCLE)
    far = (25.0, *TELLS[1:])
    box = Inbox(1, 1, {1: one, 2: one}, errors=ERRORS)
    assert box.receive(encode(report(2, at(1.0), far)), 1.0) == "out of range"
    assert box.receive(encode(report(2, at(1.0), TELLS)), 1.0) is None
    (heard,) = box.heard(1.03)
    assert heard.since == pytest.approx(0.03) and heard.report.ahead == TELLS


@pytest.mark.parametrize("position", [0.0, 0.1])
def test_declared_errors_of_places_are_no_jumps(position):
    one, errors = peer(Kind.UNICYCLE), ErrorBounds(position=position)
    box = Inbox(1, 1, {1: one, 2: one}, errors=errors)
    box.sent(1, 1.0)
    first = Report(**(vars(report(2, ME)) | {"acks": ((1, 1, 1),)}))
    assert box.receive(encode(first), 1.0) is None
    second = Report(**(vars(report(2, at(0.2))) | {"acks": ((1, 1, 1),), "sequence": 2}))
    assert box.receive(encode(second), 1.0) == ("jump" if position == 0.0 else None)
