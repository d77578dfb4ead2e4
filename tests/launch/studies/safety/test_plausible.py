"""What errors cost is compared on the same episodes, of the robots that arrive both times."""

from __future__ import annotations

import numpy as np
import pytest

from envs.arena.episodes import Episodes
from studies.safety.plausible import WORLDS, compare, measure, table
from swarm.array_types import Array, Flags
from swarm.model.dynamics import Kind
from swarm.tune.controllers import make_controller

TEAM = ("room", "unicycle", "straight")


def driven(times: Array, safe: Flags | None = None) -> Episodes:
    """Episodes [E, N] of 30 s with these times to the goal; NaN: it was never there."""
    episodes, shape = len(times), times.shape
    return Episodes(
        np.ones(shape, bool) if safe is None else safe, ~np.isnan(times), times, np.zeros(shape, np.int64),
        np.ones(shape), np.ones(shape, bool), np.zeros((episodes, 3), np.int64), np.zeros(episodes, np.int64),
        np.full(episodes, 30.0),
    )  # fmt: skip


def test_times_are_of_those_that_arrive_both_times() -> None:
    exact = driven(np.array([[2.0, 4.0], [np.nan, 3.0]]))
    inexact = driven(np.array([[3.0, np.nan], [9.0, 4.5]]))
    cost = compare(TEAM, exact, inexact)
    assert cost.success == (0.75, 0.75) and cost.collided == 0
    assert cost.time == pytest.approx((2.5, 3.75)) and cost.slower == pytest.approx((1.5, 1.5, 1.5))
    assert "| 2.50 | 3.75 | 50.0 [50.0, 50.0] |" in table([cost], "command")[-1]


def test_episodes_that_differ_widen_the_interval() -> None:
    times = np.random.default_rng(0).uniform(2.0, 4.0, (40, 6))
    factor = np.random.default_rng(1).uniform(1.0, 1.4, (40, 1))
    ratio, low, high = compare(TEAM, driven(times), driven(times * factor)).slower
    assert 1.1 < low < ratio < high < 1.3 and ratio == pytest.approx((times * factor).sum() / times.sum())


def test_who_touches_anything_is_counted() -> None:
    times, safe = np.full((2, 2), 3.0), np.array([[True, False], [True, True]])
    cost = compare(TEAM, driven(times), driven(times, safe))
    assert cost.collided == 1 and "**1 collisions.**" in table([cost], "command")


@pytest.mark.parametrize("kind", [Kind.DOUBLE_INTEGRATOR, Kind.UNICYCLE])
def test_worlds_are_of_the_kind_that_is_asked_for(kind: Kind) -> None:
    for draw in WORLDS.values():
        assert {robot.kind for robot in draw(np.random.default_rng(2), kind).robots} == {kind}


def test_carts_with_errors_are_slower_and_touch_nothing() -> None:
    cost = next(measure(2, 5, make_controller("fixed:2,1")))
    assert cost.collided == 0 and cost.slower[0] > 1.0 and min(cost.success) > 0.5
