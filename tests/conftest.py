"""Shared set-up of the tests: no window is opened, and hypothesis is reproducible."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import numba
import pytest

# Before anything starts threads: those that wait must not keep a core from the tests of another process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

hypothesis.settings.register_profile("swarm", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("swarm")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """A step of a small world is over sooner than threads of a busy machine have met."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)
