"""The watchdogs, on a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.runtime.guard import MAY_MOVE, STATE_AGE, Guard

PERIOD = 0.05


def ask(guard, now, state_at="now", planned=True, waits_for=None):
    return guard.judge(now, state_at=now if state_at == "now" else state_at, planned=planned, waits_for=waits_for)


def test_no_motion_before_everything_is_there():
    guard = Guard(PERIOD)
    assert not guard.begin(1.0)
    assert ask(guard, 1.0, None) == "no own state"
    assert ask(guard, 1.0, 1.0 - STATE_AGE - 0.01) == "no own state"
    assert ask(guard, 1.0, 1.0 + STATE_AGE + 0.01) == ask(guard, 1.0, float("nan")) == "no own state", "another clock"
    assert ask(guard, 1.0, planned=False) == "no plan"
    assert ask(guard, 1.0, waits_for=4) == "waits for robot 4"
    assert ask(guard, 1.0) == MAY_MOVE
    assert guard.reasons == {"no own state": 4, "no plan": 1, "waits": 1, MAY_MOVE: 1}


def test_a_process_that_was_stopped_uses_newer_data_only():
    guard = Guard(PERIOD)
    guard.begin(1.0)
    assert ask(guard, 1.0) == MAY_MOVE
    guard.end(1.01)
    assert not guard.begin(1.0 + 2 * PERIOD)  # a missed period is no stop
    guard.end(1.11)
    assert guard.begin(2.6)
    assert ask(guard, 2.6, 2.55) == "own state from before the stop"
    guard.end(2.61)
    assert not guard.begin(2.65)
    assert ask(guard, 2.65, 2.64) == MAY_MOVE
    assert guard.resumes == 1


def test_two_overruns_in_a_row_brake_and_one_does_not():
    guard, now, told = Guard(PERIOD), 0.0, []
    for took in (0.01, 0.06, 0.01, 0.06, 0.07, 0.01, 0.01):
        guard.begin(now)
        told.append(ask(guard, now))
        guard.end(now + took)
        now += max(took, PERIOD)
    assert told == [MAY_MOVE] * 5 + ["overrun", MAY_MOVE]
    assert guard.overruns == 3


def test_the_emergency_stop_is_latched_until_it_is_released():
    guard = Guard(PERIOD)
    guard.begin(1.0)
    guard.stop()
    for k in range(5):
        guard.begin(1.0 + k * PERIOD)
        assert ask(guard, 1.0 + k * PERIOD) == "emergency stop"
    guard.release()
    assert ask(guard, 1.2, 1.15) == "own state from before the stop"
    assert ask(guard, 1.25, 1.24) == MAY_MOVE


@given(st.lists(st.floats(0.001, 3.0), min_size=1, max_size=60), st.data())
def test_it_never_moves_by_old_data(gaps, data):
    """Whatever the pauses: a state by which it moves is fresh, and arrived after the last pause."""
    guard, now, paused = Guard(PERIOD), 0.0, float("-inf")
    for gap in gaps:
        now += gap
        if guard.begin(now):
            paused = now
        state_at = now - data.draw(st.floats(0.0, 0.3))
        if ask(guard, now, state_at) == MAY_MOVE:
            assert now - state_at <= STATE_AGE and state_at > paused
        guard.end(now + data.draw(st.floats(0.0, 0.1)))


def test_periods_that_are_none():
    with pytest.raises(InputError, match="period"):
        Guard(float("nan"))
