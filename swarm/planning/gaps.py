"""Goals that no way of a robot's width reaches, and the narrowest gap of the best way there.

It is looked for on a fine grid: a way of enough clearance leads through cells whose middles have nearly as much. So
where the answer is that there is none, there is none; a gap that is too narrow by less than a cell may be missed.
Robots that are no discs are asked for their headings besides.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s
from swarm.files.text_files import located
from swarm.model.body import way_margin
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.headings.field import anywhere, goal_cell, nearest_pose, poses_from
from swarm.planning.headings.outlines import least_radius, poses_of_robot
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

_FINE, _MOST_CELLS = 1 / 16, 500_000
"""Side of a cell, in clearances; larger worlds get larger ones."""
_HALF_DIAGONAL, _ABOUT = math.sqrt(0.5), 2.0


class NoWay(NamedTuple):
    """A goal that a robot cannot come to.

    Attributes:
        robot: Which robot.
        goal: x, y [m].
        gap: Width of the narrowest gap of the best way there [m]; 0: there is no way, however narrow.
        place: Where that gap is: x, y [m].
        needs: Width that the robot needs [m].
    """

    robot: int
    goal: tuple[float, float]
    gap: float
    place: tuple[float, float]
    needs: float

    def __str__(self) -> str:
        """For people."""
        (x, y), (gx, gy) = self.goal, self.place
        none = f"robots[{self.robot}]: no way leads to the goal [{x:g}, {y:g}]"
        if self.gap <= 0.0:
            return f"{none}, for however small a robot"
        gap = f"a gap of {self.gap:.2f} m at [{gx:.2f}, {gy:.2f}]"
        if self.gap >= self.needs:
            return (
                f"{none}: the narrowest of the best one is {gap}, but it has no room to turn, or its heading is fixed"
            )
        return f"{none}: the best one has {gap}, it needs {self.needs:.2f} m"


class Space(NamedTuple):
    """The room for the centre of a robot, on a grid whose first row is at the bottom.

    Attributes:
        room: Clearance at the middles of the cells [m], float64[rows, columns].
        parts: Numbers from 1 on of the connected parts that a robot may fit into, 0 elsewhere, int32[rows, columns].
        origin: Lower-left corner of the grid [m], float64[2].
        size: Side of a cell [m].
    """

    room: Array
    parts: Int32s
    origin: Array
    size: float

    def cell(self, point: Array) -> tuple[int, int]:
        """The cell at a point [m], row and column."""
        column, row = np.floor((point - self.origin) / self.size).astype(int).tolist()
        rows, columns = self.room.shape
        return min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)

    def may_reach(self, start: Array, goal: Array) -> bool:
        """Whether there may be a way between two points [m], float64[2]; a point in no part is as those near it."""
        return not self._near(start).isdisjoint(self._near(goal))

    def nearest(self, point: Array) -> tuple[int, int]:
        """The cell of a part that is nearest to a point, row and column; the one at the point if there is no part."""
        row, column = self.cell(point)
        rows, columns = np.nonzero(self.parts)
        if self.parts[row, column] or not len(rows):
            return row, column
        best = int(np.argmin(np.hypot(rows - row, columns - column)))
        return int(rows[best]), int(columns[best])

    def _near(self, point: Array) -> set[int]:
        """The parts at a point; where there is none, those about as near as the nearest one."""
        row, column = self.cell(point)
        if self.parts[row, column]:
            return {int(self.parts[row, column])}
        rows, columns = np.nonzero(self.parts)
        away = np.hypot(rows - row, columns - column)
        near = away <= away.min(initial=np.inf) + _ABOUT
        return set(self.parts[rows[near], columns[near]].tolist())


def space_of(world: World, needed: float) -> Space:
    """The room of a world for a robot that needs so much clearance [m]; made once."""
    key = ("space", needed)
    if key not in world.derived:
        origin, sides = world.bounds[:2], world.bounds[2:] - world.bounds[:2]
        size = max(_FINE * needed, math.sqrt(float(sides.prod()) / _MOST_CELLS))
        columns, rows = (max(1, math.ceil(side / size - 1e-9)) for side in sides.tolist())
        x, y = origin[0] + (np.arange(columns) + 0.5) * size, origin[1] + (np.arange(rows) + 0.5) * size
        room = world.clearance(np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1))
        world.derived[key] = Space(room, _parts(room, needed - _HALF_DIAGONAL * size), origin.copy(), size)
    made: Space = world.derived[key]
    return made


@njit(cache=True)
def _parts(room: Array, least: float) -> Int32s:
    """Numbers of the 4-connected parts with at least so much room."""
    rows, columns = room.shape
    part, stack, count = np.zeros((rows, columns), np.int32), np.empty(rows * columns, np.int64), 0
    for first in range(rows * columns):
        if part.flat[first] > 0 or room.flat[first] < least:
            continue
        count += 1
        part.flat[first], stack[0], size = count, first, 1
        while size > 0:
            size -= 1
            row, column = divmod(stack[size], columns)
            for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if 0 <= r < rows and 0 <= c < columns and part[r, c] == 0 and room[r, c] >= least:
                    part[r, c], stack[size] = count, r * columns + c
                    size += 1
    return part


@njit(cache=True)
def _tightest(room: Array, start: int, goal: int) -> int:
    """The cell with the least room on the way between two flat cells that has the most of it there."""
    rows, columns = room.shape
    worst = np.full(rows * columns, -1, np.int64)
    worst[start] = start
    queue = [(-room.flat[start], start)]
    while len(queue) > 0:
        _, cell = heapq.heappop(queue)
        if cell == goal:
            break
        row, column = divmod(cell, columns)
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            there = r * columns + c
            if 0 <= r < rows and 0 <= c < columns and worst[there] < 0:
                worst[there] = there if room.flat[there] < room.flat[worst[cell]] else worst[cell]
                heapq.heappush(queue, (-room.flat[worst[there]], there))
    return worst[goal]


def _narrowest(world: World, space: Space, start: Array, goal: Array) -> tuple[float, tuple[float, float]]:
    """Width of the narrowest gap of the widest way between two points, and where it is [m]."""
    columns = space.room.shape[1]
    first, last = (row * columns + column for row, column in (space.nearest(start), space.nearest(goal)))
    cell = int(_tightest(space.room, first, last))
    middle = space.origin + (np.array([cell % columns, cell // columns]) + 0.5) * space.size
    if space.room.flat[cell] <= 0.0:
        return 0.0, (float(middle[0]), float(middle[1]))
    step = 0.25 * space.size * np.eye(2)
    uphill = world.clearance(middle + step) - world.clearance(middle - step)
    length = float(np.hypot(*uphill))
    across = uphill / length if length > 0.0 else np.zeros(2)  # the middle of a gap is beside that of the cell
    points = middle + space.size * np.linspace(-1.0, 1.0, 81)[:, None] * across
    rooms = world.clearance(points)
    best = int(np.argmax(rooms))
    return 2.0 * float(rooms[best]), (float(points[best, 0]), float(points[best, 1]))


def goals_without_way(scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None) -> tuple[NoWay, ...]:
    """Of each robot the first goal that it has no way to; of those that cooperate, since others look for none.

    Args:
        scenario: World and robots.
        margin: Extra distance that every robot keeps [m].
        assumed: Errors that the robots count on; None: those that the scenario declares.
    """
    errors = (scenario.errors if assumed is None else assumed) or EXACT
    found = []
    for i, robot in enumerate(scenario.robots):
        if not robot.cooperative:
            continue
        with located(f"scenario {scenario.name!r}: robots[{i}]: "):
            body = robot.body(dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=margin, errors=errors)
        kept = way_margin(robot.kind, body, robot.limits, errors)
        needed = least_radius(robot) + kept
        space, start, shut = space_of(scenario.world, needed), robot.start[:2], _shut(scenario.world, robot, kept)
        for goal in robot.goals:
            if not space.may_reach(start, goal) or shut(goal):
                gap, place = _narrowest(scenario.world, space, start, goal)
                found.append(NoWay(i, (float(goal[0]), float(goal[1])), gap, place, 2.0 * needed))
                break
    return tuple(found)


def _shut(world: World, robot: RobotSpec, margin: float) -> Callable[[Array], bool]:
    """Whether a robot comes to a goal at no heading that it can turn to; of a disc nobody asks."""
    if robot.footprint is None:
        return lambda _: False
    poses = poses_of_robot(world, robot, margin)
    reached: Flags | None = None
    start = nearest_pose(poses, anywhere(poses), robot.start, near=True)
    if start >= 0:
        reached = poses_from(poses, start)

    def shut(goal: Array) -> bool:
        row, column = goal_cell(poses, goal[0], goal[1])
        return reached is None or not reached[:, row, column].any()

    return shut
