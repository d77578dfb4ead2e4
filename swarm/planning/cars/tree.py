"""Nodes that ways of a car have come to, which of them is looked at next, and the least cost of each state.

A tree is kept from one period to the next, so that a search may take several of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Int64s
from swarm.planning.cars.space import STEP, CarSpace
from swarm.planning.graph.fields import _pop, _push

MOST_NODES = 48_000
# Columns of a node: its pose and direction, what the way there costs, not 0 if the rest is one arc and a line, the room
# there and the way left [m].
X, Y, HEADING, WAY, COST, LAST, ROOM, REST, NODE = range(9)
MANY, QUEUED, LOOKED, NEAREST = range(4)
"""Of ``Tree.counts``: nodes, those that wait, those that were looked at, and the node with the least way left."""
_HEADINGS, _CELL, _SLOTS = 32, 0.12, 1 << 17  # a cell in radii of an arc; more slots than twice as many nodes
_STEP = 2.0 * STEP  # of a way, likewise


class Tree(NamedTuple):
    """See the head of this module.

    Attributes:
        nodes: ``float64[MOST_NODES, NODE]``.
        before: The node before each, -1 of the start, ``int64[MOST_NODES]``.
        states: A table of states by their numbers, -1 where there is none, ``int64[slots]``.
        known: The least cost of each of these, ``float64[slots]``.
        keys: Of the nodes that wait, the least one first (a binary heap), ``float64[MOST_NODES]``.
        queue: Which nodes these are, ``int64[MOST_NODES]``.
        counts: ``int64[4]``.
    """

    nodes: Array
    before: Int64s
    states: Int64s
    known: Array
    keys: Array
    queue: Int64s
    counts: Int64s


def new_tree() -> Tree:
    """An empty one."""
    return Tree(
        np.empty((MOST_NODES, NODE)), np.empty(MOST_NODES, np.int64), np.empty(_SLOTS, np.int64), np.empty(_SLOTS),
        np.empty(MOST_NODES), np.empty(MOST_NODES, np.int64), np.zeros(4, np.int64),
    )  # fmt: skip


@njit(cache=True)
def step_of(space: CarSpace) -> float:
    """Length of a step [m]."""
    return _STEP * space.radius


@njit(cache=True)
def slot_of(space: CarSpace, tree: Tree, x: float, y: float, heading: float, direction: float) -> int:
    """Where in the table the state of a pose is, or would be: its cell, about its heading, and its direction."""
    cell = _CELL * space.radius
    columns = int((space.bounds[2] - space.bounds[0]) / cell) + 1
    row, column = int((y - space.bounds[1]) / cell), int((x - space.bounds[0]) / cell)
    k = math.floor(heading / (2.0 * math.pi) * _HEADINGS + 0.5) % _HEADINGS
    number = ((row * columns + column) * _HEADINGS + k) * 2 + (1 if direction < 0.0 else 0)
    slot = (number ^ number >> 16) * 40503 % _SLOTS
    while tree.states[slot] >= 0 and tree.states[slot] != number:
        slot = (slot + 1) % _SLOTS
    if tree.states[slot] < 0:
        tree.states[slot], tree.known[slot] = number, np.inf
    return slot


@njit(cache=True)
def add(tree: Tree, node: Array, before: int, key: float) -> None:
    """Add a node ``float64[NODE]`` behind another one, which waits with a key."""
    many = tree.counts[MANY]
    tree.nodes[many], tree.before[many] = node, before
    tree.counts[QUEUED] = _push(tree.keys, tree.queue, tree.counts[QUEUED], key, many)
    tree.counts[MANY] += 1


@njit(cache=True)
def take(tree: Tree) -> int:
    """The node that is looked at next; it waits no longer."""
    found = tree.queue[0]
    tree.counts[QUEUED] = _pop(tree.keys, tree.queue, tree.counts[QUEUED])
    return found


@njit(cache=True)
def clear(tree: Tree) -> None:
    """Forget all nodes."""
    tree.states[:], tree.counts[:] = -1, 0


@njit(cache=True)
def nodes_to(tree: Tree, last: int) -> Int64s:
    """The numbers of the nodes on the way to one, from the start on."""
    count, i = 0, last
    while i >= 0:
        count, i = count + 1, tree.before[i]
    numbers, i = np.empty(count, np.int64), last
    for k in range(count - 1, -1, -1):
        numbers[k], i = i, tree.before[i]
    return numbers
