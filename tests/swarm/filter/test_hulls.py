"""Stop hulls: distances proved by a strip between the hulls and by the points that attain it, and by dense samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.contact import surface_distance
from oracles.convex import meet, outside, sampled_distance, separation

from swarm.filter.hulls.geometry import MOST, closest, hull_to_hull, hull_to_obstacle, inside, other_hull, own_hull
from swarm.model.actuators import T_BODY_X, T_CORNER_X, TRAIL
from swarm.model.dynamics import Kind, advance, brake
from swarm.model.geometry import as_obstacles
from swarm.sense.neighbours import (
    N_ACCELERATION,
    N_BODY_X,
    N_BODY_Y,
    N_CORNER_X,
    N_CORNER_Y,
    N_VX,
    N_VY,
    N_X,
    N_Y,
    NEIGHBOUR,
)

SINGLE, DOUBLE, UNICYCLE = Kind
# Whole numbers among the coordinates: hulls that are degenerate, touch or lie in one line come often.
COORDINATES = st.integers(-3, 3).map(float) | st.floats(-3.0, 3.0).map(lambda value: round(value, 6))
POINTS = st.tuples(COORDINATES, COORDINATES)
HULLS = st.lists(POINTS, min_size=1, max_size=MOST, unique=True).map(np.array)
# Nearer than this [m] a touch may be taken for none, and the other way round.
NEAR = 1e-7


def filled(points: np.ndarray) -> np.ndarray:
    """The array of a hull, with what nobody may look at behind its points."""
    hull = np.full((MOST, 2), math.nan)
    hull[: len(points)] = points
    return hull


def distance_of(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    distance, nx, ny, ax, ay = hull_to_hull(filled(a), len(a), filled(b), len(b))
    return distance, np.array([nx, ny]), np.array([ax, ay])


@settings(max_examples=300)
@given(a=HULLS, b=HULLS)
def test_the_distance_of_two_hulls(a: np.ndarray, b: np.ndarray) -> None:
    distance, normal, point = distance_of(a, b)
    assert outside(point, a) <= NEAR
    sampled = sampled_distance(a, b)
    if distance <= NEAR:  # a normal between hulls that touch is rounding
        assert distance > 0.0 or not normal.any()
        assert outside(point, b) <= 2.0 * NEAR or meet(a, b)
        return
    assert sampled >= distance - NEAR
    assert np.linalg.norm(normal) == pytest.approx(1.0)
    assert separation(a, b, normal) == pytest.approx(distance, abs=NEAR)  # so nothing of them is nearer,
    assert outside(point - distance * normal, b) <= NEAR  # and this is as near


@settings(max_examples=100)
@given(a=HULLS, b=HULLS)
def test_the_distance_is_the_same_from_both_sides(a: np.ndarray, b: np.ndarray) -> None:
    there, normal, _ = distance_of(a, b)
    back, opposite, _ = distance_of(b, a)
    assert there == pytest.approx(back, abs=1e-12)
    if there > NEAR:
        assert normal == pytest.approx(-opposite, abs=1e-6)


def test_crossing_and_containment() -> None:
    cross = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, -1.0], [0.0, 1.0]])
    triangle = np.array([[-1.0, -1.0], [1.0, -1.0], [0.0, 2.0]])
    sliver = np.array([[-2.0, 0.0], [2.0, 0.01], [2.0, -0.01]])
    for a, b in (
        cross,
        (triangle, 0.1 * triangle),
        (triangle, np.zeros((1, 2))),
        (triangle, sliver),
        (triangle, cross[1]),
    ):
        for one, other in ((a, b), (b, a)):
            distance, normal, _ = distance_of(one, other)
            assert distance == 0.0 and not normal.any()


@settings(max_examples=200)
@given(point=POINTS, hull=HULLS)
def test_inside_and_the_closest_point(point: tuple[float, float], hull: np.ndarray) -> None:
    at, away = np.array(point), outside(np.array(point), hull)
    if inside(*point, filled(hull), len(hull)):
        assert away <= NEAR
    elif len(hull) == MOST:
        edges = [(hull[(k + 1) % 3] - hull[k], at - hull[k]) for k in range(3)]
        sides = [step[0] * way[1] - step[1] * way[0] for step, way in edges]
        assert not (min(sides) > 1e-9 or max(sides) < -1e-9)
    nearest = np.array(closest(*point, filled(hull), len(hull)))
    assert outside(nearest, hull) <= NEAR
    if away > NEAR:
        assert np.linalg.norm(at - nearest) == pytest.approx(away, rel=1e-4)


@pytest.mark.parametrize("way", [(1.0, 0.0), (0.0, -1.0), (1.0, 1.0), (-0.3, 0.1)])
def test_nothing_beyond_a_triangle_that_is_a_segment_lies_in_it(way: tuple[float, float]) -> None:
    """A robot that drives straight on has such a hull; the place where it would be next is none of it."""
    hull = np.array([[0.5, 0.25], [0.0, 0.0], [1.0, 0.5]])[:, :1] * np.array(way)
    for share in (-0.5, 1.1, 2.0, 1e3):
        assert not inside(share * way[0], share * way[1], hull, MOST)
        beyond = np.array([[share * way[0], share * way[1]]])
        away = (share - 1.0 if share > 1.0 else -share) * math.hypot(*way)
        assert distance_of(hull, beyond)[0] == pytest.approx(away)
        box = as_obstacles([[*beyond[0], 0.0, 0.0, 0.05]])[0]
        assert hull_to_obstacle(hull, MOST, box)[0] == pytest.approx(away - 0.05)
    assert distance_of(hull, np.array([[0.25 * way[0], 0.25 * way[1]]]))[0] == pytest.approx(0.0, abs=1e-12)


HALVES = st.just(0.0) | st.floats(0.05, 1.5)
BOXES = st.tuples(COORDINATES, COORDINATES, HALVES, HALVES, st.just(0.0) | st.floats(0.05, 1.0))


@settings(max_examples=300)
@given(hull=HULLS, box=BOXES, angle=st.just(0.0) | st.floats(-4.0, 4.0))
def test_the_distance_to_an_obstacle(hull: np.ndarray, box: tuple[float, ...], angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    obstacle = np.array([*box, c, s])
    distance, nx, ny, ax, ay = hull_to_obstacle(filled(hull), len(hull), obstacle)
    normal, point = np.array([nx, ny]), np.array([ax, ay])
    signs = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    core = obstacle[:2] + (signs * obstacle[2:4]) @ np.array([[c, s], [-s, c]])
    if not normal.any():
        assert distance <= -obstacle[4]
        assert meet(hull, core)
        return
    if distance + obstacle[4] <= NEAR:
        return  # one point at the very edge of the core, or in it, has a normal of its own
    assert outside(point, hull) <= NEAR
    assert separation(hull, core, normal) == pytest.approx(distance + obstacle[4], abs=NEAR)
    assert surface_distance(point, obstacle) == pytest.approx(distance, abs=NEAR)


@pytest.mark.parametrize("kind", [SINGLE, DOUBLE, UNICYCLE])
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_hull_holds_the_body_and_where_braking_takes_it(kind: Kind, seed: int) -> None:
    """Braked by the plain dynamics for as many periods as it takes; what is told of a robot gives the same hull."""
    rng, dt = np.random.default_rng(seed), 0.05
    state, trail, hull, limits = np.zeros(5), np.zeros(TRAIL), np.full((MOST, 2), math.nan), np.array([2.0, 3.0, 4.0])
    state[:2], state[3:] = rng.uniform(-2.0, 2.0, 2), rng.uniform(-2.0, 2.0, 2) * (rng.random() < 0.8)
    if rng.random() < 0.7:
        trail[T_BODY_X : T_CORNER_X + 2] = rng.uniform(-0.5, 0.5, 4)
    many = own_hull(int(kind), state, 3.0, dt, trail, hull)
    corners = {T_BODY_X} if kind == DOUBLE and state[3:].any() else {T_BODY_X, T_CORNER_X}
    points = [state[:2], *(state[:2] + trail[k : k + 2] for k in corners)]
    at, control = state.copy(), np.empty(2)
    for _ in range(30):
        points.append(at[:2].copy())
        brake(int(kind), at, limits, dt, control)
        at = advance(kind, at, control, dt)
    assert kind != DOUBLE or not at[3:].round(12).any()
    assert max(outside(point, hull[:many]) for point in points) <= NEAR
    assert all(outside(point, np.array(points)) <= NEAR for point in hull[:many])  # and nothing else
    assert (hull[0] == state[:2]).all() and np.isfinite(hull[:many]).all()
    row, told = np.zeros(NEIGHBOUR), np.full((MOST, 2), math.nan)
    row[[N_X, N_Y, N_VX, N_VY]] = state[[0, 1, 3, 4]]
    row[[N_BODY_X, N_BODY_Y, N_CORNER_X, N_CORNER_Y]] = trail[T_BODY_X : T_CORNER_X + 2]
    row[N_ACCELERATION] = 3.0 if kind == DOUBLE else math.inf
    assert other_hull(row, dt, told) == many
    np.testing.assert_array_equal(told, hull)
