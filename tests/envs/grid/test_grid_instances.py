"""Instances drawn at random, and the files that ship."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.grid_distance import distances

import envs
from envs.grid.instances import EXAMPLES, draw_instance, examples
from envs.grid.maps import MAPS, maze_map, warehouse_map
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance, load_instances, save_instances

FOLDER = Path(envs.__file__).parent / "instances"


def needed(case: LifelongInstance, robot: int) -> int:
    """Steps that a robot needs for all of its goals if nobody is in its way."""
    cells = [tuple(case.starts[robot].tolist()), *map(tuple, case.targets[robot].tolist())]
    return sum(distances(case.grid.free, after)[before] for before, after in pairwise(cells))


@pytest.mark.parametrize("kind", MAPS)
def test_nobody_runs_out_of_goals(kind: str) -> None:
    case = draw_instance(np.random.default_rng(0), kind, 4, steps=100)
    for robot, goals in enumerate(case.targets):
        assert needed(case, robot) > 100
        track = np.concatenate([case.starts[robot : robot + 1], goals])
        assert (track[1:] != track[:-1]).any(axis=1).all()


def test_a_number_of_goals_and_the_same_seed() -> None:
    grid = maze_map(np.random.default_rng(1))
    draws = [draw_instance(np.random.default_rng(seed), grid, 5, goals=3, seed=9) for seed in (0, 0, 1)]
    assert [len(goals) for goals in draws[0].targets] == [3] * 5
    assert draws[0].seed == 9 and draws[0].counts == (5,) and draws[0].map == "maze"
    assert np.array_equal(draws[0].targets, draws[1].targets) and np.array_equal(draws[0].starts, draws[1].starts)
    assert not np.array_equal(draws[0].targets, draws[2].targets)


def test_warehouse_goals_are_at_shelves() -> None:
    grid = warehouse_map(np.random.default_rng(0))
    case = draw_instance(np.random.default_rng(0), grid, 64)
    assert {grid.symbols[row][column] for goals in case.targets for row, column in goals} == {"E"}
    assert {grid.symbols[row][column] for row, column in case.starts} == {"S"}


@pytest.mark.parametrize("suite", EXAMPLES)
def test_the_files_that_ship_are_drawn_again_bit_for_bit(suite: str, tmp_path: Path) -> None:
    save_instances(tmp_path / "again.jsonl", examples(suite))
    shipped = FOLDER / f"{suite}.jsonl"
    assert (tmp_path / "again.jsonl").read_bytes() == shipped.read_bytes()
    assert shipped.stat().st_size < 60_000
    cases = list(load_instances(shipped))
    assert {case.suite for case in cases} == {suite} and len({case.map for case in cases}) == len(cases) > 1
    assert all(needed(case, 0) > 256 for case in cases)


def test_other_seeds_are_other_instances() -> None:
    (later,) = examples("puzzles", first=100, instances=1)
    assert later.seed == 100 and later.map == "puzzles-100"
    assert all(later.grid.rows != case.grid.rows for case in examples("puzzles", instances=3))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("maze", 4), "random, mazes, rooms, warehouse, puzzles"),
        (("puzzles", 26), "connected free cells"),
        (("puzzles", 0), "robots"),
        ((GridMap.from_rows(["#.#"]), 1), "2 cells"),
    ],
)
def test_wrong_arguments_are_named(arguments: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        draw_instance(np.random.default_rng(0), *arguments)
    with pytest.raises(InputError, match="suite"):
        examples("city")
