"""What a robot senses against sorting by hand, and the crowd that must make it brake."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.contact import surface_distance
from oracles.teams import draw_team, limits_of

from swarm.filter.hulls.lines import LINE, build_lines
from swarm.model.actuators import TRAIL
from swarm.model.body import LOOK_AHEAD, MARGIN, RADIUS, SENSING, body_of
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.model.geometry import as_obstacles
from swarm.scenario.world import World
from swarm.sense.neighbours import (
    N_ERROR,
    N_ID,
    N_REACH,
    NEIGHBOUR,
    O_GAP,
    O_NX,
    O_NY,
    OBSTACLE,
    Around,
    bin_of,
    describe,
    sense_obstacles,
    sense_robots,
)

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=30)
@given(seed=SEEDS)
def test_the_nearest_robots_are_sensed_in_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, margin=float(rng.choice([0.0, 0.03])))
    team.bodies[:, SENSING] = rng.uniform(0.3, 2.0)
    slots, rows = int(rng.integers(1, 9)), team.rows()
    for i, body in enumerate(team.bodies):
        found, count, *_ = team.sense(i, rows, slots)
        gaps = {}
        for j, other in enumerate(team.states):
            apart = math.dist(other[:2], team.states[i, :2])
            if j != i and apart <= body[SENSING]:
                gaps[j] = apart - team.radii[j]
        expected = sorted(gaps, key=gaps.__getitem__)[:slots]
        assert found[:count, N_ID].tolist() == expected
        assert (found[:count] == rows[expected]).all()
        truncated = sense_robots(i, rows, body, np.empty((slots, NEIGHBOUR)), np.empty((slots, 2)))[1]
        reach = rows[:, N_REACH] + rows[i, N_REACH] + body[RADIUS] + 2.0 * body[MARGIN]
        assert truncated == any(gaps[j] < reach[j] for j in set(gaps) - set(expected))


@settings(max_examples=30)
@given(seed=SEEDS)
def test_the_nearest_obstacles_are_sensed_in_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    team = draw_team(rng, margin=float(rng.choice([0.0, 0.03])))
    team.bodies[:, SENSING] = rng.uniform(0.3, 2.0)
    slots, rows = int(rng.integers(1, 4)), team.rows()
    items, found, order = np.arange(len(team.obstacles)), np.empty((slots, OBSTACLE)), np.empty((slots, 2))
    for i, body in enumerate(team.bodies):
        reach = rows[i, N_REACH]
        count, truncated = sense_obstacles(
            team.states[i], body, reach, team.obstacles, items, 0, len(items), found, order
        )
        gaps = [float(surface_distance(team.states[i, :2], obstacle)) for obstacle in team.obstacles]
        seen = [j for j in np.argsort(gaps, kind="stable") if gaps[j] <= body[SENSING]]
        assert (found[:count, :O_GAP] == team.obstacles[seen[:slots]]).all()
        assert found[:count, O_GAP] == pytest.approx([gaps[j] for j in seen[:slots]])
        _check_normals(team.states[i, :2], found[:count])
        assert truncated == any(gaps[j] < body[RADIUS] + body[MARGIN] + reach for j in seen[slots:])


def _check_normals(here: np.ndarray, found: np.ndarray) -> None:
    """A little step along the normal is a little more of a gap."""
    for row in found:
        normal = row[[O_NX, O_NY]]
        assert np.linalg.norm(normal) == pytest.approx(1.0)
        assert surface_distance(here + 1e-6 * normal, row[:O_GAP]) - row[O_GAP] == pytest.approx(1e-6, rel=1e-3)


def test_only_the_given_range_of_candidates_is_looked_at() -> None:
    obstacles = as_obstacles([[k + 1.0, 0, 0, 0, 0.1] for k in range(4)])
    body = body_of(Kind.UNICYCLE, 0.1, Limits(1.0, turn_rate=1.0), dt=0.1, sensing_radius=9.0)
    found = np.empty((4, OBSTACLE))
    count, _ = sense_obstacles(np.zeros(5), body, 0.1, obstacles, np.array([3, 2, 1, 0]), 1, 3, found, np.empty((4, 2)))
    assert found[:count, 0].tolist() == [2.0, 3.0]


def test_a_slow_robot_that_is_nearer_does_not_hide_a_fast_one_that_matters() -> None:
    """Robots differ in how far they get within a period, so the nearest are not the ones that matter most."""
    speeds, x = (2.5, 0.01, 8.0), (0.0, 0.57, -0.58)
    rows = np.empty((3, NEIGHBOUR))
    bodies = [body_of(Kind.SINGLE_INTEGRATOR, 0.1, Limits(v), dt=0.1, sensing_radius=3.0) for v in speeds]
    for i in range(3):
        state = np.array([x[i], 0, 0, 0, 0.0])
        describe(0, state, bodies[i], state[:2], 0.5, 0.5, i, rows[i])
    found, order = np.empty((2, NEIGHBOUR)), np.empty((2, 2))
    assert sense_robots(0, rows, bodies[0], found[:1], order[:1]) == (1, True)
    assert found[0, N_ID] == 1
    assert sense_robots(0, rows, bodies[0], found, order) == (2, False)


def test_one_whose_errors_are_large_is_not_left_out_for_a_better_known_one() -> None:
    """The shield keeps the errors of both between them: those of the other may be larger than the own margin."""
    known, unknown = ErrorBounds(position=0.005), ErrorBounds(position=0.3)
    rows, bodies = np.empty((3, NEIGHBOUR)), []
    for i, (x, errors) in enumerate(((0.0, known), (0.45, known), (-0.46, unknown))):
        body = body_of(Kind.SINGLE_INTEGRATOR, 0.1, Limits(0.5), dt=0.05, sensing_radius=3.0, errors=errors)
        bodies.append(body)
        state = np.array([x, 0.0, 0.0, 0.0, 0.0])
        describe(0, state, body, state[:2], 0.5, 0.5, i, rows[i])
    found, order = np.empty((1, NEIGHBOUR)), np.empty((1, 2))
    assert sense_robots(0, rows, bodies[0], found, order) == (1, True) and found[0, N_ID] == 1
    state, lines, hull = np.zeros(5), np.empty((6, LINE)), np.zeros((3, 2))
    around = Around(rows[2:], 1, np.empty((0, OBSTACLE)), 0, np.full(4, 9.0) * [-1, -1, 1, 1], False, np.zeros(TRAIL))
    assert build_lines(0, state, bodies[0], around, hull, 1, lines) == 1  # it matters
    rows[2, N_ERROR] = 0.0
    assert sense_robots(0, rows, bodies[0], found, order) == (1, False)
    assert build_lines(0, state, bodies[0], around, hull, 1, lines) == 0


def test_the_columns_of_a_neighbour() -> None:
    intent = np.array([4.0, 5.0])
    for kind in Kind:
        body = body_of(kind, 0.1, limits_of(kind, 0.7, 3.0, 2.0), dt=0.1, sensing_radius=2.0)
        row = np.empty(NEIGHBOUR)
        describe(int(kind), np.array([1.0, 2.0, math.pi / 3, 0.3, 0.4]), body, intent, 0.25, 0.75, 7, row)
        ahead = body[LOOK_AHEAD] * (kind == Kind.UNICYCLE)
        offset = (0.5 * ahead, math.sqrt(0.75) * ahead)
        brakes = 3.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf
        assert row[:N_REACH] == pytest.approx([1, 2, 0.3, 0.4, 0.1, *offset, brakes])
        assert row[N_REACH] > 0.069
        assert row[N_REACH + 1 :].tolist() == [4, 5, 0.25, 0.75, 7, *[0] * 8]


@settings(max_examples=20)
@given(seed=SEEDS)
def test_the_bin_of_a_point_lists_all_obstacles_that_it_may_sense(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(0, 10, (40, 2)), rng.uniform(0.05, 0.4, (40, 2))], axis=1)
    index = World(np.array([0.0, 0.0, 10.0, 10.0]), boxes).index(0.8)
    for point in rng.uniform(0, 10, (15, 2)):
        b = bin_of(point[0], point[1], index.origin, index.bin_size, np.array(index.shape))
        listed = set(index.items[index.start[b] : index.start[b + 1]].tolist())
        near = {j for j, box in enumerate(index.obstacles) if surface_distance(point, box) <= 0.8}
        assert near <= listed
    for point in ((-5.0, 3.0), (20.0, 20.0), (3.0, -1e6)):  # outside: the nearest bin
        inside = np.clip(point, 0.0, 9.999999)
        shape = np.array(index.shape)
        assert bin_of(point[0], point[1], index.origin, index.bin_size, shape) == bin_of(
            inside[0], inside[1], index.origin, index.bin_size, shape
        )
