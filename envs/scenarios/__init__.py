"""Scenario families: one file each, with a function ``draw(rng, ...)`` that draws a scenario from a seed.

What a scenario is, and its file, is in ``swarm.scenario``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
from swarm.scenario.scenario import Scenario

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


def drawing(scenario: Scenario | Draw | str) -> Draw:
    """What draws scenarios from a generator: a family by its name, a function, or always the same scenario.

    Raises:
        InputError: If there is no such family.
    """
    if isinstance(scenario, Scenario):
        return partial(_always, scenario)  # Unlike a lambda, it can be pickled.
    return family(scenario) if isinstance(scenario, str) else scenario


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
