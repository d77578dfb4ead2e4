"""Closest distances against brute force: dense samples on segments and on the outlines of obstacles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.contact import surface_distance

from swarm.model.geometry import on_segment, segment_to_obstacle, segment_to_segment, to_obstacle

SEEDS = st.integers(0, 2**32 - 1)
SHARES = np.linspace(0.0, 1.0, 401)


def draw_obstacle(rng: np.random.Generator) -> np.ndarray:
    """A box, a circle or a rounded box near the origin."""
    style = rng.integers(3)
    half = np.zeros(2) if style == 1 else rng.uniform(0.05, 1.0, 2)
    return np.array([*rng.uniform(-1, 1, 2), *half, 0.0 if style == 0 else rng.uniform(0.05, 0.5)])


def draw_segment(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Start and span; sometimes parallel to an axis, sometimes a point."""
    span = rng.uniform(-2, 2, 2) * rng.choice(np.array([[1, 1], [1, 0], [0, 1], [0, 0], [0.01, 0.01]]))
    return rng.uniform(-2, 2, 2), span


def samples(start: np.ndarray, span: np.ndarray) -> np.ndarray:
    return start + SHARES[:, None] * span


@settings(max_examples=150)
@given(seed=SEEDS)
def test_point_to_obstacle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    obstacle, point = draw_obstacle(rng), rng.uniform(-2, 2, 2)
    distance, nx, ny = to_obstacle(point[0], point[1], obstacle)
    assert distance == pytest.approx(float(surface_distance(point, obstacle)), abs=1e-12)
    assert math.hypot(nx, ny) == pytest.approx(1.0, abs=1e-12)
    # The normal is the way out: the foot of the point lies on the surface, and one metre further is one metre away.
    foot = point - distance * np.array([nx, ny])
    assert surface_distance(foot, obstacle) == pytest.approx(0.0, abs=1e-9)
    assert surface_distance(foot + np.array([nx, ny]), obstacle) == pytest.approx(1.0, abs=1e-9)


def test_a_point_on_the_core_still_has_a_normal() -> None:
    for obstacle in ([0, 0, 0, 0, 0.3], [0, 0, 1, 1, 0], [0, 0, 1, 2, 0.1]):
        for point in ((0.0, 0.0), (obstacle[2], 0.0), (obstacle[2], obstacle[3])):
            distance, nx, ny = to_obstacle(*point, np.array(obstacle, dtype=float))
            assert math.isfinite(distance)
            assert math.hypot(nx, ny) == pytest.approx(1.0)


@settings(max_examples=100)
@given(seed=SEEDS)
def test_point_on_segment(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (start, span), point = draw_segment(rng), rng.uniform(-2, 2, 2)
    k = on_segment(*point, *start, *span)
    assert 0.0 <= k <= 1.0
    brute = np.linalg.norm(samples(start, span) - point, axis=1).min()
    assert np.linalg.norm(start + k * span - point) <= brute + 1e-12


@settings(max_examples=150)
@given(seed=SEEDS)
def test_segment_to_segment(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (p, s), (q, t) = draw_segment(rng), draw_segment(rng)
    if rng.random() < 0.2:
        t = s * rng.choice([1.0, -1.0, 0.5])  # parallel
    distance, nx, ny, ax, ay = segment_to_segment(*p, *s, *q, *t)
    apart = np.linalg.norm(samples(p, s)[:, None] - samples(q, t)[None], axis=-1)
    spacing = (np.linalg.norm(s) + np.linalg.norm(t)) / 800
    assert distance - 1e-12 <= apart.min() <= distance + 2.0 * spacing
    if distance == 0.0:
        assert (nx, ny) == (0.0, 0.0)
        return
    n, a = np.array([nx, ny]), np.array([ax, ay])
    assert math.hypot(nx, ny) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(samples(p, s) - a, axis=1).min() <= spacing
    # The strip between the closest points separates the two: this is what the shield stands on.
    assert (samples(p, s) @ n).min() >= a @ n - 1e-9
    assert (samples(q, t) @ n).max() <= a @ n - distance + 1e-9
    # The other robot finds the same strip, seen from its side.
    other, mx, my, *_ = segment_to_segment(*q, *t, *p, *s)
    assert (other, mx, my) == pytest.approx((distance, -nx, -ny), abs=1e-9)


@settings(max_examples=150)
@given(seed=SEEDS)
def test_segment_to_obstacle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    (p, s), obstacle = draw_segment(rng), draw_obstacle(rng)
    distance, nx, ny, ax, ay = segment_to_obstacle(p[0], p[1], s[0], s[1], obstacle)
    brute = surface_distance(samples(p, s), obstacle).min()
    spacing = np.linalg.norm(s) / 400
    if (nx, ny) == (0.0, 0.0):
        assert brute <= spacing - obstacle[4] + 1e-12  # it meets the core
        return
    n, a = np.array([nx, ny]), np.array([ax, ay])
    assert distance - 1e-12 <= brute <= distance + spacing
    assert math.hypot(nx, ny) == pytest.approx(1.0, abs=1e-12)
    assert surface_distance(a, obstacle) == pytest.approx(distance, abs=1e-9)
    if brute + obstacle[4] <= spacing:
        return  # a point inside the core: no line separates
    assert (samples(p, s) @ n).min() >= a @ n - 1e-9
    corners = obstacle[:2] + obstacle[2:4] * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    assert (corners @ n).max() + obstacle[4] <= a @ n - distance + 1e-9


@pytest.mark.parametrize(
    ("p", "s"),
    [((-2.0, 0.1), (4.0, 0.0)), ((-1.5, -1.5), (3.0, 3.0)), ((0.0, 0.0), (3.0, 0.0)), ((-1.4, 0.0), (1.0, 1.6))],
)  # fmt: skip
def test_a_segment_through_a_box_has_no_normal(p: tuple[float, float], s: tuple[float, float]) -> None:
    _, nx, ny, *_ = segment_to_obstacle(*p, *s, np.array([0.0, 0.0, 1.0, 1.0, 0.0]))
    assert (nx, ny) == (0.0, 0.0)


def test_crossing_segments_have_no_distance() -> None:
    assert segment_to_segment(-1.0, 0.0, 2.0, 0.0, 0.0, -1.0, 0.0, 2.0)[:3] == (0.0, 0.0, 0.0)
    assert segment_to_segment(0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0)[0] == 0.0
