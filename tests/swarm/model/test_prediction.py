"""What a robot counts as unknown of itself covers where it really comes to rest."""

from __future__ import annotations

import math

import numpy as np
import pytest

from swarm.model.actuators import T_ERROR
from swarm.model.body import ERROR, body_of
from swarm.model.dynamics import Kind, Limits, advance, brake, stop_offset
from swarm.model.error_bounds import ErrorBounds
from swarm.sense.own_motion import OwnMotion

DOUBLE, DT = Kind.DOUBLE_INTEGRATOR, 0.05


@pytest.mark.parametrize("wrong", [-0.1, 0.1])
@pytest.mark.parametrize("acceleration", [0.5, 1.0, 4.0])
def test_a_wrong_velocity_counts_for_as_long_as_a_robot_brakes(wrong: float, acceleration: float) -> None:
    """Measured in motion, so that no command says how fast it is; it brakes by what it believes."""
    errors, speed = ErrorBounds(velocity=0.1), 0.9
    body = body_of(DOUBLE, 0.1, Limits(1.0, acceleration), dt=DT, sensing_radius=20.0, errors=errors)
    state, trail = OwnMotion(int(DOUBLE), body, errors).believe(np.array([0.0, 0.0, 0.0, speed, 0.0]), 0.0)
    believed = state[0] + stop_offset(int(DOUBLE), state[3], state[4], acceleration, DT)[0]
    true, control = np.array([0.0, 0.0, 0.0, speed + wrong, 0.0]), np.empty(2)
    while abs(state[3]) > 1e-12:
        brake(int(DOUBLE), state, np.array([1.0, acceleration, math.inf]), DT, control)
        state, true = advance(DOUBLE, state, control, DT), advance(DOUBLE, true, control, DT)
    assert abs(true[0] - believed) <= trail[T_ERROR] <= body[ERROR] * (1.0 + 1e-9)
    assert abs(true[0] - believed) > 0.4 * trail[T_ERROR]
