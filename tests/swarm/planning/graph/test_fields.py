"""Distance fields against slow, obvious searches."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swarm.errors import InputError
from swarm.planning.graph.fields import (
    UNREACHABLE,
    FieldCache,
    directed_field,
    distance_field,
    field_key,
    weighted_field,
)
from swarm.planning.graph.lanes import dead_ends, lane_costs

maps = hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def relax(edges, nodes, goal):
    """Distances to a goal by Bellman-Ford over edges {(u, v): cost}."""
    far = dict.fromkeys(nodes, math.inf)
    if goal in far:
        far[goal] = 0.0
    for _ in nodes:
        for (u, v), cost in edges.items():
            far[u] = min(far[u], cost + far[v])
    return far


def four(free):
    """Free cells, and the pairs of them that share a side."""
    cells = {(int(r), int(c)) for r, c in np.argwhere(free)}
    pairs = [
        ((r, c), (r + dr, c + dc))
        for r, c in sorted(cells)
        for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1))
        if (r + dr, c + dc) in cells
    ]
    return cells, pairs


@given(maps, st.data())
def test_distance_field_is_the_number_of_steps(free, data):
    goal = tuple(data.draw(st.integers(-1, size)) for size in free.shape)
    cells, pairs = four(free)
    far = relax(dict.fromkeys(pairs, 1.0), cells, goal)
    field = distance_field(free, *goal)
    assert field.dtype == np.int32
    for r, c in np.ndindex(free.shape):
        steps = far.get((r, c), math.inf)
        assert field[r, c] == (UNREACHABLE if steps == math.inf else steps)


def known_of(field, limit, start):
    """Which cells of a field from a start have to be exact."""
    keys = [[field_key(left, r, c, *start) for c, left in enumerate(row)] for r, row in enumerate(field.tolist())]
    return (np.array(keys) <= limit) & np.isfinite(field)


@given(maps, st.integers(0, 2**32 - 1), st.data())
def test_weighted_field_is_the_cheapest_way_and_cuts_no_corner(free, seed, data):
    cost = np.where(free, np.random.default_rng(seed).uniform(1.0, 1.4, free.shape), np.inf)
    goal, start = (tuple(data.draw(st.integers(0, size - 1)) for size in free.shape) for _ in range(2))
    cells, _ = four(free)
    edges = {}
    for r, c in cells:
        for dr, dc in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
            if {(r + dr, c + dc), (r + dr, c), (r, c + dc)} <= cells:
                edges[(r, c), (r + dr, c + dc)] = 0.5 * (cost[r, c] + cost[r + dr, c + dc]) * math.hypot(dr, dc)
    far = relax(edges, cells, goal)
    field, limit = weighted_field(cost, *goal)
    assert limit == math.inf
    for place in np.ndindex(free.shape):
        assert field[place] == pytest.approx(far.get(place, math.inf))
    part, limit = weighted_field(cost, *goal, *start)
    known = known_of(field, limit, start)
    assert (part[known] == field[known]).all() and (part >= field).all()
    assert limit >= field_key(field[start], *start, *start)


@given(st.integers(0, 2**32 - 1))
def test_a_field_from_a_start_is_the_whole_one_around_the_way_and_ends_there(seed):
    rng = np.random.default_rng(seed)
    cost = np.where(rng.random((150, 150)) < 0.8, rng.choice([1.0, 1.2, 1.4], (150, 150)), np.inf)
    goal, start = (75, 75), tuple(75 + rng.integers(-20, 21, 2))
    cost[goal] = cost[start] = 1.0
    (whole, _), (part, limit) = weighted_field(cost, *goal), weighted_field(cost, *goal, *start)
    known = known_of(whole, limit, start)
    assert (part[known] == whole[known]).all() and (part >= whole).all()
    assert known[start] == np.isfinite(whole[start])
    if math.isfinite(limit):
        assert np.isfinite(part).sum() < 0.7 * np.isfinite(whole).sum()


@given(maps, st.integers(0, 2**32 - 1), st.data())
def test_directed_field_follows_the_direction_of_each_step(free, seed, data):
    rng = np.random.default_rng(seed)
    rows, columns = free.shape
    goal = tuple(data.draw(st.integers(0, size - 1)) for size in free.shape)
    cells, pairs = four(free)
    cost = np.full((5, rows * columns), np.inf)
    edges = {}
    for (r, c), (nr, nc) in pairs:
        move = {(-1, 0): 1, (1, 0): 2, (0, -1): 3, (0, 1): 4}[nr - r, nc - c]
        edges[(r, c), (nr, nc)] = cost[move, r * columns + c] = rng.uniform(1.0, 3.0)
    far = relax(edges, cells | {goal}, goal)
    field = directed_field(cost, columns, goal[0] * columns + goal[1])
    for r, c in np.ndindex(free.shape):
        assert field[r * columns + c] == pytest.approx(far.get((r, c), math.inf))


@given(maps)
def test_dead_ends_are_what_pruning_removes_and_parents_lead_out(free):
    cells, pairs = four(free)
    near = {cell: {v for u, v in pairs if u == cell} for cell in cells}
    core = set(cells)
    while leaves := {cell for cell in core if len(near[cell] & core) <= 1}:
        core -= leaves
    branch, parent = dead_ends(free)
    columns = free.shape[1]
    for r, c in np.ndindex(free.shape):
        flat = r * columns + c
        inside = (r, c) in cells and (r, c) not in core
        assert (branch[flat] >= 0) == inside
        if not inside:
            assert parent[flat] == -1
            continue
        steps, at = 0, flat
        while branch[at] >= 0 and parent[at] >= 0:
            assert divmod(int(parent[at]), columns) in near[divmod(at, columns)]
            at, steps = int(parent[at]), steps + 1
            assert steps <= free.size
        assert branch[at] < 0 or at == branch[flat]


def test_a_one_lane_aisle_is_cheaper_one_way_and_a_dead_end_costs_the_same_both_ways():
    free = np.array([[c == "." for c in row] for row in ("......", ".####.", "......", "#.####", "#.####")])
    branch, _ = dead_ends(free)
    cost = lane_costs(free, branch, 0.5)
    top, second, dead = 2, 2 * 6 + 3, 4 * 6 + 1
    assert sorted(cost[3:, top]) == [1.0, 1.5] and sorted(cost[3:, second]) == [1.0, 1.5]
    assert cost[3, top] == cost[4, second]
    assert cost[1, dead] == 1.0 and cost[2, 3 * 6 + 1] == 1.0
    assert cost[2, top] == math.inf


def test_the_cache_drops_what_was_unused_for_longest():
    made = []

    def compute(row, column):
        made.append((row, column))
        return np.full(1, row * 10 + column)

    cache = FieldCache(compute, 2)
    cache[0, 1], cache[0, 2], cache[0, 1], cache[0, 3]
    assert len(cache) == 2 and made == [(0, 1), (0, 2), (0, 3)]
    assert cache[0, 1][0] == 1 and len(made) == 3
    assert cache[0, 2][0] == 2 and len(made) == 4
    with pytest.raises(InputError, match="capacity"):
        FieldCache(compute, 0)


def test_the_heap_of_the_fields_is_a_priority_queue():
    from swarm.planning.graph.fields import _pop, _push

    rng = np.random.default_rng(0)
    keys, nodes, size, reference = np.empty(400), np.empty(400, dtype=np.int64), 0, []
    for _ in range(1000):
        if reference and (rng.random() < 0.45 or size == 400):
            assert keys[0] == heapq.heappop(reference)
            size = _pop(keys, nodes, size)
        else:
            key = float(rng.integers(50))
            heapq.heappush(reference, key)
            size = _push(keys, nodes, size, key, 0)
