"""Priority inheritance with backtracking: one collision-free step for robots that each rank their five moves.

Source: Okumura, Machida, Défago, Tamura, "Priority inheritance with backtracking for iterative multi-agent path
finding", Artificial Intelligence 310 (2022), Algorithm 1; written with an explicit stack, since the recursion is as
deep as the longest chain of robots that push each other. The rankings may come from anywhere (distances, a network):
the moves that come out never put two robots into one cell and never swap two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int8s, Int32s, Int64s
from swarm.errors import InputError
from swarm.planning.graph.fields import FieldCache, distance_field
from swarm.planning.graph.moves import MOVES, flat_steps, moved

IDS = 1 << 20
"""Identities that there can be."""
_SETTLED = 6  # in ``tried``: this robot's move will not change any more


def priority_key(ticks: int, robot_id: int) -> int:
    """Priority as one integer: steps since the robot last reached a goal; among equals the smaller id goes first.

    Args:
        ticks: Steps since the last goal; negative for a robot that makes way for everyone, as one without a goal does.
        robot_id: Identity, 0 to 1,048,575.
    """
    if not 0 <= robot_id < IDS:
        raise InputError("robot_id", robot_id, f"an integer from 0 to {IDS - 1}")
    return ticks * IDS + (IDS - 1 - robot_id)


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
def settle(
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
    enough: int = -1,
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
        enough: Stop once this robot is settled; those that are not settled by then have no part in its move.

    Returns:
        The next cell of each robot, int64[n], -1 if it is not settled, and the robot whose priority it moves with
        (itself, or the one at the head of the chain that pushes it), int64[n].
    """
    n = cells.shape[0]
    occupant, reserved = work[0], work[1]
    target = np.full(n, -1, dtype=np.int64)
    root = np.arange(n)
    tried = np.zeros(n, dtype=np.int8)
    stack = np.empty(n, dtype=np.int64)
    order = np.argsort(-priority)
    for robot in range(n):
        occupant[cells[robot]] = robot
    _place_forced(forced, order, target, tried, occupant, reserved)
    for place in range(n):
        if enough >= 0 and target[enough] >= 0:
            break
        if target[order[place]] < 0:
            stack[0] = order[place]
            settle(stack, tried, cells, ranking, free, target, root, occupant, reserved, rotate)
    for robot in range(n):
        occupant[cells[robot]] = -1
        if target[robot] >= 0:
            reserved[target[robot]] = -1
        reserved[cells[robot]] = -1
    return target, root


class PibtMessage(NamedTuple):
    """What a robot of a grid world hears from another.

    Attributes:
        cell: Where it is (row, column).
        ranking: Its five moves, most preferred first.
        priority: Its ``priority_key``.
    """

    cell: tuple[int, int]
    ranking: tuple[int, ...]
    priority: int


class PibtPlanner:
    """Decentralised lifelong planner of one robot in a grid world, where all robots move at the same time.

    Each robot tells the others its cell, ranking and priority, works out priority inheritance for those that it hears,
    and makes its own move of the result. Robots that hear different robots can come to different results, so the world
    must still resolve conflicts (see ``swarm.planning.pibt.reservation``).

    Args:
        free: Where robots may be, bool[rows, columns].
        robot_id: Identity, which settles equal priorities.
    """

    def __init__(self, free: Flags, robot_id: int) -> None:
        self.free = np.ascontiguousarray(free, dtype=np.bool_)
        self.robot_id = robot_id
        self.ticks = 0
        self._fields = FieldCache(lambda row, column: distance_field(self.free, row, column))
        self._work = np.full((2, self.free.size), -1, dtype=np.int32)

    def reached(self) -> None:
        """Tell the planner that the goal was reached: its priority starts again from nothing."""
        self.ticks = 0

    def announce(self, cell: tuple[int, int], goal: tuple[int, int]) -> PibtMessage:
        """What this robot tells the others in this step; to be called once a step, before ``decide``."""
        self.ticks += 1
        field = self._fields[goal]
        tie = (self.robot_id * 7 + self.ticks * 3) % 5
        return PibtMessage(cell, rank_by_distance(field, cell, tie), priority_key(self.ticks, self.robot_id))

    def decide(self, own: PibtMessage, heard: Mapping[int, PibtMessage]) -> int:
        """Choose a move (0 to 4) from what was announced in this step.

        Args:
            own: What ``announce`` returned.
            heard: The same of the robots within hearing, by id.
        """
        everyone = [own, *(heard[key] for key in sorted(heard))]
        columns = self.free.shape[1]
        cells = np.array([one.cell[0] * columns + one.cell[1] for one in everyone], dtype=np.int64)
        ranking = np.array([one.ranking for one in everyone], dtype=np.int8)
        priority = np.array([one.priority for one in everyone], dtype=np.int64)
        forced = np.full(len(everyone), -1, dtype=np.int64)
        target, _ = pibt_moves(cells, ranking, priority, self.free, forced, True, self._work, 0)
        return move_between(int(cells[0]), int(target[0]), columns)


def move_between(start: int, end: int, columns: int) -> int:
    """The move that leads from one flat cell to an adjacent or the same one."""
    return flat_steps(columns).index(end - start)  # In a single column, 1 is down.


def rank_by_distance(field: Int32s, cell: tuple[int, int], tie: int = 0) -> tuple[int, ...]:
    """Order the five moves by the distance that is left after them; walls come last.

    Args:
        field: Distances to the goal, int32[rows, columns].
        cell: Where the robot is (row, column).
        tie: Among equally good moves, this one and those after it (cyclically) come first; staying comes last.
    """
    rows, columns = field.shape
    keys = []
    for move, (down, right) in enumerate(MOVES.tolist()):
        row, column = cell[0] + down, cell[1] + right
        inside = 0 <= row < rows and 0 <= column < columns
        left = int(field[row, column]) if inside else 1 << 31
        keys.append((left, move == 0, (move - tie) % 5, move))
    return tuple(key[-1] for key in sorted(keys))
