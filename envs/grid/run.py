"""One episode on a grid, robot by robot: each plans alone from what it sees and hears near it; the rules decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.follower_team import FollowerTeam
from swarm.array_types import Flags, Int64s
from swarm.errors import InputError
from swarm.files.text_files import atomic_path, make_folder
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.guided.team import GuidedTeam
from swarm.planning.pibt.hearing import RADIUS
from swarm.planning.pibt.team import AstarTeam, PibtTeam
from swarm.scenario.instances import LifelongInstance

FILMS = (".mp4", ".svg")
"""How names of films end; every browser animates an SVG."""


class Team(Protocol):
    """Anything that moves all robots of an episode."""

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """The moves ``int64[N]`` that the robots choose now.

        Args:
            cells: ``int64[N, 2]``, where they are (row, column).
            goals: ``int64[N, 2]``; ``NOWHERE`` without one.
            fresh: ``bool[N]``, whose goals are new: all at first, then those that the last step has reached.
        """
        ...


TeamMaker = Callable[[Flags, int], Team]
"""Makes a team from where robots may be, ``bool[rows, columns]``, and their number."""


def on_graph(planner: Callable[[GridGraph, int], Team]) -> TeamMaker:
    """What makes a team whose robots plan on the graph of the map."""
    return lambda free, robots: planner(GridGraph(free), robots)


TEAMS: dict[str, TeamMaker] = {
    "guided": on_graph(GuidedTeam), "follower": FollowerTeam, "pibt": on_graph(PibtTeam), "astar": on_graph(AstarTeam),
}  # fmt: skip
"""Planners of grid worlds by name."""


def team_of(planner: str) -> TeamMaker:
    """What makes a team: a name of ``TEAMS``, or ``follower:FOLDER`` for a checkpoint of one's own.

    Raises:
        InputError: If there is no such planner.
    """
    name, _, folder = planner.partition(":")
    if name == "follower" and folder:
        return lambda free, robots: FollowerTeam(free, robots, folder)
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
        make: TeamMaker | None = None,
    ) -> None:  # fmt: skip
        make = make or team_of(planner)
        self.instance, self.planner = instance, planner
        self.batch = GridBatch([draw_episode(instance, robots, np.random.default_rng(instance.seed))], RADIUS)
        self.team, self._fresh = make(self.batch.free[0], robots), np.ones(robots, np.bool_)
        self.track = [self.batch.cells[0].copy()]
        self.step_ms: list[float] = []
        self.longest_wait, self._waited = 0, np.zeros(robots, dtype=np.int64)

    @property
    def name(self) -> str:
        """``<map>_<seed>_<robots>``, the stem of the trajectory's file."""
        return f"{self.instance.map}_{self.instance.seed}_{self.batch.robots}"

    def step(self) -> None:
        """All robots plan, and move."""
        began = time.perf_counter()
        moves = self.team.moves(self.batch.cells[0], self.batch.goals[0], self._fresh)
        self.step_ms.append(1e3 * (time.perf_counter() - began))
        (had_goal,) = self.batch.has_goal
        (self._fresh,) = self.batch.step(moves[None])
        self.track.append(self.batch.cells[0].copy())
        self._waited = np.where(had_goal & ~self._fresh, self._waited + 1, 0)
        self.longest_wait = max(self.longest_wait, int(self._waited.max()))

    def record(self) -> dict[str, Any]:
        """What the episode came to, in the layout of the results file.

        ``longest_wait`` is the most steps in a row in which some robot had a goal and did not reach it; a robot whose
        goals are used up does not wait. ``step_ms`` is the time of the whole team.
        """
        batch, times = self.batch, np.array(self.step_ms)
        goals, steps = int(batch.reached.sum()), int(batch.age[0])
        return {
            "kind": "grid",
            "suite": self.instance.suite,
            "map": self.instance.map,
            "seed": int(self.instance.seed),
            "planner": self.planner,
            "robots": batch.robots,
            "steps": steps,
            "goals": goals,
            "throughput": goals / max(steps, 1),
            "blocked_moves": int(batch.blocked.sum()),
            "longest_wait": self.longest_wait,
            "step_ms": {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))},
        }

    def save(self, folder: Path | None, film: Path | None) -> None:
        """Write the trajectory, ``cells[T+1, N, 2]``, as ``<name>.npz`` into a folder, and a film; None: not wanted.

        Args:
            folder: Where the trajectory goes.
            film: A file that ends in one of ``FILMS``.

        Raises:
            InputError: If a file cannot be written; it is written whole or not at all.
        """
        if film is not None:
            self._film(film)
        if folder is not None:
            make_folder(folder)
            with atomic_path(folder / f"{self.name}.npz") as partial, partial.open("wb") as file:
                np.savez_compressed(file, cells=np.array(self.track))

    def _film(self, path: Path) -> None:
        """Show what happened."""
        # What draws pictures is not needed for anything else here.
        from envs.render.grid_replay import Replay
        from envs.render.grid_svg import save_svg

        robots, rate = self.batch.robots, self.batch.reached.sum() / max(len(self.step_ms), 1)
        title = f"{self.instance.map}   {robots} robots   {self.planner}   {rate:.2f} goals a step"
        replay = Replay(self.instance.grid, np.array(self.track), self.instance.targets[:robots], title)
        if path.suffix == ".mp4":
            replay.save_film(path)
        else:
            save_svg(path, replay)
