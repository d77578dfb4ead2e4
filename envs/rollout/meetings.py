"""Where robots come nearest to each other: what a film shows from near."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from swarm.array_types import Array, Int64s

_NEAR = 2.0  # [m]; gaps above it are no meeting
_SMALLEST = 0.02  # [m]; gaps below it count as this one, so that not all of the choice goes to a scrape


class Meeting(NamedTuple):
    """Two robots that approach each other.

    Attributes:
        at: Index of the sample.
        pair: The two robots.
    """

    at: int
    pair: tuple[int, int]


def meetings(positions: Array, radii: Array, apart: int) -> list[Meeting]:
    """The moments at which two robots would touch soonest if both went on, in the order of time.

    Args:
        positions: ``float64[T, N, 2]`` [m].
        radii: ``float64[N]`` [m].
        apart: Samples between two of them, at least.
    """
    found: list[tuple[float, Meeting]] = []
    if len(radii) < 2:
        return []
    first, second = np.triu_indices(len(radii), 1)
    before = None
    for at, place in enumerate(positions):
        gaps = np.hypot(*(place[first] - place[second]).T) - radii[first] - radii[second]
        if before is not None:
            urgency = np.where(gaps < _NEAR, (before - gaps) / np.maximum(gaps, _SMALLEST), 0.0)
            best = int(urgency.argmax())
            if urgency[best] > 0.0:
                found.append((float(urgency[best]), Meeting(at, (int(first[best]), int(second[best])))))
        before = gaps
    chosen: list[Meeting] = []
    for _, meeting in sorted(found, key=lambda one: -one[0]):
        if all(abs(meeting.at - other.at) >= apart for other in chosen):
            chosen.append(meeting)
    return sorted(chosen)


def nearest(chosen: list[Meeting], count: int) -> Int64s:
    """For each of ``count`` samples, which meeting is nearest in time: ``int64[count]``."""
    return np.abs(np.arange(count)[:, None] - np.array([one.at for one in chosen])).argmin(axis=1)
