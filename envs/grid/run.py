"""One episode on a grid, robot by robot: each plans alone from what it sees and hears near it; the rules decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from envs.grid.core import GridCore, new_episode
from envs.grid.follower_team import FollowerTeam
from swarm.array_types import Int64s
from swarm.errors import InputError
from swarm.files.text_files import atomic_path
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.guided.team import GuidedTeam
from swarm.planning.pibt.hearing import RADIUS
from swarm.planning.pibt.team import AstarTeam, PibtTeam
from swarm.scenario.instances import LifelongInstance


class Team(Protocol):
    """Anything that moves all robots of an episode."""

    def moves(self, core: GridCore) -> Int64s:
        """The moves ``int64[N]`` that the robots choose now."""
        ...

    def reached(self, robots: Int64s) -> None:
        """These robots have just reached their goals."""
        ...


class _Driven:
    """A team whose planner takes arrays.

    Args:
        planner: What has ``moves(cells, goals, fresh)``, as ``swarm.planning.guided.team.GuidedTeam``.
        robots: Number of robots.
    """

    def __init__(self, planner: Any, robots: int) -> None:
        self.planner, self._fresh = planner, np.ones(robots, dtype=np.bool_)

    def moves(self, core: GridCore) -> Int64s:
        """The moves ``int64[N]`` that the robots choose now."""
        moves: Int64s = self.planner.moves(core.cells, core.goals, self._fresh)
        self._fresh[:] = False
        return moves

    def reached(self, robots: Int64s) -> None:
        """These robots have just reached their goals."""
        self._fresh[robots] = True


def driven(planner: Callable[[GridGraph, int], Any]) -> Callable[[GridCore], Team]:
    """What makes a team of what takes arrays: a planner of a map and a number of robots."""
    return lambda core: _Driven(planner(GridGraph(core.free), len(core.cells)), len(core.cells))


TEAMS: dict[str, Callable[[GridCore], Team]] = {
    "guided": driven(GuidedTeam), "follower": FollowerTeam, "pibt": driven(PibtTeam), "astar": driven(AstarTeam),
}  # fmt: skip
"""Planners of grid worlds by name."""


def team_of(planner: str) -> Callable[[GridCore], Team]:
    """What makes a team: a name of ``TEAMS``, or ``follower:FOLDER`` for a checkpoint of one's own.

    Raises:
        InputError: If there is no such planner.
    """
    name, _, folder = planner.partition(":")
    if name == "follower" and folder:
        return lambda core: FollowerTeam(core, folder)
    if planner not in TEAMS:
        raise InputError("planner", planner, f"{', '.join(TEAMS)}, or follower:FOLDER")
    return TEAMS[planner]


class GridRun:
    """An episode of an instance.

    Args:
        instance: Map, starts, targets.
        robots: Its first so many robots.
        planner: See ``team_of``.
        make: What makes the team, if it is not the planner of that name.

    Raises:
        InputError: If there is no such planner, or the instance has not so many robots.
    """

    def __init__(
        self, instance: LifelongInstance, robots: int, planner: str = "guided",
        make: Callable[[GridCore], Team] | None = None,
    ) -> None:  # fmt: skip
        make = make or team_of(planner)
        self.instance, self.planner = instance, planner
        self.core = new_episode(instance, robots, np.random.default_rng(instance.seed), RADIUS)
        self.team = make(self.core)
        self.track = [self.core.cells]
        self.step_ms: list[float] = []
        self.longest_wait, self._waited = 0, np.zeros(robots, dtype=np.int64)

    @property
    def name(self) -> str:
        """``<map>_<seed>_<robots>``, the stem of the trajectory's file."""
        return f"{self.instance.map}_{self.instance.seed}_{len(self.core.cells)}"

    def step(self) -> None:
        """All robots plan, and move."""
        began = time.perf_counter()
        moves = self.team.moves(self.core)
        self.step_ms.append(1e3 * (time.perf_counter() - began))
        had_goal = self.core.has_goal.copy()
        reached = self.core.step(moves)
        self.team.reached(np.flatnonzero(reached))
        self.track.append(self.core.cells)
        self._waited = np.where(had_goal & ~reached, self._waited + 1, 0)
        self.longest_wait = max(self.longest_wait, int(self._waited.max()))

    def record(self) -> dict[str, Any]:
        """What the episode came to, in the layout of the results file.

        ``longest_wait`` is the most steps in a row in which some robot had a goal and did not reach it; a robot whose
        goals are used up does not wait. ``step_ms`` is the time of the whole team.
        """
        core, times = self.core, np.array(self.step_ms)
        goals = int(core.reached.sum())
        return {
            "kind": "grid",
            "suite": self.instance.suite,
            "map": self.instance.map,
            "seed": int(self.instance.seed),
            "planner": self.planner,
            "robots": len(core.cells),
            "steps": core.age,
            "goals": goals,
            "throughput": goals / max(core.age, 1),
            "blocked_moves": int(core.blocked.sum()),
            "longest_wait": self.longest_wait,
            "step_ms": {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))},
        }

    def save(self, folder: Path) -> None:
        """Write the trajectory, ``cells[T+1, N, 2]``, as ``<name>.npz``, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / f"{self.name}.npz") as partial, partial.open("wb") as file:
            np.savez_compressed(file, cells=np.array(self.track))
