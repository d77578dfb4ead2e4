"""The guarantee for unicycles whose accelerations are finite: nobody ever touches anybody; commands are possible."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.attackers import INSTANTS, around_of, attack, drive, team_path
from oracles.contact import least_gap, ramped_path
from oracles.teams import draw_team

from swarm.filter import barriers, safety
from swarm.filter.hulls.shield import shield_hulls
from swarm.filter.nominal.control import nominal_control
from swarm.filter.tunables import COUNT, decode
from swarm.model.actuators import (
    T_BODY_X,
    T_BODY_Y,
    T_CORNER_X,
    T_CORNER_Y,
    T_SPEED,
    T_TURN_RATE,
    TRAIL,
    advance_ramped,
)
from swarm.model.body import (
    ACCELERATION,
    LOOK_AHEAD,
    RADIUS,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    body_of,
    coast_of,
    full_braking,
)
from swarm.model.dynamics import Kind, Limits

SEEDS = st.integers(0, 2**32 - 1)
TOUCH = -1e-11
UNICYCLE = Kind.UNICYCLE
CART = Limits(1.0, acceleration=0.5, turn_rate=3.0, turn_acceleration=5.0)
DT = 0.05


@pytest.mark.parametrize(("kinds", "share"), [((UNICYCLE,), 1.0), (tuple(Kind), 0.6)], ids=["alone", "mixed"])
@settings(max_examples=30)
@given(seed=SEEDS)
def test_nobody_ever_touches_anybody(kinds: tuple[Kind, ...], share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=kinds, ramped=share, margin=float(rng.choice([0.0, 0.01])))
    least, held = drive(team, rng, steps=80, slots=int(rng.choice([2, 16, 16, 16])))
    assert least >= TOUCH
    assert held > 0 or len(team.kinds) == 1  # or nothing was tested


def test_without_a_shield_they_collide() -> None:
    rng, bad = np.random.default_rng(4), 0
    for _ in range(4):
        team = draw_team(rng, kinds=(UNICYCLE,), ramped=1.0)
        for _ in range(80):
            team.rows()
            controls = [np.nan_to_num(attack(team, i, 0, rng), posinf=0.0, neginf=0.0) for i in range(len(team.kinds))]
            paths = np.array([team_path(team, i, controls[i], team.dt * INSTANTS) for i in range(len(team.kinds))])
            bad += least_gap(paths, team.radii, team.obstacles, team.bounds) < -0.01
            for i, control in enumerate(controls):
                now = team.drive(i)
                team.states[i], now[:] = advance_ramped(team.states[i], now, control, team.dt, team.dt)
    assert bad > 50


@settings(max_examples=40)
@given(seed=SEEDS)
def test_braking_is_always_accepted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=(UNICYCLE,), ramped=1.0)
    drive(team, rng, steps=12, slots=16)  # into the middle of trouble
    rows = team.rows()
    for i in range(len(team.kinds)):
        around = team.sense(i, rows, 16)
        asked = full_braking(UNICYCLE, team.states[i], team.bodies[i], team.drive(i))
        for control in (asked.copy(), np.array([math.nan, 0.0])):
            team.shield(i, around, control)
            assert control == pytest.approx(asked, abs=1e-12)


def cart(x: float = 0.0, speed: float = 0.0, turn_rate: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State, body and trail of a cart at (x, 0) that looks to the right."""
    body = body_of(UNICYCLE, 0.1, CART, dt=DT, sensing_radius=6.0)
    state, trail = np.array([x, 0.0, 0.0, speed, 0.0]), np.zeros(TRAIL)
    trail[T_SPEED], trail[T_TURN_RATE] = speed, turn_rate
    coast_of(state, body, trail)
    return state, body, trail


@pytest.mark.parametrize("gap", [1e-6, 0.01, 0.4])
@pytest.mark.parametrize("bounds", [False, True])
def test_a_wall_is_approached_to_nearly_the_last_of_the_gap(gap: float, bounds: bool) -> None:
    """A robot straight ahead of a wall, at full throttle; what is left is what a period's resolution makes."""
    wall = [] if bounds else [[0.6 + gap, 0.0, 0.5, 2.0, 0.0]]  # its face is ``gap`` from the robot's hull
    limits = (-9.0, -9.0, gap if bounds else 9.0, 9.0)
    state, body, trail = cart()
    for _ in range(200):
        around = around_of(state, obstacles=wall, bounds=limits)._replace(trail=trail)
        control = np.array([min(trail[T_SPEED] + 0.5 * DT, 1.0), 0.0])
        shield_hulls(UNICYCLE, state, body, around, control)
        state, _ = advance_ramped(state, trail[[T_SPEED, T_TURN_RATE]], control, DT, DT)
        trail[T_SPEED], trail[T_TURN_RATE] = control
        coast_of(state, body, trail)
        assert state[0] <= gap
    assert state[0] >= 0.9 * gap


def test_it_turns_on_the_spot_and_drives_off_where_it_touches_a_wall() -> None:
    state, body, trail = cart()
    wall = [[0.6, 0.0, 0.5, 2.0, 0.0]]  # touches it
    for k in range(60):
        around = around_of(state, obstacles=wall)._replace(trail=trail)
        wish = math.pi - abs(state[2])
        control = np.array([0.0, min(trail[T_TURN_RATE] + 5.0 * DT, 2.0)])
        if wish < 0.2 or k > 40:
            control = np.array([min(trail[T_SPEED] + 0.4 * DT, 0.5), max(trail[T_TURN_RATE] - 5.0 * DT, 0.0)])
        shield_hulls(UNICYCLE, state, body, around, control)
        state, _ = advance_ramped(state, trail[[T_SPEED, T_TURN_RATE]], control, DT, DT)
        trail[T_SPEED], trail[T_TURN_RATE] = control
        coast_of(state, body, trail)
        assert state[0] <= 1e-12
    assert state[0] < -0.03


