"""Asks the operating system that the control loop begins on time: no right beyond a user's is needed.

A period needs a processor at once, and not for long. Linux 6.12 and later let a thread say so by its time slice
(sched_setattr(2), ``sched_runtime`` of ``SCHED_OTHER``): one with a short slice runs sooner when it wakes, at the same
share of the processors.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

SLICE = 100_000
"""Nanoseconds, the shortest that Linux grants."""
_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}  # Numbers of the system call; Python 3.11 has no function for it.
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")  # Size, policy, flags, nice, priority, runtime, deadline, period, clamps.


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
