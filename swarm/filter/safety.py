"""Rows to control: the QP, and behind it a shield that always admits braking.

The shield is the guarantee: of discs with exact states ``swarm.filter.shield``; where something is not exact, takes
time to act, or comes to rest along an arc, ``swarm.filter.hulls``; of convex polygons ``swarm.filter.shapes``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter import barriers, qp
from swarm.filter.hulls.lines import LINE
from swarm.filter.hulls.shield import is_inexact, shield_hulls_by
from swarm.filter.hulls.strangers import STRANGER_LINE
from swarm.filter.narrow import project_rows, turns_on_the_spot
from swarm.filter.nominal.control import nominal_control, turn_towards
from swarm.filter.nominal.moves import add_bounds, add_standing, car_of, set_back
from swarm.filter.nominal.pinned import drive_out, side_of_nearest
from swarm.filter.shapes.rows import build_shape_rows
from swarm.filter.shapes.shield import shield_shape_by
from swarm.filter.shield import shield
from swarm.kernel_cache.references import uncounted
from swarm.model.body import LOOK_AHEAD, is_car
from swarm.model.dynamics import SINGLE_INTEGRATOR, UNICYCLE
from swarm.model.shapes import corners_of
from swarm.model.steering import STEERING_ROWS, add_steering_rows, steer_within
from swarm.sense.neighbours import Around

OUTCOMES = ("optimal", "relaxed", "braking")
OPTIMAL, RELAXED, BRAKING = range(3)
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
        elif kind == UNICYCLE and corners_of(around.footprint) > 0:
            side = side_of_nearest(state, body, around, wanted)
            if side != 0.0:
                count = build_shape_rows(kind, state, body, around, tunables, scratch.rows, scratch.rhs)
                drive_out(body, side, scratch.rows, scratch.rhs, count, wanted)
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
