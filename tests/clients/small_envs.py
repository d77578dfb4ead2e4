"""The environments as clients take them: small, by id."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import supersuit

import envs
from envs.scenarios import clutter
from swarm.scenario.grid_map import GridMap

IDS = tuple(envs.IDS)
GRID_STEPS = 48


def make(id: str, **options: Any) -> Any:
    """A small environment of an id."""
    small: dict[str, dict[str, Any]] = {
        "arena_v0": {"scenario": partial(clutter.draw, robots=4, obstacles=2, side=2.0)},
        "grid_v0": {"scenario": GridMap(np.ones((6, 6), bool)), "robots": 2, "max_cycles": GRID_STEPS, "radius": 3},
        "bullet_v0": {},
    }
    return envs.make(id, **small[id], **options)


def make_flat(id: str) -> Any:
    """With one box to observe, which Stable-Baselines3 and SuperSuit's wrappers need."""
    return supersuit.flatten_v0(make(id)) if id == "grid_v0" else make(id, observation="flat")


def vectors(env: Any, copies: int, processes: int, base_class: str) -> Any:
    """Copies of a parallel environment as SuperSuit's vector environment; agents are its members."""
    one = supersuit.pettingzoo_env_to_vec_env_v1(env)
    return supersuit.concat_vec_envs_v1(one, copies, num_cpus=processes, base_class=base_class)
