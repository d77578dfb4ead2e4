"""Exact steps against numerical integration, braking that keeps its promise, and how far a robot can get."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.model import dynamics
from swarm.model.dynamics import Kind, Limits, advance

KINDS = list(Kind)
SEEDS = st.integers(0, 2**32 - 1)


def rate(kind: Kind, state: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Time derivative of x, y, heading, vx, vy; a velocity that follows the control has none."""
    if kind == Kind.DOUBLE_INTEGRATOR:
        return np.array([state[3], state[4], 0.0, *control])
    if kind == Kind.UNICYCLE:
        return np.array([control[0] * math.cos(state[2]), control[0] * math.sin(state[2]), control[1], 0.0, 0.0])
    return np.array([*control, 0.0, 0.0, 0.0])


def integrate(kind: Kind, state: np.ndarray, control: np.ndarray, time: float, steps: int = 60) -> np.ndarray:
    """Runge-Kutta of fourth order."""
    h, x = time / steps, state.copy()
    for _ in range(steps):
        a = rate(kind, x, control)
        b = rate(kind, x + 0.5 * h * a, control)
        c = rate(kind, x + 0.5 * h * b, control)
        d = rate(kind, x + h * c, control)
        x = x + h / 6.0 * (a + 2.0 * b + 2.0 * c + d)
    return x


