"""How often states come, and how old they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.calibration.drive import WINDOW, Drive, Windows
from studies.calibration.interval import Estimate, of_ratio, quantile

# Nothing is recorded before it is measured: a state whose stamp is so much later was stamped by another clock [s].
_AHEAD = 5e-3


@dataclass(frozen=True)
class Timing:
    """Rate and age of states.

    Attributes:
        rate: States a second [1/s].
        gap: Longest time between two states within a segment [s].
        age: Mean age [s]; None: the log does not say.
        oldest: Largest age [s]; None likewise.
        ahead: How far stamps are ahead of the clock that recorded them [s]; then there are no ages; else 0.
    """

    rate: Estimate
    gap: float
    age: Estimate | None
    oldest: float | None
    ahead: float = 0.0


def timing(drive: Drive, windows: Windows) -> Timing:
    """Rate and age."""
    parts = [np.diff(drive.measured[low:high]) for low, high in windows.segments[:, 2:].tolist()]
    between = np.concatenate(parts)
    mean, gap = float(between.mean()), float(between.max())
    # Relative; stamps that jitter around a regular beat would allow a narrower one.
    half = quantile(len(between) - 1.0) * float(between.std(ddof=1)) / len(between) ** 0.5 / mean
    rate = Estimate(1.0 / mean, (1.0 - half) / mean, (1.0 + half) / mean)
    if len(drive.ages) == 0:
        return Timing(rate, gap, None, None)
    if (ahead := -float(drive.ages.min())) > _AHEAD:
        return Timing(rate, gap, None, None, ahead)
    block = ((drive.age_times - drive.age_times[0]) // WINDOW).astype(np.int64)
    number = np.asarray(np.bincount(block), dtype=np.float64)
    age = of_ratio(np.asarray(np.bincount(block, weights=drive.ages), dtype=np.float64), number)
    return Timing(rate, gap, age, float(drive.ages.max()))
