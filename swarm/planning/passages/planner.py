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
from swarm.planning import Plan, StatefulPlanner
from swarm.planning.cells.claims import LONGEST
from swarm.planning.passages.aside import Aside, in_line
from swarm.planning.passages.right_of_way import Course, aged, course, in_order, intent_of, may_take, opposed, rank
from swarm.planning.passages.route import Leg, Route
from swarm.planning.passages.silent import Silent
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.planning.roadmap.yielding import yield_aside
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.intent import MAX_HELD, Intent
from swarm.sense.neighbours import N_ID
from swarm.sense.view import View

_IDLE = -1
"""Ticks in the priority of a robot that has arrived."""
_PATIENCE = 1.5
"""Seconds that a robot waits in the way of another of higher rank, whatever its direction, before it gives way."""
_DECIDING = 4.0  # Periods for which a robot drives on while a claim is decided.
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
        self._last: Intent | None = None
        self._plan: Plan | None = None
        self._silent = Silent(self.dt)
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
        closed = self._silent.closed(self.slices)
        wanted = self.claim > 0 and self.claim not in closed
        if wanted and self._last is not None and may_take(self.claim, self._last, self.robot_id, heard):
            self.held.append(self.claim)
        self._plan = self._follow(view, position, heard, closed)
        return self._plan

    def _set_goal(self, view: View, position: Array) -> None:
        """Notice a new goal, and whether the robot moves."""
        if not np.array_equal(view.goal, self._goal, equal_nan=True):
            self._goal, self._since, self._arrived = view.goal.copy(), self.tick, False
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
        target, path, left = self.route.way(position, goal)
        waits = (self.tick - self._moved) * self.dt > _PATIENCE
        self._arrived |= left <= (_NEARLY if waits else _ARRIVED) * self._radius
        leg = self.route.leg(path, target, left, self.held)
        own = self._course(leg.ahead)
        pushers = self._pushers(position, view, own, others, waits)
        aside = self._aside.find(position, view, others, pushers) if pushers else None
        stuck = bool(pushers) and aside is None
        if stuck and self._arrived:  # it wants nowhere, and so has to say how it would get out of the way
            aside = self._aside.find(position, view, others, pushers, past=True)
        self._inherited = self._priority()
        if aside is not None:
            leg = self.route.leg(aside, None, held=self.held)
            own = own._replace(ahead=leg.ahead)
            told = ((others[robot].rank[2], heard[robot].stamp == self.tick - 1) for robot in pushers)
            self._inherited = max(self._inherited, *(aged(key, int(fresh)) for key, fresh in told))
        self._leaving = stuck or (aside is None and self._leaving and self._meets(own, others))
        if aside is None and self._arrived and not leg.ahead:
            steps = yield_aside(position, self._radius, self._margin, goal, view.neighbours, -1)
            if np.isfinite(steps).all() and self.slices.at(*steps[:2].tolist()) == 0:
                leg = self.route.leg(np.stack([position, steps[:2]]), steps[:2], float(steps[2]))
        self._hold(view, leg)
        first = (self._in_front(own, other, heard[robot], leg.distance) for robot, other in others.items())
        self._want(view, leg, closed.union(*first))
        self._last = intent_of(
            tick=self.tick, held=self.held, claim=self.claim, claim_priority=self._inherited,
            priority=self._priority(), arrival=round(min(leg.distance, _FAR) / (self._speed * self.dt)),
            leaving=self._leaving, ahead=leg.ahead,
        )  # fmt: skip
        waypoint, reach, ends = self.route.aim(position, leg, self.held)
        drawn = leg.path[:: max(1, len(leg.path) // _DRAWN)]
        return Plan(waypoint, drawn, self._last, reach, waits=ends or aside is not None)

    def _pushers(
        self, position: Array, view: View, own: Course, others: Mapping[int, Course], waits: bool
    ) -> list[int]:
        """For whom this robot gives way."""
        found = [robot for robot, other in others.items() if self._gives_way(own, other, waits)]
        following = next((number for number in own.ahead if number not in own.held), 0)
        for robot, other in others.items():  # who comes towards this robot through the slice that it wants next
            if other.held and following in other.ahead and opposed(own.ahead, other.ahead):
                found.append(robot)
        if own.held and not waits:
            return self._higher(found, own, others)
        for row in view.neighbours:  # who comes out of a passage, and this robot stands right before him
            robot = int(row[N_ID])
            if robot in others and others[robot].held and in_line(position, self._radius, row):
                found.append(robot)
        need_room = self._in_the_way(own, others, following) if waits else []
        return list(dict.fromkeys([*self._higher(found, own, others), *need_room]))

    def _higher(self, found: list[int], own: Course, others: Mapping[int, Course]) -> list[int]:
        """Those of higher rank, each once; of two that have nowhere to go, each for the other."""
        return [one for one in dict.fromkeys(found) if others[one].rank > own.rank or others[one].rank[0]]

    def _in_the_way(self, own: Course, others: Mapping[int, Course], following: int) -> list[int]:
        """Who holds the slice that this robot waits for and wants out of it, not into this robot's: it needs room."""
        if following == 0 or self._arrived:
            return []
        return [
            robot
            for robot, other in others.items()
            if following in other.held and len(other.ahead) > 1 and not set(own.held).intersection(other.ahead)
        ]

    def _course(self, ahead: tuple[int, ...]) -> Course:
        """What the others know of this robot, as of its last message, with its way as of now."""
        held = tuple(number for number in self.held if number > 0)
        key = self._priority()
        known = (False, bool(held), key, key, -self.robot_id) if self._last is None else rank(self._last, self.robot_id)
        return Course(held, ahead, self.claim, known)

    def _gives_way(self, own: Course, other: Course, waits: bool) -> bool:
        """Whether this robot stands where another of higher rank wants through."""
        wanted = {*other.ahead, other.claim}
        stuck = own.rank[0] and other.rank[0]  # Both have said that they have nowhere to go: whoever has now, goes.
        if not own.held or not wanted.intersection(own.held) or not (stuck or other.rank > own.rank):
            return False
        if self._arrived:
            return bool(other.held) or other.claim in own.held
        return opposed(own.ahead, other.ahead) or (waits and bool(other.held))

    def _meets(self, own: Course, others: Mapping[int, Course]) -> bool:
        """Whether somebody comes towards this robot."""
        return any(opposed(own.ahead, other.ahead) for other in others.values())

    def _in_front(self, own: Course, other: Course, told: Intent, distance: float) -> tuple[int, ...]:
        """Slices that are left to another robot that comes towards this one through them."""
        if not other.rank > own.rank or not opposed(own.ahead, other.ahead):
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
        here = self.slices.at(x, y)
        inside = here in self.held or self.slices.is_narrow(x, y)
        kept = [here if inside else 0, *(number for number in coming if number in self.held)]
        for number in leg.numbers.tolist():
            if number > 0 and number not in self.held and number != kept[0]:
                break
            kept.append(number)
        self.held = list(in_order(kept))[:MAX_HELD]

    def _want(self, view: View, leg: Leg, forbidden: frozenset[int]) -> None:
        """Claim the next slice on the way if it is near, and nobody goes first."""
        self.claim = 0
        stopping = 0.5 * float(view.state[3:5] @ view.state[3:5]) / self._braking
        reserve = stopping + self.slices.length + _DECIDING * self.dt * self._speed
        next_ones = np.flatnonzero((leg.numbers > 0) & ~np.isin(leg.numbers, self.held))
        if len(self.held) < MAX_HELD and len(next_ones) and leg.steps[next_ones[0]] <= reserve:
            number = int(leg.numbers[next_ones[0]])
            self.claim = 0 if number in forbidden else number
