"""Cheapest ways to one goal where each step has a cost of its own: Dijkstra's algorithm with buckets."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Float32s, Int32s
from swarm.planning.graph.grid_graph import opposite

UNIT = 16
"""Cost of a step in whose way nothing is; costs are whole numbers."""
DEAREST = 127
"""Cost of the dearest step."""
FAR = 1 << 29
"""Cost left where there is no way."""


@njit(cache=True, inline="always")
def step_cost(against: Float32s, scale: float, node: int, move: int) -> int:
    """Cost of a move from a node: ``UNIT``, and more the more others come the other way; nobody does who stays."""
    if move == 0:
        return UNIT
    return min(UNIT + int(scale * against[node, move]), DEAREST)


def scratch(nodes: int) -> Int32s:
    """Room for ``cost_field`` on a graph of so many nodes."""
    return np.empty((2, 4 * nodes + 1), dtype=np.int32)


@njit(cache=True)
def cost_field(step: Int32s, against: Float32s, scale: float, goal: int, out: Int32s, room: Int32s) -> None:
    """Write the cost left from each node to a goal.

    Since costs are small whole numbers, a ring of buckets does for a heap (Dial, 1969). A node may be in several
    buckets; only the first counts.

    Args:
        step: Of the graph, int32[nodes, 5].
        against: Expected traffic against each move, float32[nodes, 5].
        scale: Cost of that traffic; see ``step_cost``.
        goal: Node.
        out: int32[nodes]; ``FAR`` where there is no way.
        room: From ``scratch``.
    """
    out[:] = FAR
    head = np.full(DEAREST + 1, -1, dtype=np.int32)
    following, held = room[0], room[1]
    out[goal] = 0
    held[0], following[0], head[0] = goal, -1, 0
    entries, open_entries, cost = 1, 1, 0
    while open_entries > 0:
        bucket = cost % (DEAREST + 1)
        while head[bucket] >= 0:
            entry = head[bucket]
            head[bucket] = following[entry]
            open_entries -= 1
            node = held[entry]
            if out[node] != cost:
                continue
            for move in range(1, 5):
                before = step[node, move]
                if before < 0:
                    continue
                reached = cost + step_cost(against, scale, before, opposite(move))
                if reached < out[before]:
                    out[before] = reached
                    slot = reached % (DEAREST + 1)
                    held[entries], following[entries], head[slot] = before, head[slot], entries
                    entries += 1
                    open_entries += 1
        cost += 1
