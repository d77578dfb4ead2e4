"""The robots of one run: each gets its own view of the simulation, and what the others told it one period ago."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from envs.rollout.perception import Perception
from envs.strangers import mark_strangers
from swarm.array_types import Array
from swarm.files.text_files import located
from swarm.filter.further_rows import Constraint
from swarm.filter.tunables import MIDDLE, ROTATION, SPEED
from swarm.model.error_bounds import ErrorBounds
from swarm.planning.passages.team import reach_of, sizes_of
from swarm.planning.registry import PLANNERS
from swarm.robot import Command, Robot
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import Message, hearing_radius
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
        self.perception: Perception | None = None
        if scenario.errors.any or assumed.any:
            self.perception = Perception(scenario, assumed, self.kinds, self.bodies, seed=seed, style=style)

    def views(self, now: float, states: Array, goals: Array) -> list[View]:
        """What every robot knows at ``now`` [s], from states ``[N, 5]`` and goals ``[N, 2]``."""
        for i in range(len(self.robots)):
            message = self.messages.get(i)
            intent = states[i, :2] if message is None else message.waypoint_world
            rotation = MIDDLE[ROTATION] if message is None else message.rotation
            speed = MIDDLE[SPEED] if message is None else message.speed
            robot_id = i if self.robots[i].cooperative else -1
            describe(self.kinds[i], states[i], self.bodies[i], intent, rotation, speed, robot_id, self._others[i])
            trailing(self._others[i], self.robots[i].trail(states[i]))
        mark_strangers(self.kinds, self.bodies, self._strangers, self._others)
        apart = np.linalg.norm(states[:, None, :2] - states[None, :, :2], axis=-1)
        if self.perception is not None:
            return [self._perceived(self.perception, i, now, goals[i], apart[i]) for i in range(len(self.robots))]
        return [self._view(i, now, states[i], goals[i], apart[i]) for i in range(len(self.robots))]

    def _view(self, i: int, now: float, state: Array, goal: Array, apart: Array) -> View:
        found = np.empty((MAX_NEIGHBOURS, NEIGHBOUR))
        count, truncated = sense_robots(i, self._others, self.bodies[i], found, self._order)
        heard = {int(j): self.messages[int(j)] for j in np.flatnonzero(apart <= self.hearing) if j in self.messages}
        heard.pop(i, None)
        return View(now, state.copy(), goal.copy(), found[:count], heard, None, truncated)

    def _perceived(self, perception: Perception, i: int, now: float, goal: Array, apart: Array) -> View:
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
        heard = perception.heard(i)
        view.messages = {int(j): heard[int(j)] for j in np.flatnonzero(apart <= self.hearing) if int(j) in heard}
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
        commands = []
        for i, view in enumerate(self.views(now, states, goals)):
            began = time.perf_counter()
            commands.append(self.robots[i].step(view, None if actions is None else actions[i]))
            self.step_ms.append(1e3 * (time.perf_counter() - began))
        self.messages = {i: command.message for i, command in enumerate(commands) if self.robots[i].cooperative}
        return commands
