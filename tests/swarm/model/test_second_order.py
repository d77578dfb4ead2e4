"""Unicycles of second order: ramped commands, the arc along which they come to rest, and limits that are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.contact import ramped_path
from oracles.teams import draw_ramped_limits

from swarm.errors import InputError
from swarm.model.actuators import (
    T_BODY_X,
    T_BODY_Y,
    T_CORNER_X,
    T_CORNER_Y,
    T_SPEED,
    T_TURN_RATE,
    TRAIL,
    advance_ramped,
    predict,
)
from swarm.model.body import (
    ACCELERATION,
    BODY,
    GROWTH,
    MARGIN,
    REACH,
    TOP_SPEED,
    TURN_ACCELERATION,
    body_of,
    coast_of,
    full_braking,
    is_second_order,
)
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds

SEEDS = st.integers(0, 2**32 - 1)
CART = Limits(1.0, acceleration=0.5, turn_rate=4.0, turn_acceleration=8.0)


def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A body, a state, and a drive that its limits and its way to rest allow."""
    dt = float(rng.choice([0.02, 0.05, 0.1]))
    limits = draw_ramped_limits(rng, dt)
    body = body_of(Kind.UNICYCLE, 0.2, limits, dt=dt, sensing_radius=20.0)
    v = rng.uniform(-1.0, 1.0) * body[TOP_SPEED]
    turn = min(limits.turn_rate, 4.0 / (abs(v) / limits.acceleration + 2.0 * dt))
    drive = np.array([v, rng.uniform(-1.0, 1.0) * turn])
    heading = rng.uniform(-math.pi, math.pi)
    return body, np.array([*rng.normal(size=2), heading, v * math.cos(heading), v * math.sin(heading)]), drive


@settings(max_examples=80)
@given(seed=SEEDS)
def test_a_ramp_is_the_integral_of_linear_speeds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, state, drive = draw(rng)
    control, dt = drive + rng.normal(size=2), rng.uniform(0.01, 0.2)
    for share in (0.3, 1.0):
        after, then = advance_ramped(state, drive, control, share * dt, dt)
        at = ramped_path(state, drive, control, dt, np.array([share * dt]))[0]
        assert after[:2] == pytest.approx(at, abs=1e-12)
        assert then == pytest.approx(drive + share * (control - drive), abs=1e-12)
        turned = state[2] + share * dt * (drive[1] + 0.5 * share * (control[1] - drive[1]))
        assert math.remainder(after[2] - turned, math.tau) == pytest.approx(0.0, abs=1e-12)
        assert after[3:] == pytest.approx([then[0] * math.cos(turned), then[0] * math.sin(turned)], abs=1e-12)
    halfway, then = advance_ramped(state, drive, control, 0.4 * dt, dt)
    rest, last = advance_ramped(halfway, then, control, 0.6 * dt, 0.6 * dt)
    assert rest == pytest.approx(after, abs=1e-12)
    assert (last == control).all()


@settings(max_examples=80)
@given(seed=SEEDS)
def test_braking_rolls_along_the_told_arc_inside_its_triangle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    body, state, drive = draw(rng)
    start, trail = state[:2].copy(), np.zeros(TRAIL)
    trail[T_SPEED], trail[T_TURN_RATE] = drive
    coast_of(state, body, trail)
    end, corner = start + trail[[T_BODY_X, T_BODY_Y]], start + trail[[T_CORNER_X, T_CORNER_Y]]
    triangle, dt, periods = np.array([start, corner, end]), 0.0, 0
    while drive.any():
        control = full_braking(Kind.UNICYCLE, state, body, drive)
        dt = float(body[5])
        change = np.abs(control - drive) / dt
        assert (change <= body[[ACCELERATION, TURN_ACCELERATION]] * (1.0 + 1e-8)).all()
        path = ramped_path(state, drive, control, dt, dt * np.linspace(0.1, 1.0, 10))
        assert beyond(path, triangle) < 1e-12
        state, drive = advance_ramped(state, drive, control, dt, dt)
        periods += 1
        coast = np.zeros(TRAIL)
        coast[T_SPEED], coast[T_TURN_RATE] = drive
        coast_of(state, body, coast)
        assert state[:2] + coast[[T_BODY_X, T_BODY_Y]] == pytest.approx(end, abs=1e-12)
        assert beyond((state[:2] + coast[[T_CORNER_X, T_CORNER_Y]])[None], triangle) < 1e-12
        assert periods < 10_000
    assert state[:2] == pytest.approx(end, abs=1e-12)
    speed, turn_rate = abs(trail[T_SPEED]), abs(trail[T_TURN_RATE])
    needed = max(speed / body[ACCELERATION], turn_rate / body[TURN_ACCELERATION])
    assert periods == max(math.ceil(needed / dt - 1e-9), 1)


def beyond(points: np.ndarray, triangle: np.ndarray) -> float:
    """How far points lie outside a triangle that may be flat [m], at most: along the normals of its edges."""
    worst = 0.0
    for k in range(3):
        p, q, other = triangle[k], triangle[(k + 1) % 3], triangle[(k + 2) % 3]
        normal = np.array([p[1] - q[1], q[0] - p[0]])
        size = float(np.linalg.norm(normal))
        if size > 1e-9:
            side = (points - p) @ normal / size
            worst = max(worst, float(np.max(-side if (other - p) @ normal >= 0.0 else side)))
    return worst


