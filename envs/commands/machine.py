"""The machine that something is measured on, and what a process has taken of it.

From /proc where there is one: psutil tells neither the name of a processor nor the most memory that was held.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path


def processor() -> str:
    """Name of the processor and number of its cores."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} cores"


def peak_memory() -> float:
    """Most memory that this process has held so far [MB]."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration):  # Elsewhere a child's figure is at least its parent's.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
