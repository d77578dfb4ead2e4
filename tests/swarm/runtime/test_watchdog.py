"""The watchdogs, on a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.runtime.watchdog import MAY_MOVE, STATE_AGE, Watchdog

PERIOD = 0.05


def ask(watchdog, now, state_at="now", planned=True, waits_for=None):
    return watchdog.check(now, state_at=now if state_at == "now" else state_at, planned=planned, waits_for=waits_for)


def test_no_motion_before_everything_is_there():
    watchdog = Watchdog(PERIOD)
    assert not watchdog.begin(1.0)
    assert ask(watchdog, 1.0, None) == "no own state"
    assert ask(watchdog, 1.0, 1.0 - STATE_AGE - 0.01) == "no own state"
    assert ask(watchdog, 1.0, 1.0 + STATE_AGE + 0.01) == ask(watchdog, 1.0, float("nan")) == "no own state", (
        "another clock"
    )
    assert ask(watchdog, 1.0, planned=False) == "no plan"
    assert ask(watchdog, 1.0, waits_for=4) == "waits for robot 4"
    assert ask(watchdog, 1.0) == MAY_MOVE
    assert watchdog.reasons == {"no own state": 4, "no plan": 1, "waits": 1, MAY_MOVE: 1}


def test_a_process_that_was_stopped_uses_newer_data_only():
    watchdog = Watchdog(PERIOD)
    watchdog.begin(1.0)
    assert ask(watchdog, 1.0) == MAY_MOVE
    watchdog.end(1.01)
    assert not watchdog.begin(1.0 + 2 * PERIOD)  # a missed period is no stop
    watchdog.end(1.11)
    assert watchdog.begin(2.6)
    assert ask(watchdog, 2.6, 2.55) == "own state from before the stop"
    watchdog.end(2.61)
    assert not watchdog.begin(2.65)
    assert ask(watchdog, 2.65, 2.64) == MAY_MOVE
    assert watchdog.resumes == 1


def test_two_overruns_in_a_row_brake_and_one_does_not():
    watchdog, now, told = Watchdog(PERIOD), 0.0, []
    for took in (0.01, 0.06, 0.01, 0.06, 0.07, 0.01, 0.01):
        watchdog.begin(now)
        told.append(ask(watchdog, now))
        watchdog.end(now + took)
        now += max(took, PERIOD)
    assert told == [MAY_MOVE] * 5 + ["overrun", MAY_MOVE]
    assert watchdog.overruns == 3


def test_the_emergency_stop_is_latched_until_it_is_released():
    watchdog = Watchdog(PERIOD)
    watchdog.begin(1.0)
    watchdog.stop()
    for k in range(5):
        watchdog.begin(1.0 + k * PERIOD)
        assert ask(watchdog, 1.0 + k * PERIOD) == "emergency stop"
    watchdog.release()
    assert ask(watchdog, 1.2, 1.15) == "own state from before the stop"
    assert ask(watchdog, 1.25, 1.24) == MAY_MOVE


@given(st.lists(st.floats(0.001, 3.0), min_size=1, max_size=60), st.data())
def test_it_never_moves_by_old_data(gaps, data):
    """Whatever the pauses: a state by which it moves is fresh, and arrived after the last pause."""
    watchdog, now, paused = Watchdog(PERIOD), 0.0, float("-inf")
    for gap in gaps:
        now += gap
        if watchdog.begin(now):
            paused = now
        state_at = now - data.draw(st.floats(0.0, 0.3))
        if ask(watchdog, now, state_at) == MAY_MOVE:
            assert now - state_at <= STATE_AGE and state_at > paused
        watchdog.end(now + data.draw(st.floats(0.0, 0.1)))


def test_periods_that_are_none():
    with pytest.raises(InputError, match="period"):
        Watchdog(float("nan"))


def test_a_state_is_at_most_as_old_as_is_declared():
    watchdog = Watchdog(PERIOD, 0.3)
    watchdog.begin(1.0)
    assert ask(watchdog, 1.0, 0.7) == ask(watchdog, 1.0, 0.75) == MAY_MOVE
    assert ask(watchdog, 1.0, 0.69) == "own state older than declared"
    assert ask(watchdog, 1.0, None) == ask(watchdog, 1.0, 1.31) == ask(watchdog, 1.0, float("nan")) == "no own state"
    strict = Watchdog(PERIOD, 0.05)
    strict.begin(1.0)
    assert ask(strict, 1.0, 0.95) == MAY_MOVE and ask(strict, 1.0, 0.94) == "own state older than declared"


def test_a_doubt_brakes_and_is_said_before_that_there_is_no_state():
    watchdog = Watchdog(PERIOD)
    watchdog.begin(1.0)
    for state_at in (1.0, None):
        found = watchdog.check(1.0, state_at=state_at, planned=True, waits_for=None, doubt="own state jumped")
        assert found == "own state jumped"
    watchdog.stop()
    assert watchdog.check(1.0, state_at=1.0, planned=True, waits_for=None, doubt="own state jumped") == "emergency stop"
    assert watchdog.reasons == {"own state jumped": 2, "emergency stop": 1}
