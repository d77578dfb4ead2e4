"""One episode on a grid, robot by robot: each plans alone from what it hears within its radius; the rules decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.grid_core import GridCore, new_episode
from swarm.errors import InputError
from swarm.instances import LifelongInstance
from swarm.planning.pibt import Heard, PibtPlanner, priority_key
from swarm.text_files import atomic_path

RADIUS = 5
"""Cells that a robot sees and hears in each direction (as in POGEMA's benchmark)."""


class Team(Protocol):
    """Anything that moves all robots of an episode."""

    def moves(self, core: GridCore) -> NDArray[np.int64]:
        """The moves ``int64[N]`` that the robots choose now."""
        ...

    def reached(self, robots: NDArray[np.int64]) -> None:
        """These robots have just reached their goals."""
        ...


class PibtTeam:
    """One ``PibtPlanner`` per robot; each decides from what the robots within ``RADIUS`` cells announce.

    Args:
        core: The episode.
    """

    def __init__(self, core: GridCore) -> None:
        self.planners = [PibtPlanner(core.free, robot) for robot in range(len(core.cells))]
        self._robot_at = np.full((core.free.shape[0] + 2 * RADIUS, core.free.shape[1] + 2 * RADIUS), -1)

    def _announce(self, core: GridCore) -> list[Heard]:
        """What every robot says; one without a goal would like to stay, and makes way for everyone."""
        said = []
        cells, goals = map(tuple, core.cells.tolist()), map(tuple, core.goals.tolist())
        for planner, cell, goal, busy in zip(self.planners, cells, goals, core.has_goal.tolist(), strict=True):
            if busy:
                said.append(planner.announce(cell, goal))
            else:
                said.append(planner.announce(cell, cell)._replace(priority=priority_key(-1, planner.robot_id)))
        return said

    def moves(self, core: GridCore) -> NDArray[np.int64]:
        """The moves ``int64[N]`` that the robots choose now."""
        said = self._announce(core)
        self._robot_at[:] = -1
        self._robot_at[core.cells[:, 0] + RADIUS, core.cells[:, 1] + RADIUS] = np.arange(len(said))
        chosen = np.empty(len(said), dtype=np.int64)
        for robot, (row, column) in enumerate(core.cells.tolist()):
            window = self._robot_at[row : row + 2 * RADIUS + 1, column : column + 2 * RADIUS + 1]
            heard = {other: said[other] for other in window[window >= 0].tolist() if other != robot}
            chosen[robot] = self.planners[robot].decide(said[robot], heard)
        return chosen

    def reached(self, robots: NDArray[np.int64]) -> None:
        """These robots have just reached their goals."""
        for robot in robots.tolist():
            self.planners[robot].reached()


TEAMS: dict[str, Callable[[GridCore], Team]] = {"pibt": PibtTeam}
"""Planners of grid worlds by name."""


class GridRun:
    """An episode of an instance.

    Args:
        instance: Map, starts, targets.
        robots: Its first so many robots.
        planner: A name of ``TEAMS``.

    Raises:
        InputError: If there is no such planner, or the instance has not so many robots.
    """

    def __init__(self, instance: LifelongInstance, robots: int, planner: str = "pibt") -> None:
        if planner not in TEAMS:
            raise InputError("planner", planner, ", ".join(TEAMS))
        self.instance, self.planner = instance, planner
        self.core = new_episode(instance, robots, np.random.default_rng(instance.seed), RADIUS)
        self.team = TEAMS[planner](self.core)
        self.track = [self.core.cells]
        self.step_ms: list[float] = []

    @property
    def name(self) -> str:
        """``<map>_<seed>_<robots>``, the stem of the trajectory's file."""
        return f"{self.instance.map}_{self.instance.seed}_{len(self.core.cells)}"

    def step(self) -> None:
        """All robots plan, and move."""
        began = time.perf_counter()
        moves = self.team.moves(self.core)
        self.step_ms.append(1e3 * (time.perf_counter() - began))
        self.team.reached(np.flatnonzero(self.core.step(moves)))
        self.track.append(self.core.cells)

    def record(self) -> dict[str, Any]:
        """What the episode came to, in the layout of the results file; ``step_ms`` is the time of the whole team."""
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
            "step_ms": {"p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99))},
        }

    def save(self, folder: Path) -> None:
        """Write the trajectory, ``cells[T+1, N, 2]``, as ``<name>.npz``, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / f"{self.name}.npz") as partial, partial.open("wb") as file:
            np.savez_compressed(file, cells=np.array(self.track))
