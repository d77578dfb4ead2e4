"""``make_vec("grid_v0")``: many worlds of lifelong path finding at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from envs.grid.batch import CHANNELS, GridBatch
from envs.grid.env import drawn_from
from envs.grid.episode import Episode, GridWorld, draw_episode
from envs.registry import check_begun
from envs.vector.team import TeamVectorEnv
from swarm.array_types import AnyArray, Flags, Float32s
from swarm.errors import InputError
from swarm.files.checks import whole
from swarm.planning.graph.moves import MOVES


class GridVectorEnv(TeamVectorEnv):
    """``GridEnv`` in many worlds, stepped and observed by one call of the parallel kernels.

    With B worlds, N robots and windows of W = 2 radius + 1 cells:

    * observation: ``float32[B, N, 6, W, W]``, contiguous; a copy, unless ``copy`` is False: then always the same array,
      overwritten in the next step.
    * action: ``[B, N]``, whole numbers from 0 to 4.
    * reward ``float32[B, N]``, terminated ``bool[B]`` (never), truncated ``bool[B]`` (after ``max_cycles``).
    * infos: ``goals`` ``int64[B, N]`` (reached so far), ``blocked`` ``bool[B, N]``.

    World b of ``reset(seed=s)`` has the episodes of ``GridEnv.reset(seed=s + b)``. No map may be larger than the
    largest of those that the worlds begin with.

    Args:
        num_envs: B.
        scenario: As of ``GridEnv``, like robots and radius.
        robots: See there.
        max_cycles: Length of an episode.
        radius: See there.
        copy: Whether each observation is an array of its own.

    Raises:
        InputError: If an argument is not usable, or the robots do not fit into the map.
    """

    metadata = {**TeamVectorEnv.metadata, "name": "grid_v0"}  # noqa: RUF012 - as in Gymnasium

    def __init__(
        self, num_envs: int = 1,
        scenario: GridWorld | Callable[[np.random.Generator], GridWorld] | str | Path = "random", *,
        robots: int | None = None, max_cycles: int = 256, radius: int = 5, copy: bool = True,
    ) -> None:  # fmt: skip
        for name, value in (("worlds", num_envs), ("robots", robots), ("max_cycles", max_cycles), ("radius", radius)):
            if value is not None or name != "robots":
                whole(name, value)
        self._draw, self._robots, self._copy = drawn_from(scenario, robots), robots, copy
        self.max_cycles = max_cycles
        first = [np.random.default_rng(b) for b in range(num_envs)]
        self.batch = GridBatch([self._episode(rng) for rng in first], radius)
        self._robots = self.batch.robots
        window = (len(CHANNELS), 2 * radius + 1, 2 * radius + 1)
        super().__init__(
            num_envs, self.batch.robots, spaces.Box(-1.0, 1.0, window, np.float32), spaces.Discrete(len(MOVES))
        )

    def _episode(self, rng: np.random.Generator) -> Episode:
        return draw_episode(self._draw(rng), self._robots, rng)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32s, dict[str, Any]]:
        """Begin an episode in every world; returns the observation and no infos."""
        self._seed(seed)
        for b in range(self.num_envs):
            self.batch.load(b, self._episode(self._generators[b]))
        return self._seen(), {}

    def _seen(self) -> Float32s:
        seen = self.batch.observe()
        return seen.copy() if self._copy else seen

    def step(self, actions: AnyArray) -> tuple[Float32s, Float32s, Flags, Flags, dict[str, Any]]:
        """All robots of all worlds move.

        Raises:
            InputError: If there is not one move for each robot.
        """
        check_begun(self.metadata["name"], self._begun)
        moves = np.asarray(actions)
        if not np.issubdtype(moves.dtype, np.integer) or ((moves < 0) | (moves >= len(MOVES))).any():
            raise InputError("actions", actions, f"whole numbers from 0 to {len(MOVES) - 1}")
        batch = self.batch
        reward = batch.step(moves).astype(np.float32)
        infos = self._infos({"goals": batch.reached, "blocked": batch.just_blocked})
        truncated = batch.age >= self.max_cycles
        if truncated.any():
            which = np.flatnonzero(truncated)
            infos |= self._finals(truncated, list(batch.observe()[which]), dict(infos))
            for b in which:
                batch.load(int(b), self._episode(self._generators[b]))
        return self._seen(), reward, np.zeros(self.num_envs, bool), truncated, infos
