"""What the policy sees: the same wherever the world stands and however it is turned, in any order, padding masked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.contact import surface_distance
from oracles.teams import limits_of, some_turned

from swarm.model.actuators import TRAIL
from swarm.model.body import SENSING, body_of
from swarm.model.dynamics import Kind
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_VX, N_X, NEIGHBOUR, O_GAP, OBSTACLE, Around, measure_obstacles
from swarm.tune.observation import (
    EDGE,
    EDGE_GAP,
    EDGE_HIGHER_ID,
    EDGE_INTENT_X,
    EDGE_INTENT_Y,
    EDGE_IS_OBSTACLE,
    EDGE_IS_ROBOT,
    EDGE_LEFT,
    EDGE_RIGHT,
    EDGE_VX,
    EDGE_VY,
    EDGE_X,
    EDGE_Y,
    EGO,
    EGO_ACTION,
    EGO_DOUBLE_INTEGRATOR,
    EGO_LOST,
    EGO_SINGLE_INTEGRATOR,
    EGO_STUCK,
    EGO_UNICYCLE,
    Observation,
    observe,
)  # fmt: skip

SEEDS = st.integers(0, 2**32 - 1)
KINDS = list(Kind)
K, M = 5, 4


class Scene:
    """One robot, its waypoint, and what it senses."""

    def __init__(self, rng: np.random.Generator, kind: Kind) -> None:
        self.kind = kind
        self.body = body_of(kind, 0.1, limits_of(kind, 1.0, 2.0, 4.0), dt=0.05, sensing_radius=2.0, margin=0.01)
        self.state = np.array([*rng.uniform(-1, 1, 2), rng.uniform(-3, 3), *rng.uniform(-1, 1, 2)])
        self.waypoint = self.state[:2] + rng.uniform(-3, 3, 2)
        self.near = np.zeros((int(rng.integers(0, K + 1)), NEIGHBOUR))
        self.near[:, :4] = rng.uniform(-1, 1, (len(self.near), 4))
        self.near[:, 4] = rng.uniform(0.05, 0.3, len(self.near))
        self.near[:, N_INTENT_X : N_INTENT_X + 2] = rng.uniform(-2, 2, (len(self.near), 2))
        self.near[:, 11:13] = rng.random((len(self.near), 2))
        self.near[:, N_ID] = rng.choice([-1.0, 0.0, 1.0, 2.0, 4.0, 5.0, 6.0], len(self.near), replace=False)
        self.things = np.zeros((int(rng.integers(0, M + 1)), 5))
        self.things[:, :2] = rng.uniform(-2, 2, (len(self.things), 2))
        self.things[:, 2:] = rng.uniform(0.05, 0.5, (len(self.things), 3))
        self.things = some_turned(self.things)
        self.remaining, self.last_action = rng.uniform(0.0, 20.0), rng.random(6)
        self.memory = np.array([self.remaining - rng.uniform(0.0, 2.0), rng.uniform(0.0, 30.0)])

    def moved(self, shift: np.ndarray, angle: float) -> Scene:
        """The same scene, turned about the origin and then moved."""
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[c, -s], [s, c]])
        other = object.__new__(Scene)
        other.__dict__ = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in self.__dict__.items()}
        other.state[:2], other.state[3:] = turn @ self.state[:2] + shift, turn @ self.state[3:]
        other.state[2] += angle
        other.waypoint = turn @ self.waypoint + shift
        for columns, offset in ((N_X, shift), (N_VX, 0.0), (N_INTENT_X, shift)):
            other.near[:, columns : columns + 2] = self.near[:, columns : columns + 2] @ turn.T + offset
        other.things[:, :2] = self.things[:, :2] @ turn.T + shift
        other.things[:, 5:7] = self.things[:, 5:7] @ turn.T
        return other

    def seen(self, k: int = K, m: int = M) -> Observation:
        near, things = np.full((k, NEIGHBOUR), np.nan), np.full((m, OBSTACLE), np.nan)
        near[: len(self.near)], things[: len(self.things), :O_GAP] = self.near, self.things
        measure_obstacles(self.state, things, len(self.things))
        around = Around(near, len(self.near), things, len(self.things), np.empty(4), False, np.zeros(TRAIL))
        out = Observation(
            np.full(EGO, np.nan, np.float32), np.full((k + m, EDGE), np.nan, np.float32), np.ones(k + m, np.bool_),
            np.full(k + m, -1, np.int32),
        )  # fmt: skip
        observe(
            int(self.kind), self.state, self.body, 3, self.waypoint, self.remaining, around, self.memory,
            self.last_action, out,
        )  # fmt: skip
        return out


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(seed=SEEDS, angle=st.sampled_from([0.0, 0.5 * math.pi]) | st.floats(-4.0, 4.0))
def test_nothing_changes_when_the_world_is_moved_and_turned(kind: Kind, seed: int, angle: float) -> None:
    rng = np.random.default_rng(seed)
    scene = Scene(rng, kind)
    seen, again = scene.seen(), scene.moved(rng.uniform(-50, 50, 2), angle).seen()
    for a, b in zip(seen, again, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(seed=SEEDS, angle=st.floats(-3.1, 3.1))
def test_nor_by_any_angle_if_obstacles_are_round(kind: Kind, seed: int, angle: float) -> None:
    rng = np.random.default_rng(seed)
    scene = Scene(rng, kind)
    scene.things[:, 2:4] = 0.0
    for a, b in zip(scene.seen(), scene.moved(rng.uniform(-50, 50, 2), angle).seen(), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=2e-6)


@settings(max_examples=40)
@given(seed=SEEDS)
def test_another_order_of_neighbours_is_the_same_order_of_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = Scene(rng, Kind.UNICYCLE)
    before, robots, things = scene.seen(), rng.permutation(len(scene.near)), rng.permutation(len(scene.things))
    scene.near, scene.things = scene.near[robots], scene.things[things]
    after = scene.seen()
    assert (after.ego == before.ego).all()
    assert (after.mask == before.mask).all()
    assert (after.edges[: len(robots)] == before.edges[robots]).all()
    assert (after.edges[K : K + len(things)] == before.edges[K + things]).all()


@settings(max_examples=40)
@given(seed=SEEDS)
def test_empty_slots_are_masked_and_zero_whatever_they_held(seed: int) -> None:
    scene = Scene(np.random.default_rng(seed), Kind.DOUBLE_INTEGRATOR)
    seen = scene.seen()
    expected = [k < len(scene.near) for k in range(K)] + [k < len(scene.things) for k in range(M)]
    assert seen.mask.tolist() == expected
    assert (seen.edges[~seen.mask] == 0.0).all()
    assert np.isfinite(seen.ego).all()
    assert np.isfinite(seen.edges).all()
    wide = scene.seen(K + 7, M + 3)  # more slots show the same
    assert (wide.edges[wide.mask] == seen.edges[seen.mask]).all()
    assert (wide.ego == seen.ego).all()


@settings(max_examples=40)
@given(seed=SEEDS)
def test_edges_say_where_things_are(seed: int) -> None:
    scene = Scene(np.random.default_rng(seed), Kind.SINGLE_INTEGRATOR)
    seen, sensing = scene.seen(), scene.body[SENSING]
    way = scene.waypoint - scene.state[:2]
    x = way / np.linalg.norm(way)
    frame = np.stack([x, [-x[1], x[0]]])
    for row, edge in zip(scene.near, seen.edges, strict=False):
        apart = row[:2] - scene.state[:2]
        assert edge[[EDGE_IS_ROBOT, EDGE_IS_OBSTACLE]].tolist() == [1.0, 0.0]
        assert edge[[EDGE_X, EDGE_Y]] == pytest.approx(frame @ apart / sensing, abs=1e-6)
        assert edge[EDGE_GAP] == pytest.approx((np.linalg.norm(apart) - 0.1 - row[4] - 0.02) / sensing, abs=1e-6)
        assert edge[[EDGE_VX, EDGE_VY]] == pytest.approx(frame @ (row[2:4] - scene.state[3:]), abs=1e-6)
        assert np.hypot(edge[EDGE_INTENT_X], edge[EDGE_INTENT_Y]) <= 1.0 + 1e-6
        assert edge[EDGE_HIGHER_ID] == (0.0 if row[N_ID] < 0.0 else np.sign(row[N_ID] - 3.0))
        intent = frame @ (row[N_INTENT_X : N_INTENT_X + 2] - row[:2])
        told = math.atan2(edge[EDGE_INTENT_Y], edge[EDGE_INTENT_X])
        assert told == pytest.approx(math.atan2(intent[1], intent[0]), abs=1e-4)
    for obstacle, edge in zip(scene.things, seen.edges[K:], strict=False):
        gap = float(surface_distance(scene.state[:2], obstacle))
        assert edge[[EDGE_IS_ROBOT, EDGE_IS_OBSTACLE]].tolist() == [0.0, 1.0]
        assert math.hypot(edge[EDGE_X], edge[EDGE_Y]) == pytest.approx(abs(gap) / sensing, abs=1e-6)
        foot = scene.state[:2] + sensing * frame.T @ edge[[EDGE_X, EDGE_Y]]
        assert surface_distance(foot, obstacle) == pytest.approx(0.0, abs=1e-5)
        assert edge[EDGE_GAP] == pytest.approx((gap - 0.11) / sensing, abs=1e-6)
        signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
        c, s = obstacle[5:7]
        corners = obstacle[:2] + (signs * obstacle[2:4]) @ np.array([[c, s], [-s, c]]) - scene.state[:2]
        aside = corners @ frame[1]
        ends = [aside.min() - obstacle[4], aside.max() + obstacle[4]]
        assert edge[[EDGE_RIGHT, EDGE_LEFT]] == pytest.approx(np.clip(np.array(ends) / sensing, -1.0, 1.0), abs=1e-6)


def test_the_last_action_and_the_kind_are_in_it() -> None:
    for kind in KINDS:
        scene = Scene(np.random.default_rng(1), kind)
        ego = scene.seen().ego
        kinds = ego[[EGO_SINGLE_INTEGRATOR, EGO_DOUBLE_INTEGRATOR, EGO_UNICYCLE]]
        assert kinds.tolist() == [float(kind == k) for k in KINDS]
        assert ego[EGO_ACTION : EGO_ACTION + 6] == pytest.approx(2.0 * scene.last_action - 1.0, abs=1e-6)


def test_it_tells_how_far_the_robot_has_strayed_and_for_how_long() -> None:
    scene = Scene(np.random.default_rng(1), Kind.SINGLE_INTEGRATOR)
    scene.remaining, scene.memory = 3.0, np.array([2.0, 4.0])
    ego = scene.seen().ego
    assert ego[EGO_LOST] == pytest.approx(0.5)  # 1 m of a sensing radius of 2 m
    assert ego[EGO_STUCK] == pytest.approx(0.2)  # 4 s of the 20 s that ten sensing radii take
    scene.remaining = math.inf
    assert scene.seen().ego[EGO_LOST] == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_waypoint_everything_is_finite(kind: Kind) -> None:
    scene = Scene(np.random.default_rng(2), kind)
    scene.waypoint, scene.remaining = scene.state[:2].copy(), 0.0
    scene.near[:, :2], scene.things[:, :2] = scene.state[:2], scene.state[:2]
    scene.near[:, N_INTENT_X : N_INTENT_X + 2] = scene.state[:2]
    assert all(np.isfinite(part).all() for part in scene.seen()[:3])
