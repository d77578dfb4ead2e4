"""How long one robot of the ``guided`` planner takes for a tick, when a team around it talks."""

from __future__ import annotations

import time

import numpy as np

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from swarm.array_types import Int8s, Int32s, Int64s
from swarm.errors import SwarmError
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.guided.messages import Answer, GuidedMessage, moves_of
from swarm.planning.guided.robot import GuidedPlanner
from swarm.planning.guided.team import GuidedTeam
from swarm.planning.pibt.hearing import RADIUS
from swarm.scenario.grid_map import GridMap

Cell = tuple[int, int]


def _near(cells: Int64s, i: int) -> list[int]:
    """Who is within hearing of robot i."""
    return [j for j in np.flatnonzero(np.abs(cells - cells[i]).max(axis=1) <= RADIUS).tolist() if j != i]


class Talk:
    """What the robots of a team have told each other in its last tick, as the robots alone would have.

    Args:
        team: The team, after a tick.
        cells: Where the robots were in it (row, column), int64[n, 2].
    """

    def __init__(self, team: GuidedTeam, cells: Int64s) -> None:
        self._team, self._cells = team, cells
        states = team.states
        self.told = [self._told(i, states.told[i], states.first[i]) for i in range(len(cells))]
        self._relayed = [GuidedMessage(told.cell, told.key, told.ranking, ()) for told in self.told]

    def _moves(self, nodes: Int32s) -> tuple[int, ...]:
        graph = self._team.graph
        return moves_of([int(graph.cells[node]) if node >= 0 else -1 for node in nodes], graph.columns)

    def _told(self, i: int, window: Int32s, ranking: Int8s) -> GuidedMessage:
        states, flat = self._team.states, self._team.graph.cells
        goal = int(flat[states.goal[i]]) if states.goal[i] >= 0 else -1
        here, order = int(flat[states.cell[i]]), tuple(ranking.tolist())
        return GuidedMessage(here, int(states.key[i]), order, self._moves(window), goal, bool(states.stuck[i]))

    def answer(self, i: int) -> Answer:
        """What robot i has answered."""
        states, plans = self._team.states, self._team.states.plans
        plan: tuple[tuple[int, tuple[int, ...]], ...] = ()
        if plans.fresh[i] and plans.leader[i] == states.robot_id[i]:
            members = plans.members[i][plans.members[i] >= 0].tolist()
            plan = tuple((member, self._moves(plans.path[i, k])) for k, member in enumerate(members))
        heard = sorted((self._relayed[j] for j in _near(self._cells, i)), key=lambda told: told.cell)
        return Answer(self._told(i, states.window[i], states.ranking[i]), tuple(heard), plan)


class _Alone:
    """One robot of a team, with messages that come and go as bytes."""

    def __init__(self, batch: GridBatch, team: GuidedTeam, robot: int) -> None:
        self._batch, self._team, self._robot = batch, team, robot
        self._planner = GuidedPlanner(team.graph, robot, team.against)

    def time(self, tick: int, fresh: bool) -> tuple[float, int, int]:
        """Its tick, which the team has worked out already: its time [ms], whom it hears, and its move."""
        (cells,), (goals,), robot = self._batch.cells, self._batch.goals, self._robot
        talk, near, columns = Talk(self._team, cells), _near(cells, robot), self._batch.shape[1]
        cell, goal, *seen = (tuple(one) for one in [cells[robot], goals[robot], *cells[near]])
        told = [talk.told[j].encode() for j in near]
        answers = [talk.answer(j).encode(columns) for j in near]
        began = time.thread_time()
        self._planner.tell(tick, cell, goal if goal[0] >= 0 else None, fresh, seen)
        self._planner.answer(told)
        move = self._planner.decide(answers)
        return 1e3 * (time.thread_time() - began), len(near), move


def alone_times(grid: GridMap, robots: int, ticks: int) -> list[tuple[float, int]]:
    """Time of each tick of the robot that begins nearest to the middle of a map [ms], and how many it hears.

    From its messages as bytes to its own as bytes, and to its move: tell, answer and decide.

    Args:
        grid: Where the team drives.
        robots: Its size.
        ticks: How long.

    Raises:
        SwarmError: If the robot moves otherwise than the team's kernel does for it.
    """
    batch = GridBatch([draw_episode(grid, robots, np.random.default_rng(0))], RADIUS)
    team = GuidedTeam(GridGraph(grid.free), robots)
    middle = np.array(grid.free.shape) // 2
    robot = int(np.abs(batch.cells[0] - middle).sum(axis=1).argmin())
    alone, fresh, found = _Alone(batch, team, robot), np.ones(robots, np.bool_), []
    for tick in range(ticks):
        moves = team.moves(batch.cells[0], batch.goals[0], fresh)
        took, heard, move = alone.time(tick, bool(fresh[robot]))
        if move != moves[robot]:
            raise SwarmError(f"tick {tick}: robot {robot} chose move {move}, in its team {moves[robot]}")
        found.append((took, heard))
        (fresh,) = batch.step(moves[None])
    return found
