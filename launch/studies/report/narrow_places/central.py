"""Whether robots can get to their goals at all: a central search for all of them at once, on cells.

The cells are the slices of passages, which hold one robot each, and the rooms between them, which hold a few. The
search is LaCAM (Okumura 2023): depth first over what stands where, each next one by priority inheritance under
constraints that are added one by one. It is complete, but for its limit.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from swarm.array_types import Array
from swarm.planning.passages.slices import slices_of
from swarm.planning.passages.team import sizes_of
from swarm.scenario.scenario import Scenario

LIMIT = 20_000
"""Most steps of a search."""
_ROOM = 2.0  # A room holds a robot for each square with a side of so many diameters.

Where = tuple[int, ...]


class Cells(NamedTuple):
    """Where robots may be.

    Attributes:
        beside: Of each cell, those that it touches.
        holds: How many robots each holds.
    """

    beside: list[list[int]]
    holds: list[int]

    def steps_to(self, goal: int) -> list[int]:
        """Steps from each cell to a goal; as many as there are cells where there is no way."""
        steps, queue = [len(self.beside)] * len(self.beside), deque([goal])
        steps[goal] = 0
        while queue:
            cell = queue.popleft()
            for other in self.beside[cell]:
                if steps[other] == len(self.beside):
                    steps[other] = steps[cell] + 1
                    queue.append(other)
        return steps


def cells_of(scenario: Scenario) -> tuple[Cells, Where, Where]:
    """The cells of a scenario, where its robots start, and where their goals are."""
    slices = slices_of(scenario.world, sizes_of(scenario))
    rooms, count = ndimage.label(slices.labels == 0)
    cells = np.where(slices.labels > 0, slices.labels, np.where(rooms > 0, slices.total + rooms, 0))
    side = 2.0 * _ROOM * max(spec.radius for spec in scenario.robots)
    areas = np.bincount(cells.ravel(), minlength=slices.total + count + 1) * slices.resolution**2
    holds = [1] * (slices.total + 1) + [max(1, int(area / side**2)) for area in areas[slices.total + 1 :]]
    beside: list[set[int]] = [set() for _ in holds]
    for one, other in ((cells[:, :-1], cells[:, 1:]), (cells[:-1], cells[1:])):
        touch = (one > 0) & (other > 0) & (one != other)
        for a, b in set(zip(one[touch].tolist(), other[touch].tolist(), strict=True)):
            beside[a].add(b)
            beside[b].add(a)

    rows, columns = np.nonzero(cells)

    def at(point: Array) -> int:
        row, column = ((point[::-1] - slices.origin[::-1]) / slices.resolution).astype(int)
        nearest = int(np.argmin((rows - row) ** 2 + (columns - column) ** 2))
        return int(cells[rows[nearest], columns[nearest]])

    starts, goals = (tuple(at(p) for p in some) for some in (
        [spec.start[:2] for spec in scenario.robots], [spec.goals[-1] for spec in scenario.robots]
    ))  # fmt: skip
    return Cells([sorted(some) for some in beside], holds), starts, goals


class _Step:
    """One step of all robots, by priority inheritance under constraints."""

    def __init__(self, cells: Cells, steps: list[list[int]], now: Where, rng: np.random.Generator) -> None:
        self._cells, self._steps, self._now, self._rng = cells, steps, now, rng
        self._after: list[int] = [-1] * len(now)

    def find(self, order: list[int], fixed: dict[int, int]) -> Where | None:
        """Where all are next; None if that does not fit. ``fixed``: where some have to be."""
        for robot, cell in fixed.items():
            self._after[robot] = cell
        for robot in order:
            if self._after[robot] < 0:
                self._place(robot)
        return tuple(self._after) if self._fits() else None

    def _fits(self) -> bool:
        full = any(self._after.count(cell) > self._cells.holds[cell] for cell in set(self._after))
        return not full and not any(self._swaps(robot, cell) for robot, cell in enumerate(self._after))

    def _swaps(self, robot: int, cell: int) -> bool:
        """Whether a robot would change places with another one that is in a cell now."""
        mine = self._now[robot]
        others = (other for other, now in enumerate(self._now) if now == cell and other != robot)
        return cell != mine and any(self._after[other] == mine for other in others)

    def _place(self, robot: int) -> bool:
        """Choose where a robot is next, and let it push others."""
        now, steps = self._now[robot], self._steps[robot]
        choice = [now, *self._cells.beside[now]]
        for cell in sorted(choice, key=lambda one: (steps[one], self._rng.random())):
            if self._after.count(cell) >= self._cells.holds[cell] or self._swaps(robot, cell):
                continue
            self._after[robot] = cell
            if self._make_room(cell):
                return True
        self._after[robot] = now
        return False

    def _make_room(self, cell: int) -> bool:
        """Move those on that are too many in a cell and have not chosen yet."""
        while True:
            waiting = [robot for robot, now in enumerate(self._now) if now == cell and self._after[robot] < 0]
            if not waiting or self._after.count(cell) + len(waiting) <= self._cells.holds[cell]:
                return True
            if not self._place(waiting[0]):
                return False


class _Node:
    """A configuration of the search, and the constraints that are still to be tried."""

    def __init__(self, order: list[int]) -> None:
        self.order = order
        self.tree: deque[dict[int, int]] = deque([{}])


def solves(cells: Cells, starts: Where, goals: Where, limit: int = LIMIT) -> bool:
    """Whether the search finds a way for all robots from their starts to their goals, in ``limit`` steps at most."""
    steps, rng = [cells.steps_to(goal) for goal in goals], np.random.default_rng(0)
    far = sorted(range(len(starts)), key=lambda robot: -steps[robot][starts[robot]])
    nodes, stack = {starts: _Node(far)}, [starts]
    for _ in range(limit):
        if not stack or stack[-1] == goals:
            return bool(stack)
        now, node = stack[-1], nodes[stack[-1]]
        if not node.tree:
            stack.pop()
            continue
        fixed = node.tree.popleft()
        if len(fixed) < len(now):
            robot = node.order[len(fixed)]
            node.tree.extend({**fixed, robot: cell} for cell in (now[robot], *cells.beside[now[robot]]))
        after = _Step(cells, steps, now, rng).find(node.order, fixed)
        if after is None:
            continue
        if after not in nodes:
            there = [after[robot] == goals[robot] for robot in range(len(after))]
            nodes[after] = _Node(sorted(node.order, key=lambda robot: there[robot]))
        stack.append(after)
    return False


def is_solvable(scenario: Scenario) -> bool:
    """Whether a central search on cells brings all robots of a scenario to their goals."""
    return solves(*cells_of(scenario))
