"""Priority inheritance with backtracking: one collision-free step for robots that each rank their five moves.

Source: Okumura, Machida, Défago, Tamura, "Priority inheritance with backtracking for iterative multi-agent path
finding", Artificial Intelligence 310 (2022), Algorithm 1; written with an explicit stack, since the recursion is as
deep as the longest chain of robots that push each other. The rankings may come from anywhere (distances, a network):
the moves that come out never put two robots into one cell and never swap two.

``pibt_moves`` settles all robots. A robot that decides alone works out its own move, from the robots that it knows of
(``own_move``); a team of such robots is a loop over ``own_move``.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numba import njit
from numba.extending import register_jitable

from swarm.array_types import Flags, Int8s, Int32s, Int64s
from swarm.errors import InputError
from swarm.planning.graph.grid_graph import order_moves
from swarm.planning.graph.moves import MOVES, move_between, moved

IDS = 1 << 20
"""Identities that there can be."""
Key = TypeVar("Key", int, Int64s)
_SETTLED = 6  # in ``tried``: this robot's move will not change any more
_FEW = 32  # robots that are sorted more quickly by insertion


class Inheritance(NamedTuple):
    """Memory of priority inheritance among n robots; between calls it is as ``make_inheritance`` makes it.

    Attributes:
        target: Next cell of each robot, -1 until it has one, int64[n].
        root: The robot whose priority each moves with, int64[n].
        tried: How many moves each has tried, int8[n].
        stack: A chain of pushes, int64[n].
        occupant: Robot in each cell, -1 without one, int32[rows * columns].
        reserved: Robot that gets each cell, -1 without one, int32[rows * columns].
    """

    target: Int64s
    root: Int64s
    tried: Int8s
    stack: Int64s
    occupant: Int32s
    reserved: Int32s


@njit(cache=True)
def make_inheritance(robots: int, occupant: Int32s, reserved: Int32s) -> Inheritance:
    """Memory for so many robots; ``occupant`` and ``reserved`` are full of -1."""
    return Inheritance(
        np.full(robots, -1, dtype=np.int64), np.arange(robots), np.zeros(robots, dtype=np.int8),
        np.empty(robots, dtype=np.int64), occupant, reserved,
    )  # fmt: skip


@register_jitable
def pack_key(order: Key, robot_id: Key) -> Key:
    """Priority as one integer: the larger order goes first; among equals the smaller id. Also of arrays."""
    return order * IDS + (IDS - 1 - robot_id)


@register_jitable
def id_of_key(key: int) -> int:
    """Identity of the robot that has this priority."""
    return IDS - 1 - (key & (IDS - 1))


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
    return pack_key(ticks, check_robot_id(robot_id))


@njit(cache=True)
def _place_forced(forced: Int64s, order: Int64s, room: Inheritance) -> None:
    """Settle the robots whose next cell is already known; the first in order gets a cell that two of them name."""
    for robot in order:
        cell = forced[robot]
        free = 0 <= cell < room.reserved.shape[0] and room.reserved[cell] < 0
        if free and room.occupant[cell] in (-1, robot):
            room.target[robot] = cell
            room.reserved[cell] = robot
            room.tried[robot] = _SETTLED


@njit(cache=True)
def _try_moves(robot: int, cells: Int64s, ranking: Int8s, free: Flags, room: Inheritance, rotate: bool) -> int:
    """Give a robot its best move that is still open.

    Returns:
        -1: nothing is open. -2: settled. Otherwise the robot that must first leave the cell.
    """
    target, tried = room.target, room.tried
    rows, columns = free.shape
    here = int(cells[robot])
    while tried[robot] < 5:
        move = ranking[robot, tried[robot]]
        tried[robot] += 1
        row, column = moved(here // columns, here % columns, move)
        if row < 0 or row >= rows or column < 0 or column >= columns or not free[row, column]:
            continue
        cell = row * columns + column
        if room.reserved[cell] >= 0:
            continue
        other = room.occupant[cell]
        # No swap, neither with a robot that is settled nor with the one that pushes: that one's target is here.
        decided = other >= 0 and other != robot and target[other] >= 0
        if decided and (target[other] == here or (not rotate and tried[other] != _SETTLED)):
            continue
        target[robot] = cell
        room.reserved[cell] = robot
        if other >= 0 and other != robot and target[other] < 0:
            return int(other)
        return -2
    return -1


@njit(cache=True)
def _settle(first: int, cells: Int64s, ranking: Int8s, free: Flags, room: Inheritance, rotate: bool) -> None:
    """Settle a robot, and those that it pushes; the stack is the chain of pushes."""
    stack, target, tried = room.stack, room.target, room.tried
    stack[0], depth = first, 1
    while depth > 0:
        robot = stack[depth - 1]
        room.root[robot] = first
        found = _try_moves(robot, cells, ranking, free, room, rotate)
        if found >= 0:
            stack[depth] = found
            depth += 1
        elif found == -2:
            for level in range(depth):
                tried[stack[level]] = _SETTLED
            return
        else:
            target[robot] = cells[robot]
            room.reserved[cells[robot]] = robot
            tried[robot] = _SETTLED
            depth -= 1
            if depth > 0:
                target[stack[depth - 1]] = -1


@njit(cache=True)
def _leave(robots: Int64s, cells: Int64s, room: Inheritance) -> None:
    """Take these robots out of the cells."""
    for robot in robots:
        room.occupant[cells[robot]] = room.reserved[cells[robot]] = -1
        if room.target[robot] >= 0:
            room.reserved[room.target[robot]] = -1


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
    room = make_inheritance(len(cells), work[0], work[1])
    order = np.argsort(-priority)
    for robot in order:
        room.occupant[cells[robot]] = robot
    _place_forced(forced, order, room)
    for robot in order:
        if room.target[robot] < 0:
            _settle(robot, cells, ranking, free, room, rotate)
    _leave(order, cells, room)
    return room.target, room.root


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
def own_move(
    i: int, group: Int64s, cells: Int64s, ranking: Int8s, priority: Int64s, free: Flags, room: Inheritance
) -> int:  # fmt: skip
    """The move of one robot: its own part of priority inheritance among those that it knows of.

    Everyone is settled in the one set of arrays, by the number that it has in the team: 10,000 small copies cost more
    than what is done with them. Nothing is read of robots outside of the group.

    Args:
        i: The robot.
        group: Those that it knows of, itself included, in any order, int64[k]; sorted afterwards.
        cells: Where each robot is, flat index, int64[n]; all different in the group.
        ranking: The moves in the order in which each robot prefers them, int8[n, 5].
        priority: Larger goes first, int64[n]; all different in the group.
        free: Where robots may be, bool[rows, columns].
        room: For n robots or more.

    Returns:
        0 to 4.
    """
    _sort_by_priority(group, priority)
    for robot in group:
        room.occupant[cells[robot]] = robot
    for robot in group:
        if room.target[i] >= 0:
            break  # Those that are not settled by now have no part in its move.
        if room.target[robot] < 0:
            _settle(robot, cells, ranking, free, room, True)
    move = move_between(cells[i], room.target[i], free.shape[1])
    _leave(group, cells, room)
    for robot in group:
        room.target[robot], room.tried[robot] = -1, 0
    return move


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
