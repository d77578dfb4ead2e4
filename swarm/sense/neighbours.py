"""What one robot senses around itself: the nearest robots and obstacles within its radius (kernels).

The neighbourhood of a robot is the K nearest robots and the M nearest obstacles, by surface distance. A robot that
had to leave out somebody close enough to matter within one control period is ``truncated`` and must brake.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model import dynamics
from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_CORNER_X, T_CORNER_Y
from swarm.model.body import ACCELERATION, ERROR, FLOOR, LAG, LOOK_AHEAD, MARGIN, RADIUS, REACH, SENSING
from swarm.model.dynamics import UNICYCLE
from swarm.model.geometry import COLUMNS, extents, to_obstacle
from swarm.model.shapes import NO_FOOTPRINT, NO_SHAPES
from swarm.model.strangers import covered, faster, start_of

MAX_NEIGHBOURS = 16
MAX_OBSTACLES = 16

# Columns of a neighbour, float64[22]: position and velocity (world), radius, the offset of its control point, its
# braking acceleration (inf: stops at once), its reach in one period, where it is heading (world), its last
# rotation and speed tunables (in [0, 1]) and its id, -1 if it tells nothing; from its position back to its body and to
# the corner of the triangle that holds the arc between them, if its actuators lag (of a unicycle of second order: on to
# where it comes to rest, and the corner between); how far it may be elsewhere (m); and, of a stranger, how fast it is
# (m/s), by how much it may become faster (m/s²) and how fast it is at most (m/s, 0: not known): see
# ``swarm.model.strangers``. Whose pace and push are both 0 keeps the rules that all robots share.
NEIGHBOUR = 22
N_X, N_Y, N_VX, N_VY, N_RADIUS, N_OFFSET_X, N_OFFSET_Y, N_ACCELERATION, N_REACH = range(9)
N_INTENT_X, N_INTENT_Y, N_ROTATION, N_SPEED, N_ID = range(9, 14)
N_BODY_X, N_BODY_Y, N_CORNER_X, N_CORNER_Y, N_ERROR, N_PACE, N_PUSH, N_TOP = range(14, NEIGHBOUR)

# Columns of an obstacle that is sensed, float64[11]: the seven of ``swarm.model.geometry``, then the gap between its
# surface and the robot's centre, the unit normal there, away from it, and how much room a narrow passage beside it
# leaves on each side (m; inf: none is narrow, see ``swarm.filter.narrow``).
OBSTACLE = 11
O_GAP, O_NX, O_NY, O_ROOM = range(COLUMNS, OBSTACLE)


class Around(NamedTuple):
    """What one robot has around it, as the kernels of the filter and of the observation read it.

    Attributes:
        neighbours: ``float64[K, 22]``; the first ``num_neighbours`` count.
        num_neighbours: See ``neighbours``.
        obstacles: ``float64[M, 11]``; the first ``num_obstacles`` count.
        num_obstacles: See ``obstacles``.
        bounds: ``float64[4]``: xmin, ymin, xmax, ymax for the robot's centre; may be infinite.
        truncated: Whether somebody near had to be left out.
        trail: ``float64[TRAIL]``, what the robot trails behind its own state (``swarm.model.actuators``).
        agreed: Whether who goes first here is agreed (``swarm.planning.Plan``).
        footprint: ``float64[V, 2]``, of a robot that is no disc (``swarm.model.shapes``).
        shapes: ``float64[K, P, 2]``, those of the neighbours that are no discs; P is 0 if everybody is one.
    """

    neighbours: Array
    num_neighbours: int
    obstacles: Array
    num_obstacles: int
    bounds: Array
    truncated: bool
    trail: Array
    agreed: bool = False
    footprint: Array = NO_FOOTPRINT
    shapes: Array = NO_SHAPES


@uncounted
def describe(
    kind: int, state: Array, body: Array, intent: Array, rotation: float, speed: float, robot_id: int, row: Array
) -> None:
    """Write the neighbour columns of one robot that trails nothing into ``row`` (22,)."""
    row[N_X], row[N_Y], row[N_VX], row[N_VY] = state[0], state[1], state[3], state[4]
    row[N_RADIUS] = body[RADIUS]
    row[N_OFFSET_X] = row[N_OFFSET_Y] = 0.0
    if kind == UNICYCLE:
        row[N_OFFSET_X] = body[LOOK_AHEAD] * math.cos(state[2])
        row[N_OFFSET_Y] = body[LOOK_AHEAD] * math.sin(state[2])
    row[N_ACCELERATION] = body[ACCELERATION] if kind == dynamics.DOUBLE_INTEGRATOR else np.inf
    row[N_REACH] = body[REACH]
    row[N_INTENT_X], row[N_INTENT_Y] = intent[0], intent[1]
    row[N_ROTATION], row[N_SPEED], row[N_ID] = rotation, speed, robot_id
    row[N_BODY_X] = row[N_BODY_Y] = row[N_CORNER_X] = row[N_CORNER_Y] = 0.0
    row[N_ERROR] = body[ERROR]
    row[N_PACE] = row[N_PUSH] = row[N_TOP] = 0.0


@njit(cache=True, inline="always")
def is_stranger(row: Array) -> bool:
    """Whether neighbour columns are those of a stranger."""
    return bool(row[N_PACE] > 0.0 or row[N_PUSH] > 0.0)


@uncounted
def count_on(row: Array, declared: Array, late: float, time: float) -> None:
    """Make the neighbour columns ``row`` (22,) of a sensed robot those of a stranger, unless nobody is one.

    Args:
        row: Place, velocity, radius, and how far the place may be wrong; the rest is written.
        declared: ``float64[STRANGERS]``, what is counted on (``swarm.model.strangers``).
        late: How long ago it was there when the command acts [s].
        time: A period, and for how long the robot that senses it may still move then [s].
    """
    pace, push, top = start_of(math.hypot(row[N_VX], row[N_VY]), declared)
    if pace == 0.0 and push == 0.0:
        return
    row[N_OFFSET_X] = row[N_OFFSET_Y] = 0.0
    row[N_BODY_X] = row[N_BODY_Y] = row[N_CORNER_X] = row[N_CORNER_Y] = 0.0
    row[N_ACCELERATION], row[N_ID] = np.inf, -1
    row[N_ERROR] += covered(pace, push, top, late)
    row[N_PACE], row[N_PUSH], row[N_TOP] = faster(pace, push, top, late), push, top
    row[N_REACH] = row[N_ERROR] + covered(row[N_PACE], push, top, time)


@uncounted
def trailing(row: Array, trail: Array) -> None:
    """Put what a robot trails, or its way to rest, into its neighbour columns ``row`` (22,)."""
    row[N_BODY_X], row[N_BODY_Y] = trail[T_BODY_X], trail[T_BODY_Y]
    row[N_CORNER_X], row[N_CORNER_Y] = trail[T_CORNER_X], trail[T_CORNER_Y]


@njit(cache=True, inline="always")
def _insert(order: Array, count: int, slots: int, gap: float, j: int) -> int:
    """Sort (gap, j) into the ``count`` nearest so far, at most ``slots``; returns how many there are then."""
    if count == slots and gap >= order[count - 1, 0]:
        return count
    if count < slots:
        count += 1
    k = count - 1
    while k > 0 and order[k - 1, 0] > gap:
        order[k, 0], order[k, 1] = order[k - 1, 0], order[k - 1, 1]
        k -= 1
    order[k, 0], order[k, 1] = gap, j
    return count


@njit(cache=True, inline="always")
def _nearer(own: Array, other: Array, lag: float) -> float:
    """By how much (m, at most) two bodies that lag, or of which old news are known, are nearer than their places."""
    if lag <= 0.0:  # what unicycles of second order trail lies before them
        return float(other[N_ERROR])
    trails = abs(own[N_BODY_X]) + abs(own[N_BODY_Y]) + abs(other[N_BODY_X]) + abs(other[N_BODY_Y])
    return trails + other[N_ERROR]


@njit(cache=True, inline="always")
def _kept(body: Array, other: Array) -> float:
    """What is kept at most between two robots, besides their radii [m]: as ``swarm.filter.hulls.lines``.

    What may be wrong of a stranger is a part of its reach.
    """
    if is_stranger(other):
        return float(2.0 * body[MARGIN])
    return float(max(2.0 * body[FLOOR], body[ERROR] + other[N_ERROR]))


@inlined
def sense_robots(i: int, others: Array, body: Array, found: Array, order: Array) -> tuple[int, bool]:
    """Copy the nearest of ``others`` within the sensing radius of robot ``i`` into ``found``, nearest first.

    The radius counts from body to body, at the nearest that they may be.

    Args:
        i: Row of the robot itself in ``others``.
        others: ``float64[N, 22]``, neighbour columns of all robots.
        body: ``float64[BODY]`` of robot i.
        found: ``float64[K, 22]``, written.
        order: ``float64[K, 2]``, scratch.

    Returns:
        How many were written, and whether one that matters within a period had to be left out.
    """
    x, y, sensing = others[i, N_X], others[i, N_Y], body[SENSING]
    left_out = 0  # robots so close that they may matter within a period, less those of them that are kept
    count, slots = 0, found.shape[0]
    for j in range(others.shape[0]):
        dx, dy = others[j, N_X] - x, others[j, N_Y] - y
        square = dx * dx + dy * dy
        if j == i:
            continue
        if square > sensing * sensing and square > (sensing + _nearer(others[i], others[j], body[LAG])) ** 2:
            continue
        gap = math.sqrt(square) - others[j, N_RADIUS]
        if gap < body[RADIUS] + _kept(body, others[j]) + others[i, N_REACH] + others[j, N_REACH]:
            left_out += 1
        count = _insert(order, count, slots, gap, j)
    # Counted one by one: a slow robot that does not matter may be nearer than a fast one that does.
    for k in range(count):
        j = int(order[k, 1])
        for column in range(NEIGHBOUR):
            found[k, column] = others[j, column]
        if order[k, 0] < body[RADIUS] + _kept(body, found[k]) + others[i, N_REACH] + found[k, N_REACH]:
            left_out -= 1
    return count, left_out > 0


@inlined
def copy_shapes(shapes: Array, order: Array, count: int, found: Array) -> None:
    """Copy those of the nearest robots, as ``sense_robots`` has sorted them.

    Args:
        shapes: ``float64[N, P, 2]`` (``swarm.model.shapes``).
        order: ``float64[K, 2]``; in the second column, who.
        count: How many.
        found: ``float64[K, P, 2]``, written.
    """
    for k in range(count if shapes.shape[1] > 0 else 0):
        shape = shapes[int(order[k, 1])]
        for point in range(int(shape[0, 0]) + 1):
            found[k, point, 0], found[k, point, 1] = shape[point, 0], shape[point, 1]


@inlined
def sense_obstacles(
    state: Array, body: Array, reach: float, obstacles: Array, items: Int64s, first: int, last: int,
    found: Array, order: Array,
) -> tuple[int, bool]:  # fmt: skip
    """Copy the nearest obstacles within the sensing radius into ``found``, nearest surface first.

    Args:
        state: ``float64[5]`` of the robot.
        body: ``float64[BODY]`` of the robot.
        reach: How far the robot may get within a period and braking [m].
        obstacles: ``float64[n, 7]``.
        items: Indices of candidates; those from ``first`` to ``last`` are looked at.
        first: See ``items``.
        last: See ``items``.
        found: ``float64[M, 11]``, written.
        order: ``float64[M, 2]``, scratch.

    Returns:
        How many were written, and whether one that matters within a period had to be left out.
    """
    near, count, slots = 0, 0, found.shape[0]
    x, y, sensing = state[0], state[1], body[SENSING]
    for index in range(first, last):
        j = items[index]
        extent, (half_x, half_y) = sensing + obstacles[j, 4], extents(obstacles[j])
        # One branch for both axes: the processor foresees it more often.
        if max(abs(x - obstacles[j, 0]) - (half_x + extent), abs(y - obstacles[j, 1]) - (half_y + extent)) > 0.0:
            continue
        gap = to_obstacle(x, y, obstacles[j])[0]
        if gap > sensing:
            continue
        if gap < body[RADIUS] + body[MARGIN] + reach:
            near += 1
        count = _insert(order, count, slots, gap, j)
    for k in range(count):
        j = int(order[k, 1])
        for column in range(O_GAP):
            found[k, column] = obstacles[j, column]
    measure_obstacles(state, found, count)
    return count, near > slots


@inlined
def measure_obstacles(state: Array, obstacles: Array, count: int) -> None:
    """Write gap and normal of the first ``count`` obstacles ``float64[M, 11]``, as seen from ``state`` (5,)."""
    for k in range(count):
        gap, nx, ny = to_obstacle(state[0], state[1], obstacles[k])
        obstacles[k, O_GAP], obstacles[k, O_NX], obstacles[k, O_NY] = gap, nx, ny
        obstacles[k, O_ROOM] = np.inf


@njit(cache=True, inline="always")
def bin_of(x: float, y: float, origin: Array, bin_size: float, shape: Int64s) -> int:
    """Number of the bin of an obstacle index (``World.index``) that holds a point; outside, the nearest one."""
    i = min(max(math.floor((x - origin[0]) / bin_size), 0), shape[0] - 1)
    j = min(max(math.floor((y - origin[1]) / bin_size), 0), shape[1] - 1)
    return i * shape[1] + j
