"""Followers: paths, costs and observations against slow references, and nothing that a robot may not know."""

from __future__ import annotations

import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.mapf import violations

from swarm.errors import InputError
from swarm.planning.follower.costs import _distance_sums, see, static_costs, times_seen
from swarm.planning.follower.robot import FollowerPlanner
from swarm.planning.follower.team import FollowerMap, Followers, gumbel, rank
from swarm.planning.follower.view import (
    CHANNELS,
    FARTHER_LAYER,
    FORWARD_LAYER,
    OWN,
    OWN_COST,
    PATH_LAYER,
    PRIORITY_LAYER,
    REACH,
    RIGHT_LAYER,
    ROBOT_LAYER,
    WALL,
    WINDOW,
)  # fmt: skip
from swarm.planning.pibt.reservation import resolve

MOVES = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
SEEDS = st.integers(0, 2**32 - 1)


class Linear:
    """A ranker whose scores are an arbitrary function of all that is observed."""

    temperature = 0.5

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.view = rng.normal(size=(CHANNELS * WINDOW * WINDOW, 5)).astype(np.float32)
        self.own = rng.normal(size=(OWN, 5)).astype(np.float32)

    def __call__(self, view, own):
        costs = own[:, OWN_COST : OWN_COST + 5]
        return np.stack([v.reshape(-1) @ self.view + o @ self.own - 20.0 * (c >= WALL) for v, o, c in
                         zip(view, own, costs, strict=True)])  # fmt: skip


def draw(seed, rows=12, columns=14, walls=0.25, robots=8):
    """A random map and robots with goals in one connected part of it."""
    rng = np.random.default_rng(seed)
    while True:
        free = rng.random((rows, columns)) > walls
        part = distances(free, tuple(rng.integers((rows, columns))))
        if len(part) > 2 * robots:
            cells = np.array(sorted(part))
            return rng, free, cells[rng.permutation(len(cells))[:robots]], cells[rng.permutation(len(cells))[:robots]]


def distances(free, start):
    """Steps from a cell to every one that can be reached; none from a wall."""
    found = {start: 0} if free[start] else {}
    queue = list(found)
    for cell in queue:
        for down, right in MOVES[1:]:
            there = (cell[0] + down, cell[1] + right)
            inside = 0 <= there[0] < free.shape[0] and 0 <= there[1] < free.shape[1]
            if inside and free[there] and there not in found:
                found[there] = found[cell] + 1
                queue.append(there)
    return found


def cheapest(cost, start, goal):
    """Cost of the cheapest way between two cells, all entered cells counted (Dijkstra on a dict)."""
    best, heap = {start: 0.0}, [(0.0, start)]
    while heap:
        so_far, cell = heapq.heappop(heap)
        if cell == goal:
            return so_far
        for down, right in MOVES[1:]:
            there = (cell[0] + down, cell[1] + right)
            if there in cost and so_far + cost[there] < best.get(there, np.inf):
                best[there] = so_far + cost[there]
                heapq.heappush(heap, (best[there], there))
    return np.inf


def costs_of(ground, free):
    grid = ground.static.reshape(ground.free.shape)[REACH:-REACH, REACH:-REACH]
    return {tuple(cell): float(grid[tuple(cell)]) for cell in np.argwhere(free)}


def path_of(team, robot):
    """Cells of a robot's path, without those that fill it up."""
    cells = [tuple(cell) for cell in team.ground.cells(team._way[robot].astype(np.int64)).tolist()]
    return [cell for cell, _ in itertools.groupby(cells)]


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_static_cost_is_largest_mean_distance_over_own(seed):
    _, free, _, _ = draw(seed, 7, 8)
    mean = {tuple(c): np.mean(list(distances(free, tuple(c)).values())) for c in np.argwhere(free)}
    for cell, cost in costs_of(FollowerMap(free), free).items():
        wanted = max(mean.values()) / mean[cell] if mean[cell] > 0 else 1.0
        assert cost == pytest.approx(wanted, abs=1 / 128)


