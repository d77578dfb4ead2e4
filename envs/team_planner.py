"""The planners of all robots of one world, for the batched core; the straight planner needs none."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.planning.roadmap import roadmap_of
from swarm.scenario import Scenario

Array = NDArray[np.float64]
BATCHED = ("straight", "roadmap")


class TeamPlanner(Protocol):
    """Anything that plans for all robots of a world."""

    def plan(self, state: Array, goal: Array, waypoint: Array, remaining: Array) -> None:
        """Write waypoints and what is left of the ways.

        Args:
            state: ``float64[N, 5]``.
            goal: ``float64[N, 2]``, m.
            waypoint: ``float64[N, 2]``, m; holds the goals before.
            remaining: ``float64[N]``, m; holds the distances to the goals before.
        """
        ...


class RoadmapTeam:
    """``RoadmapPlanner`` for every robot of a scenario.

    Args:
        scenario: World and robots.
        margin: Extra distance from obstacles, m.
    """

    def __init__(self, scenario: Scenario, margin: float = 0.0) -> None:
        self._roadmaps = [roadmap_of(scenario.world, robot.radius, margin) for robot in scenario.robots]
        self._goals = np.full((len(scenario.robots), 2), np.nan)
        self._fields: list[Array] = [np.empty((0, 0))] * len(scenario.robots)
        self._yields = [robot.cooperative for robot in scenario.robots]

    def plan(self, state: Array, goal: Array, waypoint: Array, remaining: Array) -> None:
        """See ``TeamPlanner``; a goal to which there is no way stays the waypoint, and so does one in free space."""
        for i, roadmap in enumerate(self._roadmaps):
            if not self._yields[i]:
                continue
            if not np.array_equal(goal[i], self._goals[i]):
                self._goals[i], self._fields[i] = goal[i], roadmap.field(goal[i])
            x, y, left = roadmap.waypoint(self._fields[i], state[i, :2], goal[i])
            waypoint[i] = x, y
            if np.isfinite(left):
                remaining[i] = left


def make_team_planner(name: str, scenario: Scenario, margin: float = 0.0) -> TeamPlanner | None:
    """The planner of a world by name; None is straight to the goal.

    Raises:
        InputError: If the batched core has no planner of that name.
    """
    if name == "straight":
        return None
    if name == "roadmap":
        return RoadmapTeam(scenario, margin)
    raise InputError("planner", name, f"{' or '.join(BATCHED)} in the batched core")
