"""All robots of a team with the ``guided`` planner in one kernel: what each does alone, robot by robot.

The rounds of messages are loops over robots; nobody reads more than it is told. ``swarm.planning.guided.robot`` is the
same for one robot, and a test holds the two equal.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Float32s, Int32s, Int64s
from swarm.planning.graph.cost_field import cost_field, scratch
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.graph.traffic import expected_against
from swarm.planning.guided.joint_plan import advance
from swarm.planning.guided.joint_search import Search, make_search
from swarm.planning.guided.kernels import (
    RULES,
    GuidedState,
    Rules,
    begin,
    decide,
    keep,
    look,
    make_minds,
    new_goal,
    plan,
    reconsider,
)
from swarm.planning.guided.window import Room, make_room
from swarm.planning.pibt.hearing import in_sight, neighbours, relayed, two_steps, visible_cells


@njit(cache=True)
def _expected(cells: Int64s, columns: int, here: int, windows: Int32s, heard: Int32s, at: Int32s) -> Int32s:
    """Rows of the windows heard in the tick before that still hold: somebody is seen where they lead.

    Args:
        cells: Flat cell of each node.
        columns: Of the map.
        here: Node of the robot that looks.
        windows: As told in the tick before.
        heard: Rows that it has heard, int32[k].
        at: Robot at each node; only whether there is one is read, and only in sight.
    """
    found = np.empty(len(heard), dtype=np.int32)
    count = 0
    for row in heard:
        there = windows[row, 1]
        if there >= 0 and in_sight(cells, columns, here, there) and at[there] >= 0:
            found[count] = row
            count += 1
    return found[:count]


@njit(cache=True)
def tell(
    cells: Int64s, columns: int, step: Int32s, field: Int32s, against: Float32s, states: GuidedState, i: int, tick: int,
    windows: Int32s, heard: Int32s, at: Int32s, room: Room,
) -> None:  # fmt: skip
    """The first round: what robot i tells, by its own goal and the windows that it has heard in the tick before.

    Args:
        cells: Flat cell of each node.
        columns: Of the map.
        step: Of the graph.
        field: Cost left to its goal, int32[nodes].
        against: Expected traffic.
        states: All robots; ``told`` and ``first`` of this one are written.
        i: The robot.
        tick: The same for all robots.
        windows: As told in the tick before, int32[n, STEPS + 1].
        heard: Rows that it has heard then, int32[k].
        at: Robot at each node; only whether there is one is read, and only in sight.
        room: Memory.
    """
    here = states.cell[i]
    if begin(states, i, tick, field[here]):
        keep(step, field, states, i, tick, states.told[i], states.first[i])
        return
    holding = _expected(cells, columns, here, windows, heard, at)
    ago = int(np.int64(1))  # no constant, as in ``kernels.reconsider``
    plan(step, field, against, states, i, tick, windows, holding, ago, room, states.told[i], states.first[i])


@njit(cache=True)
def _tick(
    cells: Int64s, two: Int32s, place: Int32s, free: Flags, step: Int32s, against: Float32s, fields: Int32s,
    states: GuidedState, tick: int, first: Int32s, who: Int32s, last_first: Int32s, last_who: Int32s, room: Room,
    search: Search, at: Int32s, work: Int32s, moves: Int64s,
) -> None:  # fmt: skip
    """One tick of all robots, ``first`` and ``who`` tell who is near whom now, and which they were in the last tick."""
    n, columns = len(states.cell), free.shape[1]
    for i in range(n):
        at[states.cell[i]] = i
    last = states.window.copy()
    for i in range(n):
        heard = last_who[last_first[i] : last_first[i + 1]]
        tell(cells, columns, step, fields[i], against, states, i, tick, last, heard, at, room)
    for i in range(n):
        near = who[first[i] : first[i + 1]]
        reconsider(step, fields[i], against, states, i, tick, near, room, search)
    for i in range(n):
        at[states.cell[i]] = -1
    mark = np.full(n, -1, dtype=np.int32)
    for i in range(n):
        told_of = relayed(i, first, who, mark)
        near = who[first[i] : first[i + 1]]
        moves[i] = decide(step, two, place, free, states, i, near, told_of, at, work)
    for i in range(n):
        advance(states.plans, i, who[first[i] : first[i + 1]], states.robot_id[i])


@njit(cache=True)
def _look_around(
    cells: Int64s, shape: tuple[int, int], visible: Int32s, states: GuidedState, at: Int32s
) -> tuple[Int32s, Int32s]:
    """Who is near whom (``neighbours``); everyone remembers how crowded it is."""
    first, who = neighbours(cells[states.cell], shape, at)
    for i in range(len(states.cell)):
        look(states, i, first[i + 1] - first[i], visible[states.cell[i]])
    return first, who


class GuidedTeam:
    """Robots 0 to n - 1 of an episode on one map.

    Args:
        graph: The map.
        robots: Number of robots.
        against: Expected traffic, float32[nodes, 5]; worked out from the map if not given.
        rules: What the robots do; some parts may be left out.
    """

    def __init__(self, graph: GridGraph, robots: int, against: Float32s | None = None, rules: Rules = RULES) -> None:
        self.graph = graph
        self.against = expected_against(graph) if against is None else against
        self.states = make_minds(np.arange(robots), rules)
        self._fields = np.zeros((robots, graph.nodes), dtype=np.int32)
        self._goals = np.full(robots, -1, dtype=np.int64)
        self._near = np.zeros(robots + 1, dtype=np.int32), np.empty(0, dtype=np.int32)
        self._visible = visible_cells(graph.node)
        self._room, self._search = make_room(graph.nodes), scratch(graph.nodes)
        self._joint = make_search(graph.nodes)
        self._at = np.full(graph.nodes, -1, dtype=np.int32)
        self._two = two_steps(graph.step)
        self._work = np.full((2, graph.free.size), -1, dtype=np.int32)
        self._tick = 0

    def moves(self, cells: Int64s, goals: Int64s, fresh: Flags) -> Int64s:
        """One tick: the moves int64[n] that the robots choose.

        Args:
            cells: Where they are (row, column), int64[n, 2].
            goals: Where they have to go; negative without a goal, int64[n, 2].
            fresh: Who has got its goal since the last tick, even if it is the same cell again, bool[n].
        """
        states, graph, node = self.states, self.graph, self.graph.node
        states.cell[:] = node[cells[:, 0], cells[:, 1]]
        near = _look_around(graph.cells, graph.free.shape, self._visible, states, self._work[0])
        wanted = np.where(goals[:, 0] >= 0, node[goals[:, 0], goals[:, 1]], -1)
        for i in np.flatnonzero((wanted != self._goals) | fresh).tolist():
            self._goals[i] = wanted[i]
            set_goal(graph, self.against, states, i, int(wanted[i]), self._fields[i], self._search)
        moves = np.empty(len(cells), dtype=np.int64)
        _tick(
            graph.cells, self._two, graph.place, graph.free, graph.step, self.against, self._fields, states, self._tick,
            *near, *self._near, self._room, self._joint, self._at, self._work, moves,
        )  # fmt: skip
        self._near = near
        self._tick += 1
        return moves


def set_goal(
    graph: GridGraph, against: Float32s, states: GuidedState, i: int, goal: int, field: Int32s, search: Int32s
) -> None:
    """Give a robot a goal (a node, or -1): its field is made anew with the traffic that it expects now."""
    new_goal(states, i)
    states.goal[i] = goal
    if goal >= 0:
        cost_field(graph.step, against, states.scale[i], goal, field, search)
    else:
        field[:] = 0
