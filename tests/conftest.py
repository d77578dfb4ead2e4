"""Shared set-up of the tests: no window is opened, hypothesis is reproducible, and what is absent here is skipped.

Tests that need a package that not every Python has are marked: ``pytest.mark.torch``, ``pytest.mark.bullet``. A file
that imports such a package says ``pytestmark = pytest.mark.…``, and is not even imported where there is none.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hypothesis
import numba
import pytest

# Before anything starts threads: those that wait must not keep a core from the tests of another process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

hypothesis.settings.register_profile("swarm", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("swarm")

PACKAGES = {"torch": ("torch", "torch_geometric"), "bullet": ("pybullet",)}
"""What the tests of a marker import."""
WITHOUT = (3, 12)
"""Pythons from this one on have no wheels of those, or none without gigabytes; ``pyproject.toml`` says so too."""


def why_not(marker: str) -> str:
    """Why the tests of a marker cannot run here; empty if they can."""
    absent = [name for name in PACKAGES.get(marker, ()) if find_spec(name) is None]
    if not absent:
        return ""
    newer = sys.version_info >= WITHOUT
    why = f"the project installs none for Python {sys.version_info.major}.{sys.version_info.minor}"
    return f"no {absent[0]}: {why if newer else 'it is not installed'}"


class Absent(pytest.Module):
    """A file of tests that cannot be imported here."""

    def __init__(self, reason: str, **options: Any) -> None:
        super().__init__(**options)
        self._reason = reason

    def collect(self) -> Iterator[pytest.Item]:
        pytest.skip(self._reason, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Files that are marked as a whole."""
    marks = "".join(re.findall(r"^pytestmark = .*", module_path.read_text(encoding="utf-8"), re.M))
    reasons = filter(None, map(why_not, re.findall(r"pytest\.mark\.(\w+)", marks)))
    reason = next(reasons, "")
    return Absent.from_parent(parent, path=module_path, reason=reason) if reason else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that are marked one by one."""
    for item in items:
        for reason in filter(None, (why_not(mark.name) for mark in item.iter_markers())):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def same_signals() -> Iterator[None]:
    """An installed command sets what signals do, for good; a process of tests goes on after it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """A step of a small world is over sooner than threads of a busy machine have met."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)
