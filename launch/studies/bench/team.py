"""``bench.py team``: what a period of a simulation costs, by parts."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import envs
from envs.bullet import env as bullet
from studies.bench.common import Figures
from swarm.scenario.map_file import load_map
from swarm.scenario.scenario import deliveries

MAP = Path(envs.__file__).parent / "maps" / "warehouse.map"
PERIODS, COLD = 60, 10


def bench_team() -> Figures:
    """A period of robots in pybullet on the map of the demo, the same minds one by one and together; processor time."""
    return {f"{robots} robots": _measure(robots) for robots in (24, 100)}


def _measure(robots: int) -> Figures:
    """Median milliseconds of the parts, and how many times real time all of it runs."""
    grid, _ = load_map(MAP, 1.0)
    scenario = deliveries(grid, robots, np.random.default_rng(0), goals_per_robot=8, horizon=60.0)
    run, twin = (bullet.start(scenario, planner="cells", controller="tuner") for _ in range(2))
    parts: dict[str, list[float]] = {name: [] for name in ("one by one", "together", "physics and score")}
    for _ in range(PERIODS):
        laps = [time.process_time()]
        views = twin.fleet.views(run.time, run.states, run.goals)
        commands = [robot.step(view) for robot, view in zip(twin.fleet.robots, views, strict=True)]
        twin.fleet.messages = {i: command.message for i, command in enumerate(commands)}
        laps.append(time.process_time())
        commands = run.fleet.step(run.time, run.states, run.goals)
        laps.append(time.process_time())
        run.move(commands)
        laps.append(time.process_time())
        for name, took in zip(parts, 1e3 * np.diff(laps), strict=True):
            parts[name].append(float(took))
    run.close()
    twin.close()
    figures = {f"ms, {name}": float(np.median(times[COLD:])) for name, times in parts.items()}
    period = figures["ms, together"] + figures["ms, physics and score"]
    return figures | {"× real time": 1e3 * scenario.dt / period}
