"""The shield beside an oracle of its lines: it lets through as much as they do, and brakes where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.attackers import alone, around_of, attack, drive, shielded
from oracles.half_planes import crossed, lines_of, room, stop_point
from oracles.teams import draw_team

from swarm.filter import qp, safety
from swarm.filter.shield import shield
from swarm.filter.tunables import COUNT, decode
from swarm.model.body import TOP_SPEED, TURN_RATE
from swarm.model.dynamics import Kind, advance, brake
from swarm.sense.neighbours import N_ACCELERATION, N_RADIUS, N_REACH, NEIGHBOUR

SEEDS = st.integers(0, 2**32 - 1)
KINDS = tuple(Kind)
SINGLE, DOUBLE, UNICYCLE = KINDS
NOWHERE = np.array([-math.inf, -math.inf, math.inf, math.inf])


@pytest.mark.parametrize("kinds", [(SINGLE,), (DOUBLE,), (UNICYCLE,), KINDS], ids=["single", "double", "uni", "mixed"])
@settings(max_examples=10)
@given(seed=SEEDS)
def test_as_much_of_a_control_is_kept_as_the_lines_let_through(kinds: tuple[Kind, ...], seed: int) -> None:
    """What is kept is behind all lines of the oracle; a little more would be beyond one."""
    rng = np.random.default_rng(seed)
    team = draw_team(rng, kinds=kinds, margin=float(rng.choice([0.0, 0.02])))
    drive(team, rng, steps=int(rng.integers(1, 12)), slots=16)
    rows = team.rows()
    for i, kind in enumerate(team.kinds):
        around = team.sense(i, rows, 16)._replace(truncated=False)
        asked, lines = (
            np.nan_to_num(attack(team, i, int(rng.integers(4)), rng), posinf=0.0, neginf=0.0),
            lines_of(team, i),
        )
        brakes, got = np.zeros(2), asked.copy()
        brake(kind, team.states[i], team.bodies[i, TOP_SPEED : TURN_RATE + 1], team.dt, brakes)
        if kind == UNICYCLE:
            brakes[1] = asked[1]  # turning on the spot moves nobody
        share = team.shield(i, around, got)
        assert got == pytest.approx(brakes + share * (asked - brakes), abs=1e-9)
        assert room(team, i, got, lines) >= -1e-9
        if share < 1.0:
            # A double integrator is bisected to one part in a hundred; so little is never near full braking.
            more = brakes + min(share + (0.0101 if kind == DOUBLE else 1e-6), 1.0) * (asked - brakes)
            assert crossed(team, i, [got, more], lines, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("angle", [0.0, 0.5, 1.0, 1.5])
def test_a_wall_is_approached_and_left_on_every_side(kind: Kind, angle: float) -> None:
    """Boxes to the right, above, to the left, below: beside them, towards them and away from them."""
    way = np.round([math.cos(angle * math.pi), math.sin(angle * math.pi)])
    wall = [*(0.15 * way + 0.5 * way), 0.5, 0.5, 0.0]
    for direction, moves in ((way, 0.9 * 0.05), (-way, 0.9), (way[::-1], 0.9)):
        state, body = alone(kind, [0, 0, math.atan2(direction[1], direction[0]), 0, 0])
        for _ in range(40):
            asked = [1.0, 0.0] if kind == UNICYCLE else list(direction * (2.0 if kind == DOUBLE else 1.0))
            if kind == DOUBLE:  # not faster than its limit
                asked = list(np.minimum(np.abs(asked), (1.0 - np.abs(state[3:])) / 0.05) * np.sign(asked))
            control, _ = shielded(kind, state, body, asked, things=[wall])
            state = advance(kind, state, control, 0.05)
        assert state[:2] @ direction >= moves
        assert state[:2] @ way <= 0.05


def between(kind: Kind, state: list[float], other: list[float], asked: list[float], **columns: float) -> list[float]:
    """What is left of a control next to another robot of radius 0.1 m (x, y, vx, vy)."""
    own, body = alone(kind, state)
    near, control = np.zeros((1, NEIGHBOUR)), np.array(asked)
    near[0, :4], near[0, N_RADIUS], near[0, N_REACH] = other, 0.1, columns.get("reach", 1.0)
    near[0, N_ACCELERATION] = columns.get("acceleration", math.inf)
    lines = np.zeros((5, 3))  # as they were left: lines that stop nobody
    shield(int(kind), own, body, around_of(own, neighbours=near, bounds=NOWHERE), control, lines)
    return control.tolist()


def test_who_is_inside_another_brakes() -> None:
    """No line halves a gap that there is not: robots in one place, stop segments that cross."""
    assert between(SINGLE, [0, 0, 0, 0, 0], [0, 0, 0, 0], [0.5, 0.5]) == [0.0, 0.0]
    asked = [0.5, 0.5]
    assert between(DOUBLE, [0, 0, 0, 1.0, 0], [0.2, -0.25, 0, 1.0], asked, acceleration=1.0) == pytest.approx([-2.0, 0])
    # One that stops at once, where the other would come to rest: the same without the second segment.
    assert between(DOUBLE, [0, 0, 0, 1.0, 0], [0.2, -0.25, 0, 1.0], asked) == pytest.approx(asked)


def test_who_cannot_come_near_within_a_period_has_no_say() -> None:
    """Its reach counts, whatever its velocity says: a claim that somebody cannot keep stops nobody far away."""
    asked = [0.5, 0.5]
    assert between(SINGLE, [0, 0, 0, 0, 0], [5.0, 0, -9.0, 0], asked, acceleration=1.0, reach=0.1) == asked
    assert between(SINGLE, [0, 0, 0, 0, 0], [5.0, 0, -9.0, 0], asked, acceleration=1.0, reach=5.0) == [0.0, 0.0]


def test_who_is_inside_an_obstacle_brakes() -> None:
    """Its stop segment meets the core: no side of it is the right one."""
    wall = [1.0, 0.0, 0.2, 2.0, 0.0]
    state, body = alone(DOUBLE, [0.5, 0.0, 0, 1.5, 0])
    control, share = shielded(DOUBLE, state, body, [2.0, 0.0], things=[wall])
    assert (control.tolist(), share) == ([-2.0, 0.0], 0.0)


@pytest.mark.parametrize("side", range(4))
def test_who_was_pushed_beyond_its_top_speed_still_stops_inside_the_bounds(side: int) -> None:
    """Five times as fast as it can drive: the sides are looked at within twice its reach, which is enough."""
    axis, sign = side % 2, -1.0 if side < 2 else 1.0
    velocity, asked = np.zeros(2), np.zeros(2)
    velocity[axis], asked[axis] = 5.0 * sign, 2.0 * sign
    state, body = alone(DOUBLE, [0, 0, 0, *velocity])
    bounds = [-99.0, -99.0, 99.0, 99.0]
    bounds[side] = sign * (0.5 * 5.0 * 2.5 + 0.45)  # it stops 45 cm before, in 2.5 s
    control, share = shielded(DOUBLE, state, body, list(asked), bounds=tuple(bounds))
    assert share < 1.0
    after = advance(DOUBLE, state, control, 0.05)
    assert (stop_point(DOUBLE, after[:2], after[3:], 2.0, 0.05)[axis] - bounds[side]) * sign <= 0.0


def test_what_has_no_solution_brakes_and_the_control_of_before_is_not_used_again() -> None:
    assert len({safety.OPTIMAL, safety.RELAXED, safety.BRAKING, qp.INVALID}) == 4
    state, body = alone(SINGLE, [0, 0, 0, 0, 0])
    near, control = np.zeros((3, NEIGHBOUR)), np.array([0.3, 0.4])  # left from the period before, and away from
    near[:, :2], near[:, N_ACCELERATION] = [[1.6, 1.2], [0.56, 1.92], [-0.6, -0.8]], math.inf
    near[:, N_RADIUS] = 0.1, 0.1, math.inf  # the third, which nobody can be far enough from
    outcome, _ = safety.filter_control(
        SINGLE, state, body, around_of(state, neighbours=near), np.array([0.5, 0.5]), decode(np.full(COUNT, 0.5)),
        safety.scratch(3), control,
    )  # fmt: skip
    assert (outcome, control.tolist()) == (safety.BRAKING, [0.0, 0.0])
