"""For whom a robot gives way, by what two robots have told alone."""

from __future__ import annotations

import numpy as np

from swarm.planning.passages.pushers import Scene, pushers_of
from swarm.planning.passages.right_of_way import after, waiting_key
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.sense.intent import Intent
from swarm.sense.neighbours import NEIGHBOUR
from swarm.sense.view import View
from tests.oracles import told

ME, OTHER = 3, 8


def tells(
    robot: int, held: tuple[int, ...], ahead: tuple[int, ...], ticks: int, leaving: bool = False, key: int | None = None
) -> Intent:
    own = priority_key(ticks, robot) if ticks < 0 else waiting_key(100 * ticks, robot)
    return told.tells(held=held, ahead=ahead, key=own if key is None else key, own=own, leaving=leaving)


def for_whom(
    own: Intent, other: Intent, *, arrived: bool = False, waits: bool = False, still: bool = False,
    before: bool = False, crosses: bool = False,
) -> bool:  # fmt: skip
    view = View(0.0, np.zeros(5), np.zeros(2), np.empty((0, NEIGHBOUR)))
    others = told.others_of({OTHER: other})
    scene = Scene(view, np.zeros(2), 0.1, told.own_of(ME, own), others, arrived, waits, {OTHER} if crosses else ())
    found = pushers_of(scene, {OTHER} if still else (), {OTHER} if before else ())
    assert found in ([], [OTHER]) and not others.flags.any()
    return bool(found)


def test_of_two_that_meet_in_a_passage_the_one_that_has_waited_less_gives_way() -> None:
    mine, older, younger = (1, 2, 3), tells(OTHER, (3,), (3, 2, 1), 9), tells(OTHER, (3,), (3, 2, 1), 1)
    assert for_whom(tells(ME, (1,), mine, 5), older) and not for_whom(tells(ME, (1,), mine, 5), younger)
    shut_in = tells(OTHER, (3,), (3, 2, 1), 1, leaving=True)
    assert for_whom(tells(ME, (1,), mine, 5), shut_in) and for_whom(tells(ME, (1,), mine, 5, leaving=True), shut_in)


def test_who_is_still_outside_makes_way_for_who_comes_out_of_the_slice_that_it_wants_next() -> None:
    assert for_whom(tells(ME, (), (1, 2), 9), tells(OTHER, (2,), (2, 1), 5))
    assert not for_whom(tells(ME, (), (1, 2), 9), tells(OTHER, (), (2, 1), 5))


def test_nobody_gives_way_to_who_goes_the_same_way_unless_it_stands_in_that_ones_way() -> None:
    behind = tells(OTHER, (1,), (1, 2, 3), 9)
    assert not for_whom(tells(ME, (2,), (2, 3), 5), behind)
    assert for_whom(tells(ME, (2,), (2, 3), 5), behind, waits=True)


def test_who_has_arrived_gives_way_even_with_an_inherited_priority() -> None:
    high = waiting_key(5000, 1)
    mine, other = tells(ME, (2,), (2,), -1, key=high), tells(OTHER, (1,), (1, 2, 3), 9)
    assert for_whom(mine, other, arrived=True) and not for_whom(mine, other)


def test_who_has_arrived_and_was_pushed_out_lets_those_go_first_whom_it_would_meet_on_its_way_back() -> None:
    back, other = (1, 2, 3, 4), tells(OTHER, (4,), (4, 3), 9)  # who waits in 1 for 2 is still far from 3
    assert for_whom(tells(ME, (1,), back, -1), other, arrived=True) and not for_whom(tells(ME, (1,), back, 5), other)


def test_who_waits_before_a_passage_makes_room_for_the_one_in_it_unless_that_one_makes_way_for_it() -> None:
    mine, inside = tells(ME, (), (1, 2), 9), tells(OTHER, (1,), (1, 4), 5)
    assert for_whom(mine, inside, waits=True) and not for_whom(mine, inside)
    for_me = tells(OTHER, (1,), (1, 4), 5, key=after(waiting_key(900, ME)))
    assert not for_whom(mine, for_me, waits=True)


def test_who_waits_for_a_slice_makes_no_room_for_who_holds_it_and_goes_in() -> None:
    mine, back = tells(ME, (), (1, 2), 9), tells(OTHER, (4, 1), (4, 1), 5)  # has made way for this one, and goes back
    assert not for_whom(mine, back, waits=True)


