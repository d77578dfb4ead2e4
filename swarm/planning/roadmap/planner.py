"""Planners of one robot in a continuous world: straight to the goal, or the shortest way around the static map."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from swarm.planning import Plan, StatefulPlanner
from swarm.planning.roadmap.detour import Ways
from swarm.planning.roadmap.shut_in import ShutIn
from swarm.planning.roadmap.yielding import yield_aside

if TYPE_CHECKING:
    from swarm.scenario.world import World
    from swarm.sense.view import View


_DRAWN = 48  # Most points of the path that is shown.
_NONE = np.array([-1])  # No row of those that it senses is its own.


class StraightPlanner(StatefulPlanner):
    """Straight to the goal, whatever is in between."""

    def plan(self, view: View) -> Plan:
        """The goal is the waypoint."""
        goal = np.array(view.goal, dtype=np.float64)
        return Plan(goal, goal[None, :], None, math.hypot(goal[0] - view.state[0], goal[1] - view.state[1]))


class RoadmapPlanner(StatefulPlanner):
    """Shortest way around the static map, for one robot, and around others who stand in the way for long.

    A robot or goal inside the inflated obstacles counts as being in the nearest free cell; near such a goal the
    waypoint is the goal itself, and the safety filter stops the robot as near to it as it can be. A robot that has
    no way to its goal stays where it is, and makes way for others as if it had arrived.

    Args:
        world: The static map.
        radius: Of the robot [m].
        margin: Extra distance from obstacles [m].
        turns: Whether the robot drives along its heading only (a unicycle).
        spins: Whether it can turn on the spot (``RobotSpec.spins``).

    Raises:
        InputError: If a number makes no sense.
    """

    def __init__(
        self, world: World, radius: float, margin: float = 0.0, *, turns: bool = False, spins: bool = False
    ) -> None:  # fmt: skip
        self._arguments, self._spins = (world, np.array([radius]), margin, np.array([turns])), np.array([spins])
        self.reset()

    def reset(self) -> None:
        """Forget the goal and the others."""
        self.ways, self._shut_in = Ways(*self._arguments), ShutIn(self._arguments[1], self._spins)

    def plan(self, view: View) -> Plan:
        """The farthest point on the way that is in sight."""
        goal = np.array(view.goal, dtype=np.float64)
        if not np.isfinite(goal).all():
            return Plan(np.array(view.state[:2], dtype=np.float64), np.empty((0, 2)), None, 0.0)
        position = np.array(view.state[:2], dtype=np.float64)
        found = self.ways.plan(view.time, position[None], goal[None], lambda _: view.neighbours)
        x, y, left = found[0].tolist()
        shut_in = bool(self._shut_in.update(view.time, position[None], found[:, 2], view.neighbours, _NONE)[0])
        goal = position if self.ways.nowhere[0] else goal
        _, (radius,), margin, _ = self._arguments
        aside = yield_aside(position, radius, margin, goal, view.neighbours, -1)
        if np.isfinite(aside).all():
            return Plan(aside[:2], np.stack([aside[:2], goal]), None, float(aside[2]), agreed=shut_in)
        target = np.array([x, y])
        if x == goal[0] and y == goal[1]:
            return Plan(target, goal[None, :], None, left, agreed=shut_in)
        path = np.concatenate([self.ways.path(0, x, y, _DRAWN), goal[None, :]])
        return Plan(target, path, None, left, agreed=shut_in)
