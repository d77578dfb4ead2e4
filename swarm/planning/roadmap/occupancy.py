"""Where a robot may drive: an occupancy grid inflated by its radius; a cell is free if its middle keeps that clearance.

Other robots are looked at only where one asks for it; the safety filter keeps clear of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Int64s
from swarm.errors import InputError
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.geometry import COLUMNS
from swarm.scenario.obstacle_index import ObstacleIndex, middle_of_cell, room_around, surface_distance

if TYPE_CHECKING:
    from swarm.scenario.world import World


MOST_CELLS = 250_000
"""Cells of the occupancy grid; larger worlds get a coarser one."""
_DETOUR = 0.3  # Extra cost of a cell at a wall: keeps the way off corners where there is room.
TOLERANCE = 0.03
"""Share of the clearance that a robot may lose by not driving exactly straight; planned on top."""
NARROW = 1.4
"""Cost of a cell that is only free beside its middle (``swarm.planning.roadmap.narrow``); others cost less."""
REACH = 2.0
"""Clearances up to which obstacles are looked for."""
_OFF = 0.02  # Who has so much less room than it needs, relatively, was driven off its way by errors.
SLACK = 1e-9
"""What is shorter than this is nothing but rounding [m]."""


class Roadmap(NamedTuple):
    """What a robot may drive on: an occupancy grid with costs; numba kernels take it as one argument.

    Attributes:
        cost: Of each cell per cell length, without ``others``, float64[rows, columns], row 0 at the bottom; inf where
            the robot does not fit, ``NARROW`` where it fits beside the middle.
        origin: Lower-left corner of the grid, world frame [m], float64[2].
        resolution: Side of a cell [m].
        clearance: Of the way [m].
        obstacles: Those of the world, within at least twice the clearance of each bin.
        others: Further obstacles, rows as in ``ObstacleIndex.obstacles``, float64[m, 7].
        narrow: Cells that cost ``NARROW``, float64[p, 3]: number of the cell, ascending, and the point for it [m].
        turns: Whether it is for a robot that drives along its heading only, and does not slide along a corner.
    """

    cost: Array
    origin: Array
    resolution: float
    clearance: float
    obstacles: ObstacleIndex
    others: Array
    narrow: Array
    turns: bool


def flat(roadmap: Roadmap) -> tuple[Any, ...]:
    """Its parts one by one: for kernels that are called so often that to take a tuple of tuples apart counts."""
    return *roadmap[:4], *roadmap.obstacles[:3], *roadmap.obstacles.shape, *roadmap.obstacles[4:], *roadmap[5:]


@njit(cache=True, inline="always")
def whole(parts: tuple[Any, ...]) -> Roadmap:
    """A roadmap of its parts (``flat``)."""
    index = ObstacleIndex(parts[4], parts[5], parts[6], (parts[7], parts[8]), parts[9], parts[10])
    return Roadmap(parts[0], parts[1], parts[2], parts[3], index, parts[11], parts[12], parts[13])


@uncounted
def clearance_at(roadmap: Roadmap, x: float, y: float) -> float:
    """Distance to the nearest obstacle [m], at most ``REACH`` times the clearance."""
    return room_around(roadmap.obstacles, roadmap.others, x, y, REACH * roadmap.clearance)


@uncounted
def kept_at(roadmap: Roadmap, place: Array) -> float:
    """The clearance of straight ways from a place on [m]."""
    room = clearance_at(roadmap, place[0], place[1])
    return max(min(roadmap.clearance, room - SLACK), 0.0)


@inlined
def _cost(room: float, clearance: float) -> float:
    """Cost of a cell whose middle is so far from the nearest obstacle [m]."""
    if not room >= clearance:
        return np.inf
    return 1.0 + _DETOUR * min(max(2.0 - room / clearance, 0.0), 1.0)


@inlined
def _centre(roadmap: Roadmap, row: int, column: int) -> tuple[float, float]:
    """Middle of a cell, world frame [m]."""
    return middle_of_cell(roadmap.origin, roadmap.resolution, row, column)


@uncounted
def middle(roadmap: Roadmap, row: int, column: int) -> tuple[float, float]:
    """The point that stands for a cell, world frame [m]: its middle; of a narrow cell, one that is free."""
    if roadmap.cost[row, column] != NARROW:
        return _centre(roadmap, row, column)
    k = np.searchsorted(roadmap.narrow[:, 0], float(row * roadmap.cost.shape[1] + column))
    return roadmap.narrow[k, 1], roadmap.narrow[k, 2]


@njit(cache=True)
def middles(roadmap: Roadmap, cells: Int64s) -> Array:
    """The middles of cells (row, column), float64[n, 2] [m]."""
    way = np.empty((len(cells), 2))
    for k in range(len(cells)):
        way[k] = middle(roadmap, cells[k, 0], cells[k, 1])
    return way


@njit(cache=True)
def _fill(roadmap: Roadmap) -> None:
    """Write the costs."""
    rows, columns = roadmap.cost.shape
    for row in range(rows):
        for column in range(columns):
            x, y = _centre(roadmap, row, column)
            roadmap.cost[row, column] = _cost(clearance_at(roadmap, x, y), roadmap.clearance)


@njit(cache=True)
def cost_among_others(roadmap: Roadmap) -> Array:
    """The costs, with ``others`` counted as obstacles; only the cells around them are computed."""
    cost = roadmap.cost.copy()
    (left, low), size = roadmap.origin, roadmap.resolution
    for k in range(len(roadmap.others)):
        other = roadmap.others[k]
        wide = other[4] + REACH * roadmap.clearance
        first_row, last_row = int((other[1] - wide - low) / size), int((other[1] + wide - low) / size)
        first_column, last_column = int((other[0] - wide - left) / size), int((other[0] + wide - left) / size)
        for row in range(max(first_row, 0), min(last_row + 1, cost.shape[0])):
            for column in range(max(first_column, 0), min(last_column + 1, cost.shape[1])):
                room = surface_distance(roadmap.others, k, *middle(roadmap, row, column))
                cost[row, column] = max(cost[row, column], _cost(room, roadmap.clearance))
    return cost


@uncounted
def _is_free(roadmap: Roadmap, row: int, column: int) -> bool:
    free = np.isfinite(roadmap.cost[row, column])
    x, y = middle(roadmap, row, column)
    for k in range(len(roadmap.others)):
        free = free and surface_distance(roadmap.others, k, x, y) >= roadmap.clearance
    return free


@uncounted
def cell_at(roadmap: Roadmap, x: float, y: float) -> tuple[int, int]:
    """The free cell at, or nearest to, a point (row from the bottom, column); (-1, -1) if no cell is free."""
    rows, columns = roadmap.cost.shape
    row = min(max(int((y - roadmap.origin[1]) / roadmap.resolution), 0), rows - 1)
    column = min(max(int((x - roadmap.origin[0]) / roadmap.resolution), 0), columns - 1)
    for ring in range(max(rows, columns)):
        for r in range(max(row - ring, 0), min(row + ring + 1, rows)):
            step = 1 if ring == 0 or abs(r - row) == ring else 2 * ring  # inside of the ring all have been looked at
            for c in range(column - ring, column + ring + 1, step):
                if 0 <= c < columns and _is_free(roadmap, r, c):
                    return r, c
    return -1, -1


@uncounted
def visible(roadmap: Roadmap, clearance: float, x: float, y: float, to_x: float, to_y: float) -> bool:
    """Whether a disc can go from one point to another in a straight line (sphere tracing).

    Args:
        roadmap: Where the obstacles are.
        clearance: What must be kept, at most that of the roadmap: the radius of the disc [m].
        x: Start, world frame [m].
        y: Start [m].
        to_x: End [m].
        to_y: End [m].
    """
    dx, dy = to_x - x, to_y - y
    length = math.sqrt(dx * dx + dy * dy)
    least_step = 0.05 * REACH * roadmap.clearance
    done = 0.0
    while True:
        share = done / length if length > 0.0 else 0.0
        room = clearance_at(roadmap, x + share * dx, y + share * dy) - clearance
        if room < -SLACK:
            return False
        if done >= length:
            return True
        # Nothing within ``room`` of here: the disc may move that far without looking again.
        done = min(done + max(room, least_step), length)


@uncounted
def inside(bounds: Array, x: float, y: float) -> float:
    """How far within the bounds of the world, where centres may be, a place is [m]; below 0 beyond them."""
    return min(x - bounds[0], y - bounds[1], bounds[2] - x, bounds[3] - y)


@uncounted
def is_off(bounds: Array, needed: float, margin: float, x: float, y: float, room: float) -> bool:
    """Whether who is here, with so much room around it [m], is nearer to something than its errors allow."""
    return room < (1.0 - _OFF) * needed or inside(bounds, x, y) < (1.0 - _OFF) * margin


def roadmap_of(world: World, radius: float, margin: float = 0.0, resolution: float | None = None) -> Roadmap:
    """The roadmap of a world for robots of a radius; made once, shared by all of them.

    Args:
        world: The static map.
        radius: Of the robots [m].
        margin: Extra distance from obstacles [m].
        resolution: Side of a cell [m]; if not given, about half a radius.

    Raises:
        InputError: If a number makes no sense.
    """
    key = ("roadmap", radius, margin, resolution)
    if key not in world.derived:
        world.derived[key] = _make(world, radius, margin, resolution)
    made: Roadmap = world.derived[key]
    return made


def _make(world: World, radius: float, margin: float, resolution: float | None) -> Roadmap:
    if not (math.isfinite(radius) and radius > 0.0):
        raise InputError("RoadmapPlanner radius", radius, "a finite number of metres above 0")
    if not (math.isfinite(margin) and margin >= 0.0):
        raise InputError("RoadmapPlanner margin", margin, "a finite number of metres, at least 0")
    clearance = (radius + margin) / (1.0 - TOLERANCE)
    resolution = _resolution(world, radius) if resolution is None else resolution
    size = world.bounds[2:] - world.bounds[:2]
    columns, rows = (max(1, math.ceil(side / resolution - 1e-9)) for side in size)
    index, origin = world.index(REACH * clearance), world.bounds[:2].copy()
    roadmap = Roadmap(
        np.empty((rows, columns)), origin, resolution, clearance, index, np.empty((0, COLUMNS)), np.empty((0, 3)), False
    )
    _fill(roadmap)
    if margin > 0.0:  # nobody gets nearer to the bounds either: the shield keeps the margin from them too
        x, y = ((np.arange(count) + 0.5) * resolution for count in (columns, rows))
        roadmap.cost[:, (x < margin) | (x > size[0] - margin)] = np.inf
        roadmap.cost[(y < margin) | (y > size[1] - margin)] = np.inf
    return roadmap


def _resolution(world: World, radius: float) -> float:
    """Side of a cell of the occupancy grid [m]: about half a radius, coarser in large worlds.

    On a grid map it is the map's cell divided by an odd number, so that the middle of every aisle is a cell's centre.
    """
    width, height = float(world.bounds[2] - world.bounds[0]), float(world.bounds[3] - world.bounds[1])
    wanted = max(0.5 * radius, math.sqrt(width * height / MOST_CELLS), 1e-6)
    if world.grid is None:
        return wanted
    return float(world.grid.cell_size) / max(1, 2 * math.ceil(0.5 * (world.grid.cell_size / wanted - 1.0)) - 1)
