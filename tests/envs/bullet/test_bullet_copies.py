"""Copies of physics worlds: each is a world of its own, which goes on as the original does and leaves that alone."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
from oracles.copies import COPIES, assert_copy_agrees, assert_same, env_steps, in_process

import envs
from envs.bullet.world import BulletWorld, world_of
from envs.scenarios import draw_family
from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds

pytestmark = pytest.mark.bullet

ERRORS = ErrorBounds(position=0.02, velocity=0.05, sensing=0.02, age=0.03)


def world_steps(world: BulletWorld, steps: int = 40) -> list[Any]:
    """Full speed, each robot all the time in about its own direction: they run into each other and into walls."""
    rng = np.random.default_rng(4)
    lean = np.sign(rng.uniform(-1.0, 1.0, (world.num_robots, 2)))
    said: list[Any] = [world.state(), world.sense_all(2.0, 24)]
    for _ in range(steps):
        world.step(world._limit * (0.5 * lean + rng.uniform(-0.5, 0.5, lean.shape)))
        said.append((world.state(), world.contacts(), world.onsets(), world.collisions))
    return [*said, world.sense_all(2.0, 24)]


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("family", ["clutter", "mixed", "moving", "warehouse"])
def test_a_copied_world_goes_on_as_the_original_through_collisions(family: str, how: str) -> None:
    with world_of(draw_family(family, 3), seed=5) as world:
        assert_copy_agrees(world, COPIES[how], world_steps).close()
        assert_copy_agrees(world, COPIES[how], world_steps).close()  # pressed against each other
        assert world.collisions > 0


def test_neither_world_moves_the_bodies_of_the_other() -> None:
    with world_of(draw_family("clutter", 3), seed=5) as world:
        world_steps(world, 10)
        before = world.state()
        with COPIES["deepcopy"](world) as copied:
            assert copied.client != world.client
            world_steps(copied)
            after = copied.state()
            world.step(np.zeros((world.num_robots, 2)))
            assert np.abs(world.state() - before)[:, :2].max() < 0.1  # [m]; a period of its own way
            np.testing.assert_array_equal(copied.state(), after)
        world_steps(world)  # the engine of the copy is gone, this one's is not


def test_a_copy_of_a_closed_world_is_closed_and_says_where_the_robots_were() -> None:
    world = world_of(draw_family("clutter", 3), seed=5)
    world_steps(world, 5)
    world.close()
    copied = COPIES["pickle"](world)
    np.testing.assert_array_equal(copied.state(), world.state())
    assert not copied._release.alive


def make(**options: Any) -> Any:
    return envs.make("bullet_v0", render_mode="rgb_array", **options)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("options", [{}, {"scenario": "swap"}, {"errors": ERRORS}], ids=["carts", "family", "errors"])
def test_a_copy_of_the_environment_goes_on_as_the_original(options: dict[str, Any], how: str) -> None:
    env = make(**options)
    assert_copy_agrees(env, COPIES[how], env_steps).close()
    assert_copy_agrees(env, COPIES[how], partial(env_steps, steps=25)).close()
    env.close()


def test_a_copy_of_an_environment_of_a_scenario_goes_on_as_the_original() -> None:
    env = make(scenario=draw_family("crossing", 2))
    env_steps(env)
    assert_copy_agrees(env, COPIES["pickle"], env_steps).close()
    env.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_child_process_goes_on_as_the_parent(method: Literal["fork", "spawn"]) -> None:
    env = make()
    first = in_process(method, env, env_steps)
    assert_same(env_steps(env), first)
    later = in_process(method, env, env_steps)
    assert_same(env_steps(env), later)
    env.close()


def test_a_step_before_a_reset_or_after_closing_is_an_error() -> None:
    env = make()
    with pytest.raises(InputError, match=r"bullet_v0: step.*reset\(\)"):
        env.step({})
    env.reset(seed=0)
    env.close()
    with pytest.raises(InputError, match=r"bullet_v0: step.*reset\(\)"):
        env.step({})
