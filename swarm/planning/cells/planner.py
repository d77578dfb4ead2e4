"""Cells held one at a time: how robots share one-lane aisles in continuous time, each deciding for itself.

Every robot holds a chain of cells, drives only inside it, and tells the others which cells it holds. To go on it
*claims* the next cell and takes it one tick later if the messages sent in the tick of the claim show that nobody holds
it and that no better claim on it was made. Hence, whatever anyone wants and however slowly anyone drives:

    two robots never hold the same cell.

Proof: let A take a cell at tick t and let B have taken it at t' <= t and not have given it back. If t' < t, then B held
it in the message of t - 1, which A read. If t' = t, both claimed at t - 1, both read the other's claim, and claims are
totally ordered. Both need that A and B hear each other, so a robot only claims within half its radius of communication.

A robot that may be near and does not answer (its process is dead, or the network cut) can still be sensed. While there
is one, nobody claims a cell farther than ``ALONE`` from himself or nearer than ``AROUND`` to a robot that does not
answer: two that do not hear each other and want the same cell are so near to it that they sense each other. Ways lead
around the last known places of those who are silent; where there is none, a robot waits and makes way.

*What* to claim comes from priority inheritance over the heads of the robots that are heard
(``swarm.planning.pibt.priority_inheritance``, without rotation, since a cell is entered only once it is left), on
rankings from ``swarm.planning.cells.guidance``. A robot in the way of one with higher priority moves aside with that
priority. Compare Okumura, Tamura, Défago, "Time-independent planning for multiple moving agents", AAAI 2021
(Causal-PIBT).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.planning import Plan, StatefulPlanner
from swarm.planning.cells.blocked import Blocked
from swarm.planning.cells.cell_map import CellMap, Grid
from swarm.planning.cells.claims import LONGEST, claim_rank, first_move
from swarm.planning.cells.held_path import length, look_ahead_distance, point_along, still_held, way_ahead
from swarm.planning.cells.ranking import rank
from swarm.planning.cells.yielding import Manners, idle_ranking
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.sense.intent import MAX_HELD, WINDOW, Intent, Ranking
from swarm.sense.messages import HEARING_CELLS, as_heard, readable_intents
from swarm.sense.view import View

_STUCK = 4.0  # Time without having come nearer to the goal than ever before [s].
_RESERVE = 1.0  # Way ahead that a robot tries to hold [cells].
_PATIENCE = 20.0  # Longest time for which a robot makes way for another at a dead end [s].
_NO_GOAL, _YIELDING = -1, -2  # Ticks in the priority of a robot that has no goal, or makes way.


class CellPlanner(StatefulPlanner):
    """Plans and reserves cells for one robot.

    All robots of a team must share the clock (``View.time``), the control period and the radius of communication, start
    near the centres of different cells, and hear each other in every tick.

    Args:
        grid: The map, or a ``CellMap`` of it that several robots of one process share.
        robot_id: Identity, which settles equal priorities.
        dt: Control period, which is also the delay of messages [s].
        radius: Of the robot [m].
        speed: Top speed [m/s].
        communication_radius: Distance within which every message arrives [m]; None is six cells.
        propose: Ranks the moves instead of the built-in guidance: (cell (row, column), cost of the way to the goal
            float64[rows * columns]) -> the five moves, most preferred first. Any ranking is safe.
        outlined: Whether it is driven as its outline, which turns aside for nobody: an aisle has no room for that.

    Raises:
        InputError: If a number makes no sense.
    """

    def __init__(
        self,
        grid: Grid | CellMap,
        robot_id: int,
        dt: float,
        *,
        radius: float = 0.3,
        speed: float = 1.0,
        communication_radius: float | None = None,
        propose: Callable[[tuple[int, int], Array], Ranking] | None = None,
        outlined: bool = False,
    ) -> None:
        self.map = grid if isinstance(grid, CellMap) else CellMap(grid)
        size = self.map.size
        reach = HEARING_CELLS * size if communication_radius is None else communication_radius
        if not 0.0 < radius < 0.5 * size:
            raise InputError("CellPlanner radius", radius, f"above 0 and below half a cell ({0.5 * size:g} m)")
        if not 3.5 * size <= reach < math.inf:
            raise InputError("CellPlanner communication_radius", reach, f"finite, at least {3.5 * size:g} m")
        for name, value in (("dt", dt), ("speed", speed)):
            if not 0.0 < value < math.inf:
                raise InputError(f"CellPlanner {name}", value, "a finite number above 0")
        self.robot_id, self.dt, self.radius, self.speed, self.propose = robot_id, dt, radius, speed, propose
        self._outlined = outlined
        # A quarter of a cell is kept in hand: robots move on while a claim is decided.
        self.claim_radius = 0.5 * reach - 0.25 * size
        self.look = look_ahead_distance(radius / size) * size
        self._step_ticks = max(1.0, size / (speed * dt))
        self._work = np.full((2, self.map.free.size), -1, dtype=np.int32)
        self._manners = Manners(self.map, math.ceil(reach / size) + MAX_HELD, round(_PATIENCE / dt))
        self.reset()

    def reset(self) -> None:
        """Forget everything that was held and heard."""
        self.tick = 0
        self.held: list[int] = []
        self.claim, self.claim_priority = -1, 0
        self._goal = -1
        self._field: Array | None = None
        self._since = 0
        self._nearest, self._nearer = math.inf, 0  # Least way left since the last goal, and when that was.
        self._ranking: Ranking = (0, 1, 2, 3, 4)
        self._window: tuple[int, ...] = ()
        self._looked = 0
        self._last: Intent | None = None
        self._plan: Plan | None = None
        self._blocked = Blocked(self.map, self.radius, self.claim_radius)
        self._manners.forget()

    def resume(self, held: Sequence[int], x: float, y: float) -> bool:
        """Hold the cells of before a restart again if the robot stands in one of them; returns whether it does.

        Args:
            held: A chain of cells, tail first; one that is none is refused.
            x: Of the robot, world frame [m].
            y: Of the robot [m].
        """
        chain = still_held(self.map, held, x, y)
        if chain:
            self.held = chain
        return bool(chain)

    def plan(self, view: View) -> Plan:
        """Release, take, claim; then point along the held cells. The same again if asked twice in one tick."""
        self.tick = round(view.time / self.dt)
        if self._plan is not None and self._last is not None and self._last.stamp == self.tick:
            return self._plan
        x, y = float(view.state[0]), float(view.state[1])
        if not self.held:
            self.held = [self.map.cell_at(x, y)]
        messages = as_heard(view.messages)
        told = readable_intents(messages.table, self._work.shape[1])
        heard = {robot: told[robot] for robot in messages if robot in told and robot != self.robot_id}
        changed = self._blocked.update(view, heard, self.held)
        if changed:
            self._nearest, self._nearer = math.inf, self.tick
            self._find_way()
        changed = self._set_goal(view.goal) or changed
        self._release(x, y)
        changed = self._take(heard) or changed
        way, inside = way_ahead(self.map, self.held, x, y)
        left = length(way)
        if changed or not self._window:
            self._rank(heard, left)
        if inside and left < _RESERVE * self.map.size:
            if self._should_look_again():
                self._rank(heard, left)
            if self._extend(x, y, heard):
                way, inside = way_ahead(self.map, self.held, x, y)
                left = length(way)
        self._last = self._intent(heard, left)
        ahead, note = point_along(way, self.look), self._note(heard)
        self._plan = Plan(ahead, np.array(way), self._last, left, agreed=self._outlined, straight=True, note=note)
        return self._plan

    def _note(self, heard: Mapping[int, Intent]) -> str:
        """Who blocks the way to the goal, for people; empty if there is another."""
        if self._goal < 0 or self._field is not None or not len(self._blocked.silent.rows):
            return ""
        if not math.isfinite(self.map.field(self._goal)[self.held[-1]]):
            return ""
        return self._blocked.note(self.held[-1], heard)

    def _intent(self, heard: Mapping[int, Intent], left: float) -> Intent:
        """What the others are told, with ``left`` metres of way held."""
        return Intent(
            stamp=self.tick,
            held=tuple(self.held),
            claim=self.claim,
            claim_priority=self.claim_priority,
            priority=self._priority(heard),
            ranking=self._ranking,
            arrival=round(left / (self.speed * self.dt)),
            leaving=self._is_leaving(),
            window=self._window,
        )

    # --- goal and priority ---

    def _set_goal(self, goal: Array) -> bool:
        """Notice a new goal: priority starts again from nothing. NaN is no goal; one without a way is like none."""
        x, y = float(goal[0]), float(goal[1])
        cell = self.map.cell_at(x, y) if math.isfinite(x) and math.isfinite(y) else -2
        if cell == self._goal:
            return False
        self._goal = cell
        self._since = self._nearer = self.tick
        self._nearest = math.inf
        self._manners.forget()
        self._find_way()
        return True

    def _find_way(self) -> None:
        """The way to the goal; without one the robot is idle, and makes way for those who have one."""
        self._field = None
        if self._goal >= 0:
            avoided = self._blocked.avoided
            field = self.map.field_around(self._goal, avoided) if avoided else self.map.field(self._goal)
            self._field = field if math.isfinite(field[self.held[-1]]) else None

    def _priority(self, heard: Mapping[int, Intent]) -> int:
        """Time since the last goal, unless it should make way for everyone."""
        if self._field is None:
            return priority_key(_NO_GOAL, self.robot_id)
        self._manners.update(self._field, self.held[-1], heard, self.tick)
        ticks = _YIELDING if self._manners.yields else min(max(self.tick - self._since, 0), LONGEST)
        return priority_key(ticks, self.robot_id)

    def _known_priority(self) -> int:
        """The priority that the others know: that of the last message."""
        return priority_key(_NO_GOAL, self.robot_id) if self._last is None else self._last.priority

    def _is_leaving(self) -> bool:
        """Whether it is on its way out of a dead end and makes way for nobody."""
        head = self.held[-1]
        parent = int(self.map.parent[head])
        if parent < 0 or self._manners.yields:
            return False
        if self._field is None:
            return self.map.after(head, self._ranking[0]) == parent
        return bool(self._field[parent] < self._field[head])

    # --- holding cells ---

    def _release(self, x: float, y: float) -> None:
        """Give back the cells behind that the body has left."""
        while len(self.held) > 1 and self.map.gap(x, y, self.held[0]) > self.radius + 0.02 * self.map.size:
            if all(self.map.gap(x, y, cell) > 0.0 for cell in self.held[1:]):
                break
            del self.held[0]

    def _take(self, heard: Mapping[int, Intent]) -> bool:
        """Take the claimed cell if nobody holds it and no better claim was made in the tick of ours."""
        cell, self.claim = self.claim, -1
        if cell < 0 or self._last is None or cell in self._blocked.closed:
            return False
        own = claim_rank(self.claim_priority, self.robot_id, cell)
        for robot, other in heard.items():
            fresh = other.stamp == self._last.stamp
            # Who was not heard in that tick may have claimed the cell without our knowing.
            if not fresh and self.map.steps_between(cell, other.held[-1]) <= MAX_HELD:
                return False
            if cell in other.held:
                return False
            if other.claim == cell and claim_rank(other.claim_priority, robot, cell) > own:
                return False
        self.held.append(cell)
        if self._field is not None and self._field[cell] < self._nearest:
            self._nearest, self._nearer = float(self._field[cell]), self.tick
        return True

    def _extend(self, x: float, y: float, heard: Mapping[int, Intent]) -> bool:
        """Claim the cell that priority inheritance gives this robot; True if it turned round instead."""
        head = self.held[-1]
        target, priority = self._inherit(heard)
        if self.held == [target, head]:
            self.held = [head, target]
            self._release(x, y)
            self._rank(heard, 0.0)
            return True
        taken = target in self.held or any(target in other.held for other in heard.values())
        if taken or len(self.held) >= MAX_HELD:
            return False
        cx, cy = self.map.centre(target)
        if math.hypot(cx - x, cy - y) <= self._blocked.claim_radius:
            self.claim, self.claim_priority = target, priority
        return False

    def _inherit(self, heard: Mapping[int, Intent]) -> tuple[int, int]:
        """Next cell of this robot under priority inheritance, and the priority with which it goes there."""
        own = (self.held[-1], self._known_priority(), -1, *self._ranking)
        others = [(o.held[-1], o.priority, o.claim, *o.ranking) for o in heard.values()]
        target, priority = first_move(np.array([own, *others], dtype=np.int64), self._blocked.free, self._work)
        return int(target), int(priority)

    # --- ranking the moves ---

    def _should_look_again(self) -> bool:
        """Every few ticks, at intervals that differ: robots that all look at once keep dodging each other."""
        return self.tick - self._looked >= 3 + (self.robot_id * 7 + self.tick // 4 * 5) % 7 // 2

    def _rank(self, heard: Mapping[int, Intent], left: float) -> None:
        """Rank the moves from the head, with ``left`` metres of way to it, and foresee where that leads."""
        head = self.held[-1]
        self._looked = self.tick
        if self._field is None:
            self._ranking, self._window = idle_ranking(self.map, head, heard), (head,) * (WINDOW + 1)
        elif self.propose is not None:
            self._ranking = self.propose(divmod(head, self.map.columns), self._field)
            self._window = (head,) * (WINDOW + 1)
        else:
            before = self._window[1] if self._window and self._window[0] == head else -1
            self._ranking, self._window = rank(
                self.map, self._blocked.free, self._field, head, heard.values(), before=before,
                arrival=left / (self.speed * self.dt), step_ticks=self._step_ticks, priority=self._known_priority(),
                stuck=(self.tick - self._nearer) * self.dt > _STUCK,
            )  # fmt: skip
