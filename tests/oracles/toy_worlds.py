"""Worlds that a trainer must be able to learn: the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from swarm.array_types import AnyArray, Flags
from swarm.tune.observation import EDGE, EDGE_IS_ROBOT, EGO, Observation

SLOTS = 6


class Toy:
    """Worlds with a known answer: the first action should be the largest first edge feature (0 if alone).

    Observations are drawn anew at every step; worlds end at random, for good or not.
    """

    def __init__(self, seed: int, worlds: int = 16, robots: int = 4) -> None:
        self.num_worlds, self.num_robots = worlds, robots
        self.rng = np.random.default_rng(seed)
        self.wanted = np.zeros((worlds, robots))
        self.actions: list[AnyArray] = []

    def draw(self) -> Observation:
        shape = (self.num_worlds, self.num_robots)
        ego = self.rng.standard_normal((*shape, EGO), dtype=np.float32)
        edges = self.rng.random((*shape, SLOTS, EDGE), dtype=np.float32)
        mask = self.rng.random((*shape, SLOTS)) < 0.3
        self.wanted = np.where(mask, edges[..., EDGE_IS_ROBOT], 0.0).max(axis=-1)
        return Observation(ego, edges, mask)

    @property
    def resting(self) -> Flags:
        return np.zeros((self.num_worlds, self.num_robots), bool)

    def reset(self) -> Observation:
        return self.draw()

    def step(self, action: AnyArray) -> tuple[Any, ...]:
        self.actions.append(action)
        reward = -np.square(action[..., 0] - self.wanted).astype(np.float32)
        terminated = self.rng.random(self.num_worlds) < 0.05
        truncated = (self.rng.random(self.num_worlds) < 0.05) & ~terminated
        ended = terminated | truncated
        info = {
            "final_observation": self.draw() if ended.any() else None,
            "resting": self.resting,
            "episodes": [{"return": float(reward[b].mean()), "success": 1.0} for b in np.flatnonzero(ended)],
        }
        return self.draw(), reward, terminated, truncated, info

    def state_dict(self) -> dict[str, Any]:
        return {"wanted": self.wanted, "random": self.rng.bit_generator.state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.wanted = saved["wanted"]
        self.rng.bit_generator.state = saved["random"]