@settings(max_examples=60)
@given(seed=SEEDS)
def test_the_box_is_what_can_be_reached_in_a_period(seed: int) -> None:
    rng = np.random.default_rng(seed)
    speed = rng.uniform(-1.2, 1.2)
    turn_rate = rng.uniform(-1.0, 1.0) * min(3.0, 4.0 / (abs(speed) / 0.5 + DT))
    state, body, trail = cart(speed=speed, turn_rate=turn_rate)
    box = np.empty((2, 2))
    barriers.control_box(UNICYCLE, state, body, trail, box)
    low, high = box / [1.0, body[LOOK_AHEAD]]
    assert (low <= high).all()
    change = body[[ACCELERATION, TURN_ACCELERATION]] * DT * (1.0 + 1e-9)
    now = np.array([speed, turn_rate])
    assert (low >= now - change).all()
    assert (high <= now + change).all()
    brakes = full_braking(UNICYCLE, state, body, now)
    assert (np.abs(np.clip(brakes, low, high)) <= np.abs(brakes) + change).all()
    if abs(speed) <= body[TOP_SPEED]:
        assert np.abs([low[0], high[0]]).max() <= body[TOP_SPEED] + 1e-12
    assert np.abs([low[1], high[1]]).max() <= body[TURN_RATE] + 1e-12


def test_rows_make_it_slow_down_before_a_wall_in_time() -> None:
    """Under the filter it comes to rest before a wall with hardly a call on the shield."""
    state, body, trail = cart()
    wall, tunables, braked = np.array([[3.6, 0.0, 0.5, 2.0, 0.0]]), decode(np.full(COUNT, 0.5)), 0
    nominal, control, scratch = np.empty(2), np.empty(2), safety.scratch(8)
    for _ in range(300):
        around = around_of(state, obstacles=wall)._replace(trail=trail)
        nominal_control(UNICYCLE, state, body, np.array([9.0, 0.0]), 9.0, tunables, nominal)
        outcome, _ = safety.filter_control(UNICYCLE, state, body, around, nominal, tunables, scratch, control)
        braked += outcome == safety.BRAKING
        state, _ = advance_ramped(state, trail[[T_SPEED, T_TURN_RATE]], control, DT, DT)
        trail[T_SPEED], trail[T_TURN_RATE] = control
        coast_of(state, body, trail)
    assert braked <= 3
    assert 2.0 < state[0] <= 3.1 - body[RADIUS] + 1e-12
    assert trail[T_SPEED] == pytest.approx(0.0, abs=0.05)


@settings(max_examples=400)
@given(seed=SEEDS, slow=st.booleans())
def test_the_path_stays_where_the_hull_touches_the_bounds(seed: int, slow: bool) -> None:
    """Bounds that touch the hull on one side or more; any control that can be reached; looked at between samples."""
    rng = np.random.default_rng(seed)
    body = body_of(UNICYCLE, 0.1, Limits(2.0, 2.0, 4.0, 10.0), dt=0.1, sensing_radius=20.0)
    speed = rng.uniform(-1.0, 1.0) * (0.2 if slow else 2.0)  # slow: a period is enough to stop
    drive_now = np.array([speed, rng.uniform(-1.0, 1.0) * (1.0 if slow else 4.0 / (abs(speed) / 2.0 + 1.0))])
    state, trail = np.array([0.0, 0.0, rng.uniform(-math.pi, math.pi), 0.0, 0.0]), np.zeros(TRAIL)
    trail[T_SPEED : T_TURN_RATE + 1] = drive_now
    coast_of(state, body, trail)
    hull = np.array([[0.0, 0.0], trail[[T_BODY_X, T_BODY_Y]], trail[[T_CORNER_X, T_CORNER_Y]]])
    gaps = rng.choice([0.0, 1e-7, 1e-4, 1e-2, 1.0], 4)
    bounds = np.concatenate([hull.min(axis=0) - gaps[:2], hull.max(axis=0) + gaps[2:]])
    box = np.empty((2, 2))
    barriers.control_box(UNICYCLE, state, body, trail, box)
    low, high = box / [1.0, body[LOOK_AHEAD]]
    control = np.where(rng.random(2) < 0.5, rng.choice([low, high]), rng.uniform(low, high))
    shield_hulls(UNICYCLE, state, body, around_of(state, bounds=bounds)._replace(trail=trail), control)
    path = ramped_path(state, drive_now, control, 0.1, 0.1 * np.linspace(0.02, 1.0, 50))
    assert min((path - bounds[:2]).min(), (bounds[2:] - path).min()) >= -1e-13


def test_a_command_with_too_sharp_a_way_to_rest_is_drawn_back() -> None:
    state, body, trail = cart(speed=0.9, turn_rate=2.0)
    control = np.array([0.92, 2.2])  # which its accelerations allow
    assert shield_hulls(UNICYCLE, state, body, around_of(state)._replace(trail=trail), control) < 1.0
    assert control[0] / 0.5 * control[1] / 2.0 <= 2.0