def test_large_maps_take_mean_distances_from_a_sample_of_cells():
    free = np.pad(np.ones((60, 60), bool), 1)
    wall, every = ~free.reshape(-1), np.flatnonzero(free)
    total, count = _distance_sums(wall, 62, every)
    mean = total / np.maximum(count, 1)
    exact = mean.max() / mean[every]
    assert np.abs(static_costs(wall, 62)[every] - exact).max() < 0.05
    assert len(every) > 2048  # else the test above tests nothing


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_paths_are_cheapest_and_count_who_was_seen(seed):
    rng, free, cells, goals = draw(seed)
    ground = FollowerMap(free)
    team = Followers(ground, np.arange(len(cells)))
    seen = [dict.fromkeys(costs_of(ground, free), 0) for _ in cells]
    for _ in range(6):
        team.plan(cells, goals)
        for robot, (row, column) in enumerate(cells.tolist()):
            for other, place in enumerate(map(tuple, cells.tolist())):
                if other != robot and max(abs(place[0] - row), abs(place[1] - column)) <= REACH:
                    seen[robot][place] += 1
            cost = {cell: static + seen[robot][cell] for cell, static in costs_of(ground, free).items()}
            path, goal = path_of(team, robot), tuple(goals[robot].tolist())
            if (row, column) == goal:
                continue
            assert path[0] == (row, column)
            assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in itertools.pairwise(path))
            rest = cheapest(cost, path[-1], goal)
            assert sum(cost[cell] for cell in path[1:]) + rest == pytest.approx(cheapest(cost, path[0], goal), abs=1e-3)
        cells = resolve(cells, rng.integers(0, 5, len(cells)), free, np.empty(0), True)
        if rng.random() < 0.3:  # a new goal: everything that was seen is forgotten
            goals[0], seen[0] = cells[rng.integers(len(cells))], dict.fromkeys(seen[0], 0)
            team.forget(np.zeros(1, np.int64))


def test_memory_of_what_was_seen_is_bounded_and_exact_within_its_size():
    seen, bits = np.zeros(16, np.int32), 4
    for cell in (3, 5, 5, 19):  # 19 takes the place of 3
        see(seen, bits, cell)
    assert [times_seen(seen, bits, cell) for cell in (3, 5, 19, 35)] == [0, 2, 1, 0]
    for _ in range(5000):
        see(seen, bits, 7)
    assert times_seen(seen, bits, 7) == 4095 and times_seen(seen, bits, 6) == 0


def reference_view(team, free, cells, before, robot):
    """The observation of one robot, cell by cell, from its definition."""
    ground, way = team.ground, path_of(team, robot)
    here = tuple(cells[robot].tolist())
    step = (way[1][0] - here[0], way[1][1] - here[1]) if len(way) > 1 else (-1, 0)
    right = (step[1], -step[0])
    field = team._fields[robot].reshape(ground.free.shape)[REACH:-REACH, REACH:-REACH]
    view = np.zeros((CHANNELS, WINDOW, WINDOW), np.float32)
    inside = itertools.takewhile(lambda c: max(abs(c[0] - here[0]), abs(c[1] - here[1])) <= REACH, way[1:])
    shown = set(inside)  # up to where the path first leaves the window
    at = {tuple(cell): k for k, cell in enumerate(cells.tolist())}
    for i, j in itertools.product(range(WINDOW), repeat=2):
        f, s = REACH - i, j - REACH
        cell = (here[0] + f * step[0] + s * right[0], here[1] + f * step[1] + s * right[1])
        if not (0 <= cell[0] < free.shape[0] and 0 <= cell[1] < free.shape[1] and free[cell]):
            view[PATH_LAYER, i, j], view[FARTHER_LAYER, i, j] = -1.0, 1.0
            continue
        view[PATH_LAYER, i, j] = cell in shown
        view[FARTHER_LAYER, i, j] = np.clip((field[cell] - field[here]) / 10.0, -1.0, 1.0)
        other = at.get(cell)
        if other is None or other == robot:
            continue
        view[ROBOT_LAYER, i, j] = 1.0
        if before is None or max(abs(before["cells"][other] - before["cells"][robot])) > REACH:
            continue
        view[PRIORITY_LAYER, i, j] = before["priority"][other] > before["priority"][robot]
        told = [tuple(before["cells"][other].tolist()), *before["told"][other]]
        if cell in told[:2]:
            then = told[told.index(cell) + 1]
            move = (then[0] - cell[0], then[1] - cell[1])
            view[FORWARD_LAYER, i, j] = move[0] * step[0] + move[1] * step[1]
            view[RIGHT_LAYER, i, j] = move[0] * right[0] + move[1] * right[1]
    return view


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_observation_is_the_slow_reference(seed):
    _, free, cells, goals = draw(seed, robots=10)
    team, before, rng = Followers(FollowerMap(free), np.arange(10)), None, np.random.default_rng(seed)
    for _ in range(4):
        team.plan(cells, goals)
        for robot in range(10):
            if tuple(cells[robot]) != tuple(goals[robot]) and len(path_of(team, robot)) < 24:
                np.testing.assert_allclose(
                    team.view[robot], reference_view(team, free, cells, before, robot), atol=1e-6
                )
        told = [[tuple(c) for c in team.ground.cells(pair).tolist()] for pair in team.told()]
        before = {"cells": cells, "priority": team.priority.copy(), "told": told}
        moves = team.decide(team.turned(rank(rng.normal(size=(10, 5)).astype(np.float32))))
        cells = resolve(cells, moves, free, np.empty(0), True)


