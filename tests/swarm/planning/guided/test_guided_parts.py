"""Parts of the guided planner against plain Python: cost fields, windows, messages, and the compiled PIBT team."""

import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.guided_wire import decode_answer, decode_message

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.maps import random_map
from swarm.errors import InputError
from swarm.planning.graph.cost_field import DEAREST, FAR, UNIT, cost_field, scratch
from swarm.planning.graph.grid_graph import GridGraph
from swarm.planning.guided.messages import MAX_RELAYED, Answer, GuidedMessage
from swarm.planning.guided.window import STEPS, make_room, plan_window
from swarm.planning.pibt.hearing import RADIUS, involved, neighbours, two_steps, visible_cells
from swarm.planning.pibt.priority_inheritance import own_moves, pibt_moves, priority_key
from swarm.planning.pibt.robot import PibtPlanner
from swarm.planning.pibt.team import PibtTeam

BACK = {1: 2, 2: 1, 3: 4, 4: 3}
MEETING = 4 * UNIT


def drawn(seed, rows=7, columns=7, walls=0.25):
    rng = np.random.default_rng(seed)
    free = rng.random((rows, columns)) >= walls
    free[0, 0] = True
    graph = GridGraph(free)
    return rng, graph, (rng.random((graph.nodes, 5)) * 3).astype(np.float32)


def price(graph, against, scale, node, move):
    return min(UNIT + int(scale * against[node, move]), DEAREST) if move else UNIT


def dijkstra(graph, against, scale, goal):
    """With a heap and a dictionary."""
    left, queue = {goal: 0}, [(0, goal)]
    while queue:
        cost, node = heapq.heappop(queue)
        if cost > left[node]:
            continue
        for move in range(1, 5):
            before = int(graph.step[node, move])
            if before >= 0:
                new = cost + price(graph, against, scale, before, BACK[move])
                if new < left.get(before, FAR):
                    left[before] = new
                    heapq.heappush(queue, (new, before))
    return [left.get(node, FAR) for node in range(graph.nodes)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 100.0))
def test_the_cost_field_is_what_a_heap_finds(seed, scale):
    rng, graph, against = drawn(seed)
    field, goal = np.empty(graph.nodes, np.int32), int(rng.integers(graph.nodes))
    cost_field(graph.step, against, scale, goal, field, scratch(graph.nodes))
    assert field.tolist() == dijkstra(graph, against, scale, goal)


def cheapest(graph, field, against, scale, windows, start):
    """Least cost of a walk of STEPS steps, goal included, by search over (time, node)."""
    best = {start: 0}
    ends = []
    for time in range(STEPS):
        following = {}
        for node, cost in best.items():
            if time > 0 and field[node] == 0:
                ends.append(cost)
                continue
            for move in range(5):
                after = int(graph.step[node, move])
                if after < 0:
                    continue
                new = cost + price(graph, against, scale, node, move)
                for window in windows:
                    if window[time + 1] == after:
                        new += MEETING
                swap = move and any(window[time] == after and window[time + 1] == node for window in windows)
                following[after] = min(following.get(after, FAR), new + (MEETING if swap else 0))
        best = following
    return min([*ends, *(cost + int(field[node]) for node, cost in best.items())])


def cost_of(graph, field, against, scale, windows, walk):
    total = 0
    for time, (node, after) in enumerate(itertools.pairwise(walk)):
        if after < 0:
            return total
        (move,) = [move for move in range(5) if graph.step[node, move] == after]
        total += price(graph, against, scale, node, move)
        total += sum(MEETING for window in windows if window[time + 1] == after)
        swap = move and any(window[time] == after and window[time + 1] == node for window in windows)
        total += MEETING if swap else 0
    return total + int(field[walk[-1]])


