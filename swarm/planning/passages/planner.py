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

from swarm.array_types import Array, Int64s
from swarm.planning import Plan, StatefulPlanner
from swarm.planning.cells.claims import LONGEST
from swarm.planning.passages.aside import Aside, in_line
from swarm.planning.passages.right_of_way import Course, aged, course, in_order, intent_of, may_take, opposed, rank
from swarm.planning.passages.route import Route
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
        braking = spec.limits.acceleration
        self._braking = braking if 0.0 < braking < math.inf else math.inf
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
        self._plan = self._follow(
            view, position, {robot: course(one, robot) for robot, one in heard.items()}, heard, closed
        )
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

    def _follow(
        self, view: View, position: Array, others: Mapping[int, Course], heard: Mapping[int, Intent],
        closed: frozenset[int],
    ) -> Plan:  # fmt: skip
        """Choose the way, hold what is on it, and drive as far as that goes."""
        goal = position if not np.isfinite(self._goal).all() else self._goal
        way, path, left = self.route.way(position, goal)
        waypoint: Array | None = way
        waits = (self.tick - self._moved) * self.dt > _PATIENCE
        self._arrived |= left <= (_NEARLY if waits else _ARRIVED) * self._radius
        numbers = self.route.numbers(path)
        ahead, distance = self.route.chain(path, numbers)
        own = self._course(ahead, heard)
        pushers = [robot for robot, other in others.items() if self._gives_way(own, other)]
        if not own.held or waits:
            pushers += [one for one in self._come_out(position, view, own, others) if one not in pushers]
        priority, aside = self._priority(), None
        self._inherited = priority
        if pushers:
            aside = self._aside.find(position, view, others, pushers, self._leaving)
        if aside is not None:
            path, waypoint = aside, None
            numbers = self.route.numbers(path)
            ahead, distance = self.route.chain(path, numbers)
            own = own._replace(ahead=ahead)
            told = ((others[robot].rank[2], heard[robot].stamp == self.tick - 1) for robot in pushers)
            self._inherited = max(priority, *(aged(key, int(fresh)) for key, fresh in told))
            left = _length(path)
        self._leaving = aside is None and (bool(pushers) or (self._leaving and self._meets(own, others)))
        forbidden = closed.union(
            *(self._in_front(own, other, heard[robot], distance) for robot, other in others.items())
        )
        if aside is None and waypoint is not None and self._arrived and not ahead:
            yielded = yield_aside(position, self._radius, self._margin, goal, view.neighbours, -1)
            if np.isfinite(yielded).all() and self.slices.at(*yielded[:2].tolist()) == 0:
                self._hold(view, numbers[:0])
                return self._tell(yielded[:2], np.stack([yielded[:2], goal]), float(yielded[2]), (), math.inf)
        self._hold(view, numbers)
        self._want(view, path, numbers, forbidden)
        target, reach, stops = self.route.aim(position, path, numbers, waypoint, self.held)
        return self._tell(target, path, reach if stops else left, ahead, distance)

    def _course(self, ahead: tuple[int, ...], heard: Mapping[int, Intent]) -> Course:
        """What the others know of this robot, as of its last message, with its way as of now."""
        held = tuple(number for number in self.held if number > 0)
        if self._last is None:
            return Course(
                held, ahead, self.claim, (False, bool(held), self._priority(), self._priority(), -self.robot_id)
            )
        return Course(held, ahead, self.claim, rank(self._last, self.robot_id))

    def _gives_way(self, own: Course, other: Course) -> bool:
        """Whether this robot stands where another of higher rank wants through."""
        wanted = {*other.ahead, other.claim}
        stuck = own.rank[0] and other.rank[0]  # Both have said that they have nowhere to go: whoever has now, goes.
        if not own.held or not wanted.intersection(own.held) or not (stuck or other.rank > own.rank):
            return False
        if self._arrived:
            return bool(other.held) or other.claim in own.held
        waits = (self.tick - self._moved) * self.dt > _PATIENCE
        return opposed(own.ahead, other.ahead) or (waits and bool(other.held))

    def _come_out(self, position: Array, view: View, own: Course, others: Mapping[int, Course]) -> list[int]:
        """Who comes out of a passage into the room, where this robot waits before it or stands in the way."""
        found = []
        if not own.held:
            found = [robot for robot, other in others.items() if other.held and opposed(own.ahead, other.ahead)]
        for row in view.neighbours:
            robot = int(row[N_ID])
            if robot in others and robot not in found and others[robot].held and in_line(position, self._radius, row):
                found.append(robot)
        return [robot for robot in found if others[robot].rank > own.rank]

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

    def _hold(self, view: View, numbers: Int64s) -> None:
        """Give back what is neither under the robot, nor where it can still come to, nor next on its way."""
        x, y, vx, vy = (float(view.state[k]) for k in (0, 1, 3, 4))
        speed = math.hypot(vx, vy)
        time = self.dt + (0.5 * speed / self._braking if math.isfinite(self._braking) else 0.0)
        present = [self.slices.at(x + share * time * vx, y + share * time * vy) for share in (0.0, 0.5, 1.0)]
        kept = [self.slices.at(x, y), *(number for number in present if number in self.held)]
        for number in numbers.tolist():
            if number > 0 and number not in self.held and number != kept[0]:
                break
            kept.append(number)
        self.held = list(in_order(kept))[:MAX_HELD]

    def _want(self, view: View, path: Array, numbers: Int64s, forbidden: frozenset[int]) -> None:
        """Claim the next slice on the way if it is near, and nobody goes first."""
        self.claim = 0
        speed = math.hypot(float(view.state[3]), float(view.state[4]))
        stopping = 0.5 * speed * speed / self._braking if math.isfinite(self._braking) else 0.0
        reserve = stopping + self.slices.length + 4.0 * self.dt * self._speed
        done = 0.0
        for k, number in enumerate(numbers.tolist()):
            done += math.dist(path[k], path[k - 1]) if k else 0.0
            if done > reserve or len(self.held) >= MAX_HELD:
                return
            if number > 0 and number not in self.held:
                self.claim = 0 if number in forbidden else number
                return

    def _tell(self, target: Array, path: Array, left: float, ahead: tuple[int, ...], distance: float) -> Plan:
        """The plan, with what the others are told."""
        arrival = round(min(distance, 1e3) / (self._speed * self.dt))
        self._last = intent_of(
            tick=self.tick, held=self.held, claim=self.claim, claim_priority=self._inherited,
            priority=self._priority(), arrival=arrival, leaving=self._leaving, ahead=ahead,
        )  # fmt: skip
        return Plan(target, path[:: max(1, len(path) // 48)], self._last, left)


def _length(path: Array) -> float:
    """Length of a way [m]."""
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
