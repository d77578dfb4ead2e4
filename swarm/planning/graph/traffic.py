"""How much traffic to expect in each direction of each cell, worked out from the map alone.

Every robot that knows the map comes to the same numbers, so that all avoid the same directions and lanes form without
a word. The idea of pricing traffic that comes the other way: Chen, Harabor, Li and Stuckey, "Traffic flow optimisation
for lifelong multi-agent path finding", AAAI 2024; there a centre does it for the robots that it has, here it is done
once, for trips between cells drawn at random.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numba import njit

from swarm.array_types import Float32s, Int32s
from swarm.planning.graph.cost_field import FAR, UNIT, cost_field, scratch, step_cost
from swarm.planning.graph.grid_graph import GridGraph, opposite

DENSITY = 0.1
"""Robots per free cell for which the traffic is stated."""
_GOALS, _TRIPS, _PASSES = 200, 5, 6  # Goals in a pass, trips to each, passes.
_PRICE = 5.0  # Of meeting one robot a step, while trips are assigned [steps].
_KEPT_MAPS = 4


@njit(cache=True)
def _draw(state: int, below: int) -> tuple[int, int]:
    """Next state of a linear congruential generator (Knuth's MMIX), and a number from 0 to ``below`` - 1."""
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7FFFFFFFFFFFFFFF
    return state, (state >> 33) % below


@njit(cache=True)
def _walk(step: Int32s, against: Float32s, scale: float, field: Int32s, start: int, state: int, used: Float32s) -> int:
    """Add one trip down a field to the moves that were used; of equally cheap moves one is drawn."""
    node = start
    while field[node] > 0:
        state, first = _draw(state, 4)
        best, chosen = FAR, 0
        for k in range(4):
            move = 1 + (first + k) % 4
            after = step[node, move]
            if after >= 0:
                left = field[after] + step_cost(against, scale, node, move)
                if left < best:
                    best, chosen = left, move
        used[node, chosen] += 1.0
        node = step[node, chosen]
    return state


@njit(cache=True)
def _assign(step: Int32s, room: Int32s, robots: float) -> Float32s:
    """Traffic against each move, float32[nodes, 5]: robots a step, when so many robots drive."""
    nodes = step.shape[0]
    flow = np.zeros((nodes, 5), dtype=np.float32)
    against = np.zeros((nodes, 5), dtype=np.float32)
    field = np.empty(nodes, dtype=np.int32)
    state = 1
    for turn in range(_PASSES):
        used = np.zeros((nodes, 5), dtype=np.float32)
        for _ in range(_GOALS):
            state, goal = _draw(state, nodes)
            cost_field(step, against, _PRICE * UNIT, goal, field, room)
            for _ in range(_TRIPS):
                state, start = _draw(state, nodes)
                if field[start] < FAR:
                    state = _walk(step, against, _PRICE * UNIT, field, start, state, used)
        share = robots / max(used.sum(), 1.0)
        flow += (used * share - flow) / (turn + 1.0)
        for node in range(nodes):
            for move in range(1, 5):
                after = step[node, move]
                if after >= 0:
                    against[node, move] = flow[after, opposite(move)]
    return against


_kept: OrderedDict[tuple[tuple[int, ...], bytes], Float32s] = OrderedDict()


def expected_against(graph: GridGraph) -> Float32s:
    """Expected traffic against each move, float32[nodes, 5]: robots a step at a density of ``DENSITY``.

    The method of successive averages: trips between cells drawn at random take the cheapest way, where meeting others
    has a price; then the traffic is the mean of all passes. The last few maps are kept.
    """
    key = graph.free.shape, np.packbits(graph.free).tobytes()
    if key not in _kept:
        _kept[key] = _assign(graph.step, scratch(graph.nodes), DENSITY * graph.nodes)
        if len(_kept) > _KEPT_MAPS:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]
