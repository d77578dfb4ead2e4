"""Ways through places for one robot: a slice is held before it is entered, and who is in the way gives way.

In each tick a robot looks who is near and what they tell, chooses the shortest way, makes way for those who go first
(``giving_way``), claims the next slice on its way or takes the one that it claimed (``holding``), and drives as far as
the slices that it holds reach. Who makes way goes to the nearest place from which the other can pass, and pushes others
out of its way there with the priority of the one that it makes way for (priority inheritance). If there is no such
place, it says so, and the other makes way.

Robots that say nothing close the slice that they are in; after a while the way leads around them, if there is one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from swarm.array_types import Array, Int64s
from swarm.planning import Plan, StatefulPlanner
from swarm.planning.passages.aside.finder import Aside
from swarm.planning.passages.crowd import Crowd
from swarm.planning.passages.errand import CROWD_UNTIL, LEAVING, SIGHT, UNTIL, Errand, Passed
from swarm.planning.passages.giving_way import BackingOff, GivingWay
from swarm.planning.passages.holding import NOTHING, Holding, Leg, Said
from swarm.planning.passages.outlined import OutlinedRoute
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.right_of_way import (
    T_CLAIMS_WITH,
    T_HELD,
    T_PRIORITY,
    T_STAMP,
    Own,
    goes_first,
    inherited_from,
    listed,
    row_with,
)
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.passages.team import Others
from swarm.planning.roadmap.occupancy import Roadmap
from swarm.planning.roadmap.waypoints import Field
from swarm.planning.roadmap.yielding import yield_aside
from swarm.planning.silent import Silent, blocked_by
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.intent import Intent
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_RADIUS, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View

NEAR = 2.0  # So many lengths of a slice before one, a unicycle turns on the spot.
# A unicycle that stands for others turns to its way on the spot: so it comes no farther than so many metres a period.
CREEPS = 1e-6
STANDS = 0.1  # It stands where no more is left than so many radii.
FAR, DRAWN = 1e3, 48  # Distances that count as any other [m]; most points of the way that is shown.


class Memory(NamedTuple):
    """What lasts from one period to the next of a robot that is calm, beside its way and what it has heard.

    Attributes:
        numbers: The columns that ``errand`` names.
        held: What it holds, int64[n].
        told: What it told last, int64[TOLD].
        there: Who was there before it where it waits.
        gave: For whom it makes way.
        let_out: Who of these has nowhere to go.
        aside: Where it goes out of their way, float64[2] [m].
    """

    numbers: Sequence[float]
    held: Int64s
    told: Int64s
    there: Collection[int]
    gave: Collection[int]
    let_out: Collection[int]
    aside: Array | None


class Keeper(Protocol):
    """Who plans for robots that are calm, and keeps meanwhile what they remember."""

    def give_back(self, planner: PassagePlanner) -> None:
        """Have a planner ``remember`` that."""
        ...


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

    Attributes:
        others: A tick, and what the others have told in it, if whoever asks for the plan knows that already.
        keeper: Who keeps what it remembers; None: itself.
    """

    others: tuple[int, Others] | None = None
    keeper: Keeper | None = None

    def __init__(self, world: World, spec: RobotSpec, sizes: Sizes, *, margin: float, dt: float, robot_id: int) -> None:
        self.slices = slices_of(world, sizes)
        self.route: Route
        if spec.footprint is None:
            self.route = Route(world, self.slices, spec.radius, margin)
        else:
            self.route = OutlinedRoute(world, self.slices, spec, margin)
        self._aside = Aside(self.route, spec.radius, margin)
        self.robot_id, self.dt, self._spec, self._margin = robot_id, dt, spec, margin
        self._spins = spec.spins
        self._turning = round(math.pi / (spec.limits.turn_rate * dt)) if self._spins else 0
        self.reset()
        if ("passages planner", self.slices.total) not in world.derived and self.slices.total > 0:
            self._rehearse()
            world.derived["passages planner", self.slices.total] = True
            self.reset()

    def _rehearse(self) -> None:
        """Call what is called first in the middle of a drive: to load its kernels takes longer than a period."""
        rows, columns = self.slices.cells_of(1)
        place = self.slices.origin + (np.array([columns[0], rows[0]]) + 0.5) * self.slices.resolution
        other, one, row = self.robot_id + 1, np.ones(1, np.int64), np.zeros(NEIGHBOUR)
        row[[N_X, N_Y, N_INTENT_X, N_INTENT_Y, N_RADIUS, N_ID]] = *place, *place, self._spec.radius, other
        told = row_with((other, 0, 0, 0, 0, 1, 1, 1, 0), one, one)
        view, others = View(0.0, np.array([*place, 0.0, 0.0, 0.0]), place, row[None]), Others.of({other: told}, 1)
        scene = Scene(view, place, self._spec.radius, Own(one, one, told), others, False, True, (other,))
        self._aside.crossed_by(place[None], view, others)
        self._aside.heeded(place, view.neighbours, others, (other,), one)
        if self._spec.footprint is None:
            self._giving.decide(scene, 0, 0)
        self._backing.place(scene, 0)
        self._crowd.place(scene._replace(own=scene.own._replace(held=NOTHING)), 0, False)
        self._passed.is_due(0, self.route.leg(place[None], place), others, True)
        self._holding.claim = 1
        self._holding.take(others, frozenset())
        _ = scene.is_met, scene.is_let_in_by(told), goes_first(scene.rank, scene.rank), inherited_from(one)

    def reset(self) -> None:
        """Forget everything that was held and heard."""
        self.tick, self.keeper = 0, None
        self._errand = Errand(self.robot_id, self._spec.radius, self.dt)
        self._passed = Passed(self.slices, self._spec.limits.speed, self.dt)
        self._giving = GivingWay(self._aside, self._turning, self.dt)
        self._holding = Holding(self.slices, self._spec, self.dt)
        self._backing = BackingOff(self.route, self._margin, self.dt)
        self._crowd = Crowd(self.route, self._margin, self._spec.limits.speed, self.dt)
        self._silent = Silent()
        self._last: Intent | None = None
        self._priority = self._errand.priority
        self._plan: Plan | None = None
        self.route.forget()

    def plan(self, view: View) -> Plan:
        """See, choose the way, make way, hold and claim, drive. The same again if asked twice in one tick."""
        self.tick = round(view.time / self.dt)
        if self._plan is not None and self._last is not None and self._last.stamp == self.tick:
            return self._plan
        self.recall()
        position, self.route.heading = np.array(view.state[:2], dtype=np.float64), float(view.state[2])
        others, closed = self._see(view, position)
        self._holding.take(others, closed)
        way, goal = self._choose_way(position)
        scene, aside, leg, note = self._make_way(view, position, way, others, closed)
        lets_in = self.route.lets_in(position)
        if aside is None and (lets_in or (self._errand.arrived and not len(leg.ahead))):
            leg = self._beside_goal(view, position, goal, leg, lets_in)
        self._hold(scene, leg, closed, lets_in, way if aside is not None and not len(leg.ahead) else leg)
        back = self._backing.place(scene, self.tick)
        if back is None and aside is None:
            back = self._crowd.place(scene, self.tick, self._errand.gets_on)
        leg = leg if back is None else self.route.leg(np.stack([position, back]), back)
        plan = self._drive(position, leg, aside is not None or back is not None, note)
        self._plan = self._turned(position, plan, way)
        return self._plan

    def __getstate__(self) -> dict[str, Any]:
        """With all that it remembers: a copy is a planner of its own."""
        self.recall()
        return vars(self)

    @property
    def held(self) -> Sequence[int]:  # type: ignore[override]
        """Slices that it alone may be in."""
        self.recall()
        found: list[int] = self._holding.held.tolist()
        return found

    def recall(self) -> None:
        """Have back what somebody keeps for it."""
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            keeper.give_back(self)

    def calm_way(self, before: Others | None) -> tuple[Roadmap, Field, Array] | None:
        """Its way (``Route.way_known``), if nothing but its ``memory`` lasts from the period before; else None.

        Args:
            before: What is known of what the others had told then.
        """
        self.recall()
        calm = self._giving.is_calm and self._backing.is_calm and self._crowd.is_calm and self._silent.is_nobody
        if not calm or self._last is None or not self._passed.knows(before):
            return None
        return self.route.way_known if self._errand.is_of(self.route.goal_known) else None

    @property
    def memory(self) -> Memory:
        """What it remembers."""
        self.recall()
        lasting = *self._backing.numbers, *self._crowd.numbers, self._silent.sight
        numbers = *self._errand.numbers, *self._passed.numbers, float(self._giving.leaving), *lasting
        return Memory(numbers, self._holding.held, self._holding.told, self._passed.there, *self._giving.lasting)

    def remember(self, memory: Memory, others: Others, cells: Array) -> None:
        """Be as after periods that were planned elsewhere, in which only its ``memory`` changed.

        Args:
            memory: Now.
            others: What they had told in the last one.
            cells: What is left of its way.
        """
        numbers, held, told, there, gave, let_out, aside = memory
        self._priority = int(told[T_PRIORITY])
        self._errand.went_on(int(told[T_STAMP]), numbers)
        self._passed.went_on(numbers, there, others)
        self._giving.went_on(numbers[LEAVING] > 0.0, int(told[T_CLAIMS_WITH]), gave, let_out, aside)
        self._backing.numbers, self._crowd.numbers = numbers[UNTIL:CROWD_UNTIL], numbers[CROWD_UNTIL:SIGHT]
        self._silent.sight = numbers[SIGHT]
        self._holding.went_on(held, told)
        self.route.went_on(cells)

    def keep(self, keeper: Keeper, plan: Plan) -> None:
        """Have somebody who planned for it keep what it remembers, until it plans by itself."""
        self.keeper, self.others, self._plan, self._last = keeper, None, plan, plan.intent

    @property
    def constants(self) -> tuple[float, ...]:
        """What of it does not change (``swarm.planning.together.tables``)."""
        return self._spec.radius, self._margin, self._spins, self._passed.near, self._passed.longest

    @property
    def pace(self) -> Array:
        """How it moves (``Holding.pace``)."""
        return self._holding.pace

    def _see(self, view: View, position: Array) -> tuple[Others, frozenset[int]]:
        """What the others have told, and the slices that are closed; notes a new goal, and who stands and is silent."""
        known, self.others = self.others, None
        if known is not None and known[0] == self.tick:
            others = known[1]
        else:
            others = Others.heard(view.messages, self.robot_id, self.slices.total)
        if self._errand.update(self.tick, view.goal, position):
            self._giving.exit = None
        if self._silent.update(view, others.ids):
            self.route.go_around(self._silent.circles)
        return others, self._closed()

    def _closed(self) -> frozenset[int]:
        """Slices in which somebody is, or stood, who says nothing; not before a mouth, if there is a way around him."""
        if not self._silent.near and not len(self._silent.rows):
            return frozenset()
        rows = [*self._silent.rows, *self._silent.near]
        inside = frozenset(self.slices.at(float(row[N_X]), float(row[N_Y])) for row in rows) - {0}
        if not self.route.leads_around:
            return inside
        passing = frozenset(self.slices.at(float(row[N_X]), float(row[N_Y])) for row in self._silent.passing)
        return frozenset(number for number in inside if number in passing or not self.route.is_mouth(number))

    def _choose_way(self, position: Array) -> tuple[Leg, Array]:
        """The way to the goal, or to where others can pass the robot there; and its goal [m], here if none is open."""
        errand, goal = self._errand, self._errand.goal_from(position)
        end = goal if self._giving.exit is None else self._giving.exit
        leg = self.route.leg_to(position, end)
        self._giving.end_exit(self.tick, errand.is_at_end(leg.left))
        errand.note_left(leg.left)
        return leg, position if self.route.nowhere else goal

    def _make_way(
        self, view: View, position: Array, leg: Leg, others: Others, closed: frozenset[int]
    ) -> tuple[Scene, Array | None, Leg, str]:
        """What counts between the robots; the way aside, if the robot makes way; the way to take; who blocks it."""
        errand, radius = self._errand, self._spec.radius
        waits = not (len(self._holding.held) or errand.arrived)
        errand.due = self._passed.is_due(self.tick, leg, others, waits)
        self._priority = errand.priority
        if self._last is None:
            self._holding.told = self._told_at_first()
        own = Own(self._holding.held, leg.ahead, self._holding.told)
        scene = Scene(view, position, radius, own, others, errand.arrived, errand.waits)
        if errand.arrived or errand.waits or self._giving.pushers:
            stands = self._stands(position, leg)
            scene = scene._replace(crossed_by=self._aside.crossed_by(stands, view, others))
        scene, aside = self._giving.decide(scene, self.tick, self._priority)
        if aside is None:
            return scene, None, *self._before_blocked(leg, scene, closed)
        leg = self.route.leg(aside, None)
        return scene._replace(own=own._replace(ahead=leg.ahead)), aside, leg, ""

    def _told_at_first(self) -> Int64s:
        """What counts of it before it has told anything, int64[TOLD]."""
        key = self._priority
        row: Int64s = row_with((self.robot_id, 0, 0, 0, 0, key, key, 0, 0), NOTHING, NOTHING)
        return row

    def _stands(self, position: Array, leg: Leg) -> Array:
        """Where the robot may come to stand in the way of others, float64[n, 2] [m].

        Here; if it has arrived, or makes way, also where it would go back to without that.
        """
        if self._errand.arrived:
            return np.ascontiguousarray(leg.path[:, :2])
        if not self._giving.pushers:
            return position[None]
        held = np.zeros(self.slices.total + 1, bool)
        held[self._holding.held] = True
        return np.concatenate([position[None], leg.path[held[leg.numbers], :2]])

    def _before_blocked(self, leg: Leg, scene: Scene, closed: frozenset[int]) -> tuple[Leg, str]:
        """The same way; if somebody stands in a passage on it and says nothing, to where this robot is in nobody's way.

        Then no other way leads there, for ways lead around those who stand as far as that is possible; who it is comes
        with it.
        """
        row = self._silent.standing_at(closed.intersection(leg.ahead.tolist()), self.slices.at) if closed else None
        if row is None:
            return leg, ""
        position, there = scene.position, self.slices.at(float(row[N_X]), float(row[N_Y]))
        holder = next((robot for robot, other in scene.others.items() if there in listed(other, T_HELD)), -1)
        note = blocked_by("the passage", row, holder)
        if self.slices.at(float(position[0]), float(position[1])) > 0:
            out = self._aside.out(position, scene.view, scene.others)
            return (leg if out is None else self.route.leg(out, None)), note
        before = leg.path[: int(np.argmax(leg.numbers > 0))]
        return self.route.leg(before if len(before) else np.stack([position, position]), None), note

    def _beside_goal(self, view: View, position: Array, goal: Array, leg: Leg, lets_in: bool) -> Leg:
        """The same way; if the robot stands in the way of others in a room, a step out of it that ends in the room."""
        if lets_in:
            leg = leg.without_slices()
        x, y, left = yield_aside(position, self._spec.radius, self._margin, goal, view.neighbours, -1).tolist()
        if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(left)) or (
            not lets_in and self.slices.at(x, y) != 0
        ):
            return leg
        beside = self.route.leg(np.stack([position, [x, y]]), np.array([x, y]), left)
        return beside.without_slices() if lets_in else beside

    def _hold(self, scene: Scene, leg: Leg, closed: frozenset[int], lets_in: bool, later: Leg) -> None:
        """Give slices back, all of them if the robot lets others in; claim the next one; write what others are told.

        ``later``: its way when it makes way no longer.
        """
        giving, speed = self._giving, self._spec.limits.speed
        arrival = round(min(later.distance, FAR) / (speed * self.dt))
        said = Said(self.robot_id, self.tick, giving.leaving, self._priority, giving.inherited, arrival)
        wanted = NOTHING if later is leg else later.ahead
        self._last = self._holding.go_on(
            scene.view, leg, scene.own, scene.others, said, later=wanted, closed=closed, lets_in=lets_in
        )

    def _drive(self, position: Array, leg: Leg, aside: bool, note: str) -> Plan:
        """Where to drive on a way; ``aside``: it leads out of the way of others."""
        waypoint, reach, ends = self.route.aim(position, leg, self._holding.held, self._errand.waits)
        drawn = leg.path[:: max(1, len(leg.path) // DRAWN), :2]
        # Between others that stand, too, a unicycle has room to turn on the spot alone.
        shut_in = self._errand.waits and not self._errand.arrived
        near = self._spins and (shut_in or leg.distance < NEAR * self.slices.length)
        agreed = len(self._holding.held) > 0 or aside or near or self.route.tight
        waits = ends or aside or bool(note)
        return Plan(waypoint, drawn, self._last, reach, waits=waits, agreed=agreed, note=note)

    def _turned(self, position: Array, plan: Plan, way: Leg) -> Plan:
        """The same plan; who stands for others, and can turn on the spot, turns to where it will drive meanwhile."""
        radius = self._spec.radius
        if not (self._spins and plan.waits and plan.agreed) or plan.stop_distance > STANDS * radius:
            return plan
        beyond = np.linalg.norm(way.path[:, :2] - position, axis=1) > radius
        if not beyond.any():
            return plan
        return replace(plan, waypoint=way.path[int(np.argmax(beyond)), :2], stop_distance=CREEPS)
