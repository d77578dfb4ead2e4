"""What is believed of others: never older than it is said to be, and never what cannot be true."""

import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.reports import PERIOD, ROSTER, SPEED, report

from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds
from swarm.runtime.fleet_file.roster import UNLIKELY, loss_run, oldest_news
from swarm.runtime.link.inbox import (
    BURST,
    FORGOTTEN,
    QUARANTINE,
    RATE,
    Inbox,
)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.6), st.floats(0.0, 0.5), st.floats(-2.0, 2.0))
def test_ages_are_never_understated_and_the_honest_are_never_quarantined(seed, loss, delay, offset):
    """Two robots over a link that loses, delays and reorders; the clock of one is off. One moves at full speed."""
    rng = np.random.default_rng(seed)
    boxes = {1: Inbox(1, 1, ROSTER), 2: Inbox(2, 1, ROSTER)}
    wire, written, taken = [], {}, 0
    for tick in range(120):
        now = tick * PERIOD
        for me, you in ((1, 2), (2, 1)):
            local, old = now + (offset if me == 2 else 0.0), rng.uniform(0.0, min(0.15, now))
            boxes[me].sent(tick, local)
            written[me, tick] = now - old  # when the state was measured
            x = 5.0 + SPEED * written[me, tick] if me == 2 else 5.0
            clock = int(max(local, 0.0) * 1e9)
            data = report(me, tick, x, boxes[me].acks(), vx=SPEED * (me == 2), clock=clock, state_age=old)
            if rng.random() >= loss:
                heapq.heappush(wire, (now + rng.uniform(0.0, delay) + 1e-3, tick, me, you, data))
        while wire and wire[0][0] <= now + PERIOD:
            arrival, _, _, you, data = heapq.heappop(wire)
            found = boxes[you].receive(data, arrival + (offset if you == 2 else 0.0))
            assert found in (None, "not newer")
            taken += found is None
        for me in (1, 2):
            later = now + PERIOD
            for heard in boxes[me].heard(later + (offset if me == 2 else 0.0)):
                age = later - written[heard.report.robot_id, heard.report.sequence]
                assert heard.age >= age - 1e-6
    assert taken > 0 or loss > 0.5


def test_the_age_is_unknown_until_the_other_has_heard_us():
    box = Inbox(1, 7, ROSTER)
    box.sent(0, 10.0)
    assert box.receive(report(sequence=0), 10.1) is None
    assert box.heard(10.1)[0].age == np.inf
    assert box.receive(report(sequence=1, acks=[(1, 6, 0), (3, 7, 0)]), 10.2) is None  # of an earlier life; of another
    assert box.heard(10.2)[0].age == np.inf
    assert box.receive(report(sequence=2, acks=[(1, 7, 0)]), 10.3) is None
    assert box.heard(10.3)[0].age == pytest.approx(0.3) and box.heard(10.3)[0].acked == 0
    assert box.heard(12.3)[0].age == pytest.approx(2.3)
    assert box.acks() == ((2, 1, 2),)


def test_what_is_not_newer_is_refused():
    box = Inbox(1, 1, ROSTER)
    assert box.receive(report(sequence=5), 0.0) is None
    assert box.receive(report(sequence=5), 0.1) == "not newer"
    assert box.receive(report(sequence=4), 0.2) == "not newer"
    assert box.receive(report(sequence=0, incarnation=2), 0.3) is None
    assert box.receive(report(sequence=9, incarnation=1), 0.4) == "older incarnation"
    assert box.status() == {2: {"not newer": 2, "older incarnation": 1}}


def test_strangers_and_nonsense_are_refused_and_counted():
    box = Inbox(1, 1, ROSTER)
    assert box.receive(b"hello", 0.0) == "oversized or malformed"
    assert box.receive(bytes(5000), 0.0) == "oversized or malformed"
    assert box.receive(report(robot=9), 0.0) == "unknown sender"
    assert box.receive(report(robot=1), 0.0) == "own identity"
    assert box.receive(report(x=101.0), 0.0) == "out of range"
    assert box.receive(report(sequence=1, vx=1.5), 0.0) == "out of range"
    assert sum(box.rejected.values()) == 6 and box.heard(0.0) == []
    with pytest.raises(InputError, match="roster"):
        Inbox(5, 1, ROSTER)


def test_a_jump_is_not_believed_and_what_was_believed_gets_older():
    box = Inbox(1, 1, ROSTER)
    box.sent(0, 0.0)
    assert box.receive(report(sequence=0, x=5.0, acks=[(1, 1, 0)]), 0.1) is None
    assert box.receive(report(sequence=1, x=5.4, acks=[(1, 1, 0)]), 0.2) == "jump"  # 0.4 m in 0.2 s
    assert box.receive(report(sequence=2, x=5.2, acks=[(1, 1, 0)]), 0.3) == "quarantined"
    heard = box.heard(0.3)[0]
    assert heard.report.state[0] == 5.0 and heard.age == pytest.approx(0.3)
    assert box.receive(report(sequence=3, x=5.4, acks=[(1, 1, 0)]), 0.2 + QUARANTINE + 0.01) is None


def test_a_flood_is_cut_and_costs_nobody_else():
    box = Inbox(1, 1, ROSTER)
    taken = sum(box.receive(report(sequence=k), k * 1e-3) is None for k in range(5000))
    assert taken <= BURST + RATE * 5.0 + 1
    assert box.rejected["flooding"] == 5000 - taken
    assert box.receive(report(robot=3), 5.0) is None


