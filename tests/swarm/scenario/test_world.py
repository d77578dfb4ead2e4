"""The world: clearance, nearest obstacles and the index, against brute force over all obstacles and cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swarm.errors import InputError
from swarm.scenario.grid_map import GridMap
from swarm.scenario.obstacle_index import bin_at
from swarm.scenario.world import World

seeds = st.integers(0, 2**32 - 1)
maps = hnp.arrays(np.bool_, st.tuples(st.integers(1, 10), st.integers(1, 10)))


def distance(obstacle, point):
    """Signed distance to one obstacle, in plain Python."""
    c, s = obstacle[5:7] if len(obstacle) > 5 else (1.0, 0.0)
    dx, dy = point - obstacle[:2]
    out_x = abs(c * dx + s * dy) - obstacle[2]
    out_y = abs(c * dy - s * dx) - obstacle[3]
    outside = math.hypot(max(out_x, 0.0), max(out_y, 0.0))
    return outside + min(0.0, max(out_x, out_y)) - obstacle[4]


def random_world(seed):
    """A world of 0 to 60 boxes and circles, some of them outside of its bounds."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(-20, 20, 2)
    high = low + rng.uniform(0.1, 30, 2)
    count = rng.integers(0, 31, 2)
    spread = high - low
    centres = rng.uniform(low - spread, high + spread, (count[0], 2))
    boxes = np.hstack([centres, rng.uniform(0.01, 3, (count[0], 2))])
    circles = np.hstack([rng.uniform(low, high, (count[1], 2)), rng.uniform(0.01, 2, (count[1], 1))])
    angles = rng.uniform(-4, 4, count[0]) * rng.integers(0, 2, count[0])
    return World(np.array([*low, *high]), boxes, circles, angles=angles), rng


def random_points(world, rng, count):
    size = world.bounds[2:] - world.bounds[:2]
    return rng.uniform(world.bounds[:2] - size, world.bounds[2:] + size, (count, 2))


@given(seeds)
def test_clearance_is_the_nearest_of_all(seed):
    world, rng = random_world(seed)
    points = random_points(world, rng, 20)
    expected = [min((distance(o, p) for o in world.obstacles), default=math.inf) for p in points]
    np.testing.assert_allclose(world.clearance(points), expected, rtol=1e-12, atol=1e-12)


@given(seeds, st.floats(0.0, 10.0), st.integers(0, 20))
def test_near_is_the_sorted_list_of_all(seed, radius, limit):
    world, rng = random_world(seed)
    for point in random_points(world, rng, 5):
        pairs = sorted((distance(o, point), i) for i, o in enumerate(world.obstacles))
        expected = [world.obstacles[i] for d, i in pairs if d <= radius][:limit]
        found = world.near(point, radius, limit)
        assert found.shape == (len(expected), 7)
        assert np.array_equal(found, np.array(expected).reshape(-1, 7))


@given(seeds, st.floats(0.0, 10.0), st.sampled_from([0, 4, 16]))
def test_each_bin_lists_what_is_near_any_of_its_points(seed, radius, one_bin):
    world, rng = random_world(seed)
    index = world.index(radius, one_bin)
    assert index.start[0] == 0 and index.start[-1] == len(index.items)
    assert len(index.start) == index.shape[0] * index.shape[1] + 1
    for point in random_points(world, rng, 20):
        place = bin_at(index, point[0], point[1])
        listed = index.items[index.start[place] : index.start[place + 1]].tolist()
        assert listed == sorted(set(listed))
        near = {i for i, o in enumerate(world.obstacles) if distance(o, point) <= radius}
        assert near <= set(listed)
    if len(world.obstacles) <= one_bin:
        assert index.shape == (1, 1)


def test_bins_leave_out_what_is_far():
    centres = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2)
    world = World(np.array([-0.5, -0.5, 19.5, 19.5]), np.hstack([centres, np.full((400, 2), 0.1)]))
    counts = np.diff(world.index(1.0).start)
    assert counts.max() <= 25 and counts.min() >= 1
    assert world.index(1.0) is world.index(1.0)


