"""The environments as clients take them: small, by id."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import supersuit
from gymnasium import spaces
from pettingzoo.utils.wrappers import BaseParallelWrapper

import envs
from envs.scenarios import clutter
from swarm.scenario.grid_map import GridMap

IDS = tuple(envs.IDS)
GRID_STEPS = 48


def make(id: str, **options: Any) -> Any:
    """A small environment of an id."""
    small: dict[str, dict[str, Any]] = {
        "arena_v0": {"scenario": partial(clutter.draw, robots=4, obstacles=2, side=2.0)},
        "grid_v0": {"world": GridMap(np.ones((6, 6), bool)), "robots": 2, "steps": GRID_STEPS, "radius": 3},
        "bullet_v0": {},
    }
    return envs.make(id, **small[id], **options)


class Flat(BaseParallelWrapper):  # type: ignore[misc]
    """One box instead of a dictionary of spaces, which Stable-Baselines3 and SuperSuit's wrappers need."""

    def observation_space(self, agent: str) -> spaces.Space:
        return spaces.flatten_space(self.env.observation_space(agent))

    def _flat(self, observations: dict[str, Any]) -> dict[str, Any]:
        space = self.env.observation_space
        return {name: np.asarray(spaces.flatten(space(name), seen), np.float32) for name, seen in observations.items()}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observations, infos = self.env.reset(seed=seed, options=options)
        return self._flat(observations), infos

    def step(self, actions: dict[str, Any]) -> Any:
        observations, *rest = self.env.step(actions)
        return self._flat(observations), *rest


def make_flat(id: str) -> Any:
    """With flat observations: SuperSuit's own wrapper where it can, else ``Flat``."""
    return supersuit.flatten_v0(make(id)) if id == "grid_v0" else Flat(make(id))


def vectors(env: Any, copies: int, processes: int, base_class: str) -> Any:
    """Copies of a parallel environment as SuperSuit's vector environment; agents are its members."""
    one = supersuit.pettingzoo_env_to_vec_env_v1(env)
    return supersuit.concat_vec_envs_v1(one, copies, num_cpus=processes, base_class=base_class)
