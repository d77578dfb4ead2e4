"""Lifelong path finding on a grid: where robots and goals are, the rules of a step, and what each robot observes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.grid_map import GridMap
from swarm.instances import LifelongInstance
from swarm.planning import STAY
from swarm.planning.fields import distance_field
from swarm.planning.reservation import resolve

Cells = NDArray[np.int64]
# Robot, goals that it has reached, its cell -> its next goal (row, column), or None if there is none.
NextGoal = Callable[[int, int, tuple[int, int]], tuple[int, int] | None]

CHANNELS = ("walls", "robots", "goal", "path", "next", "cost_to_go")
"""Layers of an observation, in this order (see ``GridEnv``)."""
NOWHERE = -1
"""Row and column of the goal of a robot that has none left."""


@njit(cache=True)
def descend(field: NDArray[np.int32], row: int, column: int) -> tuple[int, int]:
    """The adjacent cell nearest to the goal (of equals the first in the order of moves); at the goal, the goal."""
    rows, columns = field.shape
    best, best_row, best_column = field[row, column], row, column
    for move in range(1, 5):
        r = row + (-1 if move == 1 else 1 if move == 2 else 0)
        c = column + (-1 if move == 3 else 1 if move == 4 else 0)
        if 0 <= r < rows and 0 <= c < columns and field[r, c] < best:
            best, best_row, best_column = field[r, c], r, c
    return best_row, best_column


@njit(cache=True)
def way(field: NDArray[np.int32], row: int, column: int, limit: int) -> Cells:
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
def _observe_goal(
    cell: Cells, goal: Cells, field: NDArray[np.int32], free: NDArray[np.bool_], radius: int, out: NDArray[np.float32]
) -> None:
    """Fill the layers goal, path and cost_to_go of one robot."""
    rows, columns = free.shape
    down = min(max(goal[0] - cell[0], -radius), radius)
    right = min(max(goal[1] - cell[1], -radius), radius)
    out[2, radius + down, radius + right] = 1.0
    here = field[cell[0], cell[1]]
    for i in range(2 * radius + 1):
        for j in range(2 * radius + 1):
            r, c = cell[0] - radius + i, cell[1] - radius + j
            out[5, i, j] = 1.0
            if 0 <= r < rows and 0 <= c < columns and free[r, c]:
                more = (np.int64(field[r, c]) - np.int64(here)) / (2.0 * radius)
                out[5, i, j] = min(max(more, -1.0), 1.0)
    r, c = cell[0], cell[1]
    while field[r, c] > 0:
        r, c = descend(field, r, c)
        i, j = r - cell[0] + radius, c - cell[1] + radius
        if not (0 <= i <= 2 * radius and 0 <= j <= 2 * radius):
            break
        out[3, i, j] = 1.0


@njit(cache=True)
def _observe(
    free: NDArray[np.bool_], cells: Cells, goals: Cells, slots: Cells, fields: NDArray[np.int32], radius: int
) -> NDArray[np.float32]:
    """The windows of all robots: float32[N, 6, 2 radius + 1, 2 radius + 1]; ``fields[slots[i]]`` is robot i's field."""
    rows, columns = free.shape
    n, width = cells.shape[0], 2 * radius + 1
    out = np.zeros((n, 6, width, width), dtype=np.float32)
    robot_at = np.zeros((rows, columns), dtype=np.float32)
    wanted = np.zeros((rows, columns), dtype=np.int32)
    ahead = cells.copy()
    for robot in range(n):
        robot_at[cells[robot, 0], cells[robot, 1]] = 1.0
        if slots[robot] >= 0:
            ahead[robot] = descend(fields[slots[robot]], cells[robot, 0], cells[robot, 1])
            wanted[ahead[robot, 0], ahead[robot, 1]] += 1
    for robot in range(n):
        for i in range(width):
            for j in range(width):
                r, c = cells[robot, 0] - radius + i, cells[robot, 1] - radius + j
                if not (0 <= r < rows and 0 <= c < columns and free[r, c]):
                    out[robot, 0, i, j] = 1.0
                    continue
                out[robot, 1, i, j] = robot_at[r, c]
                own = slots[robot] >= 0 and ahead[robot, 0] == r and ahead[robot, 1] == c
                if wanted[r, c] > (1 if own else 0):
                    out[robot, 4, i, j] = 1.0
        out[robot, 1, radius, radius] = 0.0
        if slots[robot] >= 0:
            _observe_goal(cells[robot], goals[robot], fields[slots[robot]], free, radius, out[robot])
    return out


