"""Ways of one robot that is no disc."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array, Float32s
from swarm.planning.headings.drive import THERE, command, farthest_pose, is_tight, still_counts
from swarm.planning.headings.field import anywhere, field_of, nearest_pose, trace_poses
from swarm.planning.headings.fitting import among_others
from swarm.planning.headings.poses import Poses

_POSES = 512  # of the way ahead
_NEAR_GOAL = 1.5  # Nearer to the goal than so many cells, the way left is the straight one.


class PoseWays:
    """Ways to goals, which may change, around obstacles, which may come and go.

    Args:
        poses: What the robot may drive on.

    Attributes:
        poses: The same, with those that are gone around.
        anywhere: The values of a field to which every pose that fits is a goal.
        nowhere: Whether no way led to the goal when it was last looked for.
        tight: Whether it has hardly room to turn where it is, or where it drives: it can turn aside for nobody there.
    """

    def __init__(self, poses: Poses) -> None:
        self._plain = poses
        self.forget()

    def forget(self) -> None:
        """Forget the goal, and who is gone around."""
        self.poses, self.anywhere, self.nowhere = self._plain, anywhere(self._plain), False
        self.tight = False
        self._goal = np.full(2, np.nan)
        self._field: Float32s | None = None
        self._held: Array | None = None  # the pose to which it is on its way, where it has no room to turn elsewhere

    def go_around(self, circles: Array) -> None:
        """Count further circles (rows as in ``ObstacleIndex.obstacles``) as obstacles."""
        self.poses, self._field, self._held = among_others(self._plain, circles), None, None
        self.anywhere = anywhere(self.poses)

    def way(self, state: Array, goal: Array) -> tuple[Array, float]:
        """Poses along the way of a robot, float64[n, 3], and its length [m].

        The last pose of a way that is not too long is the goal, at any heading. Who has no way has one pose, where it
        is, and ``inf``.
        """
        if not np.array_equal(goal, self._goal):
            self._goal, self._field, self._held = goal.copy(), None, None
        if self._field is None:
            self._field = field_of(self.poses, goal)
        x, y = state[:2].tolist()
        start = nearest_pose(self.poses, self._field, state, near=True)
        if start < 0 and nearest_pose(self.poses, self.anywhere, state, near=True) < 0:  # where it fits at no heading
            start = nearest_pose(self.poses, self._field, state, near=False)
        self.nowhere = start < 0
        if self.nowhere:
            return np.array([[x, y, math.nan]]), math.inf
        path = trace_poses(self.poses, self._field, start, _POSES)
        left, straight = float(self._field.flat[start]), math.hypot(goal[0] - x, goal[1] - y)
        if len(path) < _POSES:
            path = np.concatenate([path, [[goal[0], goal[1], math.nan]]])
        near = left < _NEAR_GOAL or straight < THERE * self.poses.reach
        return path, straight if near else max(left * self.poses.resolution, straight)

    def aim(self, state: Array, path: Array, stop: int, left: float, ends: bool) -> tuple[Array, float]:
        """Where to drive along a way, float64[2] [m], and within which distance the robot must be able to stop [m].

        Args:
            state: Of the robot.
            path: Poses, float64[n, 3].
            stop: How many of them it may drive along, at least one.
            left: Length of the whole way [m].
            ends: Whether it has to stop at the last of them.
        """
        return self.go_to(state, path, farthest_pose(self.poses, state, path, stop), stop, left, ends)

    def go_to(
        self, state: Array, path: Array, chosen: int, stop: int, left: float, ends: bool
    ) -> tuple[Array, float]:  # fmt: skip
        """``aim``, where the number of the pose to go to next is ``chosen``, or that of before goes on."""
        target, last = path[chosen], ends and chosen == stop - 1
        if self._held is not None and still_counts(self.poses, state, path, stop, self._held, target):
            target = self._held
        turns = len(self.poses.angles) > 1
        self._held = target.copy() if turns and is_tight(self.poses, target) else None
        self.tight = turns and bool(is_tight(self.poses, state) or is_tight(self.poses, target))
        x, y, reach = command(self.poses, state, target, left, last)
        return np.array([x, y]), reach
