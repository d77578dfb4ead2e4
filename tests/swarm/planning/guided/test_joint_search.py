"""Joint plans of a few robots that are stuck: against a search over everything, and from plan to moves."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.guided_wire import decode_answer

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.instances import draw_instance
from envs.grid.maps import puzzle_map
from swarm.errors import InputError
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.guided.decode import hear_answers
from swarm.planning.guided.joint_plan import STUCK, patience
from swarm.planning.guided.joint_search import GROUP, HORIZON, make_search, plan_jointly, within_reach
from swarm.planning.guided.kernels import RULES, make_minds
from swarm.planning.guided.messages import HEAD, Answer, GuidedMessage
from swarm.planning.guided.team import GuidedTeam
from swarm.planning.pibt.priority_inheritance import IDS
from swarm.scenario.grid_map import GridMap

PROGRESS = 5


def distances(graph, goal):
    """Steps to a node from each node, by plain breadth-first search."""
    left, queue = {goal: 0}, [goal]
    for node in queue:
        for other in graph.step[node, 1:].tolist():
            if other >= 0 and other not in left:
                left[other] = left[node] + 1
                queue.append(other)
    return left


def fits(before, after):
    """Whether robots can go from nodes to nodes in one step."""
    swaps = any(
        before[a] == after[b] and before[b] == after[a] for a, b in itertools.combinations(range(len(before)), 2)
    )
    return len(set(after)) == len(after) and not swaps


def shortest(graph, where, lefts, targets):
    """Steps until all are at their targets at once, or have been at their goals; None if that takes too many."""
    start = (
        tuple(where),
        tuple(left[node] == 0 and target == 0 for left, node, target in zip(lefts, where, targets, strict=True)),
    )
    layer, seen = {start}, {start}
    for steps in range(HORIZON + 1):
        for places, been in layer:
            if all(b or left[p] <= t for p, b, left, t in zip(places, been, lefts, targets, strict=True)):
                return steps
        following = set()
        for places, been in layer:
            options = [[n for n in graph.step[p].tolist() if n >= 0] for p in places]
            for after in itertools.product(*options):
                if fits(places, after):
                    now = tuple(
                        b or (t == 0 and left[p] == 0)
                        for p, b, left, t in zip(after, been, lefts, targets, strict=True)
                    )
                    following.add((after, now))
        layer = following - seen
        seen |= layer
    return None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 3))
def test_a_joint_plan_is_found_if_there_is_one_and_can_be_carried_out(seed, n):
    rng = np.random.default_rng(seed)
    graph = GridGraph(puzzle_map(rng).free)
    where, goal = (rng.permutation(graph.nodes)[:n].astype(np.int32) for _ in range(2))
    room, paths = make_search(graph.nodes), np.full((GROUP, HORIZON + 1), -1, np.int32)
    others = np.arange(1, n, dtype=np.int32)
    if len(within_reach(graph.step, where, 0, others, room)) < n - 1:
        return
    steps = plan_jointly(graph.step, where, goal, False, room, paths)
    assert (room.local == -1).all() and (room.steps == -1).all()
    lefts = [distances(graph, int(node)) for node in goal]
    targets = [max(left[int(node)] - PROGRESS, 0) for left, node in zip(lefts, where, strict=True)]
    best = shortest(graph, where.tolist(), lefts, targets)
    if steps == 0:
        assert best is None or best == 0 or best > 12  # only long plans may be missed
        return
    assert best is not None and best <= steps <= HORIZON
    assert paths[:n, 0].tolist() == where.tolist()
    for time in range(steps):
        before, after = paths[:n, time].tolist(), paths[:n, time + 1].tolist()
        assert all(b in graph.step[a] for a, b in zip(before, after, strict=True)) and fits(before, after)
    for k in range(n):
        ways = [lefts[k][int(node)] for node in paths[k, : steps + 1]]
        assert ways[-1] <= targets[k] or (targets[k] == 0 and 0 in ways)


def test_two_robots_face_to_face_pass_each_other_in_the_bay():
    graph = GridGraph(GridMap.from_rows(["......", "##.###"]).free)
    where, goal = np.array([2, 3], np.int32), np.array([5, 0], np.int32)
    room, paths = make_search(graph.nodes), np.full((GROUP, HORIZON + 1), -1, np.int32)
    steps = plan_jointly(graph.step, where, goal, False, room, paths)
    assert 0 < steps <= 8
    assert 6 in paths[0]  # the first goes into the bay
    blocked, goal = GridGraph(GridMap.from_rows(["........"]).free), np.array([7, 0], np.int32)
    room = make_search(blocked.nodes)
    assert plan_jointly(blocked.step, where, goal, False, room, paths) == 0
    assert plan_jointly(blocked.step, where, goal, True, room, paths) == 3  # the other is driven back


def test_a_robot_without_a_goal_makes_way():
    graph = GridGraph(GridMap.from_rows([".....", "###.#"]).free)
    room, paths = make_search(graph.nodes), np.full((GROUP, HORIZON + 1), -1, np.int32)
    steps = plan_jointly(graph.step, np.array([1, 2], np.int32), np.array([4, -1], np.int32), False, room, paths)
    assert steps == 3 and 5 in paths[1, : steps + 1]


@pytest.mark.parametrize("robots", [2, 3, 4])
def test_robots_in_puzzles_are_not_blocked_and_joint_plans_are_followed_to_their_end(robots):
    planned = ended = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        case = draw_instance(rng, puzzle_map(rng), robots, suite="t", seed=seed, goals=200)
        batch = GridBatch([draw_episode(case, robots, rng)])
        team, fresh = GuidedTeam(GridGraph(batch.free[0]), robots), np.ones(robots, bool)
        for _ in range(200):
            (fresh,) = batch.step(team.moves(batch.cells[0], batch.goals[0], fresh)[None])
            planned += team.states.plans.fresh.any()
            ended += (team.states.plans.leader >= 0).sum()
        assert batch.blocked[0].sum() == 0
        assert batch.reached[0].min() >= 5, (seed, batch.reached[0])
    assert planned > 4 and ended > planned


def test_robots_have_less_patience_where_they_are_many_on_few_cells():
    assert patience(1, 12) == patience(3, 36) == 1
    assert patience(0, 12) == patience(1, 13) == patience(3, 37) == STUCK > 1


def told(robot_id, cell, **more):
    return GuidedMessage(cell, IDS - 1 - robot_id, (0, 1, 2, 3, 4), (), **more)


def test_plans_survive_their_bytes_and_malformed_ones_are_refused():
    own, other = told(7, 60, goal=3, stuck=True), told(9, 61)
    answer = Answer(own, (other,), ((7, (1, 0, 2)), (9, (4, 4, 0))))
    assert decode_answer(answer.encode(11), 11) == answer
    with pytest.raises(InputError, match="as many for each"):
        Answer(own, (other,), ((7, (1, 0, 2)), (9, (4,))))
    with pytest.raises(InputError, match="heard"):
        Answer(own, (), ((7, (1,)), (9, (4,))))
    with pytest.raises(InputError, match="once"):
        Answer(own, (other,), ((7, (1,)), (7, (4,))))
    with pytest.raises(InputError, match="bytes"):
        decode_answer(answer.encode(11)[:-1], 11)
    with pytest.raises(InputError, match="goal"):
        told(1, 0, goal=-2)


def hear(graph, data):
    """The plan that a robot keeps of one answer: who makes it, its members and their nodes; None without one."""
    states = make_minds(np.zeros(30, np.int64), RULES)
    states.cell[0] = 0
    hear_answers([data], graph, states, np.full(graph.nodes, -1, np.int32))
    if not states.plans.fresh[1]:
        return None
    members = states.plans.members[1][states.plans.members[1] >= 0].tolist()
    nodes = states.plans.path[1, : len(members), : states.plans.steps[1] + 1]
    return int(states.plans.leader[1]), members, nodes.tolist()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_robot_hears_the_plans_that_the_slow_reader_reads(seed):
    """Bytes after the head are changed at random: what makes no sense to one makes none to the other."""
    rng, columns = np.random.default_rng(seed), 2 * HORIZON + 31  # so many that nobody walks off
    graph, middle = GridGraph(np.ones((columns, columns), np.bool_)), columns**2 // 2
    ids = 1 + rng.permutation(9)[:3]
    others = [told(int(k), middle + place) for k, place in zip(ids, (1, 2, columns), strict=True)]
    steps, members = int(rng.integers(1, HORIZON + 1)), rng.permutation(3)[: rng.integers(0, 4)]
    ids = [0, *(others[k].robot_id for k in members)]
    plan = tuple((robot_id, tuple(rng.integers(0, 5, steps).tolist())) for robot_id in ids)
    own = told(0, middle)
    data = bytearray(Answer(own, tuple(others), plan).encode(columns))
    for _ in range(int(rng.integers(0, 3))):
        at = int(rng.integers(HEAD.size, len(data)))
        data[at] = int(rng.choice([data[at] ^ (1 << rng.integers(8)), rng.integers(256)]))
    try:
        answer = decode_answer(bytes(data), columns)
    except InputError:
        with pytest.raises(InputError, match="answer"):
            hear(graph, bytes(data))
        return
    cells = {one.robot_id: one.cell for one in (answer.own, *answer.heard)}
    nodes = []
    for robot_id, moves in answer.plan:
        nodes.append([cells[robot_id]])  # on an open floor, cells and nodes are the same
        for move in moves:
            nodes[-1].append(int(graph.step[nodes[-1][-1], move]))
    found = (0, [robot_id for robot_id, _ in answer.plan], nodes) if answer.plan else None
    assert hear(graph, bytes(data)) == found


def test_a_plan_that_leads_into_a_wall_is_not_kept():
    free = np.ones((3, 5), np.bool_)
    free[1, 3] = False
    for moves, kept in (((4, 2), True), ((4, 4), False)):
        answer = Answer(told(0, 6), (told(1, 0),), ((0, moves), (1, (0, 0))))
        assert (hear(GridGraph(free), answer.encode(5)) is not None) == kept
