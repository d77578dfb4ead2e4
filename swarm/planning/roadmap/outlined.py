"""The shortest way around the static map for one robot that is no disc, or a car, and around others who stand there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from swarm.model.geometry import circles
from swarm.planning import Plan, StatefulPlanner
from swarm.planning.cars.space import space_of_car
from swarm.planning.cars.ways import CarWays
from swarm.planning.headings.outlines import poses_of_robot
from swarm.planning.headings.ways import PoseWays
from swarm.planning.roadmap.detour import PATIENCE, stands
from swarm.planning.roadmap.yielding import yield_aside
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.neighbours import N_RADIUS, N_X, N_Y

if TYPE_CHECKING:
    from swarm.sense.view import View

_DRAWN = 48  # Most points of the path that is shown.
_NEARER = 0.05  # Coming nearer counts from this share of a reach on.


class HeadingPlanner(StatefulPlanner):
    """What ``RoadmapPlanner`` is to discs: over cell and heading, so that the robot may be too long to turn anywhere.

    Or along arcs and straight lines, so that it may be a car.

    A robot that has come no nearer for a while goes around those who stand, until it is nearer to its goal than before.

    Args:
        ways: Of the robot.
        radius: Of the disc that encloses it [m].
        margin: That it keeps [m].
    """

    def __init__(self, ways: PoseWays | CarWays, radius: float, margin: float) -> None:
        self._radius, self._margin = radius, margin
        self.ways = ways
        self.reset()

    def reset(self) -> None:
        """Forget the goal and the others."""
        self.ways.forget()
        self._goal = np.full(2, np.nan)
        self._least, self._least_around, self._since, self._around = math.inf, math.inf, 0.0, False

    def plan(self, view: View) -> Plan:
        """The farthest pose on the way that is reached by a turn and a straight line."""
        state, goal = np.array(view.state, dtype=np.float64), np.array(view.goal, dtype=np.float64)
        if not np.isfinite(goal).all():
            return Plan(state[:2], np.empty((0, 2)), None, 0.0)
        if not np.array_equal(goal, self._goal):
            self.reset()
            self._goal, self._since = goal, view.time
        path, left = self.ways.way(state, goal)
        if self._around and self.ways.nowhere:
            self._leave(view.time)
            path, left = self.ways.way(state, goal)
        self._watch(view, left)
        home = state[:2] if self.ways.nowhere else goal
        aside = yield_aside(state[:2], self._radius, self._margin, home, view.neighbours, -1)
        if np.isfinite(aside).all():
            return Plan(aside[:2], np.stack([aside[:2], goal]), None, float(aside[2]))
        if self.ways.nowhere:
            return Plan(state[:2], np.empty((0, 2)), None, 0.0)
        waypoint, reach = self.ways.aim(state, path, len(path), left, ends=False)
        drawn = path[:: max(1, len(path) // _DRAWN), :2]
        return Plan(waypoint, drawn, None, reach, agreed=self.ways.tight)

    def _watch(self, view: View, left: float) -> None:
        """Begin to go around those who stand if the robot comes no nearer, and end it when it has passed them."""
        near = _NEARER * self._radius
        if self._around and left < self._least - near:
            self._leave(view.time)
        if left < self._least_around - near:
            self._least_around, self._since = left, view.time
        if not self._around:
            self._least = min(self._least, left)
        if view.time - self._since < PATIENCE or left <= 2.0 * self._radius:
            return
        self._since, self._least_around = view.time, math.inf
        standing = view.neighbours[stands(view.neighbours)]
        if len(standing):
            self.ways.go_around(circles(standing[:, [N_X, N_Y, N_RADIUS]]))
            self._around = True

    def _leave(self, time: float) -> None:
        """Go around nobody."""
        self.ways.go_around(np.empty((0, 7)))
        self._around, self._since, self._least_around = False, time, math.inf


def ways_of(world: World, spec: RobotSpec, margin: float) -> PoseWays | CarWays:
    """The ways of a robot that is no disc, or a car; ``margin`` [m] is what it keeps from obstacles besides."""
    if spec.limits.is_car:
        return CarWays(space_of_car(world, spec, margin))
    return PoseWays(poses_of_robot(world, spec, margin))
