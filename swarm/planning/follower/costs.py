"""Where a follower goes: congestion costs of cells, the fields of cheapest ways, and A* through both.

Source: Skrynnik, Andreychuk, Nesterova, Yakovlev, Panov, "Learn to follow: decentralized lifelong multi-agent
pathfinding via planning and learning", AAAI 2024. The cost of entering a cell is static (cells in the middle of a map
are dear) plus dynamic (cells where this robot has often seen others since its last goal are dear).

Maps are flat, with a border of walls as wide as a robot sees: neither a window nor a search leaves its array. Static
costs are multiples of 1/64, so that sums of them are exact, and cheapest ways do not depend on the order of additions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s, Int32s, Int64s
from swarm.planning.graph.fields import _pop, _push
from swarm.planning.graph.moves import flat_steps

SOURCES = 2048
"""Most cells that mean distances are taken from; a map with fewer free cells has exact ones."""
_GRAIN = 64.0
_COUNT_BITS = 12
_MOST = (1 << _COUNT_BITS) - 1
# Of equally cheap ways A* goes on with the one that has less left; too small to change which ways are cheapest.
_DEEPER = 1e-6


def static_costs(wall: Flags, width: int) -> Float32s:
    """Cost of each cell: the largest mean distance of any cell, divided by this cell's own; ``inf`` in walls.

    Mean distances are to all cells that can be reached, or to every k-th of them on maps with more than ``SOURCES``.

    Args:
        wall: bool[cells], flat, with a border of walls.
        width: Cells in a row.

    Returns:
        float32[cells], at least 1.
    """
    free = np.flatnonzero(~wall)
    sources = free[:: max(1, -(-len(free) // SOURCES))]
    total, count = _distance_sums(wall, width, sources)
    mean = np.divide(total, count, out=np.zeros(len(wall)), where=count > 0)
    ratio = mean.max(initial=0.0) / np.where(mean > 0.0, mean, max(mean.max(initial=0.0), 1.0))
    cost = np.maximum(np.round(_GRAIN * ratio) / _GRAIN, 1.0)
    cost[wall] = np.inf
    return cost.astype(np.float32)


@njit(cache=True)
def _distance_sums(wall: Flags, width: int, sources: Int64s) -> tuple[Array, Int64s]:
    """Sum of the distances from each cell to those sources that it can reach, and how many these are."""
    cells = len(wall)
    total, count = np.zeros(cells), np.zeros(cells, np.int64)
    distance, queue = np.empty(cells, np.int32), np.empty(cells, np.int32)
    for source in sources:
        distance[:] = -1
        distance[source] = 0
        queue[0], first, last = source, 0, 1
        while first < last:
            here = queue[first]
            first += 1
            total[here] += distance[here]
            count[here] += 1
            for step in flat_steps(width)[1:]:
                there = here + step
                if not wall[there] and distance[there] < 0:
                    distance[there] = distance[here] + 1
                    queue[last] = there
                    last += 1
    return total, count


@njit(cache=True)
def cost_field(static: Float32s, width: int, goal: int, field: Float32s, keys: Array, nodes: Int64s) -> None:
    """Cheapest way from every cell to a goal under the static costs (Dijkstra); ``inf`` where there is none.

    Args:
        static: float32[cells], cost of entering each cell.
        width: Cells in a row.
        goal: Flat cell.
        field: float32[cells], written: the sum of the costs of all cells that are entered after this one.
        keys: float64[4 cells + 8], scratch.
        nodes: int64[4 cells + 8], scratch.
    """
    field[:] = np.inf
    field[goal] = 0.0
    size = _push(keys, nodes, 0, 0.0, goal)
    while size > 0:
        key, here = keys[0], nodes[0]
        size = _pop(keys, nodes, size)
        if key > field[here]:
            continue
        further = field[here] + static[here]
        for step in flat_steps(width)[1:]:
            there = here + step
            if static[there] < np.inf and further < field[there]:
                field[there] = further
                size = _push(keys, nodes, size, further, there)


@njit(cache=True)
def times_seen(seen: Int32s, bits: int, cell: int) -> int:
    """How often another robot was seen in a cell, as far as it is remembered (see ``see``)."""
    entry = seen[cell & ((1 << bits) - 1)]
    return entry & _MOST if entry >> _COUNT_BITS == cell >> bits else 0


@njit(cache=True)
def see(seen: Int32s, bits: int, cell: int) -> None:
    """Count another robot in a cell.

    The memory has 2**bits places; the place of a cell is its flat index modulo that, and a cell that is seen takes the
    place of any other. So on maps that have more cells a robot forgets what it has seen many rows from here.

    Args:
        seen: int32[2**bits]; an entry is the number of the map's part (cell >> bits), then 12 bits of count.
        bits: See above.
        cell: Flat cell.
    """
    place, part = cell & ((1 << bits) - 1), cell >> bits
    entry = seen[place]
    if entry >> _COUNT_BITS != part:
        entry = part << _COUNT_BITS
    if entry & _MOST < _MOST:
        entry += 1
    seen[place] = entry


@njit(cache=True)
def find_path(
    static: Float32s, width: int, field: Float32s, seen: Int32s, bits: int, start: int, goal: int, cost: Array,
    mark: Int32s, parent: Int32s, keys: Array, nodes: Int64s, epoch: int, path: Int32s,
) -> int:  # fmt: skip
    """Cheapest way under static and dynamic costs by A*, with the exact static way left as heuristic.

    Args:
        static: float32[cells], cost of entering each cell.
        width: Cells in a row.
        field: float32[cells], of ``cost_field`` for the goal; finite at the start.
        seen: int32[2**bits], see ``see``.
        bits: See ``see``.
        start: Flat cell.
        goal: Flat cell.
        cost: float64[cells], scratch.
        mark: int32[cells], scratch; holds nothing above 2 epoch - 1.
        parent: int32[cells], scratch.
        keys: float64[4 cells + 8], scratch.
        nodes: int64[4 cells + 8], scratch.
        epoch: Number of this search, 1 or more, another one in each search that uses the same scratch.
        path: int32[k], written: the first cells of the way, the start first.

    Returns:
        How many cells were written.
    """
    opened, closed = 2 * epoch, 2 * epoch + 1
    # Searched from the goal's side the way could be read off at once; but only from here is the heuristic exact.
    cost[start], mark[start], parent[start] = 0.0, opened, start
    size = _push(keys, nodes, 0, 0.0, start)
    while size > 0:
        here = nodes[0]
        size = _pop(keys, nodes, size)
        if here == goal:
            break
        if mark[here] == closed:
            continue
        mark[here] = closed
        for step in flat_steps(width)[1:]:
            there = here + step
            if not field[there] < np.inf or mark[there] == closed:
                continue
            new = cost[here] + static[there] + times_seen(seen, bits, there)
            if mark[there] != opened or new < cost[there]:
                cost[there], mark[there], parent[there] = new, opened, here
                size = _push(keys, nodes, size, new + (1.0 + _DEEPER) * field[there], there)
    length, here = 1, goal
    while here != start:
        here = parent[here]
        length += 1
    here = goal
    for place in range(length - 1, -1, -1):
        if place < len(path):
            path[place] = here
        here = parent[here]
    return min(length, len(path))
