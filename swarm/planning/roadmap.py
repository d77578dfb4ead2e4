"""The shortest way around a static map: a distance field over an occupancy grid, and waypoints by line of sight.

The grid is inflated by the robot's radius: a cell is free if its centre keeps that clearance. The waypoint is the
farthest point down the field that a disc of this radius reaches in a straight line, so that the way is smooth although
the field is not. Other robots are not looked at; the safety filter keeps clear of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.obstacle_index import ObstacleIndex, bin_at, surface_distance
from swarm.planning.fields import weighted_field

if TYPE_CHECKING:
    from swarm.world import World

Array = NDArray[np.float64]

MOST_CELLS = 250_000
"""Cells of the occupancy grid; larger worlds get a coarser one."""
_DETOUR = 0.3  # Extra cost of a cell at a wall: keeps the way off corners where there is room.
_SLACK = 1e-9
_TOLERANCE = 0.03  # Share of the clearance that a robot may lose by not driving exactly straight; planned on top.


@njit(cache=True)
def _clearance(index: ObstacleIndex, x: float, y: float, most: float) -> float:
    """Distance to the nearest obstacle [m], or `most` if none is nearer; the index must reach that far."""
    box = bin_at(index, x, y)
    least = most
    for item in range(index.start[box], index.start[box + 1]):
        distance = surface_distance(index.obstacles, index.items[item], x, y)
        if distance < least:
            least = distance
    return least


@njit(cache=True)
def _room(
    index: ObstacleIndex, reach: float, origin: Array, resolution: float, rows: int, columns: int
) -> Array:
    """Clearance at the middle of each cell [m], at most `reach`, float64[rows, columns]."""
    room = np.empty((rows, columns))
    for row in range(rows):
        for column in range(columns):
            x, y = origin[0] + (column + 0.5) * resolution, origin[1] + (row + 0.5) * resolution
            room[row, column] = _clearance(index, x, y, reach)
    return room


@njit(cache=True)
def visible(
    index: ObstacleIndex, reach: float, clearance: float, x: float, y: float, to_x: float, to_y: float
) -> bool:
    """Whether a disc can go from one point to another in a straight line (sphere tracing).

    Args:
        index: Obstacles, within at least `reach` of each bin.
        reach: Distance up to which obstacles are looked for, above `clearance` [m].
        clearance: What must be kept: the radius of the disc [m].
        x: Start, world frame [m].
        y: Start [m].
        to_x: End [m].
        to_y: End [m].
    """
    dx, dy = to_x - x, to_y - y
    length = math.sqrt(dx * dx + dy * dy)
    least_step = 0.05 * reach
    done = 0.0
    while True:
        share = done / length if length > 0.0 else 0.0
        room = _clearance(index, x + share * dx, y + share * dy, reach) - clearance
        if room < -_SLACK:
            return False
        if done >= length:
            return True
        # Nothing within `room` of here: the disc may move that far without looking again.
        done = min(done + max(room, least_step), length)


@njit(cache=True)
def _downhill(field: Array, row: int, column: int) -> tuple[int, int]:
    """The neighbouring cell with the least way left; the cell itself at the goal."""
    best, to_row, to_column = field[row, column], row, column
    rows, columns = field.shape
    for dr in range(-1, 2):
        for dc in range(-1, 2):
            r, c = row + dr, column + dc
            if r < 0 or r >= rows or c < 0 or c >= columns or not field[r, c] < best:
                continue
            if np.isfinite(field[row, c]) and np.isfinite(field[r, column]):
                best, to_row, to_column = field[r, c], r, c
    return to_row, to_column


@njit(cache=True)
def _farthest_in_sight(
    field: Array,
    row: int,
    column: int,
    origin: Array,
    resolution: float,
    index: ObstacleIndex,
    reach: float,
    clearance: float,
    position: Array,
) -> tuple[int, int]:
    """The last cell down the field, from one on, that is in sight; at least the next one."""
    seen_row, seen_column = row, column
    for stride in (8, 1):
        while True:
            far_row, far_column = seen_row, seen_column
            for _ in range(stride):
                far_row, far_column = _downhill(field, far_row, far_column)
            x, y = origin[0] + (far_column + 0.5) * resolution, origin[1] + (far_row + 0.5) * resolution
            at_end = far_row == seen_row and far_column == seen_column
            if at_end or not visible(index, reach, clearance, position[0], position[1], x, y):
                break
            seen_row, seen_column = far_row, far_column
    if seen_row == row and seen_column == column:
        return _downhill(field, row, column)
    return seen_row, seen_column


@njit(cache=True)
def waypoint(
    field: Array,
    nearest: NDArray[np.int64],
    origin: Array,
    resolution: float,
    index: ObstacleIndex,
    reach: float,
    clearance: float,
    position: Array,
    goal: Array,
) -> tuple[float, float, float]:
    """Where to drive next: the farthest point on the way to the goal that is in sight.

    Args:
        field: Way left from each cell [cells], float64[rows, columns], row 0 at the bottom; inf where there is none.
        nearest: Nearest free cell of each cell, flat, int64[rows * columns].
        origin: Lower-left corner of the grid, world frame [m], float64[2].
        resolution: Side of a cell [m].
        index: Obstacles, within at least `reach` of each bin.
        reach: Distance up to which obstacles are looked for, above `clearance` [m].
        clearance: Clearance of the way [m].
        position: Of the robot, world frame [m], float64[2].
        goal: World frame [m], float64[2].

    Returns:
        x, y [m] and the length of the whole way to the goal [m]. If there is no way, the goal and infinity.
    """
    rows, columns = field.shape
    x, y = position[0], position[1]
    row = min(max(int((y - origin[1]) / resolution), 0), rows - 1)
    column = min(max(int((x - origin[0]) / resolution), 0), columns - 1)
    cell = nearest[row * columns + column]
    if cell < 0 or not np.isfinite(field[cell // columns, cell % columns]):
        return goal[0], goal[1], np.inf
    straight = math.sqrt((goal[0] - x) ** 2 + (goal[1] - y) ** 2)
    row, column = cell // columns, cell % columns
    if straight < 2.0 * resolution or field[row, column] < 1.5:
        return goal[0], goal[1], straight
    room = _clearance(index, x, y, reach)
    if room < (1.0 - _TOLERANCE) * clearance:
        # Nearer to a wall than the way may be: out to the nearest free cell first.
        to_x, to_y = origin[0] + (column + 0.5) * resolution, origin[1] + (row + 0.5) * resolution
        return to_x, to_y, field[row, column] * resolution + math.sqrt((to_x - x) ** 2 + (to_y - y) ** 2)
    keep = min(clearance, room - _SLACK)
    if visible(index, reach, keep, x, y, goal[0], goal[1]):
        return goal[0], goal[1], straight
    row, column = _farthest_in_sight(field, row, column, origin, resolution, index, reach, keep, position)
    to_x, to_y = origin[0] + (column + 0.5) * resolution, origin[1] + (row + 0.5) * resolution
    return to_x, to_y, field[row, column] * resolution + math.sqrt((to_x - x) ** 2 + (to_y - y) ** 2)


@njit(cache=True)
def waypoints(
    fields: Array,
    nearest: NDArray[np.int64],
    origin: Array,
    resolution: float,
    index: ObstacleIndex,
    reach: float,
    clearance: float,
    positions: Array,
    goals: Array,
) -> Array:
    """``waypoint`` of n robots: fields float64[n, rows, columns], positions and goals float64[n, 2]; float64[n, 3]."""
    found = np.empty((len(goals), 3))
    for i in range(len(goals)):
        found[i] = waypoint(
            fields[i], nearest, origin, resolution, index, reach, clearance, positions[i], goals[i]
        )
    return found


@njit(cache=True)
def trace(field: Array, row: int, column: int, most: int) -> NDArray[np.int64]:
    """At most `most` cells down the field, int64[n, 2]."""
    cells = np.empty((most, 2), dtype=np.int64)
    stride = max(1, int(field[row, column] / most) + 1)
    count = 0
    while count < most:
        cells[count] = row, column
        count += 1
        before_row, before_column = row, column
        for _ in range(stride):
            row, column = _downhill(field, row, column)
        if row == before_row and column == before_column:
            break
    return cells[:count]


@njit(cache=True)
def _nearest_free(free: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The nearest free cell of each cell (itself where it is free), flat; -1 if none is free."""
    rows, columns = free.shape
    nearest = np.full(rows * columns, -1, dtype=np.int64)
    queue = np.empty(rows * columns, dtype=np.int64)
    last = 0
    for cell in range(rows * columns):
        if free[cell // columns, cell % columns]:
            nearest[cell] = cell
            queue[last] = cell
            last += 1
    first = 0
    while first < last:
        cell = queue[first]
        first += 1
        r, c = cell // columns, cell % columns
        for dr in range(-1, 2):
            for dc in range(-1, 2):
                nr, nc = r + dr, c + dc
                if 0 <= nr < rows and 0 <= nc < columns and nearest[nr * columns + nc] < 0:
                    nearest[nr * columns + nc] = nearest[cell]
                    queue[last] = nr * columns + nc
                    last += 1
    return nearest


class Roadmap:
    """What robots of one radius may drive on in one world: an occupancy grid with costs, and where it is.

    Args:
        world: The static map.
        radius: Of the robots [m].
        margin: Extra distance from obstacles [m].

    Raises:
        InputError: If a number makes no sense.
    """

    def __init__(self, world: World, radius: float, margin: float = 0.0) -> None:
        if not (math.isfinite(radius) and radius > 0.0):
            raise InputError("RoadmapPlanner radius", radius, "a finite number of metres above 0")
        if not (math.isfinite(margin) and margin >= 0.0):
            raise InputError("RoadmapPlanner margin", margin, "a finite number of metres, at least 0")
        self.clearance = (radius + margin) / (1.0 - _TOLERANCE)
        self.reach = 2.0 * self.clearance
        self.index = world.index(self.reach)
        self.origin = np.array(world.bounds[:2], dtype=np.float64)
        self.resolution = _resolution(world, radius)
        size = np.asarray(world.bounds[2:]) - self.origin
        columns, rows = (max(1, math.ceil(side / self.resolution - 1e-9)) for side in size)
        room = _room(self.index, self.reach, self.origin, self.resolution, rows, columns)
        self.cost = np.where(
            room >= self.clearance, 1.0 + _DETOUR * np.clip(2.0 - room / self.clearance, 0.0, 1.0), np.inf
        )
        self.nearest = _nearest_free(np.isfinite(self.cost))

    def cell_at(self, x: float, y: float) -> tuple[int, int]:
        """The free cell at, or nearest to, a point (row from the bottom, column); (-1, -1) if no cell is free."""
        rows, columns = self.cost.shape
        row = min(max(int((y - self.origin[1]) / self.resolution), 0), rows - 1)
        column = min(max(int((x - self.origin[0]) / self.resolution), 0), columns - 1)
        cell = int(self.nearest[row * columns + column])
        return (-1, -1) if cell < 0 else divmod(cell, columns)

    def field(self, goal: Array) -> Array:
        """Way left from each cell to a goal ``float64[2]`` (m, world frame) [cells]; inf where there is none."""
        return weighted_field(self.cost, *self.cell_at(goal[0], goal[1]))[0]

    def waypoints(self, fields: Array, positions: Array, goals: Array) -> Array:
        """Where n robots drive next, x, y [m], and the length of their ways [m], float64[n, 3]; see ``waypoint``.

        Args:
            fields: Of their goals, float64[n, rows, columns].
            positions: World frame [m], float64[n, 2].
            goals: World frame [m], float64[n, 2].
        """
        return waypoints(
            fields, self.nearest, self.origin, self.resolution, self.index, self.reach, self.clearance, positions,
            goals,
        )


def roadmap_of(world: World, radius: float, margin: float = 0.0) -> Roadmap:
    """The roadmap of a world for robots of a radius; made once, shared by all of them."""
    key = ("roadmap", radius, margin)
    if key not in world.derived:
        world.derived[key] = Roadmap(world, radius, margin)
    made: Roadmap = world.derived[key]
    return made


def _resolution(world: World, radius: float) -> float:
    """Side of a cell of the occupancy grid [m]: about half a radius, coarser in large worlds.

    On a grid map it is the map's cell divided by an odd number, so that the middle of every aisle is a cell's centre.
    """
    width, height = float(world.bounds[2] - world.bounds[0]), float(world.bounds[3] - world.bounds[1])
    wanted = max(0.5 * radius, math.sqrt(width * height / MOST_CELLS), 1e-6)
    if world.grid is None:
        return wanted
    return float(world.grid.cell_size) / max(1, 2 * math.ceil(0.5 * (world.grid.cell_size / wanted - 1.0)) - 1)
