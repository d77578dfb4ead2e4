"""All robots of a team that follow shortest paths: with priority inheritance (``pibt``), or alone (``astar``).

A robot alone (``swarm.planning.pibt.robot``) is a team of one, and has in the rows after its own whom it hears.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int8s, Int32s, Int64s
from swarm.planning.graph.cost_field import cost_field, scratch
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.pibt.hearing import RADIUS, involved, two_steps
from swarm.planning.pibt.priority_inheritance import order_key, own_moves, rank_by_way


@njit(cache=True)
def _rank_all(step: Int32s, fields: Int32s, where: Int32s, ties: Int64s, rankings: Int8s) -> None:
    """Everyone's moves by the way left; walls come last."""
    left = np.empty(5, dtype=np.int64)
    for i in range(len(where)):
        for move in range(5):
            after = step[where[i], move]
            left[move] = np.int64(fields[i, after]) if after >= 0 else np.int64(1) << 40
        rank_by_way(left, ties[i], rankings[i])


@njit(cache=True)
def _groups(where: Int32s, near: Int32s, place: Int32s, at: Int32s) -> tuple[Int64s, Int64s]:
    """Whom each robot hears and has to mind, as ``own_moves`` takes them; ``at`` is int32[nodes] full of -1."""
    n = len(where)
    first, groups = np.zeros(n + 1, dtype=np.int64), np.empty(16 * n, dtype=np.int64)
    for i in range(n):
        at[where[i]] = i
    for i in range(n):
        if len(groups) < first[i] + n:
            groups = np.concatenate((groups, np.empty_like(groups)))
        first[i + 1] = first[i] + involved(i, where, near, place, RADIUS, at, groups[first[i] :])
    for i in range(n):
        at[where[i]] = -1
    return first, groups


class ShortestPaths:
    """Robots that rank their moves by the way left.

    Args:
        graph: The map.
        ids: Identities of the robots, int64[n].
    """

    def __init__(self, graph: GridGraph, ids: Int64s) -> None:
        robots = len(ids)
        self.graph, self.ids = graph, ids
        self.where, self.rankings = np.zeros(robots, dtype=np.int32), np.zeros((robots, 5), dtype=np.int8)
        self.ticks = np.zeros(robots, dtype=np.int64)
        self._fields = np.zeros((robots, graph.nodes), dtype=np.int32)
        self._goals, self._search = np.full(robots, -2, dtype=np.int64), scratch(graph.nodes)
        self._even = np.zeros((graph.nodes, 5), dtype=np.float32)

    def rank(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """Rank everyone's moves; returns the priorities int64[n]: who has driven longest goes first.

        A robot without a goal would like to stay, and makes way for everyone. Arguments as of ``GuidedTeam.moves``.
        """
        node = self.graph.node
        self.where[:] = node[cells[:, 0], cells[:, 1]]
        busy = goals[:, 0] >= 0
        wanted = np.where(busy, node[goals[:, 0], goals[:, 1]], self.where)
        for i in np.flatnonzero(wanted != self._goals).tolist():
            cost_field(self.graph.step, self._even, 0.0, int(wanted[i]), self._fields[i], self._search)
        self._goals[:] = wanted
        self.ticks = np.where(fresh, 1, self.ticks + 1)
        ties = (self.ids * 7 + self.ticks * 3) % 5
        _rank_all(self.graph.step, self._fields, self.where, ties, self.rankings)
        return order_key(np.where(busy, self.ticks, -1), self.ids)


class AstarTeam:
    """Every robot follows a shortest path as if it were alone; the rules of the world revert what is in conflict."""

    def __init__(self, graph: GridGraph, robots: int) -> None:
        self._paths = ShortestPaths(graph, np.arange(robots))

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """The moves int64[n]; arguments as those of ``GuidedTeam.moves``."""
        self._paths.rank(cells, goals, fresh)
        return self._paths.rankings[:, 0].astype(np.int64)


class PibtTeam:
    """Every robot works out priority inheritance for those within hearing; who has driven longest goes first."""

    def __init__(self, graph: GridGraph, robots: int) -> None:
        self.graph, self._paths = graph, ShortestPaths(graph, np.arange(robots))
        self._near = two_steps(graph.step)
        self._at = np.full(graph.nodes, -1, dtype=np.int32)
        self._work = np.full((2, graph.free.size), -1, dtype=np.int32)

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """The moves int64[n]; arguments as those of ``GuidedTeam.moves``."""
        graph, paths = self.graph, self._paths
        keys = paths.rank(cells, goals, fresh)
        groups = _groups(paths.where, self._near, graph.place, self._at)
        moves: Int64s = own_moves(*groups, graph.cells[paths.where], paths.rankings, keys, graph.free, self._work)
        return moves
