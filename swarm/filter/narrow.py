"""Narrow passages: what room two obstacles leave a robot between them, and what its rows ask for there.

The rows of a unicycle are about a point ahead of its axle, and all rows keep a little more than the shield does. In the
open both are easier driving; between two obstacles they shut a passage that the body fits through. There, and only if
its way leads through, the rows of a unicycle are about the axle itself, and the extra distance shrinks to a part of
what the passage leaves free.

Where who goes first is agreed, a unicycle turns on the spot instead: it heads for where a single integrator would
drive, and its rows limit its forward speed alone, with the boldest barriers.
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.filter.row import recover, write_row
from swarm.filter.tunables import ROTATION
from swarm.kernel_cache.references import uncounted
from swarm.model.actuators import T_ERROR, T_STRAY
from swarm.model.body import FLOOR, LOOK_AHEAD, PERIOD, RADIUS, TURN_RATE, is_car, is_second_order
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SINGLE_INTEGRATOR, UNICYCLE
from swarm.model.passage import middle_line
from swarm.model.shapes import corners_of
from swarm.sense.neighbours import O_GAP, O_NX, O_NY, O_ROOM, Around

# For a unicycle a passage is narrow that leaves less than so many look-aheads, and what rows keep, free on each side:
# with less than 1 the rows about the point ahead refuse it.
_NARROW = 1.25
# Among others, a unicycle that looks at a side within this cosine of its normal is not on its way through.
_FACING = 0.7
# A way leads through a passage that leaves its middle by no more than the room and so many look-aheads.
_ASIDE = 0.5
# So many clearances before a passage a waypoint on the line of its middle is on the way through.
_BEFORE = 2.0
# Of one's radius: what rows keep more than the shield, and what those keep of a robot that needs time to brake, and is
# not to be stopped for what its rows could not foresee.
ROW_MARGIN, ROW_MARGIN_BRAKING = 0.02, 0.1
# The tunables of a unicycle that turns on the spot: the boldest barriers, straight ahead, at full speed.
_BOLD = (20.0, 1.0, 20.0, 1.0, 0.0, 1.0)
# A row whose normal is shorter before it is scaled says nothing.
_PARALLEL = 1e-9
# How long a unicycle takes to turn to where it wants to drive: by so much [rad], and so many periods.
_TURN, _PERIODS = 0.5, 4.0


@uncounted
def _leads_through(
    x: float, y: float, waypoint: Array, size: float, aside: float, line: tuple[float, float, float, float, float]
) -> bool:
    """Whether the straight way from (x, y) to the waypoint leads through a passage, (x, y) is in it, or the waypoint.

    A waypoint right before the passage is where the robot lines up for it.

    Args:
        x: The robot [m].
        y: The robot [m].
        waypoint: ``float64[2]`` [m].
        size: How far the robot's centre has to be from an obstacle; so far behind the passage it is still in it [m].
        aside: How far a way through may be from the middle [m].
        line: The middle of the passage: a point, a direction, half of the length [m].
    """
    px, py, ux, uy, half = line
    a, b = (x - px) * ux + (y - py) * uy, (waypoint[0] - px) * ux + (waypoint[1] - py) * uy
    side, to_side = (y - py) * ux - (x - px) * uy, (waypoint[1] - py) * ux - (waypoint[0] - px) * uy
    if (abs(a) <= half and abs(side) <= aside) or (abs(b) <= half + _BEFORE * size and abs(to_side) <= aside):
        return True
    if b < a:
        a, b = -a, -b
    if b == a or b <= -half or a >= half + size:
        return False
    slope = (to_side - side) / (b - a)
    first, last = min(max(a, -half), b), max(min(b, half), a)
    return abs(side + slope * (first - a)) <= aside and abs(side + slope * (last - a)) <= aside


@uncounted
def _room_beside(
    k: int, obstacles: Array, count: int, kind: int, state: Array, body: Array, waypoint: Array, size: float,
    most: float,
) -> float:  # fmt: skip
    """What the narrowest passage along obstacle ``k`` leaves free on each side of a robot that goes through [m].

    A passage counts while the robot is no farther from both of its sides than it is wide.

    Args:
        k: One of ``obstacles``.
        obstacles: ``float64[M, 11]`` that the robot senses, nearest first; the first ``count`` count.
        count: See ``obstacles``.
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        waypoint: ``float64[2]`` [m].
        size: How far the robot's centre has to be from an obstacle [m].
        most: A passage that leaves so much is not narrow [m].

    Returns:
        The room; inf if there is no such passage.
    """
    room = most
    if obstacles[k, O_GAP] >= 2.0 * (size + most):
        return math.inf
    for j in range(count):
        if obstacles[j, O_GAP] >= 2.0 * (size + room):
            break
        if j == k:
            continue
        x, y, ux, uy, half, free = middle_line(obstacles[k], obstacles[j])
        if not size <= free < size + room or max(obstacles[k, O_GAP], obstacles[j, O_GAP]) >= 2.0 * free:
            continue
        aside = free - size + _ASIDE * body[LOOK_AHEAD]
        if kind != UNICYCLE or _leads_through(state[0], state[1], waypoint, size, aside, (x, y, ux, uy, half)):
            room = free - size
    return room if room < most else math.inf


@uncounted
def faces(kind: int, state: Array, thing: Array) -> bool:
    """Whether a unicycle looks at an obstacle, and not along it."""
    return kind == UNICYCLE and thing[O_NX] * math.cos(state[2]) + thing[O_NY] * math.sin(state[2]) < -_FACING


@uncounted
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
        thing: The obstacle, ``float64[11]``.
        size: How far the robot's centre has to be from it [m].
        room: What it leaves free on each side [m].
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
def turns_on_the_spot(kind: int, body: Array, around: Around) -> bool:
    """Whether a robot is a unicycle that keeps clear of others by where it is, and not by a point ahead of it."""
    free = kind == UNICYCLE and not is_second_order(body) and not is_car(body)
    return free and around.agreed and corners_of(around.footprint) == 0


@uncounted
def project_rows(state: Array, rows: Array, rhs: Array, count: int) -> None:
    """Turn rows of a velocity into those of a unicycle's forward speed: turning moves no disc.

    Args:
        state: ``float64[5]``.
        rows: ``float64[m, 2]``, changed.
        rhs: ``float64[m]`` [m/s], changed.
        count: How many of the rows count.
    """
    hx, hy = math.cos(state[2]), math.sin(state[2])
    for k in range(count):
        along = rows[k, 0] * hx + rows[k, 1] * hy
        rows[k, 1] = 0.0
        if abs(along) < _PARALLEL:
            rows[k, 0], rhs[k] = 0.0, max(rhs[k], 0.0)
        else:
            rows[k, 0], rhs[k] = math.copysign(1.0, along), max(rhs[k], 0.0) / abs(along)


@njit(cache=True, inline="always")
def note_narrow(kind: int, state: Array, body: Array, around: Around, waypoint: Array, tunables: Array) -> None:
    """Note beside which obstacles a narrow passage is through which the robot goes, for its rows.

    A unicycle does not rotate there: it fits through only along its way, and has no room to turn aside for anybody. Nor
    does anybody where who goes first is agreed. Its ``tunables`` change.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it senses; the obstacles' room is written.
        waypoint: ``float64[2]``, to where it goes straight [m].
        tunables: ``float64[6]``, physical; changed.
    """
    if turns_on_the_spot(kind, body, around):
        for k in range(len(_BOLD)):
            tunables[k] = _BOLD[k]
        return
    if around.agreed:
        tunables[ROTATION] = 0.0
    if corners_of(around.footprint) > 0:  # its rows know how wide it is
        return
    size = body[RADIUS] + max(body[FLOOR], around.trail[T_ERROR])
    if kind != UNICYCLE and around.trail[T_STRAY] > 0.0:
        size += math.hypot(state[3], state[4]) * body[PERIOD] * around.trail[T_STRAY]
    extra = (ROW_MARGIN_BRAKING if kind == DOUBLE_INTEGRATOR or is_second_order(body) else ROW_MARGIN) * body[RADIUS]
    most = extra + (_NARROW * body[LOOK_AHEAD] if kind == UNICYCLE else ROW_MARGIN * body[RADIUS])
    obstacles = around.obstacles
    for k in range(around.num_obstacles if kind != SINGLE_INTEGRATOR else 0):
        obstacles[k, O_ROOM] = _room_beside(
            k, obstacles, around.num_obstacles, kind, state, body, waypoint, size, most
        )  # fmt: skip
        if kind == UNICYCLE and obstacles[k, O_ROOM] < math.inf:
            tunables[ROTATION] = 0.0
