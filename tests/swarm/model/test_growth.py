"""How far a stop hull gets from what was told: an adversary drives, and never gets beyond what grows in its periods."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.convex import outside
from oracles.polygons import random_polygon
from oracles.teams import draw_ramped_limits

from swarm.filter.barriers import control_box
from swarm.filter.hulls.geometry import MOST, own_hull
from swarm.model.actuators import T_SPEED, T_TURN_RATE, TRAIL, move, ramp
from swarm.model.body import ACCELERATION, GROWTH, LOOK_AHEAD, STRAY, TOP_SPEED, body_of, is_second_order
from swarm.model.dynamics import SHARPEST, Kind, Limits, coast_periods, stop_offset
from swarm.model.error_bounds import ErrorBounds
from swarm.model.footprint.polygon import reach
from swarm.model.second_order import ahead_of
from swarm.model.shapes import shape_size, stop_shape

SEEDS = st.integers(0, 2**32 - 1)
DT = 0.05


class Driven:
    """A body that is driven, and slips, as somebody says."""

    def __init__(
        self, kind: Kind, limits: Limits, errors: ErrorBounds, rng: np.random.Generator,
        footprint: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.kind, self.limits, self.errors, self.footprint = kind, limits, errors, footprint
        radius = 0.2 if footprint is None else reach(footprint)
        self.body = body_of(kind, radius, limits, dt=DT, sensing_radius=30.0, errors=errors, footprint=footprint)
        self.second = is_second_order(self.body)
        self.state, self.drive = np.zeros(5), np.zeros(2)
        top = float(self.body[TOP_SPEED])
        if kind == Kind.DOUBLE_INTEGRATOR:
            # The filter bounds the speed that runs ahead of a lag.
            self.state[3:] = rng.uniform(-1.0, 1.0, 2) * max(top - limits.acceleration * errors.lag, 0.0)
        elif self.second:
            self.drive[0] = top * rng.choice([rng.uniform(-1.0, 1.0), 1.0])
            sharp = 2.0 * SHARPEST / (abs(self.drive[0]) / limits.acceleration + 2.0 * DT)
            self.drive[1] = min(limits.turn_rate, sharp) * rng.choice([rng.uniform(-1.0, 1.0), 1.0])
            self.state[3] = self.drive[0]

    def seen(self) -> tuple[np.ndarray, float]:
        """The corners of the stop hull, and by how much slip and heading may move the way to rest."""
        found, trail, hull = np.empty(5), np.zeros(TRAIL), np.empty((MOST, 2))
        ahead_of(self.kind, self.body, self.state, self.drive, self.errors.lag, found, trail)
        push = float(self.body[ACCELERATION])
        many = own_hull(self.kind, found, push, DT, trail, hull)
        if self.second:
            most = coast_periods(self.drive[0], self.drive[1], push, self.limits.turn_acceleration, DT)
            way = 0.5 * abs(self.drive[0]) * DT * most
        elif self.kind == Kind.DOUBLE_INTEGRATOR:
            way = self.errors.lag * math.hypot(*self.state[3:])
            way += math.hypot(*stop_offset(self.kind, found[3], found[4], push, DT))
        else:
            way = self.errors.lag * (abs(self.drive[0]) if self.kind == Kind.UNICYCLE else math.hypot(*self.drive))
        if self.footprint is not None:
            shape = np.empty((shape_size(len(self.footprint)), 2))
            stop_shape(self.kind, found, self.body, trail, self.footprint, shape)
            hull, many = shape[1:], int(shape[0, 0])
        return hull[:many].copy(), float(self.body[STRAY]) * way

    def choices(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Controls that the filter may choose: the corners of the box, and some inside."""
        found, trail, box = np.empty(5), np.zeros(TRAIL), np.empty((2, 2))
        ahead_of(self.kind, self.body, self.state, self.drive, self.errors.lag, found, trail)
        if self.second:
            trail[T_SPEED], trail[T_TURN_RATE] = self.drive
        control_box(self.kind, found, self.body, trail, box)
        if self.kind == Kind.UNICYCLE:
            box[:, 1] /= self.body[LOOK_AHEAD]
        corners = [np.array([x, y]) for x in box[:, 0] for y in box[:, 1]]
        return corners + [rng.uniform(box[0], box[1]) for _ in range(4)]

    def go(self, control: np.ndarray, slip: float) -> None:
        """Drive for a period."""
        if self.second:
            ramp(self.state, self.drive, control, DT, DT, slip, self.state, self.drive)
        else:
            move(self.kind, self.state, self.drive, control, DT, self.errors.lag, slip, self.state, self.drive)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two hulls are from being one [m]."""
    return max(max(outside(p, other) for p in one), max(outside(p, one) for p in other))


def strayed(robot: Driven, periods: int, rng: np.random.Generator) -> list[float]:
    """After each period, by which share of what may have grown the robot has strayed from what it told at first."""
    told, known = robot.seen()
    shares = []
    for n in range(1, periods + 1):
        best, then = -math.inf, (robot.state, robot.drive)
        begin = robot.state.copy(), robot.drive.copy()
        for control in robot.choices(rng):
            for slip in {robot.errors.slip, -robot.errors.slip}:
                robot.state, robot.drive = begin[0].copy(), begin[1].copy()
                robot.go(control, slip)
                hull, swayed = robot.seen()
                if (found := apart(hull, told) + swayed - known) > best:
                    best, then = found, (robot.state, robot.drive)
        robot.state, robot.drive = then
        shares.append(best / (n * float(robot.body[GROWTH])))
    return shares


@pytest.mark.parametrize("polygon", [False, True])
@settings(max_examples=50)
@given(seed=SEEDS)
def test_an_adversary_of_second_order_stays_within_what_grows(polygon: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = ErrorBounds(slip=rng.choice([0.0, 0.2]), heading=rng.choice([0.0, 0.1]))
    footprint = random_polygon(rng, rng.uniform(0.1, 0.6)) if polygon else None
    robot = Driven(Kind.UNICYCLE, draw_ramped_limits(rng, DT), errors, rng, footprint)
    assert max(strayed(robot, 5, rng)) <= 1.0 + 1e-9


@pytest.mark.parametrize("polygon", [False, True])
@settings(max_examples=50)
@given(seed=SEEDS, kind=st.sampled_from(list(Kind)))
def test_an_adversary_that_slips_and_lags_stays_within_what_grows(polygon: bool, seed: int, kind: Kind) -> None:
    rng = np.random.default_rng(seed)
    errors = ErrorBounds(slip=rng.choice([0.1, 0.3]), lag=rng.choice([0.0, 0.02, 0.15]))
    footprint, slow = random_polygon(rng, 0.4) if polygon else None, 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf
    robot = Driven(kind, Limits(1.0, slow, 4.0), errors, rng, footprint)
    assert max(strayed(robot, 5, rng)) <= 1.0 + 1e-9


@pytest.mark.parametrize("limits", [Limits(1.0, 1.0, 2.0, 4.0), Limits(0.5, 2.0, 4.0, 8.0), Limits(1.0, 0.3, 0.3, 1.0)])
@pytest.mark.parametrize("slip", [0.0, 0.3])
def test_what_grows_of_second_order_is_nearly_reached(limits: Limits, slip: float) -> None:
    rng = np.random.default_rng(0)
    found = max(strayed(Driven(Kind.UNICYCLE, limits, ErrorBounds(slip=slip), rng), 1, rng)[0] for _ in range(100))
    assert found > 0.7


def test_what_slips_grows_by_that_share_of_its_way() -> None:
    for kind, slow in ((Kind.SINGLE_INTEGRATOR, math.inf), (Kind.DOUBLE_INTEGRATOR, 2.0), (Kind.UNICYCLE, math.inf)):
        exact, slips = (
            body_of(kind, 0.2, Limits(1.0, slow, 4.0), dt=DT, sensing_radius=9.0, errors=errors)[GROWTH]
            for errors in (ErrorBounds(), ErrorBounds(slip=0.2))
        )
        way = DT * (1.0 if kind == Kind.UNICYCLE else math.sqrt(2.0))
        assert slips >= exact + 0.2 * way - 1e-12
