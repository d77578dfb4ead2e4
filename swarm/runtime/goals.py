"""A robot's own list of goals, for bodies whose side hands out none: one after the other, then from the first again."""

from __future__ import annotations

import math

from swarm.scenario.robot_spec import RobotSpec

GOAL_RADII = 1.0
"""A goal is reached within so many of the robot's radii, as in the physics world."""


class Goals:
    """Hands out the goals of a scenario in order.

    Args:
        spec: Whose goals.
        goal_index: Goals that it has reached already.

    Attributes:
        goal_index: Goals reached. With this alone a process that is started again goes on where it was.
    """

    def __init__(self, spec: RobotSpec, goal_index: int = 0) -> None:
        self._goals: list[tuple[float, float]] = [(x, y) for x, y in spec.goals.tolist()]
        self._tolerance = GOAL_RADII * spec.radius
        self.goal_index = goal_index

    def now(self, x: float, y: float) -> tuple[float, float]:
        """Where to go from here [m]; being at the goal makes it the next one. A goal that is the only one stays."""
        goal = self._goals[self.goal_index % len(self._goals)]
        if len(self._goals) > 1 and math.hypot(goal[0] - x, goal[1] - y) <= self._tolerance:
            self.goal_index += 1
            goal = self._goals[self.goal_index % len(self._goals)]
        return goal
