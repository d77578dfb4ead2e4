"""Environments and batched cores that are pickled, copied, spawned and forked, before use, in use and after a picture.

The physics environment: ``tests/envs/bullet/test_bullet_copies.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from oracles.copies import COPIES, assert_copy_agrees, assert_same, env_steps, in_process

import envs
from envs.arena.core import ArenaCore
from envs.arena.training.worlds import training_worlds
from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.follower_worlds import FollowerWorlds
from envs.grid.maps import maze_map, random_map
from envs.scenarios import clutter, draw_family
from swarm.errors import InputError
from swarm.filter.tunables import COUNT
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import load_instances

ERRORS = ErrorBounds(position=0.01, velocity=0.02, sensing=0.01, age=0.03)
INSTANCES = Path(envs.__file__).parent / "instances" / "puzzles.jsonl"


def small_map(rng: np.random.Generator) -> GridMap:
    return random_map(rng, 9, 9, 0.2, at_least=12)


ENVIRONMENTS: dict[str, Callable[[], Any]] = {
    "arena": lambda: envs.make("arena_v0", render_mode="rgb_array"),
    "arena of a scenario": lambda: envs.make("arena_v0", scenario=draw_family("swap", 1), render_mode="rgb_array"),
    "arena with errors": lambda: envs.make("arena_v0", scenario="merge", errors=ERRORS, render_mode="rgb_array"),
    "arena of a family by reference": lambda: envs.make(
        "arena_v0", family="envs.scenarios.clutter:draw", render_mode="rgb_array"
    ),
    "arena of a function": lambda: envs.make("arena_v0", scenario=clutter.draw, render_mode="rgb_array"),
    "grid": lambda: envs.make("grid_v0", render_mode="rgb_array"),
    "grid of a map": lambda: envs.make(
        "grid_v0", scenario=GridMap(np.ones((6, 7), bool)), robots=5, render_mode="rgb_array"
    ),
    "grid of an instance": lambda: envs.make(
        "grid_v0", scenario=next(iter(load_instances(INSTANCES))), render_mode="rgb_array"
    ),
    "grid of a function": lambda: envs.make("grid_v0", scenario=small_map, robots=4, render_mode="rgb_array"),
}


def core_steps(core: ArenaCore) -> list[Any]:
    rng, shape = np.random.default_rng(3), core.last_action.shape
    said = [tuple(core.observe())]
    for _ in range(8):
        observed, reward, terminated, truncated, info = core.step(rng.uniform(size=(*shape[:-1], COUNT)))
        said.append((*observed, reward, terminated, truncated, info["episodes"]))
    return said


def batch_steps(batch: GridBatch) -> list[Any]:
    rng = np.random.default_rng(3)
    return [(batch.step(rng.integers(5, size=batch.reached.shape)).copy(), batch.observe().copy()) for _ in range(8)]


def ranking_steps(worlds: FollowerWorlds) -> list[Any]:
    rng, said = np.random.default_rng(3), []
    for _ in range(8):
        ranking = np.argsort(rng.random((len(worlds.own), 5)), axis=1).astype(np.int8)
        said.append((*worlds.step(ranking), worlds.view.copy(), worlds.own.copy()))
    return said


def grid_batch() -> GridBatch:
    rng = np.random.default_rng(1)
    return GridBatch([draw_episode(maze_map(rng, 9, 11), 5, rng) for _ in range(3)], 3)


CORES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "arena core": (lambda: ArenaCore(clutter.draw, worlds=3), core_steps),
    "arena core, roadmap, errors": (
        lambda: ArenaCore(clutter.draw, worlds=2, planner="roadmap", errors=ERRORS), core_steps,
    ),
    "training worlds": (lambda: training_worlds(2, 6), core_steps),
    "grid batch": (grid_batch, batch_steps),
    "follower worlds": (lambda: FollowerWorlds(2, ["puzzles", "mazes"]), ranking_steps),
}  # fmt: skip


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_copy_of_an_environment_goes_on_as_the_original(name: str, how: str) -> None:
    env = ENVIRONMENTS[name]()
    assert_copy_agrees(env, COPIES[how], env_steps)  # before it was used
    assert_copy_agrees(env, COPIES[how], partial(env_steps, steps=5))  # in an episode, after a picture


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", CORES)
def test_a_copy_of_a_batch_of_worlds_goes_on_as_the_original(name: str, how: str) -> None:
    make, go = CORES[name]
    core = make()
    assert_copy_agrees(core, COPIES[how], go)
    assert_copy_agrees(core, COPIES[how], go)


def test_a_copy_shares_no_memory_with_the_original() -> None:
    env = ENVIRONMENTS["arena"]()
    env_steps(env)
    copied = COPIES["deepcopy"](env)
    before = env.core.state.copy()
    env_steps(copied)
    np.testing.assert_array_equal(env.core.state, before)
    assert (copied.core.state != before).any()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.parametrize("name", ["arena", "grid"])
def test_a_child_process_goes_on_as_the_parent(name: str, method: Literal["fork", "spawn"]) -> None:
    env = ENVIRONMENTS[name]()
    first = in_process(method, env, env_steps)
    assert_same(env_steps(env), first)
    later = in_process(method, env, env_steps)  # used, and with a picture
    assert_same(env_steps(env), later)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.parametrize("name", CORES)
def test_a_child_process_steps_the_same_worlds(name: str, method: Literal["fork", "spawn"]) -> None:
    make, go = CORES[name]
    core = make()
    go(core)
    found = in_process(method, core, go)
    assert_same(go(core), found)


@pytest.mark.parametrize("name", ["arena", "grid"])
def test_a_step_before_the_first_reset_is_an_error_and_one_after_the_end_does_nothing(name: str) -> None:
    env = ENVIRONMENTS[name]()
    with pytest.raises(InputError, match=r"step.*reset\(\)"):
        env.step({})
    env.reset(seed=0)
    env.agents = []
    assert env.step({}) == ({}, {}, {}, {}, {})
