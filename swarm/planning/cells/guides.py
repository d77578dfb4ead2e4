"""What leads ``CellPlanner`` to its goal in place of its own preferences: the grid planners in continuous time.

Reservation, and with it safety, is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swarm.array_types import Array, Flags
from swarm.planning.graph.fields import UNREACHABLE
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.graph.traffic import expected_against
from swarm.planning.pibt.priority_inheritance import rank_by_distance
from swarm.sense.intent import Ranking

_PRICE = 3.0
"""Of one robot a step that comes the other way [steps]: what ``guided`` pays at half of ``traffic.DENSITY``."""


def traffic_costs(free: Flags, price: float = _PRICE) -> Array:
    """Steps that cost more the more traffic is expected to come the other way, as for ``guided``.

    Args:
        free: Where robots may be, bool[rows, columns].
        price: Of one robot a step [steps]; 0: every step costs the same.

    Returns:
        Cost of leaving each flat cell by each move [steps], float64[5, rows * columns]; inf into walls.
    """
    graph = GridGraph(free)
    costs = np.full((5, free.size), np.inf)
    extra = price * expected_against(graph).T if price else 0.0
    costs[:, graph.cells] = np.where(graph.step.T >= 0, 1.0 + extra, np.inf)
    return costs


def shortest_way(columns: int, robot_id: int) -> Callable[[tuple[int, int], Array], Ranking]:
    """Ranks the moves by the steps left after them alone, as ``pibt`` does, where every step costs the same.

    Equally good moves take turns at being first.

    Args:
        columns: Of the map.
        robot_id: So that robots do not all begin with the same.
    """
    asked = robot_id

    def rank(cell: tuple[int, int], field: Array) -> Ranking:
        nonlocal asked
        asked += 3
        steps = np.minimum(field, UNREACHABLE).astype(np.int32).reshape(-1, columns)
        a, b, c, d, e = rank_by_distance(steps, cell, asked)
        return a, b, c, d, e

    return rank
