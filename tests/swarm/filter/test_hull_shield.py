"""The guarantee where something is not exact: nobody touches anybody, whatever an adversary makes of the errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.attackers import around_of, attack, drive
from oracles.contact import lagging_path
from oracles.teams import Team, draw_team, limits_of
from oracles.wrong_teams import believed, draw_errors, draw_wrong_team, drive_wrong, shield_at_worst

from swarm.filter.hulls.shield import is_inexact
from swarm.model.actuators import TRAIL, ahead, move
from swarm.model.body import ERROR, MARGIN, RADIUS, STRAY, TOP_SPEED, TURN_RATE, body_of
from swarm.model.dynamics import Kind, brake
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.sense.neighbours import N_BODY_X, N_CORNER_X, N_ERROR, NEIGHBOUR, Around, describe

SEEDS = st.integers(0, 2**32 - 1)
KINDS = tuple(Kind)
SINGLE, DOUBLE, UNICYCLE = KINDS
TEAMS = pytest.mark.parametrize(
    "kinds", [(SINGLE,), (DOUBLE,), (UNICYCLE,), KINDS], ids=["single", "double", "uni", "mixed"]
)
# Rounding, in metres, of a run of a hundred steps.
TOUCH = -1e-11
# Where a bisection stops.
PRECISION = 1.0 / 4096


def of_kind(kind: Kind, **errors: Any) -> np.ndarray:
    return body_of(kind, 0.1, limits_of(kind, 1.0, 2.0, 4.0), dt=0.05, sensing_radius=4.0, errors=ErrorBounds(**errors))


@TEAMS
@settings(max_examples=12)
@given(seed=SEEDS)
def test_without_errors_it_is_the_shield_of_exact_robots(kinds: tuple[Kind, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=kinds)
    for _ in range(4):
        drive(team, rng, steps=4, slots=16)
        rows = team.rows()
        for i, kind in enumerate(team.kinds):
            around = team.sense(i, rows, 16)
            assert not is_inexact(team.bodies[i], around)
            asked = attack(team, i, 0, rng)
            exact, hulls = asked.copy(), asked.copy()
            share = team.shield(i, around, exact)
            kept = shield_at_worst(kind, team.states[i], team.bodies[i], around, hulls)
            if kind == UNICYCLE and share < 1.0:
                # A part of an arc is an arc here, and there a part of its chord, which bends as much as the whole.
                assert kept >= share - PRECISION
                continue
            # That of a double integrator stops to bisect at a hundredth.
            assert kept == pytest.approx(share, abs=0.011 if kind == DOUBLE else PRECISION)
            assert np.isfinite(hulls).all()


@settings(max_examples=20)
@given(seed=SEEDS)
def test_unicycles_that_drive_straight_on_are_held_as_exact_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=(UNICYCLE,))
    drive(team, rng, steps=8, slots=16)
    rows = team.rows()
    for i in range(len(team.kinds)):
        exact = np.array([float(rng.choice([-1.0, 1.0])) * team.bodies[i, TOP_SPEED], 0.0])
        hulls, around = exact.copy(), team.sense(i, rows, 16)
        share = team.shield(i, around, exact)
        kept = shield_at_worst(2, team.states[i], team.bodies[i], around, hulls)
        assert kept == pytest.approx(share, abs=PRECISION)


@TEAMS
@settings(max_examples=20)
@given(seed=SEEDS)
def test_braking_is_always_admitted(kinds: tuple[Kind, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = draw_errors(rng)
    team = draw_wrong_team(rng, errors, kinds=kinds)
    drive_wrong(team, rng, steps=12, lag=errors.lag)  # into the middle of trouble
    for i, kind in enumerate(team.kinds):
        state, trail, rows = believed(team, i, rng, errors.lag)
        control = np.empty(2)
        brake(kind, state, team.bodies[i, TOP_SPEED : TURN_RATE + 1], team.dt, control)
        asked = control.copy()
        seen = Team(team.kinds, np.array([*team.states[:i], state, *team.states[i + 1 :]]), team.bodies, team.obstacles,
                    team.bounds, team.dt)  # fmt: skip
        shield_at_worst(kind, state, team.bodies[i], seen.sense(i, rows, 16, trail), control)
        assert control == pytest.approx(asked, abs=1e-12)


def beside(kind: Kind, body: np.ndarray, gap: float, angle: float = 0.0, **more: float) -> tuple[np.ndarray, Around]:
    """A robot that rests, and another that rests at a gap (m) from it, in a direction [rad]."""
    state, row = np.zeros(5), np.zeros(NEIGHBOUR)
    state[2] = more.get("heading", 0.0)
    other = state.copy()
    other[:2] = (2.0 * body[RADIUS] + gap) * np.array([math.cos(angle), math.sin(angle)])
    describe(int(kind), other, body, other[:2], 0.5, 0.5, 1, row)
    row[N_ERROR] += more.get("news", 0.0)
    return state, around_of(state, neighbours=[row])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(
    gap=st.floats(0.0, 0.15), angle=st.floats(-math.pi, math.pi), small=st.floats(0.0, 0.1), more=st.floats(0.0, 0.1),
    seed=SEEDS,
)  # fmt: skip
def test_with_more_errors_no_more_is_let_through(
    kind: Kind, gap: float, angle: float, small: float, more: float, seed: int
) -> None:
    body, rng, shares = of_kind(kind), np.random.default_rng(seed), []
    asked = rng.uniform(-1.0, 1.0, 2)
    for error, news in ((small, 0.0), (small, more), (small + more, 0.0), (small + more, more)):
        body[ERROR] = error
        state, around = beside(kind, body, gap, angle, heading=float(seed % 6), news=news)
        shares.append(shield_at_worst(int(kind), state, body, around, asked.copy()))
    for less, greater in ((0, 1), (0, 2), (1, 3), (2, 3)):
        assert shares[greater] <= shares[less] + PRECISION


@settings(max_examples=40)
@given(
    error=st.floats(0.001, 0.1), stray=st.just(0.0) | st.floats(0.01, 0.3), news=st.just(0.0) | st.floats(0.001, 0.05)
)
def test_a_robot_without_slack_moves_in_the_cone_and_never_slides(error: float, stray: float, news: float) -> None:
    """Along the tangent it could come nearer, as its normal may be wrong by as much as the cone is narrower."""
    body = of_kind(SINGLE)
    body[ERROR], body[MARGIN], body[STRAY] = error, error, stray
    both = 2.0 * error + news
    state, around = beside(SINGLE, body, both, math.pi, news=news)  # the other is on the left: away is to the right
    distance = 2.0 * body[RADIUS] + both
    wrong = math.asin(both / distance)  # the most by which the normal may be wrong
    kappa = 2.0 * math.sin(0.5 * wrong) + stray
    edge = math.acos(kappa)
    assert edge <= 0.5 * math.pi - 0.9 * wrong
    for side in (-1.0, 1.0):
        for angle, kept in ((0.0, 1.0), (edge - 0.01, 1.0), (edge + 0.01, 0.0), (0.5 * math.pi, 0.0), (math.pi, 0.0)):
            asked = 0.6 * np.array([math.cos(side * angle), math.sin(side * angle)])
            assert shield_at_worst(0, state, body, around, asked) == kept
            assert asked.any() == (kept > 0.0)
    # With slack it may slide as far as that pays for.
    slack = 0.004
    state, around = beside(SINGLE, body, both + 2.0 * slack, math.pi, news=news)
    kappa = 2.0 * math.sin(0.5 * math.asin(both / (distance + 2.0 * slack))) + stray
    asked = np.array([0.0, 1.0])
    kept = shield_at_worst(0, state, body, around, asked)
    assert kept == pytest.approx(min(slack / (kappa * 0.05), 1.0), abs=2 * PRECISION)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("errors", [{"lag": 0.2}, {"slip": 0.1}, {"lag": 0.2, "slip": 0.1, "position": 0.01}])
@pytest.mark.parametrize("way", [0.0, 0.5 * math.pi, 0.7])
def test_straight_at_a_wall_every_body_stands_before_it(kind: Kind, errors: dict[str, Any], way: float) -> None:
    """Exactly along an axis a hull is a segment of three points; the whole way to rest slips."""
    bounds, towards = ErrorBounds(**errors), np.array([math.cos(way), math.sin(way)]).round(15)
    body, state, now = of_kind(kind, **errors), np.zeros(5), np.zeros(2)
    state[2] = way
    wall, nearest = [*(2.0 * towards), 0.0, 0.0, 0.5], math.inf
    found, trail = np.empty(5), np.empty(TRAIL)
    for _ in range(160):
        ahead(int(kind), state, now, bounds.lag, found, trail)
        around = around_of(found, obstacles=[wall], bounds=(-9.0, -9.0, 9.0, 9.0))._replace(trail=trail)
        control = np.array([1.0, 0.0]) if kind == UNICYCLE else 1.0 * towards
        if kind == DOUBLE:
            control = np.clip((towards - found[3:]) / 0.05, -2.0, 2.0)
        shield_at_worst(int(kind), found, body, around, control)
        move(int(kind), state, now, control, 0.05, bounds.lag, bounds.slip, state, now)
        nearest = min(nearest, float(np.linalg.norm(state[:2] - wall[:2])) - 0.6)
    assert nearest >= TOUCH
    assert nearest <= 2.5 * body[MARGIN] + 0.01  # and it gets there


@settings(max_examples=200)
@given(
    gap=st.just(0.0) | st.floats(0.0, 0.01), lean=st.floats(-0.1, 0.3), speed=st.floats(-1.0, 1.0),
    turn_rate=st.floats(-4.0, 4.0), slip=st.just(0.0) | st.floats(0.01, 0.2),
)  # fmt: skip
def test_an_arc_keeps_clear_where_it_begins_too(
    gap: float, lean: float, speed: float, turn_rate: float, slip: float
) -> None:
    """It bends towards the other first, and ends farther away: the other is beside it, and a little behind."""
    body = of_kind(UNICYCLE, slip=slip)
    beside_it = 0.025 * turn_rate + (0.0 if speed > 0.0 else math.pi)  # the direction of the chord
    beside_it -= math.copysign(0.5 * math.pi + lean, turn_rate * speed)
    state, around = beside(UNICYCLE, body, gap, beside_it)
    control = np.array([speed, turn_rate])
    shield_at_worst(2, state, body, around, control)
    path, _, _ = lagging_path(2, state, np.zeros(2), control, 0.05 * np.arange(1, 65) / 64, 0.0, slip)
    assert np.linalg.norm(path - around.neighbours[0, :2], axis=1).min() - 2.0 * body[RADIUS] >= TOUCH


def test_a_body_beside_is_not_forgotten_though_what_runs_ahead_of_it_is_out_of_sight() -> None:
    """One drives past another that lags so much that its place ahead is beyond the sensing radius."""
    limits, errors = limits_of(SINGLE, 1.0, 1.0, 1.0), ErrorBounds(lag=0.6)
    body = body_of(SINGLE, 0.05, limits, dt=0.03, sensing_radius=0.6, errors=errors)
    rows, states, trails = np.zeros((2, NEIGHBOUR)), np.zeros((2, 5)), np.empty((2, TRAIL))
    for i, (x, y, speed) in enumerate([(0.0, 0.0, 1.0), (-0.02, 0.11, 0.0)]):
        here = np.array([x, y, 0.0, speed, 0.0])
        ahead(0, here, here[3:], 0.6, states[i], trails[i])
        describe(0, states[i], body, states[i, :2], 0.5, 0.5, i, rows[i])
        rows[i, N_BODY_X : N_BODY_X + 2] = trails[i, :2]
        rows[i, N_CORNER_X : N_CORNER_X + 2] = trails[i, 2:4]
    team = Team([0, 0], states, np.array([body, body]), np.zeros((0, 5)), np.array([-9.0, -9.0, 9.0, 9.0]), 0.03)
    control, around = np.array([0.2, -1.0]), team.sense(1, rows, 16, trails[1])
    assert around.num_neighbours == 1
    assert shield_at_worst(0, states[1], body, around, control) < 1.0
    after = float(np.linalg.norm(states[1, :2] + 0.03 * control))
    assert after >= 0.5 * (math.hypot(0.02, 0.11) + 0.1)  # half of the gap
    # So does one of whom it has heard nothing for long, told from beyond the radius.
    rows[0] = rows[1]
    rows[0, :2] = 0.7, 0.11
    assert team.sense(1, rows, 16, trails[1]).num_neighbours == 0
    rows[0, N_ERROR] = 0.2
    assert team.sense(1, rows, 16, trails[1]).num_neighbours == 1


@pytest.mark.parametrize("kind", KINDS)
def test_slip_takes_a_robot_to_what_is_just_out_of_reach(kind: Kind) -> None:
    """The line to what a robot reaches only because it slips is not left out."""
    body = of_kind(kind, slip=0.2)
    for beyond in np.linspace(0.9, 1.3, 41):
        way = 0.05 if kind != DOUBLE else 0.0025
        wall = [0.1 + body[MARGIN] + beyond * way, 0.0, 0.0, 0.0, 0.0]
        state, control = np.zeros(5), np.array([1.0 if kind != DOUBLE else 2.0, 0.0])
        shield_at_worst(int(kind), state, body, around_of(state, obstacles=[wall]), control)
        moved = 1.2 * (0.05 * control[0] if kind != DOUBLE else 0.5 * 0.05**2 * control[0])
        assert moved <= wall[0] - 0.1 - body[MARGIN] + 1e-9 or control[0] == 0.0


@TEAMS
@settings(max_examples=20)
@given(seed=SEEDS)
def test_nobody_touches_anybody_whatever_the_errors_are(kinds: tuple[Kind, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = draw_errors(rng)
    least, held = drive_wrong(draw_wrong_team(rng, errors, kinds=kinds), rng, steps=50, lag=errors.lag)
    assert least >= TOUCH
    assert held > 0  # or nothing was tested


@TEAMS
def test_robots_that_count_on_no_errors_do_collide(kinds: tuple[Kind, ...]) -> None:
    """The same drives: what is tested above is no matter of course."""
    bad = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        errors = draw_errors(rng)
        team = draw_wrong_team(rng, errors, kinds=kinds, assumed=EXACT)
        bad += drive_wrong(team, rng, steps=50, lag=0.0)[0] < -1e-3
    assert bad >= 4


def test_what_is_inexact() -> None:
    exact, wrong = of_kind(SINGLE), of_kind(SINGLE, position=0.01)
    for body, other, expected in ((exact, exact, False), (wrong, exact, True), (exact, wrong, True)):
        assert is_inexact(body, beside(SINGLE, other, 0.1)[1]) == expected
    for errors in ({"lag": 0.1}, {"slip": 0.1}):
        assert is_inexact(of_kind(SINGLE, **errors), beside(SINGLE, exact, 0.1)[1])