def draw_windows(rng, graph, start, count):
    windows = np.full((count, STEPS + 1), -1, np.int32)
    nodes = [node for node in rng.permutation(graph.nodes).tolist() if node != start][:count]
    for row, node in enumerate(nodes):
        for time in range(int(rng.integers(1, STEPS + 2))):
            windows[row, time] = node
            node = int(rng.choice([after for after in graph.step[node] if after >= 0]))
    return windows


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_a_window_is_the_cheapest_walk_around_the_windows_of_others(seed):
    rng, graph, against = drawn(seed)
    start, goal, scale = int(rng.integers(graph.nodes)), int(rng.integers(graph.nodes)), float(rng.uniform(0, 20))
    field = np.empty(graph.nodes, np.int32)
    cost_field(graph.step, against, scale, goal, field, scratch(graph.nodes))
    windows = draw_windows(rng, graph, start, int(rng.integers(0, min(6, graph.nodes))))
    before, window = np.full(STEPS + 1, -1, np.int32), np.empty(STEPS + 1, np.int32)
    before[0], ranking, room = start, np.empty(5, np.int8), make_room(graph.nodes)
    who = np.arange(len(windows), dtype=np.int32)
    plan_window(graph.step, field, against, scale, windows, who, 0, MEETING, seed, before, room, window, ranking)
    assert sorted(ranking.tolist()) == [0, 1, 2, 3, 4]
    assert (room.local == -1).all()
    if field[start] < FAR:
        found = cost_of(graph, field, against, scale, windows, window.tolist())
        assert found == cheapest(graph, field, against, scale, windows.tolist(), start)
        assert graph.step[start, ranking[0]] == window[1]
    blind = np.empty(5, np.int8)
    plan_window(graph.step, field, against, scale, windows, who, 0, 0, seed, before, room, window, blind)
    empty = np.empty(0, np.int32)
    plan_window(graph.step, field, against, scale, windows, empty, 0, MEETING, seed, before, room, window, ranking)
    assert blind.tolist() == ranking.tolist()  # who minds nobody ranks as if nobody were there


rankings = st.permutations(range(5)).map(tuple)
keys = st.integers(-(1 << 43), (1 << 43) - 1)


@given(st.data(), st.integers(1, 40), st.integers(1, 40))
def test_messages_survive_their_bytes_and_fit_into_a_kibibyte(data, rows, columns):
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    moves = tuple(data.draw(st.lists(st.integers(0, 4), max_size=STEPS)))
    goal, stuck = data.draw(st.integers(-1, 99)), data.draw(st.booleans())
    own = GuidedMessage(row * columns + column, data.draw(keys), data.draw(rankings), moves, goal, stuck)
    assert decode_message(own.encode()) == own
    square = itertools.product(range(-RADIUS, RADIUS + 1), repeat=2)
    around = [(row + down) * columns + column + right for down, right in square
              if (down or right) and 0 <= row + down < rows and 0 <= column + right < columns]  # fmt: skip
    heard = tuple(
        GuidedMessage(cell, data.draw(keys), (0, 1, 2, 3, 4), ()) for cell in around[:: data.draw(st.integers(1, 9))]
    )
    answer = Answer(own, heard)
    assert decode_answer(answer.encode(columns), columns) == answer


