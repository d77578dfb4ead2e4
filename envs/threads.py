"""The threads of the parallel kernels: how many, one caller at a time, and a layer that a fork does not kill.

Vector environments, data loaders and pools fork after the parent has stepped an environment. Numba's default layer,
GNU OpenMP, ends such a child; its work queue goes on in it, but ends a process in which two threads use it at once:
hence the lock. ``NUMBA_THREADING_LAYER`` in the environment chooses another layer (``tbb`` survives both).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numba

if numba.config.THREADING_LAYER == "default":  # type: ignore[attr-defined]  # numba makes its settings at run time
    setattr(numba.config, "THREADING_LAYER", "workqueue")  # noqa: B010

_in_use = threading.Lock()


def _forget_parent() -> None:
    """In a forked child: the thread that held the lock is not there."""
    global _in_use
    _in_use = threading.Lock()


os.register_at_fork(after_in_child=_forget_parent)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let the parallel kernels use ``count`` threads; other threads that want to run some wait."""
    with _in_use:
        before = numba.get_num_threads()
        numba.set_num_threads(count)
        try:
            yield
        finally:
            numba.set_num_threads(before)


def in_parts(
    some: Callable[..., None], in_parallel: Callable[..., None], parts: int, count: int, *arguments: object
) -> None:  # fmt: skip
    """Run a kernel over ``count`` worlds, a part of them on each thread; one thread starts no others.

    Args:
        some: The kernel of the worlds from its first argument to before its second, one after the other.
        in_parallel: The same of all worlds, in as many parts as its first argument says.
        parts: So many threads.
        count: So many worlds.
        *arguments: What both take behind that.
    """
    if parts == 1:
        some(0, count, *arguments)
    else:
        with threads(parts):
            in_parallel(parts, *arguments)
