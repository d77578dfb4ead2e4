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
from swarm.planning.graph.cost_field import scratch
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.graph.traffic import expected_against
from swarm.planning.guided.decode import hear_answers, hear_messages
from swarm.planning.guided.joint_plan import advance
from swarm.planning.guided.joint_search import HORIZON, make_search
from swarm.planning.guided.kernels import RULES, decide, look, make_minds, reconsider
from swarm.planning.guided.messages import MEMBER, GuidedMessage, moves_of, pack_moves
from swarm.planning.guided.team import set_goal, tell
from swarm.planning.guided.window import ENDED, make_room
from swarm.planning.pibt.hearing import RADIUS, two_steps, visible_cells
from swarm.planning.pibt.priority_inheritance import check_robot_id

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
        self.graph, self.robot_id = graph, check_robot_id(robot_id)
        self.against = expected_against(graph) if against is None else against
        self._states = make_minds(np.full(1 + _KNOWN, robot_id), RULES)
        self._field = np.zeros(graph.nodes, dtype=np.int32)
        self._goal: Cell | None = None
        self._room, self._search, self._joint = make_room(graph.nodes), scratch(graph.nodes), make_search(graph.nodes)
        self._visible = visible_cells(graph.node)
        self._at = np.full(graph.nodes, -1, dtype=np.int32)
        self._two = two_steps(graph.step)
        self._work = np.full((2, graph.free.size), -1, dtype=np.int32)
        self._near = np.empty(0, dtype=np.int32)  # Rows of those that it has heard last.
        self._tick = 0

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
        self._tick, states, graph, here = tick, self._states, self.graph, self.graph.node_at(cell)
        others = [graph.node_at(one) for one in seen]
        states.cell[0] = here
        look(states, 0, len(others), self._visible[here])
        if goal != self._goal or fresh:
            self._goal = goal
            node = -1 if goal is None else graph.node_at(goal)
            set_goal(graph, self.against, states, 0, node, self._field, self._search)
        self._at[[*others, here]] = 0
        tell(
            graph.cells, graph.columns, graph.step, self._field, self.against, states, 0, tick, states.window,
            self._near, self._at, self._room,
        )  # fmt: skip
        self._at[[*others, here]] = -1
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
        near, count = hear_answers(answers, graph, states, self._at)
        order = np.arange(count, dtype=np.int32)
        self._near, relayed = order[1 : near + 1], order[near + 1 :]
        move = decide(
            graph.step, self._two, graph.place, graph.free, states, 0, self._near, relayed, self._at, self._work
        )
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
