"""All robots of a team that follow shortest paths: with priority inheritance (``pibt``), or alone (``astar``).

``PibtTeam`` does for each robot what ``PibtPlanner`` does for one; a test holds the two equal.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int8s, Int32s, Int64s
from swarm.planning.graph.cost_field import cost_field, scratch
from swarm.planning.graph.grid_graph import GridGraph, move_to, order_moves
from swarm.planning.pibt.hearing import RADIUS
from swarm.planning.pibt.priority_inheritance import priority_key, settle


@njit(cache=True)
def _rank(step: Int32s, field: Int32s, here: int, tie: int, ranking: Int8s) -> None:
    """As ``pibt.rank_by_distance``, on a graph."""
    keys = np.empty(5, dtype=np.int64)
    for move in range(5):
        after = step[here, move]
        left = np.int64(field[after]) if after >= 0 else np.int64(1) << 40
        keys[move] = left * 16 + (8 if move == 0 else 0) + (move - tie) % 5
    order_moves(keys, ranking)


@njit(cache=True)
def _rank_all(step: Int32s, fields: Int32s, where: Int32s, ties: Int64s, rankings: Int8s) -> None:
    for i in range(len(where)):
        _rank(step, fields[i], where[i], ties[i], rankings[i])


@njit(cache=True)
def _two_steps(step: Int32s) -> Int32s:
    """The other nodes within two steps of each node, int32[nodes, 12], -1 where there are fewer."""
    near = np.full((len(step), 12), -1, dtype=np.int32)
    for here in range(len(step)):
        count = 0
        for first in range(1, 5):
            for second in range(5):
                node = step[step[here, first], second] if step[here, first] >= 0 else -1
                if node >= 0 and node != here and not np.any(near[here, :count] == node):
                    near[here, count] = node
                    count += 1
    return near


@njit(cache=True)
def _involved(i: int, where: Int32s, near: Int32s, at: Int32s, place: Int32s, mark: Int32s, found: Int64s) -> int:
    """As ``hearing.involved`` of those whom robot i hears; writes them into ``found`` and returns how many they are."""
    found[0], mark[i] = i, i
    count, done = 1, 0
    row, column = place[where[i], 0], place[where[i], 1]
    while done < count:
        here = where[found[done]]
        done += 1
        for k in range(12):
            node = near[here, k]
            if node < 0:
                break
            other = at[node]
            if other >= 0 and mark[other] != i:
                mark[other] = i  # also if it is too far: then it is never near enough
                if max(abs(place[node, 0] - row), abs(place[node, 1] - column)) <= RADIUS:
                    found[count] = other
                    count += 1
    return count


@njit(cache=True)
def _by_rank(found: Int64s, count: int, rank: Int64s) -> None:
    """Sort the first robots by their ranks; they are few."""
    for k in range(1, count):
        robot, place = found[k], k
        while place > 0 and rank[found[place - 1]] > rank[robot]:
            found[place] = found[place - 1]
            place -= 1
        found[place] = robot


@njit(cache=True)
def _inherit(
    cells: Int64s, free: Flags, step: Int32s, near: Int32s, place: Int32s, where: Int32s, rankings: Int8s,
    keys: Int64s, at: Int32s, work: Int32s,
) -> Int64s:  # fmt: skip
    """Each robot's own move, int64[n], of priority inheritance among those that it hears.

    Everyone is settled in the one set of arrays, by the number that it has in the team: 10,000 small copies cost more
    than what is done with them.
    """
    n, occupant, reserved = len(where), work[0], work[1]
    rank, here = np.empty(n, dtype=np.int64), cells[where]
    rank[np.argsort(-keys)] = np.arange(n)
    target, root, tried = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int8)
    mark, found, stack = np.full(n, -1, dtype=np.int32), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    moves = np.empty(n, dtype=np.int64)
    for i in range(n):
        at[where[i]] = i
    for i in range(n):
        count = _involved(i, where, near, at, place, mark, found)
        _by_rank(found, count, rank)
        for k in range(count):
            occupant[here[found[k]]] = found[k]
        for k in range(count):
            robot = found[k]
            if target[i] >= 0:
                break
            if target[robot] < 0:
                stack[0] = robot
                settle(stack, tried, here, rankings, free, target, root, occupant, reserved, True)
        moves[i] = move_to(step, cells, where[i], target[i])
        for k in range(count):
            robot = found[k]
            occupant[here[robot]] = reserved[here[robot]] = -1
            if target[robot] >= 0:
                reserved[target[robot]] = -1
            target[robot], tried[robot] = -1, 0
    for i in range(n):
        at[where[i]] = -1
    return moves


class _ShortestPaths:
    """Robots that rank their moves by the way left.

    Args:
        graph: The map.
        robots: Number of robots.
    """

    def __init__(self, graph: GridGraph, robots: int) -> None:
        self.graph = graph
        self.where, self.rankings = np.zeros(robots, dtype=np.int32), np.zeros((robots, 5), dtype=np.int8)
        self.ticks = np.zeros(robots, dtype=np.int64)
        self._fields = np.zeros((robots, graph.nodes), dtype=np.int32)
        self._goals, self._search = np.full(robots, -2, dtype=np.int64), scratch(graph.nodes)
        self._even = np.zeros((graph.nodes, 5), dtype=np.float32)

    def rank(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Flags:
        """Rank everyone's moves; returns who has a goal. One without would like to stay."""
        node = self.graph.node
        self.where[:] = node[cells[:, 0], cells[:, 1]]
        busy = goals[:, 0] >= 0
        wanted = np.where(busy, node[goals[:, 0], goals[:, 1]], self.where)
        for i in np.flatnonzero(wanted != self._goals).tolist():
            cost_field(self.graph.step, self._even, 0.0, int(wanted[i]), self._fields[i], self._search)
        self._goals[:] = wanted
        self.ticks = np.where(fresh, 1, self.ticks + 1)
        ties = (np.arange(len(cells)) * 7 + self.ticks * 3) % 5
        _rank_all(self.graph.step, self._fields, self.where, ties, self.rankings)
        return busy


class AstarTeam(_ShortestPaths):
    """Every robot follows a shortest path as if it were alone; the rules of the world revert what is in conflict."""

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """The moves int64[n]; arguments as those of ``GuidedTeam.moves``."""
        self.rank(cells, goals, fresh)
        return self.rankings[:, 0].astype(np.int64)


class PibtTeam(_ShortestPaths):
    """Every robot works out priority inheritance for those within hearing; who has driven longest goes first."""

    def __init__(self, graph: GridGraph, robots: int) -> None:
        super().__init__(graph, robots)
        self._near = _two_steps(graph.step)
        self._place = np.column_stack(np.divmod(graph.cells, graph.columns)).astype(np.int32)
        self._at = np.full(graph.nodes, -1, dtype=np.int32)
        self._work = np.full((2, graph.free.size), -1, dtype=np.int32)
        self._own = np.array([priority_key(0, robot) for robot in range(robots)])

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """The moves int64[n]; arguments as those of ``GuidedTeam.moves``."""
        busy, graph = self.rank(cells, goals, fresh), self.graph
        keys = np.where(busy, self.ticks, -1) * (priority_key(1, 0) - priority_key(0, 0)) + self._own
        moves: Int64s = _inherit(
            graph.cells, graph.free, graph.step, self._near, self._place, self.where, self.rankings, keys, self._at,
            self._work,
        )  # fmt: skip
        return moves
