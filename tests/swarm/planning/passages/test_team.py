"""Others whom a robot hears: alone as with all others in one process."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.planning.passages.right_of_way import T_ARRIVAL, row_of
from swarm.planning.passages.team import Others
from swarm.sense.messages import Heard, Message, Table
from tests.oracles.told import tells

TOTAL = 9


def messages_of(rng: np.random.Generator, tick: int) -> dict[int, Message]:
    """What some robots tell; one in a while nothing of slices, or of another map."""
    found = {}
    for robot in rng.permutation(12).tolist():
        ahead, later = (rng.permutation(np.arange(1, TOTAL + 1))[: rng.integers(4)].tolist() for _ in range(2))
        held = rng.permutation(np.arange(1, TOTAL + 1 + 5 * (rng.random() < 0.1)))[: rng.integers(3)].tolist()
        intent = tells(
            tick=tick - int(rng.random() < 0.05), held=held, claim=int(rng.integers(TOTAL + 1)), key=1, ahead=ahead,
            later=later, arrival=int(rng.integers(9)),
        )  # fmt: skip
        found[robot] = Message(robot, 0.0, (0.0, 0.0), 0.5, 0.5, None if rng.random() < 0.1 else intent)
    return found


@given(st.integers(0, 2**32 - 1))
def test_who_is_heard_alone_is_heard_among_all_others_in_one_process(seed: int) -> None:
    """But for itself, for who tells nothing of slices, and for those with another map."""
    rng = np.random.default_rng(seed)
    told, me = messages_of(rng, 7), int(rng.integers(12))
    near = np.sort(rng.permutation(12)[: rng.integers(12)])
    told.pop(int(rng.integers(12)))
    heard = {robot: told[robot] for robot in rng.permutation(near).tolist() if robot in told}
    intents = {robot: told[robot].intent for robot in sorted(heard.keys() - {me})}
    known = {
        robot: row_of(intent, robot)
        for robot, intent in intents.items()
        if intent is not None and intent.last_cell <= TOTAL
    }
    for others in (Others.heard(heard, me, TOTAL), Others.heard(Heard(Table(told), near), me, TOTAL)):
        assert list(others) == others.ids.tolist() == list(known) and len(others) == len(known)
        assert all((others[robot] == row).all() for robot, row in known.items())
        assert others.rows[others.who].tolist() == [row.tolist() for row in known.values()]
        assert all((others.get(robot) is not None) == (robot in known) for robot in (-1, *range(13)))


def test_what_was_told_before_counts_but_for_when_a_robot_comes() -> None:
    now, before = (row_of(tells(held=(k,), ahead=(k, 3), key=1, arrival=k), 4) for k in (1, 2))
    others = Others.of({4: now, 5: row_of(tells(held=(), ahead=(), key=2), 5)}, TOTAL)
    changed = others.with_changed({4: before})
    expected = before.copy()
    expected[T_ARRIVAL] = 1
    np.testing.assert_array_equal(changed[4], expected)
    np.testing.assert_array_equal(others[4], now)
    np.testing.assert_array_equal(changed[5], others[5])


def test_what_is_not_heard_is_not_there() -> None:
    message = Message(3, 0.0, (0.0, 0.0), 0.5, 0.5)
    heard = Heard(Table({3: message, 4: message}), np.array([2, 3]))
    assert dict(heard) == {3: message} and 4 not in heard and heard.get(4) is None
    with pytest.raises(KeyError):
        heard[4]
    with pytest.raises(KeyError):
        Others.heard(heard, 0, TOTAL)[3]
