"""Maps drawn at random: connected, of the kind that they say, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.grid.episode import draw_episode
from envs.grid.maps import MAPS, maze_map, puzzle_map, random_map, room_map, warehouse_map
from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap

ODD = st.integers(1, 12).map(lambda k: 2 * k + 1)
SIZE = st.integers(1, 30)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def connected(grid: GridMap) -> bool:
    return bool(grid.components().max() == 0)


def passages(grid: GridMap) -> int:
    """Pairs of free cells side by side."""
    free = grid.free
    return int((free[1:] & free[:-1]).sum() + (free[:, 1:] & free[:, :-1]).sum())


@pytest.mark.parametrize("kind", MAPS)
def test_a_seed_is_a_map(kind: str) -> None:
    draws = [MAPS[kind](rng(seed)).symbols for seed in (0, 0, 1)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2] or kind == "warehouse"


@given(seed=st.integers(0, 1000), rows=ODD, columns=ODD, loops=st.floats(0.0, 1.0))
def test_mazes_are_connected_with_lanes_one_wide(seed: int, rows: int, columns: int, loops: float) -> None:
    grid = maze_map(rng(seed), rows, columns, loops)
    assert connected(grid) and grid.free.shape == (rows, columns) and grid.free[::2, ::2].all()
    # Open squares are only around posts that lost all their walls.
    square = grid.free[1:, 1:] & grid.free[1:, :-1] & grid.free[:-1, 1:] & grid.free[:-1, :-1]
    for row, column in np.argwhere(square):
        post = row | 1, column | 1
        assert grid.free[post[0] - 1 : post[0] + 2, post[1] - 1 : post[1] + 2].all()


def test_a_maze_without_loops_is_a_tree() -> None:
    grid = maze_map(rng(), 19, 21, 0.0)
    assert passages(grid) == grid.free.sum() - 1
    assert maze_map(rng(), 19, 21, 1.0).free.all()


@given(seed=st.integers(0, 1000), rows=SIZE, columns=SIZE, room=st.integers(1, 6), doors=st.floats(0.0, 1.0))
def test_rooms_are_connected_by_doors_in_thin_walls(
    seed: int, rows: int, columns: int, room: int, doors: float
) -> None:
    if min(rows, columns) < room:
        return
    grid = room_map(rng(seed), rows, columns, room, doors)
    assert connected(grid)
    inside = [k % (room + 1) < room for k in range(rows)], [k % (room + 1) < room for k in range(columns)]
    assert grid.free[np.ix_(*inside)].all()


def test_rooms_without_spare_doors_form_a_tree() -> None:
    grid = room_map(rng(), 23, 29, 5, 0.0)
    doors = grid.free.copy()
    doors[np.ix_(*([k % 6 != 5 for k in range(size)] for size in (23, 29)))] = False
    assert doors.sum() == 4 * 5 - 1


@given(seed=st.integers(0, 1000), rows=st.integers(5, 40), columns=st.integers(20, 60), missing=st.floats(0.0, 0.4))
def test_warehouses_have_goals_at_shelves_and_starts_in_strips(
    seed: int, rows: int, columns: int, missing: float
) -> None:
    try:
        grid = warehouse_map(rng(seed), rows, columns, shelf=4, missing=missing)
    except InputError:
        return  # every shelf was left out
    symbols = np.array([list(row) for row in grid.symbols])
    assert connected(grid)
    beside = np.zeros_like(grid.free)
    beside[1:] |= ~grid.free[:-1]
    beside[:-1] |= ~grid.free[1:]
    assert np.array_equal(symbols == "E", beside & grid.free)
    starts = np.flatnonzero((symbols == "S").any(axis=0))
    assert ((starts < 7) | (starts >= columns - 7)).all() and grid.free[:, :7].all() and grid.free[:, -7:].all()


def test_the_benchmark_warehouse() -> None:
    grid = warehouse_map(rng())
    assert grid.free.shape == (33, 46) and (~grid.free).sum() == 8 * 3 * 10
    assert "".join(grid.symbols).count("E") == 480 and "".join(grid.symbols).count("S") == 264


@pytest.mark.parametrize("seed", range(30))
def test_puzzles_have_a_bottleneck_and_a_place_to_step_aside(seed: int) -> None:
    grid = puzzle_map(rng(seed))
    assert connected(grid) and 15 <= grid.free.sum() <= 19
    cut = 0
    for cell in np.argwhere(grid.free):
        without = grid.free.copy()
        without[tuple(cell)] = False
        cut += GridMap(without).components().max() > 0
    assert cut >= 1


@settings(max_examples=20)
@given(kind=st.sampled_from(list(MAPS)), seed=st.integers(0, 1000))
def test_four_robots_can_live_on_every_map(kind: str, seed: int) -> None:
    grid = MAPS[kind](rng(seed))
    episode = draw_episode(grid, 4, rng(seed))
    part = grid.components()
    cells = np.concatenate([episode.starts, episode.goals.pool])
    assert len(set(part[tuple(cells.T)])) == 1 and len(np.unique(episode.starts, axis=0)) == 4


def test_robots_start_in_strips_and_go_to_shelves() -> None:
    episode = draw_episode(warehouse_map(rng()), 192, rng(1))
    symbols = np.array([list(row) for row in episode.grid.symbols])
    assert (symbols[tuple(episode.starts.T)] == "S").all()
    assert (symbols[tuple(episode.goals.pool.T)] == "E").all()
    many = draw_episode(warehouse_map(rng()), 300, rng(1))  # more than there are S cells
    assert set(symbols[tuple(many.goals.pool.T)]) == {"S", "E"}
    assert "." in symbols[tuple(many.starts.T)]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: random_map(rng(), 5, 5, 0.95, at_least=20), "density"),
        (lambda: random_map(rng(), 0, 5), "rows, columns"),
        (lambda: maze_map(rng(), 20, 21), "odd"),
        (lambda: maze_map(rng(), 1, 21), "3 or more"),
        (lambda: maze_map(rng(), loops=1.5), "loops"),
        (lambda: room_map(rng(), 4, 9, 5), "5 or more"),
        (lambda: room_map(rng(), room=0), "room"),
        (lambda: room_map(rng(), doors=float("nan")), "doors"),
        (lambda: warehouse_map(rng(), 33, 20), "room for a shelf"),
        (lambda: warehouse_map(rng(), missing=1.0), "missing"),
        (lambda: warehouse_map(rng(), aisle=0), "aisle"),
        (lambda: puzzle_map(rng(), 2, 5), "3 to 8"),
    ],
)
def test_wrong_arguments_are_named(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        make()
