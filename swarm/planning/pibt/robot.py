"""The ``pibt`` planner of one robot, as it runs on that robot alone.

Robots that hear different robots can come to different results, so the world must still resolve conflicts (see
``swarm.planning.pibt.reservation``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from swarm.array_types import Flags
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.pibt.priority_inheritance import check_robot_id, own_moves
from swarm.planning.pibt.team import ShortestPaths


class PibtMessage(NamedTuple):
    """What a robot of a grid world hears from another.

    Attributes:
        cell: Where it is (row, column).
        ranking: Its five moves, most preferred first.
        priority: Its ``priority_key``.
    """

    cell: tuple[int, int]
    ranking: tuple[int, ...]
    priority: int


class PibtPlanner:
    """Decentralised lifelong planner of one robot in a grid world, where all robots move at the same time.

    Each robot tells the others its cell, ranking and priority, works out priority inheritance for those that it hears,
    and makes its own move of the result.

    Args:
        free: Where robots may be, bool[rows, columns].
        robot_id: Identity, which settles equal priorities.
    """

    def __init__(self, free: Flags, robot_id: int) -> None:
        self.graph = GridGraph(free)
        self._paths = ShortestPaths(self.graph, np.array([check_robot_id(robot_id)], dtype=np.int64))
        self._work = np.full((2, self.graph.free.size), -1, dtype=np.int32)
        self._fresh = np.ones(1, dtype=np.bool_)

    def reached(self) -> None:
        """Tell the planner that the goal was reached: its priority starts again from nothing."""
        self._fresh[0] = True

    def announce(self, cell: tuple[int, int], goal: tuple[int, int] | None) -> PibtMessage:
        """What this robot tells the others in this step; to be called once a step, before ``decide``.

        Args:
            cell: Where it is (row, column).
            goal: Where it has to go; None without a goal.

        Raises:
            InputError: If one of them is no free cell.
        """
        for one in (cell, goal or cell):
            self.graph.node_at(one)
        (key,) = self._paths.rank(np.array([cell]), np.array([goal or (-1, -1)]), self._fresh)
        self._fresh[0] = False
        return PibtMessage(cell, tuple(self._paths.rankings[0].tolist()), int(key))

    def decide(self, own: PibtMessage, heard: Mapping[int, PibtMessage]) -> int:
        """Choose a move (0 to 4) from what was announced in this step.

        Args:
            own: What ``announce`` returned.
            heard: The same of the robots within hearing, by id.
        """
        everyone = [own, *heard.values()]
        cells = np.array([row * self.graph.columns + column for (row, column), _, _ in everyone], dtype=np.int64)
        ranking = np.array([one.ranking for one in everyone], dtype=np.int8)
        priority = np.array([one.priority for one in everyone], dtype=np.int64)
        first, group = np.array([0, len(everyone)]), np.arange(len(everyone))
        (move,) = own_moves(first, group, cells, ranking, priority, self.graph.free, self._work)
        return int(move)