@given(maps, st.floats(0.1, 10.0), seeds)
def test_a_grid_map_is_its_wall_cells(free, cell_size, seed):
    grid = GridMap(free, cell_size)
    world = World.from_grid(grid)
    walls = [(*grid.centre(cell), cell_size / 2, cell_size / 2, 0.0) for cell in np.argwhere(~free)]
    width, height = grid.size
    rng = np.random.default_rng(seed)
    for point in rng.uniform(0, 1, (20, 2)) * grid.size:
        edge = min(point[0], point[1], width - point[0], height - point[1])
        if grid.free[grid.cell_at(point)]:
            expected = min([edge, *(distance(wall, point) for wall in walls)])
            assert world.clearance(point) == pytest.approx(expected, abs=1e-9)
        else:
            assert world.clearance(point) <= 1e-9
    outside = rng.uniform(-1, 2, (20, 2)) * grid.size
    outside = outside[((outside < 0) | (outside > grid.size)).any(axis=1)]
    assert (world.clearance(outside) <= 0.0).all()


def test_obstacles_are_in_their_documented_order():
    grid = GridMap.from_rows([".#", ".."])
    world = World(np.array([0, 0, 2, 2]), [[1, 2, 3, 4]], [[5, 6, 7]], grid)
    assert world.obstacles[:3].tolist() == [
        [1, 2, 3, 4, 0, 1, 0], [5, 6, 0, 0, 7, 1, 0], [1.5, 1.5, 0.5, 0.5, 0, 1, 0],
    ]  # fmt: skip
    assert len(world.obstacles) == 3 + 4
    assert world == World(np.array([0, 0, 2, 2]), [[1, 2, 3, 4]], [[5, 6, 7]], grid)
    assert world != World(np.array([0, 0, 2, 2]), [[1, 2, 3, 4]], [[5, 6, 8]], grid)


def test_shapes_and_odd_points():
    world = World(np.array([0, 0, 4, 4]), circles=[[2, 2, 1]])
    assert world.clearance((2.0, 4.0)).shape == () and float(world.clearance((2.0, 4.0))) == 1.0
    assert world.clearance(np.zeros((2, 3, 2))).shape == (2, 3)
    assert world.clearance(np.zeros((0, 2))).shape == (0,)
    assert np.isnan(world.clearance([[np.nan, 0.0], [np.inf, 0.0]])).all()
    assert world.clearance([1e300, 0.0]) > 1e299
    assert World(np.array([0, 0, 1, 1])).clearance((0.5, 0.5)) == math.inf
    assert World(np.array([0, 0, 1, 1])).near((0.5, 0.5), 1.0, 3).shape == (0, 7)
    assert len(world.near((0.0, 0.0), math.inf, 3)) == 1
    with pytest.raises(InputError, match="points of shape"):
        world.clearance([1.0, 2.0, 3.0])
    for radius in (-1.0, math.nan):
        with pytest.raises(InputError, match="radius"):
            world.index(radius)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"bounds": [0, 0, 1]}, "World.bounds"),
        ({"bounds": [0, 0, 0, 1]}, "xmin < xmax"),
        ({"bounds": [0, 0, np.inf, 1]}, r"World.bounds\[2\]"),
        ({"bounds": "abcd"}, "World.bounds"),
        ({"boxes": [[0, 0, 1]]}, "World.boxes"),
        ({"boxes": [[0, 0, 1, 1], [0, np.nan, 1, 1]]}, r"World.boxes\[1, 1\]"),
        ({"boxes": [[0, 0, 1, 1], [0, 0, 1, 0]]}, r"World.boxes\[1\]"),
        ({"boxes": [[0, 0, 1e308, 1]]}, r"World.boxes\[0, 2\]"),
        ({"circles": [[0, 0, -1]]}, r"World.circles\[0\]"),
        ({"circles": [[10**400, 0, 1]]}, "World.circles"),
    ],
)
def test_construction_is_checked(fields, where):
    with pytest.raises(InputError, match=where):
        World(**{"bounds": [0, 0, 1, 1], **fields})


def test_many_giant_obstacles_do_not_fill_the_memory():
    rng = np.random.default_rng(0)
    boxes = np.hstack([rng.uniform(0, 1, (20_000, 2)), rng.uniform(1, 2, (20_000, 2))])
    index = World(np.array([0, 0, 1, 1]), boxes).index(0.0)
    assert len(index.items) <= 1 << 22


def test_a_large_warehouse_is_few_rectangles_spread_over_the_index():
    World.from_grid(GridMap.from_rows(["." * 9, *[".###.###."] * 3] * 3)).clearance((0.5, 0.5))
    rows = ["." * 500, *["..###" * 100] * 3] * 35
    world = World.from_grid(GridMap.from_rows(rows))
    index = world.index(3.0)
    world.clearance(np.random.default_rng(0).uniform(0, 140, (20_000, 2)))
    assert len(world.obstacles) == 35 * 100 + 4
    assert np.diff(index.start).max() < 30
