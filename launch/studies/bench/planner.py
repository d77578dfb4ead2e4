"""``bench.py planner``: the planners of continuous worlds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import envs
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from studies.bench.common import Figures
from swarm.planning import stateful
from swarm.scenario.scenario import deliveries
from swarm.scenario.world import GridMap


def bench_planner() -> Figures:
    """One call of every planner on the demo's warehouse, with 23 others within earshot; µs."""
    grid = GridMap.from_movingai(Path(envs.__file__).parent / "maps" / "warehouse.map")
    figures: Figures = {}
    for name in ("straight", "roadmap", "cells"):
        scenario = deliveries(grid, 24, np.random.default_rng(0))
        run = Run(scenario, Fleet(scenario, planner=name, controller="fixed:4,1", margin=0.02), ExactPlant(scenario, 1))
        times: list[float] = []
        for robot in run.fleet.robots:
            robot.planner = stateful(_Timed(robot.planner, times))
        for _ in range(200):
            run.tick()
        late = np.array(times[24 * 20 :]) * 1e6
        figures[name] = {"µs p50": float(np.percentile(late, 50)), "µs p99": float(np.percentile(late, 99))}
    return figures


class _Timed:
    """A planner that notes how long each call takes."""

    def __init__(self, planner: Any, times: list[float]) -> None:
        self.planner, self.times = planner, times

    def plan(self, view: Any) -> Any:
        began = time.perf_counter()
        plan = self.planner.plan(view)
        self.times.append(time.perf_counter() - began)
        return plan
