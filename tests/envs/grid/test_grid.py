"""GridEnv: the rules of a step, goals, what is observed, and PettingZoo's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.grid_distance import distances
from oracles.mapf import violations
from pettingzoo.test import parallel_api_test, parallel_seed_test, render_test
from pettingzoo.utils.conversions import parallel_to_aec

import envs
from envs.grid.batch import CHANNELS, GridBatch
from envs.grid.env import MAPS, GridEnv
from envs.grid.episode import draw_episode
from envs.grid.kernels import draw_goal
from envs.grid.maps import random_map
from swarm.array_types import Float32s
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.instances import LifelongInstance, load_instances

EXAMPLES = Path(envs.__file__).parent / "maps" / "examples.jsonl"
WALLS, ROBOTS, GOAL, PATH, NEXT, COST = range(len(CHANNELS))
STAY, UP, DOWN, LEFT, RIGHT = range(5)


def instance(rows: list[str], starts: Any, targets: Any) -> LifelongInstance:
    return LifelongInstance("test", "test", 0, GridMap.from_rows(rows), starts, targets, (len(starts),))


def started(rows: list[str], starts: Any, targets: Any, **options: Any) -> GridEnv:
    env = GridEnv(instance(rows, starts, targets), **options)
    env.reset(seed=0)
    return env


def act(env: GridEnv, *moves: int) -> Any:
    return env.step(dict(zip(env.agents, moves, strict=True)))


# PettingZoo's tests, as shipped.


def test_parallel_api() -> None:
    parallel_api_test(GridEnv(robots=6, max_cycles=20), num_cycles=100)


def test_parallel_seed() -> None:
    parallel_seed_test(lambda: GridEnv(robots=6, max_cycles=20), num_cycles=50)


def test_render() -> None:
    render_test(lambda render_mode: parallel_to_aec(GridEnv(robots=4, max_cycles=20, render_mode=render_mode)))


# Rules.


def test_moves_are_up_down_left_right() -> None:
    env = started(["...", "...", "..."], [[1, 1]], [[[0, 0]]])
    for move, cell in ((UP, (0, 1)), (DOWN, (1, 1)), (LEFT, (1, 0)), (RIGHT, (1, 1)), (STAY, (1, 1))):
        act(env, move)
        assert tuple(env.batch.cells[0][0]) == cell


def test_conflicts_are_reverted_and_told() -> None:
    rows, ends = ["....", "..#."], [[0, 3]]
    swap = started(rows, [[0, 0], [0, 1]], [ends, ends])
    infos = act(swap, RIGHT, LEFT)[4]
    assert swap.batch.cells[0].tolist() == [[0, 0], [0, 1]]
    assert infos["robot_0"] == {"goals": 0, "blocked": True}
    contested = started(rows, [[0, 0], [0, 2], [1, 1]], [ends] * 3)
    act(contested, RIGHT, LEFT, UP)
    assert contested.batch.cells[0].tolist() == [[0, 0], [0, 2], [1, 1]]
    wall = started(rows, [[1, 1], [0, 0]], [ends] * 2)
    infos = act(wall, RIGHT, STAY)[4]
    assert wall.batch.cells[0].tolist() == [[1, 1], [0, 0]]
    assert infos["robot_0"]["blocked"] and not infos["robot_1"]["blocked"]


def test_a_ring_turns() -> None:
    env = started(["..", ".."], [[0, 0], [0, 1], [1, 1], [1, 0]], [[[1, 1]], [[1, 0]], [[0, 0]], [[0, 1]]])
    act(env, RIGHT, DOWN, LEFT, UP)
    assert env.batch.cells[0].tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]


# Goals.


def test_goals_come_in_order_and_are_rewarded() -> None:
    env = started(["...."], [[0, 0]], [[[0, 1], [0, 3], [0, 3]]])
    rewards = [act(env, move)[1]["robot_0"] for move in (RIGHT, RIGHT, RIGHT, LEFT, RIGHT)]
    assert rewards == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert env.batch.reached[0].tolist() == [3] and not env.batch.has_goal[0][0]


def test_without_goals_left_a_robot_stays_an_agent() -> None:
    env = started(["...."], [[0, 0], [0, 3]], [[[0, 1]], [[0, 2], [0, 3]]], max_cycles=3)
    observed, *_ = act(env, RIGHT, STAY)
    assert env.agents == ["robot_0", "robot_1"]
    lost = observed["robot_0"]
    assert not lost[[GOAL, PATH, COST]].any()
    assert lost[NEXT].sum() == 1 and lost[NEXT, 5, 6] == 1  # where the other one goes
    _, reward, *_ = act(env, LEFT, STAY)
    assert reward == {"robot_0": 0.0, "robot_1": 0.0}


def test_everyone_is_truncated_together_and_nobody_terminates() -> None:
    env = started(["...."], [[0, 0], [0, 3]], [[[0, 1]], [[0, 2]]], steps=2)
    assert not any(act(env, STAY, STAY)[3].values())
    observed, _, terminated, truncated, _ = act(env, STAY, STAY)
    assert set(observed) == {"robot_0", "robot_1"}
    assert all(truncated.values()) and not any(terminated.values()) and env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_a_drawn_goal_is_never_the_own_cell() -> None:
    pool = np.array([[0, 0], [0, 1], [0, 2]])
    drawn = [draw_goal(np.uint64(7), robot, reached, 0, 1, pool, 3) for robot in range(10) for reached in range(20)]
    assert set(drawn) == {0, 2} and 70 < np.count_nonzero(np.array(drawn) == 0) < 130


def test_goals_are_drawn_from_marked_cells() -> None:
    env = GridEnv(GridMap.from_rows(["S..E", "....", "E..S"]), robots=5)
    env.reset(seed=2)
    corners = {(0, 0), (0, 3), (2, 0), (2, 3)}
    seen = set()
    for _ in range(200):
        act(env, *np.random.default_rng(env.batch.age[0]).integers(5, size=5).tolist())
        seen |= set(map(tuple, env.batch.goals[0].tolist()))
    assert env.batch.reached[0].sum() > 0 and seen == corners


@pytest.mark.parametrize("seed", range(3))
def test_random_play_breaks_no_rule_and_claims_what_it_reached(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for case in load_instances(EXAMPLES):
        env = GridEnv(case)
        env.reset()
        track = [env.batch.cells[0].copy()]
        while env.agents:
            # Mostly along the path, so that goals are reached too.
            moves = [
                int(rng.integers(5)) if rng.random() < 0.3 else towards(env.batch, i) for i in range(len(env.agents))
            ]
            act(env, *moves)
            track.append(env.batch.cells[0].copy())
        claimed = env.batch.reached[0].tolist()
        assert len(track) == 257 and sum(claimed) > 10
        steps = [cells.tolist() for cells in track]
        targets = [cells.tolist() for cells in case.targets]
        assert violations(case.grid.rows, steps, case.starts.tolist(), targets, claimed) == []


def towards(batch: GridBatch, robot: int) -> int:
    path = batch.path(0, robot)
    if len(path) < 2:
        return STAY
    return {(0, 0): STAY, (-1, 0): UP, (1, 0): DOWN, (0, -1): LEFT, (0, 1): RIGHT}[tuple(path[1] - path[0])]


# Observations, against a slow and separate statement of what they are.


def downhill(far: dict[tuple[int, int], int], cell: tuple[int, int]) -> tuple[int, int]:
    row, column = cell
    around = [cell, (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return min((c for c in around if c in far), key=lambda c: far[c])


def expected(batch: GridBatch, robot: int, radius: int) -> Float32s:
    cells = [tuple(cell) for cell in batch.cells[0].tolist()]
    far = [distances(batch.free[0], tuple(goal)) for goal in batch.goals[0].tolist()]
    nexts = [downhill(far[i], cells[i]) for i in range(len(cells)) if i != robot]
    own, goal = cells[robot], batch.goals[0][robot]
    ways, cell = {own}, own
    while far[robot][cell] > 0 and max(abs(cell[0] - own[0]), abs(cell[1] - own[1])) <= radius:
        cell = downhill(far[robot], cell)
        ways.add(cell)
        if max(abs(cell[0] - own[0]), abs(cell[1] - own[1])) > radius:
            break
    out = np.zeros((6, 2 * radius + 1, 2 * radius + 1), np.float32)
    shown = tuple(np.clip(goal - own, -radius, radius))
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            at, k = (own[0] + i, own[1] + j), (i + radius, j + radius)
            wall = not (0 <= at[0] < batch.shape[0] and 0 <= at[1] < batch.shape[1]) or not batch.free[0][at]
            out[WALLS][k] = wall
            out[ROBOTS][k] = at in cells and at != own
            out[GOAL][k] = (i, j) == shown
            out[PATH][k] = at in ways and at != own
            out[NEXT][k] = at in nexts
            more = 1.0 if wall or at not in far[robot] else (far[robot][at] - far[robot][own]) / (2 * radius)
            out[COST][k] = min(max(more, -1.0), 1.0)
    return out


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), radius=st.integers(1, 6), density=st.floats(0.0, 0.45))
def test_observations_are_what_they_are_said_to_be(seed: int, radius: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    batch = GridBatch([draw_episode(random_map(rng, 9, 12, density, at_least=8), 7, rng)], radius)
    for _ in range(3):
        observed = batch.observe()[0]
        for robot in range(7):
            np.testing.assert_allclose(observed[robot], expected(batch, robot, radius), atol=1e-6)
        batch.step(rng.integers(5, size=(1, 7)))


def test_paths_are_shortest_as_goals_change() -> None:
    batch = GridBatch([draw_episode(GridMap.from_rows(["....", "...."]), 6, np.random.default_rng(0))])
    for _ in range(200):
        batch.step(np.array([[towards(batch, robot) for robot in range(6)]]))
        batch.step(np.random.default_rng(batch.age[0]).integers(5, size=(1, 6)))
    for robot in range(6):
        far = distances(batch.free[0], tuple(batch.goals[0][robot].tolist()))
        assert len(batch.path(0, robot)) == 1 + far[tuple(batch.cells[0][robot].tolist())]
    assert batch.reached[0].sum() > 6


def test_the_same_seed_is_the_same_episode() -> None:
    first, second = GridEnv(), GridEnv()
    for env in (first, second):
        env.reset(seed=5)
        for _ in range(20):
            act(env, *np.random.default_rng(env.batch.age[0]).integers(5, size=16).tolist())
    assert np.array_equal(first.batch.observe()[0], second.batch.observe()[0])
    second.reset(seed=6)
    assert not np.array_equal(first.batch.free[0], second.batch.free[0])


def test_a_thousand_robots() -> None:
    env = GridEnv(GridMap.from_rows(["." * 60] * 60), robots=1000, max_cycles=3)
    observed, _ = env.reset(seed=0)
    assert len(observed) == 1000 and all(env.observation_space(a).contains(observed[a]) for a in list(observed)[:20])
    act(env, *np.random.default_rng(0).integers(5, size=1000).tolist())
    assert len(np.unique(env.batch.cells[0], axis=0)) == 1000


# Wrong input.


@pytest.mark.parametrize("action", [None, 5, -1, 0.5, np.nan, np.array([1, 2])])
def test_wrong_actions_are_named(action: Any) -> None:
    env = GridEnv(robots=2)
    env.reset(seed=0)
    with pytest.raises(InputError, match=r"action of robot_1.*0 to 4"):
        env.step({"robot_0": 0, "robot_1": action})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"robots": 0}, "robots"), ({"max_cycles": 0}, "max_cycles"), ({"radius": 0}, "radius"),
        ({"render_mode": "ansi"}, "rgb_array"),
        ({"scenario": GridMap.from_rows(["...", "###"]), "robots": 4}, "4 on 3 connected"),
        ({"scenario": GridMap.from_rows(["#.#"]), "robots": 1}, "at least 2 cells"),
        ({"scenario": next(load_instances(EXAMPLES)), "robots": 99}, "1 to 16, the robots of rooms"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        GridEnv(**options)


def test_a_map_without_room_is_not_searched_for_ever() -> None:
    with pytest.raises(InputError, match="density"):
        random_map(np.random.default_rng(0), 5, 5, 0.95, at_least=20)


def test_scenarios_by_name_and_file(tmp_path: Path) -> None:
    for name in MAPS:
        env = GridEnv(name, robots=4, max_cycles=3)
        assert len(env.reset(seed=0)[0]) == 4
        assert env.state_space.contains(env.state())
    rows = ["....", ".@..", "...."]
    (tmp_path / "small.map").write_text("type octile\nheight 3\nwidth 4\nmap\n" + "\n".join(rows) + "\n")
    drawn, read = GridEnv(GridMap.from_rows(rows), robots=3), GridEnv(tmp_path / "small.map", robots=3)
    for one, other in zip(drawn.reset(seed=2)[0].values(), read.reset(seed=2)[0].values(), strict=True):
        assert (one == other).all()
    for bad in ("nowhere", tmp_path / "small.yaml", 3):
        with pytest.raises(InputError, match="scenario"):
            GridEnv(bad)  # type: ignore[arg-type]


def test_the_state_has_cells_goals_and_the_step() -> None:
    env = started(["...."], [[0, 0], [0, 3]], [[[0, 1]], [[0, 2]]])
    env.step({"robot_0": 4, "robot_1": 0})
    assert env.state().tolist() == [0, 1, -1, -1, 0, 3, 0, 2, 1]
