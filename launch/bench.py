"""Benchmarks, side by side with the alternative in one run: look at the ratios, the machine's speed drifts.

Usage: ``python launch/bench.py qp|arena|grid|decision|planner|controller [--json F]``. Every figure is the median of
several repetitions that are interleaved with those of the alternatives.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from swarm.errors import SwarmError
from swarm.text_files import write_text


@dataclass(frozen=True)
class Options:
    """Measure one part of the stack."""

    what: Annotated[Literal["qp", "arena", "grid", "decision", "planner", "controller"], tyro.conf.Positional]
    """Which part."""
    json: Path | None = None
    """Also write the figures to this file."""


Figures = dict[str, Any]


def interleaved(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each function; the functions take turns, so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - began)
    return {name: float(np.median(values)) for name, values in times.items()}


def bench_qp() -> Figures:
    """The QP of one robot, 16 rows and a box: kernel, quadprog, cvxpy with parameters; one thread."""
    import cvxpy as cp
    import quadprog

    from swarm import qp

    rng, count, rows = np.random.default_rng(0), 4096, 16
    angles = rng.uniform(0.0, 2.0 * np.pi, (count, rows))
    G = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    b, nominal = rng.uniform(0.0, 1.0, (count, rows)), 1.5 * rng.normal(size=(count, 2))
    lower, upper = np.full((count, 2), -1.0), np.full((count, 2), 1.0)
    u, p, A, r = cp.Variable(2), cp.Parameter(2), cp.Parameter((rows, 2)), cp.Parameter(rows)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(u - p)), [A @ u <= r, u >= -1, u <= 1])
    sides, few = np.vstack([np.eye(2), -np.eye(2)]), 20

    def by_cvxpy() -> None:
        for k in range(few):
            p.value, A.value, r.value = nominal[k], G[k], b[k]
            problem.solve()

    def by_quadprog() -> None:
        for k in range(count):
            quadprog.solve_qp(
                np.eye(2), nominal[k], np.vstack([-G[k], sides]).T, np.concatenate([-b[k], lower[k], -upper[k]])
            )

    def one_by_one() -> None:
        for k in range(count):
            qp.solve(nominal[k], G[k], b[k], lower[k], upper[k])

    def batch() -> None:
        qp.solve_batch(nominal, G, b, lower, upper)

    seconds = interleaved(
        {"kernel, batch of 4096": batch, "kernel, one call each": one_by_one, "quadprog": by_quadprog,
         "cvxpy with parameters": by_cvxpy}, 9,
    )  # fmt: skip
    micro = {name: 1e6 * value / (few if "cvxpy" in name else count) for name, value in seconds.items()}
    base = micro["kernel, batch of 4096"]
    return {name: {"µs a problem": value, "× the kernel": value / base} for name, value in micro.items()}


def bench_arena() -> Figures:
    """The batched core, 8 robots and 8 obstacles a world: robot-steps a second in the first 100 steps of episodes."""
    import numba

    from envs.arena_core import ArenaCore
    from envs.scenarios import clutter
    from swarm.tunables import MIDDLE, ROTATION

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
    figures["one Robot object at a time"] = {f"robot-steps/s, {threads} threads": 1e6 / _robot_times(100)[0]}
    return figures


def bench_grid() -> Figures:
    """The batched grid, 20 × 20 cells and 32 robots a world: robot-steps a second, observations of all included."""
    import numba

    from envs.grid import GridEnv
    from envs.grid_batch import GridBatch
    from envs.grid_episode import draw_episode
    from envs.grid_instances import draw_instance
    from envs.grid_maps import random_map

    rng, robots, steps = np.random.default_rng(0), 32, 64
    cases = [draw_instance(rng, random_map(rng, density=0.2, at_least=100), robots) for _ in range(256)]
    episodes, threads = [draw_episode(case, None, rng) for case in cases], numba.get_num_threads()
    env = GridEnv(cases[0], steps=steps)
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
    from swarm.planning import MOVES

    moves = np.empty((steps, batch.worlds, batch.robots), np.int64)
    for step in moves:
        batch.observe()
        step[:] = ((batch.ahead - batch.cells)[..., None, :] == MOVES).all(axis=-1).argmax(axis=-1)
        step[:] = np.where(rng.random(step.shape) < 0.3, rng.integers(5, size=step.shape), step)
        batch.step(step)
    return moves


def bench_decision() -> Figures:
    """All robots of a team of constant density decide once, on one thread: sense, plan, network, QP, shield; ms."""
    from envs.arena_core import ArenaCore
    from envs.scenarios import dense
    from swarm.controllers import FixedController, make_controller

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


def bench_planner() -> Figures:
    """One call of every planner on the demo's warehouse, with 23 others within earshot; µs."""
    import envs
    from envs.fleet import Fleet
    from envs.plants import ExactPlant
    from envs.run import Run
    from swarm.scenario import deliveries
    from swarm.world import GridMap

    grid = GridMap.from_movingai(Path(envs.__file__).parent / "maps" / "warehouse.map")
    figures: Figures = {}
    for name in ("straight", "roadmap", "cells"):
        scenario = deliveries(grid, 24, np.random.default_rng(0))
        run = Run(scenario, Fleet(scenario, planner=name, controller="fixed:4,1", margin=0.02), ExactPlant(scenario, 1))
        times: list[float] = []
        for robot in run.fleet.robots:
            robot.planner = _Timed(robot.planner, times)
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


