"""A double integrator whose control the shield refuses takes another one beside it, and loses less of its speed."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.attackers import around_of

from swarm.filter.hulls.deflection import DEFLECTED, turn_aside
from swarm.filter.hulls.shield import shield_hulls
from swarm.filter.shield import shield
from swarm.model.actuators import T_ERROR
from swarm.model.body import ACCELERATION, ERROR, PERIOD, TOP_SPEED, TURN_RATE, body_of
from swarm.model.dynamics import DOUBLE_INTEGRATOR, Kind, Limits, acceleration_range, brake, stop_offset
from swarm.sense.neighbours import N_ACCELERATION, N_RADIUS, N_REACH, NEIGHBOUR, Around

LIMITS = Limits(1.0, 2.0, 4.0)
BODY = body_of(Kind.DOUBLE_INTEGRATOR, 0.1, LIMITS, dt=0.05, sensing_radius=3.0)
WRONG = BODY.copy()
"""The same, of which something is not exact: next to nothing."""
WRONG[ERROR] = 1e-12
OPEN = (-99.0, -99.0, 99.0, 99.0)


def beside_wall(vx: float, vy: float, gap: float = 0.04) -> tuple[np.ndarray, Around]:
    """A robot beside a long wall to its right."""
    state = np.array([0.0, 0.0, 0.0, vx, vy])
    return state, around_of(state, obstacles=[[0.6 + gap, 0.0, 0.5, 30.0, 0.0]], bounds=OPEN)


def rests_at(state: np.ndarray, control: np.ndarray, body: np.ndarray = BODY) -> np.ndarray:
    dt = body[PERIOD]
    then = state[3:] + control * dt
    stop = stop_offset(DOUBLE_INTEGRATOR, then[0], then[1], body[ACCELERATION], dt)
    return state[:2] + dt * (state[3:] + 0.5 * dt * control) + np.array(stop)


ASKED = np.array([2.0, 1.0])
"""Towards the wall, and on along it."""


def drawn_towards_braking(state: np.ndarray, reach: float) -> np.ndarray:
    """The largest share of what is asked for, the rest braking, with which it comes to rest before the wall."""
    brakes = np.zeros(2)
    brake(DOUBLE_INTEGRATOR, state, BODY[TOP_SPEED : TURN_RATE + 1], BODY[PERIOD], brakes)
    mixed = [brakes + share * (ASKED - brakes) for share in np.linspace(0.0, 1.0, 1001)]
    return next(one for one in mixed[::-1] if rests_at(state, one)[0] <= reach)


def test_between_others_it_keeps_every_line_or_brakes() -> None:
    rng, turned = np.random.default_rng(3), 0
    for _ in range(400):
        state = np.array([0.0, 0.0, 0.0, *rng.uniform(-0.7, 0.7, 2)])
        near = np.zeros((3, NEIGHBOUR))
        angle = rng.uniform(0.0, 2.0 * np.pi, 3)
        near[:, 0], near[:, 1] = rng.uniform(0.3, 0.6, 3) * np.cos(angle), rng.uniform(0.3, 0.6, 3) * np.sin(angle)
        near[:, N_RADIUS], near[:, N_REACH], near[:, N_ACCELERATION] = 0.1, 1.0, 2.0
        control, around = rng.uniform(-2.0, 2.0, 2), around_of(state, neighbours=near, bounds=OPEN)
        if shield_hulls(DOUBLE_INTEGRATOR, state, WRONG, around, control) == DEFLECTED:
            turned += 1
            ranges = [acceleration_range(v, BODY[TOP_SPEED], BODY[ACCELERATION], BODY[PERIOD]) for v in state[3:]]
            assert all(low - 1e-9 <= u <= high + 1e-9 for u, (low, high) in zip(control, ranges, strict=True))
            # The shield of exact discs, which turns nothing aside, lets it through.
            assert shield(DOUBLE_INTEGRATOR, state, BODY, around, control, np.zeros((8, 3))) > 1.0 - 1e-6
    assert turned > 10


@pytest.mark.parametrize("error", [0.0, 0.01])
def test_along_a_wall_it_keeps_more_of_its_speed(error: float) -> None:
    state, around = beside_wall(0.2, 0.6, 0.04 + error)
    around.trail[T_ERROR] = error
    control = ASKED.copy()
    assert rests_at(state, ASKED)[0] > 0.04  # what was asked for leads into it
    assert shield_hulls(DOUBLE_INTEGRATOR, state, WRONG, around, control) == DEFLECTED
    assert rests_at(state, control)[0] <= 0.04 + 1e-9
    assert control[1] > drawn_towards_braking(state, 0.04)[1] + 0.1


@pytest.mark.parametrize("speed", [0.0, 0.2, 0.9])
def test_one_turn_moves_where_it_comes_to_rest_by_what_is_missing(speed: float) -> None:
    for angle in np.linspace(0.0, 6.0, 13):
        state, control = np.array([0.0, 0.0, 0.0, 0.0, speed]), np.zeros(2)
        nx, ny = np.cos(angle), np.sin(angle)
        before = rests_at(state, control) @ (nx, ny)
        turn_aside(state, BODY, float(nx), float(ny), 0.002, control)
        # It brakes for whole periods: one more or less moves where it comes to rest by half of its way in a period.
        assert 0.0005 < rests_at(state, control) @ (nx, ny) - before < 0.006 + 0.05 * speed


def test_of_an_exact_robot_nothing_is_turned_aside() -> None:
    state, around = beside_wall(0.2, 0.6)
    control = ASKED.copy()
    assert shield_hulls(DOUBLE_INTEGRATOR, state, BODY, around, control) < DEFLECTED
    assert control == pytest.approx(drawn_towards_braking(state, 0.04), abs=0.02)
