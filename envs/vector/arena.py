"""``make_vec("arena_v0")``: many continuous worlds at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from envs.arena.actions import TUNED
from envs.arena.core import ArenaCore, Draw
from envs.arena.spaces import FLAT, action_space, flat, observation_space, state_of
from envs.registry import check_begun
from envs.scenarios import drawn_from
from envs.vector.team import TeamVectorEnv
from swarm.array_types import AnyArray, Flags, Float32s
from swarm.files.checks import generator, whole
from swarm.filter.further_rows import Constraint
from swarm.model.error_bounds import ErrorBounds
from swarm.model.strangers import Strangers
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import Observation
from swarm.tune.reward import Reward


class ArenaVectorEnv(TeamVectorEnv):
    """``ArenaEnv`` in many worlds, stepped by one call of the parallel kernels.

    With B worlds, N robots and P = 32 slots of neighbours and obstacles:

    * observation: ``ego`` ``float32[B, N, 26]``, ``edges`` ``float32[B, N, P, 15]``, ``mask`` ``int8[B, N, P]``; with
      ``observation="flat"`` one ``float32[B, N, 538]``. Contiguous, and never written again while anybody holds it:
      ``torch.from_numpy`` needs no copy.
    * action: ``[B, N, 6]`` (``actions="tunables"``, in [0, 1]) or ``[B, N, 2]`` (``control``, ``free``, in [-1, 1]),
      float32 or float64, clipped.
    * reward ``float32[B, N]``, terminated ``bool[B]``, truncated ``bool[B]``.
    * infos: ``outcome`` ``int64[B, N]`` (number in ``swarm.filter.safety.OUTCOMES``), ``clearance`` ``float64[B, N]``
      [m], ``reached`` and ``collided`` ``bool[B, N]``, ``deliveries`` ``int64[B, N]``, ``resting`` ``bool[B, N]`` (at
      the last goal, or not cooperative: nothing to learn from); of the episode that goes on or has just ended.

    Each world draws its scenarios from a generator of its own: world b of ``reset(seed=s)`` has the episodes of
    ``ArenaEnv.reset(seed=s + b)``. All scenarios must have the same number of robots, unless ``robots`` says the
    largest; the others are filled up with robots that are *resting*, seen by nobody and not rewarded.

    Args:
        num_envs: B.
        scenario: As of ``ArenaEnv``, like all that follows.
        actions: See there.
        observation: See there.
        max_cycles: See there.
        margin: See there.
        errors: See there.
        assume: See there.
        strangers: See there.
        planner: See there.
        robots: N, where teams differ in size.
        reward: See there.
        constraint: See there.

    Raises:
        InputError: If an argument is not usable.
    """

    metadata = {**TeamVectorEnv.metadata, "name": "arena_v0"}  # noqa: RUF012 - as in Gymnasium

    def __init__(
        self, num_envs: int = 1, scenario: Scenario | Draw | str | Path = "clutter", *, actions: str = TUNED,
        observation: str = "dict", max_cycles: int | None = None, margin: float = 0.0,
        errors: ErrorBounds | None = None, assume: ErrorBounds | None = None, strangers: Strangers | None = None,
        planner: str = "straight", robots: int | None = None, reward: str | Reward | None = None,
        constraint: str | Constraint | None = None,
    ) -> None:  # fmt: skip
        whole("worlds", num_envs)
        self._draw, self._form = drawn_from(scenario), observation
        self.core = ArenaCore(
            self._draw, worlds=num_envs, margin=margin, redraw=False, errors=errors, assume=assume,
            strangers=strangers, actions=actions, max_cycles=max_cycles, planner=planner, robots=robots, reward=reward,
            constraint=constraint,
        )  # fmt: skip
        observed = observation_space(int(self.core.slots.sum()), observation)
        super().__init__(num_envs, self.core.num_robots, observed, action_space(actions))

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every world; returns the observation and no infos."""
        seeds = [one for one in self._seed(seed) if one is not None]
        if seeds:
            self.core.rng = generator(seeds[0])  # of the errors, where worlds are not exact
        for b in range(self.num_envs):
            self.core.load(b, self._draw(self._generators[b]))
        return self._formed(self.core.observe()), {}

    def step(self, actions: AnyArray) -> tuple[Any, Float32s, Flags, Flags, dict[str, Any]]:
        """One control period of all worlds."""
        check_begun(self.metadata["name"], self._begun)
        core = self.core
        observation, reward, terminated, truncated, told = core.step(actions)
        infos = self._infos(
            {
                "outcome": core.outcome, "clearance": core.clearance, "reached": core.reached,
                "collided": core.collided, "deliveries": core.deliveries, "resting": told["resting"],
            }
        )  # fmt: skip
        ended = terminated | truncated
        if ended.any():
            which = np.flatnonzero(ended)
            infos |= self._finals(ended, [self._formed(_of(observation, b)) for b in which.tolist()], dict(infos))
            core.begin_within(observation, {b: self._draw(self._generators[b]) for b in which.tolist()})
        return self._formed(observation), reward, terminated, truncated, infos

    def _formed(self, observation: Observation) -> Any:
        if self._form == FLAT:
            return flat(observation)
        return {"ego": observation.ego, "edges": observation.edges, "mask": observation.mask.view(np.int8)}

    def state(self) -> Float32s:
        """All worlds as they really are, ``float32[B, 8 N + 1]``: see ``envs.arena.spaces.state_of``."""
        core = self.core
        times = core.age * core.period
        worlds = zip(core.state, core.goal, core.reached, times.tolist(), strict=True)
        return np.stack([state_of(*world) for world in worlds])


def _of(observation: Observation, b: int) -> Observation:
    """The observation of one world, a copy."""
    return Observation(observation.ego[b].copy(), observation.edges[b].copy(), observation.mask[b].copy())
