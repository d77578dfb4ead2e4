"""A follower alone: what one robot does in a step, from what it sees and hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from swarm.errors import InputError
from swarm.planning.follower.team import Before, FollowerMap, Followers, Ranker, gumbel, rank
from swarm.planning.follower.view import REACH
from swarm.planning.pibt.priority_inheritance import own_moves
from swarm.sense.intent import Ranking

Cell = tuple[int, int]


class FollowerMessage(NamedTuple):
    """What a follower tells those within ``REACH`` cells in the first round of a step.

    Attributes:
        cell: Where it is (row, column).
        ranking: Its five moves, most preferred first.
        priority: Larger goes first.
        path: The two cells that come next on its path; of no use to those that it is passed on to.
    """

    cell: Cell
    ranking: Ranking
    priority: int
    path: tuple[Cell, Cell]


class FollowerPlanner:
    """Decentralised lifelong planner of one robot in a grid world.

    In every step: ``announce``, tell that to all within ``REACH`` cells; tell them what was heard; ``decide``.

    Args:
        ground: The map.
        robot_id: Identity, which settles equal priorities.
        ranker: The network.
    """

    def __init__(self, ground: FollowerMap, robot_id: int, ranker: Ranker) -> None:
        self.robot_id, self.ranker = robot_id, ranker
        self._alone = Followers(ground, np.array([robot_id], np.int64))
        self._heard: dict[int, FollowerMessage] = {}
        self._tick = 0

    def reached(self) -> None:
        """Tell the planner that the goal was reached: the next one is new, even if it should be the same cell."""
        self._alone.forget(np.zeros(1, np.int64))

    def announce(self, cell: Cell, goal: Cell | None, seen: Mapping[int, Cell]) -> FollowerMessage:
        """Plan, look, and rank the moves; to be called once a step.

        Args:
            cell: Where the robot is (row, column).
            goal: Where it is to go; None without a goal.
            seen: Where the robots within ``REACH`` cells are, by id.

        Raises:
            InputError: If one of them is farther away.
        """
        for other, place in seen.items():
            if max(abs(place[0] - cell[0]), abs(place[1] - cell[1])) > REACH:
                raise InputError(f"robot {other}, seen from {cell}", place, f"a cell within {REACH} cells")
        alone, ids = self._alone, sorted(seen)
        cells = np.array([cell, *(seen[other] for other in ids)], np.int64)
        goals = np.array([goal or (-1, -1)], np.int64)
        alone.plan(cells, goals, self._before([self.robot_id, *ids]))
        scores = self.ranker(alone.view, alone.own)
        self._tick += 1
        ranking = alone.turned(rank(scores, self.ranker.temperature * gumbel(alone.ids, self._tick)))[0].tolist()
        down, right = alone.ground.cells(alone.told()[0]).tolist()
        return FollowerMessage(cell, tuple(ranking), int(alone.priority[0]), (tuple(down), tuple(right)))

    def _before(self, ids: list[int]) -> Before:
        """What these robots told in the step before."""
        before = Before(*(np.full(shape, -1, np.int64) for shape in (len(ids), len(ids), (len(ids), 2))))
        for k, other in enumerate(ids):
            if other in self._heard:
                told = self._heard[other]
                before.cell[k], *before.told[k] = self._alone.ground.flat(np.array([told.cell, *told.path]))
                before.priority[k] = told.priority
        return before

    def decide(
        self, own: FollowerMessage, heard: Mapping[int, FollowerMessage], passed_on: Mapping[int, FollowerMessage]
    ) -> int:
        """Choose a move (0 to 4) from what was told in this step.

        Args:
            own: What ``announce`` returned.
            heard: The same of the robots within ``REACH`` cells, by id.
            passed_on: The same of those that they hear, by id; may hold those of ``heard``, and this robot.
        """
        self._heard = {**heard, self.robot_id: own}
        everyone = {**passed_on, **self._heard}
        ids, ground = sorted(everyone), self._alone.ground
        cells = ground.flat(np.array([everyone[other].cell for other in ids], np.int64))
        ranking = np.array([everyone[other].ranking for other in ids], np.int8)
        priority = np.array([everyone[other].priority for other in ids], np.int64)
        me = ids.index(self.robot_id)
        first, group = np.array([0, len(ids)]), np.array([me, *(k for k in range(len(ids)) if k != me)])
        (move,) = own_moves(first, group, cells, ranking, priority, ground.free, self._alone.work)
        return int(move)
