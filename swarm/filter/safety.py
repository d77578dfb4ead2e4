"""Rows to control: the QP, and behind it a shield that always admits braking.

The shield is the guarantee. Braking takes a robot along its *stop segment*, from where it is to where it comes to
rest. Between two robots runs the line that halves the gap between their stop segments; whatever the two do in one
period, and wherever they would come to rest afterwards, each must stay on its own side of it by its radius. Braking
does so by construction, for all lines at once: the next stop segment is a part of the present one. For an obstacle
the line touches it, and the robot has all of the gap. A control that leaves its side is drawn towards braking as
far as it takes. By induction no two bodies ever touch, at no instant, for any input of the QP whatever; the
argument needs the states of the neighbours to be exact and of the same instant (``margin`` covers what is not), and
a start from which everybody can still brake (``Scenario`` checks that).

Between samples: an integrator's path is inside the hull of old stop segment, new position and new stop point (a
quadratic Bezier curve in its control polygon); a unicycle's arc leaves its chord by at most |v turn_rate| t(T-t)/2,
the interpolation error, which the shield adds.

A unicycle with finite accelerations comes to rest along an arc: it, and those near it, have stop hulls instead of stop
segments, with the same argument (``swarm.filter.hull_shield``). So have robots that are convex polygons
(``swarm.filter.shapes``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter import barriers, qp
from swarm.filter.hull_lines import LINE
from swarm.filter.hull_shield import is_inexact, shield_hulls_by
from swarm.filter.narrow import project_rows, turns_on_the_spot
from swarm.filter.nominal.control import nominal_control, turn_towards
from swarm.filter.nominal.moves import add_bounds, add_standing, car_of, set_back
from swarm.filter.shapes.rows import build_shape_rows
from swarm.filter.shapes.shield import shield_shape_by
from swarm.filter.stranger_lines import STRANGER_LINE
from swarm.kernel_cache.references import uncounted
from swarm.model.body import ACCELERATION, LOOK_AHEAD, MARGIN, PERIOD, RADIUS, REACH, TOP_SPEED, TURN_RATE, is_car
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SINGLE_INTEGRATOR, UNICYCLE, arc_offset, brake, stop_offset
from swarm.model.geometry import segment_to_obstacle, segment_to_segment
from swarm.model.shapes import corners_of
from swarm.model.steering import STEERING_ROWS, add_steering_rows, steer_within
from swarm.sense.neighbours import N_ACCELERATION, N_RADIUS, N_REACH, N_VX, N_VY, N_X, N_Y, O_GAP, Around

OUTCOMES = ("optimal", "relaxed", "braking")
OPTIMAL, RELAXED, BRAKING = range(3)
# Room that rounding may not eat: the shield aims this far [m] inside the line that it guards.
_ROUNDING = 1e-12
_BISECTIONS = 30
MORE_ROWS = barriers.BOUNDS_ROWS + STEERING_ROWS
"""Rows that no neighbour and no obstacle has."""
# The kernels here that take tuples of arrays are inlined: a call counts references of all of their arrays, which took a
# tenth of the time.


class Scratch(NamedTuple):
    """Room to work in, for one robot after the other; what the filter leaves there says what it decided on.

    Attributes:
        rows: ``float64[2 (K + M) + 8, 2]``, of the QP.
        rhs: ``float64[2 (K + M) + 8]``, their right-hand sides.
        box: ``float64[2, 2]``, least and largest values of the variables.
        lines: ``float64[K + M + 4, 3]``, of the shield.
        deficit: ``float64[1]``.
        hulls: ``float64[K + M + 4, LINE]``, of the shield between hulls.
        sides: ``float64[K + M + 4, LINE]``, of a polygon's centre.
        strange: ``float64[K + M + 4, STRANGER_LINE]``.
    """

    rows: Array
    rhs: Array
    box: Array
    lines: Array
    deficit: Array
    hulls: Array
    sides: Array
    strange: Array


@njit(cache=True, inline="always")
def scratch(size: int) -> Scratch:
    """Room for ``size`` neighbours and obstacles together."""
    rows, lines = 2 * size + MORE_ROWS, size + barriers.BOUNDS_ROWS
    return Scratch(
        np.empty((rows, 2)), np.empty(rows), np.empty((2, 2)), np.empty((lines, 3)), np.empty(1),
        np.empty((lines, LINE)), np.empty((lines, LINE)), np.empty((lines, STRANGER_LINE)),
    )  # fmt: skip


@uncounted
def _add_line(lines: Array, count: int, nx: float, ny: float, ax: float, ay: float, slack: float) -> int:
    """Append the half-plane n·x >= limit that has ``slack`` left at the point a; a negative slack counts as 0."""
    lines[count, 0], lines[count, 1] = nx, ny
    lines[count, 2] = nx * ax + ny * ay - max(slack - _ROUNDING, 0.0)
    return count + 1


@njit(cache=True, inline="always")
def _build_lines(kind: int, state: Array, body: Array, around: Around, lines: Array) -> int:
    """Half-planes that the centre and the stop point must keep; -1 if only braking is left (bodies overlap)."""
    x, y, dt = state[0], state[1], body[PERIOD]
    sx, sy = stop_offset(kind, state[3], state[4], body[ACCELERATION], dt)
    size = body[RADIUS] + body[MARGIN]
    own_reach = body[REACH]
    count = 0
    neighbours, obstacles, bounds = around.neighbours, around.obstacles, around.bounds
    for k in range(around.num_neighbours):
        other = neighbours[k]
        both = size + other[N_RADIUS] + body[MARGIN]
        dx, dy = x - other[N_X], y - other[N_Y]
        far = both + own_reach + other[N_REACH]
        if dx * dx + dy * dy >= far * far:
            continue
        tx, ty = 0.0, 0.0
        if not math.isinf(other[N_ACCELERATION]):
            tx, ty = stop_offset(DOUBLE_INTEGRATOR, other[N_VX], other[N_VY], other[N_ACCELERATION], dt)
        distance, nx, ny, ax, ay = segment_to_segment(x, y, sx, sy, other[N_X], other[N_Y], tx, ty)
        if distance <= 0.0:
            return -1
        count = _add_line(lines, count, nx, ny, ax, ay, 0.5 * (distance - both))
    for k in range(around.num_obstacles):
        thing = obstacles[k]
        if thing[O_GAP] - size > own_reach:
            continue
        distance, nx, ny, ax, ay = segment_to_obstacle(x, y, sx, sy, thing)
        if nx == 0.0 and ny == 0.0:
            return -1
        count = _add_line(lines, count, nx, ny, ax, ay, distance - size)
    for side in range(4):
        axis, sign = side % 2, 1.0 if side < 2 else -1.0
        start, stop = (x, x + sx) if axis == 0 else (y, y + sy)
        nearest = min(sign * start, sign * stop)
        room = nearest - sign * bounds[side]
        if room < 2.0 * own_reach:  # twice: one that was pushed is faster than its limits
            nx, ny = (sign, 0.0) if axis == 0 else (0.0, sign)
            count = _add_line(lines, count, nx, ny, sign * nearest, sign * nearest, room)
    return count


@uncounted
def _share_of_displacement(x: float, y: float, dx: float, dy: float, bulge: float, lines: Array, count: int) -> float:
    """Largest share in [0, 1] of a displacement [m] from (x, y) that keeps every line, ``bulge`` [m] included."""
    share = 1.0
    for k in range(count):
        along = lines[k, 0] * dx + lines[k, 1] * dy - bulge
        if along < 0.0:
            share = min(share, max(lines[k, 0] * x + lines[k, 1] * y - lines[k, 2], 0.0) / -along)
    return share


@uncounted
def _keeps_lines(state: Array, body: Array, ux: float, uy: float, lines: Array, count: int) -> bool:
    """Whether a double integrator's next position and next stop point keep every line."""
    dt = body[PERIOD]
    vx, vy = state[3] + ux * dt, state[4] + uy * dt
    px, py = state[0] + dt * (state[3] + 0.5 * dt * ux), state[1] + dt * (state[4] + 0.5 * dt * uy)
    sx, sy = stop_offset(DOUBLE_INTEGRATOR, vx, vy, body[ACCELERATION], dt)
    for k in range(count):
        there = lines[k, 0] * px + lines[k, 1] * py
        if min(there, there + lines[k, 0] * sx + lines[k, 1] * sy) < lines[k, 2]:
            return False
    return True


