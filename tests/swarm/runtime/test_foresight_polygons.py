"""Polygons of a fleet: bodies are within the stop hulls that others make of their reports, however old these are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oracles.convex import outside
from oracles.polygons import corners_at

from swarm.errors import InputError
from swarm.model.actuators import T_BODY_X, T_CORNER_Y, T_ERROR, T_HEADING, T_TURN_RATE, move, ramp
from swarm.model.body import TOP_SPEED, TURN_RATE, body_of, is_second_order
from swarm.model.dynamics import Kind, Limits, advance
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.runtime.belief import believe
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.inbox import Heard
from swarm.runtime.link.report_codec import Report, decode, encode
from swarm.sense.messages import Message
from swarm.sense.neighbours import N_ERROR, N_RADIUS
from swarm.sense.own_motion import OwnMotion

DT, SHAPE = 0.05, box(0.5, 0.25)
LAGS = ErrorBounds(lag=0.1, slip=0.05)
LATE = ErrorBounds(latency=0.1)
ME = np.array([20.0, 20.0, 0.0, 0.0, 0.0])
LIMITS = Limits(1.0, turn_rate=3.0)
RAMPED = Limits(1.0, 2.0, 2.0, 4.0)


def at(heading: float) -> np.ndarray:
    return ME + np.array([1.0, 0.5, heading, 0.0, 0.0])


def peer(errors: ErrorBounds, limits: Limits = LIMITS, footprint: np.ndarray | None = SHAPE) -> Peer:
    body = body_of(
        Kind.UNICYCLE, reach(SHAPE), limits, dt=DT, sensing_radius=6.0, errors=errors, footprint=footprint
    )  # fmt: skip
    return Peer(int(Kind.UNICYCLE), body, (0.0, 0.0, 50.0, 50.0), np.empty((0, 2)) if footprint is None else footprint)


def report(state: np.ndarray, ahead: tuple[float, ...] = (), drive: tuple[float, ...] = ()) -> Report:
    message = Message(2, 0.0, (21.0, 21.0), 0.5, 1.0)
    return Report(2, 1, 1, 0, tuple(state.tolist()), 0.0, (9.0, 9.0), True, False, (), message, 0, 0, ahead, drive)


def allowed(heard: Heard, roster: dict[int, Peer], errors: ErrorBounds) -> tuple[np.ndarray, float]:
    """The stop hull that robot 1 takes robot 2 for, and how far that may be elsewhere [m]."""
    found = believe(roster[1], ME, [heard], roster, DT, errors=errors)
    assert found.shapes is not None and len(found.neighbours) == 1
    count = int(found.shapes[0, 0, 0])
    assert count >= 4
    return found.shapes[0, 1 : 1 + count], float(found.neighbours[0, N_ERROR])


@pytest.mark.parametrize(("limits", "errors"), [(LIMITS, LAGS), (RAMPED, LATE)], ids=["lag", "second order"])
@pytest.mark.parametrize("seed", range(4))
def test_a_body_is_in_the_hull_that_it_told_however_it_has_driven_since(
    seed: int, limits: Limits, errors: ErrorBounds
) -> None:
    rng, one = np.random.default_rng(seed), peer(errors, limits)
    motion, second = OwnMotion(one.kind, one.body, errors), is_second_order(one.body)
    state, drive = at(rng.uniform(-3.0, 3.0)), np.zeros(2)
    told: list[Report] = []
    states: list[np.ndarray] = []
    used = 0
    for _ in range(30):
        motion.believe(state, 0.0)
        wish = rng.choice([-1.0, 1.0], 2) * [one.body[TOP_SPEED], one.body[TURN_RATE]]
        control = (
            np.clip(wish, drive - DT * np.array([2.0, 4.0]), drive + DT * np.array([2.0, 4.0])) if second else wish
        )
        found, trail = motion.plan(control)
        ahead = (*found.tolist(), *trail[T_BODY_X : T_CORNER_Y + 1].tolist(), float(trail[T_ERROR]))
        told.append(report(state, ahead, tuple(trail[T_HEADING : T_TURN_RATE + 1].tolist())))
        motion.sent(control)
        if second:
            ramp(state, drive, control, DT, DT, 0.0, state, drive)
        else:
            move(one.kind, state, drive, control, DT, errors.lag, errors.slip * rng.choice([-1.0, 1.0]), state, drive)
        states.append(state.copy())
    for k in range(1, 26, 2):
        for late in range(4):
            heard = Heard(told[k], late * DT, 1, late * DT)
            hull, error = allowed(heard, {1: peer(errors), 2: one}, errors)
            body = corners_at(states[k + late - 1], SHAPE)  # when a command of that period begins to act
            assert max(outside(corner, hull) for corner in body) <= error + 1e-9, (k, late)
            used += 1
    assert used > 40


def test_without_errors_the_hull_is_the_body_and_grows_by_what_it_may_have_driven_and_turned() -> None:
    one, rng, state = peer(EXACT), np.random.default_rng(0), at(0.7)
    for age in (0.0, 0.05, 0.2):
        hull, error = allowed(Heard(report(state), age, 1, age), {1: one, 2: one}, EXACT)
        np.testing.assert_allclose(sorted(hull.tolist()), sorted(corners_at(state, SHAPE).tolist()))
        for _ in range(40):
            then, left = state, age
            while left > 1e-9:
                time = min(left, rng.uniform(0.02, 0.2))
                control = np.array([rng.choice([-1.0, 1.0]), 3.0 * rng.choice([-1.0, 1.0])])
                then, left = advance(Kind.UNICYCLE, then, control, time), left - time
            assert max(outside(corner, hull) for corner in corners_at(then, SHAPE)) <= error + 1e-9


def test_who_does_not_tell_how_it_turns_is_a_disc_and_takes_others_for_discs() -> None:
    state = at(0.7)
    for mine, theirs in ((RAMPED, LIMITS), (LIMITS, RAMPED)):
        roster = {1: peer(EXACT, mine), 2: peer(EXACT, theirs)}
        found = believe(roster[1], ME, [Heard(report(state), 0.0)], roster, DT)
        assert found.shapes is not None
        assert found.shapes[0, 0].tolist() == [0.0, 1.0]
        assert found.neighbours[0, N_RADIUS] >= reach(SHAPE)
    discs = {k: peer(EXACT, LIMITS, None) for k in (1, 2)}
    assert believe(discs[1], ME, [Heard(report(state), 0.0)], discs, DT).shapes is None


def test_reports_of_polygons_hold_how_they_turn() -> None:
    ahead = (21.0, 20.0, 0.5, 0.1, 0.2, -0.1, -0.2, -0.3, -0.4, 0.01)
    told = report(ME, ahead, (0.3, 0.5, -1.0))
    assert decode(encode(told)) == told
    assert len(encode(told)) == len(encode(report(ME, ahead))) + 24
    for bad in ((0.1, 0.2), (0.1, 0.2, math.nan)):
        with pytest.raises(InputError, match="report: drive"):
            report(ME, ahead, bad)
    with pytest.raises(InputError, match="report: drive"):
        report(ME, (), (0.1, 0.2, 0.3))
