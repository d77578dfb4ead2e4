"""Followers: robots that plan a path around congestion, and let a network rank their moves for priority inheritance.

Source: Skrynnik et al., "Learn to follow", AAAI 2024, for costs, path and reward; the moves are made free of conflict
by priority inheritance (``pibt``). In each step there are two rounds of messages between robots within ``REACH`` cells:
in the first a robot tells its cell, its ranking of the moves, its priority, and the next two cells of its path (the
others look at these in the step after); in the second it passes on the first three of everyone that it heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from swarm.array_types import AnyArray, Flags, Float32s, Int8s, Int64s
from swarm.errors import InputError
from swarm.planning.follower import kernels
from swarm.planning.follower import view as follower_view
from swarm.planning.follower.costs import static_costs
from swarm.planning.follower.view import CHANNELS, LEAST, LENGTH, OWN, REACH, WINDOW
from swarm.planning.pibt.priority_inheritance import IDS, own_moves

SEEN_BITS = 13
"""A robot remembers at most so many cells (2 to this power) in which it has seen others."""


_REMEMBERED = ("seen", "held", "memory", "_fields", "_way", "_cell", "priority", "view", "own")


class Ranker(Protocol):
    """A network that scores moves; ``temperature`` times Gumbel noise is added to its scores."""

    temperature: float

    def __call__(self, view: Float32s, own: Float32s) -> Float32s:
        """Scores float32[n, 5] of the moves stay, forward, back, left, right in the frames of n robots.

        Args:
            view: float32[n, CHANNELS, WINDOW, WINDOW], see ``follower_view``.
            own: float32[n, OWN].
        """
        ...


class Before(NamedTuple):
    """What n robots told in the step before.

    Attributes:
        cell: int64[n], flat, -1 for those that told nothing.
        priority: int64[n].
        told: int64[n, 2], the next two cells on their paths.
    """

    cell: Int64s
    priority: Int64s
    told: Int64s


class FollowerMap:
    """What all robots know of a map: its walls, with a border, and the static cost of its cells.

    Args:
        free: Where robots may be, bool[rows, columns].
    """

    def __init__(self, free: Flags) -> None:
        self.free = np.pad(np.asarray(free, bool), REACH)
        self.width = self.free.shape[1]
        self.static = static_costs(~self.free.reshape(-1), self.width)

    def flat(self, cells: Int64s) -> Int64s:
        """Flat cells with the border, int64[n], of cells int64[n, 2]; -1 where the row is negative."""
        index: Int64s = (cells[:, 0] + REACH) * self.width + cells[:, 1] + REACH
        index[cells[:, 0] < 0] = -1
        return index

    def cells(self, flat: Int64s) -> Int64s:
        """Cells int64[n, 2] of flat ones."""
        row, column = np.divmod(flat, self.width)
        return np.stack([row - REACH, column - REACH], axis=1)


class Followers:
    """Robots on one map, and what each of them remembers; one robot is a team of one.

    Memory: 4 bytes a robot and cell for the field of its goal, and at most 32 KiB a robot for what it has seen.

    Args:
        ground: The map.
        ids: Identities of the robots, int64[count], 0 to 1,048,575.

    Attributes:
        view: float32[count, CHANNELS, WINDOW, WINDOW], see ``follower_view``.
        own: float32[count, OWN].
        priority: int64[n]; who is nearer to its goal goes first.
    """

    def __init__(self, ground: FollowerMap, ids: Int64s) -> None:
        if len(ids) < 1 or ids.min() < 0 or ids.max() >= IDS:
            raise InputError("ids", ids.tolist(), f"one or more, from 0 to {IDS - 1}")
        self.ground, self.ids, self.count = ground, ids, len(ids)
        cells = ground.free.size
        self.bits = min(SEEN_BITS, (cells - 1).bit_length())
        self.seen = np.zeros((self.count, 1 << self.bits), np.int32)
        self.held, self.memory = np.full(self.count, -1, np.int64), np.zeros((self.count, 2))
        self._fields = np.empty((self.count, cells), np.float32)
        self._way = np.empty((self.count, LENGTH), np.int32)
        self.view = np.zeros((self.count, CHANNELS, WINDOW, WINDOW), np.float32)
        self.own = np.zeros((self.count, OWN), np.float32)
        self._robot_at, self.work = np.full(cells, -1, np.int32), np.full((2, cells), -1, np.int32)
        self._search = (
            np.empty(cells), np.zeros(cells, np.int32), np.empty(cells, np.int32), np.empty(4 * cells + 8),
            np.empty(4 * cells + 8, np.int64),
        )  # fmt: skip
        self._searches = 0
        self._cell, self.priority = np.empty(0, np.int64), np.empty(0, np.int64)

    def plan(self, cells: Int64s, goals: Int64s, before: Before | None = None) -> None:
        """Look around, plan the paths of this step, and observe.

        Args:
            cells: int64[n, 2] (row, column), the team's robots first, then others that they see.
            goals: int64[count, 2], a negative row without one.
            before: What all n told in the step before; by default what this team did.
        """
        if before is None:
            before = self.before()
        self._robot_at[self._cell] = -1
        self._cell = self.ground.flat(cells)
        self._robot_at[self._cell] = np.arange(len(cells))
        if self._searches > 1 << 29:  # marks are 32 bits wide
            self._search[1][:] = 0
            self._searches = 0
        self.priority = np.empty(len(cells), np.int64)
        self._searches = kernels.plan_ways(
            self.count, self._cell, self.ground.flat(goals), self.ids, self._robot_at, self.ground.static,
            self.ground.width, self._fields, self.seen, self.bits, self.held, self.memory, *self._search,
            self._searches, self._way, self.priority,
        )  # fmt: skip
        expected = np.empty(len(cells), np.int64)
        follower_view.expect(self._cell, before.cell, before.told, expected)
        follower_view.observe(
            self.count, self._cell, before.cell, expected, before.priority, self._robot_at, self.ground.static,
            self.ground.width, self._fields, self.held, self.memory, self._way, self.view, self.own,
        )  # fmt: skip

    def before(self) -> Before:
        """What the team's robots told in the last step; nothing if there was none."""
        if len(self._cell) < self.count:
            nothing = np.full(self.count, -1, np.int64)
            return Before(nothing, nothing, np.stack([nothing, nothing], axis=1))
        own = slice(self.count)
        return Before(self._cell[own].copy(), self.priority[own].copy(), self.told())

    def turned(self, ranking: Int8s) -> Int8s:
        """Rankings int8[count, 5] of the map's moves from those of the robots' frames; who has no way stays."""
        result = ranking.copy()
        follower_view.to_map(self._cell, self._way, self.ground.width, result)
        return result

    def decide(self, ranking: Int8s) -> Int64s:
        """Moves int64[count] of a whole team, from rankings of the map's moves (see ``turned``)."""
        ground = self.ground
        groups = kernels.knowing(self._cell, ground.free.shape, self.work[0])
        moves: Int64s = own_moves(*groups, self._cell, ranking, self.priority, ground.free, self.work)
        return moves

    def told(self) -> Int64s:
        """The next two cells on the paths, flat, int64[count, 2]."""
        return self._way[:, 1:3].astype(np.int64)

    def next_cells(self) -> Int64s:
        """Where the paths of this step lead to next, int64[count, 2]."""
        return self.ground.cells(self.told()[:, 0])

    def nearer(self) -> Flags:
        """Whether the next cell on the path is nearer to the goal than the robot has been since it was new."""
        left = np.take_along_axis(self._fields, self.told()[:, :1], axis=1)[:, 0]
        return (self.held >= 0) & (left < self.memory[:, LEAST])

    def state_dict(self) -> dict[str, AnyArray]:
        """Copies of what the team remembers."""
        return {name: getattr(self, name).copy() for name in _REMEMBERED}

    def load_state_dict(self, saved: Mapping[str, AnyArray]) -> None:
        """Go on from a ``state_dict`` of such a team on the same map."""
        self._robot_at[self._cell] = -1
        for name in _REMEMBERED:
            setattr(self, name, saved[name].copy())
        self._robot_at[self._cell] = np.arange(len(self._cell))

    def forget(self, robots: Int64s) -> None:
        """These robots have a new goal, even if it should be the same cell as the last one."""
        self.held[robots] = -1


def gumbel(ids: Int64s, tick: int) -> Float32s:
    """Standard Gumbel noise float32[n, 5] of robots with these identities in one step, the same for a robot alone."""
    return kernels.gumbel_noise(ids, tick)


def rank(scores: Float32s, noise: Float32s | None = None) -> Int8s:
    """Moves in the order of their scores, best first: int8[n, 5] from float32[n, 5].

    With standard Gumbel noise the rankings are samples without replacement from the softmax of the scores.
    """
    return np.argsort(-(scores if noise is None else scores + noise), axis=1, kind="stable").astype(np.int8)