def test_who_waits_before_a_crossing_makes_room_for_who_comes_out_of_it_only_right_past_where_it_is() -> None:
    mine, inside = tells(ME, (4,), (4, 1, 2), 9), tells(OTHER, (1,), (1, 7), 5)
    assert not for_whom(mine, inside, waits=True)
    assert for_whom(mine, inside, waits=True, crosses=True)


def test_who_stands_beside_the_slices_of_another_in_its_way_gives_way_if_that_one_goes_first() -> None:
    mine, older, younger = tells(ME, (9,), (9,), 5), tells(OTHER, (1,), (1, 2, 3), 9), tells(OTHER, (1,), (1, 2, 3), 1)
    assert for_whom(mine, older, crosses=True) and not for_whom(mine, older)
    assert not for_whom(mine, younger, crosses=True)


def test_who_has_arrived_and_has_nowhere_to_go_goes_on_looking_for_a_way() -> None:
    mine, other = tells(ME, (2,), (2,), -1, leaving=True), tells(OTHER, (1,), (1, 2, 3), 9)
    assert for_whom(mine, other, arrived=True)
    assert not for_whom(tells(ME, (2,), (2,), 5, leaving=True), other)


def test_who_is_let_out_is_let_out_for_as_long_as_it_comes_towards_the_robot() -> None:
    mine, meets, passed = tells(ME, (), (1, 2, 3), 9), tells(OTHER, (), (3, 2, 1), 5), tells(OTHER, (), (1,), 5)
    assert for_whom(mine, meets, still=True) and not for_whom(mine, meets)
    assert not for_whom(mine, passed, still=True)
    home = tells(OTHER, (), (3, 2, 1), -1)  # it had arrived, and waits for another that stands in its place
    assert not for_whom(mine, home, still=True)


def test_who_has_given_way_goes_on_for_as_long_as_the_other_goes_first_and_comes_towards_it() -> None:
    mine, older, younger = (1, 2, 3, 4), tells(OTHER, (4,), (4, 3), 9), tells(OTHER, (4,), (4, 3), 1)
    assert for_whom(tells(ME, (1,), mine, 5), older, before=True) and not for_whom(tells(ME, (1,), mine, 5), older)
    assert not for_whom(tells(ME, (1,), mine, 5), younger, before=True)
    assert not for_whom(tells(ME, (1,), mine, 5), tells(OTHER, (4,), (4, 5), 9), before=True)


def test_who_has_given_way_goes_on_for_as_long_as_the_other_wants_through_where_it_is() -> None:
    """It had waited until then, and moves now; it would else turn round until it waits again."""
    mine, behind = tells(ME, (2,), (2, 7), 5), tells(OTHER, (1,), (1, 2, 3), 9)
    assert for_whom(mine, behind, waits=True) and not for_whom(mine, behind)
    assert for_whom(mine, behind, before=True) and not for_whom(tells(ME, (7,), (7,), 5), behind, before=True)


def test_who_has_arrived_and_left_its_place_for_another_lets_those_in_first_who_want_through_there() -> None:
    back, through = tells(ME, (1,), (1, 2), -1), tells(OTHER, (3,), (3, 2, 4), 5)
    behind = tells(OTHER, (4,), (4, 3, 2), 5)
    assert for_whom(back, through, arrived=True) and not for_whom(back, behind, arrived=True)
    assert not for_whom(tells(ME, (1,), (1, 2), 9), through)


def test_who_does_not_get_on_gives_way_to_who_would_meet_it_farther_on_in_the_same_lane() -> None:
    """Behind one that makes way for the other: that one waits for this one to come out, and nobody would ever go."""
    mine, other = (1, 2, 3, 4), tells(OTHER, (4,), (4, 3, 7), 9)
    assert for_whom(tells(ME, (1,), mine, 5), other, waits=True)
    assert not for_whom(tells(ME, (1,), mine, 5), other)  # this one comes out
    assert not for_whom(tells(ME, (1,), mine, 12), other, waits=True)  # that one makes way
    assert not for_whom(tells(ME, (1,), mine, 5), tells(OTHER, (), (4, 3, 7), 9), waits=True)
