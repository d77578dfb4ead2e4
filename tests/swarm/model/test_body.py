"""A robot as an array: every number in its column, and refused where it cannot be used."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model import body as columns
from swarm.model.body import BODY, LOOK_AHEAD_RADII, body_of, overrun
from swarm.model.dynamics import Kind, Limits

LIMITS = Limits(1.0, 2.0, 3.0)


def test_columns() -> None:
    body = body_of(Kind.DOUBLE_INTEGRATOR, 0.2, LIMITS, dt=0.05, sensing_radius=4.0, margin=0.01)
    assert body.shape == (BODY,)
    names = ("RADIUS", "LOOK_AHEAD", "TOP_SPEED", "ACCELERATION", "TURN_RATE", "PERIOD", "SENSING", "MARGIN")
    values = {name: body[getattr(columns, name)] for name in names}
    expected = (0.2, LOOK_AHEAD_RADII * 0.2, 1.0, 2.0, 3.0, 0.05, 4.0, 0.01)
    assert values == pytest.approx(dict(zip(names, expected, strict=True)))


def test_top_speed_falls_with_what_is_seen_and_with_the_margin() -> None:
    def top(sensing: float, margin: float = 0.0) -> float:
        body = body_of(Kind.SINGLE_INTEGRATOR, 0.2, Limits(50.0), dt=0.1, sensing_radius=sensing, margin=margin)
        return float(body[columns.TOP_SPEED])

    # Half the sensing radius holds the robot, its margin and the diagonal of one period's move.
    assert top(2.0) == pytest.approx(0.8 / (0.1 * math.sqrt(2.0)))
    assert top(2.0, 0.1) == pytest.approx(0.7 / (0.1 * math.sqrt(2.0)))
    assert top(20.0) == pytest.approx(50.0)


@pytest.mark.parametrize("name", ["radius", "dt", "sensing_radius", "margin"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_numbers_that_cannot_be_used(name: str, value: float) -> None:
    numbers: dict[str, Any] = {"radius": 0.2, "dt": 0.05, "sensing_radius": 4.0, "margin": 0.0} | {name: value}
    with pytest.raises(InputError, match=name):
        body_of(Kind.SINGLE_INTEGRATOR, numbers.pop("radius"), LIMITS, **numbers)


def test_zero_is_a_margin_and_nothing_else() -> None:
    for name in ("radius", "dt", "sensing_radius"):
        numbers: dict[str, Any] = {"radius": 0.2, "dt": 0.05, "sensing_radius": 4.0} | {name: 0.0}
        with pytest.raises(InputError, match=name):
            body_of(Kind.SINGLE_INTEGRATOR, numbers.pop("radius"), LIMITS, **numbers)


def test_limits_that_the_dynamics_need() -> None:
    with pytest.raises(InputError, match="acceleration"):
        body_of(Kind.DOUBLE_INTEGRATOR, 0.2, Limits(1.0), dt=0.05, sensing_radius=4.0)
    with pytest.raises(InputError, match="turn_rate"):
        body_of(Kind.UNICYCLE, 0.2, Limits(1.0), dt=0.05, sensing_radius=4.0)
    body_of(Kind.SINGLE_INTEGRATOR, 0.2, Limits(1.0), dt=0.05, sensing_radius=4.0)


CART = Limits(1.0, acceleration=0.3, turn_rate=4.0)


def needed(error: InputError) -> float:
    """The acceleration that an error asks for [m/s²]."""
    return float(str(error).partition("at least ")[2].partition(" ")[0])


@given(
    st.sampled_from([Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE]), st.floats(0.05, 3.0), st.floats(0.02, 20.0),
    st.floats(0.1, 20.0), st.floats(1e-3, 1.0), st.floats(0.02, 1.0), st.sampled_from([0.02, 0.1]),
)  # fmt: skip
def test_an_acceleration_is_held_by_the_margin_or_refused_with_the_one_that_is(
    kind: Kind, speed: float, acceleration: float, turn_rate: float, margin: float, radius: float, dt: float
) -> None:
    def build(acceleration: float, margin: float) -> Array:
        limits = Limits(speed, acceleration, turn_rate)
        return body_of(kind, radius, limits, dt=dt, sensing_radius=5.0, margin=margin)

    top = build(math.inf, margin)[columns.TOP_SPEED]
    # What a robot that only goes straight ahead overruns is the least that the margin has to cover.
    straight = top**2 / (2.0 * acceleration)
    try:
        body = build(acceleration, margin)
    except InputError as error:
        assert error.where == "limits.acceleration" and error.value == acceleration
        if "a turn rate of at most" in error.valid:
            assert kind == Kind.UNICYCLE and turn_rate * radius > 3.9 * top
            return
        enough = needed(error)
        assert acceleration < enough <= 4.01 * (top + turn_rate * radius) * top / (2.0 * margin)
        assert overrun(kind, build(enough, margin)) <= margin * (1.0 + 1e-8)
        with pytest.raises(InputError, match="acceleration"):
            build(0.98 * enough, margin)
    else:
        assert straight <= overrun(kind, body) <= margin * (1.0 + 1e-8)


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE])
def test_without_a_margin_no_acceleration_is_held(kind: Kind) -> None:
    valid = r"limits\.acceleration: got 0\.3; valid: none, or a margin of at least"
    with pytest.raises(InputError, match=valid) as error:
        body_of(kind, 0.25, CART, dt=0.05, sensing_radius=3.0)
    margin = float(str(error.value).partition("at least ")[2].partition(" ")[0])
    body_of(kind, 0.25, CART, dt=0.05, sensing_radius=3.0 + 2.0 * margin, margin=margin)


@pytest.mark.parametrize("acceleration", [5e-324, 1e-160, 1e10])
def test_the_error_holds_for_any_acceleration(acceleration: float) -> None:
    for margin in (0.0, 1e-300):
        with pytest.raises(InputError, match=r"limits\.acceleration: got"):
            body_of(Kind.UNICYCLE, 0.25, Limits(1.0, acceleration, 4.0), dt=0.05, sensing_radius=3.0, margin=margin)


def test_what_a_wheeled_robot_overruns() -> None:
    """Straight ahead v² / 2a; where a reversed turn changes the wheels by v twice as much; with a fast turn v w / a."""
    for turn_rate, expected in ((1e-6, 0.5), (2.0, 1.0), (16.0, 8.0), (16.1, math.inf)):
        body = body_of(Kind.UNICYCLE, 0.25, Limits(1.0, turn_rate=turn_rate), dt=0.05, sensing_radius=20.0)
        body[columns.ACCELERATION] = 1.0
        assert overrun(Kind.UNICYCLE, body) == pytest.approx(expected)


def test_a_turn_that_no_margin_is_enough_for_is_named() -> None:
    with pytest.raises(InputError, match=r"valid: none, or a turn rate of at most 8 rad/s"):
        body_of(Kind.UNICYCLE, 0.25, Limits(0.5, 2.0, 8.1), dt=0.05, sensing_radius=9.0, margin=3.0)
    body_of(Kind.UNICYCLE, 0.25, Limits(0.5, 2.0, 8.0), dt=0.05, sensing_radius=9.0, margin=3.0)


@given(st.floats(0.1, 2.0), st.floats(0.05, 1.0))
def test_a_turn_rate_that_an_error_asks_for_is_slow_enough(speed: float, radius: float) -> None:
    def build(turn_rate: float) -> Array:
        limits = Limits(speed, 1000.0, turn_rate)
        return body_of(Kind.UNICYCLE, radius, limits, dt=0.05, sensing_radius=9.0, margin=2.0)

    with pytest.raises(InputError, match="turn rate of at most") as error:
        build(200.0)
    build(float(error.value.valid.partition("at most ")[2].partition(" ")[0]))
