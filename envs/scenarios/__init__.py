"""Scenario families: one file each, with a function ``draw(rng, ...)`` that draws a scenario from a seed.

What a scenario is, and its file, is in ``swarm.scenario``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

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
from swarm.scenario.scenario import Scenario, load_scenario

Draw = Callable[..., Scenario]

FAMILIES: dict[str, Draw] = {
    "clutter": clutter.draw, "corridor": corridor.draw, "crossing": crossing.draw, "dense": dense.draw,
    "door_swap": door_swap.draw, "doorway": doorway.draw, "merge": merge.draw, "mixed": partial(mixed.draw, room=0.5),
    "moving": moving.draw, "open": open_floor.draw, "swap": swap.draw, "warehouse": warehouse.draw,
}  # fmt: skip
"""The function of each family, called with a generator and the family's own options."""


def family(name: str) -> Draw:
    """The function that draws a family's scenarios.

    Raises:
        InputError: If there is no such family.
    """
    if name not in FAMILIES:
        raise InputError("scenario family", name, ", ".join(FAMILIES))
    return FAMILIES[name]


def drawn_from(scenario: Scenario | Draw | str | Path) -> Draw:
    """A function that draws scenarios from a generator, from all that an environment takes for one.

    Args:
        scenario: The name of a family, a scenario's file, a scenario, or already such a function.

    Raises:
        InputError: If it is none of these, or the file is not usable.
    """
    if isinstance(scenario, str) and scenario in FAMILIES:
        return FAMILIES[scenario]
    if isinstance(scenario, str | Path):
        if Path(scenario).suffix not in (".yaml", ".yml"):
            raise InputError("scenario", str(scenario), f"a file .yaml, or a family: {', '.join(FAMILIES)}")
        scenario = load_scenario(scenario)
    if isinstance(scenario, Scenario):
        return partial(_always, scenario)
    if not callable(scenario):
        raise InputError("scenario", scenario, "a family's name, a file, a Scenario, or a function of a generator")
    return scenario


def _always(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    return scenario


def draw_family(name: str, seed: int, **options: Any) -> Scenario:
    """Draw a scenario of a family.

    Args:
        name: A key of ``FAMILIES``.
        seed: The same seed gives the same scenario.
        options: Of the family's ``draw``.

    Raises:
        InputError: If there is no such family.
    """
    return family(name)(np.random.default_rng(seed), **options)