def _robot_times(steps: int, controller: str = "fixed:4,1") -> tuple[float, float]:
    """p50 and p99 (µs) of ``Robot.step`` with 16 neighbours and 16 obstacle points."""
    from swarm import Kind, Limits, Robot, RobotSpec, View, World
    from swarm.neighbours import N_ACCELERATION, N_RADIUS, N_X, N_Y, NEIGHBOUR

    rng = np.random.default_rng(0)
    state = np.array([5.0, 5.0, 0.3, 0.0, 0.0])
    spec = RobotSpec(Kind.UNICYCLE, state, np.array([[9.0, 8.0]]), 0.25, Limits(1.0, turn_rate=4.0))
    world = World(np.array([0.0, 0.0, 10.0, 10.0]))
    robot = Robot(spec, world, dt=0.05, sensing_radius=3.0, planner="straight", controller=controller)
    near, points = np.zeros((16, NEIGHBOUR)), np.zeros((16, 5))
    angles = 2.0 * np.pi * np.arange(16) / 16
    near[:, N_X], near[:, N_Y] = 5.0 + 1.8 * np.cos(angles), 5.0 + 1.8 * np.sin(angles)
    near[:, N_RADIUS], near[:, N_ACCELERATION] = 0.25, np.inf
    points[:, 0], points[:, 1] = 5.0 + 1.3 * np.cos(angles + 0.2), 5.0 + 1.3 * np.sin(angles + 0.2)
    times = []
    for k in range(steps + 50):
        state[:2] = 5.0 + 0.05 * rng.normal(size=2)
        view = View(0.05 * k, state, spec.goals[0], near, {}, points)
        began = time.perf_counter()
        robot.step(view)
        times.append(1e6 * (time.perf_counter() - began))
    late = times[50:]
    return float(np.percentile(late, 50)), float(np.percentile(late, 99))


_COLD = """
import time; began = time.perf_counter()
import numpy as np, sys
from swarm import Kind, Limits, Robot, RobotSpec, View, World
spec = RobotSpec(Kind.UNICYCLE, np.array([5, 5, 0.3, 0, 0.]), np.array([[9, 8.]]), 0.25, Limits(1.0, turn_rate=4.0))
robot = Robot(spec, World(np.array([0, 0, 10, 10.])), dt=0.05, sensing_radius=3.0, planner="straight")
robot.step(View(0.0, spec.start, spec.goals[0]))
took = time.perf_counter() - began
# Not ru_maxrss: a child inherits its parent's.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(took, int(peak) / 1024, "torch" in sys.modules)
"""


def bench_controller() -> Figures:
    """One robot's whole step, and a fresh process up to its first step."""
    figures: Figures = {}
    for name, controller in (("tuner (ONNX)", "tuner"), ("fixed", "fixed:4,1")):
        p50, p99 = _robot_times(3000, controller)
        figures[f"Robot.step, {name}"] = {"µs p50": p50, "µs p99": p99}
    cold = []
    for _ in range(6):
        done = subprocess.run([sys.executable, "-c", _COLD], capture_output=True, text=True, check=True)
        seconds, megabytes, torch = done.stdout.split()
        cold.append((float(seconds), float(megabytes), torch))
    figures["fresh process to first step (warm cache)"] = {
        "s": float(np.median([entry[0] for entry in cold[1:]])),
        "MB": float(np.median([entry[1] for entry in cold[1:]])),
        "torch loaded": cold[-1][2],
    }
    return figures


def table_of(title: str, figures: Figures) -> Table:
    """Figures as a table: a row per name, a column per unit."""
    columns = list(dict.fromkeys(unit for entry in figures.values() for unit in entry))
    table = Table(title=title)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for name, entry in figures.items():
        table.add_row(name, *[_shown(entry.get(column, "")) for column in columns])
    return table


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"


def main() -> int:
    """Measure, print, and write."""
    options = tyro.cli(Options, prog="bench.py", description=__doc__)
    parts = {
        "qp": bench_qp, "arena": bench_arena, "grid": bench_grid, "decision": bench_decision, "planner": bench_planner,
        "controller": bench_controller,
    }  # fmt: skip
    part = parts[options.what]
    try:
        figures = part()
        Console().print(table_of((part.__doc__ or "").strip(), figures))
        if options.json is not None:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            write_text(options.json, json.dumps({options.what: figures}, indent=1, ensure_ascii=False) + "\n")
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
