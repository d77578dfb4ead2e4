"""A way for a car from where it is to a point: hybrid A* (Dolgov et al. 2008) over place, heading and direction.

Each step is an arc of the tightest radius that is planned with, to either side, or a straight line, forward or
backwards, from exactly where the last one ended; of two that end in the same cell at about the same heading and in the
same direction, the cheaper one counts. From near the goal, and now and then, it looks whether an arc and a straight
line lead there. The way left is at least that of a disc as wide as the body at its narrowest.
"""

from __future__ import annotations

import heapq
import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Float32s, Int64s
from swarm.model.body import REVERSE, TOP_SPEED
from swarm.planning.cars.space import STEP, CarSpace, body_gap, way_fits
from swarm.planning.graph.fields import weighted_field
from swarm.scenario.obstacle_index import room_around

_HEADINGS, _CELL, _MOST_STATES = 32, 0.12, 6_000_000  # a cell in radii
_PIECES = 2  # looks at what is around, a step
_CUSP, _BACKWARDS, _BENDS, _TIGHT = 1.5, 1.05, 0.05, 0.5  # costs: of a change of direction in radii; shares of a way
_EAGER = 1.15  # Ways left are taken for so many times as long, so that fewer ways are looked at.
_MOST_POPS, _MOST_NODES, _ADDED = 6000, 48_000, 8  # at most so many nodes are added at once
_STANDS, _ROUNDING = 1e-3, 1e-6  # [m/s]; of costs
_OFTEN, _NEAR = 16, 6.0  # It looks for a way by one arc each so many times, or within so many radii of the goal.
_THERE = 0.3
"""A way ends within so many reaches of the goal."""
_LONGEST = 1200
_OUT = 0.1  # Where there is less room than needed, it has to grow by so much of the way.
# Columns of a node: its pose and direction, what the way there costs, not 0 if the rest is one arc and a line, the room
# there and the way left [m].
_X, _Y, _HEADING, _WAY, _COST, _LAST, _ROOM, _REST, _NODE = range(9)


class Left(NamedTuple):
    """The way left to a goal for a disc as wide as the body at its narrowest, on a grid."""

    values: Array  # float64[rows, columns] [m]; inf where there is none
    origin: Array  # float64[2] [m], lower-left corner
    size: float  # of a cell [m]


@njit(cache=True)
def way_left(space: CarSpace, thin: float, goal: Array, size: float) -> Left:
    """The way left to a goal from everywhere; ``thin``: half of the least width [m]; ``size``: of a cell [m]."""
    bounds = space.bounds
    columns, rows = max(1, math.ceil((bounds[2] - bounds[0]) / size)), max(1, math.ceil((bounds[3] - bounds[1]) / size))
    cost, best, row, column = np.full((rows, columns), np.inf), np.inf, -1, -1
    for r in range(rows):
        for c in range(columns):
            x, y = bounds[0] + (c + 0.5) * size, bounds[1] + (r + 0.5) * size
            if room_around(space.obstacles, space.others, x, y, 2.0 * thin) > thin - 0.5 * size:
                cost[r, c] = 1.0
                away = math.hypot(x - goal[0], y - goal[1])
                if away < best:
                    best, row, column = away, r, c
    values, _ = weighted_field(cost, row, column)
    return Left(values * size, bounds[:2].copy(), size)


@njit(cache=True)
def left_at(left: Left, goal: Array, x: float, y: float) -> float:
    """The way left from a point [m]; at least the straight one."""
    rows, columns = left.values.shape
    row, column = int((y - left.origin[1]) / left.size), int((x - left.origin[0]) / left.size)
    least = np.inf
    for r in range(max(row - 1, 0), min(row + 2, rows)):
        for c in range(max(column - 1, 0), min(column + 2, columns)):
            least = min(least, left.values[r, c])
    return max(least, math.hypot(goal[0] - x, goal[1] - y))


@njit(cache=True)
def _state(space: CarSpace, cell: float, columns: int, x: float, y: float, heading: float, direction: float) -> int:
    """Number of the cell, heading and direction of a pose."""
    row, column = int((y - space.bounds[1]) / cell), int((x - space.bounds[0]) / cell)
    k = math.floor(heading / (2.0 * math.pi) * _HEADINGS + 0.5) % _HEADINGS
    return ((row * columns + column) * _HEADINGS + k) * 2 + (1 if direction < 0.0 else 0)


