"""One run of a scenario, robot by robot: every robot steps on its own view, a plant moves them, events are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from envs.rollout.delays import Delays
from envs.rollout.late_bodies import LateBodies
from envs.rollout.plants import Plant
from envs.rollout.score import Score
from envs.rollout.team import Fleet
from swarm.array_types import Array
from swarm.robot import Command
from swarm.scenario.scenario import Scenario


@dataclass
class Trajectory:
    """What is kept of every sample, for pictures and for whoever checks the results."""

    time: list[float] = field(default_factory=list)
    position: list[Array] = field(default_factory=list)
    velocity: list[Array] = field(default_factory=list)
    heading: list[Array] = field(default_factory=list)

    def add(self, time: float, states: Array) -> None:
        """Append one sample."""
        self.time.append(time)
        self.position.append(states[:, :2].copy())
        self.velocity.append(states[:, 3:5].copy())
        self.heading.append(states[:, 2].copy())


class Run(Score):
    """A scenario being driven.

    Args:
        scenario: World, robots, horizon.
        fleet: The robots' minds.
        plant: Their bodies.
        goal_radii: A goal is reached within so many of the robot's radii.
        delays: Holds robots at random; None: nobody is held.
    """

    def __init__(
        self, scenario: Scenario, fleet: Fleet, plant: Plant, *, goal_radii: float = 2.0, delays: Delays | None = None
    ) -> None:
        super().__init__(scenario, plant, goal_radii=goal_radii)
        self.fleet, self.delays = fleet, delays
        self.tick_count = 0
        self.outcomes: Counter[str] = Counter(optimal=0, relaxed=0, braking=0)
        self.commands: list[Command] = []
        self.trajectory = Trajectory()
        self.trajectory.add(0.0, self.states)

    @property
    def time(self) -> float:
        """Simulated time [s]."""
        return self.tick_count * self.scenario.dt

    @property
    def steps(self) -> int:
        """Control periods in the scenario's horizon."""
        return max(1, round(self.scenario.horizon / self.scenario.dt))

    @property
    def lifelong(self) -> bool:
        """Whether any robot has more than one goal."""
        return any(len(robot.goals) > 1 for robot in self.scenario.robots)

    def tick(self, actions: Array | None = None) -> list[Command]:
        """One control period; ``actions`` ``[N, 6]`` replace the tunables that the robots would choose."""
        drives = self._drives()
        commands = self.fleet.step(self.time, self.states, self.goals, actions)
        if self.delays is not None:
            kinds, bodies = self.fleet.kinds, self.fleet.bodies
            commands = self.delays.apply(commands, self.states, kinds, bodies, drives)
            for robot, command in zip(self.fleet.robots, commands, strict=True):
                robot.drive = command.control.copy()
        self.move(commands)
        return commands

    def move(self, commands: list[Command]) -> None:
        """The second half of a period: the bodies do what was decided, and it is counted."""
        self.commands = commands
        self._move(np.array([command.control for command in commands]))
        self.outcomes.update(command.outcome for command in commands)

    def _drives(self) -> list[Array]:
        """Where robots may be held: the forward speeds and turn rates, for those of second order."""
        if self.delays is None:
            return []
        return [robot.driven(state) for robot, state in zip(self.fleet.robots, self.states, strict=True)]

    def _move(self, controls: Array) -> None:
        """A period of the bodies; of those that are not exact, the samples on the way count and are kept as well."""
        late = self.plant if isinstance(self.plant, LateBodies) else None
        if late is not None and self.fleet.perception is not None:
            late.slip[:] = self.fleet.perception.source.errors.slip[0]
        self.plant.step(controls)
        self.tick_count += 1
        self.note(self.time)
        if late is not None:
            self.fleet.sent(self.commands, late.samples)
            for k, sample in enumerate(late.samples[:-1]):
                self.trajectory.add(self.time - self.scenario.dt * (1.0 - (k + 1) / len(late.samples)), sample)
        self.trajectory.add(self.time, self.states)

    def close(self) -> None:
        """Give the plant back."""
        self.plant.close()
