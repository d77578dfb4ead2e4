"""Others whom a robot hears: found by slices as by looking at all, alone as with all others in one process."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.planning.passages.right_of_way import course, intent_of
from swarm.planning.passages.team import Others
from swarm.sense.messages import Heard, Message, Table

TOTAL = 9


def messages_of(rng: np.random.Generator, tick: int) -> dict[int, Message]:
    """What some robots tell; one in a while nothing of slices, or of another map."""
    found = {}
    for robot in rng.permutation(12).tolist():
        ahead, later = (rng.permutation(np.arange(1, TOTAL + 1))[: rng.integers(4)].tolist() for _ in range(2))
        held = rng.permutation(np.arange(1, TOTAL + 1 + 5 * (rng.random() < 0.1)))[: rng.integers(3)].tolist()
        intent = intent_of(
            tick=tick - int(rng.random() < 0.05), held=held, claim=int(rng.integers(TOTAL + 1)), claim_priority=1,
            priority=1, arrival=0, leaving=False, ahead=ahead, later=later,
        )  # fmt: skip
        found[robot] = Message(robot, 0.0, (0.0, 0.0), 0.5, 0.5, None if rng.random() < 0.1 else intent)
    return found


@given(st.integers(0, 2**32 - 1))
def test_who_names_a_slice_is_found_as_by_looking_at_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    told, me, tick = messages_of(rng, 7), int(rng.integers(12)), 7
    ids = frozenset(rng.permutation(12)[: rng.integers(12)].tolist()) - {me}
    told.pop(int(rng.integers(12)))
    heard = {robot: told[robot] for robot in sorted(ids & told.keys())}
    courses = {
        robot: course(message.intent, robot)
        for robot, message in heard.items()
        if message.intent is not None and message.intent.last_cell <= TOTAL
    }
    numbers = rng.permutation(np.arange(1, TOTAL + 1))[: rng.integers(4)].tolist()
    alone = Others.heard({**heard, **({me: told[me]} if me in told else {})}, me, TOTAL)
    for others in (alone, Others.heard(Heard(Table(told), ids & told.keys()), me, TOTAL), Others.of(courses)):
        assert list(others.items()) == list(courses.items())
        wanted = {r: one for r, one in courses.items() if {*one.held, *one.ahead, *one.later, one.claim} & {*numbers}}
        assert list(others.naming(numbers).items()) == list(wanted.items())
        changed = {
            r: one._replace(ahead=(), later=(), claim=0, held=tuple(numbers)) for r, one in [*courses.items()][:1]
        }
        after = others.with_changed(changed).naming(numbers)
        assert after == {
            r: one for r, one in {**wanted, **(changed if numbers else {})}.items() if numbers or r in wanted
        }
        assert list(after) == sorted(after)
    for others in (alone, Others.heard(Heard(Table(told), ids & told.keys()), me, TOTAL)):
        assert set(others.intents_naming(numbers)) == set(wanted)
        assert others.are_of(tick) == all(heard[robot].intent.stamp == tick for robot in courses)  # type: ignore[union-attr]


def test_what_is_not_heard_is_not_there() -> None:
    message = Message(3, 0.0, (0.0, 0.0), 0.5, 0.5)
    heard = Heard(Table({3: message, 4: message}), frozenset({3}))
    assert dict(heard) == {3: message} and 4 not in heard and heard.get(4) is None
    with pytest.raises(KeyError):
        heard[4]
    with pytest.raises(KeyError):
        Others.heard(heard, 0, TOTAL)[3]
