"""The minds of robots that share a process: what all do alike is one call for all, bit for bit as robot by robot.

Each robot still decides on its own view alone. Its planner is asked by itself; sensing, observation, network and filter
are the same kernels over one more axis. Robots whose controller takes one observation at a time, or whose QP has
further rows, step one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from envs.rollout.team_kernels import (
    Crowd,
    Wish,
    clearances,
    filter_team,
    flat_index,
    observe_team,
    remember_team,
    sense_walls,
)
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter.safety import scratch
from swarm.filter.tunables import COUNT, ROTATION, SPEED, STRAIGHT, decode, unturned
from swarm.model.actuators import TRAIL
from swarm.model.dynamics import STATE
from swarm.model.shapes import NO_SHAPES, SHAPE
from swarm.planning import Plan
from swarm.planning.together.team import PassageTeam
from swarm.robot import Command, Robot
from swarm.robot.command import Filtered
from swarm.robot.way import waits, way_left
from swarm.scenario.robot_spec import footprints_of
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import Message
from swarm.sense.neighbours import MAX_NEIGHBOURS, MAX_OBSTACLES, NEIGHBOUR, OBSTACLE
from swarm.sense.view import View, check_view, describes_robots
from swarm.tune.controllers import Controller, takes_batches
from swarm.tune.memory import MEMORY
from swarm.tune.observation import EDGE, EGO, Observation

_SLOTS = MAX_NEIGHBOURS + MAX_OBSTACLES


class Minds:
    """The robots of one world, with one controller.

    Args:
        robots: With the fused filter, and obstacles from the map.
        scenario: The world that they share.
        controller: Of all of them; a reference if each has one of its own.

    Attributes:
        step_ms: What each robot took of the last step [ms]: its planner's time, and an equal share of the rest.
    """

    def __init__(self, robots: Sequence[Robot], scenario: Scenario, controller: str | Controller) -> None:
        self._robots = robots
        further = any(robot.constraint is not None for robot in robots)
        self._controller = (
            None if isinstance(controller, str) or further or not takes_batches(controller) else controller
        )
        self._kinds = np.array([robot.kind for robot in robots], np.int64)
        self._ids = np.array([robot.robot_id for robot in robots], np.int64)
        self._bodies = np.array([robot.body for robot in robots])
        self._cooperative = np.array([robot.cooperative for robot in robots])
        self._footprints = footprints_of(scenario.robots)
        self._bounds = scenario.world.bounds
        self._walls = flat_index(scenario.world.index(scenario.sensing_radius))
        self._scratch = scratch(_SLOTS)
        self._trailing = [i for i, robot in enumerate(robots) if robot.trails]
        self._memory = np.empty((len(robots), MEMORY))
        self._team = PassageTeam.of([robot.planner for robot in robots], self._bounds)
        self.step_ms: list[float] = []

    def step(self, views: Sequence[View], actions: Array | None = None) -> list[Command]:
        """One control period of all robots, as ``Robot.step`` does it.

        Args:
            views: One a robot.
            actions: ``[N, 6]`` in [0, 1], instead of the robots' own.

        Raises:
            InputError: As ``Robot.step``, of the first robot that has a reason.
        """
        if self._controller is None or any(view.obstacles is not None for view in views):
            return self._one_by_one(views, actions)
        began = time.perf_counter()
        views = [robot.believed(view) for robot, view in zip(self._robots, views, strict=True)]
        crowd = self._sense(views)
        if self._team is not None:
            self._team.plan(views, crowd.near, crowd.first)
        plans, wish, spent = self._plan(views)
        actions = self._act(self._controller, crowd, wish) if actions is None else np.array(actions, dtype=np.float64)
        commands = self._filter(views, plans, crowd, wish, actions)
        share = (time.perf_counter() - began - sum(spent)) / len(commands)
        self.step_ms = [1e3 * (own + share) for own in spent]
        return commands

    def _one_by_one(self, views: Sequence[View], actions: Array | None) -> list[Command]:
        commands, self.step_ms = [], []
        for i, (robot, view) in enumerate(zip(self._robots, views, strict=True)):
            began = time.perf_counter()
            commands.append(robot.step(view, None if actions is None else actions[i]))
            self.step_ms.append(1e3 * (time.perf_counter() - began))
        return commands

    def _sense(self, views: Sequence[View]) -> Crowd:
        """Check the views, and put what all robots have around them below each other."""
        count, near, state = len(views), *_checked(views)
        trail = np.zeros((count, TRAIL))
        for i in self._trailing:
            trail[i] = self._robots[i].trail_of(views[i])
        shapes = [view.shapes for view in views if view.shapes is not None]
        crowd = Crowd(
            self._kinds, self._ids, state, self._bodies, near,
            np.cumsum([0, *(len(view.neighbours) for view in views)]), np.zeros((count, MAX_OBSTACLES, OBSTACLE)),
            np.zeros(count, np.int64), self._bounds, np.array([view.truncated for view in views]), trail,
            self._footprints, np.concatenate(shapes) if shapes else NO_SHAPES,
        )  # fmt: skip
        sense_walls(crowd, self._walls)
        return crowd

    def _plan(self, views: Sequence[View]) -> tuple[list[Plan], Wish, list[float]]:
        """The plan of each robot, what all wish, and how long each plan took to make [s]; remembers the plans."""
        self._share()
        plans, is_new, spent = [], [], []
        for robot, view in zip(self._robots, views, strict=True):
            began = time.perf_counter()
            plan, new = robot.asked(view)
            spent.append(time.perf_counter() - began)
            plans.append(plan)
            is_new.append(new)
        wish = Wish(
            np.array([plan.waypoint for plan in plans]),
            np.array([way_left(plan, view) for plan, view in zip(plans, views, strict=True)]),
            np.array([plan.agreed for plan in plans], bool),
        )
        stand = np.array([waits(plan) for plan in plans])
        remember_team(self._bodies, wish.remaining, stand, np.array(is_new), self._memory)
        return plans, wish, spent

    def _share(self) -> None:
        """Have the memories of all robots in one table: those of a copy have their own at first."""
        if any(robot.memory.base is not self._memory for robot in self._robots):
            self._memory = np.empty_like(self._memory)
            for robot, row in zip(self._robots, self._memory, strict=True):
                robot.share(row)

    def _act(self, controller: Controller, crowd: Crowd, wish: Wish) -> Array:
        """The controller's actions ``float64[N, 6]``."""
        count = len(self._robots)
        seen = Observation(
            np.empty((count, EGO), np.float32), np.empty((count, _SLOTS, EDGE), np.float32),
            np.empty((count, _SLOTS), np.bool_),
        )  # fmt: skip
        last_action = np.array([robot.last_action for robot in self._robots])
        observe_team(crowd, wish, self._memory, last_action, seen, np.full((count, _SLOTS), -1, np.int32))
        return np.array(controller(seen), dtype=np.float64)

    def _filter(
        self, views: Sequence[View], plans: Sequence[Plan], crowd: Crowd, wish: Wish, actions: Array
    ) -> list[Command]:
        """The commands of actions ``[N, 6]``."""
        count = len(self._robots)
        if actions.shape[1:] != (COUNT,):
            raise InputError("action", actions[0], f"{COUNT} numbers in [0, 1]")
        actions[~self._cooperative] = STRAIGHT
        actions = unturned(actions, np.array([plan.straight for plan in plans], bool))
        tunables = _decoded(actions)
        control, outcome, relaxation = np.empty((count, 2)), np.empty(count, np.int64), np.empty(count)
        filter_team(crowd, wish, tunables, self._scratch, control, outcome, relaxation)
        actions = np.clip(actions, 0.0, 1.0)
        filtered = map(Filtered, control, outcome.tolist(), relaxation.tolist())
        messages = self._messages(views, plans, wish, actions)
        parts = zip(plans, actions, tunables, filtered, self._clearances(views, crowd), strict=True)
        return [
            robot.conclude(message, *rest) for robot, message, rest in zip(self._robots, messages, parts, strict=True)
        ]

    def _messages(
        self, views: Sequence[View], plans: Sequence[Plan], wish: Wish, actions: Array
    ) -> list[Message]:  # fmt: skip
        """What all tell; actions within [0, 1]."""
        ids, times, intents = self._ids.tolist(), [view.time for view in views], [plan.intent for plan in plans]
        fine = np.isfinite(wish.waypoint).all() and np.isfinite(times).all()
        make: Callable[..., Message] = Message.checked if fine else Message
        places, told = map(tuple, wish.waypoint.tolist()), actions[:, [ROTATION, SPEED]].T.tolist()
        return [*map(make, ids, times, places, *told, intents)]

    def _clearances(self, views: Sequence[View], crowd: Crowd) -> list[float]:
        """``Robot.clearance`` of all robots [m]."""
        if self._footprints.shape[1] > 0 or any(view.shapes is not None for view in views):
            first, last = crowd.first[:-1].tolist(), crowd.first[1:].tolist()
            return [
                robot.clearance(view.state, crowd.near[a:b], crowd.obstacles[i, : crowd.num_obstacles[i]], view.shapes)
                for i, (robot, view, a, b) in enumerate(zip(self._robots, views, first, last, strict=True))
            ]
        found: list[float] = clearances(crowd).tolist()
        return found


def _checked(views: Sequence[View]) -> tuple[Array, Array]:
    """The neighbours of all, and their states; refuses what ``Robot.step`` would refuse."""
    shapes = {(view.state.shape, view.goal.shape, view.neighbours.shape[1:]) for view in views}
    if shapes == {((STATE,), (2,), (NEIGHBOUR,))} and max(len(view.neighbours) for view in views) <= MAX_NEIGHBOURS:
        near, state = np.concatenate([view.neighbours for view in views]), np.array([view.state for view in views])
        fine = np.isfinite(state).all() and np.isfinite([view.goal for view in views]).all() and describes_robots(near)
        if fine and all(view.shapes is None or view.shapes.shape == (len(view.neighbours), SHAPE, 2) for view in views):
            return near, state
    for view in views:  # to say which it is
        check_view(view)
    return np.concatenate([view.neighbours for view in views]), np.array([view.state for view in views])


def _decoded(actions: Array) -> Array:
    """Physical tunables ``float64[N, 6]``; what is wrong is said of the first robot that it is wrong of."""
    try:
        return decode(actions)
    except InputError:
        for action in actions:
            decode(action)
        raise