def test_the_longest_message_fits_and_malformed_ones_are_refused():
    heard = [
        GuidedMessage((5 + d) * 11 + 5 + r, 1, (0, 1, 2, 3, 4), ())
        for d in range(-5, 6)
        for r in range(-5, 6)
        if d or r
    ]
    assert len(heard) == MAX_RELAYED
    data = Answer(GuidedMessage(60, 1, (0, 1, 2, 3, 4), ()), tuple(heard)).encode(11)
    assert len(data) <= 1024
    for broken in (b"", data[:-1], data[:17], b"\xff" * 18):
        with pytest.raises(InputError):
            decode_answer(broken, 11)
    with pytest.raises(InputError, match="ranking"):
        GuidedMessage(0, 0, (0, 0, 1, 2, 3), ())
    with pytest.raises(InputError, match="moves"):
        GuidedMessage(0, 0, (0, 1, 2, 3, 4), (5,))
    with pytest.raises(InputError, match="within"):
        Answer(GuidedMessage(0, 1, (0, 1, 2, 3, 4), ()), (GuidedMessage(99, 2, (0, 1, 2, 3, 4), ()),)).encode(11)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_leaving_out_robots_that_cannot_matter_changes_no_move(seed):
    rng, graph, _ = drawn(seed, 9, 9, 0.2)
    count = int(rng.integers(1, graph.nodes))
    where = rng.permutation(graph.nodes)[:count].astype(np.int32)
    ranking = np.array([rng.permutation(5) for _ in range(count)], np.int8)
    key, at = rng.permutation(count), np.full(graph.nodes, -1, np.int32)
    work = np.full((2, graph.free.size), -1, np.int32)
    at[where] = np.arange(count)
    before, cells = at.copy(), graph.cells[where]

    def moves(rows):
        forced = np.full(len(rows), -1, np.int64)
        return pibt_moves(cells[rows], ranking[rows], key[rows], graph.free, forced, True, work)[0]

    everyone, near, found = moves(np.arange(count)), two_steps(graph.step), np.empty(count, np.int64)
    for i in range(count):
        rows = found[: involved(i, where, near, graph.place, 9, at, found)]
        assert rows[0] == i and moves(rows)[0] == everyone[i]
        (move,) = own_moves(np.array([0, len(rows)]), rows, cells, ranking, key, graph.free, work)
        assert graph.cells[graph.step[where[i], move]] == everyone[i]
        close = found[: involved(i, where, near, graph.place, 2, at, found)]
        assert (np.abs(graph.place[where[close]] - graph.place[where[i]]).max(axis=1) <= 2).all()
    assert np.array_equal(at, before)


def test_neighbours_and_visible_cells_are_counted_right():
    rng, graph, _ = drawn(3, 14, 17, 0.3)
    where = rng.permutation(graph.nodes)[:50].astype(np.int32)
    at = np.full(graph.free.size, -1, np.int32)
    first, who = neighbours(graph.cells[where], graph.free.shape, at)
    places = np.array(np.unravel_index(graph.cells, graph.free.shape)).T
    apart = np.abs(places[:, None] - places[None]).max(axis=2)
    assert (at == -1).all()
    assert (visible_cells(graph.node) == (apart <= RADIUS).sum(axis=1) - 1).all()
    for i in range(50):
        found = set(who[first[i] : first[i + 1]].tolist())
        assert found == {j for j in range(50) if j != i and apart[where[i], where[j]] <= RADIUS}


def test_the_compiled_pibt_team_does_what_each_robot_does_alone():
    grid = random_map(np.random.default_rng(1), 14, 14, at_least=60)
    batch = GridBatch([draw_episode(grid, 40, np.random.default_rng(2))])
    team = PibtTeam(GridGraph(batch.free[0]), 40)
    planners = [PibtPlanner(batch.free[0], i) for i in range(40)]
    fresh = np.ones(40, bool)
    for _ in range(60):
        cells = [tuple(cell) for cell in batch.cells[0].tolist()]
        said = [one.announce(cells[i], tuple(batch.goals[0][i].tolist())) for i, one in enumerate(planners)]
        alone = [
            one.decide(said[i], {j: said[j] for j in range(40)
                                 if j != i and np.abs(batch.cells[0][i] - batch.cells[0][j]).max() <= RADIUS})
            for i, one in enumerate(planners)
        ]  # fmt: skip
        moves = team.moves(batch.cells[0], batch.goals[0], fresh)
        assert moves.tolist() == alone
        (fresh,) = batch.step(moves[None])
        for i in np.flatnonzero(fresh).tolist():
            planners[i].reached()
    assert batch.reached[0].sum() > 20
    assert priority_key(1, 3) > priority_key(0, 0)
