"""Lifelong path finding on a grid, compiled: the step and the observations of one world, and of many in parallel.

The rules of a step are ``swarm.planning.pibt.reservation``'s, with soft collisions. Maps and distance fields are padded
by as many walls on each side as a robot sees cells, so that neither a window nor a search ever leaves its array.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from swarm.array_types import AnyArray, Flags, Float32s, Int32s, Int64s, UInt64s
from swarm.mixing import split_mix
from swarm.planning.graph.moves import STAY, flat_steps, moved
from swarm.planning.pibt.reservation import resolve

WALLS, ROBOTS, GOAL, PATH, NEXT, COST = range(6)
"""Layers of an observation."""
NOWHERE = -1
"""Row and column of the goal of a robot that has none left."""


@njit(cache=True)
def draw_goal(seed: np.uint64, robot: int, reached: int, row: int, column: int, pool: Int32s, count: int) -> np.int64:
    """A robot's next goal, an index of one of the first ``count`` cells of ``pool``, and never its own cell.

    It depends on nothing but the arguments: neither on the order of the robots nor on threads.
    """
    word = split_mix(split_mix(seed ^ split_mix(np.uint64(robot))) ^ np.uint64(reached))
    while True:
        index = np.int64(((word >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))
        if pool[index, 0] != row or pool[index, 1] != column:
            return index
        word = split_mix(word)


@njit(cache=True)
def assign_goal(
    robot: int, cells: Int64s, goals: Int64s, reached: Int64s, listed: Int32s, pool: Int32s,
    pool_size: int, seed: np.uint64,
) -> None:  # fmt: skip
    """Give a robot its next goal: drawn from the pool if there is one, else the next of its list, else none."""
    if pool_size > 0:
        index = draw_goal(seed, robot, reached[robot], cells[robot, 0], cells[robot, 1], pool, pool_size)
        goals[robot, 0], goals[robot, 1] = pool[index, 0], pool[index, 1]
    elif reached[robot] < listed.shape[1]:
        goals[robot, 0], goals[robot, 1] = listed[robot, reached[robot], 0], listed[robot, reached[robot], 1]
    else:
        goals[robot, 0], goals[robot, 1] = NOWHERE, NOWHERE


@njit(cache=True)
def assign_goals(
    cells: Int64s, goals: Int64s, reached: Int64s, listed: Int32s, pool: Int32s, pool_size: int, seed: np.uint64,
) -> None:  # fmt: skip
    """Give every robot of one world a goal."""
    for robot in range(len(cells)):
        assign_goal(robot, cells, goals, reached, listed, pool, pool_size, seed)


@njit(cache=True)
def step_world(
    moves: Int64s, free: Flags, cells: Int64s, goals: Int64s, reached: Int64s, blocked: Int64s, just_reached: Flags,
    just_blocked: Flags, listed: Int32s, pool: Int32s, pool_size: int, seed: np.uint64,
) -> None:  # fmt: skip
    """``step_worlds`` for one world."""
    after = resolve(cells, moves, free, np.empty(0), True)
    for robot in range(len(cells)):
        still = after[robot, 0] == cells[robot, 0] and after[robot, 1] == cells[robot, 1]
        cells[robot, 0], cells[robot, 1] = after[robot, 0], after[robot, 1]
        just_blocked[robot] = still and moves[robot] != STAY
        just_reached[robot] = cells[robot, 0] == goals[robot, 0] and cells[robot, 1] == goals[robot, 1]
        blocked[robot] += just_blocked[robot]
        if just_reached[robot]:
            reached[robot] += 1
            assign_goal(robot, cells, goals, reached, listed, pool, pool_size, seed)


@njit(cache=True, parallel=True)
def step_worlds(
    moves: Int64s, free: Flags, cells: Int64s, goals: Int64s, reached: Int64s, blocked: Int64s, just_reached: Flags,
    just_blocked: Flags, listed: Int32s, pool: Int32s, pool_size: Int64s, seed: UInt64s,
) -> None:  # fmt: skip
    """One step of B worlds of N robots.

    Args:
        moves: ``int64[B, N]``, 0 to 4, see ``swarm.planning.graph.moves``.
        free: ``bool[B, rows, columns]``, where robots may be.
        cells: ``int64[B, N, 2]``, where they are (row, column); replaced.
        goals: ``int64[B, N, 2]``, replaced where they are reached; ``NOWHERE`` without one.
        reached: ``int64[B, N]``, goals so far; added to.
        blocked: ``int64[B, N]``, reverted moves so far; added to.
        just_reached: ``bool[B, N]``, written.
        just_blocked: ``bool[B, N]``, written.
        listed: ``int32[B, N, k, 2]``, goals in their order, then ``NOWHERE``.
        pool: ``int32[B, p, 2]``, cells that goals are drawn from.
        pool_size: ``int64[B]``, how many of them; 0: the list is taken.
        seed: ``uint64[B]``, of the goals that are drawn.
    """
    for b in prange(len(cells)):
        step_world(
            moves[b], free[b], cells[b], goals[b], reached[b], blocked[b], just_reached[b], just_blocked[b], listed[b],
            pool[b], pool_size[b], seed[b],
        )  # fmt: skip


@njit(cache=True)
def descend(field: AnyArray, row: int, column: int) -> tuple[int, int]:
    """The adjacent cell nearest to the goal (of equals the first in the order of moves); at the goal, the goal."""
    rows, columns = field.shape
    best, best_row, best_column = field[row, column], row, column
    for move in range(1, 5):
        r, c = moved(row, column, move)
        if 0 <= r < rows and 0 <= c < columns and field[r, c] < best:
            best, best_row, best_column = field[r, c], r, c
    return best_row, best_column


@njit(cache=True)
def way(field: AnyArray, row: int, column: int, limit: int) -> Int64s:
    """A shortest way from a cell to the goal of a field: int64[k, 2], at most ``limit`` cells after the first."""
    cells = np.empty((limit + 1, 2), dtype=np.int64)
    cells[0, 0], cells[0, 1] = row, column
    count = 1
    while count <= limit and field[row, column] > 0:
        row, column = descend(field, row, column)
        cells[count, 0], cells[count, 1] = row, column
        count += 1
    return cells[:count]


@njit(cache=True)
def _flood(walls: Float32s, goal: int, far: int, field: AnyArray, queue: Int32s) -> None:
    """Steps to a goal by breadth-first search, all flat; ``far`` in walls, ``far - 1`` where there is no way."""
    columns, closed, unseen = walls.shape[1], walls.reshape(-1), far - 1
    for cell in range(len(field)):
        field[cell] = unseen if closed[cell] == 0.0 else far
    field[goal] = 0
    queue[0] = goal
    first, last = 0, 1
    while first < last:
        here = np.int64(queue[first])
        first += 1
        further = field[here] + 1
        for step in flat_steps(columns)[1:]:
            there = here + step
            if field[there] == unseen:
                field[there] = further
                queue[last] = there
                last += 1


@njit(cache=True)
def update_fields(walls: Float32s, goals: Int64s, radius: int, far: int, fields: AnyArray, held: Int64s) -> None:
    """Compute the fields of the robots of one world that have a new goal.

    Args:
        walls: ``float32[rows + 2 radius, columns + 2 radius]``, 1 in walls, padded by walls.
        goals: ``int64[N, 2]``, in rows and columns of the map without padding; ``NOWHERE`` without one.
        radius: Padding on each side, cells.
        far: Largest value of a field.
        fields: ``uint16|int32[N, rows + 2 radius, columns + 2 radius]``, replaced where the goal is another one.
        held: ``int64[N]``, the goals (flat, with padding) that the fields are of, -1 for none.
    """
    queue = np.empty(walls.size, dtype=np.int32)
    for robot in range(len(goals)):
        goal = (goals[robot, 0] + radius) * walls.shape[1] + goals[robot, 1] + radius
        if goals[robot, 0] >= 0 and goal != held[robot]:
            _flood(walls, goal, far, fields[robot].reshape(-1), queue)
            held[robot] = goal


@njit(cache=True)
def _look_ahead(
    cells: Int64s, goals: Int64s, fields: AnyArray, radius: int, robots: Float32s, wanted: Float32s, ahead: Int64s
) -> None:
    """Where all robots are, and how many of those with a goal go where next; both ``float32``, padded."""
    robots[:] = 0.0
    wanted[:] = 0.0
    for robot in range(len(cells)):
        row, column = cells[robot, 0] + radius, cells[robot, 1] + radius
        robots[row, column] = 1.0
        if goals[robot, 0] >= 0:
            row, column = descend(fields[robot], row, column)
            wanted[row, column] += 1.0
        ahead[robot, 0], ahead[robot, 1] = row - radius, column - radius


@njit(cache=True)
def _observe_others(top: int, left: int, walls: Float32s, robots: Float32s, wanted: Float32s, out: Float32s) -> None:
    """Fill the layers walls, robots and next of one robot, whose window begins at a row and column."""
    width = out.shape[1]
    for i in range(width):
        for j in range(width):
            out[WALLS, i, j] = walls[top + i, left + j]
            out[ROBOTS, i, j] = robots[top + i, left + j]
            out[NEXT, i, j] = min(wanted[top + i, left + j], np.float32(1.0))
    out[ROBOTS, width // 2, width // 2] = 0.0


@njit(cache=True)
def _observe_cost(top: int, left: int, field: AnyArray, out: Float32s) -> None:
    """Fill the layer cost_to_go of one robot, whose window begins at a row and column.

    Flat, and with unsigned indices (which cannot count from an array's end): only then is the loop vectorised, which
    makes it six times as fast.
    """
    width, columns = np.uint64(out.shape[1]), np.uint64(field.shape[1])
    near, flat = field.reshape(-1), out[COST].reshape(-1)
    half = width // np.uint64(2)
    start = np.uint64(top) * columns + np.uint64(left)
    here = np.int32(near[start + half * columns + half])
    most = np.int32(out.shape[1] - 1)  # 2 radius
    scale = np.float32(most)
    for i in range(width):
        for j in range(width):
            more = np.int32(near[start + i * columns + j]) - here
            flat[i * width + j] = np.float32(min(max(more, -most), most)) / scale


@njit(cache=True)
def _observe_goal(top: int, left: int, goal: Int64s, field: AnyArray, out: Float32s) -> None:
    """Fill the layers goal and path of one robot, whose window begins at a row and column of the padded map."""
    width = out.shape[1]
    row, column = top + width // 2, left + width // 2
    down, right = goal[0] + width // 2 - top, goal[1] + width // 2 - left
    out[GOAL, min(max(down, 0), width - 1), min(max(right, 0), width - 1)] = 1.0
    while field[row, column] > 0:
        before = field[row, column]
        row, column = descend(field, row, column)
        i, j = row - top, column - left
        if field[row, column] == before or not (0 <= i < width and 0 <= j < width):
            break
        out[PATH, i, j] = 1.0


@njit(cache=True)
def observe_world(
    walls: Float32s, cells: Int64s, goals: Int64s, far: int, fields: AnyArray, held: Int64s, ahead: Int64s,
    out: Float32s,
) -> None:  # fmt: skip
    """``observe_worlds`` for one world."""
    radius = out.shape[2] // 2
    update_fields(walls, goals, radius, far, fields, held)
    robots, wanted = np.empty_like(walls), np.empty_like(walls)
    _look_ahead(cells, goals, fields, radius, robots, wanted, ahead)
    for robot in range(len(cells)):
        # With the padding, the window's first row in the padded map is the robot's row in the map.
        top, left = cells[robot, 0], cells[robot, 1]
        _observe_others(top, left, walls, robots, wanted, out[robot])
        out[robot, GOAL] = 0.0
        out[robot, PATH] = 0.0
        if goals[robot, 0] < 0:
            out[robot, COST] = 0.0
            continue
        _observe_goal(top, left, goals[robot], fields[robot], out[robot])
        _observe_cost(top, left, fields[robot], out[robot])
        row, column = ahead[robot, 0] + radius, ahead[robot, 1] + radius
        out[robot, NEXT, row - top, column - left] = 1.0 if wanted[row, column] > 1.0 else 0.0


@njit(cache=True, parallel=True)
def observe_worlds(
    walls: Float32s, cells: Int64s, goals: Int64s, far: int, fields: AnyArray, held: Int64s, ahead: Int64s,
    out: Float32s,
) -> None:  # fmt: skip
    """What all robots of B worlds see.

    Args:
        walls: ``float32[B, rows + 2 radius, columns + 2 radius]``, 1 in walls, padded by walls.
        cells: ``int64[B, N, 2]``, without padding, as all that follows unless said otherwise.
        goals: ``int64[B, N, 2]``, ``NOWHERE`` without one.
        far: Largest value of a field.
        fields: ``uint16|int32[B, N, rows + 2 radius, columns + 2 radius]``, made new where a goal is.
        held: ``int64[B, N]``, goals that the fields are of (flat, padded), -1 for none; replaced.
        ahead: ``int64[B, N, 2]``, written: the next cell on each robot's shortest way; its own at or without a goal.
        out: ``float32[B, N, 6, 2 radius + 1, 2 radius + 1]``, written.
    """
    for b in prange(len(cells)):
        observe_world(walls[b], cells[b], goals[b], far, fields[b], held[b], ahead[b], out[b])