@njit(cache=True)
def _walk(
    space: CarSpace, needed: float, node: Array, direction: float, turn: float, step: float, corners: Array, out: Array
) -> float:
    """Drive a step from a node along an arc; the room at its end [m], below 0 if it does not fit.

    Where there is less room than needed, the way has to lead out of that. ``out``: ``float64[_PIECES, 3]``, written.
    """
    x, y, heading, room, piece = node[0], node[1], node[2], node[_ROOM], step / _PIECES
    for k in range(_PIECES):
        turned = direction * turn * piece / space.radius
        x += direction * piece * math.cos(heading + 0.5 * turned)
        y += direction * piece * math.sin(heading + 0.5 * turned)
        heading += turned
        gap = body_gap(space, x, y, heading, corners)
        if gap < needed and (gap < room + _OUT * piece or gap < 0.0):
            return -1.0
        room, out[k, 0], out[k, 1], out[k, 2] = gap, x, y, heading
    return room


class _Tree(NamedTuple):
    """Nodes that ways have come to."""

    nodes: Array  # float64[_MOST_NODES, _NODE]
    before: Int64s  # int64[_MOST_NODES], the one before; -1 of the start
    known: Float32s  # float32[states], the least cost of each
    cell: float  # [m]
    columns: int
    step: float  # [m]
    slow: float  # what a way backwards costs, to one forward; inf: none


@njit(cache=True)
def _new_tree(space: CarSpace, start: Array, now: float, corners: Array) -> _Tree:
    """The start alone; ``now``: the car's speed [m/s]."""
    width, height = space.bounds[2] - space.bounds[0], space.bounds[3] - space.bounds[1]
    cell = max(_CELL * space.radius, math.sqrt(width * height * _HEADINGS * 2 / _MOST_STATES))
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    back, step = space.body[REVERSE], max(2.0 * STEP * space.radius, 1.6 * cell)
    slow = _BACKWARDS * space.body[TOP_SPEED] / back if back > 0.0 else np.inf
    nodes, before = np.zeros((_MOST_NODES, _NODE)), np.full(_MOST_NODES, -1, np.int64)
    nodes[0, :_WAY] = start[:3]
    nodes[0, _WAY] = 0.0 if abs(now) < _STANDS else math.copysign(1.0, now)
    nodes[0, _ROOM] = body_gap(space, start[0], start[1], start[2], corners)
    return _Tree(nodes, before, np.full(rows * columns * _HEADINGS * 2, np.inf, np.float32), cell, columns, step, slow)


@njit(cache=True)
def _add_ends(
    space: CarSpace, needed: float, tree: _Tree, i: int, many: int, goal: Array, near: float, corners: Array,
    heap: list[tuple[float, int]],
) -> int:  # fmt: skip
    """Add the ways from a node to the goal by an arc and a straight line; returns how many nodes there are then."""
    node, nothing = tree.nodes[i], np.empty((0, 4))
    for way in (1.0, -1.0):
        share = tree.slow if way < 0.0 else 1.0
        if share == np.inf:
            continue
        length = way_fits(space, needed, space.radius, node, way, goal[0], goal[1], near, nothing, corners)
        if length < np.inf:
            total = node[_COST] + length * share + (_CUSP * space.radius if node[_WAY] * way < 0.0 else 0.0)
            tree.nodes[many] = node
            tree.nodes[many, _WAY], tree.nodes[many, _COST], tree.nodes[many, _LAST] = way, total, way
            tree.before[many] = i
            heapq.heappush(heap, (total, many))
            many += 1
    return many


@njit(cache=True)
def _add_steps(
    space: CarSpace, needed: float, tree: _Tree, i: int, many: int, goal: Array, left: Left, corners: Array, out: Array,
    heap: list[tuple[float, int]],
) -> int:  # fmt: skip
    """Add the steps from a node that are cheaper than what was known; returns how many nodes there are then."""
    node, nodes = tree.nodes[i], tree.nodes
    for option in range(6):
        way, turn = (1.0 if option < 3 else -1.0), float(option % 3 - 1)
        share = tree.slow if way < 0.0 else 1.0
        gap = _walk(space, needed, node, way, turn, tree.step, corners, out) if share < np.inf else -1.0
        if gap < 0.0:
            continue
        last = out[_PIECES - 1]
        rest = left_at(left, goal, last[0], last[1])
        share += _BENDS * abs(turn) + _TIGHT * (1.0 - gap / space.comfort)
        total = node[_COST] + tree.step * share + (_CUSP * space.radius if node[_WAY] * way < 0.0 else 0.0)
        number = _state(space, tree.cell, tree.columns, last[0], last[1], last[2], way)
        if rest == np.inf or total >= tree.known[number]:
            continue
        tree.known[number], tree.before[many] = total, i
        nodes[many, :_WAY], nodes[many, _WAY], nodes[many, _COST], nodes[many, _ROOM] = last, way, total, gap
        nodes[many, _REST] = rest
        heapq.heappush(heap, (total + _EAGER * rest, many))
        many += 1
    return many