@settings(max_examples=60)
@given(seed=SEEDS)
def test_nobody_gets_beyond_the_reach_within_a_period_and_braking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    body, state, drive = draw(rng)
    dt = float(body[5])
    change = rng.uniform(-1.0, 1.0, 2) * body[[ACCELERATION, TURN_ACCELERATION]] * dt
    control = np.clip(drive + change, -body[[TOP_SPEED, 4]], body[[TOP_SPEED, 4]])
    after, then = advance_ramped(state, drive, control, dt, dt)
    trail = np.zeros(TRAIL)
    trail[T_SPEED], trail[T_TURN_RATE] = then
    coast_of(after, body, trail)
    for x, y in ((0.0, 0.0), trail[[T_BODY_X, T_BODY_Y]]):
        assert math.hypot(after[0] + x - state[0], after[1] + y - state[1]) <= body[REACH] + 1e-12
    assert body[GROWTH] <= body[REACH] * (1.0 + 1e-12)


def test_commands_that_act_late_are_ramped_over_their_own_period() -> None:
    state, drive, after, then = np.zeros(5), np.zeros(2), np.empty(5), np.empty(2)
    commands = np.array([[0.1, 0.2], [0.3, 0.0]])
    args = commands, 0.02, 0.05, 0.0, 0.0
    predict(Kind.UNICYCLE, state, drive, 0.0, 0.02, *args, after, then, True)
    assert then == pytest.approx([0.1, 0.2])  # the command of the period before, which ends so late
    predict(Kind.UNICYCLE, after, then, 0.02, 0.045, *args, after, then, True)
    assert then == pytest.approx([0.2, 0.1])


def test_what_is_no_second_order_has_no_column_and_what_is_needs_no_margin() -> None:
    for kind, limits, expected in (
        (Kind.UNICYCLE, CART, True), (Kind.UNICYCLE, Limits(1.0, turn_rate=4.0), False),
        (Kind.DOUBLE_INTEGRATOR, CART, False), (Kind.SINGLE_INTEGRATOR, Limits(1.0, turn_acceleration=2.0), False),
    ):  # fmt: skip
        body = body_of(kind, 0.2, limits, dt=0.05, sensing_radius=4.0)
        assert body.shape == (BODY,)
        assert is_second_order(body) == limits.is_second_order(kind) == expected
        assert math.isfinite(body[TURN_ACCELERATION]) == expected
        assert body[MARGIN] == 0.0


def test_top_speed_falls_with_the_way_to_rest_that_is_not_seen() -> None:
    slow, fast = (
        body_of(Kind.UNICYCLE, 0.2, Limits(2.0, push, 1.0, 5.0), dt=0.05, sensing_radius=3.0) for push in (0.3, 3.0)
    )
    assert slow[TOP_SPEED] < fast[TOP_SPEED] == 2.0
    assert slow[REACH] == pytest.approx(1.3, abs=0.05)  # half of what is seen, less the radius


def test_errors_count_for_the_way_to_rest_as_well() -> None:
    errors = ErrorBounds(heading=0.1)
    quick, slow = (
        body_of(Kind.UNICYCLE, 0.2, limits, dt=0.05, sensing_radius=9.0, errors=errors)
        for limits in (Limits(1.0, turn_rate=4.0), CART)
    )
    way = 0.5 * 1.0 / 0.5  # half of the time that it takes to stop, at top speed
    assert slow[MARGIN] - quick[MARGIN] == pytest.approx(2.0 * math.sin(0.05) * way)


def refused(limits: Limits, dt: float = 0.05, errors: ErrorBounds | None = None) -> str:
    with pytest.raises(InputError) as caught:
        body_of(Kind.UNICYCLE, 0.2, limits, dt=dt, sensing_radius=9.0, errors=errors or ErrorBounds())
    return str(caught.value)


def test_limits_that_are_refused_say_what_would_be_fine() -> None:
    assert "turn_acceleration" in refused(Limits(1.0, 0.5, 4.0))
    assert "limits.acceleration" in refused(Limits(1.0, turn_rate=4.0, turn_acceleration=8.0))
    assert "errors.lag" in refused(CART, errors=ErrorBounds(lag=0.1))
    assert "limits.turn_rate" in refused(Limits(1.0, 0.5, 50.0, 900.0), dt=0.1)


@given(st.floats(0.5, 12.0), st.floats(0.05, 30.0), st.sampled_from([0.02, 0.05, 0.1]))
def test_a_turn_acceleration_holds_or_is_refused_with_one_that_does(turn_rate: float, push: float, dt: float) -> None:
    def build(push: float) -> None:
        body_of(Kind.UNICYCLE, 0.2, Limits(1.0, 0.5, turn_rate, push), dt=dt, sensing_radius=9.0)

    try:
        build(push)
        assert turn_rate**2 / (2.0 * push) <= 2.0 * (1.0 + 1e-6)
    except InputError as error:
        fine = float(str(error).partition("at least ")[2].partition(" ")[0])
        assert fine > push
        build(fine)
        with pytest.raises(InputError, match="turn_acceleration"):
            build(0.98 * fine)
