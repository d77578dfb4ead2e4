"""One episode of lifelong path finding on a grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.grid.batch import CHANNELS, GridBatch
from envs.grid.episode import Episode, GoalSource, GridWorld, draw_episode
from envs.grid.kernels import NOWHERE
from swarm.array_types import AnyArray, Flags, Float32s, Int64s
from swarm.scenario.grid_map import GridMap

__all__ = ["CHANNELS", "NOWHERE", "GridCore", "new_episode"]

_CHANGING = ("cells", "goals", "reached", "blocked", "just_reached", "just_blocked", "age")


class GridCore:
    """One episode: a ``GridBatch`` of one world, without the axis of worlds.

    Args:
        grid: The map.
        starts: ``int64[N, 2]`` (row, column), distinct free cells.
        goals: Where the robots' goals come from.
        radius: Cells that a robot sees in each direction.

    Attributes:
        cells: ``int64[N, 2]``, where the robots are (row, column); another array after each step.
        goals: ``int64[N, 2]``, ``NOWHERE`` without one; changes in place, as the two that follow.
        reached: ``int64[N]``, goals so far.
        blocked: ``int64[N]``, reverted moves so far.
        just_reached: ``bool[N]``, in the last step; another array after each step.
        just_blocked: ``bool[N]``, likewise.
    """

    def __init__(self, grid: GridMap, starts: Int64s, goals: GoalSource, radius: int = 5) -> None:
        self._batch = GridBatch([Episode(grid, starts, goals)], radius)
        self.grid, self.free, self.radius = grid, grid.free, radius
        self.goals, self.reached, self.blocked = (
            array[0] for array in (self._batch.goals, self._batch.reached, self._batch.blocked)
        )
        self._keep()

    def _keep(self) -> None:
        """Copy what the batch overwrites in the next step."""
        self.cells = self._batch.cells[0].copy()
        self.just_reached, self.just_blocked = self._batch.just_reached[0].copy(), self._batch.just_blocked[0].copy()

    @property
    def age(self) -> int:
        """Steps so far."""
        return int(self._batch.age[0])

    def age_by(self, steps: int) -> None:
        """Let the episode be older than it is."""
        self._batch.age += steps

    def state_dict(self) -> dict[str, AnyArray]:
        """Copies of what has changed since the episode began."""
        return {name: getattr(self._batch, name).copy() for name in _CHANGING}

    def load_state_dict(self, saved: Mapping[str, AnyArray]) -> None:
        """Go on from a ``state_dict`` of the same episode."""
        for name in _CHANGING:
            getattr(self._batch, name)[:] = saved[name]
        self._keep()

    @property
    def has_goal(self) -> Flags:
        """Whether each robot has a goal, ``bool[N]``; one without stays in the world and yields."""
        return self._batch.has_goal[0]

    def step(self, moves: Int64s) -> Flags:
        """Carry out simultaneous moves ``int64[N]``; those in conflict are reverted (`swarm.planning.pibt`).

        Returns:
            Who reached its goal in this step, ``bool[N]``; it has its next goal already.
        """
        self._batch.step(np.asarray(moves, dtype=np.int64)[None])
        self._keep()
        return self.just_reached

    def observe(self) -> Float32s:
        """What every robot sees: ``float32[N, 6, 2 radius + 1, 2 radius + 1]``, layers in the order of ``CHANNELS``."""
        return self._batch.observe()[0].copy()

    def path(self, robot: int, limit: int = 256) -> Int64s:
        """A shortest way of one robot to its goal, ``int64[k, 2]``, its own cell first."""
        return self._batch.path(0, robot, limit)


def new_episode(world: GridWorld, robots: int | None, rng: np.random.Generator, radius: int = 5) -> GridCore:
    """An episode as ``draw_episode`` draws it, on an instance or on a map.

    Raises:
        InputError: If there are not so many robots, or not so many cells.
    """
    return GridCore(*draw_episode(world, robots, rng), radius)
