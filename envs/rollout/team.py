"""The robots of one run: each gets its own view of the simulation, and what the others told it one period ago."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from envs.rollout.minds import Minds
from envs.rollout.perception import Perception
from envs.rollout.team_kernels import describe_team, sense_team, within
from envs.strangers import mark_strangers
from swarm.array_types import Array, Int64s
from swarm.files.text_files import located
from swarm.filter.further_rows import Constraint
from swarm.filter.tunables import MIDDLE, ROTATION, SPEED
from swarm.model.body import is_second_order
from swarm.model.error_bounds import ErrorBounds
from swarm.model.shapes import SHAPE, stop_shape
from swarm.planning.passages.team import reach_of, sizes_of
from swarm.planning.registry import PLANNERS
from swarm.robot import Command, Robot
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import Heard, Message, Table, hearing_radius
from swarm.sense.neighbours import MAX_NEIGHBOURS, NEIGHBOUR, describe, sense_robots, trailing
from swarm.sense.view import View
from swarm.tune.controllers import Controller, shared_controller


class Fleet:
    """One ``Robot`` per robot of a scenario, and the radio between them.

    Args:
        scenario: World and robots.
        planner: Name of every robot's planner.
        controller: Where the tunables come from; one object may serve all, as it keeps no state. Of one of a user's own
            by reference each robot gets its own.
        margin: Safety margin [m].
        assume: Errors that the robots count on; None: those that the scenario declares.
        seed: Of the errors that are simulated.
        style: Of these, one of ``envs.arena.errors.STYLES``; None: drawn.
        constraint: Further rows of every robot's QP.
    """

    def __init__(
        self, scenario: Scenario, *, planner: str = "roadmap", controller: str | Controller = "tuner",
        margin: float = 0.0, assume: ErrorBounds | None = None, seed: int = 0, style: str | None = None,
        constraint: str | Constraint | None = None,
    ) -> None:  # fmt: skip
        assumed = scenario.errors if assume is None else assume
        controller = shared_controller(controller)
        sizes = sizes_of(scenario, margin, assumed)
        self.robots: list[Robot] = []
        for i, spec in enumerate(scenario.robots):
            with located(f"scenario {scenario.name!r}: robots[{i}]: "):
                robot = Robot(
                    spec, scenario.world, dt=scenario.dt, sensing_radius=scenario.sensing_radius, planner=planner,
                    controller=controller, margin=margin, errors=assumed, strangers=scenario.strangers, robot_id=i,
                    constraint=constraint, sizes=sizes,
                )  # fmt: skip
            self.robots.append(robot)
        self.kinds = np.array([robot.kind for robot in self.robots])
        self.bodies = np.array([robot.body for robot in self.robots])
        grid = scenario.world.grid if planner in PLANNERS and planner.startswith("cells") else None
        reach = reach_of(planner, scenario, sizes)
        self.hearing = hearing_radius(scenario.sensing_radius, None if grid is None else grid.cell_size, reach)
        self._strangers = scenario.strangers.as_array()
        self.messages: dict[int, Message] = {}
        self.step_ms: list[float] = []
        self._others = np.empty((len(self.robots), NEIGHBOUR))
        self._order = np.empty((MAX_NEIGHBOURS, 2))
        self._told_ids = np.array([i if robot.cooperative else -1 for i, robot in enumerate(self.robots)])
        self._ramped = [i for i, body in enumerate(self.bodies) if is_second_order(body)]
        self._shaped = any(len(robot.footprint) > 0 for robot in self.robots)
        self._shapes = np.zeros((len(self.robots), SHAPE if self._shaped else 0, 2))
        self._minds = Minds(self.robots, scenario, controller)
        self.perception: Perception | None = None
        if scenario.errors.any or assumed.any:
            self.perception = Perception(scenario, assumed, self.kinds, self.bodies, seed=seed, style=style)

    def views(self, now: float, states: Array, goals: Array) -> list[View]:
        """What every robot knows at ``now`` [s], from states ``[N, 5]`` and goals ``[N, 2]``."""
        near = self._within_hearing(states)
        if self.perception is not None:
            return [self._perceived(self.perception, i, now, goals[i], near[i]) for i in range(len(self.robots))]
        self._describe(states)
        found = np.empty((len(self.robots), MAX_NEIGHBOURS, NEIGHBOUR))
        count, truncated = np.empty(len(found), np.int64), np.empty(len(found), np.bool_)
        shapes = np.zeros((len(found), MAX_NEIGHBOURS, *self._shapes.shape[1:]))
        sense_team(self._others, self.bodies, self._shapes, found, shapes, count, truncated)
        table, states, goals = Table(self.messages), states.copy(), goals.copy()
        return [
            View(
                now, states[i], goals[i], found[i, :many], Heard(table, near[i]), None, crowd,
                shapes=shapes[i, :many] if self._shaped else None,
            ) for i, (many, crowd) in enumerate(zip(count.tolist(), truncated.tolist(), strict=True))
        ]  # fmt: skip

    def _within_hearing(self, states: Array) -> list[Int64s]:
        """Who is within hearing of each robot, but itself, in ascending order; states ``[N, 5]``."""
        others, first = within(states, self.hearing)
        return [others[begin:end] for begin, end in pairwise(first.tolist())]

    def _describe(self, states: Array) -> None:
        """What all see of each robot, from what it told last; states ``[N, 5]``."""
        told = np.empty((len(states), 4))
        told[:, :2], told[:, 2:] = states[:, :2], MIDDLE[[ROTATION, SPEED]]
        for i, message in self.messages.items():
            told[i] = *message.waypoint, message.rotation, message.speed
        describe_team(self.kinds, states, self.bodies, told, self._told_ids, self._others)
        for i in self._ramped:
            trailing(self._others[i], self.robots[i].trail(states[i]))
        for i, robot in enumerate(self.robots if self._shaped else ()):
            me = robot.kind, states[i], robot.body, robot.trail(states[i]), robot.footprint
            stop_shape(*me, self._shapes[i])
        mark_strangers(self.kinds, self.bodies, self._strangers, self._others)

    def _perceived(self, perception: Perception, i: int, now: float, goal: Array, near: Int64s) -> View:
        """The view of robot ``i`` where things are not exact."""
        state, age = perception.measured(i)
        view = View(now, state, goal.copy(), measured=now - age)
        robot = self.robots[i]
        believed = robot.believed(view).state
        rows, own = perception.rows(i), np.array([i if robot.cooperative else -1.0])
        describe(robot.kind, believed, robot.body, believed[:2], MIDDLE[ROTATION], MIDDLE[SPEED], int(own[0]), rows[i])
        found = np.empty((MAX_NEIGHBOURS, NEIGHBOUR))
        count, view.truncated = sense_robots(i, rows, robot.body, found, self._order)
        view.neighbours = found[:count]
        if self._shaped:
            view.shapes = perception.shapes(i)[self._order[:count, 1].astype(np.int64)]
        heard = perception.heard(i)
        view.messages = {j: heard[j] for j in near.tolist() if j in heard}
        return view

    def sent(self, commands: Sequence[Command], samples: Array) -> None:
        """What the bodies were told in the end, and where they went: a period is over.

        Args:
            commands: Of all robots.
            samples: ``float64[CHECKS, N, 5]``, where the bodies were at the sub-steps.
        """
        if self.perception is None:
            return
        for robot, command in zip(self.robots, commands, strict=True):
            robot.sent(command.control)
        self.perception.end_period(list(commands), samples)

    def step(self, now: float, states: Array, goals: Array, actions: Array | None = None) -> list[Command]:
        """One control period of every robot; messages sent now are heard in the next.

        Args:
            now: Time [s].
            states: ``float64[N, 5]``.
            goals: ``float64[N, 2]``.
            actions: Tunables ``[N, 6]`` in [0, 1] to use instead of the robots' own.
        """
        commands = self._minds.step(self.views(now, states, goals), actions)
        self.step_ms += self._minds.step_ms
        self.messages = {i: command.message for i, command in enumerate(commands) if self.robots[i].cooperative}
        return commands
