"""Outlines: any corners become a convex polygon that holds them; what cannot be one is one clear error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.model.footprint.overlap import covered, gap, is_free, may_fit, placed
from swarm.model.footprint.polygon import MOST_CORNERS, box, distances_inside, outline, reach
from swarm.model.geometry import as_obstacles

BOX = [[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2]]
CENTRE = np.zeros((1, 2))


def star(seed: int, corners: int) -> np.ndarray:
    """A polygon around the centre that does not cross itself; of many corners, seldom convex."""
    rng = np.random.default_rng(seed)
    angle = 2.0 * np.pi * (np.arange(corners) + rng.uniform(-0.2, 0.2, corners)) / corners
    return rng.uniform(0.2, 1.0, corners)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


@pytest.mark.parametrize(
    "corners", [BOX, BOX[::-1], [*BOX, BOX[0]], [BOX[0], BOX[0], *BOX[1:], [-0.1, 0.2], [0.2, 0.2]]]
)
def test_either_way_round_doubled_and_on_a_line(corners):
    found, note = outline("footprint", corners)
    np.testing.assert_array_equal(found, box(0.6, 0.4))
    assert note == ""


@given(st.integers(0, 1000), st.integers(5, 40))
def test_an_outline_holds_what_was_given_and_stays_the_same(seed, corners):
    given_corners = star(seed, corners)
    found, note = outline("footprint", given_corners)
    assert 3 <= len(found) <= MOST_CORNERS
    assert distances_inside(found, given_corners).min() > -1e-9
    sides = np.roll(found, -1, axis=0) - found
    after = np.roll(sides, -1, axis=0)
    assert (sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0] > 0.0).all()
    again, nothing = outline("footprint", found)
    np.testing.assert_array_equal(again, found)
    assert nothing == ""
    assert note or distances_inside(found, given_corners).max() < 1e-9


def test_what_was_changed_is_said():
    assert "convex hull (0.1 m" in outline("footprint", [[0.3, 0.0], [-0.2, 0.2], [-0.1, 0.0], [-0.2, -0.2]])[1]
    angle = 2.0 * np.pi * np.arange(16) / 16
    found, note = outline("footprint", np.column_stack([np.cos(angle), np.sin(angle)]))
    assert len(found) == 8
    assert "16 corners, and is taken for 8 around them (radius 1.06 m instead of 1 m)" in note
    assert reach(found) == pytest.approx(np.cos(np.pi / 16) / np.cos(np.pi / 8))


@pytest.mark.parametrize(
    ("corners", "says"),
    [
        (BOX[:2], r"2 corners.*3 to 256 corners"),
        ([BOX[0], BOX[2], BOX[1], BOX[3]], r"side 0 .*crosses side 2"),
        ([[0, 0], [1, 0], [2, 0]], "a polygon with an area"),
        ([[1, 1], [2, 1], [2, 2]], r"holds the centre.*1 m outside"),
        ([[0, 0], [1, float("nan")], [1, 1]], r"\[1, 1\]: got nan"),
        ([[0, 0, 0], [1, 0, 0], [1, 1, 0]], "shape"),
        (np.ones((300, 2)), "300 corners"),
    ],
)
def test_what_is_no_outline(corners, says):
    with pytest.raises(InputError, match=rf"(?s)footprint.*{says}"):
        outline("footprint", corners)


@given(st.integers(0, 1000))
def test_gaps_are_those_of_sampled_points(seed):
    """Against points of both shapes, which are as near as the samples are dense."""
    rng = np.random.default_rng(seed)
    shapes = [
        placed(outline("one", star(seed + k, 6))[0], np.array([*rng.uniform(-1.5, 1.5, 2), rng.uniform(0, 6)]))
        for k in range(2)
    ]
    distance = gap(*shapes)
    assert distance == pytest.approx(gap(*shapes[::-1]), abs=1e-12)
    share = np.linspace(0.0, 1.0, 200)[:, None, None]
    edges = [(shape[None] + share * (np.roll(shape, -1, axis=0) - shape)[None]).reshape(-1, 2) for shape in shapes]
    nearest = min(np.hypot(*(edges[0] - point).T).min() for point in edges[1])
    inside = max(distances_inside(shapes[0], edges[1]).max(), distances_inside(shapes[1], edges[0]).max())
    if distance > 0.0:
        assert inside < 0.0
        assert distance - 1e-9 <= nearest <= distance + 0.02
    else:
        assert inside > -0.02
        way = rng.normal(size=2)
        way *= 0.99 * -distance / np.hypot(*way)
        assert gap(shapes[0] + way, shapes[1]) <= 0.0


@given(st.integers(0, 1000))
def test_a_straight_way_covers_every_place_on_it_and_no_more(seed):
    rng = np.random.default_rng(seed)
    state, span = np.array([*rng.uniform(-1, 1, 2), rng.uniform(0, 6)]), tuple(rng.uniform(-1, 1, 2).tolist())
    polygon = outline("one", star(seed, 7))[0]
    whole = covered(polygon, state, span)
    for share in (0.0, 0.3, 1.0):
        assert distances_inside(whole, placed(polygon, state) + share * np.array(span)).min() > -1e-9
    ends = np.concatenate([placed(polygon, state), placed(polygon, state) + np.array(span)])
    assert all(np.hypot(*(ends - corner).T).min() < 1e-9 for corner in whole)
    point = np.array([[3.0, 0.0]])
    assert gap(covered(None, np.zeros(5), (1.0, 0.0)), point + box(1.0, 1.0)) == pytest.approx(1.5)


def test_a_box_fits_into_a_lane_along_it_only():
    lane = as_obstacles([[0.0, 0.5, 2.0, 0.25, 0.0], [0.0, -0.5, 2.0, 0.25, 0.0]])
    polygon = box(0.6, 0.48)
    assert is_free(polygon, lane, 1e-9)
    assert not is_free(placed(polygon, np.array([0.0, 0.0, 0.3])), lane, 1e-9)
    assert may_fit(polygon, np.zeros(2), None, lane)
    assert may_fit(polygon, np.zeros(2), 0.0, lane)
    assert not may_fit(polygon, np.zeros(2), 0.3, lane)
    assert not may_fit(box(0.6, 0.53), np.zeros(2), None, lane)
    circle = as_obstacles([[0.5, 0.0, 0.0, 0.0, 0.3]])
    assert may_fit(box(0.6, 0.38), np.zeros(2), None, circle)
    assert not may_fit(box(0.6, 0.43), np.zeros(2), None, circle)


@pytest.mark.parametrize("angle", [0.4, 1.2, -2.0])
def test_a_box_fits_into_a_turned_lane_along_it_only(angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    lane = np.array([[-0.5 * s, 0.5 * c, 2.0, 0.25, 0.0, c, s], [0.5 * s, -0.5 * c, 2.0, 0.25, 0.0, c, s]])
    assert may_fit(box(0.6, 0.48), np.zeros(2), angle, lane)
    assert not may_fit(box(0.6, 0.48), np.zeros(2), angle + 0.3, lane)
    assert not may_fit(box(0.6, 0.48), np.zeros(2), 0.0, lane)
