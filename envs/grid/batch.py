"""Many worlds of lifelong path finding, stepped and observed together; one world is a batch of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numba
import numpy as np

from envs.grid.episode import Episode
from envs.grid.kernels import (
    NOWHERE,
    assign_goals,
    observe_world,
    observe_worlds,
    step_world,
    step_worlds,
    update_fields,
    way,
)
from envs.threads import threads
from swarm.array_types import AnyArray, Flags, Float32s, Int32s, Int64s
from swarm.errors import InputError

CHANNELS = ("walls", "robots", "goal", "path", "next", "cost_to_go")
"""Layers of an observation, in this order (see ``GridEnv``)."""
# What changes in an episode.
_CHANGING = ("cells", "goals", "reached", "blocked", "just_reached", "just_blocked", "age")
# Robots from which on waking the other threads pays.
_WORTH_THREADS = 128


class GridBatch:
    """B worlds of N robots; smaller maps are padded by walls at the bottom and at the right.

    The arrays that are attributes change in place. Distance fields are computed when something is observed, for robots
    whose goals are new, and need no memory before: 2 bytes a robot and cell, 4 if a map has 65,535 free ones or more.

    Args:
        episodes: What each world begins with; all have the same number of robots.
        radius: Cells that a robot sees in each direction.

    Attributes:
        cells: ``int64[B, N, 2]``, where the robots are (row, column).
        goals: ``int64[B, N, 2]``, ``NOWHERE`` without one.
        reached: ``int64[B, N]``, goals so far.
        blocked: ``int64[B, N]``, reverted moves so far.
        just_reached: ``bool[B, N]``, in the last step.
        just_blocked: ``bool[B, N]``, in the last step.
        age: ``int64[B]``, steps so far.
        ahead: ``int64[B, N, 2]``, as of the last ``observe``: the next cell on each robot's shortest way.

    Raises:
        InputError: If there is no episode, or they differ in the number of robots.
    """

    def __init__(self, episodes: Sequence[Episode], radius: int = 5) -> None:
        if not episodes:
            raise InputError("episodes", "none", "one or more")
        self.radius, self.worlds, self.robots = radius, len(episodes), len(episodes[0].starts)
        shapes = np.array([episode.grid.free.shape for episode in episodes])
        self.shape: tuple[int, int] = (int(shapes[:, 0].max()), int(shapes[:, 1].max()))
        self.threads = numba.get_num_threads() if self.worlds * self.robots >= _WORTH_THREADS else 1
        padded = self.shape[0] + 2 * radius, self.shape[1] + 2 * radius
        robots = self.worlds, self.robots
        self.free = np.zeros((self.worlds, *self.shape), bool)
        self._walls = np.ones((self.worlds, *padded), np.float32)
        self.cells, self.goals, self.ahead = (np.zeros((*robots, 2), np.int64) for _ in range(3))
        self.reached, self.blocked = np.zeros(robots, np.int64), np.zeros(robots, np.int64)
        self.just_reached, self.just_blocked = np.zeros(robots, bool), np.zeros(robots, bool)
        self.age = np.zeros(self.worlds, np.int64)
        self._listed, self._pool = np.empty((*robots, 0, 2), np.int32), np.empty((self.worlds, 0, 2), np.int32)
        self._pool_size, self._seed = np.zeros(self.worlds, np.int64), np.zeros(self.worlds, np.uint64)
        self._fields: AnyArray | None = None
        self._held = np.full(robots, -1, np.int64)
        self._observed: Float32s | None = None
        for b, episode in enumerate(episodes):
            self.load(b, episode)

    def load(self, b: int, episode: Episode) -> None:
        """Begin another episode in world ``b``.

        Raises:
            InputError: If its map is larger than the batch's, or it has another number of robots.
        """
        rows, columns = episode.grid.free.shape
        if rows > self.shape[0] or columns > self.shape[1]:
            raise InputError(f"map {episode.grid.name}", [rows, columns], f"at most {list(self.shape)} rows, columns")
        if len(episode.starts) != self.robots:
            raise InputError(f"robots on {episode.grid.name}", len(episode.starts), f"{self.robots}, as in all worlds")
        self.free[b] = False
        self.free[b, :rows, :columns] = episode.grid.free
        inner = slice(self.radius, -self.radius)
        self._walls[b, inner, inner] = ~self.free[b]
        self.cells[b] = episode.starts
        for counted in (self.reached, self.blocked, self.just_reached, self.just_blocked, self.age):
            counted[b] = 0
        self._held[b] = -1
        self._load_goals(b, episode)

    def _load_goals(self, b: int, episode: Episode) -> None:
        listed, pool = episode.goals.listed, episode.goals.pool
        self._listed = _longer(self._listed, listed.shape[1], axis=2)
        self._pool = _longer(self._pool, len(pool), axis=1)
        self._listed[b] = NOWHERE
        self._listed[b, : len(listed), : listed.shape[1]] = listed
        self._pool[b, : len(pool)] = pool
        self._pool_size[b], self._seed[b] = len(pool), episode.goals.seed
        assign_goals(
            self.cells[b], self.goals[b], self.reached[b], self._listed[b], self._pool[b], self._pool_size[b],
            self._seed[b],
        )  # fmt: skip

    def step(self, moves: Int64s) -> Flags:
        """Carry out simultaneous moves ``int64[B, N]``; those in conflict are reverted.

        Returns:
            ``just_reached``: who reached its goal in this step, ``bool[B, N]``; it has its next goal already.

        Raises:
            InputError: If there is not one move for each robot.
        """
        moves = np.asarray(moves, np.int64)
        if moves.shape != self.reached.shape:
            raise InputError("moves", list(moves.shape), f"{list(self.reached.shape)}, one for each robot")
        arrays = (
            moves, self.free, self.cells, self.goals, self.reached, self.blocked, self.just_reached, self.just_blocked,
            self._listed, self._pool, self._pool_size, self._seed,
        )  # fmt: skip
        if self.worlds == 1:
            step_world(*(array[0] for array in arrays))
        else:
            with threads(self.threads):
                step_worlds(*arrays)
        self.age += 1
        return self.just_reached

    def state_dict(self) -> dict[str, AnyArray]:
        """Copies of what has changed since the episodes began."""
        return {name: getattr(self, name).copy() for name in _CHANGING}

    def load_state_dict(self, saved: Mapping[str, AnyArray]) -> None:
        """Go on from a ``state_dict`` of the same episodes."""
        for name in _CHANGING:
            getattr(self, name)[:] = saved[name]

    @property
    def has_goal(self) -> Flags:
        """Whether each robot has a goal, ``bool[B, N]``; one without stays in the world and yields."""
        has: Flags = self.goals[..., 0] >= 0
        return has

    def _fields_now(self) -> AnyArray:
        """The array of distance fields; its memory is taken as it is written."""
        # A shortest way has fewer steps than there are free cells; the two largest values stand for no way and wall.
        large = self.free.sum(axis=(1, 2)).max() >= np.iinfo(np.uint16).max
        dtype = np.int32 if large else np.uint16
        if self._fields is None or self._fields.dtype != dtype:
            self._fields = np.empty((self.worlds, self.robots, *self._walls.shape[1:]), dtype)
            self._held[:] = -1
        return self._fields

    def observe(self) -> Float32s:
        """What every robot sees: ``float32[B, N, 6, 2 radius + 1, 2 radius + 1]``, layers in the order of ``CHANNELS``.

        The array is the same at each call, and overwritten.
        """
        fields = self._fields_now()
        if self._observed is None:
            window = 2 * self.radius + 1
            self._observed = np.empty((self.worlds, self.robots, len(CHANNELS), window, window), np.float32)
        far = np.iinfo(fields.dtype).max
        rest = self._held, self.ahead, self._observed
        if self.worlds == 1:
            observe_world(self._walls[0], self.cells[0], self.goals[0], far, fields[0], *(array[0] for array in rest))
        else:
            with threads(self.threads):
                observe_worlds(self._walls, self.cells, self.goals, far, fields, *rest)
        return self._observed

    def path(self, b: int, robot: int, limit: int = 256) -> Int64s:
        """A shortest way of one robot to its goal, ``int64[k, 2]``, its own cell first."""
        if not self.has_goal[b, robot]:
            return self.cells[b, robot : robot + 1].copy()
        fields, one = self._fields_now(), slice(robot, robot + 1)
        far = np.iinfo(fields.dtype).max
        update_fields(self._walls[b], self.goals[b, one], self.radius, far, fields[b, one], self._held[b, one])
        row, column = self.cells[b, robot] + self.radius
        cells: Int64s = way(fields[b, robot], row, column, limit)
        return cells - self.radius


def _longer(array: Int32s, size: int, axis: int) -> Int32s:
    """The array with room for at least ``size`` entries along an axis; new ones are ``NOWHERE``."""
    if array.shape[axis] >= size:
        return array
    more = [(0, size - array.shape[axis] if i == axis else 0) for i in range(array.ndim)]
    return np.pad(array, more, constant_values=NOWHERE)
