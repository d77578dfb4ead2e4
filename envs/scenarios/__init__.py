"""Scenario families: one file each, with a function ``draw(rng, ...)`` that draws a scenario from a seed.

What a scenario is, and its file, is in ``swarm.scenario``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import envs
from envs.scenarios import (
    clutter,
    corridor,
    crossing,
    dense,
    door_swap,
    doorway,
    merge,
    mixed,
    moving,
    open_floor,
    swap,
    warehouse,
)
from swarm.errors import InputError
from swarm.files.references import FORM, is_reference, make_part
from swarm.scenario.family import Family, Map
from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import Scenario, deliveries

Draw = Callable[..., Scenario]

FAMILIES: dict[str, Draw] = {
    "clutter": clutter.draw, "corridor": corridor.draw, "crossing": crossing.draw, "dense": dense.draw,
    "door_swap": door_swap.draw, "doorway": doorway.draw, "merge": merge.draw, "mixed": partial(mixed.draw, room=0.5),
    "moving": moving.draw, "open": open_floor.draw, "swap": swap.draw, "warehouse": warehouse.draw,
}  # fmt: skip
"""The function of each family, called with a generator and the family's own options."""


MAPS = Path(envs.__file__).parent / "maps"
"""The grid maps that come along, by their names."""


def family(name: str) -> Draw:
    """The function that draws a family's scenarios.

    Args:
        name: A key of ``FAMILIES``, or the reference of one of a user's own (``swarm.Family``).

    Raises:
        InputError: If there is no such family.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    if not is_reference(name):
        raise InputError("scenario family", name, f"{', '.join(FAMILIES)}, or {FORM}")
    found: Draw = _checked("family", name, make_part("family", name, Family), Scenario)
    return found


def map_family(name: str) -> Draw:
    """The function that draws deliveries on a map (``swarm.deliveries``); its options are robots and horizon [s].

    Args:
        name: A map that comes along, a MovingAI file (.map), or the reference of one of a user's own (``swarm.Map``).

    Raises:
        InputError: If there is no such map.
    """
    if is_reference(name):
        draw_map: Map = _checked("map", name, make_part("map", name, Map), GridMap)
    else:
        path = MAPS / f"{name}.map"
        if not path.is_file():
            path = Path(name)
        if path.suffix != ".map":
            known = ", ".join(sorted(path.stem for path in MAPS.glob("*.map")))
            raise InputError("map", name, f"{known}, a file that ends in .map, or {FORM}")
        grid = GridMap.from_movingai(path)
        draw_map = lambda rng: grid  # noqa: E731

    def draw(rng: np.random.Generator, *, robots: int = 24, horizon: float = 60.0) -> Scenario:
        return deliveries(draw_map(rng), robots, rng, goals_per_robot=8 + int(horizon), horizon=horizon)

    return draw


def options_of(draw: Draw, needed: str = "", **wanted: Any) -> dict[str, Any]:
    """Those of the ``wanted`` options that are given (not None) and that a family takes.

    Raises:
        InputError: If the one that is ``needed`` is given and not taken.
    """
    taken = inspect.signature(draw).parameters
    everything = any(one.kind == one.VAR_KEYWORD for one in taken.values())
    found = {key: value for key, value in wanted.items() if value is not None and (everything or key in taken)}
    if wanted.get(needed) is not None and needed not in found:
        raise InputError(f"--{needed}", wanted[needed], f"left out: the family has no argument {needed!r}")
    return found


def _checked(what: str, name: str, draw: Callable[..., Any], kind: type) -> Any:
    """What a user's own function gives, refused if it is something else."""

    @functools.wraps(draw)
    def checked(*arguments: Any, **options: Any) -> Any:
        found = draw(*arguments, **options)
        if not isinstance(found, kind):
            raise InputError(f"{what} {name}", found, f"a swarm.{kind.__name__}")
        return found

    return checked


def draw_family(name: str, seed: int, **options: Any) -> Scenario:
    """Draw a scenario of a family.

    Args:
        name: As for ``family``.
        seed: The same seed gives the same scenario.
        options: Of the family's ``draw``.

    Raises:
        InputError: If there is no such family.
    """
    return family(name)(np.random.default_rng(seed), **options)
