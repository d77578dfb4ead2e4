"""Scenario families: the same seed gives the same scenario, robots and goals are apart, everything is in its place."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from oracles.contact import surface_distance

from envs import training
from envs.held_out import FAMILIES
from envs.scenarios import clutter, swap
from swarm.body import TOP_SPEED, body_of
from swarm.dynamics import Kind
from swarm.errors import InputError
from swarm.scenario import Scenario

Draw = Callable[[np.random.Generator], Scenario]
DRAWS: dict[str, Draw] = {"clutter": clutter.draw, "swap": swap.draw, "training": training.draw, **FAMILIES}


def drawn(draw: Draw, seed: int) -> Scenario:
    return draw(np.random.default_rng(seed))


def apart(points: np.ndarray) -> float:
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distance[~np.eye(len(points), dtype=bool)].min())


@pytest.mark.parametrize("name", list(DRAWS))
def test_the_same_seed_is_the_same_scenario(name: str) -> None:
    first, again, other = (drawn(DRAWS[name], seed) for seed in (7, 7, 8))
    for a, b in zip(first.robots, again.robots, strict=True):
        assert (a.start == b.start).all()
        assert (a.goals == b.goals).all()
        assert (a.kind, a.radius, a.limits) == (b.kind, b.radius, b.limits)
    assert (first.world.obstacles == again.world.obstacles).all()
    assert any((a.start[:2] != b.start[:2]).any() for a, b in zip(first.robots, other.robots, strict=True))


@pytest.mark.parametrize("name", list(DRAWS))
def test_everything_is_in_its_place(name: str) -> None:
    for seed in range(20):
        scenario = drawn(DRAWS[name], seed)
        bounds = scenario.world.bounds
        starts = np.array([robot.start[:2] for robot in scenario.robots])
        goals = np.array([robot.goals[-1] for robot in scenario.robots])
        radius = max(robot.radius for robot in scenario.robots)
        for points in (starts, goals):
            assert apart(points) > 3.0 * radius
            assert (points >= bounds[:2]).all()
            assert (points <= bounds[2:]).all()
            for obstacle in scenario.world.obstacles:
                assert surface_distance(points, obstacle).min() > 4.0 * radius
        for robot in scenario.robots:  # what is seen is enough for nearly full speed
            body = body_of(
                robot.kind, robot.radius, robot.limits, dt=scenario.dt, sensing_radius=scenario.sensing_radius
            )
            assert body[TOP_SPEED] >= 0.95 * robot.limits.speed
            assert (robot.start[3:] == 0.0).all()


def test_a_swap_is_across_the_circle() -> None:
    for seed in range(10):
        scenario = swap.draw(np.random.default_rng(seed), robots=6, kind=Kind.UNICYCLE, spread=20.0)
        middle = 0.5 * (scenario.world.bounds[:2] + scenario.world.bounds[2:])
        for robot in scenario.robots:
            way = robot.goals[0] - robot.start[:2]
            assert np.linalg.norm(way) == pytest.approx(2.0, abs=0.06)
            assert np.linalg.norm(0.5 * (robot.start[:2] + robot.goals[0]) - middle) < 0.02
            assert abs(math.remainder(math.atan2(way[1], way[0]) - robot.start[2], math.tau)) < 0.05
    wide = swap.draw(np.random.default_rng(0), robots=40)  # the circle grows with the team
    assert apart(np.array([robot.start[:2] for robot in wide.robots])) > 0.3


def test_the_kinds_of_a_team_and_its_numbers_are_as_asked() -> None:
    for kind in Kind:
        scenario = clutter.draw(np.random.default_rng(0), robots=5, obstacles=3, side=3.0, kind=kind, radius=0.1)
        assert [robot.kind for robot in scenario.robots] == [kind] * 5
        assert [robot.radius for robot in scenario.robots] == [0.1] * 5
        assert scenario.world.boxes.shape == (3, 4)
        assert (scenario.world.boxes[:, 2:] * 2.0 <= 1.0).all()
        assert (scenario.world.boxes[:, 2:] * 2.0 >= 0.2).all()


def test_a_room_that_is_too_small_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(InputError, match="clutter"):
        clutter.draw(np.random.default_rng(0), robots=30, side=0.5)


def test_training_has_all_kinds_and_sizes() -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(60):
        scenario = training.draw(rng)
        seen.add((scenario.name, scenario.robots[0].kind, scenario.robots[0].radius))
    assert {kind for _, kind, _ in seen} == set(Kind)
    assert {radius for *_, radius in seen} == {0.05, 0.25}
    assert {name for name, *_ in seen} == {"clutter", "swap"}
