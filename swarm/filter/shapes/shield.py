"""The shield of a robot that is a convex polygon: lines between stop hulls, kept by every corner.

A robot stays in its *shape* (``swarm.model.shapes``): the convex hull of its corners and of all their ways to rest.
Between two shapes runs the line that halves their gap, and what ``swarm.filter.hulls.shield`` says of hulls holds of
them, with radii of 0; so a micrometre is kept, since what meets has no normal. A control passes if every new corner,
where it would come to rest, and where the tangents of its arc between them meet keep all lines.

Between samples: a corner's place p(t) differs from the quadratic Bezier curve with the control points p(0), q = p(0) +
p'(0) dt / 2 and p(dt) by at most J dt^3 / 6 s^2 (1 - s), with s = t / dt and J a bound of the third derivative. With
the body's speed v and turn rate w, and the corner at c from its origin, that derivative is, in the body's frame,

    (2 v' w + v w') across - v w^2 ahead - 3 w w' c (inwards) - w^3 c (across that);

of a body that stops at once, v' = w' = 0. So q keeps all lines as well, unless it is within the present hull: there it
is if braking takes two periods or more, as the meeting of the tangents is a quarter of the corner's speed times
the braking time ahead, or more. Integrators do not turn: J = 0, and q is on the segment to where they come to rest.
A unicycle that lags has v'' and w'' as well; where its time constant is a period or more, q is in its hull, else its
way leaves its chord by no more than its velocity changes in the period, times dt s (1 - s).

Turning moves corners: it is not free, and is drawn towards braking together with the speed, if neither to stop and turn
nor to go straight on keeps all lines.

Where something is not exact, slip makes only the way of the body's middle longer, and a wrong heading turns the whole
hull about it. A new point p' is compared with any point q of the present hull, with which the body's middle is anywhere
in its own hull: what slip adds is a share of the longest way from there to the middle's new hull, not of |p' - q|.

Bounds of the world are those of a centre, as for discs; strangers stay clear of the disc around a polygon, as robots do
that only sense it: for these the hull is that of a disc's centre.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.hulls.geometry import MOST, own_hull
from swarm.filter.hulls.lines import (
    EXCHANGED_ONLY,
    LINE,
    SENSED_ONLY,
    bound_lines,
    neighbour_lines,
    obstacle_lines,
)
from swarm.filter.hulls.next_hull import corners_half_way, next_place, next_stop
from swarm.filter.hulls.shield import admits, brake_in_hull, turns_gently
from swarm.filter.hulls.strangers import STRANGER_LINE, build_stranger_lines, keeps_clear
from swarm.filter.shapes.kept import bulge_of, is_alone, is_exact, keep_exact, keep_wrong, way_of_middle
from swarm.kernel_cache.references import uncounted
from swarm.kernel_cache.stack import stack_numbers, stack_rows
from swarm.model.actuators import T_SPEED, T_TURN_RATE
from swarm.model.body import (
    ACCELERATION,
    LAG,
    PERIOD,
    RADIUS,
    TURN_ACCELERATION,
    is_car,
    is_second_order,
)
from swarm.model.dynamics import (
    SINGLE_INTEGRATOR,
    STATE,
    UNICYCLE,
    coast_periods,
)
from swarm.model.shapes import (
    SHAPE,
    corners_of,
    place_corners,
    rest_points,
    roll_corners,
    roll_time,
    shape_size,
    write_hull,
)
from swarm.model.steering import steers
from swarm.sense.neighbours import Around

_BISECTIONS = 8


class Given(NamedTuple):
    """What a control of one robot is asked of.

    Attributes:
        shape: ``float64[P, 2]``, its own hull.
        before: ``float64[3 V, 2]``, the points that the hull is of: corners, ends of their ways, meetings of tangents.
        lines: ``float64[K + M, LINE]`` of its shape.
        kept: How many.
        exact: Whether no line says that anything may be elsewhere.
        centre: ``float64[3, 2]``, the hull of its middle.
        many: Points of it.
        sides: ``float64[K + 4, LINE]`` of the centre.
        bounds: How many.
        strange: ``float64[K, STRANGER_LINE]``.
        met: How many.
    """

    shape: Array
    before: Array
    lines: Array
    kept: int
    exact: bool
    centre: Array
    many: int
    sides: Array
    bounds: int
    strange: Array
    met: int


@njit(cache=True, inline="always")
def _keep(points: Array, first: int, last: int, bulge: float, way: float, given: Given) -> bool:
    """Whether the points from ``first`` to before ``last`` keep all lines, with ``bulge`` [m] to spare.

    ``way``: the longest one of the body's middle from its present hull [m].
    """
    if not given.exact:
        return keep_wrong(points, first, last, bulge, way, given.shape, given.before, given.lines, given.kept)
    return keep_exact(points, first, last, bulge, given.lines, given.kept)


@njit(cache=True, inline="always")
def _admits_turn(
    state: Array, body: Array, trail: Array, footprint: Array, speed: float, turn_rate: float, points: Array,
    given: Given,
) -> bool:  # fmt: skip
    """``_admits_shape`` of a unicycle."""
    dt, corners, push, turn_push = body[PERIOD], corners_of(footprint), body[ACCELERATION], body[TURN_ACCELERATION]
    ramped, then, drive = is_second_order(body), stack_numbers(STATE), stack_numbers(2)
    v, w, periods = speed, turn_rate, 1.0
    if ramped:
        if not turns_gently(body, speed, turn_rate):
            return False
        v, w = trail[T_SPEED], trail[T_TURN_RATE]
        periods = coast_periods(v, w, push, turn_push, dt)
    way = way_of_middle(UNICYCLE, state, body, trail, speed, turn_rate, given.centre, given.many)
    if periods == 1.0 and body[LAG] <= 0.0:  # of one that stops at once, too, as its speed jumps
        corners_half_way(state, v, w, dt, footprint, corners, points)
        if not _keep(points, 0, corners, 0.0, way, given):
            return False
    next_place(state, body, trail, speed, turn_rate, then, drive)
    many_points = corners
    if ramped or body[LAG] > 0.0:
        time = roll_time(body, drive[0], drive[1])
        many_points = roll_corners(then[0], then[1], then[2], drive[0], drive[1], time, footprint, points)
    else:
        place_corners(then[0], then[1], then[2], footprint, points)
    for k in range(corners):
        bulge = bulge_of(body, trail, speed, turn_rate, math.hypot(footprint[k, 0], footprint[k, 1]))
        if not _keep(points, k, k + 1, bulge, way, given):
            return False
    return _keep(points, corners, many_points, 0.0, way, given)


@njit(cache=True, inline="always")
def _admits_shape(
    kind: int, state: Array, body: Array, trail: Array, footprint: Array, ux: float, uy: float, points: Array,
    given: Given,
) -> bool:  # fmt: skip
    """Whether all points of the next shape, and those that hold the way there, keep all lines under a control."""
    if given.kept == 0:
        return not is_second_order(body) or turns_gently(body, ux, uy)
    if kind == UNICYCLE:
        return _admits_turn(state, body, trail, footprint, ux, uy, points, given)
    dt, way = body[PERIOD], way_of_middle(kind, state, body, trail, ux, uy, given.centre, given.many)
    if kind == SINGLE_INTEGRATOR:
        corners = place_corners(state[0] + ux * dt, state[1] + uy * dt, state[2], footprint, points)
        return _keep(points, 0, corners, 0.0, way, given)
    px, py, sx, sy, _, _ = next_stop(state, body, ux, uy)
    corners = place_corners(px, py, state[2], footprint, points)
    place_corners(sx, sy, state[2], footprint, points[corners:])
    return _keep(points, 0, 2 * corners, 0.0, way, given)


@njit(cache=True, inline="always")
def _passes(
    kind: int, state: Array, body: Array, around: Around, ux: float, uy: float, points: Array, given: Given
) -> bool:  # fmt: skip
    """Whether a control keeps the lines of bodies and obstacles, those of the centre, and clear of strangers."""
    trail, centre, many = around.trail, given.centre, given.many
    if not _admits_shape(kind, state, body, trail, around.footprint, ux, uy, points, given):
        return False
    if given.bounds > 0 and not admits(kind, state, body, trail, ux, uy, centre, many, given.sides, given.bounds):
        return False
    if is_car(body) and not steers(body, trail, ux, uy):
        return False
    return given.met == 0 or keeps_clear(kind, state, body, trail, ux, uy, centre, many, given.strange, given.met)


@uncounted
def _draw(
    kind: int, state: Array, body: Array, around: Around, ux: float, uy: float, points: Array, given: Given,
    control: Array,
) -> float:  # fmt: skip
    """Draw (ux, uy) towards the braking that is in ``control`` until it passes; returns the share that was kept."""
    bx, by, low, high = control[0], control[1], 0.0, 1.0
    x, y, parted = ux, uy, False
    for attempt in range(-1, 2 + _BISECTIONS):  # in one place: what is asked is inlined there
        middle = 0.5 * (low + high)
        if attempt == 0:  # to stop and turn
            x, y = bx, uy
        elif attempt == 1:  # to go straight on
            x, y = ux, by
        elif attempt > 1:
            x, y = bx + middle * (ux - bx), by + middle * (uy - by)
        if 0 <= attempt < 2 and (kind != UNICYCLE or is_car(body) or parted):
            continue
        passes = _passes(kind, state, body, around, x, y, points, given)
        if attempt < 0 and passes:
            control[0], control[1] = ux, uy
            return 1.0
        if attempt < 0:
            continue
        if attempt < 2:
            if passes:
                bx, by, parted = x, y, True
        elif passes:
            low = middle
        else:
            high = middle
    control[0], control[1] = bx + low * (ux - bx), by + low * (uy - by)
    return low


@njit(cache=True)
def shield_shape(kind: int, state: Array, body: Array, around: Around, control: Array) -> float:
    """Draw the ``control`` of a polygon towards braking until it is safe; returns the share that was kept.

    Arguments as of ``swarm.filter.shield.shield``.
    """
    near, size = around.num_neighbours, around.num_neighbours + around.num_obstacles
    lines, sides, strange = np.empty((size, LINE)), np.empty((near + 4, LINE)), np.empty((near, STRANGER_LINE))
    return shield_shape_by(kind, state, body, around, control, lines, sides, strange)


@uncounted
def shield_shape_by(
    kind: int, state: Array, body: Array, around: Around, control: Array, lines: Array, sides: Array, strange: Array
) -> float:
    """``shield_shape``, with room to write lines.

    Args:
        kind: See there, as what follows.
        state: See there.
        body: See there.
        around: See there.
        control: See there.
        lines: ``float64[K + M, LINE]``.
        sides: ``float64[K + 4, LINE]``.
        strange: ``float64[K, STRANGER_LINE]``.
    """
    trail, footprint = around.trail, around.footprint
    finite = math.isfinite(control[0]) and math.isfinite(control[1])
    if (
        finite
        and not around.truncated
        and not is_car(body)
        and is_alone(state, body, around)
        and (not is_second_order(body) or turns_gently(body, control[0], control[1]))
    ):
        return 1.0  # What follows would keep all of it as well, and take longer.
    corners, size = corners_of(footprint), shape_size(footprint.shape[0])
    shape, points, before = stack_rows(SHAPE, 2), stack_rows(SHAPE, 2), stack_rows(SHAPE, 2)
    centre = stack_rows(MOST, 2)
    known = rest_points(kind, state, body, trail, footprint, before)
    for k in range(known):
        points[k, 0], points[k, 1] = before[k, 0], before[k, 1]
    write_hull(points, known, corners, kind != UNICYCLE, shape)
    for k in range(known, size):
        before[k, 0], before[k, 1] = before[k % corners, 0], before[k % corners, 1]
    count = neighbour_lines(state, body, around, 0.0, EXCHANGED_ONLY, shape[1:], int(shape[0, 0]), lines, 0)
    if count >= 0:
        count = obstacle_lines(kind, body, around, 0.0, shape[1:], int(shape[0, 0]), lines, count)
    many = own_hull(kind, state, body[ACCELERATION], body[PERIOD], trail, centre)
    bounds = neighbour_lines(state, body, around, body[RADIUS], SENSED_ONLY, centre, many, sides, 0)
    hopeless = around.truncated or count < 0 or bounds < 0
    bounds = bound_lines(body, around, centre, many, sides, max(bounds, 0))
    met = build_stranger_lines(body, around, centre, many, strange)
    ux, uy = control[0], control[1]
    brake_in_hull(kind, state, body, trail, control)
    if hopeless or not finite:
        return 0.0
    exact = is_exact(lines, count)
    given = Given(shape, before, lines, count, exact, centre, many, sides, bounds, strange, met)
    return _draw(kind, state, body, around, ux, uy, points, given, control)
