"""Worlds that a trainer must be able to learn: the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from swarm.array_types import AnyArray, Flags, Float32s, Int8s
from swarm.planning.follower.view import CHANNELS, LEFTWARDS, OWN, RIGHTWARDS, ROBOT_LAYER, WINDOW
from swarm.tune.observation import EDGE, EDGE_IS_ROBOT, EGO, EGO_DISTANCE, Observation

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

    def last(self, ended: Flags) -> Observation:
        ego, edges, mask, _ = self.draw()
        return Observation(ego[ended], edges[ended], mask[ended])

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
            "final_observation": self.last(ended) if ended.any() else None,
            "resting": self.resting,
            "episodes": [{"return": float(reward[b].mean()), "success": 1.0} for b in np.flatnonzero(ended)],
        }
        return self.draw(), reward, terminated, truncated, info

    def state_dict(self) -> dict[str, Any]:
        return {"wanted": self.wanted, "random": self.rng.bit_generator.state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.wanted = saved["wanted"]
        self.rng.bit_generator.state = saved["random"]


class Ring:
    """Robot i hears robot i + 1; its first action should be a number that only the other one knows."""

    num_worlds, num_robots = 16, 3

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.number, self.fresh = np.zeros((16, 3)), np.ones(16, bool)

    @property
    def resting(self) -> Flags:
        return np.zeros((16, 3), bool)

    def reset(self) -> Observation:
        self.number[self.fresh] = self.rng.random((self.fresh.sum(), 3))
        ego, edges = np.zeros((16, 3, EGO), np.float32), np.zeros((16, 3, 2, EDGE), np.float32)
        ego[..., EGO_DISTANCE], edges[..., 0, EDGE_IS_ROBOT] = 2.0 * self.number - 1.0, 1.0
        sender = np.full((16, 3, 2), -1, np.int32)
        sender[~self.fresh, :, 0] = [1, 2, 0]
        return Observation(ego, edges, edges[..., EDGE_IS_ROBOT] > 0.5, sender)

    def step(self, action: AnyArray) -> tuple[Any, ...]:
        reward = -np.square(action[..., 0] - np.roll(self.number, -1, axis=1)).astype(np.float32)
        over = self.rng.random(16) < 0.1
        self.fresh = over
        info: dict[str, Any] = {"final_observation": None, "resting": self.resting, "episodes": []}
        return self.reset(), reward, over, np.zeros(16, bool), info

    def state_dict(self) -> dict[str, Any]:
        return {"number": self.number, "fresh": self.fresh, "random": self.rng.bit_generator.state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.number, self.fresh = saved["number"], saved["fresh"]
        self.rng.bit_generator.state = saved["random"]


class Signpost:
    """One-step worlds: the first number of the view says which move, left or right, is paid."""

    def __init__(self, robots: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.view = np.zeros((robots, CHANNELS, WINDOW, WINDOW), np.float32)
        self.own = np.zeros((robots, OWN), np.float32)
        self._draw()

    def _draw(self) -> None:
        self.left = self.random.random(len(self.own)) < 0.5
        self.view[:, ROBOT_LAYER] = np.where(self.left, 1.0, -1.0)[:, None, None]

    def step(self, ranking: Int8s) -> tuple[Float32s, Flags, list[dict[str, float]]]:
        reward = (ranking[:, 0] == np.where(self.left, LEFTWARDS, RIGHTWARDS)).astype(np.float32)
        self._draw()
        return reward, np.zeros(len(reward), bool), [{"throughput": float(reward.mean())}]

    def state_dict(self) -> dict[str, Any]:
        return {"view": self.view, "left": self.left, "random": self.random.bit_generator.state}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.view[:], self.left = saved["view"], saved["left"]
        self.random.bit_generator.state = saved["random"]
