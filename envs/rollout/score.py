"""What a team of bodies came to: collisions, deliveries, clearance; noted from their states, sample by sample."""

from __future__ import annotations

import numpy as np

from envs.rollout.plants import Plant, body_gaps
from envs.strangers import MOVING, STANDING
from swarm.model.strangers import STANDS
from swarm.scenario.robot_spec import footprints_of
from swarm.scenario.scenario import Scenario


class Score:
    """Counts what happens to the robots of a scenario, and hands out their goals in order.

    Args:
        scenario: World and robots.
        plant: Their bodies.
        goal_radii: A goal is reached within so many of the robot's radii.
        again: Whether a robot with several goals begins with the first again after the last.

    Attributes:
        goals: ``float64[N, 2]``, of each robot now [m].
        deliveries: ``int64[N]``, goals reached.
        reached: ``bool[N]``, at the last goal.
        touched: ``bool[N]``, in a collision.
        collisions: Of robots with each other and with obstacles; not: with who ignores everybody.
        contacts: ``int64[2]``, with those: while the robot moves, and while it stands (``envs.strangers``).
    """

    def __init__(self, scenario: Scenario, plant: Plant, *, goal_radii: float, again: bool = False) -> None:
        self.scenario, self.plant = scenario, plant
        count = len(scenario.robots)
        self.radii = np.array([robot.radius for robot in scenario.robots])
        self._footprints = footprints_of(scenario.robots)
        self._tolerance, self._again = goal_radii * self.radii, again
        self._goal_index = np.zeros(count, np.int64)
        self.goals = np.array([robot.goals[0] for robot in scenario.robots], dtype=np.float64)
        self.states = plant.state()
        self.deliveries, self.reach_time = np.zeros(count, np.int64), np.full(count, np.nan)
        self.reached, self.touched = np.zeros(count, bool), np.zeros(count, bool)
        self.ours = np.array([not robot.ignores for robot in scenario.robots])
        self.collisions, self.min_clearance = 0, np.inf
        self.contacts = np.zeros(2, np.int64)
        self.last_delivery = np.zeros(count)
        self.longest_wait = 0.0
        self.note(0.0)

    def note(self, time: float) -> None:
        """Take the plant's present sample, at ``time`` [s], into account."""
        self.states = self.plant.state()
        for (first, second), speeds in zip(self.plant.onsets(), self.plant.onset_speeds(), strict=True):
            pair = [int(first), int(second)] if second >= 0 else [int(first)]
            if self.ours[pair].all():
                self.collisions += 1
                self.touched[pair] = True
            elif self.ours[pair].any():
                moves = speeds[: len(pair)][self.ours[pair]][0] >= STANDS
                self.contacts[MOVING if moves else STANDING] += 1
        ours = self.ours
        gap, wall = body_gaps(self.states[ours], self.radii[ours], self._footprints[ours], self.scenario.world)
        self.min_clearance = min(self.min_clearance, float(gap.min(initial=np.inf)), float(wall.min(initial=np.inf)))
        there = np.linalg.norm(self.states[:, :2] - self.goals, axis=1) <= self._tolerance
        for i in np.flatnonzero(there & ~self.reached):
            self._note_arrival(int(i), time)

    def _note_arrival(self, i: int, time: float) -> None:
        goals = self.scenario.robots[i].goals
        self.deliveries[i] += 1
        self.longest_wait = max(self.longest_wait, time - self.last_delivery[i])
        self.last_delivery[i] = time
        self._goal_index[i] += 1
        if self._again and len(goals) > 1:
            self._goal_index[i] %= len(goals)
        if self._goal_index[i] < len(goals):
            self.goals[i] = goals[self._goal_index[i]]
        else:
            self.reached[i], self.reach_time[i] = True, time
