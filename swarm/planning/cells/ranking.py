"""The moves of a robot, most preferred first, by looking ahead in space and time."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from swarm.array_types import Array, Flags
from swarm.planning.cells.cell_map import CellMap
from swarm.planning.cells.guidance import look_ahead
from swarm.sense.intent import WINDOW, Intent, Ranking

_CONFLICT = 6.0  # Cost of a predicted conflict with a robot of higher priority [steps].
_CONFLICT_BELOW = 3.0  # The same with a robot of lower priority, which will rather make way.
_CONFLICT_STUCK = 0.5  # The same once this robot is stuck: then it relies on being made way for.


def rank(
    cells: CellMap, free: Flags, field: Array, head: int, heard: Collection[Intent], *, before: int, arrival: float,
    step_ticks: float, priority: int, stuck: bool,
) -> tuple[Ranking, tuple[int, ...]]:  # fmt: skip
    """The five moves from a cell, and the cells in which it expects to be.

    Args:
        cells: The map.
        free: ``bool[rows, columns]``, where ways may lead.
        field: ``float64[rows * columns]``, cost of the way to the goal.
        head: The cell that it comes from.
        heard: What others say.
        before: The cell that it wanted to go to from here before, -1: none.
        arrival: When it is in the cell [ticks].
        step_ticks: What a move takes [ticks].
        priority: Its own, as others know it.
        stuck: Whether it has not come nearer for long.
    """
    others, below = list(heard), _CONFLICT_STUCK if stuck else _CONFLICT_BELOW
    cost, way = look_ahead(
        free, field, head, np.array([o.window for o in others], dtype=np.int64).reshape(len(others), WINDOW + 1),
        # What others say is one tick old.
        np.array([round((o.arrival - 1 - arrival) / step_ticks) for o in others], dtype=np.int64),
        np.array([_CONFLICT if o.priority > priority else below for o in others], dtype=np.float64),
        cells.costs, before, WINDOW,
    )  # fmt: skip
    a, b, c, d, e = np.argsort(cost, kind="stable").tolist()
    return (a, b, c, d, e), tuple(way.tolist())
