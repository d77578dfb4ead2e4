"""``bench.py passages``: robots that agree on who goes first where one fits."""

from __future__ import annotations

import time

import numpy as np

from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import draw_family
from envs.scenarios.narrow import rooms
from envs.scenarios.narrow.dynamics import DT, LIMITS, RADIUS, SENSING
from studies.bench.common import Figures, spread
from swarm.model.dynamics import Kind
from swarm.planning.passages.slices import slices_of
from swarm.planning.passages.team import sizes_of
from swarm.robot.garbage import settle
from swarm.scenario.scenario import Scenario

_ROOMS = ((4, 64), (8, 250), (16, 1000))  # rooms in a row, robots
_IN_BLOCKS = 20
_PERIODS, _COLD = 30, 10


def bench_passages() -> Figures:
    """A decision with the planner for passages: of all robots in rooms, and of one at a time in blocks.

    CPU time of all threads; of all robots, which plan on several, also by the clock.
    """
    figures: Figures = {}
    for rows, robots in _ROOMS:
        kind, rng = Kind.SINGLE_INTEGRATOR, np.random.default_rng(0)
        scenario = rooms.square_of(rng, rows, robots, kind, LIMITS[kind], RADIUS, 60.0, DT, SENSING)
        times, clock = times_of_all(scenario, _PERIODS)
        name = f"{robots} robots in {rows * rows} rooms, all"
        figures[name], figures[f"{name}, by the clock"] = spread(times[_COLD:]), spread(clock[_COLD:])
    times = times_of_one(draw_family("blocks", 0, robots=_IN_BLOCKS), 20 * _PERIODS)[_COLD * _IN_BLOCKS :]
    figures[f"{_IN_BLOCKS} robots in blocks, one"] = spread(times) | {"ms worst": float(np.max(times))}
    return figures


def times_of_all(scenario: Scenario, periods: int) -> tuple[list[float], list[float]]:
    """Time of the decision of all robots in each period [ms], and in the first one also for all that is kept.

    CPU time, and time by the clock.
    """
    run, found, clock = _run_of(scenario), [], []
    for period in range(periods):
        if period == 1:
            settle()
        began, at = time.process_time(), time.perf_counter()
        commands = run.fleet.step(run.time, run.states, run.goals)
        found.append(1e3 * (time.process_time() - began))
        clock.append(1e3 * (time.perf_counter() - at))
        run.move(commands)
    return found, clock


def times_of_one(scenario: Scenario, periods: int) -> list[float]:
    """Time of each decision of each robot [ms], one period after the other."""
    run, found = _run_of(scenario), []
    for period in range(periods):
        if period == 1:
            settle()
        commands = []
        for robot, view in zip(run.fleet.robots, run.fleet.views(run.time, run.states, run.goals), strict=True):
            began = time.thread_time()
            commands.append(robot.step(view))
            found.append(1e3 * (time.thread_time() - began))
        run.fleet.messages = {i: command.message for i, command in enumerate(commands)}
        run.move(commands)
    return found


def _run_of(scenario: Scenario) -> Run:
    slices_of(scenario.world, sizes_of(scenario))  # made once for all, before anybody drives
    return Run(scenario, Fleet(scenario, planner="passages", controller="tuner"), ExactPlant(scenario, 1))
