"""Actuators that take time: against the plain equations, integrated by scipy, and against a plain simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from oracles.convex import outside
from scipy.integrate import solve_ivp

from swarm.model.actuators import (
    T_BODY_X,
    T_BODY_Y,
    T_CORNER_X,
    T_CORNER_Y,
    T_HEADING,
    T_SPEED,
    T_TURN_RATE,
    TRAIL,
    ahead,
    move,
    predict,
)
from swarm.model.dynamics import Kind, advance

KINDS = tuple(Kind)
SINGLE, DOUBLE, UNICYCLE = KINDS
SEEDS = st.integers(0, 2**32 - 1)


def draw(rng: np.random.Generator, kind: Kind) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A state, a drive that goes with it, and a command."""
    state, drive, control = np.zeros(5), rng.uniform(-1.5, 1.5, 2), rng.uniform(-1.5, 1.5, 2)
    state[:2], state[2] = rng.uniform(-5.0, 5.0, 2), rng.uniform(-math.pi, math.pi)
    state[3:] = {
        SINGLE: drive,
        DOUBLE: rng.uniform(-2.0, 2.0, 2),
        UNICYCLE: drive[0] * np.array([math.cos(state[2]), math.sin(state[2])]),
    }[kind]
    return state, drive, control


def moved(
    kind: Kind, state: np.ndarray, drive: np.ndarray, control: np.ndarray, time: float, lag: float, slip: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    after, then = np.empty(5), np.empty(2)
    move(int(kind), state, drive, control, time, lag, slip, after, then)
    return after, then


def integrated(
    kind: Kind, state: np.ndarray, drive: np.ndarray, control: np.ndarray, time: float, lag: float, slip: float
) -> tuple[np.ndarray, np.ndarray]:
    """The same by scipy, from the equations as they stand in a textbook."""

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        _, _, heading, vx, vy, d0, d1 = y
        d = np.array([d0, d1]) if lag > 0.0 else control
        fade = (control - y[5:]) / lag if lag > 0.0 else np.zeros(2)
        if kind == UNICYCLE:
            way, turn, push = d[0] * np.array([math.cos(heading), math.sin(heading)]), d[1], np.zeros(2)
        elif kind == DOUBLE:
            way, turn, push = np.array([vx, vy]), 0.0, d
        else:
            way, turn, push = d, 0.0, np.zeros(2)
        return np.array([(1.0 + slip) * way[0], (1.0 + slip) * way[1], turn, *push, *fade])

    end = solve_ivp(rates, (0.0, time), np.concatenate([state, drive]), rtol=1e-10, atol=1e-12).y[:, -1]
    then = end[5:] if lag > 0.0 else control
    if kind == SINGLE:
        end[3:5] = then
    elif kind == UNICYCLE:
        end[3:5] = then[0] * np.array([math.cos(end[2]), math.sin(end[2])])
    end[2] = math.remainder(end[2], math.tau)
    return end[:5], then


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(
    seed=SEEDS, time=st.floats(0.001, 0.2), lag=st.just(0.0) | st.floats(0.002, 1.0),
    slip=st.just(0.0) | st.floats(-0.5, 0.5),
)  # fmt: skip
def test_a_move_is_the_plain_equations(kind: Kind, seed: int, time: float, lag: float, slip: float) -> None:
    state, drive, control = draw(np.random.default_rng(seed), kind)
    after, then = moved(kind, state, drive, control, time, lag, slip)
    expected, drive_expected = integrated(kind, state, drive, control, time, lag, slip)
    assert math.remainder(after[2] - expected[2], math.tau) == pytest.approx(0.0, abs=1e-8)
    after[2] = expected[2]
    assert after == pytest.approx(expected, abs=1e-8)
    assert then == pytest.approx(drive_expected, abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(seed=SEEDS, share=st.floats(0.0, 1.0), lag=st.just(0.0) | st.floats(0.05, 1.0))
def test_two_parts_are_one_move(kind: Kind, seed: int, share: float, lag: float) -> None:
    state, drive, control = draw(np.random.default_rng(seed), kind)
    whole, then = moved(kind, state, drive, control, 0.1, lag, 0.2)
    part, between = moved(kind, state, drive, control, 0.1 * share, lag, 0.2)
    part, between = moved(kind, part, between, control, 0.1 * (1.0 - share), lag, 0.2)
    assert math.remainder(part[2] - whole[2], math.tau) == pytest.approx(0.0, abs=1e-12)
    part[2] = whole[2]
    # The way of a unicycle that lags is a quadrature.
    assert part == pytest.approx(whole, abs=1e-8 if kind == UNICYCLE and lag > 0.0 else 1e-12)
    if share > 0.0:
        assert between == pytest.approx(then, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(seed=SEEDS)
def test_what_is_written_may_be_what_is_read(kind: Kind, seed: int) -> None:
    state, drive, control = draw(np.random.default_rng(seed), kind)
    for lag in (0.0, 0.2):
        after, then = moved(kind, state, drive, control, 0.07, lag, 0.1)
        at, here = state.copy(), drive.copy()
        move(int(kind), at, here, control, 0.07, lag, 0.1, at, here)
        assert (at == after).all() and (here == then).all()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(seed=SEEDS)
def test_a_lag_that_vanishes_leaves_the_dynamics(kind: Kind, seed: int) -> None:
    state, drive, control = draw(np.random.default_rng(seed), kind)
    exact = advance(kind, state, control, 0.1)
    after, then = moved(kind, state, drive, control, 0.1, 0.0)
    assert (after == exact).all() and (then == control).all()
    for lag in (1e-2, 1e-3, 1e-4):
        after, _ = moved(kind, state, drive, control, 0.1, lag)
        # Drives differ by at most 3 per axis, for ``lag`` seconds; a turn moves what comes after it as well.
        assert np.abs(after[:2] - exact[:2]).max() <= 5.0 * lag


def simulated(
    kind: Kind, state: np.ndarray, drive: np.ndarray, begin: float, end: float, timed: list[tuple[float, np.ndarray]],
    lag: float, slip: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """From ``begin`` to ``end`` under commands that act from the given times on, the first one before that too."""
    edges = [begin, *(time for time, _ in timed[1:] if begin < time < end), end]
    for left, right in itertools.pairwise(edges):
        middle = 0.5 * (left + right)
        control = [command for time, command in timed if time <= middle or time == timed[0][0]][-1]
        state, drive = integrated(kind, state, drive, control, right - left, lag, slip)
    return state, drive


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(
    seed=SEEDS, dead=st.floats(0.0, 0.2) | st.sampled_from([0.0, 0.05, 0.1]), age=st.integers(0, 18),
    until=st.floats(0.0, 0.15) | st.just(0.0), lag=st.sampled_from([0.0, 0.15]),
)  # fmt: skip
@example(seed=0, dead=0.05, age=6, until=1e-12, lag=0.0)
@example(seed=0, dead=1e-9, age=6, until=0.1, lag=0.0)
def test_prediction_is_a_simulation_of_what_was_commanded(
    kind: Kind, seed: int, dead: float, age: int, until: float, lag: float
) -> None:
    rng, period = np.random.default_rng(seed), 0.05
    state, drive, _ = draw(rng, kind)
    commands = rng.uniform(-1.5, 1.5, (8, 2))
    if lag == 0.0:
        drive = commands[0].copy()
    begin, end = -age * period / 6, until
    for off in ((begin - dead) / period, (end - dead) / period):  # a command so near acts already, or not at all
        assume(off == round(off) or abs(off - round(off)) > 1e-6)
    timed = [((k - 7) * period + dead, commands[k]) for k in range(8)]
    after, then = np.empty(5), np.empty(2)
    predict(int(kind), state, drive, begin, end, commands, dead, period, lag, 0.1, after, then)
    if end <= begin + 1e-9 * period:  # shorter counts as nothing
        assert (after == state).all() and (then == drive).all()
        return
    expected, _ = simulated(kind, state, drive, begin, end, timed, lag, 0.1)
    assert math.remainder(after[2] - expected[2], math.tau) == pytest.approx(0.0, abs=1e-7)
    # A command may act a ten-millionth of a period too soon, or not at all in so short a time at the end: places are
    # off by the way of that time, and a drive without a lag, which jumps, is that of just before or just after.
    assert after[:2] == pytest.approx(expected[:2], abs=2e-8)
    ends = [time for time in (end - 1e-7 * period, end, end + 1e-7 * period) if time > begin]
    drives = [simulated(kind, state, drive, begin, time, timed, lag, 0.1)[1] for time in ends]
    assert any(then == pytest.approx(one, abs=1e-7) for one in drives), drives


def test_older_commands_than_are_kept_count_as_the_oldest() -> None:
    state, after, drive = np.zeros(5), np.empty(5), np.array([1.0, 0.0])
    predict(0, state, drive, -1.0, 0.0, np.array([[1.0, 0.0], [0.0, 2.0]]), 0.0, 0.1, 0.0, 0.0, after, drive)
    assert after[:2] == pytest.approx([1.0, 0.0])


def front(kind: Kind, state: np.ndarray, drive: np.ndarray, lag: float) -> tuple[np.ndarray, np.ndarray]:
    found, trail = np.empty(5), np.full(TRAIL, math.nan)
    ahead(int(kind), state, drive, lag, found, trail)
    return found, trail


@pytest.mark.parametrize("kind", [SINGLE, DOUBLE])
@settings(max_examples=30)
@given(seed=SEEDS, time=st.floats(0.01, 0.3), lag=st.floats(0.02, 0.5))
def test_ahead_of_a_body_that_lags_runs_one_that_does_not(kind: Kind, seed: int, time: float, lag: float) -> None:
    state, drive, control = draw(np.random.default_rng(seed), kind)
    start, trail = front(kind, state, drive, lag)
    assert start[:2] + trail[[T_BODY_X, T_BODY_Y]] == pytest.approx(state[:2], abs=1e-12)
    path = [start[:2]]
    for part in np.linspace(0.0, 1.0, 33)[1:]:
        after, then = moved(kind, state, drive, control, part * time, lag)
        there, expected = front(kind, after, then, lag)[0], advance(kind, start, control, part * time)
        assert there[:2] == pytest.approx(expected[:2], abs=1e-12)
        if kind == DOUBLE:
            assert there[3:] == pytest.approx(expected[3:], abs=1e-12)
        path.append(expected[:2])
        # The path is sampled: what it bends between samples is missing.
        assert outside(after[:2], np.array([state[:2], *path])) <= 1e-9 + (time / 32) ** 2 * np.abs(control).max()
    assert outside(state[:2] + 5.0, np.array([state[:2], *path])) > 1.0  # the measure measures


@settings(max_examples=50)
@given(seed=SEEDS, lag=st.floats(0.02, 1.3))
def test_a_unicycle_that_is_told_to_stop_rolls_through_its_triangle_to_the_place_ahead(seed: int, lag: float) -> None:
    state, drive, _ = draw(np.random.default_rng(seed), UNICYCLE)  # up to 1.5 rad/s: an arc of 2 rad
    found, trail = front(UNICYCLE, state, drive, lag)
    assert trail[[T_HEADING, T_SPEED, T_TURN_RATE]].tolist() == [state[2], *drive]
    body, corner = found[:2] + trail[[T_BODY_X, T_BODY_Y]], found[:2] + trail[[T_CORNER_X, T_CORNER_Y]]
    assert body == pytest.approx(state[:2], abs=1e-12)
    for time in (0.2 * lag, 0.7 * lag, 2.0 * lag, 30.0 * lag):
        end, _ = integrated(UNICYCLE, state, drive, np.zeros(2), time, lag, 0.0)
        assert outside(end[:2], np.array([body, corner, found[:2]])) <= 1e-8
    assert end[:2] == pytest.approx(found[:2], abs=1e-7)
    assert math.remainder(end[2] - found[2], math.tau) == pytest.approx(0.0, abs=1e-7)
    assert found[3:] == pytest.approx(drive[0] * np.array([math.cos(found[2]), math.sin(found[2])]))


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_lag_nothing_runs_ahead(kind: Kind) -> None:
    state, drive, _ = draw(np.random.default_rng(1), kind)
    found, trail = front(kind, state, drive, 0.0)
    assert (found == state).all() and (trail[:T_HEADING] == 0.0).all()
