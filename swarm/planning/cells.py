"""Cells held one at a time: how robots share one-lane aisles in continuous time, each deciding for itself.

Every robot holds a chain of cells, drives only inside it, and tells the others which cells it holds. To go on it *claims*
the next cell and takes it one tick later if the messages sent in the tick of the claim show that nobody holds it and
that no better claim on it was made. Hence, whatever anyone wants and however slowly anyone drives:

    two robots never hold the same cell.

Proof: let A take a cell at tick t and let B have taken it at t' <= t and not have given it back. If t' < t, then B held
it in the message of t - 1, which A read. If t' = t, both claimed at t - 1, both read the other's claim, and claims are
totally ordered. Both need that A and B hear each other, so a robot only claims within half its radius of communication.

*What* to claim comes from priority inheritance over the heads of the robots that are heard (`swarm.planning.pibt`, without
rotation, since a cell is entered only once it is left), on rankings from `swarm.planning.guidance`. A robot that is in the
way of one with higher priority moves aside with that priority. Compare Okumura, Tamura, Défago, "Time-independent planning
for multiple moving agents", AAAI 2021 (Causal-PIBT).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.planning import MAX_HELD, WINDOW, Intent, Plan
from swarm.planning.fields import FieldCache, dead_ends, directed_field, lane_costs
from swarm.planning.guidance import look_ahead
from swarm.planning.pibt import LEAVING, pibt_moves, priority_key

if TYPE_CHECKING:
    from swarm.robot import View

Ranking = tuple[int, int, int, int, int]


class Grid(Protocol):
    """What is needed of a grid map: lower-left corner of the map at (0, 0), row 0 at the top."""

    free: NDArray[np.bool_]
    cell_size: float


class CellPlanner:
    """Plans and reserves cells for one robot.

    Args:
        grid: The map.
        robot_id: Identity, which settles equal priorities.
        dt: Control period, which is also the delay of messages [s].
        radius: Of the robot [m].
        speed: Top speed [m/s].
        communication_radius: Distance within which every message arrives [m].
        propose: Ranks the moves instead of the built-in guidance: (cell (row, column), field int32[rows, columns]) ->
            the five moves, most preferred first. Any ranking is safe.
        conflict: Cost of a predicted conflict with another's window [steps].
        reserve: Way ahead that the robot tries to hold [cells].
        look: Distance of the waypoint along the held way [cells].
    """

    def __init__(
        self,
        grid: Grid,
        robot_id: int,
        dt: float,
        *,
        radius: float = 0.3,
        speed: float = 1.0,
        communication_radius: float = 6.0,
        propose: Callable[[tuple[int, int], NDArray[np.float64]], Ranking] | None = None,
        conflict: float = 6.0,
        yielding: float = 0.5,
        patience: float = 0.0,
        stuck: float = 2.0,
        against: float = 0.5,
        reserve: float = 1.0,
        look: float = 0.7,
    ) -> None:
        self.grid = grid
        self.free = np.ascontiguousarray(grid.free, dtype=np.bool_)
        self.rows, self.columns = self.free.shape
        self.size = float(grid.cell_size)
        self.robot_id, self.dt, self.radius, self.speed = robot_id, dt, radius, speed
        self.conflict, self.reserve, self.look = conflict, reserve * self.size, look * self.size
        self.stuck = stuck
        self.yielding, self.patience = yielding, patience
        self.propose = propose
        self.claim_radius = 0.5 * communication_radius - 0.25 * self.size
        self.step_ticks = max(1, round(self.size / (speed * dt)))
        if not 0.0 < radius < 0.5 * self.size:
            raise InputError("CellPlanner radius", radius, f"a number between 0 and half a cell ({0.5 * self.size} m)")
        if self.claim_radius < 1.5 * self.size:
            raise InputError("CellPlanner communication_radius", communication_radius, f"at least {3.5 * self.size} m")
        self._branch, self._parent = dead_ends(self.free)
        self._costs = lane_costs(self.free, self._branch, against)
        self._fields = FieldCache(
            lambda row, column: directed_field(self._costs, self.columns, row * self.columns + column), 4
        )
        self._work = np.full((2, self.free.size), -1, dtype=np.int32)
        self.reset()

    def reset(self) -> None:
        """Forget everything that was held and heard."""
        self.tick = -1
        self.held: list[int] = []
        self.claim, self.claim_priority = -1, 0
        self.goal_cell = -1
        self.since = 0
        self._field: NDArray[np.float64] | None = None
        self._ranking: Ranking = (0, 1, 2, 3, 4)
        self._window: tuple[int, ...] = ()
        self._looked = -(10**9)
        self._moved, self._best = 0, math.inf
        self._last: Intent | None = None

    # --- geometry -------------------------------------------------------------------------------------------------

    def centre(self, cell: int) -> tuple[float, float]:
        """Centre of a flat cell, world frame [m]."""
        row, column = divmod(cell, self.columns)
        return (column + 0.5) * self.size, (self.rows - row - 0.5) * self.size

    def cell_at(self, x: float, y: float) -> int:
        """Flat cell at a point; points outside the map belong to its nearest cell."""
        column = min(max(math.floor(x / self.size), 0), self.columns - 1)
        row = min(max(self.rows - 1 - math.floor(y / self.size), 0), self.rows - 1)
        return row * self.columns + column

    def _gap(self, x: float, y: float, cell: int) -> float:
        """Distance from a point to the square of a cell [m]."""
        cx, cy = self.centre(cell)
        half = 0.5 * self.size
        return math.hypot(max(abs(x - cx) - half, 0.0), max(abs(y - cy) - half, 0.0))

    # --- the protocol ---------------------------------------------------------------------------------------------

    def plan(self, view: View) -> Plan:
        """Release, take, claim; then point along the held cells."""
        self.tick += 1
        x, y = float(view.state[0]), float(view.state[1])
        if not self.held:
            self.held = [self.cell_at(x, y)]
            self.since = self.tick
        heard = {
            key: message.intent
            for key, message in sorted(view.messages.items())
            if message.intent is not None and key != self.robot_id
        }
        fresh = self._new_goal(view.goal)
        self._release(x, y)
        fresh = self._take(heard) or fresh
        path, inside = self._way(x, y)
        remaining = _length(path)
        if fresh or not self._window:
            self._rank(heard, remaining)
        if inside and remaining < self.reserve:
            if self.tick - self._looked >= 3 + (self.robot_id * 7 + self.tick // 4 * 5) % 7 // 2:
                self._rank(heard, remaining)
            if self._extend(x, y, heard):
                path, inside = self._way(x, y)
                remaining = _length(path)
        own = self._last = Intent(
            self.tick,
            tuple(self.held),
            self.claim,
            self.claim_priority,
            self._priority(self.tick),
            self._ranking,
            round(remaining / (self.speed * self.dt)),
            self._window,
        )
        waypoint = _along(path, self.look)
        return Plan(waypoint, path, own, remaining)

    def _new_goal(self, goal: NDArray[np.float64]) -> bool:
        """Notice a new goal; its field, and priority from nothing. A goal nobody can reach is like none."""
        known = bool(np.isfinite(goal[0]) and np.isfinite(goal[1]))
        cell = self.cell_at(float(goal[0]), float(goal[1])) if known else -2
        if cell == self.goal_cell:
            return False
        self.goal_cell = cell
        self.since = self._moved = self.tick
        self._best = math.inf
        self._field = self._fields[divmod(cell, self.columns)] if known else None
        return True

    def _priority(self, tick: int) -> int:
        """This robot's priority as of a tick."""
        head = self.held[-1]
        field = self._field
        if field is None or field[head] == math.inf:
            return priority_key(-1, self.robot_id)
        waited = max(tick - self.since, 0)
        limit = round(self.patience / self.dt)
        rest = float(field[head]) * self.step_ticks
        key = priority_key(waited if waited > limit else max(limit - round(rest), 0), self.robot_id)
        parent = int(self._parent[head])
        if parent >= 0 and field[parent] < field[head]:
            key += LEAVING
        return key

    def _known_priority(self) -> int:
        """The priority that the others know: that of the last message, or nothing before the first."""
        return self._priority(self.tick) if self._last is None else self._last.priority

    def _release(self, x: float, y: float) -> None:
        """Give back the cells behind that the body has left."""
        while len(self.held) > 1 and self._gap(x, y, self.held[0]) > self.radius + 0.02 * self.size:
            if all(self._gap(x, y, cell) > 0.0 for cell in self.held[1:]):
                break
            del self.held[0]

    def _take(self, heard: dict[int, Intent]) -> bool:
        """Take the claimed cell if nobody holds it and no better claim was made in the tick of ours."""
        cell, self.claim = self.claim, -1
        if cell < 0:
            return False
        for other in heard.values():
            if cell in other.held:
                return False
            if other.claim == cell and (other.stamp != self.tick - 1 or other.claim_priority > self.claim_priority):
                return False
        self.held.append(cell)
        if self._field is not None and self._field[cell] < self._best:
            self._best, self._moved = float(self._field[cell]), self.tick
        return True

    def _extend(self, x: float, y: float, heard: dict[int, Intent]) -> bool:
        """Claim the cell that priority inheritance gives this robot; True if it turned round instead."""
        head = self.held[-1]
        target, priority = self._inherit(heard)
        if target == head:
            return False
        if target in self.held:
            if self.held == [target, head]:
                self.held = [head, target]
                self._release(x, y)
                self._rank(heard, 0.0)
                return True
            return False
        if len(self.held) >= MAX_HELD or any(target in other.held for other in heard.values()):
            return False
        cx, cy = self.centre(target)
        if math.hypot(cx - x, cy - y) <= self.claim_radius:
            self.claim, self.claim_priority = target, priority
        return False

    def _inherit(self, heard: dict[int, Intent]) -> tuple[int, int]:
        """Next cell of this robot under priority inheritance, and the priority with which it goes there."""
        everyone = list(heard.values())
        cells = [self.held[-1]] + [one.held[-1] for one in everyone]
        ranking = [self._ranking] + [one.ranking for one in everyone]
        priority = [self._known_priority()] + [one.priority for one in everyone]
        forced = [-1] + [one.claim for one in everyone]
        keys = np.array(priority, dtype=np.int64)
        target, root = pibt_moves(
            np.array(cells, dtype=np.int64),
            np.array(ranking, dtype=np.int8),
            keys,
            self.free,
            np.array(forced, dtype=np.int64),
            False,
            self._work,
        )
        return int(target[0]), int(keys[root[0]])

    def _rank(self, heard: dict[int, Intent], remaining: float) -> None:
        """Rank the moves from the head, and announce where that leads."""
        head = self.held[-1]
        self._looked = self.tick
        field = self._field
        if field is None or field[head] == math.inf:
            self._ranking, self._window = (0, 1, 2, 3, 4), (head,) * (WINDOW + 1)
            return
        if self.propose is not None:
            self._ranking = self.propose(divmod(head, self.columns), field)
            self._window = (head,) * (WINDOW + 1)
            return
        everyone = list(heard.values())
        arrival = round(remaining / (self.speed * self.dt))
        windows = np.array([one.window for one in everyone], dtype=np.int64).reshape(len(everyone), WINDOW + 1)
        offsets = np.array(
            [round((one.arrival - 1 - arrival) / self.step_ticks) for one in everyone], dtype=np.int64
        )
        own = self._known_priority()
        firm = self.tick - self._moved > self.stuck / self.dt
        low = 0.5 if firm else self.yielding
        weights = np.array([self.conflict if one.priority > own else low for one in everyone])
        previous = self._window[1] if self._window and self._window[0] == head else -1
        cost, way = look_ahead(
            self.free, field, head, windows, offsets, weights, self._costs, previous, WINDOW
        )
        order = np.argsort(cost, kind="stable")
        self._ranking = tuple(order.tolist())
        self._window = tuple(way.tolist())

    # --- the way --------------------------------------------------------------------------------------------------

    def _way(self, x: float, y: float) -> tuple[NDArray[np.float64], bool]:
        """The way ahead along the centres of the held cells, and whether the robot is inside its cells at all.

        The way starts at the foot of the perpendicular, not at the robot: a robot that aimed from where it is would cut
        corners more and more. A robot pushed out of its cells goes back to the centre of the nearest one.
        """
        gaps = [self._gap(x, y, cell) for cell in self.held]
        nearest = min(range(len(gaps)), key=lambda index: (gaps[index], -index))
        centres = [self.centre(cell) for cell in self.held]
        if gaps[nearest] > 0.0:
            return np.array([(x, y), centres[nearest]]), False
        foot, after, least = centres[0], 1, math.inf
        if len(centres) == 1:
            foot, after = (x, y), 0
        for index in range(len(centres) - 1):
            (ax, ay), (bx, by) = centres[index], centres[index + 1]
            share = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / self.size**2
            share = min(max(share, 0.0), 1.0)
            px, py = ax + share * (bx - ax), ay + share * (by - ay)
            away = math.hypot(px - x, py - y)
            if away <= least:
                foot, after, least = (px, py), index + 1, away
        return np.array([foot, *centres[after:]]), True


def _length(path: NDArray[np.float64]) -> float:
    """Length of a polyline float64[p, 2]."""
    total = 0.0
    points = path.tolist()
    for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
        total += math.hypot(bx - ax, by - ay)
    return total


def _along(path: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """The point at a distance along a polyline float64[p, 2], or its end."""
    points = path.tolist()
    for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
        step = math.hypot(bx - ax, by - ay)
        if step >= distance and step > 0.0:
            share = distance / step
            return np.array([ax + share * (bx - ax), ay + share * (by - ay)])
        distance -= step
    return np.array(points[-1])
