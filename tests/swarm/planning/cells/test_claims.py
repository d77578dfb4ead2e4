"""How claims are compared: all work out the same, honest ones as ever, and who lies does not always win."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swarm.planning.cells.claims import LONGEST, bounded_priority, claim_rank, first_move
from swarm.planning.pibt.priority_inheritance import IDS, pibt_moves, priority_key

ids, cells, anything = st.integers(0, IDS - 1), st.integers(0, 2**31 - 1), st.integers(-(2**63), 2**63 - 1)


@given(st.integers(-(2**40), LONGEST - 1), st.integers(-(2**40), LONGEST - 1), ids, ids, cells)
def test_who_has_waited_less_than_the_longest_is_compared_as_ever(
    a: int, b: int, one: int, other: int, cell: int
) -> None:
    keys = priority_key(a, one), priority_key(b, other)
    assert (claim_rank(keys[0], one, cell), claim_rank(keys[1], other, cell)) == keys
    assert bounded_priority(keys[0], one) == keys[0]


@given(anything, ids, ids)
def test_a_told_priority_counts_at_most_as_the_longest_and_as_of_who_tells_it(key: int, robot: int, other: int) -> None:
    found = bounded_priority(key, robot)
    assert found <= priority_key(LONGEST, robot) and (found - priority_key(0, robot)) % IDS == 0
    assert bounded_priority(found, robot) == found and (robot == other or bounded_priority(key, other) != found)


@given(st.integers(LONGEST * IDS, 2**63 - 1), st.integers(LONGEST * IDS, 2**63 - 1), ids, ids, cells)
def test_of_two_that_have_waited_the_longest_one_wins_whatever_they_say(
    a: int, b: int, one: int, other: int, cell: int
) -> None:
    ranks = claim_rank(a, one, cell), claim_rank(b, other, cell)
    assert (ranks[0] == ranks[1]) == (one == other) and min(ranks) >= priority_key(LONGEST - 1, 0)
    assert ranks[0] == claim_rank(2**62, one, cell)


def test_who_lies_wins_about_half_of_the_cells_of_one_that_has_waited_as_long() -> None:
    for liar in range(16):
        for honest in set(range(16)) - {liar}:
            claims = [
                (claim_rank(2**62, liar, cell), claim_rank(priority_key(LONGEST, honest), honest, cell))
                for cell in range(1000)
            ]
            won = sum(lie > truth for lie, truth in claims)
            assert 300 < won < 700, (liar, honest, won)


@given(st.integers(0, 2**32 - 1))
def test_the_first_of_a_few_robots_goes_where_priority_inheritance_among_them_has_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    free = rng.random(rng.integers(1, 9, 2)) > 0.25
    free[0, 0] = True
    cells = rng.permutation(np.flatnonzero(free))[: rng.integers(1, 9)].astype(np.int64)
    count, work = len(cells), np.full((2, free.size), -1, dtype=np.int32)
    priority = rng.permutation(count).astype(np.int64)
    claim = np.where(rng.random(count) < 0.3, rng.integers(0, free.size, count), -1)
    claim[0] = -1
    ranking = np.argsort(rng.random((count, 5)), axis=1)
    target, root = pibt_moves(cells, ranking.astype(np.int8), priority, free, claim, False, work)
    found = first_move(np.column_stack([cells, priority, claim, ranking]), free, work)
    assert found == (target[0], priority[root[0]]) and (work == -1).all()
