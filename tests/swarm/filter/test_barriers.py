"""The rows: their normals against finite differences through the dynamics, their right-hand sides against plain Python.

A row ``g . u <= b`` bounds how fast a gap closes, so its normal is minus the derivative of the gap's rate with respect
to the variables of the QP. It is checked on the gap itself: a short time tau after now, the derivative of the gap is
tau times that of its rate (tau^2 / 2 where the control is an acceleration).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.attackers import around_of
from oracles.contact import surface_distance
from oracles.teams import limits_of

from swarm.filter import barriers
from swarm.filter.tunables import COUNT, decode
from swarm.model.actuators import TRAIL
from swarm.model.body import ACCELERATION, LOOK_AHEAD, PERIOD, RADIUS, SENSING, TOP_SPEED, TURN_RATE, body_of
from swarm.model.dynamics import Kind, advance
from swarm.sense.neighbours import NEIGHBOUR, describe

SEEDS = st.integers(0, 2**32 - 1)
KINDS = tuple(Kind)
SINGLE, DOUBLE, UNICYCLE = KINDS
LIMITS = (1.0, 2.0, 4.0)
NOWHERE = np.array([-math.inf, -math.inf, math.inf, math.inf])
TAU = 1e-4


def state_of(rng: np.random.Generator, kind: Kind) -> np.ndarray:
    heading, velocity = rng.uniform(-math.pi, math.pi), rng.uniform(-1, 1, 2)
    if kind == UNICYCLE:
        velocity = velocity[0] * np.array([math.cos(heading), math.sin(heading)])
    return np.array([*rng.uniform(-0.2, 0.2, 2), heading, *velocity])


def make(rng: np.random.Generator, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """State and body of a robot."""
    margin = float(rng.choice([0.0, 0.02]))
    return state_of(rng, kind), body_of(kind, 0.1, limits_of(kind, *LIMITS), dt=0.05, sensing_radius=2.0, margin=margin)


def build(
    kind: Kind, state: np.ndarray, body: np.ndarray, tunables: np.ndarray, *, neighbours: np.ndarray | None = None,
    obstacles: np.ndarray | None = None, bounds: np.ndarray = NOWHERE,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    around = around_of(state, neighbours=neighbours, obstacles=obstacles, bounds=bounds)
    size = around.num_neighbours + around.num_obstacles + 4
    rows, rhs = np.empty((size, 2)), np.empty(size)
    count = barriers.build(int(kind), state, body, around, tunables, rows, rhs)
    return rows[:count], rhs[:count]


def point_of(kind: Kind, state: np.ndarray, body: np.ndarray) -> np.ndarray:
    """The point that the gap is measured from."""
    ahead = body[LOOK_AHEAD] if kind == UNICYCLE else 0.0
    return state[:2] + ahead * np.array([math.cos(state[2]), math.sin(state[2])])


def slope(kind: Kind, state: np.ndarray, body: np.ndarray, gap: Callable[[np.ndarray], float]) -> np.ndarray:
    """Derivative of the rate of ``gap`` (of the control point) with respect to the variables of the QP."""
    derivative = np.empty(2)
    for axis in range(2):
        after = []
        for sign in (1.0, -1.0):
            control = np.zeros(2)
            control[axis] = sign
            if kind == UNICYCLE:
                control[1] /= body[LOOK_AHEAD]
            after.append(gap(point_of(kind, advance(kind, state, control, TAU), body)))
        derivative[axis] = (after[0] - after[1]) / 2.0
    return derivative / (0.5 * TAU**2 if kind == DOUBLE else TAU)


def phi(gap: float, rate: float, gain: float, power: float, body: np.ndarray, kind: Kind, partners: float) -> float:
    """The bound on the closing speed, as the module's docstring states it."""
    dt = body[PERIOD]
    class_k = gain * gap**power if gap > 0.0 else gain * gap
    if kind != DOUBLE:
        return min(class_k, gap / dt) if gap > 0.0 else class_k
    brakes, left = barriers.BRAKE_SHARE * partners * body[ACCELERATION], gap - 0.5 * dt * max(0.0, -rate)
    if left <= 0.0:
        return min(gain * left, 0.0)
    # The speed c that one period and then braking stop within what is left: c dt + c^2 / (2 A) = left.
    shed = (-dt + math.sqrt(dt * dt + 2.0 * left / brakes)) * brakes
    assert shed * dt + shed**2 / (2.0 * brakes) == pytest.approx(left)
    return min(class_k, shed)


