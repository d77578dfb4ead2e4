"""A way for a car from where it is to a point: hybrid A* (Dolgov et al. 2008) over place, heading and direction.

Each step is an arc of the tightest radius that is planned with, to either side, or a straight line, forward or
backwards, from exactly where the last one ended; of two that end in the same cell at about the same heading and in the
same direction, the cheaper one counts. From near the goal, and now and then, it looks whether an arc and a straight
line lead there. A search looks at so many nodes at a time, and goes on from there when it is asked again.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.model.body import REVERSE, TOP_SPEED
from swarm.planning.cars.left import Left, left_at
from swarm.planning.cars.space import CarSpace, body_gap, way_fits
from swarm.planning.cars.tree import (
    COST,
    HEADING,
    LAST,
    LOOKED,
    MANY,
    MOST_NODES,
    NEAREST,
    NODE,
    QUEUED,
    REST,
    ROOM,
    WAY,
    Tree,
    X,
    Y,
    add,
    clear,
    nodes_to,
    slot_of,
    step_of,
    take,
)

MOST_LOOKS = 6000
"""So many nodes are looked at in one search, at most."""
_PIECES = 2  # looks at what is around, a step
_CUSP, _BACKWARDS, _BENDS, _TIGHT = 1.5, 1.05, 0.05, 0.5  # costs: of a change of direction in radii; shares of a way
_EAGER = 1.15  # Ways left are taken for so many times as long, so that fewer ways are looked at.
_ADDED = 8  # at most so many nodes are added at once
_STANDS = 1e-3  # [m/s]
_OFTEN, _NEAR = 8, 2.0  # It looks for a way by one arc each so many times, or within so many radii of the goal.
_THERE = 0.3  # A way ends within so many reaches of the goal.
_LONGEST = 1200
_OUT = 0.1  # Where there is less room than needed, it has to grow by so much of the way.
RUNNING, NOWHERE = -1, -2
"""Of ``look_on``: it has not looked at everything yet; it has, and no way leads to the goal."""


@njit(cache=True)
def _walk(
    space: CarSpace, needed: float, node: Array, direction: float, turn: float, corners: Array, out: Array
) -> float:
    """Drive a step from a node along an arc; the room at its end [m], below 0 if it does not fit.

    Where there is less room than needed, the way has to lead out of that. ``out``: ``float64[_PIECES, 3]``, written.
    """
    x, y, heading, room, piece = node[X], node[Y], node[HEADING], node[ROOM], step_of(space) / _PIECES
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


@njit(cache=True)
def _price(space: CarSpace, way: float) -> float:
    """What a way in a direction costs, to one forward; inf: the car does not drive backwards."""
    back = space.body[REVERSE]
    if way > 0.0:
        return 1.0
    return _BACKWARDS * space.body[TOP_SPEED] / back if back > 0.0 else np.inf


@njit(cache=True)
def _cost(space: CarSpace, node: Array, way: float, length: float, price: float) -> float:
    """What the way to a node costs, and on from there in a direction."""
    return node[COST] + length * price + (_CUSP * space.radius if node[WAY] * way < 0.0 else 0.0)


@njit(cache=True)
def begin(space: CarSpace, tree: Tree, start: Array, now: float, goal: Array, left: Left) -> None:
    """Begin a search where a car is: x, y [m], heading [rad]; ``now``: its speed [m/s]."""
    node = np.zeros(NODE)
    node[:WAY] = start[:3]
    node[WAY] = 0.0 if abs(now) < _STANDS else math.copysign(1.0, now)
    node[ROOM] = body_gap(space, start[0], start[1], start[2], np.empty_like(space.footprint))
    node[REST] = left_at(left, goal, start[0], start[1])
    clear(tree)
    add(tree, node, -1, _EAGER * node[REST])


@njit(cache=True)
def _add_ends(
    space: CarSpace, needed: float, tree: Tree, i: int, goal: Array, near: float, corners: Array
) -> None:  # fmt: skip
    """Add the ways from a node to the goal by an arc and a straight line."""
    node, nothing = tree.nodes[i].copy(), np.empty((0, 4))
    for way in (1.0, -1.0):
        price = _price(space, way)
        if price == np.inf:
            continue
        length = way_fits(space, needed, space.radius, node, way, goal[0], goal[1], near, nothing, corners)
        if length < np.inf:
            end = node.copy()
            end[COST], end[WAY], end[LAST] = _cost(space, node, way, length, price), way, way
            add(tree, end, i, end[COST])


@njit(cache=True)
def _add_steps(
    space: CarSpace, needed: float, tree: Tree, i: int, goal: Array, left: Left, corners: Array, out: Array
) -> None:  # fmt: skip
    """Add the steps from a node that are cheaper than what was known."""
    node, end, step = tree.nodes[i], np.zeros(NODE), step_of(space)
    for option in range(6):
        way, turn = (1.0 if option < 3 else -1.0), float(option % 3 - 1)
        price = _price(space, way)
        gap = _walk(space, needed, node, way, turn, corners, out) if price < np.inf else -1.0
        if gap < 0.0:
            continue
        last = out[_PIECES - 1]
        rest = left_at(left, goal, last[0], last[1])
        price += _BENDS * abs(turn) + _TIGHT * (1.0 - gap / space.comfort)
        total = _cost(space, node, way, step, price)
        if rest == np.inf:
            continue
        slot = slot_of(space, tree, last[0], last[1], last[2], way)
        if total >= tree.known[slot]:
            continue
        tree.known[slot] = total
        end[:WAY], end[WAY], end[COST], end[ROOM], end[REST] = last, way, total, gap, rest
        add(tree, end, i, total + _EAGER * rest)


@njit(cache=True)
def look_on(space: CarSpace, needed: float, tree: Tree, goal: Array, left: Left, most: int) -> int:
    """Go on with a search; the last node of the way to the goal, ``RUNNING`` or ``NOWHERE``.

    Args:
        space: Around the car.
        needed: What the way keeps from obstacles [m]; where the car keeps less, it has to lead out of that.
        tree: Of the search.
        goal: x, y [m].
        left: To the goal.
        most: So many nodes are looked at now, at most.
    """
    corners, out, near = np.empty_like(space.footprint), np.empty((_PIECES, 3)), _THERE * space.reach
    nodes, counts = tree.nodes, tree.counts
    until = min(counts[LOOKED] + most, MOST_LOOKS)
    while counts[QUEUED] > 0 and counts[LOOKED] < until and counts[MANY] < MOST_NODES - _ADDED:
        i = take(tree)
        node = nodes[i]
        away = math.hypot(goal[0] - node[X], goal[1] - node[Y])
        if node[LAST] != 0.0 or away <= near:
            return i
        if i > 0 and node[COST] > tree.known[slot_of(space, tree, node[X], node[Y], node[HEADING], node[WAY])]:
            continue  # it has been reached by a cheaper way since
        if node[REST] < nodes[counts[NEAREST], REST]:
            counts[NEAREST] = i
        if counts[LOOKED] % _OFTEN == 0 or away < _NEAR * space.radius:
            _add_ends(space, needed, tree, i, goal, near, corners)
        counts[LOOKED] += 1
        _add_steps(space, needed, tree, i, goal, left, corners, out)
    over = counts[QUEUED] == 0 or counts[LOOKED] >= MOST_LOOKS or counts[MANY] >= MOST_NODES - _ADDED
    return NOWHERE if over else RUNNING


@njit(cache=True)
def way_to(space: CarSpace, tree: Tree, last: int, goal: Array) -> Array:
    """The way to a node, from the start on, with a pose in each half of a step.

    Returns:
        x, y [m], heading [rad] and direction (1 forward, -1 backwards), ``float64[n, 4]``; the first one is the start.
    """
    nodes, step, shot, numbers = tree.nodes, step_of(space), np.empty((_LONGEST, 4)), nodes_to(tree, last)
    near, corners = _THERE * space.reach, np.empty_like(space.footprint)
    path, many = np.empty((2 * len(numbers) + len(shot), 4)), 1
    path[0] = nodes[numbers[0], :4]
    for k in range(1, len(numbers)):
        a, b = nodes[numbers[k - 1]], nodes[numbers[k]]
        if b[LAST] != 0.0:  # the rest by one arc and a straight line
            way_fits(space, -np.inf, space.radius, a, b[LAST], goal[0], goal[1], near, shot, corners)
            for j in range(len(shot)):
                if math.isnan(shot[j, 0]):
                    break
                path[many], many = shot[j], many + 1
            break
        turned = b[HEADING] - a[HEADING]
        path[many, 0] = a[X] + b[WAY] * 0.5 * step * math.cos(a[HEADING] + 0.25 * turned)
        path[many, 1] = a[Y] + b[WAY] * 0.5 * step * math.sin(a[HEADING] + 0.25 * turned)
        path[many, 2], path[many, 3] = a[HEADING] + 0.5 * turned, b[WAY]
        path[many + 1] = b[:4]
        many += 2
    if many > 1 and path[0, 3] == 0.0:
        path[0, 3] = path[1, 3]
    return path[:many].copy()
