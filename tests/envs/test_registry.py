"""Environments by id."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pettingzoo
import pytest

import envs
from swarm.errors import InputError


@pytest.mark.parametrize("id", ["arena_v0", "grid_v0", pytest.param("bullet_v0", marks=pytest.mark.bullet)])
def test_ids_are_the_names_of_the_classes(id: str) -> None:
    module, name = envs.IDS[id].split(":")
    kind = getattr(import_module(module), name)
    assert kind.metadata["name"] == id and set(kind.metadata["render_modes"]) == {"human", "rgb_array"}


def test_make_passes_arguments_on() -> None:
    env = envs.make("grid_v0", robots=3, render_mode="rgb_array")
    observed, _ = env.reset(seed=0)
    assert list(observed) == ["robot_0", "robot_1", "robot_2"]
    assert env.render().shape[2] == 3
    env.close()


@pytest.mark.filterwarnings("error")
def test_the_ids_are_also_in_pettingzoos_registry() -> None:
    envs.register()
    envs.register()
    env = pettingzoo.make("parallel", "swarm/grid_v0", robots=2)
    assert env.metadata["name"] == "grid_v0" and len(env.possible_agents) == 2
    assert {f"swarm/{id}".replace("_v", "-v") for id in envs.IDS} <= set(pettingzoo.parallel_registry)


def test_an_unknown_id_is_answered_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="arena_v0, grid_v0, bullet_v0"):
        envs.make("arena_v1")


ALL = ["arena_v0", "grid_v0", pytest.param("bullet_v0", marks=pytest.mark.bullet)]


@pytest.mark.parametrize("id", ALL)
def test_wrong_seeds_and_actions_are_one_clear_error(id: str) -> None:
    env = envs.make(id, max_cycles=2)
    for seed in (-1, 1.5, "a", math.nan):
        with pytest.raises(InputError, match=r"seed: got .*; valid: a whole number of at least 0"):
            env.reset(seed=seed)
    env.reset(seed=np.int64(1))
    for actions in (None, [env.action_space(agent).sample() for agent in env.agents]):
        with pytest.raises(InputError, match=f"{id}: actions: got .*; valid: a dict"):
            env.step(actions)
    for most in (0, 2.5, "3", True):
        with pytest.raises(InputError, match=r"max_cycles: got .*1 or more"):
            envs.make(id, max_cycles=most)
    env.close()


@pytest.mark.parametrize("id", ["arena_v0", "grid_v0"])
@pytest.mark.parametrize("robots", [0, -1, 2.5, "3", True])
def test_a_team_is_a_whole_number(id: str, robots: Any) -> None:
    with pytest.raises(InputError, match=r"robots: got .*1 or more"):
        envs.make(id, robots=robots)
    with pytest.raises(InputError, match=r"robots: got .*1 or more"):
        envs.make_vec(id, worlds=2, robots=robots)


def test_moves_may_be_arrays_without_axes() -> None:
    env = envs.make("grid_v0", robots=2)
    env.reset(seed=0)
    moves = env.step(dict.fromkeys(env.agents, 3))[0]
    env.reset(seed=0)
    again = env.step(dict.fromkeys(env.agents, np.array(3, np.int32)))[0]
    assert all(np.array_equal(moves[agent], again[agent]) for agent in moves)


@pytest.mark.parametrize("id", ["arena_v0", pytest.param("bullet_v0", marks=pytest.mark.bullet)])
def test_errors_are_error_bounds(id: str) -> None:
    with pytest.raises(InputError, match=r"errors: got {'position': 0.01}; valid: a swarm\.ErrorBounds"):
        envs.make(id, errors={"position": 0.01}).reset(seed=0)


def test_an_environment_is_imported_only_when_it_is_made() -> None:
    code = (
        "import sys, envs\n"
        "heavy = lambda: sorted({'pettingzoo', 'gymnasium', 'pygame', 'pybullet'} & set(sys.modules))\n"
        "print(heavy()); envs.make('grid_v0'); print('pybullet' in heavy(), 'pettingzoo' in heavy())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "False True"]
