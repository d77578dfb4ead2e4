"""The clock of a control process: periods begin on a grid of time, and lateness is measured.

A period needs a processor at once, and not for long; no right beyond a user's is needed to ask the operating system for
that. Linux 6.12 and later let a thread say so by its time slice (sched_setattr(2), ``sched_runtime`` of
``SCHED_OTHER``): one with a short slice runs sooner when it wakes, at the same share of the processors.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import struct
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator

SLICE = 100_000
"""Nanoseconds, the shortest that Linux grants."""
_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}  # Numbers of the system call; Python 3.11 has no function for it.
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")  # Size, policy, flags, nice, priority, runtime, deadline, period, clamps.
_KEPT = 12_000  # Periods whose figures are kept: ten minutes of them.


class Rate:
    """Begins a period every so many seconds; one that is missed is left out, not caught up.

    Args:
        period: Control period [s].
        clock: Monotonic [s].
        sleep: Waits so many seconds.
        phase: Share of a period by which its beginnings lie behind the multiples of the period on that clock. Robots of
            one machine that each have their own do not all want its processors at once.

    Attributes:
        late: How late each period began [s].
        took: How long the work of each took [s].
    """

    def __init__(
        self, period: float, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep, *, phase: float = 0.0,
    ) -> None:  # fmt: skip
        self.period, self._clock, self._sleep, self._phase = period, clock, sleep, phase % 1.0
        self.late: deque[float] = deque(maxlen=_KEPT)
        self.took: deque[float] = deque(maxlen=_KEPT)

    def periods(self, until: Callable[[], bool]) -> Iterator[float]:
        """Yields the beginning of each period, until told to end; the work is done while the generator rests."""
        due = self.period * (math.ceil(self._clock() / self.period - self._phase) + self._phase)
        while not until():
            wait = due - self._clock()
            if wait > 0.0:
                self._sleep(wait)
            began = self._clock()
            self.late.append(began - due)
            yield began
            ended = self._clock()
            self.took.append(ended - began)
            due += self.period * max(1, -int(-(ended - due) // self.period))


def ask_for_short_slices(nanoseconds: int = SLICE) -> bool:
    """Ask for short time slices for the thread that calls; whether the system took it.

    Older kernels take it and do nothing. A thread that already has a policy of its own (``chrt``) keeps it.
    """
    number = _SET_ATTRIBUTES.get(platform.machine())
    if sys.platform != "linux" or number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    given = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, nanoseconds, 0, 0, 0, 0)
    return ctypes.CDLL(None).syscall(number, 0, ctypes.create_string_buffer(given, len(given)), 0) == 0
