"""The `guided` planner of one robot, as it runs on that robot alone.

In a tick every robot tells (`tell`), answers what it has heard (`answer`), and moves (`decide`). It knows the map, its
own goal, who is in the cells that it sees, and what robots within `RADIUS` cells tell it; an answer relays what
was heard in the first round. What a robot hears is kept in the rows after its own, so that it runs the very kernels
that `GuidedTeam` runs for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.planning.cost_field import scratch
from swarm.planning.grid_graph import GridGraph
from swarm.planning.guided_kernels import begin, decide, is_late, keep, look, make_minds, plan
from swarm.planning.guided_messages import Answer, Told, moves_of
from swarm.planning.guided_team import expected, set_goal
from swarm.planning.hearing import visible_cells
from swarm.planning.pibt import IDS
from swarm.planning.traffic import expected_against
from swarm.planning.window import ENDED, STEPS, make_room

Cell = tuple[int, int]


class GuidedPlanner:
    """One robot's mind.

    Args:
        graph: The map.
        robot_id: Identity, 0 to 1,048,575.
        against: Expected traffic; worked out from the map if not given.
    """

    def __init__(self, graph: GridGraph, robot_id: int, against: NDArray[np.float32] | None = None) -> None:
        if not 0 <= robot_id < IDS:
            raise InputError("robot_id", robot_id, f"an integer from 0 to {IDS - 1}")
        self.graph, self.robot_id = graph, robot_id
        self.against = expected_against(graph) if against is None else against
        self._mind = make_minds(np.array([robot_id]))
        self._field = np.zeros(graph.nodes, dtype=np.int32)
        self._goal: Cell | None = None
        self._room, self._search = make_room(graph.nodes), scratch(graph.nodes)
        self._visible = visible_cells(graph.node)
        self._at = np.full(graph.nodes, -1, dtype=np.int32)
        self._work = np.full((2, graph.free.size), -1, dtype=np.int32)
        self._last: list[Told] = []  # The windows heard in the tick before.
        self._heard: list[Told] = []
        self._tick = 0

    def _node(self, cell: Cell) -> int:
        rows, columns = self.graph.free.shape
        if not (0 <= cell[0] < rows and 0 <= cell[1] < columns and self.graph.free[cell]):
            raise InputError("cell", cell, f"a free cell of the map of {rows} × {columns}")
        return int(self.graph.node[cell])

    def _windows(self, told: Sequence[Told]) -> NDArray[np.int32]:
        """Windows int32[k, STEPS + 1] as nodes; a move into a wall ends one."""
        windows = np.full((len(told), STEPS + 1), ENDED, dtype=np.int32)
        for row, one in enumerate(told):
            windows[row, 0] = self._node(divmod(one.cell, self.graph.columns))
            for time, move in enumerate(one.moves):
                windows[row, time + 1] = self.graph.step[windows[row, time], move]
                if windows[row, time + 1] < 0:
                    break
        return windows

    def tell(self, tick: int, cell: Cell, goal: Cell | None, fresh: bool, seen: Iterable[Cell]) -> Told:
        """The first round.

        Args:
            tick: The same for all robots.
            cell: Where it is (row, column).
            goal: Where it has to go; None: nowhere, it makes way.
            fresh: Whether the goal is new, even if it is the same cell again.
            seen: Cells within `RADIUS` where other robots are.

        Raises:
            InputError: If a cell is a wall or outside of the map.
        """
        self._tick, mind, here = tick, self._mind, self._node(cell)
        others = [self._node(one) for one in seen]
        mind.cell[0] = here
        look(mind, 0, len(others), self._visible[here])
        if goal != self._goal or fresh:
            self._goal = goal
            set_goal(
                self.graph, self.against, mind, 0, -1 if goal is None else self._node(goal), self._field, self._search
            )
        kept = begin(mind, 0, tick, self._field[here])
        if kept and is_late(mind, 0, tick):
            keep(self.graph.step, self._field, mind, 0, tick, mind.told[0], mind.first[0])
        else:
            self._at[[*others, here]] = 0
            windows = self._windows(self._last)
            rows = np.arange(len(windows), dtype=np.int32)
            rows = expected(self.graph.cells, self.graph.columns, here, windows, rows, self._at)
            self._at[[*others, here]] = -1
            self._plan(windows, rows, 1, mind.told[0], mind.first[0])
        return self._say(mind.told[0], mind.first[0])

    def answer(self, heard: Iterable[Told]) -> Answer:
        """The second round, from what the robots within `RADIUS` have told in the first."""
        self._heard, mind = sorted(heard, key=lambda told: told.cell), self._mind
        mind.ranking[0] = mind.first[0]
        if not is_late(mind, 0, self._tick):
            mind.window[0] = mind.told[0]
        else:
            windows = self._windows(self._heard)
            self._plan(windows, np.arange(len(windows), dtype=np.int32), 0, mind.window[0], mind.ranking[0])
        relay = (Told(told.cell, told.key, told.ranking, ()) for told in self._heard)
        return Answer(self._say(mind.window[0], mind.ranking[0]), tuple(relay))

    def decide(self, answers: Iterable[Answer]) -> int:
        """Its move (0 to 4), from the answers of those within `RADIUS`."""
        answers = sorted(answers, key=lambda answer: answer.own.cell)
        near = {answer.own.robot_id: answer.own for answer in answers}
        told_of = {
            told.robot_id: told for answer in answers for told in answer.heard
            if told.robot_id not in near and told.robot_id != self.robot_id
        }  # fmt: skip
        self._last = list(near.values())
        rows = [*near.values(), *told_of.values()]
        team = make_minds(np.array([self.robot_id, *near, *told_of]))
        team.cell[0], team.key[0] = self._mind.cell[0], self._mind.key[0]
        team.ranking[0] = self._mind.ranking[0]
        for row, told in enumerate(rows, start=1):
            team.cell[row] = self._node(divmod(told.cell, self.graph.columns))
            team.key[row], team.ranking[row], team.first[row] = told.key, told.ranking, told.ranking
        split = 1 + len(near)
        order = np.arange(len(rows) + 1, dtype=np.int32)
        graph = self.graph
        return int(
            decide(
                graph.step, graph.cells, graph.free, team, 0, order[1:split], order[split:], self._at, self._work
            )
        )

    def _plan(
        self, windows: NDArray[np.int32], rows: NDArray[np.int32], later: int, window: NDArray[np.int32],
        ranking: NDArray[np.int8],
    ) -> None:  # fmt: skip
        plan(
            self.graph.step, self._field, self.against, self._mind, 0, self._tick, windows, rows, later, self._room,
            window, ranking,
        )  # fmt: skip

    def _say(self, window: NDArray[np.int32], ranking: NDArray[np.int8]) -> Told:
        cells = [int(self.graph.cells[node]) if node >= 0 else ENDED for node in window]
        moves = moves_of(cells, self.graph.columns)
        return Told(cells[0], int(self._mind.key[0]), tuple(ranking.tolist()), moves)
