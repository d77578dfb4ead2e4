"""What a robot knows of its place while it slows down behind actuators that lag."""

from __future__ import annotations

import math

import numpy as np
import pytest

from swarm.model.actuators import move
from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.sense.own_motion import OwnMotion

DT = 0.03


@pytest.mark.parametrize("kind", [Kind.SINGLE_INTEGRATOR, Kind.UNICYCLE])
@pytest.mark.parametrize("slip", [0.05, -0.05])
def test_slip_counts_by_how_fast_it_was_when_it_was_measured(kind: Kind, slip: float) -> None:
    """All commands since then are to stand, and it has slowed down: it still strayed by a share of a longer way."""
    errors, limits = ErrorBounds(age=DT, dead_time=DT, lag=0.05, slip=0.05), Limits(1.0, math.inf, 4.0)
    body = body_of(kind, 0.05, limits, dt=DT, sensing_radius=1.0, errors=errors)
    own, commands = OwnMotion(kind, body, errors), [np.zeros(2)] * 2
    places, drive, worst = [np.zeros(5), np.zeros(5)], np.zeros(2), 0.0
    for period in range(60):  # a command acts in the period after it was decided; what is measured is a period old
        after = np.empty(5)
        move(kind, places[-1], drive, commands[-1], DT, errors.lag, slip, after, drive)
        places.append(after)
        own.believe(places[-3], DT)
        away = math.dist(after[:2], own._body[:2])
        assert away <= own._error + 1e-12
        worst = max(worst, away)
        commands.append(np.array([1.0, 0.0]) if period % 20 < 10 else np.zeros(2))
        own.sent(commands[-1])
    assert worst > 1e-3
