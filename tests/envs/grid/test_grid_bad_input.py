"""Grid episodes that cannot be, and odd ones that can: a clear error or a documented behaviour, never a hang."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.mapf import violations

from envs.grid.batch import GridBatch
from envs.grid.env import GridEnv
from envs.grid.episode import Episode, GoalSource
from envs.grid.run import GridRun
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance, load_instances

SPLIT = ["....", "####", "...."]


def instance(rows: list[str], starts: Any, targets: Any) -> LifelongInstance:
    return LifelongInstance("test", "test", 0, GridMap.from_rows(rows), starts, targets, (len(starts),))


@pytest.mark.parametrize(
    ("rows", "starts", "targets", "text"),
    [
        (SPLIT, [[0, 0]], [[[0, 1], [2, 0]]], "cell that starts.0. can reach"),
        (SPLIT, [[0, 0]], [[[1, 0]]], "a free cell, not a wall"),
        (SPLIT, [[1, 0]], [[[0, 0]]], "a free cell, not a wall"),
        (SPLIT, [[0, 0], [0, 1], [0, 0]], [[[0, 2]]] * 3, "another cell than starts.0."),
        (["..", "##"], [[0, 0], [0, 1], [0, 0]], [[[0, 1]]] * 3, "another cell"),  # more robots than cells
        (SPLIT, [[0, 0]], [[]], "at least one"),
    ],
)
def test_impossible_instances_are_refused_where_they_are_read(
    rows: list[str], starts: Any, targets: Any, text: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=text):
        instance(rows, starts, targets)
    line = {"suite": "x", "map": "x", "seed": 0, "rows": rows, "starts": starts, "targets": targets, "counts": [1]}
    (tmp_path / "x.jsonl").write_text(json.dumps(line))
    with pytest.raises(InputError, match=f"x.jsonl:1.*{text}"):
        list(load_instances(tmp_path / "x.jsonl"))


@pytest.mark.parametrize(
    ("starts", "goals", "text"),
    [
        ([[1, 0]], GoalSource(np.array([[[0, 1]]])), "free cells"),
        ([[0, 9]], GoalSource(np.array([[[0, 1]]])), "free cells"),
        ([[-1, 0]], GoalSource(np.array([[[0, 1]]])), "free cells"),
        ([[0, 0], [0, 0]], GoalSource(np.array([[[0, 1]]] * 2)), "each for one robot"),
        ([[0, 0], [0, 1]], GoalSource(np.array([[[0, 1]], [[2, 0]]])), "goals of robot 1"),
        ([[0, 0], [2, 0]], GoalSource(pool=np.array([[0, 1], [0, 2]])), "goals of robot 1"),
        (np.empty((0, 2), int), GoalSource(), "one robot or more"),
    ],
)
def test_impossible_episodes_are_refused(starts: Any, goals: GoalSource, text: str) -> None:
    with pytest.raises(InputError, match=text):
        Episode(GridMap.from_rows(SPLIT), np.array(starts), goals)


def test_more_robots_than_cells() -> None:
    with pytest.raises(InputError, match="5 on 4 connected free cells"):
        GridEnv(GridMap.from_rows(SPLIT), robots=5)
    with pytest.raises(InputError, match="1 to 2, the robots of test"):
        GridRun(instance(SPLIT, [[0, 0], [0, 1]], [[[0, 2]]] * 2), 3)


def test_of_a_disconnected_map_the_largest_part_is_used() -> None:
    env = GridEnv(GridMap.from_rows(["...#..", "...#..", "...#.."]), robots=9)
    for seed in range(5):
        env.reset(seed=seed)
        assert (env.batch.cells[0][:, 1] < 3).all() and (env.batch.goals[0][:, 1] < 3).all()


def test_an_instance_may_use_several_parts() -> None:
    case = instance(SPLIT, [[0, 0], [2, 3]], [[[0, 3]], [[2, 0]]])
    run = GridRun(case, 2)
    for _ in range(4):
        run.step()
    assert run.batch.reached[0].tolist() == [1, 1]


def test_a_goal_twice_in_a_row_counts_when_it_is_occupied_at_a_later_step() -> None:
    goals = GoalSource(np.array([[[0, 1], [0, 1], [0, 1]]]))
    batch = GridBatch([Episode(GridMap.from_rows(["..."]), np.array([[0, 0]]), goals)])
    for move, reached in ((4, 1), (0, 2), (4, 2), (3, 3), (0, 3)):
        batch.step(np.array([[move]]))
        assert batch.reached[0][0] == reached


def test_the_start_as_first_goal_counts_after_a_step() -> None:
    goals = GoalSource(np.array([[[0, 0], [0, 2]]]))
    batch = GridBatch([Episode(GridMap.from_rows(["..."]), np.array([[0, 0]]), goals)])
    observed = batch.observe()[0][0]
    assert observed[2, 5, 5] == 1 and not observed[3].any() and len(batch.path(0, 0)) == 1
    batch.step(np.array([[0]]))
    assert batch.reached[0][0] == 1 and batch.goals[0][0].tolist() == [0, 2]


def test_two_robots_with_the_same_goals_take_turns() -> None:
    goals = [[1, 1], [1, 3]] * 20
    case = instance([".....", ".....", "....."], [[0, 0], [2, 4]], [goals, goals])
    run = GridRun(case, 2)
    for _ in range(60):
        run.step()
    assert run.batch.reached[0].min() > 5
    steps = [cells.tolist() for cells in run.track]
    claimed = run.batch.reached[0].tolist()
    assert violations(case.grid.rows, steps, case.starts.tolist(), [goals, goals], claimed) == []


def test_when_all_have_run_out_of_goals_nothing_happens_any_more() -> None:
    run = GridRun(instance(["...."], [[0, 0], [0, 3]], [[[0, 1]], [[0, 2]]]), 2)
    for _ in range(20):
        run.step()
    assert run.batch.reached[0].tolist() == [1, 1] and not run.batch.has_goal[0].any()
    assert run.record()["goals"] == 2
    assert not run.batch.observe()[0][:, [2, 3, 4, 5]].any()
