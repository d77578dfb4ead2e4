"""The guided planner: one robot alone does what the team's kernel does for it, and it knows no more than it may."""

import numpy as np
import pytest
from oracles.guided_wire import decode_answer, decode_message
from oracles.mapf import violations

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.instances import draw_instance
from envs.grid.maps import maze_map, puzzle_map, random_map
from envs.grid.run import GridRun
from swarm.errors import InputError
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.graph.traffic import expected_against
from swarm.planning.guided.robot import GuidedPlanner
from swarm.planning.guided.team import GuidedTeam
from swarm.planning.pibt.hearing import RADIUS
from swarm.scenario.grid_map import GridMap


def instance(seed, robots=24, draw=random_map, goals=60):
    rng = np.random.default_rng(seed)
    grid = draw(rng) if draw is puzzle_map else draw(rng, 15, 15)
    return draw_instance(rng, grid, robots, suite="test", seed=seed, goals=goals)


def near(cells, i):
    apart = np.abs(cells - cells[i]).max(axis=1)
    return [j for j in np.flatnonzero(apart <= RADIUS).tolist() if j != i]


def robots_alone(planners, tick, batch, fresh):
    """Their moves in one tick; every message goes through its bytes."""
    count, columns = len(planners), batch.free[0].shape[1]
    cells = [tuple(cell) for cell in batch.cells[0].tolist()]
    goals = [tuple(goal) if goal[0] >= 0 else None for goal in batch.goals[0].tolist()]
    heard = [near(batch.cells[0], i) for i in range(count)]
    told, answers = [], []
    for i, planner in enumerate(planners):
        told.append(planner.tell(tick, cells[i], goals[i], bool(fresh[i]), [cells[j] for j in heard[i]]))
        assert decode_message(told[-1]).encode() == told[-1]
    for i, planner in enumerate(planners):
        answers.append(planner.answer([told[j] for j in heard[i]]))
        answer = decode_answer(answers[-1], columns)  # both know the format
        assert answer.encode(columns) == answers[-1] and len(answers[-1]) <= 1024
        assert {one.robot_id for one in answer.heard} == set(heard[i])
    return [planner.decide([answers[j] for j in heard[i]]) for i, planner in enumerate(planners)]


@pytest.mark.parametrize(
    ("seed", "draw", "robots", "goals"),
    [(0, random_map, 30, 60), (1, maze_map, 30, 60), (2, random_map, 30, 2), (3, maze_map, 6, 60),
     (4, puzzle_map, 3, 200), (5, puzzle_map, 4, 200)],
)  # fmt: skip
def test_robots_alone_do_what_the_team_does(seed, draw, robots, goals):
    batch = GridBatch([draw_episode(instance(seed, robots, draw, goals), None, np.random.default_rng(0))])
    graph = GridGraph(batch.free[0])
    team = GuidedTeam(graph, batch.robots)
    planners = [GuidedPlanner(graph, i) for i in range(batch.robots)]
    fresh = np.ones(len(planners), bool)
    for tick in range(100):
        moves = team.moves(batch.cells[0], batch.goals[0], fresh)
        assert robots_alone(planners, tick, batch, fresh) == moves.tolist()
        (fresh,) = batch.step(moves[None])
    assert batch.reached[0].sum() >= min(robots, 20)
    assert batch.has_goal[0].all() == (goals > 2)  # with two goals each, most end without one


def test_a_robot_does_not_know_what_is_farther_than_two_messages_go():
    """What cannot be heard within two rounds is changed at random; nobody else moves differently."""
    changed = 0
    for seed in range(6):
        graph, runs = None, []
        for other in (0, 1):
            batch = GridBatch([draw_episode(instance(seed, 26), None, np.random.default_rng(0))])
            graph = graph or GridGraph(batch.free[0])
            team = GuidedTeam(graph, batch.robots)
            fresh = np.ones(batch.robots, bool)
            for _ in range(20):
                (fresh,) = batch.step(team.moves(batch.cells[0], batch.goals[0], fresh)[None])
            far = np.abs(batch.cells[0] - batch.cells[0][0]).max(axis=1) > 2 * RADIUS
            if other:
                rng = np.random.default_rng(seed)
                team.states.window[far, 1:] = -1
                team.states.stalled[far] = rng.integers(0, 200, far.sum())
                batch.goals[0][far] = batch.cells[0][rng.permutation(len(far))[: far.sum()]]
            runs.append((team.moves(batch.cells[0], batch.goals[0], fresh), far))
        (moves, far), (others, _) = runs
        assert moves[0] == others[0]
        changed += int((moves[far] != others[far]).sum())
    assert changed > 0  # what was changed mattered to those who may know it


