"""Kernels compile where no cache has any of them, and to the same: which is compiled first must not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from numba.core.dispatcher import Dispatcher
from oracles.project import ROOT

from envs.arena import observing
from envs.arena.stepping import filtering, motion, robots, sensing, step

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


def counts_references(kernel: Dispatcher) -> bool | None:
    """What a kernel's decorator says; None if it says nothing: who compiles it first decides."""
    return kernel.targetoptions.get("_nrt")


def says_all(kernel: Dispatcher) -> bool:
    """Whether a kernel's decorator leaves nothing to who compiles it first, or it is a part of its caller's text."""
    options = kernel.targetoptions
    return options.get("inline") == "always" or {"_nrt", "forceinline"} <= options.keys()


def called_by(kernel: Dispatcher) -> Iterator[Dispatcher]:
    """The kernels that a kernel calls by name, or as a name of a module of ours."""
    names, known = kernel.py_func.__code__.co_names, kernel.py_func.__globals__
    found = [known.get(name) for name in names]
    modules = [one for one in found if isinstance(one, ModuleType) and one.__name__.startswith(("swarm", "envs"))]
    for one in found + [getattr(module, name, None) for module in modules for name in names]:
        if isinstance(one, Dispatcher):
            yield one


def test_all_that_kernels_without_references_call_says_how_it_is_compiled() -> None:
    modules = (filtering, motion, robots, sensing, step, observing)
    everywhere = [one for module in modules for one in vars(module).values()]
    left = [one for one in everywhere if isinstance(one, Dispatcher) and counts_references(one) is False]
    assert sensing.describe_world in left and observing.remember_worlds in left
    silent, seen = set(), set(left)
    while left:
        for one in set(called_by(left.pop())) - seen:
            seen.add(one)
            if not says_all(one):
                silent.add(f"{one.py_func.__module__}.{one.py_func.__qualname__}")
            if not counts_references(one):
                left.append(one)
    assert not silent
    assert len(seen) > 50  # QP, shield and observation are among them
