"""Ways of robots that share a roadmap, with detours around others who stand in the way.

A static map knows nothing of a robot that has parked in a passage. A robot that has come no nearer for a while takes
those who stand around it for obstacles and goes around them, until it is nearer to its goal than it was before: the
rule by which the bug algorithms (Lumelsky and Stepanov 1987) leave an obstacle.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from swarm.planning.roadmap import Roadmap, roadmap_of
from swarm.world import World

Array = NDArray[np.float64]

PATIENCE = 2.0
"""Seconds without coming nearer, after which a robot looks for a way around those who stand."""
# Who moves less than this many of its radii in a second stands, and who is within so many radii of where it is heading;
# coming nearer counts from this share of a radius on.
_STILL, _ARRIVED, _NEARER = 0.1, 2.0, 0.05
# Rounding of clocks [s].
_TICK = 1e-9


def stands(others: Array) -> NDArray[np.bool_]:
    """Which of the robots [k, 7] (see ``Ways.plan``) stay where they are: slow ones, and who says it has arrived."""
    left = np.hypot(*(others[:, 5:] - others[:, :2]).T)
    still = np.hypot(others[:, 2], others[:, 3]) < _STILL * others[:, 4]
    arrived: NDArray[np.bool_] = (left > 0.0) & (left <= _ARRIVED * others[:, 4])
    return still | arrived


class Ways:
    """Waypoints of robots of one radius in one world, each with its own goal.

    Args:
        world: The static map.
        radius: Of the robots [m].
        margin: Extra distance from obstacles [m].
        count: Number of robots.
    """

    def __init__(self, world: World, radius: float, margin: float = 0.0, count: int = 1) -> None:
        self.roadmap = roadmap_of(world, radius, margin)
        self._world, self._radius, self._margin = world, radius, margin
        self._goals = np.full((count, 2), np.nan)
        self._fields = np.empty((count, *self.roadmap.cost.shape))
        # Least way left on the plain map, and on the way that is followed at present; since when that is no less.
        self._plain, self._least, self._since = np.full(count, np.inf), np.full(count, np.inf), np.zeros(count)
        self._detours: dict[int, tuple[Roadmap, Array]] = {}

    def plan(self, time: float, positions: Array, goals: Array, around: Callable[[int], Array]) -> Array:
        """Where to drive next.

        Args:
            time: Now [s].
            positions: World frame [m], float64[n, 2].
            goals: World frame [m], float64[n, 2].
            around: Of a robot's number: the robots that it senses, x, y, vx, vy, radius, and where each says that it is
                heading (where it is, if it says nothing), float64[k, 7].

        Returns:
            x, y [m] and the length of the way [m] of each robot, float64[n, 3]; as in ``roadmap.waypoint``.
        """
        for k in np.flatnonzero((goals != self._goals).any(axis=1)).tolist():
            self._detours.pop(k, None)
            self._plain[k] = np.inf
            self._forget(k, time)
            self._goals[k], self._fields[k] = goals[k], self.roadmap.field(goals[k])
        found = self.roadmap.waypoints(self._fields, positions, goals)
        nearest = found[:, 2] < self._plain - _NEARER * self._radius
        self._plain[nearest] = found[nearest, 2]
        for k, (roadmap, field) in list(self._detours.items()):
            if nearest[k]:
                del self._detours[k]
                self._forget(k, time)
            else:
                found[k] = roadmap.waypoints(field[None], positions[k : k + 1], goals[k : k + 1])[0]
        nearer = found[:, 2] < self._least - _NEARER * self._radius
        self._least[nearer], self._since[nearer] = found[nearer, 2], time
        stuck = (time - self._since >= PATIENCE - _TICK) & (found[:, 2] > 2.0 * self._radius)
        for k in np.flatnonzero(stuck).tolist():
            found[k] = self._around(k, time, positions[k], around(k), found[k])
        return found

    def field(self, k: int) -> tuple[Roadmap, Array]:
        """What robot ``k`` follows at present: a roadmap, and the way left from each of its cells."""
        return self._detours.get(k, (self.roadmap, self._fields[k]))

    def _forget(self, k: int, time: float) -> None:
        self._least[k], self._since[k] = np.inf, time

    def _around(self, k: int, time: float, position: Array, others: Array, plain: Array) -> Array:
        """Begin a detour around those who stand, if there is one; returns the waypoint."""
        self._forget(k, time)
        standing = others[stands(others)]
        if len(standing) == 0:
            return plain
        circles = np.concatenate([self._world.circles, standing[:, [0, 1, 4]]])
        roadmap = Roadmap(dataclasses.replace(self._world, circles=circles), self._radius, self._margin)
        field = roadmap.field(self._goals[k])
        found: Array = roadmap.waypoints(field[None], position[None], self._goals[k : k + 1])[0]
        if not np.isfinite(found[2]):
            return plain
        self._detours[k] = (roadmap, field)
        return found
