"""The ``guided`` planner of one robot, as it runs on that robot alone.

In a tick every robot tells (``tell``), answers what it has heard (``answer``), and moves (``decide``). It knows the
map, its own goal, who is in the cells that it sees, and what robots within ``RADIUS`` cells tell it; an answer relays
what was heard in the first round. What a robot hears is kept in the rows after its own, so that it runs the very
kernels that ``GuidedTeam`` runs for all.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from swarm.array_types import Float32s, Int8s, Int32s
from swarm.errors import InputError
from swarm.planning.graph.cost_field import scratch
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.graph.traffic import expected_against
from swarm.planning.guided.decode import hear_answers, hear_messages
from swarm.planning.guided.joint_plan import advance
from swarm.planning.guided.joint_search import HORIZON, make_search
from swarm.planning.guided.kernels import RULES, begin, decide, keep, look, make_minds, plan, reconsider
from swarm.planning.guided.messages import MEMBER, Answer, GuidedMessage, decode_answer, moves_of, pack_moves
from swarm.planning.guided.team import expected, set_goal
from swarm.planning.guided.window import ENDED, make_room
from swarm.planning.pibt.hearing import RADIUS, visible_cells
from swarm.planning.pibt.priority_inheritance import IDS

Cell = tuple[int, int]
_KNOWN = (4 * RADIUS + 1) ** 2 - 1  # Most robots that it hears, or is told of.


class GuidedPlanner:
    """One robot's mind.

    Args:
        graph: The map.
        robot_id: Identity, 0 to 1,048,575.
        against: Expected traffic; worked out from the map if not given.
    """

    def __init__(self, graph: GridGraph, robot_id: int, against: Float32s | None = None) -> None:
        if not 0 <= robot_id < IDS:
            raise InputError("robot_id", robot_id, f"an integer from 0 to {IDS - 1}")
        self.graph, self.robot_id = graph, robot_id
        self.against = expected_against(graph) if against is None else against
        self._states = make_minds(np.full(1 + _KNOWN, robot_id), RULES)
        self._field = np.zeros(graph.nodes, dtype=np.int32)
        self._goal: Cell | None = None
        self._room, self._search, self._joint = make_room(graph.nodes), scratch(graph.nodes), make_search(graph.nodes)
        self._visible = visible_cells(graph.node)
        self._at = np.full(graph.nodes, -1, dtype=np.int32)
        self._work = np.full((2, graph.free.size), -1, dtype=np.int32)
        self._near = np.empty(0, dtype=np.int32)  # Rows of those that it has heard last.
        self._tick = 0

    def _node(self, cell: Cell) -> int:
        rows, columns = self.graph.free.shape
        if not (0 <= cell[0] < rows and 0 <= cell[1] < columns and self.graph.free[cell]):
            raise InputError("cell", cell, f"a free cell of the map of {rows} × {columns}")
        return int(self.graph.node[cell])

    def _walk(self, cell: int, moves: Iterable[int], nodes: Int32s) -> None:
        """Write the nodes on a way; it ends with the moves, or at a wall."""
        nodes[:] = ENDED
        here = nodes[0] = self._node(divmod(cell, self.graph.columns))
        for time, move in enumerate(moves):
            here = self.graph.step[here, move]
            if here < 0:
                break
            nodes[time + 1] = here

    def _hear_plan(self, row: int, answer: Answer) -> None:
        """Keep the plan of another robot's answer, if it leads into no wall."""
        plans = self._states.plans
        cells = {told.robot_id: told.cell for told in (answer.own, *answer.heard)}
        plans.members[row], plans.path[row] = -1, ENDED
        for k, (robot_id, moves) in enumerate(answer.plan):
            plans.members[row, k] = robot_id
            self._walk(cells[robot_id], moves, plans.path[row, k])
            if plans.path[row, k, len(moves)] < 0:
                return
        plans.leader[row], plans.steps[row], plans.now[row] = answer.own.robot_id, len(answer.plan[0][1]), 0
        plans.fresh[row] = True

    def tell(self, tick: int, cell: Cell, goal: Cell | None, fresh: bool, seen: Iterable[Cell]) -> bytes:
        """The first round: what it tells (``guided_messages.GuidedMessage``).

        Args:
            tick: The same for all robots.
            cell: Where it is (row, column).
            goal: Where it has to go; None: nowhere, it makes way.
            fresh: Whether the goal is new, even if it is the same cell again.
            seen: Cells within ``RADIUS`` where other robots are.

        Raises:
            InputError: If a cell is a wall or outside of the map.
        """
        self._tick, states, here = tick, self._states, self._node(cell)
        others = [self._node(one) for one in seen]
        states.cell[0] = here
        look(states, 0, len(others), self._visible[here])
        if goal != self._goal or fresh:
            self._goal = goal
            node = -1 if goal is None else self._node(goal)
            set_goal(self.graph, self.against, states, 0, node, self._field, self._search)
        if begin(states, 0, tick, self._field[here]):
            keep(self.graph.step, self._field, states, 0, tick, states.told[0], states.first[0])
        else:
            self._at[[*others, here]] = 0
            rows = expected(self.graph.cells, self.graph.columns, here, states.window, self._near, self._at)
            self._at[[*others, here]] = -1
            plan(
                self.graph.step, self._field, self.against, states, 0, tick, states.window, rows, 1, self._room,
                states.told[0], states.first[0],
            )  # fmt: skip
        return self._say(states.told[0], states.first[0]).encode()

    def answer(self, heard: Iterable[bytes]) -> bytes:
        """The second round: what it answers (``guided_messages.Answer``) to what it was told from within ``RADIUS``.

        Raises:
            InputError: If a message is not one of a robot on this map.
        """
        states, graph = self._states, self.graph
        count, entries = hear_messages(heard, graph, states)
        near = np.arange(1, count + 1, dtype=np.int32)
        reconsider(graph.step, self._field, self.against, states, 0, self._tick, near, self._room, self._joint)
        own = self._say(states.window[0], states.ranking[0])
        return own.encode() + bytes([count]) + entries.tobytes() + self._say_plan()

    def decide(self, answers: Iterable[bytes]) -> int:
        """Its move (0 to 4), from the answers of those within ``RADIUS``.

        Raises:
            InputError: If a message is not one of a robot on this map.
        """
        states, graph = self._states, self.graph
        near, count, plans = hear_answers(answers, graph, states, self._at)
        for row, data in plans:
            self._hear_plan(row, decode_answer(data, graph.columns))
        order = np.arange(count, dtype=np.int32)
        self._near, relayed = order[1 : len(near) + 1], order[len(near) + 1 :]
        move = decide(graph.step, graph.cells, graph.free, states, 0, self._near, relayed, self._at, self._work)
        advance(states.plans, 0, self._near, self.robot_id)
        return int(move)

    def _moves(self, nodes: Int32s) -> tuple[int, ...]:
        cells = [int(self.graph.cells[node]) if node >= 0 else ENDED for node in nodes]
        return moves_of(cells, self.graph.columns)

    def _say(self, window: Int32s, ranking: Int8s) -> GuidedMessage:
        states, cells = self._states, self.graph.cells
        goal = int(cells[states.goal[0]]) if states.goal[0] >= 0 else -1
        return GuidedMessage(
            int(cells[window[0]]), int(states.key[0]), tuple(ranking.tolist()), self._moves(window), goal,
            bool(states.stuck[0]),
        )  # fmt: skip

    def _say_plan(self) -> bytes:
        plans, parts = self._states.plans, []
        if plans.fresh[0]:
            members = [int(robot_id) for robot_id in plans.members[0] if robot_id >= 0]
            for k, robot_id in enumerate(members):
                parts.append(MEMBER.pack(robot_id, pack_moves(self._moves(plans.path[0, k]), HORIZON)))
        return b"".join(parts)
