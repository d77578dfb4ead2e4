"""The planners of all robots of one world, for the batched core; the straight planner needs none."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.neighbours import MAX_NEIGHBOURS
from swarm.planning.detour import Ways
from swarm.scenario import Scenario

Array = NDArray[np.float64]
BATCHED = ("straight", "roadmap")


class TeamPlanner(Protocol):
    """Anything that plans for all robots of a world."""

    def plan(
        self, time: float, state: Array, goal: Array, told: Array, waypoint: Array, remaining: Array
    ) -> None:
        """Write waypoints and what is left of the ways.

        Args:
            time: s, since the start of the episode.
            state: ``float64[N, 5]``.
            goal: ``float64[N, 2]``, m.
            told: ``float64[N, 2]``, the waypoints that the robots told each other, m.
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
        self._radii, self._sensing = np.array([robot.radius for robot in scenario.robots]), scenario.sensing_radius
        self._tells = np.array([robot.cooperative for robot in scenario.robots])
        members: dict[float, list[int]] = {}
        for i, robot in enumerate(scenario.robots):
            if robot.cooperative:
                members.setdefault(robot.radius, []).append(i)
        self._groups = [
            (np.array(indices), Ways(scenario.world, radius, margin, len(indices)))
            for radius, indices in members.items()
        ]

    def plan(
        self, time: float, state: Array, goal: Array, told: Array, waypoint: Array, remaining: Array
    ) -> None:
        """See ``TeamPlanner``; a goal to which there is no way stays the waypoint."""
        for indices, ways in self._groups:
            found = ways.plan(time, state[indices, :2], goal[indices], partial(self._around, state, told, indices))
            waypoint[indices] = found[:, :2]
            remaining[indices] = np.where(np.isfinite(found[:, 2]), found[:, 2], remaining[indices])

    def _around(self, state: Array, told: Array, indices: NDArray[np.int64], k: int) -> Array:
        """What robot ``indices[k]`` knows of the others, ``float64[m, 7]``, see ``Ways.plan``."""
        own = indices[k]
        apart = np.hypot(*(state[:, :2] - state[own, :2]).T)
        apart[own] = np.inf
        near = np.argsort(apart - self._radii, kind="stable")[:MAX_NEIGHBOURS]
        near = near[apart[near] <= self._sensing]
        heading = np.where(self._tells[near, None], told[near], state[near, :2])
        return np.column_stack([state[near][:, [0, 1, 3, 4]], self._radii[near], heading])


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
