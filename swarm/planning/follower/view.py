"""What a follower sees: kernels for the first ``count`` of n robots.

A robot looks in the direction of the next cell on its path: the observation's first axis runs from far ahead to far
behind, the second from left to right, and the moves of its frame are stay, forward, back, left, right.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Array, Float32s, Int8s, Int32s, Int64s
from swarm.planning.graph.grid_graph import opposite
from swarm.planning.graph.moves import DOWN, LEFT, RIGHT, STAY, UP, flat_steps, move_between
from swarm.planning.pibt.hearing import RADIUS

REACH = RADIUS
"""Cells that a robot sees and hears in each direction."""
WINDOW = 2 * REACH + 1
CHANNELS = 6
"""Layers of an observation: walls -1 and own path 1; other robots 1; those of them that go first 1; the moves that
they are expected to make, forward and to the right, -1 to 1; how much farther than here the goal is, in tens."""
PATH_LAYER, ROBOT_LAYER, PRIORITY_LAYER, FORWARD_LAYER, RIGHT_LAYER, FARTHER_LAYER = range(CHANNELS)
OWN = 7
"""Numbers about itself: extra cost of each of the five moves, steps without coming nearer, and cost left."""
OWN_COST, OWN_STUCK, OWN_REMAINING = 0, 5, 6
FORWARD, BACK, LEFTWARDS, RIGHTWARDS = range(1, 5)
"""Moves of a robot's frame, after ``STAY``."""
LEAST, WAITED = range(2)
"""Columns of a memory float64[2]: least cost left so far, and steps since."""
WALL = 4.0
"""Extra cost of a move into a wall; all others are less."""
LENGTH = 24
"""Cells of its path that a robot looks at."""

_RIGHT_OF = (STAY, RIGHT, LEFT, UP, DOWN)  # each move, turned to the right
_MOST_COST = 3.9
_PATIENCE = 16.0


@njit(cache=True)
def frame(width: int, heading: int) -> tuple[int, int, int, int]:
    """Step of the flat index forward and to the right, and the moves that these are; heading is a move, 1 to 4."""
    steps, right = flat_steps(width), _RIGHT_OF[heading]
    return steps[heading], steps[right], heading, right


@njit(cache=True)
def heading_of(width: int, start: int, end: int) -> int:
    """The move between two adjacent flat cells; up if they are the same."""
    return max(move_between(start, end, width), UP)


@njit(cache=True)
def expect(cell: Int64s, before: Int64s, told: Int64s, expected: Int64s) -> None:
    """Where robots go to next if they keep to the path of which they told in the step before.

    Args:
        cell: int64[n], where everyone is.
        before: int64[n], where they were; -1 if they have told nothing.
        told: int64[n, 2], the two cells after that on their paths.
        expected: int64[n], written; the own cell of robots that told nothing, or have left their path.
    """
    for robot in range(len(cell)):
        here = cell[robot]
        expected[robot] = here
        if before[robot] >= 0:
            expected[robot] = told[robot, 1] if here == told[robot, 0] else told[robot, 0] if (
                here == before[robot]) else here  # fmt: skip


