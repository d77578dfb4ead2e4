"""How many threads the parallel kernels may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let the parallel kernels use ``count`` threads."""
    before = numba.get_num_threads()
    numba.set_num_threads(count)
    try:
        yield
    finally:
        numba.set_num_threads(before)