@pytest.mark.parametrize("planner", ["guided", "pibt", "astar"])
def test_executed_runs_have_no_conflict(planner):
    for seed, draw in ((3, random_map), (4, maze_map)):
        case = instance(seed, 40, draw)
        run = GridRun(case, 40, planner)
        for _ in range(80):
            run.step()
        rows = ["".join(".#"[not free] for free in row) for row in case.grid.free]
        goals = [cells.tolist() for cells in case.targets]
        claimed = run.batch.reached[0].tolist()
        assert violations(rows, np.array(run.track).tolist(), case.starts.tolist(), goals, claimed) == []


def test_guided_delivers_more_than_priority_inheritance_alone():
    rates = {}
    for planner in ("guided", "pibt"):
        total = 0
        for seed in range(3):
            run = GridRun(instance(seed, 48), 48, planner)
            for _ in range(128):
                run.step()
            total += run.record()["goals"]
        rates[planner] = total
    assert rates["guided"] > 1.2 * rates["pibt"]


def test_nobody_waits_forever_where_every_robot_can_be_passed():
    """A crowded open floor: whatever two robots want, the graph has a way around them."""
    grid = GridMap(np.ones((6, 6), np.bool_))
    batch = GridBatch([draw_episode(grid, 28, np.random.default_rng(5))])
    team = GuidedTeam(GridGraph(batch.free[0]), 28)
    fresh, waited, longest = np.ones(28, bool), np.zeros(28, int), 0
    for _ in range(1500):
        (fresh,) = batch.step(team.moves(batch.cells[0], batch.goals[0], fresh)[None])
        waited = np.where(fresh, 0, waited + 1)
        longest = max(longest, waited.max())
    assert batch.reached[0].min() >= 10
    assert longest < 300


def test_three_robots_in_a_puzzle_all_reach_goals():
    case = draw_instance(np.random.default_rng(0), puzzle_map(np.random.default_rng(0)), 3, suite="t", seed=0, goals=99)
    run = GridRun(case, 3, "guided")
    for _ in range(256):
        run.step()
    assert run.batch.reached[0].min() >= 3


def test_a_robot_refuses_cells_that_it_cannot_be_in():
    planner = GuidedPlanner(GridGraph(GridMap.from_rows(["..#", "..."]).free), 0)
    with pytest.raises(InputError, match="free cell"):
        planner.tell(0, (0, 2), None, True, [])
    with pytest.raises(InputError, match="free cell"):
        planner.tell(0, (0, 0), (5, 0), True, [])
    with pytest.raises(InputError, match="robot_id"):
        GuidedPlanner(planner.graph, -1)


def test_malformed_messages_are_refused():
    graph = GridGraph(GridMap.from_rows(["..#", "..."]).free)
    one, other = GuidedPlanner(graph, 1), GuidedPlanner(graph, 2)
    told = [one.tell(0, (0, 0), (1, 2), True, [(0, 1)]), other.tell(0, (0, 1), (1, 0), True, [(0, 0)])]
    answer = bytearray(other.answer([told[0]]))
    for at, value in ((0, 2), (0, 77), (4, 2), (4, 99), (14, 200), (16, 120)):  # cell, goal, key, ranking
        broken = bytearray(told[1])
        broken[at] = value
        with pytest.raises(InputError, match="robot on this map"):
            one.answer([bytes(broken)])
    for broken in (b"", told[1][:-1], told[1] + b"x"):
        with pytest.raises(InputError, match="22 bytes"):
            one.answer([broken])
    one.answer([told[1]])
    for broken in (b"", bytes(answer[:-1]), bytes(answer) + b"x", bytes(answer) + bytes(13 * 5)):
        with pytest.raises(InputError, match="answer"):
            one.decide([broken])
    for at, value in ((0, 2), (23, 100), (23, 2), (30, 121)):  # its cell; place and ranking of whom it relays
        broken = bytearray(answer)
        broken[at] = value
        with pytest.raises(InputError, match="robots on this map"):
            one.decide([bytes(broken)])
    assert one.decide([bytes(answer)]) in range(5)  # nothing is left behind by what was refused


def test_expected_traffic_is_the_same_for_everyone_and_adds_up():
    graph = GridGraph(random_map(np.random.default_rng(7), 12, 12).free)
    against = expected_against(graph)
    again = expected_against(GridGraph(graph.free.copy()))
    assert np.array_equal(against, again)
    assert (against >= 0).all() and (against[graph.step < 0] == 0).all()
    assert against.sum() == pytest.approx(0.1 * graph.nodes, rel=1e-3)
