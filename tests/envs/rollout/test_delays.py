"""Robots held at random: drawn from the seed, at the rate that was asked for, still while held, and no harm done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.rollout.delays import LONGEST, SHORTEST, Delays
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import clutter
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import Scenario, deliveries

DT = 0.05
AISLES = ["..........", ".###..###.", "..........", ".###..###.", ".........."]


def drawn(seed: int, *, rate: float, robots: int = 20, periods: int = 4000) -> tuple[Delays, np.ndarray]:
    """The delays, and who was held, bool[periods, robots]."""
    delays = Delays(np.random.default_rng(seed), robots, rate, DT)
    return delays, np.array([delays.draw() for _ in range(periods)])


def lengths(held: np.ndarray) -> np.ndarray:
    """Periods of each hold that began and ended."""
    edges = np.diff(np.pad(held.astype(int), ((1, 1), (0, 0))), axis=0)
    each = [np.flatnonzero(edges[:, i] < 0) - np.flatnonzero(edges[:, i] > 0) for i in range(held.shape[1])]
    return np.concatenate(each)


def test_the_same_seed_gives_the_same_holds_and_another_others() -> None:
    (first, held), (second, again), (_, other) = drawn(3, rate=0.1), drawn(3, rate=0.1), drawn(4, rate=0.1)
    assert np.array_equal(held, again) and first.record() == second.record()
    assert not np.array_equal(held, other)


def test_rate_and_length_are_those_asked_for() -> None:
    delays, held = drawn(0, rate=0.05, periods=8000)
    free_seconds = (~held).sum() * DT
    expected = 0.05 * free_seconds
    assert abs(delays.holds - expected) < 4.0 * np.sqrt(expected)
    assert delays.robot_seconds == pytest.approx(held.sum() * DT)
    length = lengths(held[:-80]) * DT  # two holds in a row, rare at this rate, read as one
    assert np.quantile(length, 0.02) >= SHORTEST and np.quantile(length, 0.95) <= LONGEST
    assert np.median(length) == pytest.approx(0.5 * (SHORTEST + LONGEST), abs=0.25)


def test_robots_have_numbers_of_their_own() -> None:
    """So at a higher rate everybody is first held when it is at a lower one, or before."""
    (_, seldom), (_, often) = drawn(1, rate=0.01), drawn(1, rate=0.1)
    first = [np.where(held.any(axis=0), held.argmax(axis=0), len(held)) for held in (seldom, often)]
    assert (first[1] <= first[0]).all() and (first[0] < len(seldom)).sum() > 10


class Noted(Delays):
    """Delays that keep who was held in each period."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.noted: list[np.ndarray] = []

    def draw(self) -> np.ndarray:
        self.noted.append(super().draw())
        return self.noted[-1]


def scenario(kind: Kind) -> Scenario:
    limits = Limits(0.5, 1.0) if kind == Kind.DOUBLE_INTEGRATOR else Limits(0.5, turn_rate=4.0)
    return clutter.draw(np.random.default_rng(1), robots=4, obstacles=0, side=4.0, kind=kind, limits=limits)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_held_robot_comes_to_rest_and_goes_on(kind: Kind) -> None:
    case = scenario(kind)
    delays = Noted(np.random.default_rng(0), 4, 1.0, case.dt)
    run = Run(case, Fleet(case, planner="straight", controller="fixed:4,1"), ExactPlant(case), delays=delays)
    states = [run.states]
    for _ in range(round(5.0 / case.dt)):
        run.tick()
        states.append(run.states)
        assert len(run.fleet.messages) == 4, "they go on telling"
    speed = np.linalg.norm(np.array(states)[1:, :, 3:5], axis=-1)
    moved = np.linalg.norm(np.diff(np.array(states)[:, :, :2], axis=0), axis=-1)
    held_for = np.zeros(4)
    braking = 0.6 if kind == Kind.DOUBLE_INTEGRATOR else 0.0  # [s], from top speed, rounded up
    still = 0
    for t, now in enumerate(delays.noted):
        held_for = np.where(now, held_for + case.dt, 0.0)
        rests = held_for > braking
        assert (speed[t, rests] < 1e-9).all() and (moved[t, rests] < 1e-9).all()
        still += int(rests.sum())
    assert still > 50 and speed.max() > 0.2 and run.collisions == 0


def warehouse(robots: int, seed: int, seconds: float) -> Scenario:
    return deliveries(GridMap.from_rows(AISLES), robots, np.random.default_rng(seed), 40, horizon=seconds)


def driven(rate: float, *, seed: int = 0, seconds: float = 40.0) -> Run:
    case = warehouse(5, seed, seconds)
    delays = Delays(np.random.default_rng(seed), 5, rate, case.dt) if rate else None
    run = Run(case, Fleet(case, planner="cells", controller="fixed:4,1", margin=0.05), ExactPlant(case), delays=delays)
    while run.tick_count < run.steps:
        run.tick()
    return run


def test_everybody_keeps_delivering_and_nobody_touches_under_many_delays() -> None:
    free, held = driven(0.0), driven(0.1)
    assert held.delays is not None and held.delays.holds > 10
    assert free.collisions == held.collisions == 0 and held.min_clearance > 0.0
    assert held.deliveries.min() >= 1
    assert held.deliveries.sum() >= 0.4 * free.deliveries.sum()


def test_without_holds_a_run_is_the_same_as_without_delays() -> None:
    free, never = driven(0.0, seconds=5.0), driven(1e-12, seconds=5.0)
    assert never.delays is not None and never.delays.holds == 0
    assert np.array_equal(free.states, never.states)


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf"), 1.1 / DT])
def test_wrong_rates_are_refused(rate: float) -> None:
    with pytest.raises(InputError, match="delays: rate"):
        Delays(np.random.default_rng(0), 3, rate, DT)
