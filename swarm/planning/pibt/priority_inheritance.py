"""Priority inheritance with backtracking: one collision-free step for robots that each rank their five moves.

Source: Okumura, Machida, Défago, Tamura, "Priority inheritance with backtracking for iterative multi-agent path
finding", Artificial Intelligence 310 (2022), Algorithm 1; written with an explicit stack, since the recursion is as
deep as the longest chain of robots that push each other. The rankings may come from anywhere (distances, a network):
the moves that come out never put two robots into one cell and never swap two.

``pibt_moves`` settles all robots. A robot that decides alone works out its own move, from the robots that it knows of
(``own_moves``), one for itself or a team for each of its robots.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int8s, Int32s, Int64s, Integers
from swarm.errors import InputError
from swarm.planning.graph.grid_graph import order_moves
from swarm.planning.graph.moves import MOVES, move_between, moved

IDS = 1 << 20
"""Identities that there can be."""
Key = TypeVar("Key", int, Int64s)
_SETTLED = 6  # in ``tried``: this robot's move will not change any more
_FEW = 32  # robots that are sorted more quickly by insertion


def order_key(order: Key, robot_id: Key) -> Key:
    """Priority as one integer, or those of arrays: the larger order goes first; among equals the smaller id."""
    return order * IDS + (IDS - 1 - robot_id)


def id_of(key: int) -> int:
    """Identity of the robot that has this priority."""
    return IDS - 1 - (key & (IDS - 1))


# The same in kernels; Python does not call these, which would have to be compiled first.
pack_key: Any = njit(cache=True)(order_key)
id_of_key: Any = njit(cache=True)(id_of)


def check_robot_id(robot_id: int) -> int:
    """The identity.

    Raises:
        InputError: If no robot can have it.
    """
    if not 0 <= robot_id < IDS:
        raise InputError("robot_id", robot_id, f"an integer from 0 to {IDS - 1}")
    return robot_id


def priority_key(ticks: int, robot_id: int) -> int:
    """Priority as one integer: steps since the robot last reached a goal; among equals the smaller id goes first.

    Args:
        ticks: Steps since the last goal; negative for a robot that makes way for everyone, as one without a goal does.
        robot_id: Identity, 0 to 1,048,575.
    """
    return order_key(ticks, check_robot_id(robot_id))


@njit(cache=True)
def _place_forced(
    forced: Int64s,
    order: Int64s,
    target: Int64s,
    tried: Int8s,
    occupant: Int32s,
    reserved: Int32s,
) -> None:
    """Settle the robots whose next cell is already known; the first in order gets a cell that two of them name."""
    for place in range(order.shape[0]):
        robot = order[place]
        cell = forced[robot]
        if 0 <= cell < reserved.shape[0] and reserved[cell] < 0 and occupant[cell] in (-1, robot):
            target[robot] = cell
            reserved[cell] = robot
            tried[robot] = _SETTLED


@njit(cache=True)
def _try_moves(
    robot: int,
    tried: Int8s,
    cells: Int64s,
    ranking: Int8s,
    free: Flags,
    target: Int64s,
    occupant: Int32s,
    reserved: Int32s,
    rotate: bool,
) -> int:
    """Give a robot its best move that is still open.

    Returns:
        -1: nothing is open. -2: settled. Otherwise the robot that must first leave the cell.
    """
    rows, columns = free.shape
    here = int(cells[robot])
    while tried[robot] < 5:
        move = ranking[robot, tried[robot]]
        tried[robot] += 1
        row, column = moved(here // columns, here % columns, move)
        if row < 0 or row >= rows or column < 0 or column >= columns or not free[row, column]:
            continue
        cell = row * columns + column
        if reserved[cell] >= 0:
            continue
        other = occupant[cell]
        # No swap, neither with a robot that is settled nor with the one that pushes: that one's target is here.
        decided = other >= 0 and other != robot and target[other] >= 0
        if decided and (target[other] == here or (not rotate and tried[other] != _SETTLED)):
            continue
        target[robot] = cell
        reserved[cell] = robot
        if other >= 0 and other != robot and target[other] < 0:
            return int(other)
        return -2
    return -1


@njit(cache=True)
def _settle(
    stack: Int64s,
    tried: Int8s,
    cells: Int64s,
    ranking: Int8s,
    free: Flags,
    target: Int64s,
    root: Int64s,
    occupant: Int32s,
    reserved: Int32s,
    rotate: bool,
) -> None:
    """Settle the robot at the bottom of the stack, and those that it pushes; the stack is the chain of pushes."""
    depth = 1
    while depth > 0:
        robot = stack[depth - 1]
        root[robot] = stack[0]
        found = _try_moves(robot, tried, cells, ranking, free, target, occupant, reserved, rotate)
        if found >= 0:
            stack[depth] = found
            depth += 1
        elif found == -2:
            for level in range(depth):
                tried[stack[level]] = _SETTLED
            return
        else:
            target[robot] = cells[robot]
            reserved[cells[robot]] = robot
            tried[robot] = _SETTLED
            depth -= 1
            if depth > 0:
                target[stack[depth - 1]] = -1


@njit(cache=True)
def pibt_moves(
    cells: Int64s,
    ranking: Int8s,
    priority: Int64s,
    free: Flags,
    forced: Int64s,
    rotate: bool,
    work: Int32s,
) -> tuple[Int64s, Int64s]:
    """One step of priority inheritance with backtracking for n robots.

    Args:
        cells: Where each robot is, flat index, int64[n]; all different.
        ranking: The moves in the order in which each robot prefers them, int8[n, 5] (see
        ``swarm.planning.graph.moves``).
        priority: Larger goes first, int64[n]; all different, so that everyone who computes this agrees.
        free: Where robots may be, bool[rows, columns].
        forced: Next cell of robots that have settled it already, -1 for the others, int64[n]; ignored if another robot
            is there.
        rotate: Whether a ring of robots may turn by one all at once; False where a cell is entered only once it is
            left.
        work: int32[2, rows * columns] full of -1; it is full of -1 again afterwards.

    Returns:
        The next cell of each robot, int64[n], and the robot whose priority it moves with (itself, or the one at the
        head of the chain that pushes it), int64[n].
    """
    n = cells.shape[0]
    occupant, reserved = work[0], work[1]
    target, root = np.full(n, -1, dtype=np.int64), np.arange(n)
    tried, stack = np.zeros(n, dtype=np.int8), np.empty(n, dtype=np.int64)
    order = np.argsort(-priority)
    for robot in range(n):
        occupant[cells[robot]] = robot
    _place_forced(forced, order, target, tried, occupant, reserved)
    for place in range(n):
        if target[order[place]] < 0:
            stack[0] = order[place]
            _settle(stack, tried, cells, ranking, free, target, root, occupant, reserved, rotate)
    for robot in range(n):
        occupant[cells[robot]] = reserved[cells[robot]] = reserved[target[robot]] = -1
    return target, root


@njit(cache=True)
def _sort_by_priority(group: Int64s, priority: Int64s) -> None:
    """Sort robots, the one that goes first at the front."""
    if len(group) > _FEW:
        group[:] = group[np.argsort(-priority[group])]
        return
    for k in range(1, len(group)):
        robot, place = group[k], k
        while place > 0 and priority[group[place - 1]] < priority[robot]:
            group[place] = group[place - 1]
            place -= 1
        group[place] = robot


@njit(cache=True)
def own_moves(
    first: Integers, groups: Int64s, cells: Int64s, ranking: Int8s, priority: Int64s, free: Flags, work: Int32s
) -> Int64s:  # fmt: skip
    """The moves of m robots, each its own part of priority inheritance among those that it knows of.

    Everyone is settled in the one set of arrays, by the number that it has in the team: 10,000 small copies cost more
    than what is done with them. Nothing is read of robots outside of a group.

    Args:
        first: Where in ``groups`` each group begins, and where the last ends, integers [m + 1].
        groups: The groups one after another: the robot itself, and then those that it knows of; sorted afterwards.
        cells: Where each of n robots is, flat index, int64[n]; all different in a group.
        ranking: The moves in the order in which each robot prefers them, int8[n, 5].
        priority: Larger goes first, int64[n]; all different in a group.
        free: Where robots may be, bool[rows, columns].
        work: int32[2, rows * columns] full of -1, also afterwards.

    Returns:
        0 to 4, int64[m].
    """
    n, occupant, reserved = len(cells), work[0], work[1]
    target, root, tried = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int8)
    stack, moves = np.empty(n, dtype=np.int64), np.empty(len(first) - 1, dtype=np.int64)
    for one in range(len(moves)):
        start, end, i = first[one], first[one + 1], groups[first[one]]
        _sort_by_priority(groups[start:end], priority)
        for k in range(start, end):
            occupant[cells[groups[k]]] = groups[k]
        for k in range(start, end):
            if target[i] >= 0:
                break  # Those that are not settled by now have no part in its move.
            if target[groups[k]] < 0:
                stack[0] = groups[k]
                _settle(stack, tried, cells, ranking, free, target, root, occupant, reserved, True)
        moves[one] = move_between(cells[i], target[i], free.shape[1])
        for k in range(start, end):
            robot = groups[k]
            occupant[cells[robot]] = reserved[cells[robot]] = -1
            if target[robot] >= 0:
                reserved[target[robot]] = -1
            target[robot], tried[robot] = -1, 0
    return moves


@njit(cache=True)
def rank_by_way(left: Int64s, tie: int, ranking: Int8s) -> None:
    """Order the five moves by the way left after each of them, int64[5], which is used up; staying is last of equals.

    Among the others that are equally good, ``tie`` and those after it (cyclically) come first.
    """
    for move in range(5):
        left[move] = left[move] * 16 + (8 if move == 0 else 0) + (move - tie) % 5
    order_moves(left, ranking)


def rank_by_distance(field: Int32s, cell: tuple[int, int], tie: int = 0) -> tuple[int, ...]:
    """Order the five moves by the distance that is left after them (``rank_by_way``); walls come last.

    Args:
        field: Distances to the goal, int32[rows, columns].
        cell: Where the robot is (row, column).
        tie: Among equally good moves, this one and those after it (cyclically) come first; staying comes last.
    """
    rows, columns = field.shape
    left, ranking = np.full(5, 1 << 31), np.empty(5, dtype=np.int8)
    for move, (row, column) in enumerate((MOVES + cell).tolist()):
        if 0 <= row < rows and 0 <= column < columns:
            left[move] = field[row, column]
    rank_by_way(left, tie, ranking)
    return tuple(ranking.tolist())
