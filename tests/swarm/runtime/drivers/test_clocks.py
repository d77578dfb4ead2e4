"""Times by other clocks: never too late by more than what cannot be seen, whatever clocks and networks do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.runtime.drivers.clocks import (
    CLOCK_JUMPED,
    FARTHEST,
    HOLD,
    IN_FUTURE,
    LEARN,
    LEARNING,
    OLDER,
    OTHER_CLOCK,
    REPEATED,
    LearntClock,
    OffsetClock,
    WallClock,
    wrong,
)


class Clocks:
    """A monotonic clock and a wall clock that the test moves; ``pause``: between two looks at a clock [s]."""

    def __init__(self, ahead=1e9):
        self.now, self.ahead, self.pauses = 100.0, ahead, []

    def monotonic(self):
        self.now += self.pauses.pop() if self.pauses else 0.0
        return self.now

    def wall(self):
        self.now += self.pauses.pop() if self.pauses else 0.0
        return self.now + self.ahead


def test_a_wall_clock_that_was_set_back_is_believed_late_and_one_set_forward_at_once():
    clocks = Clocks(1000.0)
    wall = WallClock(clocks.monotonic, clocks.wall)
    assert wall.ahead() == 1000.0
    clocks.ahead = 1002.0
    assert wall.ahead() == 1002.0
    clocks.ahead = 999.0
    for elapsed in (0.0, 1.0, HOLD - 1.0):
        clocks.now += elapsed
        assert wall.ahead() == 1002.0
    clocks.now += 0.1
    assert wall.ahead() == pytest.approx(999.0)


def test_a_process_that_was_stopped_does_not_believe_at_once_what_was_set_meanwhile():
    clocks = Clocks(1000.0)
    wall = WallClock(clocks.monotonic, clocks.wall)
    wall.ahead()
    clocks.now, clocks.ahead = clocks.now + 10 * HOLD, 940.0
    assert wall.ahead() == 1000.0


@given(st.lists(st.floats(0.0, 3.0), max_size=12))
def test_a_pause_between_two_looks_makes_what_was_stamped_older(pauses):
    clocks = Clocks(1000.0)
    clocks.pauses = pauses
    wall = WallClock(clocks.monotonic, clocks.wall)
    assert wall.ahead() >= 1000.0 - 1e-6
    clocks.pauses = [0.0] * 9 + [2.0]
    assert WallClock(clocks.monotonic, clocks.wall).ahead() == pytest.approx(1000.0), "it looks again"


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.floats(-5.0, 5.0)), min_size=1, max_size=60), st.data())
def test_nothing_that_was_stamped_is_younger_than_it_is(steps, data):
    """Whatever steps the wall clock makes between stamp and look, by whoever looks once a period."""
    clocks = Clocks(1000.0)
    wall, sent = WallClock(clocks.monotonic, clocks.wall), []
    for gap, step in steps:
        clocks.now += gap
        clocks.ahead += step if data.draw(st.booleans()) else 0.0
        ahead = wall.ahead()
        sent = [(at, stamp) for at, stamp in sent if clocks.now - at < HOLD] + [(clocks.now, clocks.wall())]
        assert all(stamp - ahead <= at + 1e-6 for at, stamp in sent)


@given(
    st.floats(-1e6, 1e6), st.lists(st.tuples(st.floats(0.005, 0.1), st.floats(0.0, 3.0)), min_size=2, max_size=80),
)  # fmt: skip
def test_a_learnt_time_is_not_after_the_true_one_by_more_than_the_least_delay(offset, steps):
    clock, now, arrived, known = LearntClock(), 0.0, -1.0, []
    for gap, delay in steps:
        now += gap
        arrived = max(now + delay, arrived)
        found = clock.measured(now + offset, arrived)
        known = [one for one in known if arrived - one[0] <= LEARN] + [(arrived, arrived - now)]
        assert found <= arrived
        assert found - now <= min(least for _, least in known) + 1e-6 or len(known) == 1


def test_what_comes_late_is_that_much_older():
    clock = LearntClock()
    for k in range(20):
        assert clock.measured(5.0 + 0.02 * k, 100.0 + 0.02 * k) == pytest.approx(100.0 + 0.02 * k)
    assert clock.measured(5.4, 100.7) == pytest.approx(100.4)
    assert clock.measured(5.4, 100.71) == REPEATED
    assert clock.measured(5.39, 100.72) == OLDER


def test_a_clock_that_is_set_or_comes_back_is_learnt_anew_and_settles():
    clock, told = LearntClock(settle=LEARN), []

    def send(stamp, arrived, count):
        told[:] = [clock.measured(stamp + 0.02 * k, arrived + 0.02 * k) for k in range(count)]

    send(5.0, 100.0, 40)
    assert told[:25] == [LEARNING] * 25 and told[-1] == pytest.approx(100.78)
    send(5.8, 103.0, 40)  # a pause of which nothing was heard
    assert told[:25] == [LEARNING] * 25 and told[-1] == pytest.approx(103.78)
    send(500.0, 103.8, 40)  # set forward
    assert told[:25] == [LEARNING] * 25 and told[-1] == pytest.approx(104.58)
    send(1.0, 104.6, 60)  # set back: first it might have been overtaken
    assert told[:25] == [OLDER] * 25 and told[26:50] == [LEARNING] * 24 and told[-1] == pytest.approx(105.78)


@pytest.mark.parametrize(("rate", "usable"), [(0.9, True), (0.5, False)])
def test_a_slow_simulation_looks_late(rate, usable):
    clock = LearntClock()
    late = [0.02 * k - clock.measured(5.0 + rate * 0.02 * k, 0.02 * k) for k in range(100)]
    assert np.all(np.array(late) <= (1.0 - rate) * LEARN + 0.02)
    assert (max(late) < 0.06) == usable


def test_a_second_from_its_arrival_a_time_is_of_another_clock():
    assert FARTHEST == 1.0
    assert wrong(10.99, 10.0) == wrong(9.01, 10.0) == ""
    assert wrong(11.01, 10.0) == IN_FUTURE and wrong(8.99, 10.0) == OTHER_CLOCK


@given(
    st.floats(-1e6, 1e6), st.floats(0.0, 0.2), st.lists(st.floats(0.0, 0.9), min_size=30, max_size=150),
)  # fmt: skip
def test_by_its_own_clock_nothing_is_younger_than_it_is(offset, quickest, delays):
    """If the quickest is as old as is declared, or younger; and what a base reads of its clock is not in its future."""
    clock, arrived, known, least = OffsetClock(quickest), -1.0, 0, 2.0
    for k, delay in enumerate(delays):
        now = 0.02 * k
        arrived = max(now + quickest + delay, arrived)
        found = clock.measured(now + offset, arrived)
        known += not isinstance(found, str)
        least = min(least, arrived - now)  # Where that is not the declared one, all looks younger by the difference.
        assert isinstance(found, str) or found <= now + least - quickest + 1e-6
        assert clock.now(arrived) <= arrived + offset + 1e-6
    assert known or len(delays) < 100


def send(clock, stamp, arrived, count, gap=0.02):
    return [clock.measured(stamp + gap * k, arrived + gap * k) for k in range(count)]


def test_a_clock_of_its_own_is_as_old_as_declared_and_what_comes_late_is_older():
    clock = OffsetClock(0.05)
    found = send(clock, 5.0, 100.0, 40)
    assert found[:25] == [LEARNING] * 25 and found[-1] == pytest.approx(100.78 - 0.05)
    assert clock.measured(5.8, 100.9) == pytest.approx(100.8 - 0.05)
    assert clock.measured(5.8, 100.92) == REPEATED and clock.measured(5.79, 100.93) == OLDER
    assert clock.now(101.0) == pytest.approx(6.0) and OffsetClock().now(1.0) is None


def test_a_clock_that_is_set_forward_is_believed_when_its_stamps_agree():
    clock = OffsetClock(0.0)
    send(clock, 5.0, 100.0, 40)
    found = send(clock, 500.0, 100.8, 40)
    assert found[:25] == [CLOCK_JUMPED] * 25 and found[-1] == pytest.approx(101.58)


def test_a_clock_that_is_set_back_is_believed_late_as_a_slow_network_looks_the_same():
    clock = OffsetClock(0.0)
    send(clock, 50.0, 100.0, 40)
    found = send(clock, 40.0, 100.8, 600)
    last = max(k for k, one in enumerate(found) if one == CLOCK_JUMPED)
    assert 0.02 * last == pytest.approx(HOLD, abs=0.05) and found[-1] == pytest.approx(100.8 + 0.02 * 599)
    assert set(found[: last + 1]) == {CLOCK_JUMPED}
    clock = OffsetClock(0.0)
    send(clock, 50.0, 100.0, 40)
    assert send(clock, 50.8, 102.3, 20) == [CLOCK_JUMPED] * 20, "1.5 s late"
    assert clock.measured(52.4, 102.7) == pytest.approx(102.4), "and in time again"


def test_after_a_long_silence_a_clock_is_learnt_anew():
    clock = OffsetClock(0.0)
    send(clock, 5.0, 100.0, 40)
    found = send(clock, 900.0, 100.8 + HOLD + 1.0, 40)
    assert found[:25] == [LEARNING] * 25 and found[-1] == pytest.approx(101.8 + HOLD + 0.02 * 39)
