"""``bench.py lifelong``: the planners of lifelong path finding, whole teams and one robot alone.

Ticks are short and the tail matters, so that times are those of the thread on the processor: other work on the machine
counts less.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import NamedTuple

import numba
import numpy as np

from envs.commands.machine import peak_memory
from envs.grid.batch import GridBatch
from envs.grid.episode import GridWorld, draw_episode
from envs.grid.instances import examples
from envs.grid.maps import puzzle_map, warehouse_map
from envs.grid.run import team_of
from studies.bench.alone import alone_times
from studies.bench.common import Figures, spread
from swarm.planning.pibt.hearing import RADIUS
from swarm.scenario.grid_map import GridMap

_PLANNERS = ("guided", "pibt", "astar")
_TURN = 5  # Ticks of one planner, before it is another one's turn.
_EARLY, _TICKS = 20, 300  # Of one robot alone: not measured, and measured.


class TeamSize(NamedTuple):
    """A team to measure: its size, ticks before the first measured one, and measured ticks."""

    world: str
    robots: int
    early: int
    ticks: int


# Where everybody starts in the strips, an episode as it is evaluated; on the large map, ticks after which as many
# goals are reached as later.
_CASES = (
    TeamSize("warehouse", 192, 1, 255),
    TeamSize("large warehouse", 1000, 60, 60),
    TeamSize("large warehouse", 10_000, 60, 20),
)


def _world(name: str) -> GridWorld:
    """An example that ships; or 500 × 140 cells, 4 of 7 free, where robots start and deliver anywhere."""
    if name == "warehouse":
        return examples("warehouse", instances=1)[0]
    grid = warehouse_map(np.random.default_rng(0), 140, 500, shelf=12, aisle=1)
    return GridMap(grid.free, name=name)


def play(pipe: Connection, planner: str, case: TeamSize) -> None:
    """Play as many ticks as each number received says, up to a 0; sends their times [ms], goals, peak memory [MB]."""
    numba.set_num_threads(1)
    batch = GridBatch([draw_episode(_world(case.world), case.robots, np.random.default_rng(0))], RADIUS)
    team, fresh = team_of(planner)(batch.free[0], case.robots), np.ones(case.robots, np.bool_)
    while ticks := pipe.recv():
        times, before = [], int(batch.reached.sum())
        for _ in range(ticks):
            began = time.thread_time()
            moves = team.moves(batch.cells[0], batch.goals[0], fresh)
            times.append(1e3 * (time.thread_time() - began))
            (fresh,) = batch.step(moves[None])
        pipe.send((times, int(batch.reached.sum()) - before, peak_memory()))


def team_figures(case: TeamSize) -> Figures:
    """Figures of every planner; each has a process of its own, for its memory, and they take turns."""
    spawn = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for planner in _PLANNERS:
        pipes[planner], other = spawn.Pipe()
        processes.append(spawn.Process(target=play, args=(other, planner, case), daemon=True))
        processes[-1].start()
        other.close()
    for pipe in pipes.values():
        pipe.send(case.early)
        pipe.recv()
    found: dict[str, list[tuple[list[float], int, float]]] = {planner: [] for planner in _PLANNERS}
    for _ in range(case.ticks // _TURN):
        for planner, pipe in pipes.items():
            pipe.send(_TURN)
            found[planner].append(pipe.recv())
    figures: Figures = {}
    for planner, turns in found.items():
        pipes[planner].send(0)
        times = [one for times, _, _ in turns for one in times]
        figures[f"{case.world}, {case.robots} robots, {planner}"] = spread(times) | {
            "goals a step": sum(goals for _, goals, _ in turns) / len(times), "MB": max(peak for *_, peak in turns),
        }  # fmt: skip
    for process in processes:
        process.join()
    return figures


def bench_lifelong() -> Figures:
    """Lifelong planners, one thread: a tick of a whole team, and of one robot with messages as bytes."""
    figures: Figures = {}
    for case in _CASES:
        figures |= team_figures(case)
    full, puzzle = GridMap(np.ones((21, 21), np.bool_)), puzzle_map(np.random.default_rng(0))
    for name, grid, robots in (("full", full, 440), ("half full", full, 220), ("puzzle", puzzle, 4)):
        times, heard = zip(*alone_times(grid, robots, _EARLY + _TICKS)[_EARLY:], strict=True)
        figures[f"one robot, {np.median(heard):.0f} heard ({name})"] = spread(times)
    return figures
