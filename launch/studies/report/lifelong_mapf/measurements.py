"""What the jobs of the report on lifelong path finding do: drive teams on grids, and count."""

from __future__ import annotations

import time
from functools import lru_cache
from itertools import islice, pairwise

import numpy as np

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.instances import examples
from envs.grid.maps import warehouse_map
from envs.grid.run import GridRun, TeamMaker, on_graph, team_of
from studies.report.jobs import Record
from swarm.array_types import Flags, Int64s
from swarm.errors import InputError
from swarm.planning.graph.cost_field import UNIT
from swarm.planning.guided.kernels import Rules
from swarm.planning.guided.team import GuidedTeam
from swarm.planning.pibt.hearing import RADIUS
from swarm.scenario.instances import LifelongInstance, load_instances

WITHOUT = {
    "lanes": Rules(lanes=0.0), "windows": Rules(meeting=0), "halves": Rules(halves=False),
    "relay": Rules(relay=False), "turns": Rules(turns=False), "joint": Rules(joint=False),
    "half the price": Rules(meeting=2 * UNIT), "double the price": Rules(meeting=8 * UNIT),
}  # fmt: skip
"""Variants of ``guided``: what is left out, or is different."""


@lru_cache(maxsize=4)
def cases(file: str | None, suite: str, first: int, count: int | None) -> tuple[LifelongInstance, ...]:
    """Instances of a file, or drawn; at most ``count``."""
    if file is None:
        return tuple(examples(suite, first, count))
    return tuple(islice(load_instances(file), count))


def conflicts(track: Int64s, free: Flags) -> int:
    """Broken rules in written cells ``int64[T + 1, N, 2]``: walls, jumps, shared cells, swaps."""
    flat = track[..., 0] * free.shape[1] + track[..., 1]
    ordered = np.sort(flat, axis=1)
    broken = int((ordered[:, 1:] == ordered[:, :-1]).sum())
    broken += int((np.abs(np.diff(track, axis=0)).sum(axis=2) > 1).sum()) + int((~free[tuple(track.T)]).sum())
    size = free.size
    for before, after in pairwise(flat):
        moved = before != after
        there, back = (before * size + after)[moved], (after * size + before)[moved]
        broken += int(np.isin(there, back).sum()) // 2
    return broken


def _planner(options: Record) -> TeamMaker:
    """The planner by name; ``without`` makes it a variant of ``guided``."""
    name = options.get("without")
    if name is None:
        return team_of(options["planner"])
    if name not in WITHOUT:
        raise InputError("without", name, ", ".join(WITHOUT))
    return on_graph(lambda graph, robots: GuidedTeam(graph, robots, rules=WITHOUT[name]))


def play(options: Record) -> Record:
    """Episodes of a suite with one team size and one planner.

    Args:
        options: ``file``, ``suite``, ``first``, ``count`` (see ``cases``), ``robots``, ``steps``, ``planner``, and
            perhaps ``without``.
    """
    found: Record = {name: [] for name in ("throughput", "blocked", "wait", "p50", "p99", "conflicts")}
    make = _planner(options)
    for case in cases(options["file"], options["suite"], options["first"], options["count"]):
        run = GridRun(case, options["robots"], options["planner"], make)
        for _ in range(options["steps"]):
            run.step()
        entry = run.record()
        found["throughput"].append(entry["throughput"])
        found["blocked"].append(entry["blocked_moves"])
        found["wait"].append(entry["longest_wait"])
        found["conflicts"].append(conflicts(np.array(run.track), case.grid.free))
        for name in ("p50", "p99"):
            found[name].append(entry["step_ms"][name])
    return found


def grow(options: Record) -> Record:
    """One large warehouse with goals anywhere, for one team size: ``robots``, ``planner``, ``steps``, ``seed``."""
    rng = np.random.default_rng(options["seed"])
    robots = options["robots"]
    batch = GridBatch([draw_episode(warehouse_map(rng, 160, 260, missing=0.1), robots, rng)], RADIUS)
    team, times, fresh = team_of(options["planner"])(batch.free[0], robots), [], np.ones(robots, np.bool_)
    for _ in range(options["steps"]):
        began = time.perf_counter()
        moves = team.moves(batch.cells[0], batch.goals[0], fresh)
        times.append(1e3 * (time.perf_counter() - began))
        (fresh,) = batch.step(moves[None])
    # The first step works out every robot's way, later ones only those of new goals.
    return {
        "throughput": int(batch.reached.sum()) / options["steps"], "free": int(batch.free.sum()),
        "first": times[0], "p50": float(np.percentile(times[1:], 50)), "p99": float(np.percentile(times[1:], 99)),
    }  # fmt: skip


def jam(options: Record) -> Record:
    """Where robots stand: for each cell, robot-steps without a move; walls are -1. Options as for ``play``."""
    case = cases(options["file"], options["suite"], options["first"], options["count"])[0]
    run = GridRun(case, options["robots"], options["planner"])
    for _ in range(options["steps"]):
        run.step()
    track = np.array(run.track)
    stood = track[1:][(track[1:] == track[:-1]).all(axis=2)]
    counts = np.where(case.grid.free, 0, -1)
    np.add.at(counts, tuple(stood.T), 1)
    return {"stood": counts.tolist(), "goals": run.record()["goals"]}
