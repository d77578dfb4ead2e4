"""The clock of a ROS 2 base: the stamp says how old odometry is, and one line says what is wrong with it."""

import time

import pytest

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
    OffsetClock,
    WallClock,
)
from swarm.runtime.drivers.ros2_clock import _PROBLEMS, AHEAD, BaseClock
from swarm.runtime.link.status import MAX_TEXT
from swarm.runtime.watchdog import STATE_AGE

WALL = 1_800_000_000.0


class Now:
    def __init__(self):
        self.at, self.wall = 100.0, WALL

    def clock(self, simulated, offset=None):
        return BaseClock(simulated, WallClock(lambda: self.at, lambda: self.at + self.wall), offset)

    def go(self, clock, seconds):
        self.at += seconds
        clock.look()


@pytest.fixture
def now():
    return Now()


@pytest.mark.parametrize("late", [0.0, 0.05, 0.3, 0.9])
def test_odometry_is_as_old_as_its_stamp_says(now, late):
    clock = now.clock(simulated=False)
    for _ in range(100):
        now.go(clock, 0.02)
        measured = clock.measured(now.at + WALL - late, now.at + WALL, now.at)
        assert measured == pytest.approx(now.at - late, abs=1e-6)
    assert ("late, valid is" in clock.problem) == (late > STATE_AGE)
    assert clock.problem == "" or f"{late:.2g} s late" in clock.problem


def test_a_stamp_of_the_future_is_none_but_for_what_clocks_differ(now):
    clock = now.clock(simulated=False)
    assert clock.measured(now.at + WALL + 0.9 * AHEAD, 0.0, now.at) == now.at and clock.problem == ""
    for ahead, shown in ((1.1 * AHEAD, "0.055 s ahead"), (3600.0, "3600 s ahead")):
        other = now.clock(simulated=False)
        assert other.measured(now.at + WALL + ahead, 0.0, now.at) == IN_FUTURE
        assert shown in other.problem and "synchronise" in other.problem and other.doubt == IN_FUTURE


@pytest.mark.parametrize("stamp", [0.0, 5.02, WALL + 100.0 - 3600.0, WALL + 100.0 - FARTHEST - 0.1])
def test_a_stamp_of_another_clock_is_none_and_commands_are_by_it(now, stamp):
    clock = now.clock(simulated=False)
    assert clock.measured(stamp, now.at + WALL, now.at) == OTHER_CLOCK
    assert "behind" in clock.problem and "use_sim_time: true" in clock.problem and clock.doubt == OTHER_CLOCK
    assert clock.stamp() == round(1e9 * stamp)
    first = clock.problem
    now.go(clock, 1.0)
    clock.measured(stamp + 0.5, now.at + WALL, now.at)
    assert clock.problem == first, "said once"
    assert clock.measured(now.at + WALL, now.at + WALL, now.at) == pytest.approx(now.at), "it was synchronised"
    assert clock.problem == clock.doubt == "" and abs(clock.stamp() - time.time_ns()) < 10**9


def test_the_same_stamp_or_an_older_one_is_no_new_state(now):
    clock = now.clock(simulated=False)
    stamp = now.at + WALL
    assert clock.measured(stamp, 0.0, now.at) == pytest.approx(now.at)
    now.go(clock, 0.1)
    assert clock.measured(stamp, 0.0, now.at) == REPEATED and clock.measured(stamp - 0.01, 0.0, now.at) == OLDER
    assert clock.problem == "", "once harms nobody"
    now.go(clock, 0.1)
    assert clock.measured(stamp, 0.0, now.at) == REPEATED and "same stamp again" in clock.problem


@pytest.mark.parametrize("step", [-3600.0, -5.0, -0.1, 0.1, 5.0, 3600.0])
def test_a_step_of_the_wall_clock_makes_nothing_young_and_passes(now, step):
    """What was stamped before the step, and comes after it, has its true age at least; later all is as before."""
    clock = now.clock(simulated=False)
    for _ in range(10):
        now.go(clock, 0.02)
        clock.measured(now.at + WALL, 0.0, now.at)
    sent = now.at + 0.01
    now.wall += step
    now.go(clock, abs(step) if abs(step) < FARTHEST else 1.0)
    measured = clock.measured(sent + WALL, 0.0, now.at)
    assert isinstance(measured, str) or measured <= sent + 1e-6
    for _ in range(2):
        now.go(clock, HOLD + 0.1)
        measured = clock.measured(now.at + now.wall, 0.0, now.at)
    assert measured == pytest.approx(now.at, abs=1e-6) and clock.problem == ""


