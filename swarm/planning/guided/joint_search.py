"""A few robots that are in each other's way: joint moves by which all of them come nearer to their goals.

A* over the cells of up to ``GROUP`` robots within a small region, where each node of the search gives one more robot
its move (operator decomposition: Standley, "Finding optimal solutions to cooperative pathfinding problems", AAAI 2010).
The way left is weighted, and the search gives up after some nodes: what it finds is short, not shortest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Int32s, Int64s
from swarm.mixing import fold

GROUP = 4
"""Most robots that plan together."""
HORIZON = 20
"""Most steps of a joint plan."""
_REACH = 6  # Steps from the first robot to the border of the region.
_REGION = 2 * _REACH * (_REACH + 1) + 1  # Nodes in it on an empty floor.
_PROGRESS = 5  # Steps that everybody is to come nearer to its goal, if it does not reach it sooner.
_LEAST = 3  # The same of the first robot, if the others need not, and there is no room for more.
_EXPANDED = 2500  # Nodes of the search, at most.
_HELD = 5 * _EXPANDED + 1
_TABLE = 1 << 17
_TICK, _MOVE = 4, 1  # Cost of a tick for one robot; of moving instead of staying.
_WEIGHT = 2 * _TICK  # Of a step that is left.
_BUCKETS = 4096
_OUTSIDE = 1 << 20


class Search(NamedTuple):
    """Memory of the search; one for each thread.

    A state is one integer: 7 bits for the place of each robot, 4 for who has reached its goal, 2 for whose move is
    next, and 3 for each move that is settled.

    Attributes:
        local: Number of a node in the region, -1 elsewhere, int32[nodes]; -1 everywhere between calls.
        near: The nodes of the region, int32[_REGION].
        after: Where moves lead in it, -1 out of it, int32[_REGION, 5].
        left: Steps from there to each robot's goal, int32[GROUP, _REGION].
        state, parent, spent, depth, following: Of each node of the search; ``following`` is the next in its bucket.
        head: First node of each bucket, int32[_BUCKETS].
        table: Node of each state, -1 if none, int32[_TABLE].
        queue: int32[nodes].
        steps: int32[nodes] full of -1, also between calls.
    """

    local: Int32s
    near: Int32s
    after: Int32s
    left: Int32s
    state: Int64s
    parent: Int32s
    spent: Int32s
    depth: Int32s
    following: Int32s
    head: Int32s
    table: Int32s
    queue: Int32s
    steps: Int32s


def make_search(nodes: int) -> Search:
    """Memory for a graph of so many nodes."""
    return Search(
        local=np.full(nodes, -1, np.int32), near=np.empty(_REGION, np.int32), after=np.empty((_REGION, 5), np.int32),
        left=np.empty((GROUP, _REGION), np.int32), state=np.empty(_HELD, np.int64), parent=np.empty(_HELD, np.int32),
        spent=np.empty(_HELD, np.int32), depth=np.empty(_HELD, np.int32), following=np.empty(_HELD, np.int32),
        head=np.empty(_BUCKETS, np.int32), table=np.empty(_TABLE, np.int32), queue=np.empty(nodes, np.int32),
        steps=np.full(nodes, -1, np.int32),
    )  # fmt: skip


@njit(cache=True)
def _survey(step: Int32s, start: int, room: Search) -> int:
    """Number the nodes within ``_REACH`` steps of a start; returns how many."""
    room.near[0], room.local[start] = start, 0
    count, at = 1, 0
    for _ in range(_REACH):
        end = count
        while at < end:
            for move in range(1, 5):
                node = step[room.near[at], move]
                if node >= 0 and room.local[node] < 0:
                    room.near[count], room.local[node] = node, count
                    count += 1
            at += 1
    for here in range(count):
        for move in range(5):
            node = step[room.near[here], move]
            room.after[here, move] = room.local[node] if node >= 0 else -1
    return count


@njit(cache=True)
def _measure(step: Int32s, goal: int, count: int, room: Search, left: Int32s) -> None:
    """Write the steps to a goal from each node of the region; without a goal (-1) there are none."""
    left[:count] = 0 if goal < 0 else _OUTSIDE
    if goal < 0:
        return
    room.queue[0], room.steps[goal] = goal, 0
    at, end, found = 0, 1, 0
    while at < end and found < count:
        node = room.queue[at]
        at += 1
        if room.local[node] >= 0:
            left[room.local[node]] = room.steps[node]
            found += 1
        for move in range(1, 5):
            other = step[node, move]
            if other >= 0 and room.steps[other] < 0:
                room.steps[other] = room.steps[node] + 1
                room.queue[end] = other
                end += 1
    for k in range(end):
        room.steps[room.queue[k]] = -1


@njit(cache=True, inline="always")
def _place(state: int, k: int) -> int:
    return (state >> (7 * k)) & 127


@njit(cache=True, inline="always")
def _to_go(state: int, k: int, place: int, target: Int64s, room: Search) -> int:
    """Steps that robot k has yet to come nearer, if it is at a place; none once it has reached its goal."""
    if (state >> (28 + k)) & 1:
        return 0
    return max(room.left[k, place] - target[k], 0)


@njit(cache=True, inline="always")
def _turn(state: int) -> int:
    return (state >> 32) & 3


@njit(cache=True)
def _place_all(state: int, n: int, room: Search, places: Int64s) -> None:
    """Where the robots are after those moves that are settled."""
    for k in range(n):
        places[k] = _place(state, k)
        if k < _turn(state):
            places[k] = room.after[places[k], (state >> (34 + 3 * k)) & 7]


@njit(cache=True)
def _child(state: int, n: int, move: int, to: int, target: Int64s, room: Search, places: Int64s) -> int:
    """The state after one more move, -1 if two robots would meet."""
    robot = _turn(state)
    for k in range(robot):
        if places[k] == to or (places[k] == _place(state, robot) and to == _place(state, k)):
            return -1
    if robot < n - 1:
        return int(state + (np.int64(1) << 32) + (np.int64(move) << (34 + 3 * robot)))
    child = np.int64(0)
    for k in range(n):
        place = to if k == robot else places[k]
        reached = (state >> (28 + k)) & 1 or (target[k] == 0 and room.left[k, place] == 0)
        child |= np.int64(place) << (7 * k) | np.int64(reached) << (28 + k)
    return int(child)


@njit(cache=True)
def _slot(state: int, room: Search) -> int:
    """Where a state is in the table, or would be."""
    slot = np.int64(fold(np.uint64(state)) & np.uint64(_TABLE - 1))
    while room.table[slot] >= 0 and room.state[room.table[slot]] != state:
        slot = (slot + 1) & (_TABLE - 1)
    return int(slot)


@njit(cache=True)
def _hold(state: int, parent: int, spent: int, depth: int, bucket: int, held: int, room: Search) -> int:
    """Keep a node of the search if none as good has its state; returns how many are held."""
    slot = _slot(state, room)
    known = room.table[slot]
    if bucket >= _BUCKETS or held == _HELD or (known >= 0 and room.spent[known] <= spent):
        return held
    room.state[held], room.parent[held], room.spent[held], room.depth[held] = state, parent, spent, depth
    room.following[held], room.head[bucket], room.table[slot] = room.head[bucket], held, held
    return held + 1


@njit(cache=True)
def _write(node: int, n: int, room: Search, paths: Int32s) -> int:
    """Write the way to a node of the search, as nodes of the graph; returns its steps."""
    steps = room.depth[node]
    for time in range(steps, -1, -1):
        for k in range(n):
            paths[k, time] = room.near[_place(room.state[node], k)]
        if time > 0:
            for _ in range(n):
                node = room.parent[node]
    return steps


@njit(cache=True)
def _root(n: int, start: Int64s, target: Int64s, room: Search) -> int:
    """The state before the first move."""
    state = np.int64(0)
    for k in range(n):
        reached = target[k] == 0 and room.left[k, start[k]] == 0
        state |= np.int64(start[k]) << (7 * k) | np.int64(reached) << (28 + k)
    return int(state)


@njit(cache=True)
def _search(n: int, start: Int64s, target: Int64s, room: Search, paths: Int32s) -> int:
    """Steps after which each robot has had no way left to its target, or 0."""
    room.table[:], room.head[:] = -1, -1
    held, expanded, bucket = _hold(_root(n, start, target, room), -1, 0, 0, 0, 0, room), 0, 0
    places = np.empty(GROUP, dtype=np.int64)
    while bucket < _BUCKETS and expanded < _EXPANDED:
        node = room.head[bucket]
        if node < 0:
            bucket += 1
            continue
        room.head[bucket] = room.following[node]
        state = int(room.state[node])
        robot = _turn(state)
        if room.table[_slot(state, room)] != node:
            continue
        expanded += 1
        _place_all(state, n, room, places)
        here, ahead = places[robot], 0
        for k in range(n):
            ahead += _to_go(state, k, places[k], target, room)
        if robot == 0 and ahead == 0:
            return _write(node, n, room, paths)
        if room.depth[node] == HORIZON:
            continue
        before = _to_go(state, robot, here, target, room)
        for move in range(5):
            to = room.after[here, move]
            child = _child(state, n, move, to, target, room, places) if to >= 0 else -1
            if child < 0:
                continue
            after = _to_go(state, robot, to, target, room)
            there = (state >> (28 + robot)) & 1 or (move == 0 and before == 0)
            spent = room.spent[node] + (0 if there else _TICK) + (_MOVE if move > 0 else 0)
            total = spent + _WEIGHT * (ahead - before + after)
            held = _hold(child, node, spent, room.depth[node] + (robot == n - 1), total, held, room)
            bucket = min(bucket, total)
    return 0


@njit(cache=True)
def _forget(count: int, room: Search) -> None:
    for here in range(count):
        room.local[room.near[here]] = -1


@njit(cache=True)
def within_reach(step: Int32s, where: Int32s, i: int, near: Int32s, room: Search) -> Int32s:
    """Those of some robots that are in the region around robot i, int32[m].

    Args:
        step: Of the graph, int32[nodes, 5].
        where: Node of each robot, int32[n].
        i: The robot.
        near: Robots to choose from, int32[k].
        room: Memory.
    """
    count = _survey(step, where[i], room)
    found, size = np.empty(len(near), dtype=np.int32), 0
    for row in near:
        if room.local[where[row]] >= 0:
            found[size] = row
            size += 1
    _forget(count, room)
    return found[:size]


@njit(cache=True)
def plan_jointly(step: Int32s, where: Int32s, goal: Int32s, urgent: bool, room: Search, paths: Int32s) -> int:
    """Look for joint moves by which everybody comes nearer to its goal, or reaches it.

    Args:
        step: Of the graph, int32[nodes, 5].
        where: Node of each robot, int32[n]; n from 1 to ``GROUP``. All are within reach of the first
        (``within_reach``).
        goal: Node of each robot's goal; -1: it has none, and makes way, int32[n].
        urgent: Whether, if no such plan is found, it is enough that the first robot comes nearer.
        room: Memory.
        paths: Where the nodes go, int32[n, HORIZON + 1].

    Returns:
        Steps of the plan; 0 if none is found.
    """
    n = len(where)
    count = _survey(step, where[0], room)
    start, target = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for k in range(n):
        start[k] = room.local[where[k]]
        _measure(step, goal[k], count, room, room.left[k])
        target[k] = max(room.left[k, start[k]] - _PROGRESS, 0)
    steps = _search(n, start, target, room, paths)
    if steps == 0 and urgent:
        target[1:] = _OUTSIDE
        steps = _search(n, start, target, room, paths)
        least = room.left[0, start[0]] - _LEAST
        if steps == 0 and least > target[0]:  # else it would be the same search again
            target[0] = least
            steps = _search(n, start, target, room, paths)
    _forget(count, room)
    return steps
