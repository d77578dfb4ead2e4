"""Ways of one car."""

from __future__ import annotations

import math

import numpy as np

from swarm.array_types import Array
from swarm.model.dynamics import forward_speed
from swarm.model.shapes import end_circles
from swarm.planning.cars.follow import advance, direct, next_point, rest_of
from swarm.planning.cars.search import Left, left_at, search, way_left
from swarm.planning.cars.space import CarSpace

_WIDER = 1.3  # Of a robot's radius, which is gone around.
_PAUSE = 20  # So many periods after a way that does not lead to the goal it is looked for another one.
_LEAVES = 0.3  # Ways end so many reaches before the goal.
_STUCK, _MOVED = 30, 0.1  # In so many periods a car has moved by so many radii of its arcs, or looks for another way.


class CarWays:
    """What ``PoseWays`` is to robots that turn on the spot.

    Args:
        space: Around the car.

    Attributes:
        nowhere: Whether no way led to the goal when it was last looked for, however sharply the car could turn.
        tight: Whether it has to drive just along its way: it can turn aside for nobody there.
    """

    def __init__(self, space: CarSpace) -> None:
        self._plain = space
        self._thin = float(end_circles(space.footprint)[4]) if len(space.footprint) else space.reach
        self._size = max(0.25 * self._thin, math.sqrt(float(np.prod(space.bounds[2:] - space.bounds[:2])) / 500_000))
        self.forget()

    def forget(self) -> None:
        """Forget the goal, and who is gone around."""
        self._space, self._goal = self._plain, np.full(2, np.nan)
        self.nowhere = self.tight = False
        self._left: Left | None = None
        self._forget_way()

    def _forget_way(self) -> None:
        self._path, self._at, self._complete, self._pause = np.empty((0, 4)), 0, False, 0
        self._needed, self._straight = self._space.comfort, False
        self._place, self._stood, self._level = np.full(2, np.nan), 0, 0

    def go_around(self, circles: Array) -> None:
        """Count further circles (rows as in ``ObstacleIndex.obstacles``) as obstacles."""
        circles = circles.copy()
        circles[:, 4] *= _WIDER  # rows of two robots keep the points ahead of their axles apart
        self._space, self._left = self._plain._replace(others=circles), None

    def way(self, state: Array, goal: Array) -> tuple[Array, float]:
        """Poses along the way of a car in a state ``float64[5]``, ``float64[n, 3]``, and its length [m]."""
        if not np.array_equal(goal, self._goal) or self._left is None:
            self._goal = goal.copy()
            self._left = way_left(self._space, self._thin, goal, self._size)
            self._forget_way()
        near = _LEAVES * self._space.reach
        self.nowhere = math.isinf(left_at(self._left, goal, state[0], state[1]))
        if self.nowhere:
            return np.array([[*state[:2], math.nan]]), math.inf
        way, length = direct(self._space, float(self._space.needed[1]), state, goal[0], goal[1], near)
        self._straight = way != 0.0 and way == self._heads(way)
        if self._straight:
            self._path = np.empty((0, 4))
            return np.array([state[:3], [*goal, math.nan]]), length
        self._look(state, self._left)
        left = rest_of(self._path, self._at, len(self._path) - 1, state)
        if not self._complete:
            left += left_at(self._left, goal, self._path[-1, 0], self._path[-1, 1])
        return self._path[self._at :, :3], left

    def _heads(self, free: float) -> float:
        """In which direction its way goes on, which it keeps to until it turns back; ``free`` if it has none."""
        ends = len(self._path) - 1
        return float(self._path[self._at + 1, 3]) if self._at < ends and self._stood < _STUCK else free

    def _look(self, state: Array, to_goal: Left) -> None:
        """Keep to the way that was found, or look for one if there is none, or the car is off it."""
        self._pause, self._stood = self._pause - 1, self._stood + 1
        if not math.dist(state[:2], self._place) < _MOVED * self._space.radius:
            self._place, self._stood = state[:2].copy(), 0
        if len(self._path):
            self._at, off = advance(self._space, self._path, self._at, state)
            ended = self._at == len(self._path) - 1
            again = off or ended or self._stood > _STUCK or self._level > 0
            if not again or (self._pause > 0 and not self._complete):
                return
            self._stood = 0
        speed = forward_speed(state)
        self._needed, self._at = float(self._space.needed[self._level]), 0
        self._path, self._complete = search(self._space, self._needed, state[:3], speed, self._goal, to_goal)
        more = not self._complete and self._level + 1 < len(self._space.needed)
        self._level, self._pause = (self._level + 1, 0) if more else (0, _PAUSE)  # a search a period: it may take long

    def aim(self, state: Array, path: Array, stop: int, left: float, ends: bool) -> tuple[Array, float]:
        """Where to drive, float64[2] [m], and within which distance the car must be able to stop [m]."""
        self.tight = False
        if self._straight:
            return self._goal, left
        x, y, reach, self.tight = next_point(self._space, self._needed, self._path, self._at, state)
        return np.array([x, y]), reach
