"""Priority inheritance and the resolution of simultaneous moves: no conflict for any wish, and robots arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.mapf import violations

from swarm.errors import InputError
from swarm.planning.graph.fields import distance_field
from swarm.planning.pibt.priority_inheritance import (
    own_moves,
    pibt_moves,
    priority_key,
    rank_by_distance,
)
from swarm.planning.pibt.reservation import resolve
from swarm.planning.pibt.robot import PibtPlanner

STEP = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]


def draw_world(seed, walls=0.25, fill=0.7):
    """A random map, robots on different free cells."""
    rng = np.random.default_rng(seed)
    free = rng.random(rng.integers(1, 9, 2)) > walls
    free[0, 0] = True
    cells = np.argwhere(free)
    n = int(rng.integers(1, max(2, int(fill * len(cells)) + 1)))
    return rng, free, cells[rng.permutation(len(cells))[:n]].astype(np.int64)


def text(free):
    return ["".join("." if f else "#" for f in row) for row in free]


def step_pibt(free, cells, ranking, priority, rotate=True, forced=None):
    columns = free.shape[1]
    work = np.full((2, free.size), -1, dtype=np.int32)
    flat = cells[:, 0] * columns + cells[:, 1]
    forced = np.full(len(cells), -1, dtype=np.int64) if forced is None else forced
    target, root = pibt_moves(flat, ranking, priority, free, forced, rotate, work)
    assert (work == -1).all()
    return np.stack([target // columns, target % columns], axis=1), root


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_pibt_has_no_conflict_for_any_ranking(seed, rotate):
    rng, free, cells = draw_world(seed)
    ranking = np.argsort(rng.random((len(cells), 5)), axis=1).astype(np.int8)
    after, _ = step_pibt(free, cells, ranking, rng.permutation(len(cells)).astype(np.int64), rotate)
    assert violations(text(free), [cells, after], cells) == []


@given(st.integers(0, 2**32 - 1))
def test_a_robot_alone_finds_its_part_of_what_all_do(seed):
    rng, free, cells = draw_world(seed, fill=0.8)
    n, flat = len(cells), cells[:, 0] * free.shape[1] + cells[:, 1]
    ranking = np.argsort(rng.random((n, 5)), axis=1).astype(np.int8)
    priority = rng.permutation(n).astype(np.int64)
    after, _ = step_pibt(free, cells, ranking, priority)
    work = np.full((2, free.size), -1, dtype=np.int32)
    others = [rng.permutation(np.delete(np.arange(n), robot)) for robot in range(n)]
    groups = np.concatenate([[robot, *others[robot]] for robot in range(n)])
    moves = own_moves(n * np.arange(n + 1), groups, flat, ranking, priority, free, work)
    assert (cells + np.array(STEP)[moves] == after).all()
    assert (work == -1).all()


@given(st.integers(0, 2**32 - 1))
def test_without_rotation_the_moves_can_be_made_one_after_another(seed):
    rng, free, cells = draw_world(seed, walls=0.1, fill=0.9)
    ranking = np.argsort(rng.random((len(cells), 5)), axis=1).astype(np.int8)
    after, _ = step_pibt(free, cells, ranking, rng.permutation(len(cells)).astype(np.int64), False)
    where = {tuple(cell): i for i, cell in enumerate(cells.tolist())}
    left = {i for i in range(len(cells)) if (cells[i] != after[i]).any()}
    while left:
        ready = [i for i in left if tuple(after[i].tolist()) not in where]
        assert ready, "a ring of robots waits for itself"
        for i in ready:
            if tuple(after[i].tolist()) not in where:
                del where[tuple(cells[i].tolist())]
                where[tuple(after[i].tolist())] = i
                left.discard(i)


def test_a_robot_in_the_way_moves_aside_with_the_priority_of_the_one_that_pushes():
    free = np.ones((1, 4), dtype=bool)
    cells = np.array([[0, 0], [0, 1], [0, 2]])
    towards_right = np.array([4, 0, 3, 1, 2], dtype=np.int8)
    stay = np.array([0, 3, 4, 1, 2], dtype=np.int8)
    after, root = step_pibt(free, cells, np.stack([towards_right, stay, stay]), np.array([9, 1, 2]))
    assert after.tolist() == [[0, 1], [0, 2], [0, 3]]
    assert root.tolist() == [0, 0, 0]


def test_nobody_is_pushed_into_a_wall_and_the_pusher_waits():
    free = np.ones((1, 3), dtype=bool)
    cells = np.array([[0, 1], [0, 2]])
    ranking = np.array([[4, 0, 3, 1, 2], [3, 0, 4, 1, 2]], dtype=np.int8)
    after, root = step_pibt(free, cells, ranking, np.array([5, 4]))
    assert after.tolist() == [[0, 1], [0, 2]]
    assert root[0] == 0


def test_a_ring_turns_only_if_it_may():
    free = np.ones((2, 2), dtype=bool)
    cells = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])
    ranking = np.array([[4, 0, 1, 2, 3], [2, 0, 1, 3, 4], [3, 0, 1, 2, 4], [1, 0, 2, 3, 4]], dtype=np.int8)
    priority = np.array([4, 3, 2, 1])
    assert step_pibt(free, cells, ranking, priority, True)[0].tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]
    assert step_pibt(free, cells, ranking, priority, False)[0].tolist() == cells.tolist()


def test_a_settled_move_is_kept_and_makes_room():
    free = np.ones((1, 3), dtype=bool)
    cells = np.array([[0, 0], [0, 1]])
    ranking = np.array([[4, 0, 3, 1, 2], [0, 3, 4, 1, 2]], dtype=np.int8)
    forced = np.array([-1, 2])
    assert step_pibt(free, cells, ranking, np.array([1, 0]), False, forced)[0].tolist() == [[0, 1], [0, 2]]


def test_priority_keys_are_unique_and_ordered():
    assert priority_key(3, 5) > priority_key(2, 0) > priority_key(2, 1) > priority_key(-1, 0)
    with pytest.raises(InputError, match="robot_id"):
        priority_key(0, -1)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_resolved_moves_have_no_conflict_for_any_wish(seed, soft):
    rng, free, cells = draw_world(seed, fill=1.0)
    moves = rng.integers(-1, 7, len(cells))
    after = resolve(cells, moves, free, rng.random(len(cells)), soft)
    assert violations(text(free), [cells, after], cells) == []


@given(st.integers(0, 2**32 - 1))
def test_moves_without_conflict_are_carried_out(seed):
    rng, free, cells = draw_world(seed)
    ranking = np.argsort(rng.random((len(cells), 5)), axis=1).astype(np.int8)
    wanted, _ = step_pibt(free, cells, ranking, np.arange(len(cells)))
    moves = np.array([STEP.index(tuple(d)) for d in (wanted - cells).tolist()])
    for soft in (True, False):
        assert (resolve(cells, moves, free, np.zeros(len(cells)), soft) == wanted).all()


def resolved_by_hand(free, cells, moves, priority=None):
    """The rules, stated as plainly as possible: revert what conflicts until nothing does; soft without priorities."""
    now = [tuple(c) for c in cells.tolist()]
    want = []
    for (r, c), move in zip(now, moves.tolist(), strict=True):
        n = (r + STEP[move][0], c + STEP[move][1])
        inside = 0 <= n[0] < free.shape[0] and 0 <= n[1] < free.shape[1]
        want.append(n if inside and free[n] else (r, c))
    swaps = [i for i in range(len(now)) for j in range(len(now)) if i != j and want[i] == now[j] and want[j] == now[i]]
    for i in swaps:
        want[i] = now[i]
    for cell in {w for w, n in zip(want, now, strict=True) if w != n}:
        rivals = [i for i in range(len(now)) if want[i] == cell and now[i] != cell]
        if priority is not None:
            rivals.remove(min(rivals, key=lambda i: (-priority[i], i)))
        if priority is not None or len(rivals) > 1:
            for i in rivals:
                want[i] = now[i]
    while True:
        staying = {n for w, n in zip(want, now, strict=True) if w == n}
        new = [n if w != n and w in staying else w for w, n in zip(want, now, strict=True)]
        if new == want:
            return want
        want = new


@given(st.integers(0, 2**32 - 1))
def test_soft_resolution_is_the_rule_of_the_benchmark(seed):
    rng, free, cells = draw_world(seed, fill=1.0)
    moves = rng.integers(0, 5, len(cells))
    after = resolve(cells, moves, free, np.zeros(len(cells)), True)
    assert [tuple(c) for c in after.tolist()] == resolved_by_hand(free, cells, moves)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 1000]))
def test_resolution_by_priority_is_its_rule(seed, priorities):
    rng, free, cells = draw_world(seed, walls=0.1, fill=0.8)
    moves, priority = rng.integers(0, 5, len(cells)), rng.integers(0, priorities, len(cells)).astype(float)
    after = resolve(cells, moves, free, priority, False)
    assert [tuple(c) for c in after.tolist()] == resolved_by_hand(free, cells, moves, priority)


@pytest.mark.parametrize("move", [-1, 5, 6])
def test_what_is_no_move_stays(move):
    cells = np.array([[1, 1]])
    assert resolve(cells, np.array([move]), np.ones((3, 3), dtype=bool), np.zeros(1), True).tolist() == [[1, 1]]


def test_the_highest_priority_enters_a_contested_cell_unless_nobody_may():
    free = np.ones((1, 3), dtype=bool)
    cells, moves = np.array([[0, 0], [0, 2]]), np.array([4, 3])
    assert resolve(cells, moves, free, np.array([1.0, 2.0]), False).tolist() == [[0, 0], [0, 1]]
    assert resolve(cells, moves, free, np.array([1.0, 2.0]), True).tolist() == cells.tolist()


def test_ranking_by_distance_orders_moves_by_what_is_left():
    free = np.array([[True, True, True], [False, True, False]])
    field = distance_field(free, 0, 2)
    assert rank_by_distance(field, (0, 1))[:3] == (4, 0, 3) or rank_by_distance(field, (0, 1))[0] == 4
    assert set(rank_by_distance(field, (0, 1))) == set(range(5))
    assert rank_by_distance(field, (0, 2))[0] == 0


def test_decentralised_robots_deliver_and_the_run_is_free_of_conflict():
    rng = np.random.default_rng(3)
    free = np.ones((10, 10), dtype=bool)
    free[2:8:3, 2:8] = False
    open_cells = np.argwhere(free)
    n = 12
    cells = open_cells[rng.permutation(len(open_cells))[:n]].astype(np.int64)
    goals = [[tuple(open_cells[k].tolist()) for k in rng.integers(len(open_cells), size=60)] for _ in range(n)]
    planners = [PibtPlanner(free, i) for i in range(n)]
    starts, steps, reached = cells.copy(), [cells.copy()], [0] * n
    for _ in range(150):
        told = [p.announce(tuple(cells[i].tolist()), goals[i][reached[i]]) for i, p in enumerate(planners)]
        moves = []
        for i, planner in enumerate(planners):
            near = {j: told[j] for j in range(n) if j != i and np.abs(cells[i] - cells[j]).max() <= 5}
            moves.append(planner.decide(told[i], near))
        cells = resolve(cells, np.array(moves), free, np.zeros(n), True)
        steps.append(cells.copy())
        for i in range(n):
            if tuple(cells[i].tolist()) == goals[i][reached[i]]:
                reached[i] += 1
                planners[i].reached()
    assert violations(text(free), steps, starts, goals, reached) == []
    assert min(reached) >= 8 and sum(reached) >= 180
