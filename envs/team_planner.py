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
        self._goals = np.full((len(scenario.robots), 2), np.nan)
        members: dict[float, list[int]] = {}
        for i, robot in enumerate(scenario.robots):
            if robot.cooperative:
                members.setdefault(robot.radius, []).append(i)
        self._groups = []
        for radius, indices in members.items():
            roadmap = roadmap_of(scenario.world, radius, margin)
            self._groups.append((roadmap, np.array(indices), np.empty((len(indices), *roadmap.cost.shape))))

    def plan(self, state: Array, goal: Array, waypoint: Array, remaining: Array) -> None:
        """See ``TeamPlanner``; a goal to which there is no way stays the waypoint."""
        for roadmap, indices, fields in self._groups:
            for k in np.flatnonzero((goal[indices] != self._goals[indices]).any(axis=1)):
                fields[k] = roadmap.field(goal[indices[k]])
            self._goals[indices] = goal[indices]
            found = roadmap.waypoints(fields, state[indices, :2], goal[indices])
            waypoint[indices] = found[:, :2]
            remaining[indices] = np.where(np.isfinite(found[:, 2]), found[:, 2], remaining[indices])


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
