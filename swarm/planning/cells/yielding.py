"""Manners: who makes way where priority inheritance alone would wait for ever, in dead ends and for idle robots.

Priority inheritance promises that robots arrive only where every two neighbouring cells are on a ring (Okumura and
others 2022, Theorem 1). In a dead end a robot that wants in can only push the one that wants out deeper. So it makes
way: for as long as they meet it takes the lowest priority, and the one inside pushes it out.
"""

from __future__ import annotations

from collections.abc import Mapping

from swarm.array_types import Array
from swarm.planning.cells.cell_map import CellMap
from swarm.sense.intent import Intent, Ranking


class Manners:
    """Whom one robot makes way for.

    Args:
        cell_map: The map.
        sight: Most steps into a dead end at which another robot can be heard.
        patience: Ticks after which it stops making way, whatever the other does.
    """

    def __init__(self, cell_map: CellMap, sight: int, patience: int) -> None:
        self._map = cell_map
        self._sight, self._patience = sight, patience
        self._yields_to: dict[int, int] = {}

    def forget(self) -> None:
        """Make way for nobody."""
        self._yields_to.clear()

    @property
    def yields(self) -> bool:
        """Whether this robot makes way for anybody."""
        return bool(self._yields_to)

    def update(self, field: Array, head: int, heard: Mapping[int, Intent], tick: int) -> None:
        """Notice who wants out of a dead end that this robot wants into, and who is out of its way again.

        Args:
            field: Cost of the way to its goal [steps], float64[cells].
            head: Its head.
            heard: What the others said.
            tick: Now.
        """
        entrance = self._map.next_cells(field, head, 1)[0]
        if self._yields_to:
            ahead = self._map.next_cells(field, head, 4)
            for robot, since in list(self._yields_to.items()):
                if tick - since > self._patience or self._is_past(heard.get(robot), ahead):
                    del self._yields_to[robot]
        if self._map.parent[entrance] != head:
            return
        for robot, other in heard.items():
            if other.leaving and robot not in self._yields_to and self._inside(other, entrance):
                self._yields_to[robot] = tick

    def _inside(self, other: Intent, entrance: int) -> bool:
        return self._map.in_branch(other.held[-1], entrance, self._sight)

    def _is_past(self, other: Intent | None, ahead: list[int]) -> bool:
        """Whether another robot no longer needs this one to make way: not only has it stepped back once."""
        if other is None:
            return True
        is_idle = other.priority < 0
        if is_idle and not other.leaving:
            return True
        return not any(cell in ahead for cell in other.held) and not self._inside(other, ahead[0])


def idle_ranking(cell_map: CellMap, head: int, heard: Mapping[int, Intent]) -> Ranking:
    """The moves of a robot without a goal, most preferred first.

    It stays; it makes way to the side rather than along the way of the one that comes; and it leaves a dead end that
    somebody wants into and where nobody can step aside.
    """
    wanted = any(head in other.window for other in heard.values())
    recovery = int(cell_map.parent[head]) if wanted and cell_map.without_fork[head] else -1
    costs = []
    for move in range(5):
        cell = cell_map.after(head, move)
        in_the_way = sum(cell in other.window for other in heard.values()) if move else 0
        leaves = move > 0 and 0 <= recovery == cell
        costs.append((-1 if leaves else int(move > 0) + in_the_way, move))
    a, b, c, d, e = (move for _, move in sorted(costs))
    return a, b, c, d, e
