"""Confidence intervals of rates and means over robots that come in episodes.

The robots of one episode share their world: who blocks the doorway blocks it for all. So the episode is the unit that
is resampled (cluster bootstrap: Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError

Interval = tuple[float, float]

_RESAMPLES = 4000


def rate_interval(hits: ArrayLike, counted: ArrayLike | None = None, *, level: float = 0.95, seed: int = 0) -> Interval:
    """Interval of a rate.

    Where all episodes agree (everybody arrived, say) the bootstrap knows no spread. Then the bound of Clopper and
    Pearson is taken over the E episodes: with probability ``level`` at least (alpha/2)^(1/E) of all episodes are like
    these, and the others may be anything.

    Args:
        hits: ``bool[E, N]`` or ``bool[E]``: for each robot of each episode, or for each episode, whether it counts.
        counted: The same shape; those that the rate is over, all by default.
        level: Of confidence.
        seed: Of the bootstrap.

    Returns:
        Lower and upper end, in [0, 1].

    Raises:
        InputError: If the shapes differ or nothing is counted.
    """
    top, bottom = _sums(hits, counted)
    share = _if_all_agree(top / np.maximum(bottom, 1.0), level)
    if share is not None:
        rate = float(top.sum() / bottom.sum())
        return rate * share, 1.0 - (1.0 - rate) * share
    return _quantiles(_resampled(top, bottom, seed), level)


def mean_interval(
    values: ArrayLike, counted: ArrayLike | None = None, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """Interval of a mean of ``float64[E, N]``, or ``[E]``; arguments and errors as for ``rate_interval``."""
    return _quantiles(_resampled(*_sums(values, counted), seed), level)


def difference_interval(
    first: ArrayLike, second: ArrayLike, counted: ArrayLike | None = None, *, level: float = 0.95, seed: int = 0,
    rates: bool = True,
) -> Interval:  # fmt: skip
    """Interval of how much larger a rate or a mean is with one policy than with another on the same episodes.

    Both are resampled together, so what an easy or a hard episode does to both cancels.

    Args:
        first: ``[E, N]`` or ``[E]`` with the one policy: flags or values.
        second: The same with the other.
        counted: As for ``rate_interval``.
        level: As for ``rate_interval``.
        seed: As for ``rate_interval``.
        rates: Whether they are rates: where all episodes agree, they get the bound of ``rate_interval``.

    Raises:
        InputError: If the shapes differ or nothing is counted.
    """
    if np.shape(first) != np.shape(second):
        raise InputError("difference_interval: second", np.shape(second), f"the shape of the first, {np.shape(first)}")
    top, bottom = _sums(np.asarray(first, float) - np.asarray(second, float), counted)
    share = _if_all_agree(top / np.maximum(bottom, 1.0), level)
    if rates and share is not None:
        middle = share * float(top.sum() / bottom.sum())
        return middle - (1.0 - share), middle + (1.0 - share)
    return _quantiles(_resampled(top, bottom, seed), level)


def _sums(values: ArrayLike, counted: ArrayLike | None) -> tuple[Array, Array]:
    """Sum of what counts, and how many they are, for each episode."""
    table = np.asarray(values, dtype=np.float64)
    weight = np.ones(table.shape) if counted is None else np.asarray(counted, dtype=np.float64)
    if weight.shape != table.shape or table.ndim not in (1, 2) or not weight.any():
        raise InputError("interval: values, counted", (table.shape, weight.shape), "equal shapes, something counted")
    table = np.where(weight > 0.0, table, 0.0).reshape(len(table), -1)
    return table.sum(axis=1), weight.reshape(len(table), -1).sum(axis=1)


def _if_all_agree(rates: Array, level: float) -> float | None:
    """The share of all episodes that are like the observed ones, at least; None if the observed ones differ."""
    if not np.allclose(rates, rates[0], rtol=0.0, atol=1e-12):
        return None
    return float((0.5 * (1.0 - level)) ** (1.0 / len(rates)))


def _resampled(top: Array, bottom: Array, seed: int) -> Array:
    """The ratio of the sums, for episodes drawn with replacement."""
    episodes = len(top)
    times = np.random.default_rng(seed).multinomial(episodes, np.full(episodes, 1.0 / episodes), size=_RESAMPLES)
    below = times @ bottom
    return np.asarray((times @ top)[below > 0.0] / below[below > 0.0])


def _quantiles(samples: Array, level: float) -> Interval:
    low, high = np.quantile(samples, [0.5 * (1.0 - level), 0.5 * (1.0 + level)])
    return float(low), float(high)
