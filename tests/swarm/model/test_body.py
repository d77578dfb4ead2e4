"""A robot as an array: every number in its column, and refused where it cannot be used."""

from __future__ import annotations

import math

import pytest

from swarm.errors import InputError
from swarm.model import body as columns
from swarm.model.body import BODY, LOOK_AHEAD_RADII, body_of
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
    numbers = {"radius": 0.2, "dt": 0.05, "sensing_radius": 4.0, "margin": 0.0} | {name: value}
    with pytest.raises(InputError, match=name):
        body_of(Kind.SINGLE_INTEGRATOR, numbers.pop("radius"), LIMITS, **numbers)


def test_zero_is_a_margin_and_nothing_else() -> None:
    for name in ("radius", "dt", "sensing_radius"):
        numbers = {"radius": 0.2, "dt": 0.05, "sensing_radius": 4.0} | {name: 0.0}
        with pytest.raises(InputError, match=name):
            body_of(Kind.SINGLE_INTEGRATOR, numbers.pop("radius"), LIMITS, **numbers)


def test_limits_that_the_dynamics_need() -> None:
    with pytest.raises(InputError, match="acceleration"):
        body_of(Kind.DOUBLE_INTEGRATOR, 0.2, Limits(1.0), dt=0.05, sensing_radius=4.0)
    with pytest.raises(InputError, match="turn_rate"):
        body_of(Kind.UNICYCLE, 0.2, Limits(1.0), dt=0.05, sensing_radius=4.0)
    body_of(Kind.SINGLE_INTEGRATOR, 0.2, Limits(1.0), dt=0.05, sensing_radius=4.0)