class GoalFields:
    """Distance fields of the goals that robots have now; robots with the same goal share one.

    Args:
        free: Where robots may be, ``bool[rows, columns]``.
        robots: Most goals at a time.
    """

    def __init__(self, free: NDArray[np.bool_], robots: int) -> None:
        self._free = free
        self.values = np.empty((robots, *free.shape), dtype=np.int32)
        self._held: dict[tuple[int, int], tuple[int, int]] = {}  # goal: slot, users
        self._empty = list(range(robots - 1, -1, -1))

    def take(self, goal: tuple[int, int]) -> int:
        """The slot of ``values`` that holds a goal's field, from now on in use by one robot more."""
        if goal not in self._held:
            slot = self._empty.pop()
            self.values[slot] = distance_field(self._free, *goal)
            self._held[goal] = slot, 0
        slot, users = self._held[goal]
        self._held[goal] = slot, users + 1
        return slot

    def give(self, goal: tuple[int, int]) -> None:
        """One robot less uses a goal's field."""
        slot, users = self._held.pop(goal)
        if users > 1:
            self._held[goal] = slot, users - 1
        else:
            self._empty.append(slot)


class GridCore:
    """One episode of lifelong path finding.

    Args:
        grid: The map.
        starts: ``int64[N, 2]`` (row, column), distinct free cells.
        next_goal: Tells each robot's next goal.
        radius: Cells that a robot sees in each direction.
    """

    def __init__(self, grid: GridMap, starts: Cells, next_goal: NextGoal, radius: int = 5) -> None:
        self.grid, self.free, self.radius = grid, grid.free, radius
        self.cells = np.array(starts, dtype=np.int64)
        count = len(self.cells)
        self.goals = np.full((count, 2), NOWHERE, dtype=np.int64)
        self.reached, self.blocked = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.just_reached, self.just_blocked = np.zeros(count, bool), np.zeros(count, bool)
        self.age = 0
        self._next_goal, self._fields = next_goal, GoalFields(self.free, count)
        self._slots = np.full(count, -1, dtype=np.int64)
        for robot in range(count):
            self._assign(robot)

    @property
    def has_goal(self) -> NDArray[np.bool_]:
        """Whether each robot has a goal, ``bool[N]``; one without stays in the world and yields."""
        return self._slots >= 0

    def _assign(self, robot: int) -> None:
        if self._slots[robot] >= 0:
            self._fields.give((int(self.goals[robot, 0]), int(self.goals[robot, 1])))
        cell = int(self.cells[robot, 0]), int(self.cells[robot, 1])
        goal = self._next_goal(robot, int(self.reached[robot]), cell)
        self.goals[robot] = NOWHERE if goal is None else goal
        self._slots[robot] = -1 if goal is None else self._fields.take(goal)

    def step(self, moves: Cells) -> NDArray[np.bool_]:
        """Carry out simultaneous moves ``int64[N]``; those in conflict are reverted (``swarm.planning.reservation``).

        Returns:
            Who reached its goal in this step, ``bool[N]``; it has its next goal already.
        """
        before = self.cells
        self.cells = resolve(before, moves, self.free, np.zeros(len(before)), True)
        self.age += 1
        self.just_blocked = (moves != STAY) & (self.cells == before).all(axis=1)
        self.just_reached = (self.cells == self.goals).all(axis=1)
        self.blocked += self.just_blocked
        self.reached += self.just_reached
        for robot in np.flatnonzero(self.just_reached):
            self._assign(int(robot))
        return self.just_reached

    def observe(self) -> NDArray[np.float32]:
        """What every robot sees: ``float32[N, 6, 2 radius + 1, 2 radius + 1]``, layers in the order of ``CHANNELS``."""
        observed: NDArray[np.float32] = _observe(
            self.free, self.cells, self.goals, self._slots, self._fields.values, self.radius
        )
        return observed

    def path(self, robot: int, limit: int = 256) -> Cells:
        """A shortest way of one robot to its goal, ``int64[k, 2]``, its own cell first."""
        slot = self._slots[robot]
        if slot < 0:
            return self.cells[robot : robot + 1]
        cells: Cells = way(self._fields.values[slot], *self.cells[robot], limit)
        return cells


