"""The bodies of a fleet that are not exact: late, slipping, and measured within their bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.bullet.inexact_host import InexactHost
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds

PERIOD = 1.0 / 60.0
KINDS = np.array([int(kind) for kind in Kind])

pytestmark = pytest.mark.bullet


def host(**errors: float) -> InexactHost:
    return InexactHost(ErrorBounds(**errors), KINDS, PERIOD, seed=1)  # type: ignore[arg-type]


def test_a_command_acts_after_the_dead_time_and_then_by_the_lag() -> None:
    late = host(dead_time=0.05, lag=0.1)
    asked = np.full((3, 2), 0.8)
    executed = np.array([late.executed(asked)[0, 0] for _ in range(40)])
    assert (executed[:3] == 0.0).all()  # three steps of 1/60 s
    times = PERIOD * np.arange(1, 38)
    assert executed[3:] == pytest.approx(0.8 * (1.0 - np.exp(-times / 0.1)))


def test_slip_and_noise_stay_within_their_bounds_and_come_near_them() -> None:
    wrong = host(position=0.02, heading=0.05, velocity=0.1, slip=0.1, sensing=0.03)
    true, asked = np.array([[1.0, 2.0, 0.5, 0.3, 0.1]] * 3), np.ones((3, 2))
    seen = np.array([wrong.measured(0.0, true)[1] - true for _ in range(2000)])
    slips = np.array([wrong.executed(asked) for _ in range(2000)]) - 1.0
    rows = np.array([wrong.sensed(true[:, [0, 1, 3, 4, 4]]) for _ in range(2000)]) - true[:, [0, 1, 3, 4, 4]]
    for part, bound in (
        (np.linalg.norm(seen[..., :2], axis=-1), 0.02), (np.abs(seen[:, int(Kind.UNICYCLE), 2]), 0.05),
        (np.linalg.norm(seen[:, int(Kind.DOUBLE_INTEGRATOR), 3:], axis=-1), 0.1), (np.abs(slips), 0.1),
        (np.linalg.norm(rows[..., :2], axis=-1), 0.03),
    ):  # fmt: skip
        assert part.max() <= bound * (1.0 + 1e-12)
        assert part.max() > 0.8 * bound
    assert (seen[:, int(Kind.SINGLE_INTEGRATOR), 2:] == 0.0).all()


def test_states_are_so_old_that_with_the_way_to_the_driver_they_are_as_declared_and_say_so() -> None:
    old = host(age=0.05 + 2 * PERIOD)
    for k in range(10):
        when, state = old.measured(k * PERIOD, np.full((3, 5), float(k)))
    assert when == pytest.approx(6 * PERIOD)
    assert math.isclose(state[0, 0], 6.0)
