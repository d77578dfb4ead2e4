"""What a car's steering allows: rows of the quadratic program, and what the shield admits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from swarm.filter import qp
from swarm.filter.barriers import control_box
from swarm.model.actuators import T_CURVATURE, T_SPEED, T_TURN_RATE, TRAIL, advance_ramped
from swarm.model.body import LOOK_AHEAD, TOP_SPEED, body_of, coast_of, full_braking
from swarm.model.dynamics import Kind, Limits
from swarm.model.steering import STEERING_ROWS, add_steering_rows, next_speeds, steer_within, steers

SEEDS = st.integers(0, 2**32 - 1)
DT = 0.05
UNICYCLE = Kind.UNICYCLE


def some_car(rng: np.random.Generator) -> tuple[Limits, np.ndarray, np.ndarray]:
    """Limits, body and trail of a car that drives forward, backwards, or stands with its wheels turned."""
    limits = Limits(
        1.0, float(rng.uniform(0.5, 3.0)), wheelbase=0.3, steering=float(rng.uniform(0.2, 1.0)),
        steering_rate=float(rng.choice([math.inf, rng.uniform(0.2, 5.0)])), reverse_speed=float(rng.choice([0.0, 0.6])),
    )  # fmt: skip
    body, trail = body_of(UNICYCLE, 0.2, limits, dt=DT, sensing_radius=9.0), np.zeros(TRAIL)
    curve = limits.curvature * float(rng.choice([-1.0, 0.0, 1.0, rng.uniform(-1.0, 1.0)]))
    speed = float(rng.choice([0.0, 1e-3, rng.uniform(0.0, 1.0), -min(limits.reverse_speed, rng.random())]))
    trail[T_SPEED], trail[T_TURN_RATE], trail[T_CURVATURE] = speed, curve * speed, curve
    coast_of(np.zeros(5), body, trail)
    return limits, body, trail


def problem(body: np.ndarray, trail: np.ndarray, wanted: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, right-hand sides and box of a QP in which only the steering counts."""
    rows, rhs, box = np.empty((STEERING_ROWS, 2)), np.empty(STEERING_ROWS), np.empty((2, 2))
    control_box(UNICYCLE, np.zeros(5), body, trail, box)
    count = add_steering_rows(body, trail, wanted, rows, rhs, box, 0)
    return rows[:count], rhs[:count], box


@settings(max_examples=300)
@given(seed=SEEDS)
def test_what_the_rows_allow_the_car_can_do_within_all_of_the_period(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits, body, trail = some_car(rng)
    nominal = rng.uniform(-1.5, 1.5, 2) * [1.0, body[LOOK_AHEAD] * 5.0]
    rows, rhs, box = problem(body, trail, float(nominal[0]))
    assume(abs(trail[T_TURN_RATE]) * body[LOOK_AHEAD] <= box[1, 1])  # No filter lets it turn faster than it can brake.
    control, deficit = np.empty(2), np.empty(1)
    status, _ = qp.solve_unit_rows(*nominal, rows, rhs, len(rows), box, control, deficit, 0)
    assert status == qp.OPTIMAL
    speed, turn_rate = float(control[0]), float(control[1] / body[LOOK_AHEAD])
    assert steers(body, trail, speed, turn_rate)
    assert -limits.reverse_speed - 1e-12 <= speed <= body[TOP_SPEED]
    parts = np.linspace(0.0, 1.0, 401)
    v = trail[T_SPEED] + parts * (speed - trail[T_SPEED])
    w = trail[T_TURN_RATE] + parts * (turn_rate - trail[T_TURN_RATE])
    moves = np.abs(v) > 1e-9
    assert (np.abs(w) <= limits.curvature * np.abs(v) + 1e-9).all()
    angle = np.arctan(limits.wheelbase * w[moves] / v[moves])
    if len(angle) > 1 and math.isfinite(limits.steering_rate):
        assert np.abs(np.diff(angle)).max() <= limits.steering_rate * DT / 400 * (1.0 + 1e-4) + 1e-9
        if trail[T_SPEED] == 0.0:  # it drives off as its wheels stand
            assert angle[0] == pytest.approx(math.atan(limits.wheelbase * trail[T_CURVATURE]), abs=1e-6)


@settings(max_examples=200)
@given(seed=SEEDS)
def test_braking_is_admitted_and_holds_the_steering(seed: int) -> None:
    _, body, trail = some_car(np.random.default_rng(seed))
    state, drive = np.zeros(5), trail[[T_SPEED, T_TURN_RATE]]
    for _ in range(60):
        control = full_braking(UNICYCLE, state, body, drive)
        assert steers(body, trail, *control)
        held = control.copy()
        steer_within(body, trail, held)
        assert held == pytest.approx(control, abs=1e-12)
        state, drive = advance_ramped(state, drive, control, DT, DT)
        trail[T_SPEED : T_TURN_RATE + 1] = drive
        coast_of(state, body, trail)
    assert drive.tolist() == [0.0, 0.0]


def test_a_car_changes_its_direction_only_from_a_standstill() -> None:
    limits = Limits(1.0, 1.0, wheelbase=0.3, steering=0.5, reverse_speed=0.6)
    body, trail = body_of(UNICYCLE, 0.2, limits, dt=DT, sensing_radius=9.0), np.zeros(TRAIL)
    for speed, wanted, expected in (
        (0.02, -1.0, (1.0, 0.0, 0.07)), (-0.02, 1.0, (-1.0, 0.0, 0.07)), (0.0, -1.0, (-1.0, 0.0, 0.05)),
        (0.0, 0.0, (1.0, 0.0, 0.05)), (-0.6, -1.0, (-1.0, 0.55, 0.6)), (0.98, 1.0, (1.0, 0.93, 1.0)),
    ):  # fmt: skip
        trail[T_SPEED] = speed
        assert next_speeds(body, trail, wanted) == pytest.approx(expected)
    assert not steers(body, np.where(np.arange(TRAIL) == T_SPEED, 0.02, 0.0), -0.01, 0.0)


def test_a_turn_rate_beyond_the_arc_is_none_of_a_car() -> None:
    limits = Limits(1.0, wheelbase=0.3, steering=0.5)
    body, trail = body_of(UNICYCLE, 0.2, limits, dt=DT, sensing_radius=9.0), np.zeros(TRAIL)
    assert steers(body, trail, -0.5, 0.5 * limits.curvature)
    assert not steers(body, trail, -0.5, 0.51 * limits.curvature)
    control = np.array([0.2, -9.0])
    steer_within(body, trail, control)
    assert control.tolist() == [0.2, -0.2 * limits.curvature]
