"""The cheapest way to a goal from every pose, and the poses along it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Float32s, Int64s
from swarm.planning.headings.poses import Poses, can_turn, point_of

# A pose stands for a robot at first if it is so many cells away at most, and its heading is the nearest one, or differs
# by less [rad].
_NEAR_CELLS, _NEAREST_HEADING, _NEAR_HEADING = 4, 0.24, 0.8
_LONGEST = 8.0  # No step but a turn costs more [cells].
_ASIDE = 2.0  # Cost of a cell between a robot and the pose that stands for it.


@njit(cache=True)
def place_of(poses: Poses, number: int) -> tuple[int, int, int]:
    """Heading, row and column of the pose of a number."""
    rows, columns = poses.cost.shape[1:]
    k, cell = divmod(number, rows * columns)
    row, column = divmod(cell, columns)
    return k, row, column


@njit(cache=True)
def goal_cell(poses: Poses, x: float, y: float) -> tuple[int, int]:
    """The cell at, or nearest to, a point in which some heading fits (row, column); (-1, -1) if there is none."""
    rows, columns = poses.cost.shape[1:]
    row = min(max(int((y - poses.origin[1]) / poses.resolution), 0), rows - 1)
    column = min(max(int((x - poses.origin[0]) / poses.resolution), 0), columns - 1)
    best, found_row, found_column = np.inf, -1, -1
    for ring in range(max(rows, columns)):
        if ring > best + 1.0:
            break
        for r in range(max(row - ring, 0), min(row + ring + 1, rows)):
            step = 1 if ring == 0 or abs(r - row) == ring else 2 * ring
            for c in range(column - ring, column + ring + 1, step):
                away = math.hypot(r - row, c - column)
                if c < 0 or c >= columns or away >= best:
                    continue
                for k in range(len(poses.angles)):
                    if poses.free[k % len(poses.free), r, c]:
                        best, found_row, found_column = away, r, c
                        break
    return found_row, found_column


@njit(cache=True, inline="always")
def step_cost(opened: Flags, cost: Float32s, move: int, row: int, column: int, to_row: int, to_column: int) -> float:
    """Cost of a move from one cell to another [cells]; inf if the outline does not fit on it."""
    shape, dr, dc = move % len(cost), to_row - row, to_column - column
    length = math.sqrt(float(dr * dr + dc * dc))
    return (
        0.5 * (cost[shape, row, column] + cost[shape, to_row, to_column]) * length
        if opened[move, row, column]
        else np.inf
    )


@njit(cache=True)
def field_of(poses: Poses, goal: Array) -> Float32s:
    """The way left to a goal, at any heading there, from all poses [cells], float32[H, rows, columns] (Dijkstra).

    As each step costs 1 or more, poses whose ways are equally long but for the fraction never change each other, and
    lists of poses by the whole part of their way do for a heap.
    """
    headings, (rows, columns) = len(poses.angles), poses.cost.shape[1:]
    values = np.full((headings, rows, columns), np.inf, np.float32)
    flat, steps = values.reshape(-1), len(poses.moves)
    lists = int(max(poses.turn if headings > 1 else 0.0, _LONGEST)) + 2
    head = np.full(lists, -1, np.int64)
    pool, used = np.empty((2 * rows * columns + 64, 2), np.int64), 0
    row, column = goal_cell(poses, goal[0], goal[1])
    for k in range(headings if row >= 0 else 0):
        if poses.free[k % len(poses.free), row, column]:
            flat[(k * rows + row) * columns + column] = 0.0
            pool[used, 0], pool[used, 1] = (k * rows + row) * columns + column, head[0]
            head[0], used = used, used + 1
    whole, empty = 0, 0
    while empty < lists:
        entry, head[whole % lists] = head[whole % lists], -1
        empty = empty + 1 if entry < 0 else 0
        while entry >= 0:
            state, entry = pool[entry, 0], pool[entry, 1]
            if flat[state] < whole:
                continue  # it has been reached by a shorter way since
            k, r, c = place_of(poses, state)
            if used + steps + 2 > len(pool):
                larger = np.empty((2 * len(pool) + steps + 2, 2), np.int64)
                larger[:used] = pool[:used]
                pool = larger
            used = _spread(poses, values, k, r, c, pool, head, used)
        whole += 1
    return values


@njit(cache=True, inline="always")
def _spread(
    poses: Poses, values: Float32s, k: int, r: int, c: int, pool: Int64s, head: Int64s, used: int
) -> int:  # fmt: skip
    """Shorten the ways of the poses from which a step leads to this one, and list them; returns what is listed."""
    moves, (headings, rows, columns) = poses.moves, values.shape
    now, turns = values[k, r, c], 2 if headings > 1 else 0
    for m in range(3 if turns else len(moves)):
        before, br, bc, new = k, r, c, np.inf
        if m < turns:
            before = (k + 1 - 2 * m) % headings
            if can_turn(poses.turning, k if m == 0 else before, r, c):
                new = now + poses.turn
        else:
            move = k if turns else m
            br, bc = r - moves[move, 0], c - moves[move, 1]
            if 0 <= br < rows and 0 <= bc < columns and values[k, br, bc] > now:
                new = now + step_cost(poses.open, poses.cost, move, br, bc, r, c)
        if new < np.inf and np.float32(new) < values[before, br, bc]:
            values[before, br, bc] = new
            at = int(values[before, br, bc]) % len(head)
            pool[used, 0], pool[used, 1] = (before * rows + br) * columns + bc, head[at]
            head[at], used = used, used + 1
    return used


@njit(cache=True)
def turn_between(start: float, end: float) -> float:
    """The shorter turn from one heading to another, in [-pi, pi) [rad]."""
    return (end - start + math.pi) % (2.0 * math.pi) - math.pi


@njit(cache=True)
def nearest_pose(poses: Poses, values: Float32s, state: Array, near: bool) -> int:
    """Number of the pose with a way that stands for a robot; -1 if there is none.

    Args:
        poses: What the robot may drive on.
        values: Ways left (``field_of``); inf where there is none.
        state: Of the robot: x, y [m], heading [rad], float64[3] or more.
        near: Whether to look only within a few cells, at about its heading; else anywhere, at any heading.
    """
    headings, (rows, columns) = len(poses.angles), poses.cost.shape[1:]
    fy, fx = (state[1] - poses.origin[1]) / poses.resolution, (state[0] - poses.origin[0]) / poses.resolution
    row, column = min(max(int(fy), 0), rows - 1), min(max(int(fx), 0), columns - 1)
    for one in range(2 * _NEAR_CELLS if near else max(rows, columns)):
        ring, most = one // 2 if near else one, np.inf
        if near:
            most = _NEAREST_HEADING if one % 2 == 0 else _NEAR_HEADING
        best, found = np.inf, -1
        for r in range(max(row - ring, 0), min(row + ring + 1, rows)):
            for c in range(max(column - ring, 0), min(column + ring + 1, columns)):
                away = _ASIDE * math.hypot(r + 0.5 - fy, c + 0.5 - fx)
                for k in range(headings):
                    cost, turn = values[k, r, c] + away, 0.0
                    if headings > 1:
                        turn = abs(turn_between(state[2], poses.angles[k]))
                        cost += poses.turn * turn * headings / (2.0 * math.pi)
                    if cost < best and turn < most:
                        best, found = cost, (k * rows + r) * columns + c
        if found >= 0:
            return found
    return -1


def anywhere(poses: Poses) -> Float32s:
    """The values of a field to which every pose that fits is a goal."""
    shapes = np.resize(np.arange(len(poses.free)), len(poses.angles))
    found: Float32s = np.where(poses.free, 0.0, np.inf).astype(np.float32)[shapes]
    return found


@njit(cache=True, inline="always")
def step_from(poses: Poses, k: int, r: int, c: int, number: int) -> tuple[int, int, int, float]:
    """The pose (heading, row, column) to which a step of a number leads, and its cost [cells]; inf: there is none.

    Of a robot that turns, steps 0 and 1 are turns, and 2 leads ahead; of others there is one for each move.
    """
    headings, (rows, columns) = len(poses.angles), poses.cost.shape[1:]
    if headings > 1 and number < 2:
        after = (k + 1 - 2 * number) % headings
        return after, r, c, poses.turn if can_turn(poses.turning, k if number == 0 else after, r, c) else np.inf
    move = k if headings > 1 else number
    to_r, to_c = r + poses.moves[move, 0], c + poses.moves[move, 1]
    if to_r < 0 or to_r >= rows or to_c < 0 or to_c >= columns:
        return k, r, c, np.inf
    return k, to_r, to_c, step_cost(poses.open, poses.cost, move, r, c, to_r, to_c)


@njit(cache=True)
def steps_of(poses: Poses) -> int:
    """How many steps there are from a pose."""
    return 3 if len(poses.angles) > 1 else len(poses.moves)


@njit(cache=True)
def poses_from(poses: Poses, start: int) -> Flags:
    """To which poses there is a way from one, bool[H, rows, columns]."""
    headings, (rows, columns) = len(poses.angles), poses.cost.shape[1:]
    found, stack = np.zeros((headings, rows, columns), np.bool_), np.empty(headings * rows * columns, np.int64)
    stack[0], many = start, 1
    found[place_of(poses, start)] = True
    while many > 0:
        many -= 1
        k, r, c = place_of(poses, stack[many])
        for number in range(steps_of(poses)):
            to_k, to_r, to_c, cost = step_from(poses, k, r, c, number)
            if cost < np.inf and not found[to_k, to_r, to_c]:
                found[to_k, to_r, to_c] = True
                stack[many], many = (to_k * rows + to_r) * columns + to_c, many + 1
    return found


@njit(cache=True)
def next_pose(poses: Poses, values: Float32s, k: int, r: int, c: int) -> tuple[int, int, int]:
    """The pose after one on the cheapest way; the same at the goal."""
    least, best_k, best_r, best_c = np.inf, k, r, c
    for number in range(steps_of(poses)):
        to_k, to_r, to_c, cost = step_from(poses, k, r, c, number)
        if values[to_k, to_r, to_c] < values[k, r, c] and cost + values[to_k, to_r, to_c] < least:
            least, best_k, best_r, best_c = cost + values[to_k, to_r, to_c], to_k, to_r, to_c
    return best_k, best_r, best_c


@njit(cache=True)
def trace_poses(poses: Poses, values: Float32s, start: int, most: int) -> Array:
    """At most ``most`` poses from one on along the cheapest way, x, y [m] and heading [rad], float64[n, 3]."""
    k, r, c = place_of(poses, start)
    path, count = np.empty((most, 3)), 0
    while count < most:
        path[count, 0], path[count, 1] = point_of(poses, k, r, c)
        path[count, 2] = poses.angles[k]
        count += 1
        to_k, to_r, to_c = next_pose(poses, values, k, r, c)
        if to_k == k and to_r == r and to_c == c:
            break
        k, r, c = to_k, to_r, to_c
    return path[:count]
