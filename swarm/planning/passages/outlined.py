"""The ways of a robot that is no disc through places for one robot: poses instead of points."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.planning.headings.drive import first_pose, kept_at, reaches
from swarm.planning.headings.field import nearest_pose, place_of, step_from, steps_of
from swarm.planning.headings.outlines import poses_of_robot
from swarm.planning.headings.poses import Poses, half_width, point_of
from swarm.planning.headings.ways import PoseWays
from swarm.planning.passages.grid import crowd_of, is_inside, walk_back
from swarm.planning.passages.holding import Leg, held_part
from swarm.planning.passages.route import BEFORE, Route
from swarm.planning.passages.slices import Slices, label_at, may_pass
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World

_STRIDES = (32, 8, 2, 1)


@njit(cache=True)
def _farthest_held(
    poses: Poses, labels: Int32s, origin: Array, size: float, allowed: Flags, state: Array, path: Array, stop: int
) -> int:  # fmt: skip
    """``farthest_pose``, through allowed slices alone."""
    needed = kept_at(poses, state[0], state[1], state[2])
    low = first_pose(poses, state, path, stop, needed)
    for stride in _STRIDES:
        while (
            low + stride < stop
            and reaches(poses, state, path[low + stride], needed)
            and may_pass(labels, origin, size, allowed, state, path[low + stride])
        ):
            low += stride
    return low


@njit(cache=True)
def _pose_aside(
    poses: Poses, labels: Int32s, origin: Array, size: float, start: int, taken: Flags, closed: Flags, least: Int32s,
    wall: Int32s, limit: int,
) -> tuple[Int64s, int]:  # fmt: skip
    """``way_aside`` over poses: the numbers of those on the way, one a row; none if there is no way.

    ``least`` and ``wall``: of the cells of the poses, as ``crowd_of`` gives them.
    """
    headings, (rows, columns) = len(poses.angles), poses.cost.shape[1:]
    before, queue = np.full(headings * rows * columns, -1, np.int64), np.empty(headings * rows * columns, np.int64)
    before[start], queue[0], many, done, found = start, start, 1, 0, -1
    while done < many:
        k, row, column = place_of(poses, queue[done])
        x, y = point_of(poses, k, row, column)
        label = label_at(labels, origin, size, x, y)
        there_row = min(max(int((y - origin[1]) / size), 0), labels.shape[0] - 1)
        there_column = min(max(int((x - origin[0]) / size), 0), labels.shape[1] - 1)
        if least[row, column] < limit and is_inside(labels, taken, there_row, there_column):
            found, limit = queue[done], least[row, column]
            if limit == 0:
                break
        for number in range(steps_of(poses)):
            after, r, c, cost = step_from(poses, k, row, column, number)
            there = (after * rows + r) * columns + c
            if cost == np.inf or before[there] >= 0 or (wall[r, c] and not wall[row, column]):
                continue
            to_x, to_y = point_of(poses, after, r, c)
            entered = label_at(labels, origin, size, to_x, to_y)
            if not closed[entered] or entered == label:
                before[there], queue[many], many = queue[done], there, many + 1
        done += 1
    return (walk_back(before, found, 1) if found >= 0 else np.empty((0, 2), np.int64)), limit


@njit(cache=True)
def _states(poses: Poses, numbers: Int64s) -> Array:
    """Poses of numbers, x, y [m] and heading [rad], float64[n, 3]."""
    found = np.empty((len(numbers), 3))
    for i in range(len(numbers)):
        k, row, column = place_of(poses, numbers[i])
        found[i, 0], found[i, 1] = point_of(poses, k, row, column)
        found[i, 2] = poses.angles[k]
    return found


class OutlinedRoute(Route):
    """Ways of one robot that is no disc; arguments as of ``Route``, with the robot itself."""

    def __init__(self, world: World, slices: Slices, spec: RobotSpec, margin: float) -> None:
        poses = poses_of_robot(world, spec, margin)
        self._ways = PoseWays(poses)
        super().__init__(world, slices, half_width(poses.footprint), margin)

    def forget(self) -> None:
        """Forget the goal, and who is gone around."""
        super().forget()
        self._ways.forget()
        self._around = False

    @property
    def leads_around(self) -> bool:
        """Whether the way leads around those of ``go_around``."""
        return self._around

    def go_around(self, circles: Array) -> None:
        """Count further circles (rows as in ``ObstacleIndex.obstacles``) as obstacles, as far as there is a way."""
        self._ways.go_around(circles)
        self._around = len(circles) > 0

    def way(self, position: Array, goal: Array) -> tuple[Array, Array, float]:
        """Where the robot would drive, poses of the way ahead float64[n, 3] and its length [m]."""
        state = self._state(position)
        path, left = self._ways.way(state, goal)
        if self._ways.nowhere and self._around:
            self.go_around(np.empty((0, 7)))
            path, left = self._ways.way(state, goal)
        self.nowhere = self._ways.nowhere
        if self.nowhere:
            return position.copy(), np.array([state, state]), 0.0
        return path[-1, :2], np.concatenate([path, path[-1:]]) if len(path) == 1 else path, left

    def way_aside(
        self, position: Array, taken: Flags, closed: Flags, keep_off: Array, blocked: Array, crowded: Array,
        rooms: Array, limit: int, kept: Array,
    ) -> tuple[Array, int]:  # fmt: skip
        """The way out of the way of others, as poses float64[n, 3]; the nearest one, whatever was chosen before."""
        poses, slices = self._ways.poses, self.slices
        start = -1
        for near in (True, False):
            start = nearest_pose(poses, self._ways.anywhere, self._state(position), near) if start < 0 else start
        if start < 0:
            return np.empty((0, 3)), limit
        shape = poses.cost.shape[1:]
        least, wall = crowd_of(poses.origin, poses.resolution, shape, keep_off, blocked, crowded, rooms)
        grid = slices.labels, slices.origin, slices.resolution
        numbers, limit = _pose_aside(poses, *grid, start, taken, closed, least, wall, limit)
        return _states(poses, numbers[:, 0]), int(limit)

    def aim(self, position: Array, leg: Leg, held: Int64s, waits: bool = False) -> tuple[Array, float, bool]:
        """Where to drive, after how far the robot has to be able to stop [m], and whether for others' sake."""
        allowed = np.zeros(self.slices.total + 1, bool)
        allowed[0] = allowed[held] = True
        stop, ends = held_part(leg.order, leg.firsts, leg.steps, held, BEFORE * self.slices.length)
        if stop == 0:
            return position.copy(), 0.0, True
        state, path = self._state(position), leg.path
        if path.shape[1] == 2:  # a step aside
            path = np.column_stack([path, np.full(len(path), math.nan)])
        grid = self.slices.labels, self.slices.origin, self.slices.resolution
        chosen = _farthest_held(self._ways.poses, *grid, allowed, state, path, stop)
        left = float(leg.steps[stop - 1]) if ends else leg.left
        waypoint, reach = self._ways.go_to(state, path, chosen, stop, left, ends)
        self.tight = self._ways.tight
        return waypoint, reach, ends

    def _state(self, position: Array) -> Array:
        """Where the robot is, and where it looks, float64[3]."""
        return np.array([position[0], position[1], self.heading])
