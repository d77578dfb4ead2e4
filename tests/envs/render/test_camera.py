"""The camera: what it says of places is what the pinhole law says, and it sees all that it was asked to see."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.render.camera import Camera, fitted
from swarm.array_types import Array


def pinhole(camera_at: Array, ahead: Array, focal: float, size: tuple[int, int], point: Array) -> tuple[float, float]:
    """Column and row of a point, by similar triangles."""
    right = np.array([ahead[1], -ahead[0], 0.0]) / math.hypot(ahead[0], ahead[1])
    up = np.cross(right, ahead)
    offset = point - camera_at
    scale = focal / float(offset @ ahead)
    return 0.5 * size[0] + scale * float(offset @ right), 0.5 * size[1] - scale * float(offset @ up)


@given(
    azimuth=st.floats(-3.0, 3.0), elevation=st.floats(0.1, 1.5), distance=st.floats(5.0, 80.0),
    place=st.tuples(*[st.floats(-1.5, 1.5)] * 3), size=st.sampled_from([(640, 400), (300, 700)]),
)  # fmt: skip
def test_points_are_where_a_pinhole_camera_sees_them(
    azimuth: float, elevation: float, distance: float, place: tuple[float, ...], size: tuple[int, int]
) -> None:
    target = np.array([2.0, -1.0, 0.5])
    level = math.cos(elevation)
    ahead = np.array([math.cos(azimuth) * level, math.sin(azimuth) * level, -math.sin(elevation)])
    camera, point = Camera(target, azimuth, elevation, distance, size), target + np.array(place)
    focal = 0.5 * max(size) / math.tan(math.radians(15.0))
    column, row, depth = camera.project(point)[0]
    assert (column, row) == pytest.approx(pinhole(target - distance * ahead, ahead, focal, size, point), abs=1e-6)
    assert depth == pytest.approx(float((point - target + distance * ahead) @ ahead))


def test_what_is_behind_the_camera_is_nowhere() -> None:
    camera = Camera(np.zeros(3), 0.0, 0.5, 10.0, (64, 64))
    assert np.isnan(camera.project(np.array([-50.0, 0.0, 30.0]))).all()


@pytest.mark.parametrize("size", [(640, 800), (800, 300)])
@pytest.mark.parametrize("azimuth", [0.0, math.pi / 2, 2.5])
def test_a_fitted_camera_sees_everything_and_no_nearer_one_does(azimuth: float, size: tuple[int, int]) -> None:
    corners = np.array([[x, y, z] for x in (3.0, 37.0) for y in (-2.0, 20.0) for z in (0.0, 0.5)])
    camera = fitted(corners, azimuth, 1.0, size, 20)
    seen = camera.project(corners)[:, :2]
    assert (seen > 18.0).all() and (seen < np.array(size) - 18.0).all()
    free = np.array([seen[:, 0].min(), size[0] - seen[:, 0].max(), seen[:, 1].min(), size[1] - seen[:, 1].max()])
    assert free[2] == pytest.approx(free[3], abs=1.0)  # in the middle, from top to bottom
    assert free.min() < 0.15 * min(size)


def test_a_metre_from_side_to_side() -> None:
    camera = Camera(np.array([1.0, 2.0, 0.0]), 0.0, 0.8, 12.0, (500, 400))
    ends = camera.project(np.array([[1.0, 1.5, 0.0], [1.0, 2.5, 0.0]]))
    assert camera.pixels_a_metre(np.array([1.0, 2.0, 0.0])) == pytest.approx(ends[0, 0] - ends[1, 0], rel=1e-6)
