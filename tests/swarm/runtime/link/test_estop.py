"""Whatever robots tell: an operator's stop latches, his release releases them, and who comes later learns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.runtime.link.estop import CEILING, DOUBT, EmergencyStop, StopLatch, follow, learn

PERIOD = 0.1
LIARS = (7, 8)
HUGE = (CEILING - 1, CEILING, CEILING + 1, 2**63 - 2, 2**63 - 1, 2**63, 2**64 - 1)
"""Counters that no operator's clock has told."""


def restarted(latch, now):
    """The robot's next process."""
    return StopLatch(latch.known, latch.doubted, now)


def counter_of(latch):
    return 0 if latch.known is None else latch.known.counter


class Yard:
    """Two honest robots that hear each other, two that lie, and an operator as in ``swarm.fleet.emergency``."""

    def __init__(self):
        self.now, self.honest, self.known = 1000.0, [StopLatch(None, (), 1000.0), StopLatch(None, (), 1000.0)], set()

    def clock(self):
        return int(self.now * 1e9)

    def period(self, lies, *wishes):
        """A period: what the liars tell (None: that they are not stopped), and what operators tell."""
        words = {robot: counter for robot, counter in zip(LIARS, lies, strict=True) if counter is not None}
        told = [dict(words) for _ in self.honest]
        for i, latch in enumerate(self.honest):
            if latch.latched:
                told[1 - i][i] = counter_of(latch)
        self.known.update(wish.counter for wish in wishes)
        for latch, stopped in zip(self.honest, told, strict=True):
            latch.take(wishes, stopped, self.now)
            assert counter_of(latch) <= min(CEILING, max(self.known, default=0))
        self.now += PERIOD

    def wish(self, latched, lies):
        """What an operator tells next; liars tell him the same as robots."""
        told = [counter_of(latch) for latch in self.honest if latch.latched] + [one for one in lies if one is not None]
        newest = max((one for one in told if one < 2**63), default=0)
        return EmergencyStop(latched, self.clock() if latched else max(self.clock(), newest + 1))

    def confirmed(self, latched):
        return all(latch.latched == latched for latch in self.honest)

    def adapted(self, lies):
        """Lies that know what the robots know: "next" is the smallest counter that is news to both."""
        newest = max(map(counter_of, self.honest)) + 1
        return tuple(newest if lie == "next" else lie for lie in lies)


lie = st.sampled_from([None, "next", 0, *HUGE]) | st.integers(0, 2**64 - 1)
lies = st.tuples(lie, lie)
steps = st.lists(st.tuples(lies, st.sampled_from(["nobody", "stop", "release", "restart", "later"])), max_size=25)


@given(steps, st.lists(lies, min_size=12, max_size=12))
def test_whatever_robots_tell_an_operator_stops_and_releases_them(before, meanwhile):
    yard, meanwhile = Yard(), iter(meanwhile)
    for told, happens in before:
        told = yard.adapted(told)
        if happens == "restart":
            yard.honest = [restarted(latch, yard.now) for latch in yard.honest]
        yard.now += DOUBT if happens == "later" else 0.0
        yard.period(told, *([yard.wish(happens == "stop", told)] if happens in ("stop", "release") else []))
    told = yard.adapted(next(meanwhile))
    yard.period(told, yard.wish(True, told))
    assert yard.confirmed(True)
    rounds = 0
    while not yard.confirmed(False):  # he tells it until all have confirmed; each liar can stop them once more
        told, rounds = yard.adapted(next(meanwhile)), rounds + 1
        yard.period(told, yard.wish(False, told))
        assert rounds <= len(LIARS) + 2


@given(lies, st.booleans())
def test_who_goes_on_saying_that_it_is_stopped_stops_the_others_once(told, restart):
    yard, releases = Yard(), 0
    for _ in range(round(3 * DOUBT / PERIOD)):
        if restart:
            yard.honest = [restarted(latch, yard.now) for latch in yard.honest]
        now = yard.adapted(told)
        wishes = [] if yard.confirmed(False) else [yard.wish(False, now)]
        releases += len(wishes)
        yard.period(now, *wishes)
    assert yard.confirmed(False) and releases <= len(LIARS) + 1


