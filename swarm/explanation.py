"""Why the filter changed the nominal control: which barrier binds, and for whom.

Everything is computed again from what the robot decided on: the same rows (``swarm.filter.barriers``), the same
quadratic program (``swarm.filter.qp``), the same shield (``swarm.filter.shield``). The barrier that counts is the row
without which the solution would differ most; of a shield that brakes, whoever alone would let through the least of the
control.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter import qp, safety
from swarm.filter.hulls.shield import shield_hulls
from swarm.filter.shapes.gaps import clearance_of
from swarm.filter.shapes.shield import shield_shape
from swarm.filter.shield import shield
from swarm.filter.tunables import MIDDLE, decode
from swarm.model.body import LOOK_AHEAD, RADIUS, YIELDS
from swarm.model.dynamics import UNICYCLE
from swarm.model.shapes import points_of
from swarm.planning import Plan
from swarm.robot import Command, Robot
from swarm.sense.messages import Message
from swarm.sense.neighbours import (
    N_ACCELERATION,
    N_ID,
    N_RADIUS,
    N_X,
    N_Y,
    NEIGHBOUR,
    O_GAP,
    O_NX,
    O_NY,
    Around,
    is_stranger,
)
from swarm.sense.view import View

# Controls that differ by less [m/s or m/s²] are the same, and rows with less room are active.
_SAME, _ACTIVE = 1e-9, 1e-7
_OPEN = np.array([-np.inf, -np.inf, np.inf, np.inf])


@dataclass(frozen=True)
class Override:
    """Why a control is not the nominal one.

    Attributes:
        barrier: ``robot``, ``obstacle`` or ``bounds``: a row of the QP; ``limits``: only what the actuators can do;
            ``braking``: the shield stepped in.
        neighbour: Identity of the robot, -1 if it is none or unknown.
        gap: From surface to surface [m]; of the centre, for the bounds; inf if there is nobody in particular.
        where: Of the neighbour's centre, or the nearest point of an obstacle or of the bounds [m]; the robot's own
            place if there is nobody in particular.
        change: ‖control − nominal‖ in the variables of the QP [m/s or m/s²].
    """

    barrier: str
    neighbour: int
    gap: float
    where: tuple[float, float]
    change: float


def explain(robot: Robot, view: View, command: Command) -> Override | None:
    """Why the command is not the nominal control, or None if it is.

    Why a robot waits for somebody who blocks its way is its plan's: ``command.plan.note``.

    A solver of one's own may have constraints that are not known here; its changes are explained by the rows, or as
    ``limits``.

    Args:
        robot: Who decided; nothing of it is changed that counts.
        view: What it decided on.
        command: What it decided.
    """
    nominal = robot.nominal(view, command)
    view = robot.believed(view)
    final = command.control.copy()
    if robot.kind == UNICYCLE:
        final[1] *= robot.body[LOOK_AHEAD]
    change = math.hypot(final[0] - nominal[0], final[1] - nominal[1])
    if change <= _SAME:
        return None
    around = robot.sensed(view)._replace(agreed=command.plan.agreed)
    row, wanted = _solve(robot, view, around, command.tunables, nominal)
    barrier = None
    if command.outcome == safety.OUTCOMES[safety.BRAKING]:
        barrier, row = "braking", -1
        if not around.truncated and np.isfinite(wanted).all():
            row = _stopper(robot, view.state, around, wanted)
    kind, neighbour, gap, where = _place(robot, view, around, row)
    return Override(barrier or kind, neighbour, gap, where, change)


def sentence(override: Override) -> str:
    """The same for people, such as ``slowed by robot 5, 0.21 m away``."""
    away = f"{max(override.gap, 0.0):.2f} m away"
    if override.barrier == "limits":
        return "limited by its actuators"
    if override.barrier == "braking":
        if override.neighbour >= 0:
            return f"braking for robot {override.neighbour}, {away}"
        if math.isfinite(override.gap):
            return f"braking for something {away}"
        return "braking, since it cannot see all that is near"
    names = {"obstacle": "an obstacle", "bounds": "the edge of the map"}
    who = f"robot {override.neighbour}" if override.neighbour >= 0 else names.get(override.barrier, "an unknown robot")
    return f"slowed by {who}, {away}"


def warm_up(robot: Robot) -> None:
    """Load what is compiled, so that the first explanation is as quick as those after it."""
    near = np.zeros((1, NEIGHBOUR))
    near[0, N_ACCELERATION] = math.inf
    view = View(0.0, np.zeros(5), np.ones(2), near, obstacles=np.zeros((1, 5)))
    message = Message(robot.robot_id, 0.0, (1.0, 1.0), 0.5, 0.5)
    plan, far = Plan(np.ones(2)), np.full(2, math.inf)
    explain(robot, view, Command(far, "braking", 0.0, decode(MIDDLE), MIDDLE, plan, message, 0.0))


def _solve(robot: Robot, view: View, around: Around, tunables: Array, nominal: Array) -> tuple[int, Array]:
    """The row that binds, counted as neighbours, obstacles, four bounds; and the robot's control before the shield."""
    scratch, control = safety.scratch(around.num_neighbours + around.num_obstacles), np.empty(2)
    own = safety.constrain(robot.kind, view.state, robot.body, around, tunables, scratch)
    count = safety.constrain_steering(robot.body, around, float(nominal[0]), scratch, own)
    row = _binding_row(nominal, scratch.rows, scratch.rhs, count, scratch.box, control)
    row = -1 if row >= own else row  # how it steers
    normal = scratch.rows[row].copy()
    if len(robot.footprint) > 0 and row >= 0:
        row = _owner(robot, view.state, around, tunables, row)
    seen = around.num_neighbours if robot.body[YIELDS] > 0.0 else 0
    if row >= seen + around.num_obstacles:
        side = _side(robot.kind, float(view.state[2]), normal)
        row = around.num_neighbours + around.num_obstacles + side
    elif row >= seen:
        row += around.num_neighbours - seen
    safety.to_control(robot.kind, robot.body, control)
    return row, control


