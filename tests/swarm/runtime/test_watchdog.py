"""The watchdogs, on a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.runtime.fleet_file.braking import (
    BRAKE,
    DEFAULT,
    HOLD,
    JUMPED,
    LATCH,
    LATE_NEWS,
    OVERRUN,
    REASONS,
    WAITS,
    Action,
)
from swarm.runtime.watchdog import MAY_MOVE, RELEASE, STATE_AGE, Watchdog

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


def test_it_tells_a_state_that_is_missing_from_one_that_is_old():
    watchdog = Watchdog(PERIOD)
    old = "no own state: by time.monotonic(), states are more than 0.15 s old, or of the future"
    for state_at, blind in ((None, "no own state"), (0.5, old), (1.5, old), ("now", "")):
        ask(watchdog, 1.0, state_at)
        assert watchdog.blind == blind
    declared = Watchdog(PERIOD, age=0.3)
    ask(declared, 1.0, 0.5)
    assert declared.blind.startswith("own state older than declared: by time.monotonic(), states are more than 0.3 s")


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


def test_a_command_that_took_longer_than_a_period_is_not_driven():
    watchdog = Watchdog(PERIOD)
    for took, reason in ((0.01, MAY_MOVE), (PERIOD, MAY_MOVE), (0.06, OVERRUN), (0.01, MAY_MOVE)):
        assert watchdog.check(1.0, state_at=1.0, planned=True, waits_for=None, took=took) == reason


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


HELD = {**DEFAULT, WAITS: Action(HOLD, 0.2), OVERRUN: Action(LATCH), LATE_NEWS: Action(BRAKE)}


def test_a_command_is_held_for_a_bounded_time_after_it_was_last_free_to_move():
    watchdog = Watchdog(PERIOD, braking=HELD)
    assert ask(watchdog, 1.0, waits_for=4) == "waits for robot 4" and not watchdog.holds, "it never moved"
    assert ask(watchdog, 1.05) == MAY_MOVE and not watchdog.holds
    found = []
    for k in range(1, 8):
        assert ask(watchdog, 1.05 + k * PERIOD, waits_for=4) == "waits for robot 4"
        found.append(watchdog.holds)
    assert found == [True] * 4 + [False] * 3
    assert ask(watchdog, 1.45) == MAY_MOVE
    assert ask(watchdog, 1.5, planned=False, waits_for=4) == "no plan" and not watchdog.holds
    assert ask(watchdog, 1.55, None, waits_for=4) == "no own state" and not watchdog.holds
    assert ask(watchdog, 1.6, waits_for=4) and watchdog.holds


def test_what_a_reason_latches_only_a_release_ends():
    watchdog = Watchdog(PERIOD, braking=HELD)
    watchdog.begin(1.0)
    for _ in range(2):
        watchdog.end(1.06)
    assert ask(watchdog, 1.0) == f"overrun, {RELEASE}"
    watchdog.end(1.01)
    watchdog.begin(1.05)
    assert ask(watchdog, 1.05) == f"overrun, {RELEASE}" and watchdog.latched == OVERRUN
    again = Watchdog(PERIOD, braking=HELD, latched=watchdog.latched)
    assert ask(again, 5.0) == f"overrun, {RELEASE}"
    watchdog.stop()
    assert ask(watchdog, 1.05) == "emergency stop"
    watchdog.release()
    assert ask(watchdog, 1.05, 1.04) == "own state from before the stop"
    assert ask(watchdog, 1.1) == MAY_MOVE
    assert watchdog.reasons["overrun"] == 2


def test_old_news_brake_only_where_the_fleet_file_says_so():
    for braking, reason in ((DEFAULT, MAY_MOVE), (HELD, "news of robot 3 older than declared")):
        watchdog = Watchdog(PERIOD, braking=braking)
        assert watchdog.check(1.0, state_at=1.0, planned=True, waits_for=None, late=3) == reason
    assert watchdog.reasons == {LATE_NEWS: 1}


@given(
    st.dictionaries(st.sampled_from(REASONS), st.sampled_from([Action(LATCH), Action(HOLD, 0.1), Action(BRAKE)])),
    st.lists(st.tuples(
        st.sampled_from([None, -1.0, 0.0]), st.booleans(), st.booleans(), st.none() | st.just(3), st.booleans(),
        st.sampled_from([None, "robot 3 has another map"]), st.sampled_from(["", JUMPED, "stamp in the future"]),
    ), max_size=30),
)  # fmt: skip
def test_whatever_happens_each_reason_has_a_name_and_a_command_is_never_held_for_long(actions, told):
    watchdog, now, moved = Watchdog(PERIOD, braking={**DEFAULT, **actions}), 100.0, -1.0
    for age, planned, joined, waits_for, stopped, refusal, doubt in told:
        now += PERIOD
        (watchdog.stop if stopped else watchdog.release)()
        before = watchdog.reasons.copy()
        reason = watchdog.check(
            now, state_at=None if age is None else now + age, planned=planned, waits_for=waits_for, joined=joined,
            refusal=refusal, doubt=doubt,
        )  # fmt: skip
        ((counted, _),) = (watchdog.reasons - before).items()
        assert counted in (MAY_MOVE, doubt, *REASONS)
        moved = now if reason == MAY_MOVE else moved
        assert not watchdog.holds or (reason != MAY_MOVE and now - moved <= 0.1 + 1e-6 and not stopped)
        latches = reason != MAY_MOVE and actions.get(counted, DEFAULT.get(counted)) == Action(LATCH)
        assert reason.endswith(RELEASE) == bool(watchdog.latched) or stopped
        assert not latches or stopped or watchdog.latched
