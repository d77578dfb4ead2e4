"""Parallel kernels in a forked child, and in several threads at once: the children and the process live, and agree."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from multiprocessing.connection import Connection

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.maps import random_map
from envs.scenarios import clutter
from swarm.filter.tunables import COUNT

PATIENCE = 120.0  # [s]; for a child on a busy machine

# The thread that forks holds the lock of another one in the child; a fork in the middle of a kernel must not hang it.
FORK_UNDER_LOAD = """
import os, threading
from envs.threads import threads
inside, leave = threading.Event(), threading.Event()

def hold():
    with threads(2):
        inside.set()
        leave.wait()

holder = threading.Thread(target=hold)
holder.start()
inside.wait()
child = os.fork()
if child == 0:
    with threads(2):
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
leave.set()
holder.join()
"""


def arena_states() -> np.ndarray:
    """Where the robots of four worlds are after ten steps, on two threads."""
    core = ArenaCore(lambda rng: clutter.draw(rng, robots=4, obstacles=2, side=2.0), worlds=4, seed=1)
    core.threads = 2
    for _ in range(10):
        core.step(np.full((4, 4, COUNT), 0.5))
    return core.state.copy()


def grid_views() -> np.ndarray:
    """What the robots of four grids see after ten steps, on two threads."""
    rng = np.random.default_rng(1)
    batch = GridBatch([draw_episode(random_map(rng, 9, 9, 0.2, at_least=12), 5, rng) for _ in range(4)], 3)
    batch.threads = 2
    for _ in range(10):
        batch.step(rng.integers(5, size=(4, 5)))
    return batch.observe().copy()


def send_both(connection: Connection) -> None:
    connection.send((arena_states(), grid_views()))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_that_is_forked_after_all_parallel_kernels_ran_goes_on_with_them() -> None:
    before = arena_states(), grid_views()
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    children = [fork.Process(target=send_both, args=(theirs,)) for _ in range(2)]
    for child in children:
        child.start()
    for _ in children:
        assert ours.poll(PATIENCE), [child.exitcode for child in children]
        for mine, found in zip(before, ours.recv(), strict=True):
            np.testing.assert_array_equal(found, mine)
    for child in children:
        child.join(PATIENCE)
        assert child.exitcode == 0
    np.testing.assert_array_equal(arena_states(), before[0])


def test_threads_that_step_environments_at_once_wait_for_each_other() -> None:
    alone = arena_states(), grid_views()
    found: list[np.ndarray] = []
    workers = [threading.Thread(target=lambda: found.extend([arena_states(), grid_views()])) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert len(found) == 12
    for one in found:
        np.testing.assert_array_equal(one, alone[0] if one.shape == alone[0].shape else alone[1])


def test_a_child_does_not_wait_for_a_thread_that_only_its_parent_has() -> None:
    run = subprocess.run(
        [sys.executable, "-c", FORK_UNDER_LOAD], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert run.stdout.split() == ["7"]