def draw_state(rng: np.random.Generator, speed: float = 1.0) -> np.ndarray:
    return np.array([*rng.uniform(-3, 3, 2), rng.uniform(-math.pi, math.pi), *rng.uniform(-speed, speed, 2)])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_a_step_is_the_integral_of_the_dynamics(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state, control, time = draw_state(rng), rng.uniform(-3, 3, 2), rng.uniform(0.01, 1.0)
    control[1] *= rng.choice([1.0, 0.0, 1e-9, 1e-5])
    after, exact = advance(kind, state, control, time), integrate(kind, state, control, time)
    assert after[:2] == pytest.approx(exact[:2], abs=1e-9)
    assert math.remainder(after[2] - exact[2], math.tau) == pytest.approx(0.0, abs=1e-9)
    assert -math.pi <= after[2] <= math.pi
    velocity = rate(kind, exact, control)[:2]
    assert after[3:] == pytest.approx(velocity, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_two_steps_are_one(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state, control, first, second = draw_state(rng), rng.uniform(-3, 3, 2), *rng.uniform(0.0, 0.5, 2)
    twice = advance(kind, advance(kind, state, control, first), control, second)
    assert twice == pytest.approx(advance(kind, state, control, first + second), abs=1e-12)


def test_a_step_may_write_over_its_own_state() -> None:
    for kind in KINDS:
        state, control = np.array([1.0, 2.0, 0.3, 0.4, 0.5]), np.array([0.6, -0.7])
        expected = advance(kind, state, control, 0.1)
        dynamics.step(int(kind), state, control, 0.1, state)
        assert (state == expected).all()


@settings(max_examples=200)
@given(seed=SEEDS)
def test_where_braking_ends_does_not_move_while_braking(seed: int) -> None:
    rng = np.random.default_rng(seed)
    speed, push, dt = rng.uniform(0.1, 5), rng.uniform(0.1, 10), rng.uniform(0.005, 0.2)
    state = draw_state(rng, speed)
    if rng.random() < 0.3:  # a whole number of periods to the last digit
        state[3] = push * dt * rng.integers(1, 9)
        state[4] = rng.choice([0.0, state[3], -state[3]])
    periods = dynamics.stop_periods(state[3], state[4], push, dt)
    goal = state[:2] + dynamics.stop_offset(1, state[3], state[4], push, dt)
    control, limits = np.empty(2), np.array([speed, push, math.inf])
    assert periods == pytest.approx(np.abs(state[3:]).max() / (push * dt), abs=1.0 + 1e-6)
    for left in range(int(periods), 0, -1):
        assert dynamics.stop_periods(state[3], state[4], push, dt) == left
        dynamics.brake(1, state, limits, dt, control)
        assert np.abs(control).max() <= push * (1.0 + 1e-8)
        state = advance(Kind.DOUBLE_INTEGRATOR, state, control, dt)
        state[3:][np.abs(state[3:]) < 1e-12] = 0.0  # what rounding leaves of rest
        stop = state[:2] + dynamics.stop_offset(1, state[3], state[4], push, dt)
        assert stop == pytest.approx(goal, abs=1e-12 * (1.0 + periods))
    assert (state[3:] == 0.0).all()
    assert state[:2] == pytest.approx(goal, abs=1e-12 * (1.0 + periods))


def test_a_braking_time_of_whole_periods_is_not_rounded_up() -> None:
    for periods in range(1, 60):
        assert dynamics.stop_periods(0.1 * 0.03 * periods, 0.0, 0.1, 0.03) == periods
    assert dynamics.stop_periods(0.0, 0.0, 1.0, 0.1) == 0
    assert dynamics.stop_periods(0.0, -1e-12, 1.0, 0.1) == 1
    assert dynamics.stop_periods(0.0, -0.21, 1.0, 0.1) == 3  # the faster axis counts, whatever its sign


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE])
def test_the_others_stop_at_once(kind: Kind) -> None:
    control = np.ones(2)
    assert dynamics.stop_offset(int(kind), 3.0, 4.0, 1.0, 0.1) == (0.0, 0.0)
    dynamics.brake(int(kind), np.ones(5), np.ones(3), 0.1, control)
    assert (control == 0.0).all()


def farthest(kind: Kind, state: np.ndarray, control: np.ndarray, limits: Limits, dt: float) -> float:
    """Distance from the start to the farthest sample while driving one period and then braking."""
    at, far = advance(kind, state, control, dt), 0.0
    for share in np.linspace(0.1, 1.0, 10):
        here = advance(kind, state, control, share * dt)
        far = max(far, float(np.linalg.norm(here[:2] - state[:2])))
    brake = np.empty(2)
    while kind == Kind.DOUBLE_INTEGRATOR and np.abs(at[3:]).max() > 1e-9:
        dynamics.brake(int(kind), at, limits.as_array(), dt, brake)
        at = advance(kind, at, brake, dt)
        far = max(far, float(np.linalg.norm(at[:2] - state[:2])))
    return far


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(seed=SEEDS)
def test_reach_is_never_exceeded_and_not_wasteful(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = Limits(rng.uniform(0.1, 3), rng.uniform(0.2, 5), rng.uniform(0.1, 5))
    dt = rng.uniform(0.01, 0.2)
    reach = dynamics.reach(int(kind), 0.1, limits.as_array(), dt)
    worst = 0.0
    for _ in range(20):
        state = draw_state(rng)
        if kind == Kind.DOUBLE_INTEGRATOR:
            state[3:] = rng.uniform(-1, 1, 2) * limits.speed
            after = np.clip(state[3:] + rng.uniform(-1, 1, 2) * limits.acceleration * dt, -limits.speed, limits.speed)
            control = (after - state[3:]) / dt
        else:
            top = [limits.speed, limits.turn_rate if kind == Kind.UNICYCLE else limits.speed]
            control = rng.uniform(-1, 1, 2) * top
        worst = max(worst, farthest(kind, state, control, limits, dt))
    assert worst <= reach + 1e-12
    state = np.array([0.0, 0.0, 0.0, limits.speed, limits.speed])
    control = np.zeros(2) if kind == Kind.DOUBLE_INTEGRATOR else np.array([limits.speed, limits.speed])
    if kind == Kind.UNICYCLE:
        control[1] = 0.0
    spare = math.sqrt(2.0) * limits.speed * dt if kind == Kind.DOUBLE_INTEGRATOR else 1e-12
    assert reach <= farthest(kind, state, control, limits, dt) + spare


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(seed=SEEDS)
def test_seen_speed_is_the_largest_that_keeps_the_unseen_apart(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    limits = Limits(rng.uniform(0.1, 8), rng.uniform(0.5, 5), rng.uniform(0.1, 5))
    radius, dt, sensing = rng.uniform(0.02, 0.3), rng.uniform(0.01, 0.2), rng.uniform(0.7, 4)
    top = dynamics.seen_speed(kind, radius, limits, dt, sensing)
    assert 0.0 <= top <= limits.speed

    def apart(speed: float) -> float:
        """Gap that is left of two robots that start just out of sight."""
        reach = dynamics.reach(int(kind), radius, np.array([speed, limits.acceleration, limits.turn_rate]), dt)
        return sensing - 2.0 * (reach + radius)

    assert apart(top) >= -1e-9
    if top < limits.speed:
        assert apart(1.001 * top + 1e-9) < 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_sensing_radius_that_covers_two_robots_at_rest_is_needed(kind: Kind) -> None:
    limits = Limits(1.0, 1.0, 1.0)
    assert dynamics.seen_speed(kind, 0.1, limits, 0.1, 0.21) < 1.0
    with pytest.raises(InputError, match=r"sensing_radius.*0\.2 m"):
        dynamics.seen_speed(kind, 0.1, limits, 0.1, 0.2)


@pytest.mark.parametrize(
    "values", [{"speed": 0.0}, {"speed": -1.0}, {"speed": math.nan}, {"speed": math.inf},
               {"speed": 1.0, "acceleration": 0.0}, {"speed": 1.0, "turn_rate": math.nan}]
)  # fmt: skip
def test_limits_are_checked(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"limits\."):
        Limits(**values)


def test_limits_and_kinds_as_the_kernels_read_them() -> None:
    assert Limits(1.0, 2.0, 3.0, 4.0).as_array().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert Limits(1.0, 2.0, 3.0).as_array().tolist() == [1.0, 2.0, 3.0, math.inf]
    assert [kind.label for kind in Kind] == ["single_integrator", "double_integrator", "unicycle"]
    assert [int(kind) for kind in Kind] == [0, 1, 2]
