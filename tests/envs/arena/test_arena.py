"""ArenaEnv by PettingZoo's own tests, and what they do not look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test, render_test
from pettingzoo.utils import parallel_to_aec

from envs.arena.core import ArenaCore
from envs.arena.env import ArenaEnv
from envs.arena.spaces import careful, stack
from envs.scenarios import clutter
from swarm.errors import InputError
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import EDGE, EGO

pytestmark = pytest.mark.usefixtures("one_thread")


def short(rng: np.random.Generator) -> Scenario:
    return clutter.draw(rng, robots=4, obstacles=3, side=2.0, horizon=0.6)


def everyone(env: ArenaEnv, value: float = 0.5) -> dict[str, Any]:
    return {agent: np.full(6, value, np.float32) for agent in env.agents}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_api() -> None:
    parallel_api_test(ArenaEnv(), num_cycles=200)
    parallel_api_test(ArenaEnv(short), num_cycles=200)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_seed() -> None:
    parallel_seed_test(ArenaEnv, num_cycles=100)
    parallel_seed_test(lambda: ArenaEnv(short), num_cycles=100)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_render() -> None:
    render_test(lambda render_mode=None: parallel_to_aec(ArenaEnv(short, render_mode=render_mode)))


def test_no_agent_leaves_before_the_episode_ends_for_all() -> None:
    env = ArenaEnv(short)
    env.reset(seed=0)
    team = list(env.possible_agents)
    for k in range(1, 21):
        assert env.agents == team
        observations, rewards, terminated, truncated, infos = env.step(everyone(env))
        for part in (observations, rewards, terminated, truncated, infos):
            assert list(part) == team
        assert not any(terminated.values())
        assert list(truncated.values()) == [k == 20] * 4
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.reset()
    assert env.agents == team


def test_observations_are_in_their_space_and_those_of_the_core() -> None:
    env = ArenaEnv(short)
    observations, _ = env.reset(seed=3)
    core = ArenaCore(short, seed=0)
    batched, rng = core.reset(3), np.random.default_rng(0)
    for _ in range(15):
        for i, agent in enumerate(env.agents):
            assert env.observation_space(agent).contains(observations[agent])
            assert (observations[agent]["ego"] == batched.ego[0, i]).all()
            assert (observations[agent]["edges"] == batched.edges[0, i]).all()
            assert (observations[agent]["mask"] == batched.mask[0, i]).all()
        action = rng.random((4, 6)).astype(np.float32)
        observations, rewards, *_, infos = env.step(dict(zip(env.agents, action, strict=True)))
        batched, reward, *_ = core.step(action[None])
        assert list(rewards.values()) == pytest.approx(reward[0])
        assert [info["clearance"] for info in infos.values()] == pytest.approx(core.clearance[0])
    space: Any = env.observation_space("robot_0")
    assert observations["robot_0"]["edges"].shape == space["edges"].shape
    assert observations["robot_0"]["edges"].shape[1:] == (EDGE,)
    assert observations["robot_0"]["ego"].shape == (EGO,)


@pytest.mark.parametrize("bad", [None, np.zeros(5), np.full(6, np.nan), np.zeros((6, 1)), np.full(6, np.inf)])
def test_wrong_actions(bad: Any) -> None:
    env = ArenaEnv(short)
    env.reset(seed=0)
    actions = everyone(env)
    if bad is None:
        del actions["robot_2"]
    else:
        actions["robot_2"] = bad
    with pytest.raises(InputError, match="action of robot_2"):
        env.step(actions)


def test_actions_are_taken_by_name_not_by_order() -> None:
    actions = {name: np.full(6, k / 4) for k, name in enumerate(["c", "a", "b"])}
    assert stack(["a", "b", "c"], actions)[:, 0].tolist() == [0.25, 0.5, 0.0]


def test_pictures() -> None:
    env = ArenaEnv(short, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert first is not None and first.dtype == np.uint8
    assert first.shape[2] == 3
    for _ in range(5):
        env.step(everyone(env, 0.9))
    again = env.render()
    assert again is not None and not np.array_equal(again, first)
    env.close()
    env.close()
    assert ArenaEnv(short).render() is None
    with pytest.raises(InputError, match="render_mode"):
        ArenaEnv(short, render_mode="ansi")


def test_a_given_scenario_is_the_scenario() -> None:
    scenario = short(np.random.default_rng(9))
    env = ArenaEnv(scenario)
    for seed in (0, 1):
        env.reset(seed=seed)
        assert env.core.scenarios[0] is scenario
        assert (env.core.state[0, :, :2] == [robot.start[:2] for robot in scenario.robots]).all()


def test_low_gains_and_low_speed_are_careful() -> None:
    assert careful(np.array([[0.0] * 6, [1.0] * 6, [0.5] * 6])) == pytest.approx([1.0, 0.0, 0.5])
