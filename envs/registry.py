"""Environments by id; each is imported only when it is made, so that no environment needs what another does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from swarm.errors import InputError

if TYPE_CHECKING:
    from pettingzoo import ParallelEnv

IDS = {
    "arena_v0": "envs.arena.env:ArenaEnv",
    "grid_v0": "envs.grid.env:GridEnv",
    "bullet_v0": "envs.bullet.env:BulletEnv",
}
"""Where the class of each id is, ``module:class``."""


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
    if named := {"family", "map"} & set(options):
        if len(named) > 1 or "scenario" in options or id == "grid_v0":
            raise InputError(
                f"{id}: family, map, scenario", sorted(options), "one of the three, with robots in the plane"
            )
        scenarios = import_module("envs.scenarios")
        find = scenarios.family if "family" in options else scenarios.map_family
        options["scenario"] = find(options.pop(named.pop()))
    return getattr(import_module(module), name)(**options)


def register() -> None:
    """Enter the ids into PettingZoo's own registry: ``pettingzoo.make("parallel", "swarm/arena_v0")``, and so on.

    Not done on import, since that would load PettingZoo for whoever needs only a part of this package.
    """
    import pettingzoo

    for id, place in IDS.items():
        # PettingZoo writes versions with a hyphen, and warns if an id comes twice.
        if f"swarm/{id}".replace("_v", "-v") not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", f"swarm/{id}", place)
