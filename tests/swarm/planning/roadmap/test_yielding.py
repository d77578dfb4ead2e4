"""Robots at home make way: out of the straight line of one that wants through, and for nobody else."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.arena import team_planner
from envs.arena.episodes import Episodes, run_episodes
from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits
from swarm.planning.roadmap.planner import RoadmapPlanner
from swarm.planning.roadmap.yielding import yield_all, yield_aside
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.sense.neighbours import N_INTENT_X, N_INTENT_Y, N_RADIUS, N_X, N_Y, NEIGHBOUR
from swarm.tune.controllers import make_controller

HOME = np.array([5.0, 5.0])


def neighbour(x: float, y: float, to_x: float, to_y: float, radius: float = 0.3) -> Array:
    row = np.zeros(NEIGHBOUR)
    row[[N_X, N_Y, N_INTENT_X, N_INTENT_Y, N_RADIUS]] = x, y, to_x, to_y, radius
    return row


def asked(*others: Array, position: Array = HOME, goal: Array = HOME) -> Array:
    return yield_aside(position, 0.2, 0.05, goal, np.array(others), -1)


def distance_to_way(point: Array, other: Array) -> float:
    """Of a point from the straight way of a robot, by sampling."""
    start, end = other[[N_X, N_Y]], other[[N_INTENT_X, N_INTENT_Y]]
    return float(min(np.linalg.norm(start + share * (end - start) - point) for share in np.linspace(0.0, 1.0, 2001)))


@given(
    bearing=st.floats(-math.pi, math.pi), gap=st.floats(0.0, 0.19), across=st.floats(-0.9, 0.9),
    length=st.floats(1.4, 9.0),
)  # fmt: skip
def test_it_steps_out_of_the_way_and_is_then_not_asked(
    bearing: float, gap: float, across: float, length: float
) -> None:
    both = 0.2 + 0.3 + 2 * 0.05
    course = bearing + math.asin(across * both / (both + gap))
    x, y = HOME - (both + gap) * np.array([math.cos(bearing), math.sin(bearing)])
    other = neighbour(x, y, x + length * math.cos(course), y + length * math.sin(course))
    *place, stop = asked(other)
    aside = np.array(place)
    assert stop == pytest.approx(min(np.linalg.norm(aside - HOME), 0.2))
    assert distance_to_way(aside, other) > both, "room for both, and the margins"
    assert np.linalg.norm(aside - HOME) < 2.11 * both, "not farther than needed"
    assert np.isnan(asked(other, position=aside)).all()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (neighbour(4.3, 5.0, 1.0, 5.0), "it drives away"),
        (neighbour(4.3, 5.0, 4.5, 5.0), "it has arrived"),
        (neighbour(4.3, 5.0, 4.3, 5.0), "it tells nothing"),
        (neighbour(4.1, 5.0, 9.0, 5.0), "it is still far"),
        (neighbour(4.3, 5.0, 4.3, 9.0), "it passes"),
    ],
)
def test_it_stays_for_the_others(other: Array, why: str) -> None:
    assert np.isfinite(asked(neighbour(4.3, 5.0, 9.0, 5.0))).all()
    assert np.isnan(asked(other)).all(), why
    assert np.isnan(yield_aside(HOME, 0.2, 0.05, HOME, other[None], 0)).all(), "not for itself"


def test_who_is_on_its_way_gives_none() -> None:
    assert np.isnan(asked(neighbour(4.3, 5.0, 9.0, 5.0), goal=HOME + 0.5)).all()


def test_the_nearest_counts() -> None:
    near, far = neighbour(4.4, 5.01, 9.0, 5.01), neighbour(5.01, 4.25, 5.01, 9.0)
    np.testing.assert_array_equal(asked(near, far), asked(near))
    np.testing.assert_array_equal(asked(far, near), asked(near))


def test_alone_as_together() -> None:
    rng, count = np.random.default_rng(0), 300
    others = np.zeros((count, NEIGHBOUR))
    others[:, [N_X, N_Y]] = rng.uniform(0.0, 12.0, (count, 2))
    others[:, [N_INTENT_X, N_INTENT_Y]] = others[:, [N_X, N_Y]] + rng.uniform(-3.0, 3.0, (count, 2))
    others[:, N_RADIUS] = 0.3
    goals = others[:, [N_X, N_Y]] + rng.uniform(-0.3, 0.3, (count, 2))
    who = np.arange(0, count, 3)
    waypoints, remaining = goals.copy(), np.linalg.norm(goals - others[:, [N_X, N_Y]], axis=1)
    yield_all(who, others, goals, 0.02, waypoints, remaining)
    world = World(np.array([-1.0, -1.0, 13.0, 13.0]))
    for k in range(count):
        expected = goals[k]
        if k in who:
            state = np.array([*others[k, [N_X, N_Y]], 0.0, 0.0, 0.0])
            rest = np.delete(others, k, axis=0)
            view = SimpleNamespace(state=state, goal=goals[k], time=0.0, neighbours=rest)
            plan = RoadmapPlanner(world, 0.3, 0.02).plan(view)  # type: ignore[arg-type]
            expected = plan.waypoint
            assert remaining[k] == pytest.approx(plan.stop_distance)
        np.testing.assert_allclose(waypoints[k], expected, atol=1e-12)
    assert 0.1 < (waypoints != goals).any(axis=1)[who].mean() < 0.9


def shut_in(_: np.random.Generator) -> Scenario:
    """One robot in a ring of six that stand at their goals; the gaps between them are too narrow for it."""
    angles = np.arange(6) * math.pi / 3.0
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    places = [(np.zeros(2), np.array([3.0, 0.2])), *((at, at) for at in ring)]
    robots = [
        RobotSpec(Kind.SINGLE_INTEGRATOR, np.array([*start, 0.0, 0.0, 0.0]), goal[None], 0.3, Limits(0.5))
        for start, goal in places
    ]
    return Scenario(World(np.array([-4.0, -4.0, 4.0, 4.0])), tuple(robots), horizon=30.0, sensing_radius=3.0)


def drive() -> Episodes:
    return run_episodes(shut_in, make_controller("fixed:6,1"), 1, seed=0, planner="roadmap")


@pytest.mark.usefixtures("one_thread")
def test_a_robot_that_is_shut_in_gets_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drive().success.all()
    monkeypatch.setattr(team_planner, "yield_all", lambda *_: None)
    assert drive().success.tolist() == [[False] + 6 * [True]]
