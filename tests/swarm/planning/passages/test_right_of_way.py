"""The agreement alone: two robots never hold one slice, whatever they want, and whatever messages are lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.planning.passages.lanes import heading, lanes_of
from swarm.planning.passages.right_of_way import (
    T_AHEAD,
    T_INHERITED,
    T_LATER,
    T_WINDOW,
    Rank,
    after,
    first_of,
    goes_first,
    inherited_from,
    intent_of,
    listed,
    may_enter,
    may_take,
    opposed,
    rank_of,
    row_of,
    row_with,
    waiting_key,
    write_window,
)
from swarm.planning.pibt.priority_inheritance import id_of, priority_key
from swarm.sense.intent import MAX_HELD, WINDOW, Intent
from tests.oracles.told import in_order, opposite, rows_of, tells, window_of


def told(tick: int, held: list[int], claim: int, key: int, leaving: bool = False) -> Intent:
    return tells(tick=tick, held=held, claim=claim, key=key, leaving=leaving, ahead=held)


def rank(intent: Intent, robot: int) -> Rank:
    found: Rank = rank_of(row_of(intent, robot))
    return found


NUMBERS = st.lists(st.integers(1, 20), max_size=18, unique=True)


@given(NUMBERS, NUMBERS, st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_what_is_told_is_read_as_it_was_meant(ahead: list[int], later: list[int], held: list[int]) -> None:
    """By the kernels that write and read it, as in plain Python; also if another program has told it."""
    window = np.zeros(WINDOW + 1, np.int64)
    write_window(np.array(ahead, np.int64), np.array(later, np.int64), window)
    assert tuple(window.tolist()) == window_of(ahead, later)
    key, own = waiting_key(500, 3), waiting_key(900, 9)
    row = row_with((9, 7, 1, 0, 0, own, key, 4, 6), np.array(held, np.int64), window)
    intent = intent_of(row, window)
    asked = tells(
        tick=7, held=in_order(held), claim=4, key=key, own=own, arrival=6, leaving=True, ahead=ahead, later=later
    )
    assert intent == asked
    np.testing.assert_array_equal(row, row_of(asked, 9))
    first = asked.window.index(0) if 0 in asked.window else WINDOW + 1
    now, then = asked.window[:first], asked.window[first:]
    lists = [listed(row, column).tolist() for column in (T_AHEAD, T_LATER, T_WINDOW)]
    assert lists == [list(in_order(now)), list(in_order(then)), list(now)]
    assert row[T_INHERITED] == max(key, own)


@given(NUMBERS, NUMBERS)
def test_ways_are_opposed_if_two_slices_come_in_the_other_order(mine: list[int], theirs: list[int]) -> None:
    assert opposed(np.array(mine, np.int64), np.array(theirs, np.int64)) == opposite(mine, theirs)


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_no_slice_has_two_holders_whatever_is_wanted_and_lost(seed: int, loss: float) -> None:
    rng = np.random.default_rng(seed)
    robots, slices, taken = 6, 9, 0
    held: list[list[int]] = [[k + 1] for k in range(robots)]
    sent = [told(0, held[k], 0, priority_key(0, k)) for k in range(robots)]
    heard = [{j: sent[j] for j in range(robots) if j != k} for k in range(robots)]
    for tick in range(1, 400):
        for k in range(robots):
            if sent[k].claim > 0 and may_take(sent[k].claim, row_of(sent[k], k), *rows_of(heard[k])):
                held[k].append(sent[k].claim)
                taken += 1
            while len(held[k]) > 1 and (len(held[k]) == MAX_HELD or rng.random() < 0.4):
                held[k].pop(int(rng.integers(len(held[k]))))
        everything = [number for mine in held for number in mine]
        assert len(everything) == len(set(everything)), (tick, held)
        for k in range(robots):
            claim = int(rng.integers(1, slices + 1))
            key = priority_key(int(rng.integers(3)), k)
            sent[k] = told(tick, held[k], 0 if claim in held[k] else claim, key, bool(rng.random() < 0.2))
        for k in range(robots):
            for j in range(robots):
                if j != k and rng.random() >= loss:
                    heard[k][j] = sent[j]
    assert taken > (50 if loss < 0.5 else 0)


def test_a_window_ends_in_the_last_slice_of_the_way() -> None:
    ahead = tuple(range(1, 40))
    window = window_of(ahead)
    assert len(window) == WINDOW + 1
    assert in_order(window) == (*ahead[:WINDOW], 39)
    assert in_order(window_of((5, 6))) == (5, 6)
    assert in_order(window_of(())) == ()


def test_who_makes_way_for_one_that_has_waited_as_long_counts_as_that_one() -> None:
    first, mine = waiting_key(100, 1), waiting_key(100, 5)  # that one goes by its identity
    intent = tells(held=[3], ahead=[3], key=after(first), own=mine)
    assert after(first) < mine and rank(intent, 5).inherited == after(first)
    behind = Rank(False, True, after(after(first)), waiting_key(100, 0), 0)  # makes way for this one in turn
    assert not goes_first(behind, rank(intent, 5))


def test_ranks_are_total_and_who_is_stuck_or_inside_or_waits_longest_goes_first() -> None:
    waits = [told(9, [0], 0, priority_key(ticks, robot)) for robot, ticks in ((0, 5), (1, 9))]
    assert rank(waits[1], 1) > rank(waits[0], 0)
    assert rank(told(9, [3], 0, priority_key(5, 0)), 0) > rank(waits[1], 1)
    arrived = told(9, [3], 0, priority_key(-1, 2))
    assert rank(arrived, 2) < rank(waits[0], 0)
    assert rank(told(9, [3], 0, priority_key(0, 4), leaving=True), 4) > rank(told(9, [3], 0, priority_key(5, 0)), 0)


def test_who_makes_way_goes_for_others_as_the_first_of_its_chain_does() -> None:
    """Also if those others have waited for as long as that one: nobody is pushed by half."""
    first, other, idle = waiting_key(50, 3), waiting_key(50, 7), priority_key(-1, 2)
    mine = Rank(False, True, other, other, -7)
    for key in (first, after(first), after(after(first))):
        theirs = Rank(False, True, key, idle, -2)
        assert goes_first(theirs, mine) and not goes_first(mine, theirs)
    later = Rank(False, True, after(waiting_key(10, 3)), idle, -2)
    assert goes_first(later, mine) and goes_first(mine._replace(inherited=waiting_key(150, 7)), later)


def test_who_makes_way_for_some_of_one_chain_goes_after_all_of_them() -> None:
    first, other = waiting_key(200, 3), waiting_key(100, 1)
    assert inherited_from(np.array([after(first), other, first])) == after(after(first))
    assert inherited_from(np.array([other])) == after(other) < other and first_of(after(other)) == other
    long = first
    for _ in range(100):
        long = after(long)
    assert first_of(long) == first and id_of(long) == 3
    assert after(priority_key(-1, 3)) == first_of(priority_key(-1, 3)) == priority_key(-1, 3)


LANE = 8
"""Slices of the lane of the test below, numbered from one end."""


class Traveller:
    """A robot that goes through the lane again and again, from any end to any end."""

    def __init__(self, robot: int, rng: np.random.Generator) -> None:
        self.robot, self.rng, self.held, self.way, self.since = robot, rng, [0], list[int](), 0
        self.passed = 0
        self.sent = self.tell(0, {})

    def take(self, heard: dict[int, Intent]) -> bool:
        """Take what was claimed, if it may; whether it has entered the lane with it."""
        claim = self.sent.claim
        known = claim, row_of(self.sent, self.robot), *rows_of(heard)
        if claim < 1 or not may_take(*known) or not may_enter(*known, LANES):
            return False
        entered = not any(self.held)
        self.held = [claim] if entered else [*self.held, claim]
        return entered

    def tell(self, tick: int, heard: dict[int, Intent]) -> Intent:
        """Go on, and say so."""
        if not self.way and self.held == [0]:
            self.way, self.since = list(range(1, LANE + 1))[:: int(self.rng.choice([-1, 1]))], tick
        while len(self.held) > 1 and (len(self.held) == MAX_HELD or self.rng.random() < 0.5):
            self.held.pop(0)
        if self.held == self.way[-1:] and self.rng.random() < 0.5:
            self.held, self.way, self.passed = [0], [], self.passed + 1
        ahead = self.way[self.way.index(self.held[0]) :] if any(self.held) else self.way
        claim = next((number for number in ahead if number not in self.held), 0)
        key = priority_key(tick - self.since, self.robot)
        if not any(self.held):  # as the planner does it: who has waited longer goes first
            mine = rank(told(tick, [0], 0, key), self.robot)
            for robot, other in heard.items():
                if rank(other, robot) > mine and opposite(ahead, in_order(other.window)):
                    claim = 0
        self.sent = tells(tick=tick, held=self.held, claim=claim, key=key, ahead=ahead)
        return self.sent


LANES = lanes_of(np.arange(1, LANE + 1, dtype=np.int32)[None], LANE)


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_nobody_enters_a_lane_against_somebody_in_it_and_everybody_comes_through(seed: int, loss: float) -> None:
    rng = np.random.default_rng(seed)
    team = [Traveller(k, rng) for k in range(4)]
    heard: list[dict[int, Intent]] = [{j: team[j].sent for j in range(4) if j != k} for k in range(4)]
    for tick in range(1, 6000):
        entered = [one.take(heard[one.robot]) for one in team]
        inside = [one for one in team if any(one.held)]
        headings = {heading(LANES, 1, np.array(one.way, np.int64)) for one in inside}
        assert len(headings) <= 1, (tick, entered)
        sent = [one.tell(tick, heard[one.robot]) for one in team]
        for k in range(4):
            heard[k].update({j: sent[j] for j in range(4) if j != k and rng.random() >= loss})
    passed = [one.passed for one in team]
    assert min(passed) >= 5 and max(passed) <= 3 * min(passed), passed


def test_who_makes_way_goes_after_whom_it_makes_way_for_however_long_the_chain() -> None:
    first, idle = priority_key(50, 7), priority_key(-1, 2)
    inherited = after(first), after(after(first))
    ranks = [Rank(False, False, first, first, -7)]
    ranks += [Rank(leaving, True, key, idle, -k) for k, key in enumerate(inherited) for leaving in (False, True)]
    for k, mine in enumerate(ranks[:1] + ranks[1::2]):
        for theirs in (ranks[:1] + ranks[1::2])[k + 1 :]:
            assert goes_first(mine, theirs) and not goes_first(theirs, mine)
    assert goes_first(ranks[2], ranks[0]) and goes_first(ranks[0], ranks[2])  # it has nowhere to go: each for the other
    waits = Rank(False, False, priority_key(60, 1), priority_key(60, 1), -1)
    assert goes_first(waits, ranks[0]) and goes_first(ranks[1], waits)