@njit(cache=True, inline="always")
def shield(kind: int, state: Array, body: Array, around: Around, control: Array, lines: Array) -> float:
    """Draw ``control`` (of the robot, not of the QP) towards braking until it is safe.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it has to keep clear of; if somebody near had to be left out, the robot brakes.
        control: ``float64[2]`` within the limits, changed in place.
        lines: ``float64[K + M + 4, 3]``, scratch.

    Returns:
        The share of the control that was kept: 1 unchanged, 0 full braking.
    """
    count = _build_lines(kind, state, body, around, lines)
    if count == 0 and not around.truncated and math.isfinite(control[0]) and math.isfinite(control[1]):
        return 1.0  # Nothing is near: what follows would keep all of it as well, and take longer.
    if around.truncated or count < 0 or not (math.isfinite(control[0]) and math.isfinite(control[1])):
        brake(kind, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)
        return 0.0
    dt = body[PERIOD]
    if kind == DOUBLE_INTEGRATOR:
        return _shield_acceleration(state, body, control, lines, count)
    if kind == UNICYCLE:
        dx, dy = arc_offset(state[2], control[0], control[1], dt)
        bulge = 0.5 * abs(control[0] * control[1]) * dt * dt
        share = _share_of_displacement(state[0], state[1], dx, dy, bulge, lines, count)
        control[0] *= share
        return share
    share = _share_of_displacement(state[0], state[1], control[0] * dt, control[1] * dt, 0.0, lines, count)
    control[0] *= share
    control[1] *= share
    return share