def told(now, clock, stamps, sent=None):
    found = []
    for stamp in stamps:
        now.go(clock, 0.02)
        found.append(clock.measured(stamp, now.at + WALL if sent is None else sent(now.at + WALL), now.at))
    return found


def test_simulated_time_is_learnt_again_after_a_pause_and_a_restart(now):
    clock = now.clock(simulated=True)
    assert clock.stamp() == 0, "zero: the base takes it for now"
    found = told(now, clock, [5.0 + 0.02 * k for k in range(50)])
    assert found[:25] == [LEARNING] * 25 and found[-1] == pytest.approx(now.at) and clock.problem == ""
    assert clock.stamp() == round(1e9 * (5.0 + 0.02 * 49))
    assert told(now, clock, [5.98] * 50) == [REPEATED] * 50 and "paused" in clock.problem
    assert clock.stamp() == round(1e9 * 5.98), "a simulation that is paused does not let commands run ahead"
    found = told(now, clock, [6.0 + 0.02 * k for k in range(50)])
    assert found[0] == LEARNING and found[-1] == pytest.approx(now.at) and clock.problem == ""
    found = told(now, clock, [0.02 * k for k in range(100)])
    assert found[0] == OLDER and LEARNING in found and found[-1] == pytest.approx(now.at)
    assert clock.stamp() == round(1e9 * 0.02 * 99) and clock.problem == ""


@pytest.mark.parametrize("late", [0.3, 2.0])
def test_a_slow_network_is_told_from_a_pause_by_the_time_of_sending(now, late):
    clock = now.clock(simulated=True)
    told(now, clock, [5.0 + 0.02 * k for k in range(50)])
    now.go(clock, late)
    found = told(now, clock, [6.0 + 0.02 * k for k in range(200)], lambda wall: wall - late)
    assert all(isinstance(one, str) or one <= now.at - late + 0.02 * (199 - k) + 1e-6 for k, one in enumerate(found))
    assert "below real time" in clock.problem
    clock = now.clock(simulated=True)
    assert told(now, clock, [5.0 + 0.02 * k for k in range(50)], lambda _: 0.0)[-1] == pytest.approx(now.at), (
        "where it is not the wall clock's it says nothing"
    )


def test_what_is_wrong_fits_into_a_status():
    for words in _PROBLEMS.values():
        assert len(words.format(1.785432e9)) <= MAX_TEXT, words
    assert LEARN < 1.0


def test_a_base_with_a_clock_of_its_own_is_known_by_its_stamps_and_commands_are_by_it(now, monkeypatch):
    """It stamps by the seconds since it was started; its quickest odometry is 30 ms old, as is declared."""
    clock = now.clock(simulated=False, offset=OffsetClock(0.03))
    monkeypatch.setattr(time, "monotonic", lambda: now.at)
    late = [0.05, 0.03, 0.045, 0.04]
    found = []
    for k in range(60):
        now.go(clock, 0.02)
        found.append((clock.measured(now.at - 95.0 - late[k % 4], now.at + WALL, now.at), now.at - late[k % 4]))
    assert found[0][0] == LEARNING and clock.problem == clock.doubt == ""
    assert all(measured == pytest.approx(true, abs=1e-6) for measured, true in found[30:])
    assert clock.stamp() == pytest.approx(1e9 * (now.at - 95.0 - 0.03), abs=1e3), "rather too early than too late"
    now.go(clock, 0.02)
    assert clock.measured(now.at - 40.0, now.at + WALL, now.at) == CLOCK_JUMPED == clock.doubt
    assert "was set" in clock.problem and clock.stamp() == round(1e9 * (now.at - 40.0))
    for _ in range(30):
        now.go(clock, 0.02)
        measured = clock.measured(now.at - 40.0, now.at + WALL, now.at)
    assert measured == pytest.approx(now.at - 0.03) and clock.problem == clock.doubt == ""


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_base_with_a_clock_of_its_own_does_not_care_for_the_wall_clock(now, step):
    clock = now.clock(simulated=False, offset=OffsetClock(0.0))
    for k in range(100):
        now.wall += step if k == 50 else 0.0
        now.go(clock, 0.02)
        measured = clock.measured(now.at + 5.0, now.at + now.wall, now.at)
        assert k in (24, 25, 26) or measured == (LEARNING if k < 25 else pytest.approx(now.at))