@njit(cache=True)
def _near(width: int, first: int, second: int) -> bool:
    """Whether two flat cells are within reach of each other."""
    down = abs(first // width - second // width)
    return first >= 0 and second >= 0 and down <= REACH and abs(first % width - second % width) <= REACH


@njit(cache=True)
def _draw_path(here: int, way: Int32s, width: int, ahead: int, right: int, layer: Float32s) -> None:
    """Mark the cells of a path with 1, as far as it stays in the window; the own cell is not marked."""
    row, column = here // width, here % width
    vertical = abs(ahead) == width
    for k in range(1, len(way)):
        down, across = way[k] // width - row, way[k] % width - column
        if abs(down) > REACH or abs(across) > REACH or way[k] == way[k - 1]:
            return
        i = REACH - (down * (ahead // width) if vertical else across * ahead)
        j = REACH + (across * right if vertical else down * (right // width))
        layer[i, j] = 1.0


@njit(cache=True)
def _observe_window(
    robot: int, ahead: int, right: int, left: np.float32, cell: Int64s, before: Int64s, expected: Int64s,
    priority: Int64s, robot_at: Int32s, static: Float32s, width: int, field: Float32s, view: Float32s,
) -> None:  # fmt: skip
    """Fill the layers of one robot's view, but for its path; arguments as of ``observe``, ``left`` is its cost left."""
    here, lost = cell[robot], not left < np.inf
    for i in range(WINDOW):
        for j in range(WINDOW):
            place = here + (REACH - i) * ahead + (j - REACH) * right
            wall = static[place] == np.inf
            view[PATH_LAYER, i, j] = -1.0 if wall else 0.0
            more = np.float32(0.0) if lost else (field[place] - left) / np.float32(10.0)
            view[FARTHER_LAYER, i, j] = min(max(more, np.float32(-1.0)), np.float32(1.0))
            other = robot_at[place]
            if other < 0 or place == here:
                view[ROBOT_LAYER : RIGHT_LAYER + 1, i, j] = 0.0
                continue
            view[ROBOT_LAYER, i, j] = 1.0
            heard = _near(width, before[robot], before[other])
            view[PRIORITY_LAYER, i, j] = 1.0 if heard and priority[other] > priority[robot] else 0.0
            step = expected[other] - place if heard else 0
            view[FORWARD_LAYER, i, j] = 1.0 if step == ahead else -1.0 if step == -ahead else 0.0
            view[RIGHT_LAYER, i, j] = 1.0 if step == right else -1.0 if step == -right else 0.0


@njit(cache=True)
def observe(
    count: int, cell: Int64s, before: Int64s, expected: Int64s, priority: Int64s, robot_at: Int32s, static: Float32s,
    width: int, fields: Float32s, held: Int64s, memory: Array, way: Int32s, view: Float32s, own: Float32s,
) -> None:  # fmt: skip
    """What the first ``count`` robots see, and remember of what they heard in the step before.

    Args:
        count: Robots that observe.
        cell: int64[n], where everyone is.
        before: int64[n], where they were in the step before; -1 if they were not heard of.
        expected: int64[n], see ``expect``.
        priority: int64[n], as of the step before.
        robot_at: int32[cells], index of the robot in each cell, -1 without one.
        static: float32[cells].
        width: Cells in a row.
        fields: float32[count, cells].
        held: int64[count], goals, -1 without one.
        memory: float64[count, 2].
        way: int32[count, LENGTH].
        view: float32[count, CHANNELS, WINDOW, WINDOW], written.
        own: float32[count, OWN], written.
    """
    for robot in range(count):
        here = cell[robot]
        ahead, right, _, _ = frame(width, heading_of(width, here, way[robot, 1]))
        left = fields[robot, here] if held[robot] >= 0 else np.float32(np.inf)
        lost = not left < np.inf
        _observe_window(
            robot, ahead, right, left, cell, before, expected, priority, robot_at, static, width, fields[robot],
            view[robot],
        )  # fmt: skip
        _draw_path(here, way[robot], width, ahead, right, view[robot, PATH_LAYER])
        for move in range(5):
            place = here + (0 if move == STAY else ahead if move == FORWARD else -ahead if move == BACK else
                            -right if move == LEFTWARDS else right)  # fmt: skip
            if static[place] == np.inf:
                own[robot, OWN_COST + move] = WALL
            else:
                more = np.float32(1.0) if move == STAY or lost else static[place] + fields[robot, place] - left
                own[robot, OWN_COST + move] = min(more, np.float32(_MOST_COST))
        own[robot, OWN_STUCK] = min(memory[robot, WAITED] / _PATIENCE, 1.0)
        own[robot, OWN_REMAINING] = 1.0 if lost else min(left / 32.0, 1.0)


@njit(cache=True)
def to_map(cell: Int64s, way: Int32s, width: int, ranking: Int8s) -> None:
    """Turn rankings int8[count, 5] of the robots' frames into those of the map's moves; who has no way stays."""
    for robot in range(len(ranking)):
        if way[robot, 1] == cell[robot]:
            for k in range(5):  # a whole row at once takes 3 s more to compile
                ranking[robot, k] = k
            continue
        _, _, forward, right = frame(width, heading_of(width, cell[robot], way[robot, 1]))
        for k in range(5):
            move = ranking[robot, k]
            if move == FORWARD:
                ranking[robot, k] = forward
            elif move == BACK:
                ranking[robot, k] = opposite(forward)
            elif move == LEFTWARDS:
                ranking[robot, k] = opposite(right)
            elif move == RIGHTWARDS:
                ranking[robot, k] = right
