"""What one robot was told and what was measured of it: the data that everything here is estimated from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from swarm.array_types import Array, Int64s
from swarm.errors import InputError
from swarm.model.dynamics import Kind

WINDOW = 3.0
"""Seconds of a window, roughly: each has an initial state of its own, so that what drifts slowly does no harm."""
SETTLE = 1.0
"""Seconds at the beginning of a segment that only bring the drive to what it is."""
FEWEST = 5
"""Windows without which nothing is estimated: the intervals come from how much they differ."""
_SHORTEST = 8  # Samples of a window.


@dataclass(frozen=True, eq=False)
class Drive:
    """Commands and measured states of one robot, times [s] by one clock.

    Attributes:
        place: Where it comes from, for errors: the file, and the robot or the topics.
        kind: Dynamics.
        told: ``float64[C]``, when each command began to count (for a control process: the beginning of its period).
        commands: ``float64[C, 2]`` (``swarm.model.dynamics``).
        measured: ``float64[S]``, when each state was measured, rising.
        states: ``float64[S, 5]``: x, y [m], heading [rad], vx, vy [m/s], world frame.
        ages: ``float64[A]``, how old states were when they were used or recorded [s]; empty: the log does not say.
        age_times: ``float64[A]``, when that was.
        has_velocity: Whether velocities were measured.
        timeout: Seconds after which a body without a new command brakes by itself: there a segment ends.
        used: Whether ages are those at use; else those at arrival.
    """

    place: str
    kind: Kind
    told: Array
    commands: Array
    measured: Array
    states: Array
    ages: Array
    age_times: Array
    has_velocity: bool
    timeout: float
    used: bool = True


@dataclass(frozen=True, eq=False)
class Windows:
    """A drive cut into segments without a break, and these into windows of about ``WINDOW`` seconds.

    Attributes:
        segments: ``int64[G, 4]``: first and last + 1 of the commands, and of the samples.
        index: ``int64[W, n]``, samples of each window, filled up with its first.
        real: ``float64[W, n]``, 1: a sample; 0: filled up.
    """

    segments: Int64s
    index: Int64s
    real: Array


def cut(drive: Drive) -> Windows:
    """Segments and windows.

    Raises:
        InputError: If there are too few.
    """
    if len(drive.told) < 2:
        raise InputError(drive.place, f"{len(drive.told)} commands", "a drive with commands")
    if len(drive.measured) < 2:
        raise InputError(drive.place, f"{len(drive.measured)} states", "a drive with states")
    ends = np.flatnonzero(np.diff(drive.told) > drive.timeout) + 1
    bounds = np.concatenate([[0], ends, [len(drive.told)]])
    segments, windows = [], []
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        begin, end = drive.told[first], drive.told[last - 1]
        low, high = np.searchsorted(drive.measured, (begin, end)).tolist()
        if high - low < _SHORTEST or drive.measured[high - 1] - begin < SETTLE + 0.5 * WINDOW:
            continue
        segments.append((first, last, low, high))
        start = int(np.searchsorted(drive.measured, begin + SETTLE))
        length = drive.measured[high - 1] - drive.measured[start]
        count = max(1, round(length / WINDOW))
        edges = drive.measured[start] + length * np.arange(1, count) / count
        parts = np.split(np.arange(start, high), np.searchsorted(drive.measured[start:high], edges))
        windows += [part for part in parts if len(part) >= _SHORTEST]
    if len(windows) < FEWEST:
        where = f"{len(windows)} windows of {WINDOW:g} s of commands (at most {drive.timeout:g} s apart) and states"
        raise InputError(drive.place, where, f"{FEWEST} or more: drive longer, a minute is good")
    return Windows(np.array(segments, dtype=np.int64), *_padded(windows))


def _padded(windows: list[Int64s]) -> tuple[Int64s, Array]:
    longest = max(map(len, windows))
    index = np.empty((len(windows), longest), dtype=np.int64)
    real = np.zeros((len(windows), longest))
    for row, part in enumerate(windows):
        index[row], index[row, : len(part)] = part[0], part
        real[row, : len(part)] = 1.0
    return index, real