def _owner(robot: Robot, state: Array, around: Around, tunables: Array, row: int) -> int:
    """Whose a row of a polygon is, as if each neighbour that counts and each obstacle had one, and not two or none."""
    seen = around.num_neighbours if robot.body[YIELDS] > 0.0 else 0
    scratch, open_world = safety.scratch(around.num_neighbours + around.num_obstacles), around._replace(bounds=_OPEN)
    for k in range(seen + around.num_obstacles):
        first = open_world._replace(num_neighbours=min(k + 1, seen), num_obstacles=max(k + 1 - seen, 0))
        if row < safety.constrain(robot.kind, state, robot.body, first, tunables, scratch):
            return k
    return seen + around.num_obstacles


def _side(kind: int, heading: float, row: Array) -> int:
    """Which of xmin, ymin, xmax, ymax a row of the bounds stands for."""
    x, y = -float(row[0]), -float(row[1])
    if kind == UNICYCLE:
        x, y = x * math.cos(heading) - y * math.sin(heading), x * math.sin(heading) + y * math.cos(heading)
    return int(np.argmax([x, y, -x, -y]))


@njit(cache=True)
def _binding_row(nominal: Array, rows: Array, rhs: Array, count: int, box: Array, control: Array) -> int:
    """The row without which the solution would differ most, -1 if the box alone makes it; writes the solution.

    Where no single row makes a difference, since others say the same, it is the one that the nominal control violates
    most. A row with room at the solution makes none, since the problem is convex.
    """
    ux, uy, deficit, other = nominal[0], nominal[1], np.empty(1), np.empty(2)
    status, relaxation = qp.solve_unit_rows(ux, uy, rows, rhs, count, box, control, deficit)
    if status == qp.INVALID:
        control[0] = control[1] = np.nan
        return -1
    x, y = min(max(ux, box[0, 0]), box[1, 0]), min(max(uy, box[0, 1]), box[1, 1])
    best, most, violated, worst = -1, _SAME, -1, _SAME
    for k in range(count):
        gx, gy, b = rows[k, 0], rows[k, 1], rhs[k]
        if gx * control[0] + gy * control[1] < b + relaxation - _ACTIVE:
            continue
        if gx * x + gy * y - b > worst:
            violated, worst = k, gx * x + gy * y - b
        rows[k, 0] = rows[k, 1] = rhs[k] = 0.0
        qp.solve_unit_rows(ux, uy, rows, rhs, count, box, other, deficit)
        rows[k, 0], rows[k, 1], rhs[k] = gx, gy, b
        change = math.hypot(other[0] - control[0], other[1] - control[1])
        if change > most:
            best, most = k, change
    return best if best >= 0 else violated


