"""How often states come, and how old they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.calibration.drive import WINDOW, Drive, Windows
from studies.calibration.interval import Estimate, of_ratio


@dataclass(frozen=True)
class Timing:
    """Rate and age of states.

    Attributes:
        rate: States a second [1/s].
        gap: Longest time between two states within a segment [s].
        age: Mean age [s]; None: the log does not say.
        oldest: Largest age [s]; None likewise.
    """

    rate: Estimate
    gap: float
    age: Estimate | None
    oldest: float | None


def timing(drive: Drive, windows: Windows) -> Timing:
    """Rate and age."""
    counts, lengths, gaps = [], [], []
    for index, real in zip(windows.index, windows.real, strict=True):
        times = drive.measured[index[real > 0.0]]
        counts.append(len(times) - 1.0)
        lengths.append(float(times[-1] - times[0]))
        gaps.append(float(np.diff(times).max()))
    rate = of_ratio(np.array(counts), np.array(lengths))
    if len(drive.ages) == 0:
        return Timing(rate, max(gaps), None, None)
    block = ((drive.age_times - drive.age_times[0]) // WINDOW).astype(np.int64)
    number = np.bincount(block).astype(np.float64)
    age = of_ratio(np.bincount(block, weights=drive.ages), number)
    return Timing(rate, max(gaps), age, float(drive.ages.max()))
