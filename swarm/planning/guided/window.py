"""The next steps of one robot, planned in space and time around the windows that its neighbours have told.

A dynamic programme over the cells within reach: meeting a neighbour costs something but is not forbidden, so that
there is always a plan; what really happens is settled by priority inheritance
(``swarm.planning.pibt.priority_inheritance``). The idea that soft windows guide priority inheritance: Arita and
Okumura, "Local guidance for configuration-based multi-agent pathfinding", 2025; there a centre plans them in turn, here
each robot its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Float32s, Int8s, Int32s
from swarm.mixing import mix
from swarm.planning.graph.cost_field import FAR, step_cost
from swarm.planning.graph.grid_graph import opposite, order_moves

STEPS = 10
"""Steps of a window after the present."""
ENDED = -1
"""In a window: after the goal nobody knows where the robot goes."""
_HABIT = 2  # Advantage of what was planned before.
_CELLS = 2 * STEPS * (STEPS + 1) + 1  # Within reach on an empty floor.


class Room(NamedTuple):
    """Memory that planning uses; one for each thread.

    Attributes:
        local: Number of a node among those within reach, -1 elsewhere, int32[nodes]; -1 everywhere between calls.
        near: The nodes within reach, int32[_CELLS].
        depth: Steps to each of them, int32[_CELLS].
        after: Where moves lead among them: -1 into a wall, -2 out of reach, int32[_CELLS, 5].
        taken: Price of being there at each time, int32[STEPS + 1, _CELLS].
        leaving: Bits of the moves by which neighbours leave there, int32[STEPS + 1, _CELLS].
        left: Cost left from there at each time, int32[STEPS + 1, _CELLS].
    """

    local: Int32s
    near: Int32s
    depth: Int32s
    after: Int32s
    taken: Int32s
    leaving: Int32s
    left: Int32s


def make_room(nodes: int) -> Room:
    """Room for planning on a graph of so many nodes."""
    times = (STEPS + 1, _CELLS)
    return Room(
        np.full(nodes, -1, dtype=np.int32), np.empty(_CELLS, dtype=np.int32), np.empty(_CELLS, dtype=np.int32),
        np.empty((_CELLS, 5), dtype=np.int32), np.zeros(times, dtype=np.int32), np.zeros(times, dtype=np.int32),
        np.empty(times, dtype=np.int32),
    )  # fmt: skip


@njit(cache=True)
def _reach(step: Int32s, start: int, room: Room) -> int:
    """Number the nodes within ``STEPS`` of a start, nearest first; returns how many."""
    room.near[0], room.depth[0], room.local[start] = start, 0, 0
    count, at = 1, 0
    while at < count:
        room.after[at, 0] = at
        for move in range(1, 5):
            node = step[room.near[at], move]
            if node < 0:
                room.after[at, move] = -1
                continue
            if room.local[node] < 0 and room.depth[at] < STEPS:
                room.near[count], room.depth[count], room.local[node] = node, room.depth[at] + 1, count
                count += 1
            room.after[at, move] = room.local[node] if room.local[node] >= 0 else -2
        at += 1
    return count


@njit(cache=True)
def _mark(step: Int32s, windows: Int32s, who: Int32s, later: int, price: int, room: Room) -> None:
    """Put the windows of neighbours into the room, as from ``later`` steps on."""
    for robot in who:
        for time in range(STEPS + 1 - later):
            node = windows[robot, time + later]
            if node < 0:
                break
            here = room.local[node]
            if here < 0:
                continue
            room.taken[time, here] += price
            if time + later < STEPS:
                after = windows[robot, time + later + 1]
                for move in range(1, 5):
                    if after >= 0 and step[node, move] == after:
                        room.leaving[time, here] |= 1 << move


@njit(cache=True, inline="always")
def _price(room: Room, time: int, here: int, move: int, price: int) -> int:
    """Price of what neighbours do in the way of one move."""
    there = room.after[here, move]
    cost = room.taken[time + 1, there]
    if move > 0 and room.leaving[time, there] >> opposite(move) & 1:
        cost += price
    return cost


@njit(cache=True)
def _solve(field: Int32s, against: Float32s, scale: float, price: int, count: int, room: Room) -> None:
    """Fill in the cost left, last time first; a goal that is reached later than now is the end."""
    for here in range(count):
        room.left[STEPS, here] = field[room.near[here]]
    for time in range(STEPS - 1, -1, -1):
        for here in range(count):
            if room.depth[here] > time:
                break
            node = room.near[here]
            if time > 0 and field[node] == 0:
                room.left[time, here] = 0
                continue
            best = FAR
            for move in range(5):
                there = room.after[here, move]
                if there >= 0:
                    cost = step_cost(against, scale, node, move)
                    best = min(best, cost + _price(room, time, here, move, price) + room.left[time + 1, there])
            room.left[time, here] = best


@njit(cache=True)
def _follow(
    field: Int32s, against: Float32s, scale: float, price: int, seed: int, before: Int32s, room: Room, window: Int32s
) -> None:
    """Write the window that costs least; ``before`` is what was planned for the same times."""
    here, kept = 0, True
    window[0] = room.near[0]
    for time in range(STEPS):
        node = room.near[here]
        if time > 0 and field[node] == 0:
            window[time + 1 :] = ENDED
            return
        best, chosen = FAR, 0
        first = mix(seed, time) % 4
        for k in range(5):
            move = 0 if k == 4 else 1 + (first + k) % 4
            there = room.after[here, move]
            if there < 0:
                continue
            cost = step_cost(against, scale, node, move)
            cost += _price(room, time, here, move, price) + room.left[time + 1, there]
            if kept and before[time + 1] == room.near[there]:
                cost -= _HABIT
            if cost < best:
                best, chosen = cost, there
        kept = kept and room.near[chosen] == before[time + 1]
        here = chosen
        window[time + 1] = room.near[here]


@njit(cache=True)
def rank(costs: Int32s, preferred: int, seed: int, ranking: Int8s) -> None:
    """Order the five moves by cost; of equals ``preferred`` comes first, then in an order that the seed gives."""
    keys = np.empty(5, dtype=np.int64)
    for move in range(5):
        tie = 0 if move == preferred else 5 if move == 0 else 1 + (move + seed) % 4
        keys[move] = np.int64(costs[move]) * 8 + tie
    order_moves(keys, ranking)


@njit(cache=True)
def plan_window(
    step: Int32s, field: Int32s, against: Float32s, scale: float, windows: Int32s, who: Int32s, later: int, price: int,
    seed: int, before: Int32s, room: Room, window: Int32s, ranking: Int8s,
) -> None:  # fmt: skip
    """Plan one robot's window, and rank its moves by what they cost with all that follows.

    Args:
        step: Of the graph, int32[nodes, 5].
        field: Cost left to its goal, int32[nodes].
        against: Expected traffic against each move, float32[nodes, 5].
        scale: Cost of that traffic (``step_cost``).
        windows: Of robots, int32[m, STEPS + 1].
        who: Rows of ``windows`` to mind, int32[k].
        later: Steps that have passed since these windows were told.
        price: Cost of a cell or an edge that a neighbour's window takes; 0: it minds nobody.
        seed: Settles ties.
        before: What it planned before for the same times, its own node first, int32[STEPS + 1].
        room: Memory.
        window: Where its window goes, int32[STEPS + 1].
        ranking: Where its ranking goes, int8[5], the best move first.
    """
    count = _reach(step, before[0], room)
    room.taken[:, :count] = 0
    room.leaving[:, :count] = 0
    if price > 0:
        _mark(step, windows, who, later, price, room)
    _solve(field, against, scale, price, count, room)
    _follow(field, against, scale, price, seed, before, room, window)
    costs = np.full(5, FAR, dtype=np.int32)
    preferred = -1
    for move in range(5):
        there = room.after[0, move]
        if there >= 0:
            cost = step_cost(against, scale, before[0], move)
            costs[move] = cost + _price(room, 0, 0, move, price) + room.left[1, there]
            preferred = move if room.near[there] == window[1] else preferred
    rank(costs, preferred, seed, ranking)
    for here in range(count):
        room.local[room.near[here]] = -1
