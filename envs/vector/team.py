"""What the vector environments share: spaces of a team in each world, seeds, and what is told of episodes that end."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from swarm.array_types import AnyArray, Flags
from swarm.errors import InputError
from swarm.files.checks import generator, whole


class TeamVectorEnv(VectorEnv):
    """B worlds of N robots as a Gymnasium ``VectorEnv``; a world whose episode ends begins the next in the same step.

    Rewards are ``float32[B, N]``, one a robot, which is more than Gymnasium asks for; the ends of episodes are
    ``bool[B]``, since a team ends as a whole. As Gymnasium has it for ``AutoresetMode.SAME_STEP``, the step in which an
    episode ends returns the first observation of the next one, and the last one as ``infos["final_obs"][b]`` (None
    where none ended) with ``infos["final_info"]``; ``infos["_final_obs"]`` is ``bool[B]``.

    Args:
        worlds: B.
        robots: N.
        observation: Space of what one robot observes.
        action: Space of what one robot does.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, worlds: int, robots: int, observation: spaces.Space[Any], action: spaces.Space[Any]) -> None:
        self.num_envs, self.num_robots = worlds, robots
        self.single_observation_space = batch_space(observation, robots)
        self.single_action_space = batch_space(action, robots)
        self.observation_space = batch_space(self.single_observation_space, worlds)
        self.action_space = batch_space(self.single_action_space, worlds)
        self._generators = [np.random.default_rng(b) for b in range(worlds)]
        self._begun = False

    def _seed(self, seed: int | list[int | None] | None) -> list[int | None]:
        """World b gets the generator of ``seed + b``, or of its own seed; None: it goes on with the one it has.

        Returns:
            The seeds of all worlds.

        Raises:
            InputError: If there is not one seed for each world, or one is none.
        """
        if not isinstance(seed, list):
            first = None if seed is None else whole("seed", seed, least=0)
            seed = [None if first is None else first + b for b in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise InputError("seed", seed, f"a number, or a list of {self.num_envs}, one for each world")
        for b, one in enumerate(seed):
            if one is not None:
                self._generators[b] = generator(one)
        self._begun = True
        return seed

    def _infos(self, figures: dict[str, AnyArray]) -> dict[str, Any]:
        """Figures ``[B, N]`` as Gymnasium's infos: copies, each with a mask of the worlds that it is of."""
        everywhere = np.ones(self.num_envs, bool)
        masks = {f"_{name}": everywhere for name in figures}
        return {name: figure.copy() for name, figure in figures.items()} | masks

    def _finals(self, ended: Flags, last: list[Any], figures: dict[str, Any]) -> dict[str, Any]:
        """What is told where an episode ended: ``last`` observations, one for each such world, and the figures."""
        observations = np.full(self.num_envs, None, object)
        for b, observation in zip(np.flatnonzero(ended), last, strict=True):
            observations[b] = observation
        final = {name: ended.copy() if name[0] == "_" else value for name, value in figures.items()}
        return {
            "final_obs": observations, "_final_obs": ended.copy(), "final_info": final, "_final_info": ended.copy(),
        }  # fmt: skip
