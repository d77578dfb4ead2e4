"""Environments by id; each is imported only when it is made, so that no environment needs what another does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from swarm.errors import InputError

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv
    from pettingzoo import ParallelEnv

IDS = {
    "arena_v0": "envs.arena.env:ArenaEnv",
    "grid_v0": "envs.grid.env:GridEnv",
    "bullet_v0": "envs.bullet.env:BulletEnv",
}
"""Where the class of each id is, ``module:class``."""


VECTOR_IDS = {"arena_v0": "envs.vector.arena:ArenaVectorEnv", "grid_v0": "envs.vector.grid:GridVectorEnv"}
"""Where the class of each id with many worlds is."""


def make(id: str, **options: Any) -> ParallelEnv:
    """Make an environment.

    Args:
        id: ``arena_v0``, ``grid_v0`` or ``bullet_v0``.
        options: Arguments of its class; of ``arena_v0`` and ``bullet_v0`` also ``family`` or ``map``, by name or by
            reference (``my_file.py:NAME``), in place of ``scenario``.

    Raises:
        InputError: If there is no such id.
    """
    if id not in IDS:
        raise InputError("environment", id, ", ".join(IDS))
    module, name = IDS[id].split(":")
    return getattr(import_module(module), name)(**_with_scenario(id, options))


def make_vec(id: str, worlds: int = 1, **options: Any) -> VectorEnv[Any, Any, Any]:
    """Make many worlds of an environment that are stepped at once, behind Gymnasium's vector API.

    Args:
        id: ``arena_v0`` or ``grid_v0``.
        worlds: How many.
        options: Arguments of its class, ``envs.vector.arena.ArenaVectorEnv`` or ``envs.vector.grid.GridVectorEnv``; of
            ``arena_v0`` also ``family`` or ``map``, as of ``make``.

    Raises:
        InputError: If there is no such id.
    """
    if id not in VECTOR_IDS:
        raise InputError("vector environment", id, ", ".join(VECTOR_IDS))
    module, name = VECTOR_IDS[id].split(":")
    return getattr(import_module(module), name)(worlds, **_with_scenario(id, options))


def _with_scenario(id: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options with a scenario in place of a family or a map.

    Raises:
        InputError: If there is more than one of the three, or an environment takes neither family nor map.
    """
    named = [key for key in ("family", "map") if key in options]
    if not named:
        return options
    if len(named) > 1 or "scenario" in options or id == "grid_v0":
        raise InputError(f"{id}: family, map, scenario", sorted(options), "one of the three, with robots in the plane")
    scenarios = import_module("envs.scenarios")
    find = scenarios.family if named == ["family"] else scenarios.map_family
    rest = {key: value for key, value in options.items() if key not in named}
    return rest | {"scenario": find(options[named[0]])}


def register() -> None:
    """Enter the ids into the registries of PettingZoo and Gymnasium.

    Then ``pettingzoo.make("parallel", "swarm/arena_v0")`` and ``gymnasium.make_vec("swarm/arena-v0", num_envs=64)``
    work, and so on.

    Not done on import, since that would load both for whoever needs only a part of this package.
    """
    import gymnasium
    import pettingzoo

    for id, place in IDS.items():
        # PettingZoo writes versions with a hyphen, and warns if an id comes twice.
        if f"swarm/{id}".replace("_v", "-v") not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", f"swarm/{id}", place)
    for id, place in VECTOR_IDS.items():
        name = f"swarm/{id}".replace("_v", "-v")
        if name not in gymnasium.registry:
            gymnasium.register(name, vector_entry_point=place)


def check_begun(environment: str, begun: bool) -> None:
    """Refuse a step before the first reset.

    Raises:
        InputError: Names the environment.
    """
    if not begun:
        raise InputError(f"{environment}: step", "no episode has begun", "a call of reset() before")
