"""``bench.py decision``: whole teams of the batched core decide."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from envs.arena.core import ArenaCore
from envs.scenarios import dense
from studies.bench.common import Figures
from swarm.tune.controllers import FixedController, make_controller


def bench_decision() -> Figures:
    """All robots of a team of constant density decide once, on one thread: sense, plan, network, QP, shield; ms."""
    network, fixed = make_controller("tuner"), FixedController(6.0, 1.0)
    figures: Figures = {}
    for robots in (8, 64, 1024):
        cores = {
            (planner, name): ArenaCore(partial(dense.draw, robots=robots), seed=1, redraw=False, planner=planner)
            for planner in ("straight", "roadmap") for name in ("tuner", "fixed")
        }  # fmt: skip
        times: dict[tuple[str, str], list[float]] = {key: [] for key in cores}
        for step in range(60):
            for (planner, name), core in cores.items():
                core.threads = 1
                began = time.perf_counter()
                observation = core.observe()
                action = network(observation) if name == "tuner" else np.tile(fixed.action, (1, robots, 1))
                core.advance(action)  # moves the robots too, and measures gaps: a little more than deciding
                if step >= 10:
                    times[planner, name].append(1e3 * (time.perf_counter() - began))
        figures[f"{robots} robots"] = {
            f"ms, {name}, {planner}": float(np.median(values)) for (planner, name), values in times.items()
        }
    return figures
