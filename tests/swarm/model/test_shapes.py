"""Hulls of polygons on their way to rest, and distances of polygons, against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracles.polygons import depth, random_polygon

from swarm.filter.hulls import polygon_to_polygon, shape_to_shape
from swarm.model.actuators import T_SPEED, T_TURN_RATE, TRAIL, brake_roll, coast, ramp
from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.shapes import convex_hull, place_corners, shape_size, stop_shape


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
