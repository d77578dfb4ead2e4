"""Learning curves: the mean of what is around, no panel for what is always zero."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from policies.training_log import SMOOTHED, Curve, draw_curves, smoothed


def curve(values: list[float]) -> Curve:
    return [float(step) for step in range(len(values))], values


def drawn(**curves: list[float]) -> np.ndarray:
    picture = draw_curves({name: curve(values) for name, values in curves.items()})
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


@given(st.floats(-3.0, 3.0), st.floats(-2.0, 2.0), st.integers(1, 400))
def test_a_straight_line_stays_what_it_is_but_for_its_ends(slope: float, height: float, count: int) -> None:
    values, reach = [height + slope * k for k in range(count)], count // (2 * SMOOTHED)
    inner = slice(reach, count - reach)
    assert smoothed(values)[inner] == pytest.approx(values[inner], abs=1e-9)
    assert smoothed(values)[0] == pytest.approx(height + 0.5 * slope * reach, abs=1e-9)


def test_noise_is_less_by_the_square_root_of_what_it_is_the_mean_of() -> None:
    noise = np.random.default_rng(1).normal(size=80 * SMOOTHED)
    middle = np.array(smoothed(noise.tolist()))[200:-200]
    assert middle.std() == pytest.approx(1.0 / np.sqrt(81), rel=0.15)


def test_a_short_curve_is_as_it_was() -> None:
    assert smoothed([1.0, 5.0, -2.0]) == [1.0, 5.0, -2.0]
    assert smoothed([]) == []


def test_what_is_always_zero_has_no_panel() -> None:
    rising = [float(k) for k in range(100)]
    one, with_zero, two = (
        drawn(a=rising), drawn(a=rising, b=[0.0] * 100), drawn(a=rising, b=[0.0] * 99 + [1.0])
    )  # fmt: skip
    assert one.shape == with_zero.shape
    assert (one[-25:] != with_zero[-25:]).any()  # that it is zero is said below
    assert two.shape[1] > one.shape[1]


def test_what_is_not_known_yet_is_no_zero() -> None:
    assert drawn(a=[]).shape == drawn(a=[0.0]).shape
    assert (drawn(a=[]) == 255).all() and (drawn(a=[0.0]) < 255).any()


def test_the_raw_curve_is_pale_behind_the_smoothed_one() -> None:
    noise = np.random.default_rng(2).normal(size=800)
    image = drawn(a=noise.tolist())
    blue = image[..., 2] - image[..., 0]
    pale, strong = (blue > 15) & (image[..., 0] > 130), (blue > 60) & (image[..., 0] < 80)
    rows = [np.flatnonzero(part.any(axis=1)) for part in (pale, strong)]
    assert np.ptp(rows[0]) > 2.5 * np.ptp(rows[1]) > 0
