"""The nominal control: towards the waypoint, turned and slowed as asked, and at rest where the path ends."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.teams import limits_of

from swarm.filter.nominal.control import nominal_control, turn_towards
from swarm.filter.tunables import ROTATION, SPEED
from swarm.model.body import ACCELERATION, LOOK_AHEAD, RADIUS, TOP_SPEED, TURN_RATE, body_of
from swarm.model.dynamics import Kind, advance

SEEDS = st.integers(0, 2**32 - 1)
SINGLE, DOUBLE, UNICYCLE = Kind
DT = 0.05
STATE = np.array([1.0, 2.0, 0.7, 0.0, 0.0])


def body(kind: Kind) -> np.ndarray:
    return body_of(kind, 0.1, limits_of(kind, 1.0, 2.0, 4.0), dt=DT, sensing_radius=2.0)


def nominal(
    kind: Kind, state: np.ndarray, waypoint: np.ndarray, *, remaining: float = 9.0, rotation: float = 0.0,
    speed: float = 1.0,
) -> np.ndarray:  # fmt: skip
    tunables, out = np.ones(6), np.empty(2)
    tunables[ROTATION], tunables[SPEED] = rotation, speed
    nominal_control(int(kind), state, body(kind), np.asarray(waypoint, dtype=float), remaining, tunables, out)
    return out


def towards(angle: float) -> np.ndarray:
    return np.array([math.cos(angle), math.sin(angle)])


@settings(max_examples=50)
@given(angle=st.floats(-3.1, 3.1), rotation=st.floats(-1.8, 1.8), speed=st.floats(0.1, 1.0))
def test_a_single_integrator_drives_there_turned_and_slowed(angle: float, rotation: float, speed: float) -> None:
    way = np.array([math.cos(angle), math.sin(angle)])
    velocity = nominal(SINGLE, STATE, STATE[:2] + 3.0 * way, rotation=rotation, speed=speed)
    turned = [math.cos(angle + rotation), math.sin(angle + rotation)]
    assert velocity == pytest.approx(speed * np.array(turned), abs=1e-9)


@settings(max_examples=50)
@given(angle=st.floats(-3.1, 3.1), rotation=st.floats(-1.8, 1.8), speed=st.floats(0.1, 1.0))
def test_a_double_integrator_pushes_towards_that_velocity(angle: float, rotation: float, speed: float) -> None:
    state = np.array([1.0, 2.0, 0.0, 0.3, -0.4])
    push = nominal(DOUBLE, state, state[:2] + towards(angle), rotation=rotation, speed=speed)
    wanted = speed * np.array([math.cos(angle + rotation), math.sin(angle + rotation)])
    error = wanted - state[3:]
    assert push @ error > 0.0
    assert abs(push[0] * error[1] - push[1] * error[0]) < 1e-9  # straight at it
    assert np.linalg.norm(push) * DT <= np.linalg.norm(error) + 1e-12  # and not past it


@pytest.mark.parametrize("offset", [-2.5, -1.0, -0.2, 0.2, 1.0, 2.5])
def test_a_unicycle_turns_the_shorter_way_and_waits_until_it_faces_the_goal(offset: float) -> None:
    course = STATE[2] + offset
    u = nominal(UNICYCLE, STATE, STATE[:2] + towards(course))
    limit = body(UNICYCLE)[TURN_RATE] * body(UNICYCLE)[LOOK_AHEAD]
    assert math.copysign(1.0, u[1]) == math.copysign(1.0, offset)
    assert abs(u[1]) <= limit
    assert 0.0 <= u[0] <= body(UNICYCLE)[TOP_SPEED]
    assert (u[0] == 0.0) == (abs(offset) > math.pi / 2)
    turned = nominal(UNICYCLE, STATE, STATE[:2] + towards(course), rotation=-offset)
    assert turned == pytest.approx([1.0, 0.0], abs=1e-9)


@pytest.mark.parametrize("kind", list(Kind))
def test_arrives_and_stays(kind: Kind) -> None:
    """Alone, clipped to the limits, it comes to rest at its goal and passes it by a third of its radius at most."""
    state, goal = STATE.copy(), np.array([2.3, 2.9])
    way = (goal - state[:2]) / np.linalg.norm(goal - state[:2])
    for _ in range(120):
        u = nominal(kind, state, goal, remaining=float(np.linalg.norm(goal - state[:2])))
        if kind == UNICYCLE:
            u[1] /= body(kind)[LOOK_AHEAD]
        limit = body(kind)[ACCELERATION] if kind == DOUBLE else 4.0
        state = advance(kind, state, np.clip(u, -limit, limit), DT)
        assert (state[:2] - goal) @ way < 0.03
    assert np.linalg.norm(state[:2] - goal) < 0.02
    assert np.linalg.norm(state[3:]) < 0.02


@pytest.mark.parametrize("kind", list(Kind))
def test_at_the_waypoint_it_stands(kind: Kind) -> None:
    assert nominal(kind, STATE, STATE[:2]).tolist() == [0.0, 0.0]
    assert nominal(kind, STATE, STATE[:2] + 1.0, remaining=0.0) == pytest.approx([0.0, 0.0])


def plainly(
    kind: Kind, state: np.ndarray, waypoint: np.ndarray, remaining: float, rotation: float, share: float
) -> complex:
    """The nominal control in complex numbers: speeds that still let it stop, errors gone in some periods."""
    limits, way = body(kind), complex(*(waypoint - state[:2]))
    speed = min(share * limits[TOP_SPEED], remaining / DT)
    if kind == DOUBLE:  # 70 % of the brakes, and two periods to lose the last of the speed
        speed = min(speed, math.sqrt(2.0 * 0.7 * limits[ACCELERATION] * remaining), remaining / (2.0 * DT))
    course = cmath.exp(1j * rotation) * way / abs(way)
    if kind == SINGLE:
        return speed * course
    if kind == DOUBLE:
        return (speed * course - complex(*state[3:])) / (2.0 * DT)
    error = cmath.phase(course * cmath.exp(-1j * state[2]))
    turn = math.copysign(min(abs(error) / (4.0 * DT), limits[TURN_RATE]), error)
    return complex(speed * max(0.0, math.cos(error)) ** 2, limits[LOOK_AHEAD] * turn if speed > 0.0 else 0.0)


@pytest.mark.parametrize("kind", list(Kind))
@settings(max_examples=100)
@given(seed=SEEDS)
def test_is_what_it_says(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = rng.uniform(-2.0, 2.0, 5)
    waypoint, remaining = state[:2] + rng.uniform(-1.0, 1.0, 2), float(rng.choice([0.0, 0.02, 0.1, 0.3, 1.0, 9.0]))
    rotation, speed = rng.uniform(-2.3, 2.3), rng.uniform(0.1, 1.0)
    found = nominal(kind, state, waypoint, remaining=remaining, rotation=rotation, speed=speed)
    assert complex(*found) == pytest.approx(plainly(kind, state, waypoint, remaining, rotation, speed), abs=1e-9)


def test_not_faster_than_what_remains_allows() -> None:
    assert np.linalg.norm(nominal(SINGLE, STATE, np.array([9.0, 9.0]), remaining=0.02)) == pytest.approx(0.02 / DT)
    state = np.zeros(5)
    for remaining in (0.01, 0.1, 0.3):
        push = nominal(DOUBLE, state, np.array([9.0, 0.0]), remaining=remaining)
        speed = push[0] * 2.0 * DT  # the velocity that it asks for, two periods ahead
        assert speed <= math.sqrt(2.0 * 2.0 * remaining)


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("off", [0.0, 0.4, 1.2, 2.4, 3.1])
def test_a_unicycle_turns_towards_a_velocity_before_it_drives(side: float, off: float) -> None:
    unicycle, heading = body(UNICYCLE), STATE[2]
    way = np.array([math.cos(heading + side * off), math.sin(heading + side * off)])
    wanted = unicycle[TOP_SPEED] * way
    turn_towards(STATE, unicycle, STATE[:2] + 9.0 * way, wanted)
    assert wanted[0] == pytest.approx(unicycle[TOP_SPEED] * max(0.0, math.cos(off)) ** 6, rel=1e-6)
    assert wanted[1] * side > 0.0 or off == 0.0


def test_a_unicycle_that_turns_a_corner_hardly_leaves_its_line() -> None:
    unicycle, state = body(UNICYCLE), np.zeros(5)
    for _ in range(200):
        wanted = np.array([0.0, unicycle[TOP_SPEED]])
        turn_towards(state, unicycle, np.array([0.0, 9.0]), wanted)
        state[:2] += DT * wanted[0] * np.array([math.cos(state[2]), math.sin(state[2])])
        state[2] += DT * wanted[1] / unicycle[LOOK_AHEAD]
    assert state[1] > 1.0 and abs(state[2] - 0.5 * math.pi) < 0.1
    assert 0.0 <= state[0] < 0.9 * unicycle[RADIUS]


def test_a_unicycle_that_has_to_turn_back_turns_to_the_side_of_its_waypoint() -> None:
    unicycle = body(UNICYCLE)
    for angle in (2.6, -2.6):  # what others leave it changes sides, and the waypoint does not
        way = np.array([math.cos(STATE[2] + angle), math.sin(STATE[2] + angle)])
        wanted, waypoint = way.copy(), STATE[:2] + np.array([-2.0, 0.5])
        turn_towards(STATE, unicycle, waypoint, wanted)
        assert wanted[1] > 0.0
