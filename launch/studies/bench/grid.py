"""``bench.py grid``: the batched core of grid worlds."""

from __future__ import annotations

from functools import partial
from typing import Any

import numba
import numpy as np

from envs.grid.batch import GridBatch
from envs.grid.env import GridEnv
from envs.grid.episode import draw_episode
from envs.grid.instances import draw_instance
from envs.grid.maps import random_map
from studies.bench.common import Figures, interleaved
from swarm.planning.graph.moves import MOVES


def bench_grid() -> Figures:
    """The batched grid, 20 × 20 cells and 32 robots a world: robot-steps a second, observations of all included."""
    rng, robots, steps = np.random.default_rng(0), 32, 64
    cases = [draw_instance(rng, random_map(rng, density=0.2, at_least=100), robots) for _ in range(256)]
    episodes, threads = [draw_episode(case, None, rng) for case in cases], numba.get_num_threads()
    env = GridEnv(cases[0], max_cycles=steps)
    figures: Figures = {}
    for worlds in (1, 16, 64, 256):
        batch = GridBatch(episodes[:worlds])
        moves = _rehearse(batch, steps, rng)

        def play(count: int, batch: GridBatch = batch, moves: Any = moves) -> None:
            batch.threads = count
            for b in range(batch.worlds):
                batch.load(b, episodes[b])
            batch.observe()
            for chosen in moves:
                batch.step(chosen)
                batch.observe()

        def one_env(moves: Any = moves) -> None:
            env.reset()
            for chosen in moves[:, 0].tolist():
                env.step(dict(zip(env.possible_agents, chosen, strict=True)))

        counts = sorted({1, threads}) if worlds > 1 else [1]
        several = {f"worlds: {worlds}, threads: {count}": partial(play, count) for count in counts}
        seconds = interleaved(several | {"GridEnv": one_env}, 9)
        one = robots * steps / seconds["GridEnv"]
        for name in several:
            rate = worlds * robots * steps / seconds[name]
            figures[name] = {"robot-steps/s": rate, "× GridEnv": rate / one}
    figures["GridEnv"] = {"robot-steps/s": one, "× GridEnv": 1.0}
    return figures


def _rehearse(batch: Any, steps: int, rng: np.random.Generator) -> Any:
    """Moves ``int64[steps, B, N]``, mostly along shortest ways, so that goals are reached and drawn as in real runs."""
    moves = np.empty((steps, batch.worlds, batch.robots), np.int64)
    for step in moves:
        batch.observe()
        step[:] = ((batch.ahead - batch.cells)[..., None, :] == MOVES).all(axis=-1).argmax(axis=-1)
        step[:] = np.where(rng.random(step.shape) < 0.3, rng.integers(5, size=step.shape), step)
        batch.step(step)
    return moves