@uncounted
def _shield_acceleration(state: Array, body: Array, control: Array, lines: Array, count: int) -> float:
    """``shield`` of a double integrator: bisects between the control and braking."""
    ux, uy = control[0], control[1]
    if _keeps_lines(state, body, ux, uy, lines, count):
        return 1.0
    brake(DOUBLE_INTEGRATOR, state, body[TOP_SPEED : TURN_RATE + 1], body[PERIOD], control)
    bx, by = control[0], control[1]
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if _keeps_lines(state, body, bx + middle * (ux - bx), by + middle * (uy - by), lines, count):
            low = middle
        else:
            high = middle
        if low > 0.0 and high - low < 0.01:
            break
    if low > 0.0:
        control[0], control[1] = bx + low * (ux - bx), by + low * (uy - by)
    return low


@uncounted
def to_control(kind: int, body: Array, variables: Array) -> None:
    """Turn the variables of the QP into the robot's control in place (only a unicycle's differ)."""
    if kind == UNICYCLE:
        variables[1] /= body[LOOK_AHEAD]


@njit(cache=True, inline="always")
def constrain(kind: int, state: Array, body: Array, around: Around, tunables: Array, scratch: Scratch) -> int:
    """Write the QP of one robot: its rows, and the box of its variables; returns the number of rows."""
    if corners_of(around.footprint) > 0:
        count = build_shape_rows(kind, state, body, around, tunables, scratch.rows, scratch.rhs)
    else:
        count = barriers.build(kind, state, body, around, tunables, scratch.rows, scratch.rhs)
    if turns_on_the_spot(kind, body, around):
        project_rows(state, scratch.rows, scratch.rhs, count)
    barriers.control_box(kind, state, body, around.trail, scratch.box)
    return count


@njit(cache=True, inline="always")
def constrain_steering(body: Array, around: Around, wanted: float, scratch: Scratch, count: int) -> int:
    """Append to ``count`` rows what a car's steering allows, if it wants a speed [m/s]; returns how many there are."""
    if not is_car(body):
        return count
    return add_steering_rows(body, around.trail, wanted, scratch.rows, scratch.rhs, scratch.box, count)


