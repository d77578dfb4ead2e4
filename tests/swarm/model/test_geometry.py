"""Closest distances against brute force: dense samples on segments and on the outlines of obstacles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.contact import surface_distance

from swarm.model.geometry import as_obstacles, extents, on_segment, segment_to_obstacle, segment_to_segment, to_obstacle
from swarm.model.passage import middle_line
from swarm.scenario.obstacle_index import surface_distance as index_distance

SEEDS = st.integers(0, 2**32 - 1)
SHARES = np.linspace(0.0, 1.0, 401)


def draw_obstacle(rng: np.random.Generator) -> np.ndarray:
    """A box, a circle or a rounded box near the origin, often turned."""
    style = rng.integers(3)
    half = np.zeros(2) if style == 1 else rng.uniform(0.05, 1.0, 2)
    angle = rng.choice([0.0, 0.5 * math.pi, rng.uniform(-4.0, 4.0)])
    rounding = 0.0 if style == 0 else rng.uniform(0.05, 0.5)
    return np.array([*rng.uniform(-1, 1, 2), *half, rounding, math.cos(angle), math.sin(angle)])


def corners_of(obstacle: np.ndarray) -> np.ndarray:
    """Of its core, ``[4, 2]``, counter-clockwise."""
    c, s = obstacle[5:7]
    return obstacle[:2] + (obstacle[2:4] * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])) @ np.array([[c, s], [-s, c]])


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
            distance, nx, ny = to_obstacle(*point, as_obstacles([obstacle])[0])
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
    assert distance - 1e-12 <= brute <= distance + spacing + 1e-12
    assert math.hypot(nx, ny) == pytest.approx(1.0, abs=1e-12)
    assert surface_distance(a, obstacle) == pytest.approx(distance, abs=1e-9)
    if brute + obstacle[4] <= spacing:
        return  # a point inside the core: no line separates
    assert (samples(p, s) @ n).min() >= a @ n - 1e-9
    assert (corners_of(obstacle) @ n).max() + obstacle[4] <= a @ n - distance + 1e-9


@pytest.mark.parametrize(
    ("p", "s"),
    [((-2.0, 0.1), (4.0, 0.0)), ((-1.5, -1.5), (3.0, 3.0)), ((0.0, 0.0), (3.0, 0.0)), ((-1.4, 0.0), (1.0, 1.6))],
)  # fmt: skip
def test_a_segment_through_a_box_has_no_normal(p: tuple[float, float], s: tuple[float, float]) -> None:
    _, nx, ny, *_ = segment_to_obstacle(*p, *s, as_obstacles([[0.0, 0.0, 1.0, 1.0, 0.0]])[0])
    assert (nx, ny) == (0.0, 0.0)


def test_crossing_segments_have_no_distance() -> None:
    assert segment_to_segment(-1.0, 0.0, 2.0, 0.0, 0.0, -1.0, 0.0, 2.0)[:3] == (0.0, 0.0, 0.0)
    assert segment_to_segment(0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0)[0] == 0.0


@settings(max_examples=150)
@given(seed=SEEDS)
def test_the_box_around_an_obstacle_is_the_smallest(seed: int) -> None:
    obstacle = draw_obstacle(np.random.default_rng(seed))
    largest = np.abs(corners_of(obstacle) - obstacle[:2]).max(axis=0)
    assert extents(obstacle) == pytest.approx(tuple(largest), abs=1e-12)


@settings(max_examples=150)
@given(seed=SEEDS)
def test_the_distance_of_the_index_is_that_of_the_filter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    obstacle, point = draw_obstacle(rng), rng.uniform(-2, 2, 2)
    expected = float(surface_distance(point, obstacle))
    assert index_distance(obstacle[None], 0, point[0], point[1]) == pytest.approx(expected, abs=1e-12)


def turned(obstacle: np.ndarray, angle: float) -> np.ndarray:
    """The same obstacle after the whole world was turned about the origin."""
    c, s = math.cos(angle), math.sin(angle)
    turn, out = np.array([[c, -s], [s, c]]), obstacle.copy()
    out[:2], out[5:7] = turn @ obstacle[:2], turn @ obstacle[5:7]
    return out


@settings(max_examples=150)
@given(seed=SEEDS)
def test_the_middle_of_a_passage_turns_with_the_world(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other, angle = draw_obstacle(rng), draw_obstacle(rng), rng.uniform(-4.0, 4.0)
    other[:2] += rng.choice([-2.5, 2.5], 2)
    if seed % 2:
        other[5:7] = one[5:7]
    here = np.array(middle_line(one, other))
    there = np.array(middle_line(turned(one, angle), turned(other, angle)))
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    assert there[:2] == pytest.approx(turn @ here[:2], abs=1e-7)
    assert there[2:4] == pytest.approx(turn @ here[2:4], abs=1e-7)
    assert there[4:] == pytest.approx(here[4:], abs=1e-7)


@settings(max_examples=150)
@given(seed=SEEDS)
def test_the_middle_of_the_least_width_is_as_far_from_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = draw_obstacle(rng), draw_obstacle(rng)
    other[:2] += rng.choice([-2.5, 2.5], 2)
    x, y, ux, uy, half, width = middle_line(one, other)
    assert math.hypot(ux, uy) == pytest.approx(1.0)
    along = np.linspace(-half, half, 201)[:, None] * np.array([ux, uy]) + [x, y]
    rooms = np.array([surface_distance(along, one), surface_distance(along, other)])
    # Nearly parallel sides: the line halves their angle, and a corner is nearer to it by 1.5 % at most.
    assert rooms.min() == pytest.approx(width, rel=0.02, abs=0.02)
    assert np.abs(rooms[0] - rooms[1]).max() <= 0.05
    # No point on the line between the outlines is nearer to both.
    outline = [corners_of(box)[[k, (k + 1) % 4]] for box in (one,) for k in range(4)]
    core = min(surface_distance(samples(a, b - a), other).min() for a, b in outline) - one[4]
    assert 2.0 * width == pytest.approx(core, abs=0.02)