def _stopper(robot: Robot, state: Array, around: Around, wanted: Array) -> int:
    """Who alone lets through the least of a control: neighbours, obstacles, four bounds; -1 if nobody."""
    robots, things = around.num_neighbours, around.num_obstacles
    lines, control, side = np.empty((5, 3)), np.empty(2), np.empty(4)
    found, least = -1, (1.0, 0.0)
    for k in range(robots + things + 4):
        control[:] = wanted
        one = around._replace(num_neighbours=0, num_obstacles=0, bounds=_OPEN)
        if k < robots:
            near = around.neighbours[k : k + 1], around.shapes[k : k + 1]
            one = one._replace(neighbours=near[0], shapes=near[1], num_neighbours=1)
        elif k < robots + things:
            one = one._replace(obstacles=around.obstacles[k - robots : k - robots + 1], num_obstacles=1)
        else:
            side[:] = _OPEN
            side[k - robots - things] = around.bounds[k - robots - things]
            one = one._replace(bounds=side)
        if len(robot.footprint) > 0:
            share = shield_shape(robot.kind, state, robot.body, one, control)
        elif k < robots and (is_stranger(around.neighbours[k]) or points_of(around.shapes, k) > 0):
            share = shield_hulls(robot.kind, state, robot.body, one, control)
        else:
            share = shield(robot.kind, state, robot.body, one, control, lines)
        rank = share, -float(np.abs(control - wanted).max())  # of those that turn it aside, who does so by most
        if rank < least:
            found, least = k, rank
    return found


def _place(robot: Robot, view: View, around: Around, row: int) -> tuple[str, int, float, tuple[float, float]]:
    """What a row stands for: barrier, neighbour, gap, place."""
    x, y, radius = float(view.state[0]), float(view.state[1]), float(robot.body[RADIUS])
    robots, things = around.num_neighbours, around.num_obstacles
    if row < 0:
        return "limits", -1, math.inf, (x, y)
    if row < robots:
        other = around.neighbours[row]
        gap = math.hypot(other[N_X] - x, other[N_Y] - y) - other[N_RADIUS] - radius
        if len(robot.footprint) > 0 or points_of(around.shapes, row) > 0:
            near, shapes = around.neighbours[row : row + 1], around.shapes[row : row + 1]
            gap = clearance_of(view.state, robot.body, robot.footprint, near, shapes, around.obstacles[:0])
        return "robot", int(other[N_ID]), float(gap), (float(other[N_X]), float(other[N_Y]))
    if row < robots + things:
        thing = around.obstacles[row - robots]
        away, nx, ny = thing[[O_GAP, O_NX, O_NY]]
        gap = away - radius
        if len(robot.footprint) > 0:
            me = view.state, robot.body, robot.footprint
            gap = clearance_of(*me, around.neighbours[:0], around.shapes[:0], thing[None])
        return "obstacle", -1, float(gap), (float(x - away * nx), float(y - away * ny))
    xmin, ymin, xmax, ymax = robot.bounds.tolist()
    sides = (x - xmin, (xmin, y)), (y - ymin, (x, ymin)), (xmax - x, (xmax, y)), (ymax - y, (x, ymax))
    gap, where = sides[row - robots - things]
    return "bounds", -1, gap, where
