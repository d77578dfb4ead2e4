"""Hulls of polygons on their way to rest, and distances of polygons, against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracles.polygons import depth, random_polygon

from swarm.filter.hulls.geometry import polygon_to_obstacle, polygon_to_polygon, shape_to_shape
from swarm.model.actuators import T_BODY_X, T_BODY_Y, T_SPEED, T_TURN_RATE, TRAIL, brake_roll, coast, ramp
from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.shapes import convex_hull, place_corners, rest_points, shape_size, stop_shape


def inside(point: np.ndarray, hull: np.ndarray) -> float:
    """How far a point is within a counter-clockwise polygon; negative: outside."""
    side = np.roll(hull, -1, axis=0) - hull
    normal = np.stack([side[:, 1], -side[:, 0]], axis=1) / np.linalg.norm(side, axis=1, keepdims=True)
    return float(-(((point - hull) * normal).sum(axis=1)).max())


@pytest.mark.parametrize("seed", range(20))
def test_a_hull_is_convex_and_holds_its_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(int(rng.integers(3, 25)), 2))
    hull = np.empty((len(points) + 1, 2))
    hull = hull[: convex_hull(points.copy(), len(points), hull)]
    assert all((point == points).all(axis=1).any() for point in hull)
    assert min(inside(point, hull) for point in points) > -1e-12
    turn = np.roll(hull, -1, axis=0) - hull
    after = np.roll(turn, -1, axis=0)
    assert (turn[:, 0] * after[:, 1] - turn[:, 1] * after[:, 0] > 0.0).all()


@pytest.mark.parametrize("measure", [shape_to_shape, polygon_to_polygon])
@pytest.mark.parametrize("seed", range(40))
def test_distances_are_the_least_between_sides(seed: int, measure: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_polygon(rng, 1.0), random_polygon(rng, 1.0) + rng.uniform(-3.0, 3.0, 2)
    distance, nx, ny, ax, ay = measure(a, len(a), b, len(b))
    if depth(a, b) > 0.0:
        assert (distance, nx, ny) == (0.0, 0.0, 0.0)
        return
    shares = np.linspace(0.0, 1.0, 201)[:, None]
    rims = [
        np.concatenate([p + shares * (q - p) for p, q in zip(s, np.roll(s, -1, axis=0), strict=True)]) for s in (a, b)
    ]
    sampled = np.linalg.norm(rims[0][:, None] - rims[1][None], axis=2).min()
    assert distance <= sampled + 1e-12
    assert distance == pytest.approx(sampled, abs=2e-2)
    normal = np.array([nx, ny])
    assert (a @ normal).min() - (b @ normal).max() == pytest.approx(distance, abs=1e-12)
    assert normal @ [ax, ay] == pytest.approx((a @ normal).min(), abs=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_distances_to_obstacles_part_the_polygon_from_the_core(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygon, angle = random_polygon(rng, 1.0), rng.uniform(-4.0, 4.0)
    half = rng.uniform(0.1, 1.5, 2) * rng.integers(0, 2, 2)  # circles and segments, too
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    obstacle = np.array([*rng.uniform(-3.0, 3.0, 2), *half, rng.uniform(0.0, 0.5), turn[0, 0], turn[0, 1]])
    core = obstacle[:2] + (half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ turn
    distance, nx, ny, ax, ay = polygon_to_obstacle(polygon, len(polygon), obstacle)
    normal, apart = np.array([nx, ny]), distance + obstacle[4]
    if not normal.any():  # they meet: no direction of many parts them
        angles = np.linspace(0.0, 2.0 * np.pi, 2000)
        ways = np.stack([np.cos(angles), np.sin(angles)])
        assert ((polygon @ ways).min(axis=0) <= (core @ ways).max(axis=0) + 1e-9).all() and apart <= 0.0
        return
    assert (polygon @ normal).min() - (core @ normal).max() == pytest.approx(apart, abs=1e-12)
    assert normal @ [ax, ay] == pytest.approx((polygon @ normal).min(), abs=1e-12)
    assert inside(np.array([ax, ay]), polygon) > -1e-12
    foot = np.array([ax, ay]) - apart * normal
    assert (np.abs(turn @ (foot - obstacle[:2])) <= half + 1e-9).all()


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.DOUBLE_INTEGRATOR])
@pytest.mark.parametrize("seed", range(20))
def test_a_hull_of_what_only_shifts_is_that_of_all_of_its_corners(seed: int, kind: Kind) -> None:
    rng = np.random.default_rng(seed)
    polygon, state, trail = random_polygon(rng, 0.3), np.zeros(5), np.zeros(TRAIL)
    body = body_of(kind, 0.3, Limits(1.0, 2.0), dt=0.05, sensing_radius=3.0, margin=1.0, footprint=polygon)
    state[:3] = *rng.uniform(-1.0, 1.0, 2), rng.uniform(-4.0, 4.0)
    if kind == Kind.DOUBLE_INTEGRATOR:
        along = polygon[1] - polygon[0] if seed % 2 else rng.normal(size=2)  # along a side, or anywhere
        c, s = np.cos(state[2]), np.sin(state[2])
        state[3:] = np.array([[c, -s], [s, c]]) @ along / np.linalg.norm(along)
    else:
        trail[T_BODY_X : T_BODY_Y + 1] = rng.uniform(-0.2, 0.2, 2)
    shape, points = np.empty((shape_size(len(polygon)), 2)), np.empty((3 * len(polygon), 2))
    stop_shape(int(kind), state, body, trail, polygon, shape)
    found = shape[1 : 1 + int(shape[0, 0])]
    known = points[: rest_points(int(kind), state, body, trail, polygon, points)]
    assert len(known) == 2 * len(polygon)
    assert all((point == known).all(axis=1).any() for point in found)
    hull = np.empty((len(known) + 1, 2))
    hull = hull[: convex_hull(known.copy(), len(known), hull)]
    assert min(inside(point, hull) for point in found) > -1e-12
    sides = [(p, q - p) for p, q in zip(found, np.roll(found, -1, axis=0), strict=True)]
    assert min(side[0] * (y - p[1]) - side[1] * (x - p[0]) for p, side in sides for x, y in hull) > -1e-12


@pytest.mark.parametrize("seed", range(10))
def test_braking_stays_in_the_hull_and_hulls_shrink(seed: int) -> None:
    rng, dt = np.random.default_rng(seed), 0.05
    polygon = random_polygon(rng, 0.3)
    body = body_of(Kind.UNICYCLE, 0.3, Limits(1.0, 2.0, 3.0, 5.0), dt=dt, sensing_radius=3.0, footprint=polygon)
    state, trail = np.array([0.3, -0.2, rng.uniform(-3, 3), 0, 0]), np.zeros(TRAIL)
    trail[T_SPEED], trail[T_TURN_RATE] = rng.uniform(-1, 1), rng.uniform(-3, 3)
    shapes: list[np.ndarray] = []
    for _ in range(14):
        shape = np.empty((shape_size(len(polygon)), 2))
        stop_shape(2, state, body, trail, polygon, shape)
        hull = shape[1 : 1 + int(shape[0, 0])]
        control, placed = np.empty(2), np.empty_like(polygon)
        brake_roll(trail[T_SPEED], trail[T_TURN_RATE], 2.0, 5.0, dt, control)
        drive, then = trail[T_SPEED : T_TURN_RATE + 1], np.empty(5)
        for time in (0.3 * dt, 0.7 * dt, dt):
            ramp(state, drive, control, time, dt, 0.0, then, np.empty(2))
            place_corners(then[0], then[1], then[2], polygon, placed)
            assert min(inside(point, hull) for point in placed) > -1e-9
        assert all(min(inside(point, before) for point in hull) > -1e-9 for before in shapes)
        shapes.append(hull.copy())
        state = then.copy()
        coast(state[2], *control, 2.0, 5.0, dt, trail)
    assert trail[T_SPEED] == trail[T_TURN_RATE] == 0.0
    assert len(shapes[-1]) == len(polygon)
