"""``bench.py arena``: the batched core of continuous worlds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from envs.arena_core import ArenaCore
from envs.bench.common import Figures, interleaved
from envs.bench.controller import robot_times
from envs.scenarios import clutter
from swarm.tunables import MIDDLE, ROTATION


def bench_arena() -> Figures:
    """The batched core, 8 robots and 8 obstacles a world: robot-steps a second in the first 100 steps of episodes."""
    figures: Figures = {}
    threads = numba.get_num_threads()
    for worlds in (1, 16, 64, 256, 1024):
        core = ArenaCore(clutter.draw, worlds=worlds, seed=1)
        action = np.random.default_rng(0).uniform(0.0, 1.0, (worlds, 8, 6))
        action[..., ROTATION] = MIDDLE[ROTATION]
        steps, fresh = 100, core.state.copy()

        def advance(core: ArenaCore = core, action: Any = action, steps: int = steps, fresh: Any = fresh) -> None:
            core.state[:], core.moved[:] = fresh, True
            for _ in range(steps):
                core.advance(action)

        def single(core: ArenaCore = core, advance: Callable[[], None] = advance) -> None:
            several, core.threads = core.threads, 1
            advance()
            core.threads = several

        seconds = interleaved({f"{threads} threads": advance, "1 thread": single}, 7)
        rates = {name: worlds * 8 * steps / value for name, value in seconds.items()}
        figures[f"{worlds} worlds"] = {f"robot-steps/s, {name}": rate for name, rate in rates.items()}
    figures["one Robot object at a time"] = {f"robot-steps/s, {threads} threads": 1e6 / robot_times(100)[0]}
    return figures
