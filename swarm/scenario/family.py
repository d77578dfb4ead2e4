"""What is asked of a scenario family and of a map of a user's own."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from swarm.scenario.grid_map import GridMap
from swarm.scenario.scenario import Scenario


class Family(Protocol):
    """A function that draws scenarios.

    It may take further arguments by name, of which it is given those that a command line names: ``robots`` (team
    size), ``horizon`` [s] and ``kind`` (``swarm.Kind``). Teams may differ in size from scenario to scenario.
    """

    def __call__(self, rng: np.random.Generator) -> Scenario:
        """Draw a scenario; ``rng`` is the only source of what is random, so that a seed repeats it."""
        ...


class Map(Protocol):
    """A function that draws grid maps, on which robots do deliveries (``swarm.deliveries``)."""

    def __call__(self, rng: np.random.Generator) -> GridMap:
        """Draw a map, or give the same one each time; ``rng`` is the only source of what is random."""
        ...