def listed_goals(instance: LifelongInstance) -> NextGoal:
    """Each robot's targets in the order of the instance."""
    lists = [[(int(row), int(column)) for row, column in cells] for cells in instance.targets]
    return lambda robot, reached, cell: lists[robot][reached] if reached < len(lists[robot]) else None


def drawn_goals(pool: Cells, rng: np.random.Generator) -> NextGoal:
    """Goals without end, each drawn from the cells ``int64[k, 2]`` (two or more) other than the robot's own."""
    cells = [(int(row), int(column)) for row, column in pool]

    def draw(robot: int, reached: int, cell: tuple[int, int]) -> tuple[int, int]:
        goal = cells[rng.integers(len(cells))]
        while goal == cell:
            goal = cells[rng.integers(len(cells))]
        return goal

    return draw


def new_episode(
    world: GridMap | LifelongInstance, robots: int | None, rng: np.random.Generator, radius: int = 5
) -> GridCore:
    """An episode on an instance (its first robots, its targets), or on a map with starts and goals drawn from ``rng``.

    Starts are drawn from the map's largest connected part; goals from its ``S`` and ``E`` cells if there are two or
    more, else from all of it.

    Args:
        world: The instance or the map.
        robots: Number of robots; by default all of the instance's, or 16.
        rng: Source of all random numbers.
        radius: Cells that a robot sees in each direction.

    Raises:
        InputError: If there are not so many robots, or not so many cells.
    """
    if isinstance(world, LifelongInstance):
        count = len(world.starts) if robots is None else robots
        if not 1 <= count <= len(world.starts):
            valid = f"1 to {len(world.starts)}, the robots of {world.map} (seed {world.seed})"
            raise InputError("robots", count, valid)
        return GridCore(world.grid, world.starts[:count], listed_goals(world), radius)
    cells, count = np.argwhere(world.largest_component()), 16 if robots is None else robots
    if len(cells) < 2 or not 1 <= count <= len(cells):
        found = f"{count} on {len(cells)} connected free cells"
        raise InputError("robots", found, "at least 2 cells, and 1 robot to as many as there are cells")
    marked = np.array([world.symbols[row][column] in "SE" for row, column in cells])
    pool = cells[marked] if marked.sum() > 1 else cells
    starts = cells[rng.choice(len(cells), size=count, replace=False)]
    return GridCore(world, starts, drawn_goals(pool, rng), radius)


def random_map(
    rng: np.random.Generator, rows: int = 20, columns: int = 20, density: float = 0.3, at_least: int = 2
) -> GridMap:
    """A map of independent random walls.

    Args:
        rng: Source of all random numbers.
        rows: Rows of the map.
        columns: Columns of the map.
        density: Share of cells that are walls, 0 to 1.
        at_least: Cells that the largest connected part has at least.

    Raises:
        InputError: If no such map is found.
    """
    for _ in range(100):
        grid = GridMap(rng.random((rows, columns)) >= density, name="random")
        if grid.largest_component().sum() >= at_least:
            return grid
    valid = f"a share of walls that leaves {at_least} cells of {rows} × {columns} connected"
    raise InputError("density", density, valid)