@pytest.mark.parametrize("counter", HUGE)
@pytest.mark.parametrize("latched", [True, False])
def test_a_journal_with_a_counter_that_was_pushed_recovers(counter, latched):
    latch, now = StopLatch(EmergencyStop(latched, counter), (), 0.0), 17 * 10**17
    assert counter_of(latch) < 2**63 - 1
    latch.take([EmergencyStop(False, max(now, counter_of(latch) + 1))], {}, 0.5)
    assert not latch.latched
    for k in range(3):
        latch.take([EmergencyStop(True, now + 10 * k)], {}, 1.0 + k)
        assert latch.latched
        status = counter_of(latch)
        assert status < 2**63  # older operators look no farther
        latch.take([EmergencyStop(False, max(now + 10 * k + 5, status + 1))], {}, 1.5 + k)
        assert not latch.latched
    late = StopLatch(EmergencyStop(False, counter), (), 5.0)
    late.take([], {1: now}, 5.0)
    assert late.latched == (counter >= CEILING)  # what is below may be a clock: a stop in 2026 is older


def test_who_comes_late_learns_of_the_stop_also_after_lies_and_who_missed_the_release_stops_nobody():
    first, now = StopLatch(None, (), 0.0), 100
    first.take([], {7: 2**63 - 1}, 0.0)
    first.take([EmergencyStop(False, now)], {7: 2**63 - 1}, 0.1)
    assert first.known == EmergencyStop(False, now)
    missed = StopLatch(EmergencyStop(True, now - 1), (), 0.2)
    first.take([], {1: counter_of(missed)}, 0.2)
    assert not first.latched
    first.take([EmergencyStop(True, now + 1)], {}, 0.3)
    for known in (None, EmergencyStop(False, now)):
        late = StopLatch(known, (7,), 0.4)
        late.take([], {0: counter_of(first)}, 0.4)
        assert late.latched and counter_of(late) == (0 if known is None else now)
        later = StopLatch(known, (), 0.5)  # it hears only who came late
        later.take([], {2: counter_of(late)}, 0.5)
        assert later.latched
        for latch in (late, later):
            latch.take([EmergencyStop(False, now + 2)], {0: counter_of(first)}, 0.6)
            assert latch.known == EmergencyStop(False, now + 2)


def test_who_was_wrong_about_a_stop_is_believed_again_after_a_while():
    latch = StopLatch(None, (), 0.0)
    latch.take([], {7: 5}, 0.0)
    latch.take([EmergencyStop(False, 6)], {7: 5}, 1.0)
    assert latch.doubted == {7}
    latch.take([], {7: 9}, 2.0)
    latch.take([], {}, 2.0 + DOUBT - 0.1)
    assert latch.doubted == {7} and not latch.latched
    latch.take([], {}, 2.0 + DOUBT)
    latch.take([], {7: 9}, 2.1 + DOUBT)
    assert latch.known == EmergencyStop(True, 6)


def test_one_release_is_enough_for_all_who_say_that_they_are_stopped():
    latch, told = StopLatch(None, (), 0.0), dict.fromkeys(range(5), 2**63 - 1)
    latch.take([], told, 0.0)
    latch.take([EmergencyStop(False, 6)], told, 0.1)
    latch.take([], told, 0.2)
    assert latch.known == EmergencyStop(False, 6) and latch.doubted == set(told)


def test_whom_an_operator_bears_out_is_not_doubted():
    latch = StopLatch(None, (), 0.0)
    latch.take([], {1: 5}, 0.0)
    latch.take([EmergencyStop(True, 5)], {1: 5}, 0.1)
    latch.take([EmergencyStop(False, 6)], {1: 5}, 0.2)  # robot 1 is released a moment later
    assert latch.known == EmergencyStop(False, 6) and not latch.doubted


def test_what_robots_tell_of_the_stop():
    stop, release = EmergencyStop(True, 5), EmergencyStop(False, 5)
    assert learn(None, 3) == EmergencyStop(True, 0)
    assert learn(release, 4) == release  # its sender missed the release
    assert learn(release, 5) == stop and learn(release, 6) == stop and learn(release, 2**63) == stop
    assert learn(stop, 4) == stop


def test_a_release_is_possible_at_the_end_of_all_counters():
    known = follow(EmergencyStop(True, 5), EmergencyStop(False, 2**63))  # an operator whom a liar pushed
    assert known == EmergencyStop(False, CEILING)
    assert follow(known, EmergencyStop(True, 7)) == EmergencyStop(True, 7)  # the next stop counts anew
    known = follow(known, EmergencyStop(True, 2**64 - 1))
    assert known == EmergencyStop(True, CEILING)
    assert follow(known, EmergencyStop(False, CEILING)) == known
    assert follow(known, EmergencyStop(False, CEILING + 1)) == EmergencyStop(False, CEILING)
