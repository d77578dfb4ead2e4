"""SuperSuit's and Gymnasium's vector environments, in processes that are forked after the environment was used."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
import supersuit
from small_envs import IDS, make, make_flat, vectors

COPIES = 4


def used(env: Any) -> Any:
    """The environment after a reset, two steps, and with its kernels loaded in this process."""
    env.reset(seed=1)
    for _ in range(2):
        env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    return env


@pytest.mark.parametrize("id", IDS)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_supersuit_steps_copies_in_two_processes(id: str) -> None:
    env = used(make_flat(id))
    agents, space = len(env.possible_agents), env.action_space(env.possible_agents[0])
    both = vectors(env, COPIES, 2, "gymnasium")
    try:
        first, _ = both.reset(seed=3)
        again, _ = both.reset(seed=3)
        np.testing.assert_array_equal(first, again)
        assert first.shape == (COPIES * agents, *env.observation_space(env.possible_agents[0]).shape)
        for _ in range(30):
            seen, reward, *_ = both.step(np.array([space.sample() for _ in range(COPIES * agents)]))
        assert np.isfinite(seen).all() and np.isfinite(reward).all() and (seen != first).any()
    finally:
        both.close()


def test_supersuit_pads_and_flattens() -> None:
    padded = supersuit.pad_action_space_v0(supersuit.pad_observations_v0(make("grid_v0")))
    flat = supersuit.flatten_v0(padded)
    seen, _ = flat.reset(seed=0)
    assert all(one.shape == (6 * 7 * 7,) for one in seen.values())
    seen, *_ = flat.step({agent: flat.action_space(agent).sample() for agent in flat.agents})
    assert all(flat.observation_space(agent).contains(one) for agent, one in seen.items())


class OneForAll(gymnasium.Env[Any, Any]):
    """All agents as one of Gymnasium's: their observations and actions side by side, their mean reward."""

    def __init__(self, id: str) -> None:
        self.env = make(id)
        agents = self.env.possible_agents
        self.observation_space = gymnasium.spaces.Tuple([self.env.observation_space(agent) for agent in agents])
        self.action_space = gymnasium.spaces.Tuple([self.env.action_space(agent) for agent in agents])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        seen, _ = self.env.reset(seed=seed)
        return tuple(seen.values()), {}

    def step(self, action: Any) -> Any:
        seen, reward, ended, cut, _ = self.env.step(dict(zip(self.env.agents, action, strict=True)))
        return tuple(seen.values()), float(np.mean([*reward.values()])), any(ended.values()), any(cut.values()), {}


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_gymnasium_steps_copies_in_processes_as_without_them(id: str, method: str) -> None:
    used(make(id))
    makers = [partial(OneForAll, id)] * 2
    apart = gymnasium.vector.AsyncVectorEnv(makers, context=method)
    here = gymnasium.vector.SyncVectorEnv(makers)
    try:
        apart.reset(seed=3)
        here.reset(seed=3)
        apart.action_space.seed(5)
        for _ in range(20):
            actions = apart.action_space.sample()
            _, reward, ended, cut, _ = apart.step(actions)
            _, same, same_ended, same_cut, _ = here.step(actions)
            np.testing.assert_array_equal(reward, same)
            np.testing.assert_array_equal([ended, cut], [same_ended, same_cut])
    finally:
        apart.close()
        here.close()
