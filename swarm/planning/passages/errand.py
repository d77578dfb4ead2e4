"""What one robot wants: its goal, since when it has that goal, and whether it has arrived."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.planning.passages.right_of_way import waiting_key
from swarm.planning.pibt.priority_inheritance import priority_key

_IDLE = -1
"""Ticks in the priority of a robot that has arrived."""
_PATIENCE = 1.5  # A robot waits if it has not moved for so many seconds.
_MOVES = 0.5  # It has moved if it is so far from where it was [radii].
_STUCK = 1.5  # A robot gets on no longer if it has not come nearer to its goal for so many seconds.
_FORGETS = 5.0  # Seconds after which it does not count any more how near it has been: it may have to go around.
_ARRIVED, _NEARLY = 0.5, 2.0  # It has arrived if so little of its way is left, and if so little is left and it waits.


class Errand:
    """The goal of one robot, and how it comes along.

    Args:
        robot_id: Identity, which settles equal priorities.
        radius: Of the robot [m].
        dt: Control period [s].

    Attributes:
        arrived: Whether the robot has been at its goal since it has that goal.
    """

    def __init__(self, robot_id: int, radius: float, dt: float) -> None:
        self._robot_id, self._radius, self._dt = robot_id, radius, dt
        self._goal, self._place = np.full(2, np.nan), [math.inf, math.inf]
        self._told, self._has_goal = self._goal.tobytes(), False
        self._tick, self._since, self._moved, self.arrived = 0, 0, 0, False
        self._least, self._nearer, self._left = math.inf, 0, math.inf

    def update(self, tick: int, goal: Array, position: Array) -> bool:
        """Note goal and place [m] of this tick; whether the goal is a new one."""
        self._tick = tick
        is_new = goal.tobytes() != self._told and not np.array_equal(goal, self._goal, equal_nan=True)
        if is_new:
            self._goal, self._since, self.arrived, self._least = goal.copy(), tick, False, math.inf
            self._told, self._has_goal = goal.tobytes(), bool(np.isfinite(goal).all())
        place = position.tolist()
        if math.dist(place, self._place) > _MOVES * self._radius:
            self._place, self._moved = place, tick
        return is_new

    def goal_from(self, position: Array) -> Array:
        """The goal, float64[2] [m]; where the robot is if it has none."""
        return self._goal if self._has_goal else position

    def is_at_end(self, left: float) -> bool:
        """Whether a way ends here, of which so much is left [m]."""
        return left <= _ARRIVED * self._radius

    def note_left(self, left: float) -> None:
        """Note how much is left of the way to the goal [m]."""
        self._left = left
        if left < self._least - _MOVES * self._radius or self._tick - self._nearer > _FORGETS / self._dt:
            self._least, self._nearer = left, self._tick
        self.arrived |= self.is_at_end(left) or (self.waits and left <= _NEARLY * self._radius)

    @property
    def waits(self) -> bool:
        """Whether the robot has not moved for long."""
        return (self._tick - self._moved) * self._dt > _PATIENCE

    @property
    def gets_on(self) -> bool:
        """Whether the robot is at its goal, or has come nearer to it than ever before not long ago."""
        return self.is_at_end(self._left) or (self._tick - self._nearer) * self._dt <= _STUCK

    @property
    def priority(self) -> int:
        """How long it has had its goal; the lowest once it has arrived, or if it has none."""
        if self.arrived or not self._has_goal:
            return priority_key(_IDLE, self._robot_id)
        return waiting_key(self._tick - self._since, self._robot_id)
