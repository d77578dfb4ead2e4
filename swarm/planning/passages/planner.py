"""Ways through places for one robot: a slice is held before it is entered, and who is in the way gives way.

A robot follows the shortest way. It *claims* the next slice on it and takes it a tick later, by the rules of
``right_of_way``; until then it stops before it. It does not claim what somebody with a higher rank, or somebody who is
inside already, comes towards it through. Who stands where somebody with a higher rank wants through goes to the nearest
place from which that one can pass, and pushes others out of its way there with the priority of the one that it makes
way for (priority inheritance). If there is no such place, it says so, and the other makes way.

Robots that say nothing close the slice that they are in; after a while the way leads around them, if there is one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from swarm.array_types import Array
from swarm.model.dynamics import Kind
from swarm.planning import Plan, StatefulPlanner
from swarm.planning.cells.claims import LONGEST
from swarm.planning.passages.aside import Aside, in_line
from swarm.planning.passages.right_of_way import (
    Course,
    after,
    aged,
    course,
    goes_first,
    in_order,
    intent_of,
    may_enter,
    may_take,
    opposed,
    rank,
)
from swarm.planning.passages.route import Leg, Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.pibt.priority_inheritance import id_of, priority_key
from swarm.planning.roadmap.yielding import yield_aside
from swarm.planning.silent import Silent, blocked_by
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.intent import MAX_HELD, Intent
from swarm.sense.neighbours import N_ID, N_X, N_Y
from swarm.sense.view import View

_IDLE = -1
"""Ticks in the priority of a robot that has arrived."""
_PATIENCE = 1.5
"""Seconds that a robot waits in the way of another of higher rank, whatever its direction, before it gives way."""
_LEAVING = 10.0  # Seconds for which a robot that is at its goal keeps on the way past whoever wants through.
_THERE = 3  # Points of a way that ends where the robot is.
_DECIDING = 4.0  # Periods for which a robot drives on while a claim is decided.
_NEAR = 2.0  # So many lengths of a slice before one, a unicycle turns on the spot.
_FAR, _DRAWN = 1e3, 48  # Distances that count as any other [m]; most points of the way that is shown.
_ARRIVED, _NEARLY = 0.5, 2.0  # A robot has arrived this near to its goal, and if it comes no nearer [radii].


class PassagePlanner(StatefulPlanner):
    """Plans for one robot, and agrees with the others on who goes first.

    All robots of a team share the clock (``View.time``), the control period, the map and the sizes.

    Args:
        world: The static map.
        spec: The robot.
        sizes: Of the team.
        margin: Extra distance from obstacles [m].
        dt: Control period [s].
        robot_id: Identity, which settles equal priorities.
    """

    def __init__(self, world: World, spec: RobotSpec, sizes: Sizes, *, margin: float, dt: float, robot_id: int) -> None:
        self.slices = slices_of(world, sizes)
        self.route = Route(world, self.slices, spec.radius, margin)
        self._aside = Aside(self.route, spec.radius, margin)
        self.robot_id, self.dt, self._radius, self._margin = robot_id, dt, spec.radius, margin
        self._speed = spec.limits.speed
        self._turns = spec.kind == Kind.UNICYCLE and not spec.limits.is_second_order(spec.kind)
        self._turning = round(math.pi / (spec.limits.turn_rate * dt)) if self._turns else 0
        self._braking = spec.limits.acceleration or math.inf
        self.reset()

    def reset(self) -> None:
        """Forget everything that was held and heard."""
        self.tick = 0
        self.held: list[int] = []
        self.claim, self._inherited, self._leaving = 0, 0, False
        self._goal = np.full(2, np.nan)
        self._since, self._moved, self._arrived = 0, 0, False
        self._place = np.full(2, np.inf)
        self._exit: tuple[Array, int] | None = None
        self._kept: dict[int, tuple[Course, int]] = {}
        self._last: Intent | None = None
        self._plan: Plan | None = None
        self._silent, self._note = Silent(), ""
        self._let_out: frozenset[int] = frozenset()
        self.route.forget()

    def plan(self, view: View) -> Plan:
        """Take, make way or go on, claim. The same again if asked twice in one tick."""
        self.tick = round(view.time / self.dt)
        if self._plan is not None and self._last is not None and self._last.stamp == self.tick:
            return self._plan
        position = np.array(view.state[:2], dtype=np.float64)
        heard = {
            robot: message.intent
            for robot, message in sorted(view.messages.items())
            if robot != self.robot_id and message.intent is not None and message.intent.last_cell <= self.slices.total
        }
        self._set_goal(view, position)
        if self._silent.update(view, heard):
            self.route.go_around(self._silent.circles)
        closed = self._closed()
        if self.claim > 0 and self.claim not in closed and self._may_have(heard):
            self.held.append(self.claim)
        self._plan = self._follow(view, position, heard, closed)
        return self._plan

    def _may_have(self, heard: Mapping[int, Intent]) -> bool:
        """Whether the slice that it claimed is its own now."""
        if self._last is None or not may_take(self.claim, self._last, self.robot_id, heard):
            return False
        return may_enter(self.claim, self._last, self.robot_id, heard, self.slices.lanes)

    def _closed(self) -> frozenset[int]:
        """Slices in which somebody is, or stood, who says nothing; not before a mouth, if there is a way around him."""
        rows = [*self._silent.rows, *self._silent.near]
        inside = frozenset(self.slices.at(float(row[N_X]), float(row[N_Y])) for row in rows) - {0}
        if not self.route.leads_around:
            return inside
        passing = frozenset(self.slices.at(float(row[N_X]), float(row[N_Y])) for row in self._silent.passing)
        return frozenset(number for number in inside if number in passing or not self.route.is_mouth(number))

    def _set_goal(self, view: View, position: Array) -> None:
        """Notice a new goal, and whether the robot moves."""
        if not np.array_equal(view.goal, self._goal, equal_nan=True):
            self._goal, self._since, self._arrived, self._exit = view.goal.copy(), self.tick, False, None
        if math.dist(position, self._place) > 0.5 * self._radius:
            self._place, self._moved = position, self.tick

    def _priority(self) -> int:
        """How long it has had its goal; the lowest once it has arrived, or if it has none."""
        wants = not self._arrived and bool(np.isfinite(self._goal).all())
        return priority_key(min(self.tick - self._since, LONGEST) if wants else _IDLE, self.robot_id)

    def _follow(self, view: View, position: Array, heard: Mapping[int, Intent], closed: frozenset[int]) -> Plan:
        """Choose the way, hold what is on it, and drive as far as that goes."""
        others = {robot: course(intent, robot) for robot, intent in heard.items()}
        goal = self._goal if np.isfinite(self._goal).all() else position
        target, path, left = self.route.way(position, goal if self._exit is None else self._exit[0])
        if self._exit is not None and (left <= _ARRIVED * self._radius or self.tick > self._exit[1]):
            self._exit = None
        goal = position if self.route.nowhere else goal
        waits = (self.tick - self._moved) * self.dt > _PATIENCE
        self._arrived |= left <= (_NEARLY if waits else _ARRIVED) * self._radius
        leg = self.route.leg(path, target, left)
        own = self._course(leg.ahead)
        pushers = [] if self._exit is not None else self._pushers(position, view, self._as_asked(own), others, waits)
        stuck = bool(pushers)
        others, pushers = self._keep(others, pushers)
        aside = self._aside.find(position, view, others, pushers) if pushers else None
        # Who has nowhere to go says so until one makes way; that counts until they have passed, not for a tick.
        let_out = (robot for robot in pushers if others[robot].rank[0] or robot in self._let_out)
        self._let_out = frozenset() if aside is None else frozenset(let_out)
        stuck = stuck and aside is None
        if aside is None or len(aside) <= _THERE:
            self._kept.clear()
        if stuck and self._arrived:  # it wants nowhere, and so has to say how it would get out of the way
            aside = self._aside.find(position, view, others, pushers, past=True)
            self._exit = None if aside is None else (aside[-1], self.tick + round(_LEAVING / self.dt))
        self._inherited, self._note = self._priority() if self._exit is None else aged(self._inherited, 1), ""
        if aside is not None:
            leg = self.route.leg(aside, None)
            own = own._replace(ahead=leg.ahead)
            told = ((others[robot].rank[2], heard[robot].stamp == self.tick - 1) for robot in pushers)
            self._inherited = max(self._inherited, *(after(aged(key, int(fresh))) for key, fresh in told))
        else:
            leg = self._before_blocked(leg, position, view, others, closed)
        self._leaving = (
            stuck or self._exit is not None or (aside is None and self._leaving and self._meets(own, others))
        )
        if aside is None and self._arrived and not leg.ahead:
            steps = yield_aside(position, self._radius, self._margin, goal, view.neighbours, -1)
            if np.isfinite(steps).all() and self.slices.at(*steps[:2].tolist()) == 0:
                leg = self.route.leg(np.stack([position, steps[:2]]), steps[:2], float(steps[2]))
        self._hold(view, leg)
        first = (self._in_front(own, other, heard[robot], leg.distance) for robot, other in others.items())
        self._want(view, leg, closed.union(*first), others)
        self._last = intent_of(
            tick=self.tick, held=self.held, claim=self.claim, claim_priority=self._inherited,
            priority=self._priority(), arrival=round(min(leg.distance, _FAR) / (self._speed * self.dt)),
            leaving=self._leaving, ahead=leg.ahead,
        )  # fmt: skip
        waypoint, reach, ends = self.route.aim(position, leg, self.held)
        drawn = leg.path[:: max(1, len(leg.path) // _DRAWN)]
        agreed = self._turns and (bool(self.held) or aside is not None or leg.distance < _NEAR * self.slices.length)
        waiting = ends or aside is not None or bool(self._note)
        return Plan(waypoint, drawn, self._last, reach, waits=waiting, agreed=agreed, note=self._note)

    def _keep(self, others: dict[int, Course], pushers: list[int]) -> tuple[dict[int, Course], list[int]]:
        """Courses and pushers of now, and those of before for as long as this robot takes to turn round.

        Whoever sees that another makes way plans anew, and two that do so in turn would never have turned.
        """
        for robot in pushers if self._turning > 0 else ():
            self._kept[robot] = others[robot], self.tick + self._turning
        self._kept = {r: one for r, one in self._kept.items() if one[1] > self.tick and r in others}
        before = {robot: one[0] for robot, one in self._kept.items() if robot not in pushers}
        return {**others, **before}, [*pushers, *before]

    def _before_blocked(
        self, leg: Leg, position: Array, view: View, others: Mapping[int, Course], closed: frozenset[int]
    ) -> Leg:
        """The same way; if somebody stands in a passage on it and says nothing, to where this robot is in nobody's way.

        Then no other way leads there, for ways lead around those who stand as far as that is possible.
        """
        row = self._silent.standing_at(closed.intersection(leg.ahead), self.slices.at)
        if row is None:
            return leg
        there = self.slices.at(float(row[N_X]), float(row[N_Y]))
        holder = next((robot for robot, other in others.items() if there in other.held), -1)
        self._note = blocked_by("the passage", row, holder)
        if self.slices.at(float(position[0]), float(position[1])) > 0:
            out = self._aside.out(position, view, others)
            return leg if out is None else self.route.leg(out, None)
        before = leg.path[: int(np.argmax(leg.numbers > 0))]
        return self.route.leg(before if len(before) else np.stack([position, position]), None)

    def _pushers(
        self, position: Array, view: View, own: Course, others: Mapping[int, Course], waits: bool
    ) -> list[int]:
        """For whom this robot gives way."""
        found = [robot for robot, other in others.items() if self._gives_way(own, other, waits)]
        let_out = [robot for robot in self._let_out if robot in others and opposed(own.ahead, others[robot].ahead)]
        following = next((number for number in own.ahead if number not in own.held), 0)
        for robot, other in others.items():  # who comes towards this robot through the slice that it wants next
            if other.held and following in other.ahead and opposed(own.ahead, other.ahead):
                found.append(robot)
        if own.held and not waits:
            return list(dict.fromkeys([*self._higher(found, own, others), *let_out]))
        for row in view.neighbours:  # who comes out of a passage, and this robot stands right before him
            robot = int(row[N_ID])
            if robot in others and others[robot].held and in_line(position, self._radius, row):
                found.append(robot)
        need_room = self._in_the_way(own, others, following) if waits else []
        return list(dict.fromkeys([*self._higher(found, own, others), *let_out, *need_room]))

    def _higher(self, found: list[int], own: Course, others: Mapping[int, Course]) -> list[int]:
        """Those of higher rank, each once; of two that have nowhere to go, each for the other."""
        return [one for one in dict.fromkeys(found) if goes_first(others[one].rank, own.rank) or others[one].rank[0]]

    def _in_the_way(self, own: Course, others: Mapping[int, Course], following: int) -> list[int]:
        """Who holds the slice that this robot waits for and wants out of it, not into this robot's: it needs room.

        But not who makes way for this robot, and so has a way already: if this one went, the other would stay.
        """
        if following == 0 or self._arrived:
            return []
        return [
            robot
            for robot, other in others.items()
            if following in other.held and len(other.ahead) > 1 and not set(own.held).intersection(other.ahead)
            if id_of(other.rank[2]) != self.robot_id
        ]

    def _course(self, ahead: tuple[int, ...]) -> Course:
        """What the others know of this robot, as of its last message, with its way as of now."""
        held = tuple(number for number in self.held if number > 0)
        key = self._priority()
        known = (False, bool(held), key, key, -self.robot_id) if self._last is None else rank(self._last, self.robot_id)
        return Course(held, ahead, self.claim, known)

    def _as_asked(self, own: Course) -> Course:
        """As it is compared with those for whom it may make way.

        Who has arrived comes last even while it makes way for somebody, in whose place it goes: else it would go on for
        a tick, outrank that one in the next, and stay.
        """
        leaving, _, _, priority, number = own.rank
        return own._replace(rank=(leaving, False, priority, priority, number)) if self._arrived else own

    def _gives_way(self, own: Course, other: Course, waits: bool) -> bool:
        """Whether this robot stands where another of higher rank wants through."""
        wanted = {*other.ahead, other.claim}
        stuck = own.rank[0] and other.rank[0]  # Both have said that they have nowhere to go: whoever has now, goes.
        if not own.held or not wanted.intersection(own.held) or not (stuck or goes_first(other.rank, own.rank)):
            return False
        if self._arrived:
            return bool(other.held) or other.claim in own.held
        return opposed(own.ahead, other.ahead) or (waits and bool(other.held))

    def _meets(self, own: Course, others: Mapping[int, Course]) -> bool:
        """Whether somebody comes towards this robot."""
        return any(opposed(own.ahead, other.ahead) for other in others.values())

    def _in_front(self, own: Course, other: Course, told: Intent, distance: float) -> tuple[int, ...]:
        """Slices that are left to another robot that comes towards this one through them."""
        if not goes_first(other.rank, own.rank) or not opposed(own.ahead, other.ahead):
            return ()
        through = distance + (len(own.ahead) + 2) * self.slices.length
        if not other.held and told.arrival * self.dt * self._speed > through:
            return ()
        return other.ahead

    def _hold(self, view: View, leg: Leg) -> None:
        """Give back what is neither under the robot, nor where it can still come to, nor next on its way."""
        x, y, vx, vy = (float(view.state[k]) for k in (0, 1, 3, 4))
        time = self.dt + 0.5 * math.hypot(vx, vy) / self._braking
        coming = [self.slices.at(x + share * time * vx, y + share * time * vy) for share in (0.5, 1.0)]
        kept = [self.slices.at(x, y), *(number for number in coming if number in self.held)]
        for number in leg.numbers.tolist():
            if number > 0 and number not in self.held and number != kept[0]:
                break
            kept.append(number)
        self.held = list(in_order(kept))[:MAX_HELD]

    def _want(self, view: View, leg: Leg, forbidden: frozenset[int], others: Mapping[int, Course]) -> None:
        """Claim the next slice on the way if it is near, and nobody goes first."""
        self.claim = 0
        stopping = 0.5 * float(view.state[3:5] @ view.state[3:5]) / self._braking
        reserve = stopping + self.slices.length + _DECIDING * self.dt * self._speed
        next_ones = np.flatnonzero((leg.numbers > 0) & ~np.isin(leg.numbers, self.held))
        if len(self.held) < MAX_HELD and len(next_ones) and leg.steps[next_ones[0]] <= reserve:
            number = int(leg.numbers[next_ones[0]])
            self.claim = 0 if number in forbidden or self._against(number, leg, others) else number

    def _against(self, number: int, leg: Leg, others: Mapping[int, Course]) -> bool:
        """Whether it would enter a lane with this slice against somebody who is in it."""
        lanes = self.slices.lanes
        lane = lanes.entered(number, self.held)
        return lane > 0 and any(
            lanes.is_inside(lane, other.held) and lanes.opposed(lane, number, leg.ahead, other.ahead)
            for other in others.values()
        )
