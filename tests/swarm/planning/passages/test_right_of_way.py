"""The agreement alone: two robots never hold one slice, whatever they want, and whatever messages are lost."""

from __future__ import annotations

import numpy as np
import pytest

from swarm.planning.passages.right_of_way import (
    after,
    aged,
    goes_first,
    in_order,
    intent_of,
    may_take,
    opposed,
    rank,
    window_of,
)  # fmt: skip
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.sense.intent import MAX_HELD, WINDOW, Intent


def told(tick: int, held: list[int], claim: int, key: int, leaving: bool = False) -> Intent:
    return intent_of(
        tick=tick, held=held, claim=claim, claim_priority=key, priority=key, arrival=0, leaving=leaving, ahead=held
    )


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
            if sent[k].claim > 0 and may_take(sent[k].claim, sent[k], k, heard[k]):
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


def test_ways_are_opposed_if_two_slices_come_in_the_other_order() -> None:
    assert opposed((1, 2, 3), (4, 3, 2))
    assert not opposed((1, 2, 3), (2, 3, 4))
    assert not opposed((1, 2, 3), (7, 2, 8))


def test_a_window_ends_in_the_last_slice_of_the_way() -> None:
    ahead = tuple(range(1, 40))
    window = window_of(ahead)
    assert len(window) == WINDOW + 1
    assert in_order(window) == (*ahead[:WINDOW], 39)
    assert in_order(window_of((5, 6))) == (5, 6)
    assert in_order(window_of(())) == ()


def test_ranks_are_total_and_who_is_stuck_or_inside_or_waits_longest_goes_first() -> None:
    waits = [told(9, [0], 0, priority_key(ticks, robot)) for robot, ticks in ((0, 5), (1, 9))]
    assert rank(waits[1], 1) > rank(waits[0], 0)
    assert rank(told(9, [3], 0, priority_key(5, 0)), 0) > rank(waits[1], 1)
    arrived = told(9, [3], 0, priority_key(-1, 2))
    assert rank(arrived, 2) < rank(waits[0], 0)
    assert rank(told(9, [3], 0, priority_key(0, 4), leaving=True), 4) > rank(told(9, [3], 0, priority_key(5, 0)), 0)


def test_an_inherited_priority_grows_older_with_its_origin() -> None:
    assert aged(priority_key(7, 3), 1) == priority_key(8, 3)
    assert aged(priority_key(-1, 3), 1) == priority_key(-1, 3)


def test_who_makes_way_goes_after_whom_it_makes_way_for_however_long_the_chain() -> None:
    first, idle = priority_key(50, 7), priority_key(-1, 2)
    inherited = after(first), after(after(first))
    ranks = [(False, False, first, first, -7)]
    ranks += [(leaving, True, key, idle, -k) for k, key in enumerate(inherited) for leaving in (False, True)]
    for k, mine in enumerate(ranks[:1] + ranks[1::2]):
        for theirs in (ranks[:1] + ranks[1::2])[k + 1 :]:
            assert goes_first(mine, theirs) and not goes_first(theirs, mine)
    assert goes_first(ranks[2], ranks[0]) and goes_first(ranks[0], ranks[2])  # it has nowhere to go: each for the other
    waits = (False, False, priority_key(60, 1), priority_key(60, 1), -1)
    assert goes_first(waits, ranks[0]) and goes_first(ranks[1], waits)
