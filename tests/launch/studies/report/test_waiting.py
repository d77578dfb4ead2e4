"""How often others pass a lane while a robot waits before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.arena.episodes import Track
from envs.scenarios import draw_family
from studies.report.narrow_places.waiting import most_passes
from swarm.array_types import Array

_STEPS = 250


def line(start: float, end: float, first: int, steps: int = 60, y: float = 0.6) -> Array:
    """Places of a robot that stands, drives straight from x to x in so many steps, and stands, float64[T, 2]."""
    x = np.interp(np.arange(_STEPS), [first, first + steps], [start, end])
    return np.column_stack([x, np.full(_STEPS, y)])


def track_of(*places: Array) -> Track:
    """Robots in a world with a lane between two rooms, from x = 0.9 to 4.5 m."""
    base = draw_family("bays", 1, robots=2)
    starts = [np.array([0.3, 0.2 + 0.25 * i, 0.0, 0.0, 0.0]) for i in range(len(places))]  # apart, and of no account
    pairs = zip(starts, places, strict=True)
    robots = tuple(replace(base.robots[0], start=start, goals=one[-1:]) for start, one in pairs)
    state = np.zeros((_STEPS, len(places), 5))
    state[..., :2] = np.stack(places, axis=1)
    return Track(replace(base, robots=robots), state, np.zeros((0, 0, 6)), np.zeros((0, 0), np.int64))


@pytest.mark.parametrize("others", [0, 1, 3])
def test_those_who_go_through_before_it_are_counted(others: int) -> None:
    waits = line(0.8, 5.0, first=180)
    theirs, stands = [line(0.3, 5.0, first=10 + 40 * k) for k in range(others)], line(0.3, 0.3, first=0)
    found = most_passes(track_of(waits, *theirs, stands))
    assert found[:, 0].tolist() == [others] + [0] * (others + 1)


def test_who_comes_back_or_goes_through_before_one_is_there_or_after_one_has_gone_has_not_passed() -> None:
    comes_late = line(0.1, 0.8, first=80, steps=20)
    comes_late[120:] = line(0.8, 5.0, first=180)[120:]
    peeks = line(0.3, 1.0, first=120, steps=20)
    peeks[150:] = line(1.0, 0.3, first=150, steps=20)[150:]
    before, after = line(0.3, 5.0, first=0), line(0.3, 5.0, first=182)
    assert most_passes(track_of(comes_late, peeks, before, after))[0].tolist() == [0, 0]


def test_of_those_who_pass_they_are_told_apart_who_came_to_the_passage_later() -> None:
    """Who comes through several lanes of one came when it was at its other end, and not at the last of them."""
    waits = line(0.0, 0.8, first=20, steps=20)
    waits[180:] = line(0.8, 5.0, first=180)[180:]
    first, later = line(0.6, 5.0, first=70), line(0.1, 5.0, first=80)
    other_end = line(5.0, 0.3, first=0)
    other_end[:, 0] = np.interp(np.arange(_STEPS), [0, 150], [4.9, 0.3])
    assert most_passes(track_of(waits, first, later, other_end))[0].tolist() == [3, 1]


def test_who_goes_through_another_door_of_a_long_lane_has_not_passed() -> None:
    """Slices before two doors can be one lane with both: of unicycles in rooms, most of them are."""
    waits, theirs = line(0.8, 2.0, first=180), line(2.6, 5.0, first=20)
    assert most_passes(track_of(waits, theirs))[0].tolist() == [0, 0]
