"""Poses over cell and heading: what fits is judged by overlaps of polygons, ways by a search in plain Python."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from oracles.polygons import corners_at, depth, random_polygon

from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits
from swarm.model.footprint.polygon import box
from swarm.planning.headings.field import anywhere, field_of, goal_cell, nearest_pose, poses_from, trace_poses
from swarm.planning.headings.fitting import poses_of
from swarm.planning.headings.poses import Poses, can_turn, half_width, point_of
from swarm.planning.headings.ways import PoseWays
from swarm.scenario.world import World

CART = box(0.5, 0.25)
LIMITS = Limits(1.0, turn_rate=2.0)


def drawn(rng: np.random.Generator, boxes: int = 7) -> World:
    """Turned boxes in a room of 4 x 3 m."""
    centres, halves = rng.uniform([0.0, 0.0], [4.0, 3.0], (boxes, 2)), rng.uniform(0.1, 0.5, (boxes, 2))
    return World(np.array([0.0, 0.0, 4.0, 3.0]), np.hstack([centres, halves]), angles=rng.uniform(0, math.pi, boxes))


def solids(world: World) -> list[Array]:
    """The corners of a world's boxes."""
    return [
        corners_at(np.array([x, y, angle]), box(2 * half_x, 2 * half_y))
        for (x, y, half_x, half_y), angle in zip(world.boxes.tolist(), world.angles.tolist(), strict=True)
    ]


def overlaps(shape: Array, world: World) -> float:
    """How deep a shape is in the obstacles; below 0: it touches none."""
    return max(depth(shape, solid) for solid in solids(world))


def at(poses: Poses, k: int, r: int, c: int, heading: float | None = None) -> Array:
    """The corners at a pose."""
    heading = float(poses.angles[k]) if heading is None else heading
    return corners_at(np.array([*point_of(poses, k, r, c), heading]), poses.footprint)


@pytest.mark.parametrize("seed", range(3))
def test_where_a_heading_fits_nothing_overlaps_on_any_step_or_turn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, outline = drawn(rng), CART if seed == 0 else random_polygon(rng, 0.3)
    poses = poses_of(world, outline, Kind.UNICYCLE, LIMITS, 0.0, 0.0)
    picked = rng.permutation(np.argwhere(poses.free))[:150]
    assert len(picked) > 100
    for shape, r, c in picked.tolist():
        assert overlaps(at(poses, shape, r, c), world) < 0.0
        for k in (shape, (shape + 8) % 16):
            if can_turn(poses.turning, k, r, c):
                turn = (poses.angles[(k + 1) % 16] - poses.angles[k]) % (2.0 * math.pi)
                for share in np.linspace(0.0, 1.0, 7):
                    assert overlaps(at(poses, k, r, c, float(poses.angles[k] + share * turn)), world) < 0.0


def test_where_no_heading_fits_the_outline_overlaps_or_nearly_so() -> None:
    rng = np.random.default_rng(5)
    world = drawn(rng)
    poses = poses_of(world, CART, Kind.UNICYCLE, LIMITS, 0.0, 0.0)
    middle = poses._replace(offset=np.zeros_like(poses.offset))
    for shape, r, c in rng.permutation(np.argwhere(~poses.free))[:300].tolist():
        assert overlaps(at(middle, shape, r, c), world) > -1.01 * poses.tolerance


@pytest.mark.parametrize("kind", [Kind.UNICYCLE, Kind.DOUBLE_INTEGRATOR])
def test_on_moves_that_are_open_nothing_overlaps(kind: Kind) -> None:
    rng = np.random.default_rng(7)
    world = drawn(rng)
    poses = poses_of(world, CART, kind, LIMITS, 0.4, 0.0)
    for move, r, c in rng.permutation(np.argwhere(poses.open))[:200].tolist():
        k = move % len(poses.angles)
        start, end = (np.array(point_of(poses, k, *cell)) for cell in ((r, c), (r, c) + poses.moves[move]))
        for share in np.linspace(0.0, 1.0, 5):
            state = np.array([*(start + share * (end - start)), poses.angles[k]])
            assert overlaps(corners_at(state, CART), world) < 0.0


