"""Cars driven robot by robot: as in batched worlds, and never off their arcs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.model.actuators import T_CURVATURE
from swarm.scenario.scenario import Scenario, load_scenario

CARS = Path(__file__).parents[3] / "envs" / "maps" / "cars.yaml"


def cars() -> Scenario:
    """The shipped example."""
    return load_scenario(CARS)


@pytest.mark.parametrize("solver", ["kernel", "cvxpy"])
def test_the_example_arrives_without_a_touch_and_within_its_arcs(solver: str) -> None:
    scenario = cars()
    fleet = Fleet(scenario, planner="roadmap", controller="tuner")
    if solver == "cvxpy":
        from swarm.filter.reference import ReferenceSolver

        for mind in fleet.robots:
            mind._filter._solver = ReferenceSolver()
    run = Run(scenario, fleet, ExactPlant(scenario))
    reached, before = np.zeros(len(scenario.robots), bool), np.zeros(len(scenario.robots))
    for _ in range(800 if solver == "kernel" else 60):
        run.tick()
        for i, robot in enumerate(scenario.robots):
            speed, turn_rate = run.commands[i].control
            assert abs(turn_rate) <= robot.limits.curvature * abs(speed) * (1.0 + 1e-9) + 1e-12
            assert -robot.limits.reverse_speed - 1e-9 <= speed <= robot.limits.speed + 1e-9
            now = np.arctan(robot.limits.wheelbase * fleet.robots[i].trail(run.states[i])[T_CURVATURE])
            assert abs(now - before[i]) <= robot.limits.steering_rate * scenario.dt * (1.0 + 1e-9)
            before[i] = now
        reached |= np.linalg.norm(run.states[:, :2] - run.goals, axis=1) <= 2.0 * run.radii
    assert run.collisions == 0
    assert reached.all() or solver == "cvxpy"


def test_in_bounds_hardly_wider_than_their_arcs_all_arrive() -> None:
    scenario = cars()
    world = replace(scenario.world, bounds=np.array([0.0, 0.0, 10.0, 10.0]))
    scenario = replace(scenario, world=world)
    run = Run(scenario, Fleet(scenario, planner="roadmap", controller="fixed:2,1"), ExactPlant(scenario))
    for _ in range(run.steps):
        run.tick()
        if run.reached.all():
            break
    assert run.collisions == 0
    assert run.reached.all()


def test_a_car_forgets_where_its_wheels_stand_when_it_is_reset() -> None:
    scenario = cars()
    robot = Fleet(replace(scenario, robots=scenario.robots[:1]), planner="straight", controller="fixed:4,1").robots[0]
    robot._trail[T_CURVATURE] = 0.3
    robot.reset()
    assert robot._trail[T_CURVATURE] == 0.0
