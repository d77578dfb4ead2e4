"""Scenario families: one file each, with a function ``draw(rng, ...)`` that draws a scenario from a seed.

What a scenario is, and its file, is in ``swarm.scenario``.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import envs
from envs.scenarios import clutter, crossing, dense, mixed, moving, open_floor, swap, turned_clutter, warehouse
from envs.scenarios.narrow import bays, blocks, corridor, door_swap, doorway, merge, rooms
from swarm.errors import InputError
from swarm.files.own_code import Running
from swarm.files.references import FORM, is_reference, make_part
from swarm.scenario.family import Family, Map
from swarm.scenario.grid_map import GridMap
from swarm.scenario.map_file import load_map
from swarm.scenario.scenario import Scenario, deliveries, load_scenario

Draw = Callable[..., Scenario]
Drawn = TypeVar("Drawn")

FAMILIES: dict[str, Draw] = {
    "bays": bays.draw, "blocks": blocks.draw, "clutter": clutter.draw, "corridor": corridor.draw,
    "crossing": crossing.draw, "dense": dense.draw,
    "door_swap": door_swap.draw, "doorway": doorway.draw, "merge": merge.draw, "mixed": partial(mixed.draw, room=0.5),
    "moving": moving.draw, "open": open_floor.draw, "rooms": rooms.draw, "swap": swap.draw,
    "turned_clutter": turned_clutter.draw, "warehouse": warehouse.draw,
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
    return _OwnDraw("family", name, Family, Scenario)


def map_family(name: str) -> Draw:
    """The function that draws deliveries on a map (``swarm.deliveries``); its options are robots and horizon [s].

    Args:
        name: A map that comes along, a file (MovingAI's or Nav2's), or the reference of one of a user's own
            (``swarm.Map``).

    Raises:
        InputError: If there is no such map.
    """
    if is_reference(name):
        return partial(draw_deliveries, _OwnDraw("map", name, Map, GridMap))
    path = map_file(name)
    return partial(draw_deliveries, partial(always, load_map(path, None if path.suffix == ".map" else 1.0)[0]))


def map_file(name: str) -> Path:
    """The file of a map that comes along, by its name; or the file that is named.

    Raises:
        InputError: If there is no such file.
    """
    path = MAPS / f"{name}.map"
    if not os.path.isfile(path):
        path = Path(name)
    if not os.path.isfile(path):
        known = ", ".join(sorted(path.stem for path in MAPS.glob("*.map")))
        raise InputError("map", name, f"{known}, a file of a map, or {FORM}")
    return path


def draw_deliveries(draw_map: Map, rng: np.random.Generator, *, robots: int = 24, horizon: float = 60.0) -> Scenario:
    """A scenario of deliveries (``swarm.deliveries``) on a map that is drawn; ``horizon`` [s]."""
    return deliveries(draw_map(rng), robots, rng, goals_per_robot=8 + int(horizon), horizon=horizon)


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


class _OwnDraw:
    """A user's own function that draws, refused if it gives something else; a pickle of it is its reference.

    Args:
        what: What it is called in errors.
        name: Its reference.
        protocol: What is asked of it.
        kind: What it has to give.
    """

    def __init__(self, what: str, name: str, protocol: type, kind: type) -> None:
        self._made_of = what, name, protocol, kind
        self.__wrapped__ = make_part(what, name, protocol)  # whose arguments are these (``inspect.signature``)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        what, name, _, kind = self._made_of
        with Running(f"{what}: {name}", self.__wrapped__, f"a swarm.{kind.__name__}, whatever rng draws"):
            found = self.__wrapped__(*arguments, **options)
            if not isinstance(found, kind):
                raise InputError("", found, f"a swarm.{kind.__name__}")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of


def drawn_from(scenario: Scenario | Draw | str | Path) -> Draw:
    """A function that draws scenarios from a generator, from all that an environment takes for one.

    Args:
        scenario: The name of a family, its reference, a scenario's file, a scenario, or already such a function.

    Raises:
        InputError: If it is none of these, or the file is not usable.
    """
    if isinstance(scenario, str) and (scenario in FAMILIES or is_reference(scenario)):
        return family(scenario)
    if isinstance(scenario, str | Path):
        if Path(scenario).suffix not in (".yaml", ".yml"):
            raise InputError("scenario", str(scenario), f"a file .yaml, {', '.join(FAMILIES)}, or {FORM}")
        scenario = load_scenario(scenario)
    if isinstance(scenario, Scenario):
        return partial(always, scenario)
    if not callable(scenario):
        raise InputError("scenario", scenario, "a family's name, a file, a Scenario, or a function of a generator")
    return scenario


def always(found: Drawn, rng: np.random.Generator) -> Drawn:
    """Whatever is drawn, it is this one; unlike a lambda, this function can be pickled."""
    return found


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
