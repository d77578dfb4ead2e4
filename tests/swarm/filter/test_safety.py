"""The guarantee: whatever controls come in, nobody ever touches anybody, at no instant, within the limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.attackers import INSTANTS, alone, around_of, attack, drive, shielded
from oracles.contact import least_gap, path
from oracles.teams import Team, draw_team

from swarm.filter import safety
from swarm.filter.tunables import COUNT, decode
from swarm.model.body import ACCELERATION, LOOK_AHEAD, TOP_SPEED, TURN_RATE, body_of
from swarm.model.dynamics import Kind, Limits, advance, brake

SEEDS = st.integers(0, 2**32 - 1)
KINDS = tuple(Kind)
# Rounding, in metres, of a run of a hundred steps.
TOUCH = -1e-11
SINGLE, DOUBLE, UNICYCLE = KINDS


@pytest.mark.parametrize("kinds", [(SINGLE,), (DOUBLE,), (UNICYCLE,), KINDS], ids=["single", "double", "uni", "mixed"])
@settings(max_examples=12)
@given(seed=SEEDS)
def test_nobody_ever_touches_anybody(kinds: tuple[Kind, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=kinds)
    least, held = drive(team, rng, steps=50, slots=16)
    assert least >= TOUCH
    assert held > 0  # or nothing was tested


@settings(max_examples=15)
@given(seed=SEEDS)
def test_nor_with_too_few_slots_for_all_that_is_near(seed: int) -> None:
    rng = np.random.default_rng(seed)
    least, _ = drive(draw_team(rng), rng, steps=40, slots=int(rng.integers(1, 4)))
    assert least >= TOUCH


def test_a_fast_robot_behind_a_near_slow_one_is_not_forgotten() -> None:
    """One slot, taken by a slow robot to the right; a fast one comes from the left."""
    bodies = np.array([body_of(SINGLE, 0.1, Limits(v), dt=0.1, sensing_radius=3.0) for v in (2.5, 0.01, 8.0)])
    states = np.zeros((3, 5))
    states[:, 0] = 0.0, 0.57, -0.58
    team = Team([0, 0, 0], states, bodies, np.zeros((0, 5)), np.array([-9.0, -9.0, 9.0, 9.0]), 0.1)
    controls, rows = np.array([[-2.5, 0.0], [0.0, 0.0], [8.0, 0.0]]), team.rows()
    for i in range(3):
        team.shield(i, team.sense(i, rows, 1), controls[i])
    paths = np.array([path(0, states[i], controls[i], 0.1 * INSTANTS) for i in range(3)])
    assert least_gap(paths, team.radii, team.obstacles, team.bounds) >= TOUCH


@settings(max_examples=10)
@given(seed=SEEDS)
def test_a_margin_is_kept_on_both_sides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, margin=0.02)
    start = np.repeat(team.states[:, None, :2], 2, axis=1)
    assert least_gap(start, team.radii + 0.02, team.obstacles, team.bounds) >= 0.0
    grown = team.bodies.copy()
    least = math.inf
    for _ in range(6):
        drive(team, rng, steps=5, slots=16)
        here = np.repeat(team.states[:, None, :2], 2, axis=1)
        least = min(least, least_gap(here, grown[:, 0] + 0.02, team.obstacles, team.bounds))
    assert least >= TOUCH


def test_the_oracle_sees_a_team_without_a_shield_collide() -> None:
    rng, bad = np.random.default_rng(5), 0
    for _ in range(6):
        team = draw_team(rng)
        for _ in range(40):
            controls = [np.nan_to_num(attack(team, i, 0, rng), posinf=0.0, neginf=0.0) for i in range(len(team.kinds))]
            moves = list(zip(team.kinds, team.states, controls, strict=True))
            paths = np.array([path(kind, state, control, team.dt * INSTANTS) for kind, state, control in moves])
            bad += least_gap(paths, team.radii, team.obstacles, team.bounds) < -0.01
            team.states = np.array([advance(Kind(kind), state, control, team.dt) for kind, state, control in moves])
    assert bad > 100


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_alone_does_as_asked_and_who_is_crowded_brakes(kind: Kind) -> None:
    state, body = alone(kind, [0, 0, 0.3, 0.4, -0.2])
    control, share = shielded(kind, state, body, [0.7, 0.5])
    assert (control.tolist(), share) == ([0.7, 0.5], 1.0)
    for asked, truncated in (([0.7, 0.5], True), ([math.nan, 0.5], False), ([0.5, math.inf], False)):
        control, share = shielded(kind, state, body, asked, truncated=truncated)
        expected = np.zeros(2)
        brake(int(kind), state, body[TOP_SPEED : TURN_RATE + 1], 0.05, expected)
        assert share == 0.0
        assert (control == expected).all()
        assert (expected == 0.0).all() == (kind != DOUBLE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gap", [1e-6, 0.01, 0.03])
def test_a_wall_is_approached_to_the_last_of_the_gap(kind: Kind, gap: float) -> None:
    """The whole gap to an obstacle and to a side of the bounds may be used, and no more."""
    wall = [0.6 + gap, 0.0, 0.5, 2.0, 0.0]  # its face is ``gap`` from the robot's hull
    for things, bounds in (([wall], (-9.0, -9.0, 9.0, 9.0)), ([], (-9.0, -9.0, gap, 9.0))):
        state, body = alone(kind, [0, 0, 0, 0, 0])
        for _ in range(40):
            asked = [1.0, 0.0] if kind != DOUBLE else [2.0, 0.0]
            control, _ = shielded(kind, state, body, asked, things=things, bounds=bounds)
            state = advance(kind, state, control, 0.05)
        assert 0.9 * gap <= state[0] <= gap


@settings(max_examples=40)
@given(seed=SEEDS)
def test_braking_is_always_accepted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng)
    drive(team, rng, steps=8, slots=16)  # into the middle of trouble
    rows = team.rows()
    for i, kind in enumerate(team.kinds):
        around = team.sense(i, rows, 16)._replace(truncated=False)
        control = np.empty(2)
        brake(kind, team.states[i], team.bodies[i, TOP_SPEED : TURN_RATE + 1], team.dt, control)
        asked = control.copy()
        team.shield(i, around, control)
        assert control == pytest.approx(asked, abs=1e-12)


def test_overlapping_bodies_may_only_separate() -> None:
    """What the guarantee excludes happens all the same on a real floor: then nobody moves closer."""
    state, body = alone(SINGLE, [0, 0, 0, 0, 0])
    wall = [0.55, 0.0, 0.5, 2.0, 0.0]  # 5 cm inside
    assert shielded(SINGLE, state, body, [1.0, 0.0], things=[wall])[0].tolist() == [0.0, 0.0]
    assert shielded(SINGLE, state, body, [-1.0, 0.0], things=[wall])[0].tolist() == [-1.0, 0.0]


def filtered(
    kind: Kind, state: np.ndarray, body: np.ndarray, nominal: list[float], things: np.ndarray,
    bounds: np.ndarray | tuple[float, ...],
) -> tuple[np.ndarray, int, float]:  # fmt: skip
    around, control = around_of(state, obstacles=things, bounds=bounds), np.empty(2)
    outcome, relaxation = safety.filter_control(
        int(kind), state, body, around, np.array(nominal, dtype=float), decode(np.full(COUNT, 0.5)),
        safety.scratch(len(things)), control,
    )  # fmt: skip
    return control, outcome, relaxation


def test_outcomes() -> None:
    wide = (-9, -9, 9, 9)
    state, body = alone(SINGLE, [0, 0, 0, 0, 0])
    control, outcome, relaxation = filtered(SINGLE, state, body, [0.5, 0.2], np.empty((0, 5)), wide)
    assert (control.tolist(), outcome, relaxation) == ([0.5, 0.2], safety.OPTIMAL, 0.0)
    # Two walls that both overlap the rows' margin cannot both be left: the rows give way by the same amount.
    walls = np.array([[0.601, 0, 0.5, 2, 0], [-0.601, 0, 0.5, 2, 0]])
    control, outcome, relaxation = filtered(SINGLE, state, body, [0.0, 0.5], walls, wide)
    assert outcome == safety.RELAXED
    assert relaxation > 0.0
    assert control == pytest.approx([0.0, 0.5], abs=1e-9)
    # Not a number: brakes.
    control, outcome, _ = filtered(SINGLE, state, body, [math.nan, 0.5], np.empty((0, 5)), wide)
    assert (control.tolist(), outcome) == ([0.0, 0.0], safety.BRAKING)
    # The second variable of a unicycle is a speed of its control point.
    state, body = alone(UNICYCLE, [0, 0, 0, 0, 0])
    control, outcome, _ = filtered(UNICYCLE, state, body, [0.2, body[LOOK_AHEAD] * 1.5], np.empty((0, 5)), wide)
    assert control == pytest.approx([0.2, 1.5])
    assert outcome == safety.OPTIMAL
    assert safety.OUTCOMES == ("optimal", "relaxed", "braking")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(seed=SEEDS)
def test_the_whole_filter_keeps_the_limits(kind: Kind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=(kind,))
    body, bounds = team.bodies[0], team.bounds
    if kind == DOUBLE:
        team.states[0, 3:] = rng.uniform(-1, 1, 2) * body[TOP_SPEED]
    control, _, _ = filtered(kind, team.states[0], body, list(rng.normal(size=2) * 30.0), team.obstacles, bounds)
    if kind == UNICYCLE:
        assert (np.abs(control) <= np.array([body[TOP_SPEED], body[TURN_RATE]]) * (1 + 1e-9)).all()
    elif kind == SINGLE:
        assert np.abs(control).max() <= body[TOP_SPEED] * (1 + 1e-9)
    else:
        assert np.abs(control).max() <= body[ACCELERATION] * (1 + 1e-9)
        assert np.abs(team.states[0, 3:] + control * team.dt).max() <= body[TOP_SPEED] * (1 + 1e-9)
