"""The planners of all robots of one world, for the batched core; the straight planner needs none."""

from __future__ import annotations

import math
from functools import partial
from typing import Protocol

import numpy as np

from swarm.array_types import Array, Flags
from swarm.errors import InputError
from swarm.files.references import FORM, is_reference
from swarm.filter.tunables import MIDDLE, ROTATION, SPEED
from swarm.model.body import BODY, SENSING
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.planning.passages.team import reach_of, sizes_of
from swarm.planning.registry import PLANNERS, make_planner
from swarm.planning.roadmap.detour import Ways
from swarm.planning.roadmap.shut_in import ShutIn
from swarm.planning.roadmap.yielding import yield_all
from swarm.planning.together.team import PassageTeam
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import Heard, Message, Table, hearing_radius
from swarm.sense.neighbours import (
    MAX_NEIGHBOURS,
    N_ID,
    N_INTENT_X,
    N_INTENT_Y,
    N_RADIUS,
    N_VX,
    N_VY,
    N_X,
    N_Y,
    NEIGHBOUR,
    sense_robots,
)
from swarm.sense.view import View


class TeamPlanner(Protocol):
    """Anything that plans for all robots of a world.

    Attributes:
        waits: Who may stand because others go first, so that he is not stuck, ``bool[N]``.
        agreed: Who drives where it is agreed who goes first, ``bool[N]``.
        straight: Whom no controller turns, ``bool[N]``.
    """

    waits: Flags
    agreed: Flags
    straight: Flags

    def plan(self, time: float, state: Array, goal: Array, told: Array, waypoint: Array, remaining: Array) -> None:
        """Write waypoints and what is left of the ways.

        Args:
            time: Time [s], since the start of the episode.
            state: ``float64[N, 5]``.
            goal: ``float64[N, 2]`` [m].
            told: ``float64[N, 2]``, the waypoints that the robots told each other [m].
            waypoint: ``float64[N, 2]`` [m]; holds the goals before.
            remaining: ``float64[N]`` [m]; holds the distances to the goals before.
        """
        ...


class RoadmapTeam:
    """``RoadmapPlanner`` for every robot of a scenario.

    Args:
        scenario: World and robots.
        margin: Extra distance from obstacles [m].
        plans: False: for what it knows of the team alone.
    """

    def __init__(self, scenario: Scenario, margin: float = 0.0, *, plans: bool = True) -> None:
        self.waits, self.agreed, self.straight = np.zeros((3, len(scenario.robots)), bool)
        self._margin = margin
        self._radii = np.array([robot.radius for robot in scenario.robots])
        self._tells = np.array([robot.cooperative for robot in scenario.robots])
        self._body = np.zeros(BODY)
        self._body[SENSING] = scenario.sensing_radius
        outlined = np.array([robot.footprint is not None or robot.limits.is_car for robot in scenario.robots])
        self._planned = np.flatnonzero(self._tells & ~outlined) if plans else np.empty(0, np.int64)
        self._outlined = {
            i: make_planner("roadmap", scenario.robots[i], scenario.world, dt=scenario.dt, margin=margin)
            for i in (np.flatnonzero(self._tells & outlined).tolist() if plans else ())
        }
        turns = np.array([robot.kind == Kind.UNICYCLE for robot in scenario.robots])[self._planned]
        radii = self._radii[self._planned]
        spins = np.array([robot.spins for robot in scenario.robots])[self._planned]
        self._ways = Ways(scenario.world, radii, margin, turns) if self._planned.size else None
        self._shut_in = ShutIn(radii, spins)

    def plan(self, time: float, state: Array, goal: Array, told: Array, waypoint: Array, remaining: Array) -> None:
        """See ``TeamPlanner``; who has no way to its goal stays where it is."""
        others = self.others(state, told)
        for i, planner in self._outlined.items():
            plan = planner.plan(View(time, state[i], goal[i], self.around(others, i), {}))
            waypoint[i], remaining[i], self.agreed[i] = plan.waypoint, plan.stop_distance, plan.agreed
        if self._ways is None:
            return
        ours = self._planned
        found = self._ways.plan(time, state[ours, :2], goal[ours], partial(self._near, others))
        waypoint[ours] = found[:, :2]
        self.agreed[ours] = self._shut_in.update(time, state[ours, :2], found[:, 2], others, ours)
        remaining[ours] = np.where(np.isfinite(found[:, 2]), found[:, 2], remaining[ours])
        if self._ways.nowhere.any():
            goal, nowhere = goal.copy(), ours[self._ways.nowhere]
            goal[nowhere] = state[nowhere, :2]
        yield_all(ours, others, goal, self._margin, waypoint, remaining)

    def others(self, state: Array, told: Array) -> Array:
        """All robots as neighbours, ``float64[N, 22]``, as far as planners look at them."""
        others = np.zeros((len(state), NEIGHBOUR))
        others[:, [N_X, N_Y, N_VX, N_VY]], others[:, N_RADIUS] = state[:, [0, 1, 3, 4]], self._radii
        others[:, N_ID] = np.where(self._tells, np.arange(len(state)), -1)
        others[:, [N_INTENT_X, N_INTENT_Y]] = np.where(self._tells[:, None], told, state[:, :2])
        return others

    def _near(self, others: Array, k: int) -> Array:
        """The neighbours of a planned robot, ``float64[m, 19]``."""
        return self.around(others, int(self._planned[k]))

    def around(self, others: Array, i: int) -> Array:
        """The neighbours of robot ``i``, ``float64[m, 19]``."""
        found = np.empty((MAX_NEIGHBOURS, NEIGHBOUR))
        count, _ = sense_robots(i, others, self._body, found, np.empty((MAX_NEIGHBOURS, 2)))
        return found[:count]


