"""BulletEnv by PettingZoo's own tests; a contact in the engine is a collision."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test, render_test
from pettingzoo.utils import parallel_to_aec

from envs.bullet.env import MARGIN, BulletEnv, carts, start
from envs.bullet.world import BulletWorld
from envs.rollout.run import Run
from envs.scenarios import clutter
from swarm.errors import InputError
from swarm.filter.tunables import STRAIGHT
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

pytestmark = pytest.mark.bullet


def short(rng: np.random.Generator) -> Scenario:
    return clutter.draw(
        rng, robots=3, obstacles=2, side=6.0, kind=Kind.UNICYCLE, limits=Limits(1.0, turn_rate=4.0), radius=0.25,
        horizon=0.5, dt=0.05, sensing_radius=2.5,
    )  # fmt: skip


def everyone(env: BulletEnv, value: float = 0.5) -> dict[str, Any]:
    return {agent: np.full(6, value, np.float32) for agent in env.agents}


def head_on(kind: Kind, limits: Limits) -> Scenario:
    """Two robots of radius 0.25 m, each on its way to where the other is."""
    starts = np.array([[1.0, 4.0, 0.0, 0.0, 0.0], [7.0, 4.02, np.pi, 0.0, 0.0]])
    starts[:, 2] *= kind == Kind.UNICYCLE
    robots = [RobotSpec(kind, starts[i], starts[1 - i, None, :2], 0.25, limits) for i in range(2)]
    return Scenario(World(np.array([0.0, 0.0, 8.0, 8.0])), tuple(robots), 10.0, 0.05, 4.0)


@pytest.mark.parametrize(("kind", "factor"), [(Kind.UNICYCLE, 2.0), (Kind.SINGLE_INTEGRATOR, np.sqrt(0.5))])
@pytest.mark.parametrize("acceleration", [2.0, 9.0])
@pytest.mark.parametrize("physics_hz", [None, 60.0])
def test_robots_meet_head_on_at_the_least_acceleration_and_do_not_touch(
    kind: Kind, factor: float, acceleration: float, physics_hz: float | None
) -> None:
    """Straight at each other with the boldest barriers, motors 5 % weaker or stronger than the design's."""
    margin, scenario = factor / acceleration, head_on(kind, Limits(1.0, acceleration, 4.0))
    for seed in range(3):
        run = start(
            scenario, planner="straight", controller="fixed:20,1", margin=margin, seed=seed, physics_hz=physics_hz
        )
        for _ in range(200):
            run.tick(np.array([STRAIGHT, STRAIGHT]))
        assert run.collisions == 0 and 0.0 < run.min_clearance < 2.0 * margin + 0.5
        run.close()


@pytest.mark.parametrize("kind", [Kind.UNICYCLE, Kind.SINGLE_INTEGRATOR])
def test_an_acceleration_that_the_filter_does_not_hold_is_refused(kind: Kind) -> None:
    for acceleration in (0.3, 1.0):
        env = BulletEnv(head_on(kind, Limits(1.0, acceleration, 4.0)))
        with pytest.raises(InputError, match=r"robots\[0\]: limits\.acceleration: .* at least [0-9.]+ m/s², or none"):
            env.reset(seed=0)


def test_an_acceleration_that_the_motors_do_not_have_is_refused() -> None:
    env = BulletEnv(head_on(Kind.UNICYCLE, Limits(1.0, 20.0, 4.0)))
    with pytest.raises(InputError, match=r"robots\[0\]: limits\.acceleration: got 20.0; valid: at most 9 m/s²"):
        env.reset(seed=0)
    strong = BulletEnv(head_on(Kind.DOUBLE_INTEGRATOR, Limits(1.0, 20.0)))  # commanded, not the motors'
    strong.reset(seed=0)
    strong.close()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_api() -> None:
    env = BulletEnv(short)
    parallel_api_test(env, num_cycles=30)
    env.close()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_seed() -> None:
    parallel_seed_test(lambda: BulletEnv(short), num_cycles=20)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pettingzoo_render() -> None:
    render_test(lambda render_mode=None: parallel_to_aec(BulletEnv(short, render_mode=render_mode)))


