"""GridBatch: the same as its worlds one by one, on any number of threads, whatever the maps' sizes."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.mapf import violations

from envs.grid.batch import GridBatch
from envs.grid.episode import Episode, draw_episode, drawn_goals, listed_goals
from envs.grid.kernels import draw_goal
from envs.grid.maps import random_map
from swarm.array_types import AnyArray, Int64s
from swarm.errors import InputError
from swarm.planning.graph.moves import MOVES
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance

ROBOTS = 6


def drawn(seed: int, worlds: int, rows: int = 8, columns: int = 9) -> list[Episode]:
    rng = np.random.default_rng(seed)
    maps = [random_map(rng, rows - b % 2, columns - b % 3, 0.25, at_least=12) for b in range(worlds)]
    return [draw_episode(grid, ROBOTS, rng) for grid in maps]


def listed(starts: Any, targets: Any, rows: list[str]) -> Episode:
    case = LifelongInstance("test", "test", 0, GridMap.from_rows(rows), starts, targets, (len(starts),))
    return Episode(case.grid, case.starts, listed_goals(case, len(starts)))


def along(batch: GridBatch, rng: np.random.Generator) -> Int64s:
    """Mostly the moves of shortest ways, so that goals are reached."""
    step = batch.ahead - batch.cells
    moves = np.argmax((step[..., None, :] == MOVES).all(axis=-1), axis=-1)
    return np.where(rng.random(moves.shape) < 0.3, rng.integers(5, size=moves.shape), moves)


def play(batch: GridBatch, steps: int, seed: int) -> list[AnyArray]:
    """Everything that can be seen of a run."""
    rng = np.random.default_rng(seed)
    seen: list[AnyArray] = [batch.observe().copy()]
    for _ in range(steps):
        batch.step(along(batch, rng))
        seen += [batch.cells.copy(), batch.goals.copy(), batch.just_blocked.copy(), batch.observe().copy()]
    return [*seen, batch.reached, batch.blocked, batch.age]


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), radius=st.integers(1, 6))
def test_a_batch_is_its_worlds_one_by_one(seed: int, radius: int) -> None:
    episodes = drawn(seed, 5)
    episodes[3] = listed([[0, k] for k in range(6)], [[[1, 5 - k], [0, k]] for k in range(6)], ["......", "......"])
    batch, alone = GridBatch(episodes, radius), [GridBatch([episode], radius) for episode in episodes]
    batch.observe()
    rng = np.random.default_rng(seed)
    for _ in range(12):
        moves = along(batch, rng)
        batch.step(moves)
        observed = batch.observe()
        for b, one in enumerate(alone):
            one.step(moves[b : b + 1])
            for name in ("cells", "goals", "reached", "blocked", "just_reached", "just_blocked", "has_goal", "age"):
                assert np.array_equal(getattr(one, name)[0], getattr(batch, name)[b]), name
            assert np.array_equal(one.observe()[0], observed[b])
            assert np.array_equal(one.path(0, 1), batch.path(b, 1))


def test_one_thread_and_two_play_the_same() -> None:
    runs = []
    for count in (1, 2):
        batch = GridBatch(drawn(3, 8))
        batch.threads = min(count, numba.get_num_threads())
        runs.append(play(batch, 60, seed=1))
    assert runs[0][-3].sum() > 50
    assert all(np.array_equal(one, two) for one, two in zip(*runs, strict=True))


def test_runs_break_no_rule_and_claim_what_they_reached() -> None:
    episodes = drawn(5, 4)
    batch, rng = GridBatch(episodes), np.random.default_rng(0)
    track, goals = [batch.cells.tolist()], [[[goal] for goal in world] for world in batch.goals.tolist()]
    for _ in range(150):
        batch.observe()
        for b, robot in np.argwhere(batch.step(along(batch, rng))).tolist():
            goals[b][robot].append(batch.goals[b, robot].tolist())
        track.append(batch.cells.tolist())
    for b, episode in enumerate(episodes):
        claimed = batch.reached[b].tolist()
        assert sum(claimed) > 10
        steps = [cells[b] for cells in track]
        assert violations(episode.grid.rows, steps, episode.starts.tolist(), goals[b], claimed) == []


def test_an_episode_ends_and_another_begins() -> None:
    batch = GridBatch(drawn(0, 3))
    play(batch, 20, seed=0)
    (fresh,) = drawn(9, 1, rows=7)
    batch.load(1, fresh)
    assert batch.age.tolist() == [20, 0, 20]
    assert np.array_equal(batch.observe()[1], GridBatch([fresh]).observe()[0])
    assert not batch.reached[1].any() and batch.reached[0].any()
    long = listed([[0, k] for k in range(6)], [[[1, k], [0, k]] * 9 for k in range(6)], ["......", "......"])
    batch.load(2, long)  # a longer list than there was room for
    assert batch.goals[2].tolist() == [[1, k] for k in range(6)]


def test_drawn_goals_differ_by_seed_robot_and_number() -> None:
    pool = np.argwhere(np.ones((10, 10), bool)).astype(np.int32)
    rows = [
        [draw_goal(np.uint64(seed), robot, k, 0, 1, pool, 100) for k in range(2000)]
        for seed, robot in ((1, 0), (1, 1), (2, 0))
    ]
    for row in rows:
        counts = np.bincount(row, minlength=100)
        assert counts[1] == 0 and counts[np.arange(100) != 1].min() > 5 and counts.max() < 45
        assert [(np.array(row) == np.array(other)).mean() < 0.05 for other in rows].count(False) == 1


def test_fields_take_no_memory_before_they_are_needed() -> None:
    rng = np.random.default_rng(0)
    grid = GridMap(np.ones((100, 100), bool))
    batch = GridBatch([draw_episode(grid, 5000, rng)])
    batch.step(rng.integers(5, size=(1, 5000)))
    assert batch._fields is None
    assert len(batch.path(0, 17)) == 1 + np.abs(batch.goals[0, 17] - batch.cells[0, 17]).sum()
    assert (batch._held >= 0).sum() == 1


def test_ways_too_long_for_two_bytes() -> None:
    free = np.ones((515, 257), bool)
    free[1::2] = False
    free[1::4, -1] = free[3::4, 0] = True  # one lane to and fro: every cell is on the way
    goal = np.array([[514, 0]])
    case = LifelongInstance("snake", "snake", 0, GridMap(free), np.array([[0, 0]]), (goal,), (1,))
    batch = GridBatch([Episode(case.grid, case.starts, listed_goals(case, 1))])
    assert free.sum() > 65_535
    assert len(batch.path(0, 0, limit=100_000)) == free.sum()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: GridBatch([]), "episodes"),
        (lambda: GridBatch([*drawn(0, 1), listed([[0, 0]], [[[0, 1]]], [".."])]), "6, as in all worlds"),
        (lambda: GridBatch(drawn(0, 2)).load(0, drawn(0, 1, rows=9)[0]), "at most"),
        (lambda: GridBatch(drawn(0, 2)).step(np.zeros((2, 5), np.int64)), "one for each robot"),
        (lambda: drawn_goals(np.array([[0, 0], [0, 0]]), np.random.default_rng(0)), "2 or more"),
    ],
)
def test_wrong_arguments_are_named(make: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        make()