def near(cells, k):
    return [m for m in range(len(cells)) if m != k and np.abs(cells[m] - cells[k]).max() <= REACH]


def alone(planners, cells, goals, busy):
    """Moves of robots that are each on their own; and what they told."""
    at = list(map(tuple, cells.tolist()))
    said = [
        one.announce(at[k], tuple(goals[k]) if busy[k] else None, {m: at[m] for m in near(cells, k)})
        for k, one in enumerate(planners)
    ]
    heard = [{m: said[m] for m in near(cells, k)} for k in range(len(cells))]
    passed = [{k: v for m in heard[n] for k, v in heard[m].items()} for n in range(len(cells))]
    return np.array([one.decide(said[k], heard[k], passed[k]) for k, one in enumerate(planners)]), said


@given(SEEDS)
@settings(max_examples=6, deadline=None)
def test_a_team_does_what_its_robots_do_each_on_its_own(seed):
    _, free, cells, goals = draw(seed, 14, 30, robots=30)
    ground, ranker, busy = FollowerMap(free), Linear(seed), np.arange(30) != 7
    goals[~busy] = -1
    team = Followers(ground, np.arange(30))
    planners = [FollowerPlanner(ground, k, ranker) for k in range(30)]
    track = [cells]
    for tick in range(1, 9):
        team.plan(cells, goals)
        scores = ranker(team.view, team.own)
        moves = team.decide(team.turned(rank(scores, ranker.temperature * gumbel(team.ids, tick))))
        np.testing.assert_array_equal(moves, alone(planners, cells, goals, busy)[0])
        cells = resolve(cells, moves, free, np.empty(0), True)
        track.append(cells)
    rows = ["".join("." if f else "#" for f in row) for row in free]
    assert violations(rows, track, track[0]) == []


def test_what_a_robot_cannot_know_changes_nothing():
    """Robots beyond the second hop, and goals of all others but through what is told, leave ranking and move alone."""
    free = np.ones((5, 60), bool)
    cells = np.array([[2, 5], [2, 9], [1, 13], [2, 20], [3, 45]])
    goals = np.array([[2, 50], [2, 0], [0, 0], [4, 4], [0, 59]])
    results = []
    for far, goal in (((3, 45), (0, 59)), ((0, 33), (4, 0)), ((2, 21), (2, 0)), ((2, 4), (2, 0))):
        moved, wanted = cells.copy(), goals.copy()
        moved[4], wanted[4] = far, goal
        ground, ranker = FollowerMap(free), Linear(3)
        planners = [FollowerPlanner(ground, k, ranker) for k in range(5)]
        for _ in range(3):
            moves, said = alone(planners, moved, wanted, np.ones(5, bool))
        team = Followers(ground, np.arange(5))
        for tick in range(1, 4):
            team.plan(moved, wanted)
            noise = ranker.temperature * gumbel(team.ids, tick)
            batch = team.decide(team.turned(rank(ranker(team.view, team.own), noise)))
        results.append((said[0], moves[0], batch[0], team.view[0].tobytes()))
    assert results[0] == results[1] == results[2] != results[3]  # the last one is in sight


def test_a_robot_without_a_goal_makes_way():
    free = np.ones((1, 8), bool)
    cells, goals = np.array([[0, 2], [0, 3]]), np.array([[0, 7], [-1, -1]])
    team = Followers(FollowerMap(free), np.arange(2))
    for _ in range(5):
        team.plan(cells, goals)
        scores = np.tile(np.array([0.0, 2.0, 0.0, 0.0, 0.0], np.float32), (2, 1))
        cells = resolve(cells, team.decide(team.turned(rank(scores))), free, np.empty(0), True)
    assert cells[:, 1].tolist() == [6, 7]  # the robot at the end of the corridor cannot go further


def test_a_goal_behind_walls_is_no_goal():
    free = np.ones((3, 5), bool)
    free[:, 2] = False
    team = Followers(FollowerMap(free), np.arange(1))
    team.plan(np.array([[0, 0]]), np.array([[0, 4]]))
    assert np.isfinite(team.view).all() and np.isfinite(team.own).all()
    assert team.decide(team.turned(np.array([[1, 2, 3, 4, 0]], np.int8))).tolist() == [0]


def test_ids_out_of_range_are_refused():
    with pytest.raises(InputError, match="ids"):
        Followers(FollowerMap(np.ones((3, 3), bool)), np.array([-1]))
