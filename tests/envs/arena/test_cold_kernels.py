"""Kernels compile where no cache has any of them: which is compiled first must not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from oracles.project import ROOT

STEP = """
import numpy as np
from envs.arena.core import ArenaCore
from envs.scenarios import FAMILIES
core = ArenaCore(FAMILIES["clutter"], worlds=2)
core.reset(0)
core.step(np.full((2, core.num_robots, 6), 0.5))
print("stepped")
"""


def test_a_step_of_the_arena_compiles_without_a_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", STEP], env=environment, capture_output=True, text=True, timeout=900)
    assert done.stdout == "stepped\n", done.stderr[-3000:]
