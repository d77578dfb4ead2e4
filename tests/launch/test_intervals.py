"""Intervals: they cover as often as they say, also for robots that share an episode, and are never a point."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from envs.commands.intervals import difference_interval, mean_interval, rate_interval
from swarm.errors import InputError


def clustered(rng: np.random.Generator, episodes: int, mean: float) -> np.ndarray:
    """Robots whose episodes differ in how hard they are: 8 of them succeed with a common probability of their own."""
    hard = rng.beta(2.0 * mean, 2.0 * (1.0 - mean), (episodes, 1))
    return rng.random((episodes, 8)) < hard


def test_they_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    covered, naive = 0, 0
    for k in range(100):
        hits = clustered(rng, 60, 0.7)
        low, high = rate_interval(hits, seed=k)
        covered += low <= 0.7 <= high
        spread = 1.96 * np.sqrt(hits.mean() * (1.0 - hits.mean()) / hits.size)
        naive += abs(hits.mean() - 0.7) <= spread
    assert 88 <= covered <= 100
    assert naive < 80, "robots of one episode are not independent"


def test_where_all_episodes_agree_the_bound_is_that_of_clopper_and_pearson() -> None:
    low, high = rate_interval(np.ones((100, 8), bool))
    assert low == pytest.approx(beta.ppf(0.025, 100, 1)) and high == 1.0
    low, high = rate_interval(np.zeros(40, bool))
    assert low == 0.0 and high == pytest.approx(beta.ppf(0.975, 1, 40))
    low, high = rate_interval(np.tile([True, False], (50, 1)))
    assert 0.45 < low < 0.5 < high < 0.55


def test_only_what_counts_counts() -> None:
    rng = np.random.default_rng(1)
    hits, counted = clustered(rng, 50, 0.8), rng.random((50, 8)) < 0.5
    noise = np.where(counted, hits, rng.random((50, 8)) < 0.5)
    assert rate_interval(hits, counted) == rate_interval(noise, counted) != rate_interval(hits)
    times = np.where(counted, rng.normal(5.0, 1.0, (50, 8)), np.nan)
    low, high = mean_interval(times, counted)
    assert low < np.nanmean(times) < high and high - low < 0.5


def test_differences_are_paired() -> None:
    rng = np.random.default_rng(2)
    second = clustered(rng, 100, 0.6)
    first = second | (rng.random(second.shape) < 0.1)
    low, high = difference_interval(first, second)
    gain = first.mean() - second.mean()
    assert 0.0 < low < gain < high
    (a, b), (c, d) = rate_interval(first), rate_interval(second)
    assert high - low < 0.5 * min(b - a, d - c)
    mirrored = difference_interval(second, first)
    assert mirrored == pytest.approx((-high, -low), abs=0.005)


def test_equal_policies_differ_by_at_most_the_bound() -> None:
    same = np.ones((100, 8), bool)
    share = 0.025 ** (1 / 100)
    assert difference_interval(same, same) == pytest.approx((share - 1.0, 1.0 - share))
    assert difference_interval(same, same, rates=False) == (0.0, 0.0)


def test_the_same_seed_gives_the_same() -> None:
    times = np.random.default_rng(3).normal(size=(30, 8))
    assert mean_interval(times, seed=1) == mean_interval(times, seed=1) != mean_interval(times, seed=2)
    low, high = mean_interval(times, level=0.5)
    assert mean_interval(times)[0] < low < high < mean_interval(times)[1]


def test_wrong_input() -> None:
    with pytest.raises(InputError, match="equal shapes"):
        rate_interval(np.ones((3, 2)), np.ones(3))
    with pytest.raises(InputError, match="something counted"):
        rate_interval(np.ones((3, 2)), np.zeros((3, 2)))
    with pytest.raises(InputError, match="shape of the first"):
        difference_interval(np.ones(3), np.ones(4))