@njit(cache=True)
def search(space: CarSpace, needed: float, start: Array, now: float, goal: Array, left: Left) -> tuple[Array, bool]:
    """The way of a car to a goal, and whether it ends there; else it ends where the way left is the least.

    Args:
        space: Around the car.
        needed: What the way keeps from obstacles [m]; where the car keeps less, it has to lead out of that.
        start: Where it is: x, y [m], heading [rad].
        now: Its speed [m/s].
        goal: x, y [m].
        left: To the goal.

    Returns:
        Poses along the way, x, y [m], heading [rad] and direction (1 forward, -1 backwards), ``float64[n, 4]``; the
        first one is the start.
    """
    corners, out, near = np.empty_like(space.footprint), np.empty((_PIECES, 3)), _THERE * space.reach
    tree = _new_tree(space, start, now, corners)
    nodes, many, pops, best = tree.nodes, 1, 0, 0
    nodes[0, _REST] = left_at(left, goal, start[0], start[1])
    heap = [(_EAGER * nodes[0, _REST], 0)]
    while len(heap) > 0 and pops < _MOST_POPS and many < _MOST_NODES - _ADDED:
        _, i = heapq.heappop(heap)
        x, y, away = nodes[i, _X], nodes[i, _Y], math.hypot(goal[0] - nodes[i, _X], goal[1] - nodes[i, _Y])
        if nodes[i, _LAST] != 0.0 or away <= near:
            return _trace(space, tree, i, goal, near, corners), True
        state = _state(space, tree.cell, tree.columns, x, y, nodes[i, _HEADING], nodes[i, _WAY]) if i > 0 else 0
        if i > 0 and nodes[i, _COST] > tree.known[state] * (1.0 + _ROUNDING):
            continue  # it has been reached by a cheaper way since
        if nodes[i, _REST] < nodes[best, _REST]:
            best = i
        if pops % _OFTEN == 0 or away < _NEAR * space.radius:
            many = _add_ends(space, needed, tree, i, many, goal, near, corners, heap)
        pops += 1
        many = _add_steps(space, needed, tree, i, many, goal, left, corners, out, heap)
    return _trace(space, tree, best, goal, near, corners), False


@njit(cache=True)
def _trace(space: CarSpace, tree: _Tree, last: int, goal: Array, near: float, corners: Array) -> Array:
    """The way to a node, from the start on, with a pose in each half of a step."""
    nodes, before, step, shot = tree.nodes, tree.before, tree.step, np.empty((_LONGEST, 4))
    count, i = 0, last
    while i >= 0:
        count, i = count + 1, before[i]
    numbers, i = np.empty(count, np.int64), last
    for k in range(count - 1, -1, -1):
        numbers[k], i = i, before[i]
    path, many = np.empty((2 * count + len(shot), 4)), 1
    path[0] = nodes[numbers[0], :4]
    for k in range(1, count):
        a, b = nodes[numbers[k - 1]], nodes[numbers[k]]
        if b[_LAST] != 0.0:  # the rest by one arc and a straight line
            way_fits(space, -np.inf, space.radius, a, b[_LAST], goal[0], goal[1], near, shot, corners)
            for j in range(len(shot)):
                if math.isnan(shot[j, 0]):
                    break
                path[many], many = shot[j], many + 1
            break
        turned = b[2] - a[2]
        path[many, 0] = a[0] + b[3] * 0.5 * step * math.cos(a[2] + 0.25 * turned)
        path[many, 1] = a[1] + b[3] * 0.5 * step * math.sin(a[2] + 0.25 * turned)
        path[many, 2], path[many, 3] = a[2] + 0.5 * turned, b[3]
        path[many + 1] = b[:4]
        many += 2
    if many > 1 and path[0, 3] == 0.0:
        path[0, 3] = path[1, 3]
    return path[:many].copy()