def test_who_acknowledges_nothing_cannot_jump_either():
    box = Inbox(1, 1, ROSTER)
    box.sent(4, 9.9)
    assert box.receive(report(sequence=1, acks=[(1, 1, 4)]), 10.0) is None
    assert box.receive(report(sequence=1, incarnation=2, x=5.3), 10.5) is None  # started again: nothing heard so far
    assert box.heard(10.5)[0].age == pytest.approx(0.6) and box.heard(10.5)[0].acked == -1
    assert box.receive(report(sequence=2, incarnation=2, x=9.0), 11.0) == "jump"
    assert box.receive(report(sequence=1, incarnation=3, x=9.0), 12.1) == "jump"
    assert box.receive(report(sequence=1, incarnation=4, x=9.0), 14.2) is None  # so far it can have come by now


@pytest.mark.parametrize(("incarnation", "sequence"), [(2**32 - 2, 0), (2**32 - 1, 2**32 - 1), (1, 2**32 - 1)])
def test_who_was_forged_is_heard_again_after_a_silence(incarnation, sequence):
    box, heard = Inbox(1, 1, ROSTER), []
    for k in range(400):
        now = k * PERIOD
        box.sent(k, now)
        if 100 <= k < 140:
            box.receive(report(sequence=sequence, incarnation=incarnation), now)
        if box.receive(report(sequence=k, acks=[(1, 1, k)]), now) is None:
            heard.append(now)
    silent = max(after - before for before, after in itertools.pairwise(heard))
    assert FORGOTTEN < silent <= FORGOTTEN + 2.0 + 2 * PERIOD  # two seconds of lies, and then
    assert heard[-1] == 399 * PERIOD and box.heard(20.0)[0].age == pytest.approx(PERIOD)


def test_an_older_process_is_not_heard_beside_the_newer_one():
    box = Inbox(1, 1, ROSTER)
    for k in range(200):
        assert box.receive(report(sequence=k, incarnation=2), k * PERIOD) is None
        assert box.receive(report(sequence=k), k * PERIOD) == "older incarnation"


def test_a_replayed_report_is_as_old_as_what_it_acknowledges():
    box = Inbox(1, 1, ROSTER)
    for k in range(3):
        box.sent(k, float(k))
        assert box.receive(report(sequence=k, acks=[(1, 1, k)] * (k > 0)), k + 0.5) is None
    assert box.receive(report(sequence=1, acks=[(1, 1, 1)]), 2.4 + FORGOTTEN) == "not newer"
    assert box.receive(report(sequence=1, acks=[(1, 1, 1)]), 2.5 + FORGOTTEN) is None
    assert box.heard(6.0)[0].age == 5.0 and box.heard(6.0)[0].acked == 1
    assert box.receive(report(sequence=0), 5.5 + FORGOTTEN) is None  # it acknowledges nothing
    assert box.heard(9.0)[0].age == np.inf
    assert box.receive(report(sequence=1, acks=[(1, 1, 1)]), 9.0) is None
    assert box.heard(9.0)[0].age == 8.0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_replayed_reports_are_never_believed_to_be_newer_than_they_are(seed, moves):
    """Robot 2 speaks, is silent, is started anew; somebody says again whatever it has said, in silence most of all."""
    rng = np.random.default_rng(seed)
    box, said, measured = Inbox(1, 1, ROSTER), [], {}
    incarnation, sequence, silent_until = 1, 0, 0.0
    for k in range(800):
        now = k * PERIOD
        box.sent(k, now)
        if rng.random() < 0.01:
            incarnation, sequence, silent_until = incarnation + 1, 0, now + rng.uniform(0.0, 3.0 * FORGOTTEN)
        if now >= silent_until:
            acks = [(1, 1, k - int(rng.integers(0, 4)))] if rng.random() < 0.8 and k > 3 else []
            x = 50.0 + moves * 20.0 * np.sin(now / 20.0)
            data = report(2, sequence, x, acks, incarnation, clock=k)
            said.append(data)
            measured[k], sequence = now, sequence + 1
            box.receive(data, now)
        elif said:
            box.receive(said[rng.integers(len(said))], now)
        for heard in box.heard(now):
            assert heard.age >= now - measured[heard.report.clock_ns] - 1e-9


@given(st.floats(0.0, 0.99))
def test_a_run_of_losses_that_is_not_explained_is_one_in_a_million(loss):
    run = loss_run(loss)
    assert loss ** (run * (1.0 + 1e-9)) <= UNLIKELY * (1.0 + 1e-6) if loss else run == 0
    assert run == 0 or loss ** (run - 1) > UNLIKELY


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.4]), st.floats(0.0, 0.3), st.floats(0.0, 1.0),
)  # fmt: skip
def test_news_are_never_older_than_what_is_declared_explains(seed, loss, latency, phase):
    """Two robots that report once a period, messages that come late by up to the latency, and lost ones in runs."""
    rng, errors, boxes = np.random.default_rng(seed), ErrorBounds(latency=latency, loss=loss), {}
    wire, lost, run, most = [], {1: 0, 2: 0}, loss_run(loss), oldest_news(errors, PERIOD)
    boxes = {me: Inbox(me, 1, ROSTER) for me in (1, 2)}
    for tick in range(160):
        for me, you in ((1, 2), (2, 1)):
            now = 100.0 + (tick + (me - 1) * phase) * PERIOD
            for entry in sorted(one for one in wire if one[1] == me and one[0] <= now):
                boxes[me].receive(entry[2], now)
                wire.remove(entry)
            for one in boxes[me].heard(now):
                assert one.age - one.report.state_age <= most or (one.age == np.inf and tick <= most / PERIOD)
            boxes[me].sent(tick, now)
            lost[me] = lost[me] + 1 if lost[me] < run and rng.random() < max(loss, 0.5) else 0
            if not lost[me]:
                arrival = now + rng.uniform(0.0, latency)
                wire.append((arrival, you, report(me, tick, acks=boxes[me].acks(), clock=int(now * 1e9))))
