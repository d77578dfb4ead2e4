"""Environments by id."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

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


def test_an_environment_is_imported_only_when_it_is_made() -> None:
    code = (
        "import sys, envs\n"
        "heavy = lambda: sorted({'pettingzoo', 'gymnasium', 'pygame', 'pybullet'} & set(sys.modules))\n"
        "print(heavy()); envs.make('grid_v0'); print('pybullet' in heavy(), 'pettingzoo' in heavy())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "False True"]
