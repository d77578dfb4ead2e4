"""The box of the tunables: its corners, the way there and back, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from swarm.errors import InputError
from swarm.filter.tunables import COUNT, MIDDLE, NAMES, STRAIGHT, TUNABLES, decode, decode_one, encode

ACTIONS = arrays(np.float64, (3, COUNT), elements=st.floats(0.0, 1.0))


def test_corners_and_middle() -> None:
    assert decode(np.zeros(COUNT)) == pytest.approx([t.low for t in TUNABLES])
    assert decode(np.ones(COUNT)) == pytest.approx([t.high for t in TUNABLES])
    middle = [math.sqrt(t.low * t.high) if t.log else 0.5 * (t.low + t.high) for t in TUNABLES]
    assert decode(MIDDLE) == pytest.approx(middle)
    expected = ("robot_gain", "robot_power", "obstacle_gain", "obstacle_power", "rotation", "speed")
    assert expected == NAMES
    assert all(t.low >= 1.0 for t in TUNABLES if t.name.endswith("power"))  # below 1 would chatter


def test_the_box_is_the_one_that_policies_were_trained_in() -> None:
    turn = 0.75 * math.pi
    assert decode(np.zeros(COUNT)) == pytest.approx([0.2, 1.0, 0.2, 1.0, -turn, 0.1])
    assert decode(np.ones(COUNT)) == pytest.approx([20.0, 3.0, 20.0, 3.0, turn, 1.0])
    # Equal steps of a gain are equal ratios, of the others equal differences.
    assert decode(np.full(COUNT, 0.75)) == pytest.approx([0.2 * 100**0.75, 2.5, 0.2 * 100**0.75, 2.5, turn / 2, 0.775])
    assert decode(STRAIGHT) == pytest.approx([20.0, 1.0, 20.0, 1.0, 0.0, 1.0])


@given(action=ACTIONS)
def test_there_and_back(action: np.ndarray) -> None:
    values = decode(action)
    assert values.shape == action.shape
    assert encode(values) == pytest.approx(action, abs=1e-12)


@given(action=arrays(np.float64, COUNT, elements=st.floats(allow_nan=False)))
def test_one_is_like_many_and_stays_in_the_box(action: np.ndarray) -> None:
    one = np.empty(COUNT)
    decode_one(action, one)
    assert one == pytest.approx(decode(action), rel=1e-14)
    assert all(t.low - 1e-9 <= v <= t.high + 1e-9 for t, v in zip(TUNABLES, one, strict=True))


def test_encode_clips_to_the_box() -> None:
    assert encode(np.array([1e9, 9.0, 1e-9, 0.0, 7.0, -1.0])).tolist() == [1, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("action", [np.zeros(5), np.zeros((6, 2)), np.array(1.0), np.array([0.5] * 5 + [np.nan])])
def test_actions_that_are_none(action: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"action.*robot_gain"):
        decode(action)


@pytest.mark.parametrize("values", [np.ones(5), [0, 1, 1, 1, 0, 1], [1, 1, -1, 1, 0, 1], [1, 1, 1, 1, np.inf, 1]])
def test_values_that_cannot_be_encoded(values: np.ndarray) -> None:
    with pytest.raises(InputError, match="tunables"):
        encode(np.asarray(values, dtype=float))