def plain_search(poses: Poses, goal: tuple[int, int]) -> dict[tuple[int, int, int], float]:
    """Ways left to a cell from all poses, by a heap over steps backwards, written apart from the kernels."""
    rows, columns = poses.cost.shape[1:]
    shapes, fixed = len(poses.free), len(poses.angles) == 1

    def free(k: int, r: int, c: int) -> bool:
        return 0 <= r < rows and 0 <= c < columns and bool(poses.free[k % shapes, r, c])

    left = {(k, *goal): 0.0 for k in range(len(poses.angles)) if free(k, *goal)}
    heap = [(0.0, pose) for pose in left]
    while heap:
        way, (k, r, c) = heapq.heappop(heap)
        if way > left[k, r, c]:
            continue
        steps = [] if fixed else [((k - 1) % 16, (k - 1) % 16), ((k + 1) % 16, k)]
        before = [((one, r, c), poses.turn) for one, turned in steps if can_turn(poses.turning, turned, r, c)]
        for move in range(8) if fixed else (k,):
            dr, dc = poses.moves[move].tolist()
            one = k, r - dr, c - dc
            if free(*one) and poses.open[move, r - dr, c - dc]:
                cost = 0.5 * (poses.cost[k % shapes, r, c] + poses.cost[k % shapes, r - dr, c - dc])
                before.append((one, float(cost) * math.hypot(dr, dc)))
        for one, cost in before:
            if way + cost < left.get(one, math.inf):
                left[one] = way + cost
                heapq.heappush(heap, (way + cost, one))
    return left


@pytest.mark.parametrize("kind", [Kind.UNICYCLE, Kind.SINGLE_INTEGRATOR])
@pytest.mark.parametrize("seed", range(3))
def test_ways_are_as_long_as_a_plain_search_finds_them(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = drawn(rng, 5)
    poses = poses_of(world, CART, kind, LIMITS, 0.7, 0.0, 0.12)
    r, c = rng.permutation(np.argwhere(poses.free.all(axis=0)))[0].tolist()
    x, y = (poses.origin + (np.array([c, r]) + 0.5) * poses.resolution).tolist()
    assert goal_cell(poses, x, y) == (r, c)
    values, expected = field_of(poses, np.array([x, y])), plain_search(poses, (r, c))
    assert np.isfinite(values).sum() == len(expected)
    assert all(values[pose] == pytest.approx(way, rel=1e-5) for pose, way in expected.items())
    start = max(expected, key=lambda pose: expected[pose])
    reached = poses_from(poses, int(np.ravel_multi_index(start, values.shape)))
    assert reached[:, r, c].any()
    path = trace_poses(poses, values, int(np.ravel_multi_index(start, values.shape)), 4096)
    assert np.hypot(*(path[-1, :2] - [x, y])) < 1e-6
    assert all(overlaps(corners_at(pose, CART), world) < 0.0 for pose in path)


def test_the_pose_of_a_robot_is_near_and_at_its_heading() -> None:
    poses = poses_of(World(np.array([0.0, 0.0, 4.0, 3.0])), CART, Kind.UNICYCLE, LIMITS, 0.0, 0.0)
    rng, open_to_all = np.random.default_rng(0), anywhere(poses)
    for _ in range(50):
        state = np.array([*rng.uniform([0.1, 0.1], [3.9, 2.9]), rng.uniform(-4.0, 4.0)])
        k, r, c = np.unravel_index(nearest_pose(poses, open_to_all, state, True), open_to_all.shape)
        x, y = point_of(poses, int(k), int(r), int(c))
        assert max(abs(x - state[0]), abs(y - state[1])) <= 0.5 * poses.resolution + 1e-9
        assert math.cos(poses.angles[k] - state[2]) > math.cos(0.24)


def test_half_of_the_least_width() -> None:
    assert half_width(CART) == pytest.approx(0.125)
    assert half_width(box(0.3, 0.8)) == pytest.approx(0.15)


def test_who_stands_in_the_way_is_gone_around_and_forgotten() -> None:
    ways = PoseWays(poses_of(World(np.array([0.0, 0.0, 4.0, 3.0])), CART, Kind.UNICYCLE, LIMITS, 0.0, 0.0))
    state, goal = np.array([0.5, 1.5, 0.0]), np.array([3.5, 1.5])
    straight = ways.way(state, goal)[1]
    ways.go_around(np.array([[2.0, 1.5, 0.0, 0.0, 0.4, 1.0, 0.0]]))
    path, around = ways.way(state, goal)
    assert around > straight + 0.1
    assert np.hypot(*(path[:, :2] - [2.0, 1.5]).T).min() >= 0.4 + 0.125
    ways.forget()
    assert ways.way(state, goal)[1] == pytest.approx(straight)


@pytest.mark.parametrize("off", [0.0, 0.3, -0.5])
def test_who_drives_to_its_goal_has_to_stop_there_however_far_it_has_to_turn(off: float) -> None:
    ways = PoseWays(poses_of(World(np.array([0.0, 0.0, 4.0, 4.0])), CART, Kind.UNICYCLE, LIMITS, 0.0, 0.0))
    state, goal = np.array([2.0, 1.7, 0.5 * math.pi + off]), np.array([2.0, 2.0])
    path, left = ways.way(state, goal)
    waypoint, reach = ways.aim(state, path, len(path), left, False)
    assert waypoint.tolist() == goal.tolist()
    assert reach == pytest.approx(math.dist(state[:2], goal))