def test_no_agent_leaves_before_the_episode_ends_for_all() -> None:
    env = BulletEnv(short)
    observations, _ = env.reset(seed=1)
    team = list(env.possible_agents)
    for k in range(1, 11):
        assert env.agents == team
        for agent in team:
            assert env.observation_space(agent).contains(observations[agent])
        observations, rewards, terminated, truncated, infos = env.step(everyone(env))
        for part in (observations, rewards, terminated, truncated, infos):
            assert list(part) == team
        assert list(truncated.values()) == [k == 10] * 3
        assert not any(terminated.values())
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.reset()
    assert env.agents == team
    env.close()


@pytest.mark.parametrize("bad", [None, np.zeros(5), np.full(6, np.nan)])
def test_wrong_actions(bad: Any) -> None:
    env = BulletEnv(short)
    env.reset(seed=0)
    actions = everyone(env) | ({} if bad is None else {"robot_1": bad})
    if bad is None:
        del actions["robot_1"]
    with pytest.raises(InputError, match="action of robot_1"):
        env.step(actions)
    env.close()
    with pytest.raises(InputError, match="render_mode"):
        BulletEnv(short, render_mode="ansi")


class Reckless:
    """Minds that drive straight on, whatever is there."""

    def __init__(self, count: int) -> None:
        self.kinds, self.step_ms, self._count = np.full(count, 2), [0.0], count

    def step(self, now: float, states: Any, goals: Any, actions: Any = None) -> list[Any]:
        return [SimpleNamespace(control=np.array([1.0, 0.0]), outcome="optimal") for _ in range(self._count)]


def test_contacts_in_the_engine_are_collisions() -> None:
    """Two carts head-on and a third at a wall, without a filter: one touch each, counted once."""
    scenario = short(np.random.default_rng(0))
    starts = np.array([[1.0, 1.0, 0.0, 0, 0], [2.6, 1.0, np.pi, 0, 0], [1.0, 4.0, 0.0, 0, 0]])
    wall = np.array([[2.4, 4.0, 0.5, 0.5, 0.0]])
    plant = BulletWorld(starts, np.full(3, 0.25), [Kind.UNICYCLE] * 3, Limits(1.0, turn_rate=4.0), wall)
    run = Run(scenario, Reckless(3), plant)  # type: ignore[arg-type]
    for k in range(16):
        run.tick()
        if k < 5:  # 0.25 m driven each of 0.55 m
            assert run.collisions == 0
    assert run.touched.all()
    assert run.collisions == 2
    run.close()


def test_the_filter_keeps_the_same_carts_apart() -> None:
    """Swapping places in physics, with one ``Robot`` per cart and the shipped margin."""
    scenario = carts(np.random.default_rng(3))
    run = start(scenario, planner="roadmap", controller="fixed:2,1", seed=0)
    for _ in range(120):
        run.tick()
    assert run.collisions == 0
    assert run.min_clearance > 0.0
    assert np.linalg.norm(run.states[:, :2] - [r.start[:2] for r in scenario.robots], axis=1).max() > 1.0
    assert all(robot.body[7] == MARGIN for robot in run.fleet.robots)
    run.close()


def test_closing_twice_and_a_picture() -> None:
    env = BulletEnv(short, render_mode="rgb_array")
    assert env.render() is None
    env.reset(seed=0)
    first = env.render()
    for _ in range(5):
        env.step(everyone(env, 0.9))
    again = env.render()
    assert first is not None and again is not None and first.shape == again.shape
    assert not np.array_equal(first, again)
    env.close()
    env.close()


def test_it_takes_what_the_arena_takes(tmp_path: Path) -> None:
    short(np.random.default_rng(0)).save(tmp_path / "carts.yaml")
    env = BulletEnv(tmp_path / "carts.yaml", observation="flat", max_cycles=4)
    observations, _ = env.reset(seed=0)
    for k in range(1, 5):
        assert all(env.observation_space(agent).contains(seen) for agent, seen in observations.items())
        assert env.state_space.contains(env.state())
        observations, _, _, truncated, _ = env.step(everyone(env))
        assert set(truncated.values()) == {k == 4}
    assert env.agents == []
    env.close()
    with pytest.raises(InputError, match="max_cycles"):
        BulletEnv(max_cycles=0)
    with pytest.raises(InputError, match="reset"):
        BulletEnv(short).state()
