"""One run of a scenario, robot by robot: every robot steps on its own view, a plant moves them, events are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.delays import Delays
from envs.fleet import Fleet
from envs.plants import Plant, gaps
from swarm.robot import Command
from swarm.scenario import Scenario

Array = NDArray[np.float64]


@dataclass
class Trajectory:
    """What is kept of every sample, for pictures and for whoever checks the results."""

    time: list[float] = field(default_factory=list)
    position: list[Array] = field(default_factory=list)
    velocity: list[Array] = field(default_factory=list)

    def add(self, time: float, states: Array) -> None:
        """Append one sample."""
        self.time.append(time)
        self.position.append(states[:, :2].copy())
        self.velocity.append(states[:, 3:5].copy())


class Run:
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
        self.scenario, self.fleet, self.plant, self.delays = scenario, fleet, plant, delays
        count = len(scenario.robots)
        self.radii = np.array([robot.radius for robot in scenario.robots])
        self._tolerance = goal_radii * self.radii
        self._goal_index = np.zeros(count, np.int64)
        self.goals = np.array([robot.goals[0] for robot in scenario.robots], dtype=np.float64)
        self.tick_count = 0
        self.states = plant.state()
        self.deliveries, self.reach_time = np.zeros(count, np.int64), np.full(count, np.nan)
        self.reached, self.touched = np.zeros(count, bool), np.zeros(count, bool)
        self.collisions, self.min_clearance = 0, np.inf
        self.outcomes: Counter[str] = Counter(optimal=0, relaxed=0, braking=0)
        self.commands: list[Command] = []
        self.last_delivery = np.zeros(count)
        self.longest_wait = 0.0
        self.trajectory = Trajectory()
        self.trajectory.add(0.0, self.states)
        self._note_clearance()
        self._note_arrivals()

    @property
    def time(self) -> float:
        """Simulated time, s."""
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
        self.commands = self.fleet.step(self.time, self.states, self.goals, actions)
        if self.delays is not None:
            self.commands = self.delays.apply(self.commands, self.states, self.fleet.kinds, self.fleet.bodies)
        self.plant.step(np.array([command.control for command in self.commands]))
        self.tick_count += 1
        self.states = self.plant.state()
        self.trajectory.add(self.time, self.states)
        self.outcomes.update(command.outcome for command in self.commands)
        self._note_contacts()
        self._note_clearance()
        self._note_arrivals()
        return self.commands

    def _note_contacts(self) -> None:
        for first, second in self.plant.onsets():
            self.collisions += 1
            self.touched[first] = True
            if second >= 0:
                self.touched[second] = True

    def _note_clearance(self) -> None:
        gap, wall = gaps(self.states[:, :2], self.radii, self.scenario.world)
        self.min_clearance = min(self.min_clearance, float(gap.min()), float(wall.min()))

    def _note_arrivals(self) -> None:
        there = np.linalg.norm(self.states[:, :2] - self.goals, axis=1) <= self._tolerance
        for i in np.flatnonzero(there & ~self.reached):
            goals = self.scenario.robots[i].goals
            self.deliveries[i] += 1
            self.longest_wait = max(self.longest_wait, self.time - self.last_delivery[i])
            self.last_delivery[i] = self.time
            if self._goal_index[i] + 1 < len(goals):
                self._goal_index[i] += 1
                self.goals[i] = goals[self._goal_index[i]]
            else:
                self.reached[i], self.reach_time[i] = True, self.time

    def close(self) -> None:
        """Give the plant back."""
        self.plant.close()