def limit(gap: float, rate: float, gain: float, power: float, body: np.ndarray, kind: Kind, *, shared: bool) -> float:
    """The right-hand side."""
    share, partners = (0.5, 2.0) if shared else (1.0, 1.0)
    bound = phi(gap, rate, gain, power, body, kind, partners)
    return share * (bound if kind != DOUBLE else (bound + rate) / body[PERIOD])


def own_size(kind: Kind, body: np.ndarray) -> float:
    extra = barriers.ROW_MARGIN_BRAKING if kind == DOUBLE else barriers.ROW_MARGIN
    return body[RADIUS] * (1.0 + extra) + (body[LOOK_AHEAD] if kind == UNICYCLE else 0.0)


def away(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0.0, math.tau)
    return rng.uniform(0.15, 1.2) * np.array([math.cos(angle), math.sin(angle)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other_kind", KINDS)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_robots(kind: Kind, other_kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    (state, body), tunables = make(rng, kind), decode(rng.random(COUNT))
    other, other_body = make(rng, other_kind)
    other[:2] = state[:2] + away(rng)
    row = np.empty(NEIGHBOUR)
    describe(int(other_kind), other, other_body, np.zeros(2), 0.5, 0.5, 1, row)
    rows, rhs = build(kind, state, body, tunables, neighbours=row[None])
    there, here = point_of(other_kind, other, other_body), point_of(kind, state, body)
    assert len(rows) == 1
    assert rows[0] == pytest.approx(-slope(kind, state, body, lambda p: math.dist(p, there)), abs=2e-3)
    assert np.linalg.norm(rows[0]) == pytest.approx(1.0)
    normal = (here - there) / math.dist(here, there)
    other_size = 0.1 + (other_body[LOOK_AHEAD] if other_kind == UNICYCLE else 0.0)
    gap = math.dist(here, there) - own_size(kind, body) - other_size - 2.0 * body[7]
    rate = float(normal @ (state[3:] - other[3:]))
    assert rhs[0] == pytest.approx(limit(gap, rate, tunables[0], tunables[1], body, kind, shared=True), abs=1e-9)


def shapes(rng: np.random.Generator, centre: np.ndarray) -> dict[str, np.ndarray]:
    a, b, r = rng.uniform(0.05, 0.4, 3)
    return {"box": np.array([*centre, a, b, 0.0]), "circle": np.array([*centre, 0, 0, r]),
            "rounded box": np.array([*centre, a, b, r])}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", ["box", "circle", "rounded box"])
@settings(max_examples=25)
@given(seed=SEEDS)
def test_obstacles(kind: Kind, shape: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    (state, body), tunables = make(rng, kind), decode(rng.random(COUNT))
    obstacle = shapes(rng, state[:2] + 2.0 * away(rng))[shape]
    here = point_of(kind, state, body)
    distance = float(surface_distance(here, obstacle))
    if distance + obstacle[4] < 0.02:
        return  # inside the core the gap has corners
    rows, rhs = build(kind, state, body, tunables, obstacles=obstacle[None])
    normal = -slope(kind, state, body, lambda p: float(surface_distance(p, obstacle)))
    assert rows[0] == pytest.approx(normal, abs=5e-3)
    assert np.linalg.norm(rows[0]) == pytest.approx(1.0)
    step = 1e-6 * np.eye(2)
    gradient = [(surface_distance(here + e, obstacle) - surface_distance(here - e, obstacle)) / 2e-6 for e in step]
    gap, rate = distance - own_size(kind, body) - body[7], float(np.dot(gradient, state[3:]))
    expected = limit(gap, rate, tunables[2], tunables[3], body, kind, shared=False)
    assert rhs[0] == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_bounds(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    (state, body), tunables = make(rng, kind), decode(rng.random(COUNT))
    bounds = np.array([-0.4, -0.5, 0.6, 9.0])  # the fourth is out of sight
    rows, rhs = build(kind, state, body, tunables, bounds=bounds)
    here = point_of(kind, state, body)
    gaps = [lambda p: p[0] + 0.4, lambda p: p[1] + 0.5, lambda p: 0.6 - p[0]]
    assert len(rows) == 3
    for row, b, gap_of, velocity in zip(rows, rhs, gaps, [state[3], state[4], -state[3]], strict=True):
        assert row == pytest.approx(-slope(kind, state, body, gap_of), abs=2e-3)
        gap = gap_of(here) - own_size(kind, body) + body[RADIUS]  # centres stay inside
        assert b == pytest.approx(limit(gap, velocity, tunables[2], tunables[3], body, kind, shared=False), abs=1e-9)


def test_order_and_number_of_rows() -> None:
    rng = np.random.default_rng(0)
    state, body = make(rng, SINGLE)
    near = np.zeros((2, NEIGHBOUR))
    near[:, :2], near[:, 4] = [[1, 0], [0, 1]], 0.1
    things = np.array([[-1.0, 0, 0, 0, 0.1]])
    state[:2] = 0.0
    rows, _ = build(SINGLE, state, body, decode(np.full(COUNT, 0.5)), neighbours=near, obstacles=things,
                    bounds=np.array([-1.0, -1.0, 1.0, 1.0]))  # fmt: skip
    towards = [[1, 0], [0, 1], [-1, 0], [-1, 0], [0, -1], [1, 0], [0, 1]]
    assert rows.tolist() == towards
    assert len(build(SINGLE, state, body, decode(np.full(COUNT, 0.5)))[0]) == 0


def test_robots_in_one_place_get_a_row_all_the_same() -> None:
    state, body = np.zeros(5), body_of(SINGLE, 0.1, limits_of(SINGLE, *LIMITS), dt=0.05, sensing_radius=2.0)
    rows, rhs = build(SINGLE, state, body, decode(np.full(COUNT, 0.5)), neighbours=np.zeros((1, NEIGHBOUR)))
    assert np.isfinite(rows).all()
    assert rhs[0] < 0.0


@settings(max_examples=100)
@given(gap=st.floats(-1.0, 3.0), gain=st.floats(0.2, 20.0), power=st.floats(1.0, 3.0))
def test_class_k(gap: float, gain: float, power: float) -> None:
    value = barriers.class_k(gap, gain, power)
    assert value == pytest.approx(gain * gap**power if gap > 0 else gain * gap)
    assert barriers.class_k(gap + 0.1, gain, power) > value  # strictly increasing
    assert barriers.class_k(0.0, gain, power) == 0.0
    assert barriers.approach_speed(gap, gain, power, 0.05) * 0.05 <= max(gap, 0.0) + 1e-12


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50)
@given(seed=SEEDS)
def test_the_box_is_what_the_actuators_can_do(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state, body = make(rng, kind)
    state[3:] *= body[TOP_SPEED] * rng.choice([1.0, 1.3], 2)  # also faster than allowed
    box = np.empty((2, 2))
    barriers.control_box(int(kind), state, body, np.zeros(TRAIL), box)
    assert (box[0] <= box[1]).all()
    if kind == DOUBLE:
        assert np.abs(box).max() <= body[ACCELERATION]
        after = state[3:] + box * body[PERIOD]
        slow = np.abs(state[3:]) <= body[TOP_SPEED]
        assert (np.abs(after)[:, slow] <= body[TOP_SPEED] + 1e-12).all()
        assert (np.abs(after) <= np.maximum(np.abs(state[3:]), body[TOP_SPEED]) + 1e-12).all()
        assert ((box[1] == body[ACCELERATION]) | (after[1] >= body[TOP_SPEED] - 1e-12)).all()  # nothing given away
    else:
        second = body[LOOK_AHEAD] * body[TURN_RATE] if kind == UNICYCLE else body[TOP_SPEED]
        assert box.tolist() == [[-body[TOP_SPEED], -second], [body[TOP_SPEED], second]]
    assert body[SENSING] == 2.0
