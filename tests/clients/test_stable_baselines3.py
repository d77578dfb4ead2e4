"""Stable-Baselines3's PPO learns in them, over SuperSuit's vector environments in two processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_envs import make_flat, vectors
from stable_baselines3 import PPO
from stable_baselines3.common.utils import set_random_seed

COPIES = 8


def mean_reward(model: Any, id: str, steps: int) -> float:
    """Of a step of an agent, in copies that begin as those that it is trained in do."""
    worlds = vectors(make_flat(id), COPIES, 0, "stable_baselines3")
    seen, total = worlds.reset(), 0.0
    for _ in range(steps):
        actions, _ = model.predict(seen)
        seen, reward, _, _ = worlds.step(actions)
        total += float(np.mean(reward))
    worlds.close()
    return total / steps


def trained(id: str, steps: int, measured: int) -> tuple[float, float]:
    """Mean rewards before and after training for so many steps of agents; 0 steps of measuring: NaN."""
    worlds = vectors(make_flat(id), COPIES, 2, "stable_baselines3")
    try:
        set_random_seed(1)  # PPO's own option calls a method that SuperSuit's vector environments have not.
        model = PPO("MlpPolicy", worlds, n_steps=128, batch_size=512, learning_rate=1e-3, gamma=0.95, n_epochs=6)
        before = mean_reward(model, id, measured)
        model.learn(steps)
        return before, mean_reward(model, id, measured)
    finally:
        worlds.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_robots_on_a_grid_learn_to_reach_their_goals() -> None:
    before, after = trained("grid_v0", 30_000, 480)
    assert after > 4.0 * before > 0.0, (before, after)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_robots_of_an_arena_learn_to_tune_themselves() -> None:
    before, after = trained("arena_v0", 110_000, 600)
    assert after > before + 0.006, (before, after)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_few_updates_run_in_physics() -> None:
    before, after = trained("bullet_v0", 2 * 128 * 8 * COPIES, 20)
    assert np.isfinite([before, after]).all()