class OwnTeam:
    """A planner of one robot for every robot of a scenario that cooperates; the others go straight.

    Its views have neighbours, and the messages of the period before of those within earshot whose planners have an
    intent to tell.

    Args:
        name: ``passages``, ``cells`` or what begins so, or the reference of a ``swarm.Planner``.
        scenario: World and robots.
        margin: Extra distance from obstacles [m].
        assumed: What the robots count on to be not exact; None: the errors of the scenario.
    """

    def __init__(
        self, name: str, scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None
    ) -> None:  # fmt: skip
        self._messages: dict[int, Message] = {}
        self.waits, self.agreed, self.straight = np.zeros((3, len(scenario.robots)), bool)
        sizes = sizes_of(scenario, margin, assumed)
        grid = scenario.world.grid if name in PLANNERS and name.startswith("cells") else None
        cell, reach = None if grid is None else grid.cell_size, reach_of(name, scenario, sizes)
        self._hearing = hearing_radius(scenario.sensing_radius, cell, reach)
        self._team = RoadmapTeam(scenario, margin, plans=False)
        self._planners = {
            i: make_planner(name, spec, scenario.world, dt=scenario.dt, margin=margin, robot_id=i, sizes=sizes)
            for i, spec in enumerate(scenario.robots)
            if spec.cooperative
        }
        self._together = PassageTeam.of([*self._planners.values()], scenario.world.bounds)

    def plan(self, time: float, state: Array, goal: Array, told: Array, waypoint: Array, remaining: Array) -> None:
        """See ``TeamPlanner``."""
        others = self._team.others(state, told)
        messages, table = dict[int, Message](), Table(self._messages)
        views = {}
        for i in self._planners:
            near = [j for j in table if j != i and math.dist(state[i, :2], state[j, :2]) <= self._hearing]
            heard = Heard(table, np.array(near, np.int64))
            views[i] = View(time, state[i], goal[i], self._team.around(others, i), heard)
        if self._together is not None:
            rows = [view.neighbours for view in views.values()]
            self._together.plan([*views.values()], np.concatenate(rows), np.cumsum([0, *map(len, rows)]))
        for i, planner in self._planners.items():
            plan = planner.plan(views[i])
            waypoint[i], self.waits[i] = plan.waypoint, bool(plan.waits)
            self.agreed[i], self.straight[i] = plan.agreed, plan.straight
            if plan.intent is not None:
                place = float(plan.waypoint[0]), float(plan.waypoint[1])
                messages[i] = Message(i, time, place, MIDDLE[ROTATION], MIDDLE[SPEED], plan.intent)
            if math.isfinite(plan.stop_distance):
                remaining[i] = plan.stop_distance
        self._messages = messages


def make_team_planner(
    name: str, scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None
) -> TeamPlanner | None:  # fmt: skip
    """The planner of a world by name; None is straight to the goal.

    Args:
        name: Of the planner.
        scenario: World and robots.
        margin: Extra distance from obstacles [m].
        assumed: What the robots count on to be not exact; None: the errors of the scenario.

    Raises:
        InputError: If there is no planner of that name.
    """
    if name == "straight":
        return None
    if name == "roadmap":
        return RoadmapTeam(scenario, margin)
    if name in PLANNERS or is_reference(name):
        return OwnTeam(name, scenario, margin, assumed)
    raise InputError("planner", name, f"{', '.join(PLANNERS)}, or {FORM}")