@njit(cache=True, inline="always")
def wanted_control(
    kind: int, state: Array, body: Array, around: Around, waypoint: Array, remaining: float, tunables: Array,
    scratch: Scratch, wanted: Array,
) -> None:  # fmt: skip
    """Write what the filter begins with, in the variables of the QP.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it has to keep clear of.
        waypoint: ``float64[2]``, world [m].
        remaining: Metres to where the robot should come to rest.
        tunables: ``float64[6]``, physical.
        scratch: Overwritten.
        wanted: ``float64[2]``, written.
    """
    if not turns_on_the_spot(kind, body, around):
        nominal_control(kind, state, body, waypoint, remaining, tunables, wanted)
        if is_car(body):
            count = add_standing(
                state, body, around.neighbours, around.num_neighbours, around.obstacles, around.num_obstacles
            )
            count = add_bounds(state, body, around.bounds, around.obstacles, count)
            set_back(car_of(state, body, around.footprint, around.obstacles, count, waypoint), wanted)
    else:
        nominal_control(SINGLE_INTEGRATOR, state, body, waypoint, remaining, tunables, wanted)
        count = barriers.build(kind, state, body, around, tunables, scratch.rows, scratch.rhs)
        barriers.control_box(SINGLE_INTEGRATOR, state, body, around.trail, scratch.box)
        qp.solve_unit_rows(wanted[0], wanted[1], scratch.rows, scratch.rhs, count, scratch.box, wanted, scratch.deficit)
        turn_towards(state, body, waypoint, wanted)


@njit(cache=True, inline="always")
def dispose(kind: int, state: Array, body: Array, around: Around, status: int, control: Array, scratch: Scratch) -> int:
    """Turn a solution of the QP into the robot's control, in place, and shield it.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it has to keep clear of.
        status: Of the QP: OPTIMAL, RELAXED, or ``qp.INVALID``, which brakes.
        control: ``float64[2]``, the solution; the robot's control afterwards.
        scratch: Its lines are written.

    Returns:
        The outcome: the status, or BRAKING if the shield stepped in.
    """
    if status == qp.INVALID:
        control[0] = control[1] = np.nan
    else:
        to_control(kind, body, control)
        if is_car(body):
            steer_within(body, around.trail, control)
    if corners_of(around.footprint) > 0:
        share = shield_shape_by(kind, state, body, around, control, scratch.hulls, scratch.sides, scratch.strange)
        return BRAKING if share < 1.0 else status
    if is_inexact(body, around):
        share = shield_hulls_by(kind, state, body, around, control, scratch.hulls, scratch.strange)
        return BRAKING if share < 1.0 else status
    return BRAKING if shield(kind, state, body, around, control, scratch.lines) < 1.0 else status


@njit(cache=True, inline="always")
def filter_control(
    kind: int, state: Array, body: Array, around: Around, nominal: Array, tunables: Array, scratch: Scratch,
    control: Array,
) -> tuple[int, float]:  # fmt: skip
    """The whole filter of one robot: rows, QP, shield.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``.
        around: What it has to keep clear of; one that does not yield has no rows for other robots.
        nominal: ``float64[2]``, in the variables of the QP.
        tunables: ``float64[6]``, physical.
        scratch: Holds the problem afterwards.
        control: ``float64[2]``, written: the robot's control.

    Returns:
        The outcome (OPTIMAL, RELAXED, BRAKING) and the relaxation of the QP.
    """
    firm = constrain(kind, state, body, around, tunables, scratch)
    count = constrain_steering(body, around, nominal[0], scratch, firm)
    status, relaxation = qp.solve_unit_rows(
        nominal[0], nominal[1], scratch.rows, scratch.rhs, count, scratch.box, control, scratch.deficit, firm
    )
    return dispose(kind, state, body, around, status, control, scratch), relaxation
