"""What the benchmarks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Figures = dict[str, Any]


def interleaved(
    functions: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds of each function by a clock; the functions take turns, so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            began = clock()
            function()
            times[name].append(clock() - began)
    return {name: float(np.median(values)) for name, values in times.items()}


def spread(milliseconds: Sequence[float]) -> Figures:
    """Median, 99th percentile and least of some times; the least is what other work on the machine disturbs least."""
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {"ms p50": float(p50), "ms p99": float(p99), "ms least": float(np.min(milliseconds))}
