"""Control-barrier-function rows: what a robot senses and its tunables become half-planes ``G u <= b``.

Every barrier has the same form. With s the gap to the other body [m], n the unit normal away from it and w the
rate of s, a class-K function bounds how fast the gap may close, ``w >= -phi(s)``, and the row says so for the end
of one control period. A robot carries half of a constraint with another robot and all of one with an obstacle.

* Single integrator: h = s, phi = min(gain s^power, s / dt): never more than the gap within one period.
* Unicycle: the same at its control point, ``look_ahead`` metres in front of the axle, with the radius grown by
  that offset; in the variables (v, look_ahead * turn rate) the point's velocity is a rotation of the control.
* Double integrator: the braking-distance barrier of Wang, Ames, Egerstedt (*Safety barrier certificates for
  collisions-free multirobot systems*, 2017), h = sqrt(2 A s) + w, for sampled time, so that phi is the smaller of
  gain s^power and the speed that can still be shed before the gap closes.
* Unicycle of second order: the same as of a double integrator, in the variables of a unicycle, whose velocity is that
  at the end of the period.

Where obstacles leave little room on both sides, other rows take over (``swarm.filter.narrow``).

Nothing is solved here, and nothing here is the guarantee: those are the shields behind it (``swarm.filter.safety``).
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.filter.narrow import ROW_MARGIN, ROW_MARGIN_BRAKING, faces, narrow_row, turns_on_the_spot
from swarm.filter.row import BRAKE_SHARE, approach_speed, class_k, recover, write_row
from swarm.filter.tunables import OBSTACLE_GAIN, OBSTACLE_POWER, ROBOT_GAIN, ROBOT_POWER
from swarm.kernel_cache.references import inlined, uncounted
from swarm.model.actuators import T_ERROR, T_SPEED, T_STRAY, T_TURN_RATE
from swarm.model.body import (
    ACCELERATION,
    ERROR,
    FLOOR,
    LOOK_AHEAD,
    PERIOD,
    RADIUS,
    SENSING,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    YIELDS,
    is_second_order,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SHARPEST, SINGLE_INTEGRATOR, UNICYCLE, acceleration_range
from swarm.model.geometry import to_obstacle
from swarm.model.strangers import covered
from swarm.sense.neighbours import (
    N_ERROR,
    N_OFFSET_X,
    N_OFFSET_Y,
    N_PACE,
    N_PUSH,
    N_RADIUS,
    N_TOP,
    N_VX,
    N_VY,
    N_X,
    N_Y,
    O_GAP,
    O_NX,
    O_NY,
    O_ROOM,
    Around,
    is_stranger,
)

__all__ = [
    "BOUNDS_ROWS", "BRAKE_SHARE", "ROW_MARGIN", "ROW_MARGIN_BRAKING",
    "approach_speed", "build", "class_k", "control_box", "control_point", "stranger_row",
]  # fmt: skip

BOUNDS_ROWS = 4


@inlined
def control_point(kind: int, state: Array, body: Array) -> tuple[float, float, float]:
    """The point that the rows constrain (world [m]), and by how much the radius is grown there [m]."""
    if kind != UNICYCLE:
        return state[0], state[1], 0.0
    ahead = body[LOOK_AHEAD]
    return state[0] + ahead * math.cos(state[2]), state[1] + ahead * math.sin(state[2]), ahead


@uncounted
def stranger_row(
    kind: int, state: Array, body: Array, trail: Array, x: float, y: float, vx: float, vy: float, size: float,
    other: Array, gain: float, power: float, row: Array,
) -> float:  # fmt: skip
    """Write the row of a stranger, of which the robot has all, and give way if it comes; returns its right-hand side.

    The gap is what is left if the robot creeps. A faster one the shield slows down: it would have to go round by far.
    x, y, vx, vy: of the point that the rows constrain; ``size``: how near it may come to a point [m].
    """
    slow = kind == DOUBLE_INTEGRATOR or is_second_order(body)
    dx, dy = x - other[N_X], y - other[N_Y]
    distance = math.sqrt(dx * dx + dy * dy)
    nx, ny = (dx / distance, dy / distance) if distance > 0.0 else (1.0, 0.0)
    wider = max(trail[T_ERROR] + other[N_ERROR] - body[FLOOR], 0.0)
    time = body[PERIOD] * (2.0 if slow else 1.0)
    gap = distance - size - other[N_RADIUS] - wider - covered(other[N_PACE], other[N_PUSH], other[N_TOP], time)
    mine, theirs = nx * vx + ny * vy, max(nx * other[N_VX] + ny * other[N_VY], 0.0)
    limit = write_row(kind, state, body, gap, nx, ny, mine - theirs, gain, power, 1.0, 1.0, mine, row)
    if slow:
        return limit  # that the gap closes from the other side too is a part of its rate
    return limit - theirs


@njit(cache=True, inline="always")
def build(kind: int, state: Array, body: Array, around: Around, tunables: Array, rows: Array, rhs: Array) -> int:
    """Write one row per neighbour (if it yields), per obstacle and per side of the bounds; all of unit norm.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``, see ``swarm.model.body``.
        around: What it has to keep clear of.
        tunables: ``float64[6]``, physical.
        rows: ``float64[K + M + 4, 2]``, written.
        rhs: ``float64[K + M + 4]``, written: right-hand sides [m/s], of a double integrator [m/s²].

    Returns:
        The number of rows: first the neighbours in order, then the obstacles, then the bounds that are near.
    """
    spot = turns_on_the_spot(kind, body, around)
    if spot:
        kind = SINGLE_INTEGRATOR
    x, y, grown = control_point(kind, state, body)
    vx, vy, slow = state[3], state[4], kind == DOUBLE_INTEGRATOR
    if is_second_order(body):
        aside, slow = body[LOOK_AHEAD] * around.trail[T_TURN_RATE], True  # of its control point
        vx, vy = vx - aside * math.sin(state[2]), vy + aside * math.cos(state[2])
    extra = (ROW_MARGIN_BRAKING if slow else ROW_MARGIN) * body[RADIUS]
    size, own = body[RADIUS] + body[FLOOR] + grown + extra, around.trail[T_ERROR]
    stray = around.trail[T_STRAY]
    sliding = math.hypot(state[3], state[4]) * body[PERIOD] if own > 0.0 or stray > 0.0 else 0.0
    gain, power = tunables[ROBOT_GAIN], tunables[ROBOT_POWER]
    robots = around.num_neighbours if body[YIELDS] > 0.0 else 0
    neighbours, obstacles, bounds = around.neighbours, around.obstacles, around.bounds
    for k in range(robots):
        other = neighbours[k]
        if is_stranger(other):
            rhs[k] = stranger_row(kind, state, body, around.trail, x, y, vx, vy, size, other, gain, power, rows[k])
            continue
        ahead_x, ahead_y = (0.0, 0.0) if spot else (other[N_OFFSET_X], other[N_OFFSET_Y])
        dx, dy = x - other[N_X] - ahead_x, y - other[N_Y] - ahead_y
        distance = math.sqrt(dx * dx + dy * dy)
        nx, ny = (dx / distance, dy / distance) if distance > 0.0 else (1.0, 0.0)
        wider = max(own + other[N_ERROR] - 2.0 * body[FLOOR], 0.0)  # what errors need beyond the margins
        if kind != UNICYCLE and (
            own > 0.0 or stray > 0.0
        ):  # so that who slides along another is not stopped by the cone of its shield
            wider += 2.0 * sliding * ((own + other[N_ERROR]) / max(distance, size) + stray)
        gap = distance - size - other[N_RADIUS] - body[FLOOR] - wider
        if ahead_x != 0.0 or ahead_y != 0.0:
            gap -= math.hypot(ahead_x, ahead_y)
        rate, mine = nx * (vx - other[N_VX]) + ny * (vy - other[N_VY]), nx * vx + ny * vy
        rhs[k] = write_row(kind, state, body, gap, nx, ny, rate, gain, power, 0.5, 2.0, mine, rows[k])
        rhs[k] = recover(kind, body, gap + extra, rate, 0.5, rhs[k])
    gain, power = tunables[OBSTACLE_GAIN], tunables[OBSTACLE_POWER]
    size += max(own - body[FLOOR], 0.0) + (0.0 if kind == UNICYCLE else sliding * stray)
    for k in range(around.num_obstacles):
        thing, i = obstacles[k], robots + k
        room = thing[O_ROOM]
        if room < math.inf and (around.num_neighbours == 0 or not faces(kind, state, thing)):
            rhs[i] = narrow_row(kind, state, body, thing, size - grown - extra, room, extra, gain, power, rows[i])
            continue
        gap, nx, ny = to_obstacle(x, y, thing) if grown > 0.0 else (thing[O_GAP], thing[O_NX], thing[O_NY])
        rate = nx * vx + ny * vy
        rhs[i] = write_row(kind, state, body, gap - size, nx, ny, rate, gain, power, 1.0, 1.0, rate, rows[i])
        rhs[i] = recover(kind, body, gap - size + extra, rate, 1.0, rhs[i])
    count = robots + around.num_obstacles
    for side in range(BOUNDS_ROWS):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        gap = sign * ((x if axis == 0 else y) - bounds[side]) - grown - extra
        if body[ERROR] > 0.0:
            gap -= max(body[FLOOR], own)
        if gap < body[SENSING]:
            nx, ny = (sign, 0.0) if axis == 0 else (0.0, sign)
            rate = nx * vx + ny * vy
            rhs[count] = write_row(kind, state, body, gap, nx, ny, rate, gain, power, 1.0, 1.0, rate, rows[count])
            rhs[count] = recover(kind, body, gap + extra, rate, 1.0, rhs[count])
            count += 1
    return count


@inlined
def control_box(kind: int, state: Array, body: Array, trail: Array, box: Array) -> None:
    """Write into ``box`` (2, 2) the actuator limits as bounds on the variables of the QP.

    Single integrator: speed per axis. Double integrator: acceleration, and what keeps the next speed within its
    limit. Unicycle: forward speed, and ``look_ahead`` times the turn rate; of one of second order, what it can reach
    in a period from its present ones (in ``trail``), and so that its way to rest does not become too sharp an arc.
    """
    if is_second_order(body):
        dt, v, w = body[PERIOD], trail[T_SPEED], trail[T_TURN_RATE]
        box[0, 0], box[1, 0] = _within(v, body[ACCELERATION] * dt, body[TOP_SPEED])
        fastest = max(abs(box[0, 0]), abs(box[1, 0]))
        turn = min(body[TURN_RATE], 2.0 * SHARPEST / (fastest / body[ACCELERATION] + dt))
        low, high = _within(w, body[TURN_ACCELERATION] * dt, turn)
        box[0, 1], box[1, 1] = body[LOOK_AHEAD] * low, body[LOOK_AHEAD] * high
        return
    for axis in range(2):
        if kind == DOUBLE_INTEGRATOR:
            box[0, axis], box[1, axis] = acceleration_range(
                state[3 + axis], body[TOP_SPEED], body[ACCELERATION], body[PERIOD]
            )
        else:
            top = body[TOP_SPEED] if kind != UNICYCLE or axis == 0 else body[LOOK_AHEAD] * body[TURN_RATE]
            box[0, axis], box[1, axis] = -top, top


@inlined
def _within(now: float, change: float, most: float) -> tuple[float, float]:
    """The least and the largest next value within ``most``, or as near to it as ``change`` allows."""
    return min(max(now - change, -most), now + change), max(min(now + change, most), now - change)
