"""A value with its interval, and intervals from windows that each tell something of a mean or a ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from swarm.array_types import Array

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval, in SI units.

    Attributes:
        value: The estimate.
        low: Lower end.
        high: Upper end.
        open_above: Whether the upper end is only where the search ended.
    """

    value: float
    low: float
    high: float
    open_above: bool = False

    def holds(self, truth: float) -> bool:
        """Whether the truth is inside."""
        return self.low <= truth <= self.high


def quantile(freedom: float) -> float:
    """Of Student's t: so many standard errors to each side."""
    return float(stats.t.ppf(0.5 * (1.0 + LEVEL), max(freedom, 1.0)))


def of_ratio(top: Array, bottom: Array, least: float = 0.0) -> Estimate:
    """The ratio of two sums over windows; its error is how much the windows disagree.

    Args:
        top: ``float64[W]``.
        bottom: ``float64[W]``, not all 0.
        least: A standard error below which it is not.
    """
    counts = bottom != 0.0
    top, bottom = top[counts], bottom[counts]
    ratio, number = float(top.sum() / bottom.sum()), len(top)
    spread = 0.0
    if number > 1:
        spread = float(np.sqrt(number / (number - 1.0) * np.sum((top - ratio * bottom) ** 2))) / abs(bottom.sum())
    half = quantile(number - 1.0) * max(float(spread), least)
    return Estimate(ratio, ratio - half, ratio + half)


def of_deviation(squares: Array, freedom: float) -> Estimate:
    """A standard deviation from the sums of squares of windows, which hold ``freedom`` independent numbers together.

    The interval is the wider one of that of normal numbers (chi square) and that from how much the windows differ.
    """
    variance, number = float(squares.sum()) / freedom, len(squares)
    low, high = (freedom / float(stats.chi2.ppf(0.5 * (1.0 + side * LEVEL), freedom)) for side in (1.0, -1.0))
    spread = float(np.sqrt(number / (number - 1.0) * np.sum((squares - squares.mean()) ** 2)))
    # What normal numbers would have at least: windows may agree by chance.
    relative = max(spread / max(float(squares.sum()), 1e-300), (2.0 / freedom) ** 0.5)
    wide = quantile(number - 1.0) * relative
    # On the logarithm, so that no end is below 0.
    low, high = min(low, float(np.exp(-wide))), max(high, float(np.exp(wide)))
    return Estimate(variance**0.5, (variance * low) ** 0.5, (variance * high) ** 0.5)
