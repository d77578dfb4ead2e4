"""Whoever stands and says nothing is remembered until it is seen that it has gone, or for a while."""

from __future__ import annotations

import numpy as np

from swarm.planning.silent import Silent, blocked_by
from swarm.sense.neighbour import Neighbour
from swarm.sense.neighbours import N_ID, NEIGHBOUR
from swarm.sense.view import View

STRANGER, KNOWN = Neighbour((3.0, 0.0), radius=0.2, reach=0.1), Neighbour((3.0, 0.0), radius=0.2, reach=0.1, robot_id=4)


def look(silent: Silent, time: float, at: float, *seen: Neighbour, heard: tuple[int, ...] = ()) -> int:
    """How many count after a view from (at, 0)."""
    silent.update(View(time, [at, 0.0, 0.0, 0.0, 0.0], [9.0, 0.0], list(seen)), np.array(heard, np.int64))
    return len(silent.rows)


def stood() -> Silent:
    silent = Silent()
    assert look(silent, 0.0, 0.0, STRANGER) == 0
    assert look(silent, 0.5, 0.0, STRANGER) == 1
    return silent


def test_who_drives_through_does_not_count() -> None:
    silent, moving = Silent(), Neighbour((3.0, 0.0), radius=0.2, reach=0.1, velocity=(0.5, 0.0))
    assert [look(silent, 0.05 * k, 0.0, moving) for k in range(40)] == [0] * 40
    assert len(silent.near) == 1


def test_out_of_sight_it_is_remembered_for_a_minute() -> None:
    silent = stood()
    assert [look(silent, time, -2.0) for time in (1.0, 30.0, 60.0)] == [1, 1, 1]
    assert look(silent, 61.0, -2.0) == 0


def test_it_is_forgotten_once_its_place_is_seen_to_be_empty() -> None:
    silent = stood()
    assert look(silent, 1.0, -2.0) == 1 and look(silent, 2.0, 1.0) == 0


def test_who_talks_again_does_not_count() -> None:
    silent = stood()
    assert look(silent, 1.0, -2.0, KNOWN, heard=(4,)) == 0


def test_who_was_only_not_heard_yet_does_not_count() -> None:
    """In the first period nobody has been heard."""
    silent = Silent()
    assert look(silent, 0.0, 0.0, KNOWN) == 0 and len(silent.near) == 1
    for k in range(1, 40):
        assert look(silent, 0.05 * k, 0.0, KNOWN, heard=(4,)) == 0 and not silent.near


def test_it_is_told_who_blocks_and_where() -> None:
    row = np.zeros(NEIGHBOUR)
    row[N_ID] = -1.0
    assert "one that says nothing" in blocked_by("the aisle", row) and "robot 3" in blocked_by("the aisle", row, 3)
