"""The shield of discs whose states are exact: each stays on its side of lines between stop segments.

Braking takes a robot along its *stop segment*, from where it is to where it comes to rest. Between two robots runs
the line that halves the gap between their stop segments; whatever the two do in one period, and wherever they would
come to rest afterwards, each must stay on its own side of it by its radius. Braking does so by construction, for all
lines at once: the next stop segment is a part of the present one. For an obstacle the line touches it, and the robot
has all of the gap. A control that leaves its side is drawn towards braking as far as it takes. By induction no two
bodies ever touch, at no instant, for any input of the QP whatever; the argument needs the states of the neighbours to
be exact and of the same instant (``margin`` covers what is not), and a start from which everybody can still brake
(``Scenario`` checks that).

Between samples: an integrator's path is inside the hull of old stop segment, new position and new stop point (a
quadratic Bezier curve in its control polygon); a unicycle's arc leaves its chord by at most |v turn_rate| t(T-t)/2,
the interpolation error, which the shield adds.
"""

from __future__ import annotations

import math

from numba import njit

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.model.body import ACCELERATION, MARGIN, PERIOD, RADIUS, REACH, TOP_SPEED, TURN_RATE
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE, arc_offset, brake, stop_offset
from swarm.model.geometry import segment_to_obstacle, segment_to_segment
from swarm.sense.neighbours import N_ACCELERATION, N_RADIUS, N_REACH, N_VX, N_VY, N_X, N_Y, O_GAP, Around

# Room that rounding may not eat: the shield aims this far [m] inside the line that it guards.
_ROUNDING = 1e-12
_BISECTIONS = 30


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
