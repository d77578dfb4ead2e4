"""A finished episode on a grid, to be shown: where the robots were, and what they were on their way to. As a film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from envs.render.drawing import Painter
from envs.render.grid_scene import GridScenes
from envs.render.scene import Scene
from envs.render.video import write_video
from swarm.array_types import Array, Int64s, UInt8s
from swarm.scenario.grid_map import GridMap

GoalList = Int64s | Sequence[Sequence[int]]

STEPS_A_SECOND = 8
_BETWEEN = 3  # pictures a step
_PIXELS = 720  # longer side of the picture


class Leg(NamedTuple):
    """A robot's way to one goal: from step ``first`` to ``last``, where it has reached it, or the episode is over."""

    first: int
    last: int
    goal: tuple[int, int]
    reached: bool


def legs_of(track: Int64s, goals: GoalList) -> list[Leg]:
    """The legs of one robot.

    Args:
        track: ``int64[T + 1, 2]``, its cell (row, column) at each step.
        goals: ``[k, 2]``, its goals in order; none is left after the last.
    """
    legs, first = [], 0
    for row, column in goals:
        at = np.flatnonzero((track[first + 1 :] == (row, column)).all(axis=1))
        last = first + 1 + int(at[0]) if len(at) else len(track) - 1
        legs.append(Leg(first, last, (int(row), int(column)), len(at) > 0))
        if not len(at):
            break
        first = last
    return legs


class Replay:
    """An episode to be shown.

    Args:
        grid: The map.
        cells: ``int64[T + 1, N, 2]``, where the robots (row, column) were at each step.
        goals: For each robot its goals in order, ``[k, 2]``.
        title: One line about it.

    Attributes:
        legs: For each robot its ways from goal to goal.
    """

    def __init__(self, grid: GridMap, cells: Int64s, goals: Sequence[GoalList], title: str = "") -> None:
        self.grid, self.cells, self.title = grid, np.asarray(cells), title
        self._scenes = GridScenes(grid)
        self.legs = [legs_of(self.cells[:, robot], goals[robot]) for robot in range(self.cells.shape[1])]

    def scene(self, time: float) -> Scene:
        """What there is to see at a time in steps; in between, robots are between cells.

        A path is the way that the robot will have gone to its goal.
        """
        final = len(self.cells) - 1
        step = min(int(time), final)
        after = min(step + 1, final)
        centres = self.grid.centre(self.cells[[step, after]])
        positions = centres[0] + (time - step) * (centres[1] - centres[0])
        goals, last = np.full(positions.shape, -1), np.full(len(positions), after - 1)
        for robot, legs in enumerate(self.legs):
            for leg in legs:
                if leg.first <= step < leg.last:
                    goals[robot], last[robot] = leg.goal, leg.last
        reached = sum(leg.reached and leg.last <= step for legs in self.legs for leg in legs)
        caption = (self.title, f"step {step} of {final}", f"goals {reached}")

        def way(robot: int) -> Array:
            ahead = self.grid.centre(self.cells[after : last[robot] + 1, robot])
            return np.concatenate([positions[robot : robot + 1], ahead])

        return self._scenes.scene(positions, goals, way, caption)

    def frames(self) -> Iterator[UInt8s]:
        """Pictures ``uint8[height, width, 3]``, some for each step."""
        painter = Painter(self._scenes.bounds, pixels=_PIXELS, grid=self.grid.cell_size)
        for k in range(_BETWEEN * (len(self.cells) - 1) + 1):
            yield painter.frame(self.scene(k / _BETWEEN))

    def save_film(self, path: str | Path) -> None:
        """Write an mp4 film.

        Raises:
            InputError: If it cannot be written there.
        """
        write_video(path, self.frames(), STEPS_A_SECOND * _BETWEEN)
