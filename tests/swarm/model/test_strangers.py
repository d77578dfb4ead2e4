"""What is counted on of those who ignore everybody: how far they get, and what can be declared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.model.strangers import NOBODY, UNKNOWN, Strangers, covered, faster, start_of

SPEED = st.floats(0.0, 3.0)


@given(shown=SPEED, push=st.floats(0.01, 5.0), top=st.just(0.0) | st.floats(0.01, 3.0), time=st.floats(0.0, 3.0))
def test_a_stranger_covers_what_its_speed_adds_up_to(shown: float, push: float, top: float, time: float) -> None:
    at = np.linspace(0.0, time, 4001)
    speed = shown + push * at
    if top > 0.0:
        speed = np.minimum(speed, max(top, shown))
    assert covered(shown, push, top, time) == pytest.approx(np.trapezoid(speed, at), abs=1e-5)
    assert faster(shown, push, top, time) == pytest.approx(speed[-1], abs=1e-12)
    # In two parts it is the same: what is counted on later is no more than what was before.
    half = covered(shown, push, top, 0.5 * time)
    rest = covered(faster(shown, push, top, 0.5 * time), push, top, 0.5 * time)
    assert half + rest == pytest.approx(covered(shown, push, top, time), abs=1e-9)


def test_what_is_declared_says_where_a_stranger_starts() -> None:
    assert start_of(0.6, UNKNOWN.as_array()) == (0.6, 1.0, 0.0)
    assert start_of(0.6, Strangers(acceleration=2.0).as_array()) == (0.6, 2.0, 0.0)
    assert start_of(0.6, Strangers(1.5).as_array()) == (1.5, 0.0, 1.5)
    assert start_of(0.6, Strangers(1.5, 2.0).as_array()) == (0.6, 2.0, 1.5)
    assert start_of(1.7, Strangers(1.5, 2.0).as_array()) == (1.7, 2.0, 1.7), "who shows more has it"
    assert start_of(0.6, NOBODY.as_array()) == (0.0, 0.0, 0.0)
    assert UNKNOWN.declared() == {} and Strangers(1.5, 2.0).declared() == {"speed": 1.5, "acceleration": 2.0}


@pytest.mark.parametrize(("wrong", "key", "valid"), [
    ({"speed": -1.0}, "strangers.speed", "0 to 1e[+]06 m/s"), ({"speed": math.nan}, "strangers.speed", "0 to"),
    ({"acceleration": 0.0}, "strangers.acceleration", "above 0"),
    ({"acceleration": math.inf}, "strangers.acceleration", "above 0"), ({"speed": True}, "strangers.speed", "a number"),
])  # fmt: skip
def test_what_cannot_be_declared_is_named(wrong: dict[str, float], key: str, valid: str) -> None:
    with pytest.raises(InputError, match=f"{key}.*{valid}"):
        Strangers(**wrong)
