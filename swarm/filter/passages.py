"""Narrow passages: what room two obstacles leave a robot between them, and what its rows ask for there.

The rows of a unicycle are about a point ahead of its axle, and all rows keep a little more than the shield does. In the
open both are easier driving; between two obstacles they shut a passage that the body fits through. There the rows of a
unicycle are about the axle itself, and the extra distance shrinks to a part of what the passage leaves free.
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.filter.row import recover, write_row
from swarm.filter.tunables import ROTATION
from swarm.model.body import FLOOR, LOOK_AHEAD, PERIOD, RADIUS, TURN_RATE
from swarm.model.dynamics import UNICYCLE
from swarm.sense.neighbours import O_GAP, O_NX, O_NY, Around

# A passage is narrow for a unicycle that leaves less than so many look-aheads free on each side: for one that is alone,
# and among others, for whom steering matters more.
_ALONE, _AMONG_OTHERS = 3.0, 1.25
# Among others, a unicycle that looks at a side within this cosine of its normal is not on its way through.
_FACING = 0.7
# Of one's radius: what rows keep more than the shield.
ROW_MARGIN = 0.02
# A row whose normal is shorter before it is scaled says nothing.
_PARALLEL = 1e-9
# How long a unicycle takes to turn to where it wants to drive: by so much [rad], and so many periods.
_TURN, _PERIODS = 0.5, 4.0


@njit(cache=True)
def width_between(one: Array, other: Array) -> float:
    """Distance between the surfaces of two obstacles [m], rows as in ``swarm.model.geometry``; 0 if they touch."""
    dx = max(abs(one[0] - other[0]) - one[2] - other[2], 0.0)
    dy = max(abs(one[1] - other[1]) - one[3] - other[3], 0.0)
    return max(math.sqrt(dx * dx + dy * dy) - one[4] - other[4], 0.0)


@njit(cache=True)
def room_beside(k: int, obstacles: Array, count: int, size: float, most: float) -> float:
    """What the narrowest passage along obstacle ``k`` leaves free on each side of a robot that fits [m].

    A passage counts while the robot is no farther from both of its sides than it is wide.

    Args:
        k: One of ``obstacles``.
        obstacles: ``float64[M, 8]`` that the robot senses, nearest first; the first ``count`` count.
        count: See ``obstacles``.
        size: How far the robot's centre has to be from an obstacle [m].
        most: More room than this does not matter [m].

    Returns:
        The room, at most ``most``.
    """
    room = most
    if obstacles[k, O_GAP] >= 2.0 * (size + most):
        return room
    for j in range(count):
        if obstacles[j, O_GAP] >= 2.0 * (size + room):
            break
        if j == k:
            continue
        width = width_between(obstacles[k], obstacles[j])
        if 2.0 * size <= width < 2.0 * (size + room) and max(obstacles[k, O_GAP], obstacles[j, O_GAP]) < width:
            room = 0.5 * width - size
    return room


@njit(cache=True, inline="always")
def narrow_room(around: Around) -> float:
    """Below how much room on each side [look-aheads] a passage is narrow for a unicycle."""
    return _ALONE if around.num_neighbours == 0 else _AMONG_OTHERS


@njit(cache=True)
def faces(kind: int, state: Array, thing: Array) -> bool:
    """Whether a unicycle looks at an obstacle, and not along it."""
    return kind == UNICYCLE and thing[O_NX] * math.cos(state[2]) + thing[O_NY] * math.sin(state[2]) < -_FACING


@njit(cache=True)
def narrow_row(
    kind: int, state: Array, body: Array, thing: Array, size: float, room: float, extra: float, gain: float,
    power: float, row: Array,
) -> float:  # fmt: skip
    """Write the row of an obstacle beside which a passage is narrow; returns its right-hand side.

    That of a unicycle is about its axle, which turning does not move: the row slows the robot down, and never steers
    it. Nobody comes nearer to a side, while the robot turns to where it wants to drive, than there is room for.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        thing: The obstacle, ``float64[8]``.
        size: How far the robot's centre has to be from it [m].
        room: As of ``room_beside`` [m].
        extra: What rows keep besides where it is not narrow [m].
        gain: Of the class-K function [1/s].
        power: Of the class-K function.
        row: ``float64[2]``, written: its normal, of unit norm or 0.
    """
    unicycle, nx, ny = kind == UNICYCLE, thing[O_NX], thing[O_NY]
    if unicycle:
        extra = min(extra, 0.2 * room, 0.5 * ROW_MARGIN * body[RADIUS])
    else:
        extra = min(extra, max(room - ROW_MARGIN * body[RADIUS], 0.0))
    gap, rate = thing[O_GAP] - size - extra, nx * state[3] + ny * state[4]
    limit = write_row(kind, state, body, gap, nx, ny, rate, gain, power, 1.0, 1.0, rate, row)
    if not unicycle:
        return recover(kind, body, gap + extra, rate, 1.0, limit)
    limit = max(min(limit, gap / (_TURN / body[TURN_RATE] + _PERIODS * body[PERIOD])), 0.0)
    along, row[1] = row[0], 0.0
    if abs(along) < _PARALLEL:  # it drives along the obstacle
        row[0] = 0.0
        return limit
    row[0] = math.copysign(1.0, along)
    return limit / abs(along)


@njit(cache=True, inline="always")
def straighten(kind: int, body: Array, around: Around, tunables: Array) -> None:
    """Take the rotation out of the ``tunables`` of a unicycle that is in a narrow passage, or before it, alone.

    It fits through only along its way, and there is nobody for whom it would have to turn aside.
    """
    if kind != UNICYCLE or around.num_neighbours > 0:
        return
    size, most = body[RADIUS] + body[FLOOR], _ALONE * body[LOOK_AHEAD]
    for k in range(around.num_obstacles):
        if room_beside(k, around.obstacles, around.num_obstacles, size, most) < most:
            tunables[ROTATION] = 0.0
