"""The minds of a team in one call decide what each robot decides alone, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles.polygons import random_polygon

import envs
from envs.rollout.delays import Delays
from envs.rollout.late_bodies import LateBodies
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import draw_family
from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.error_bounds import ErrorBounds
from swarm.model.footprint.polygon import reach
from swarm.model.strangers import Strangers
from swarm.planning import Plan
from swarm.robot import Command
from swarm.scenario.map_file import load_map
from swarm.scenario.scenario import Scenario, deliveries
from swarm.sense.view import View
from swarm.tune.controllers import make_controller, takes_batches
from swarm.tune.observation import EDGE, EGO, Observation

ERRORS = ErrorBounds(position=0.002, latency=0.05, age=0.03, dead_time=0.03, lag=0.03)


class OneByOne(Fleet):
    """The same robots, each for itself."""

    def step(self, now: float, states: Array, goals: Array, actions: Array | None = None) -> list[Command]:
        views = self.views(now, states, goals)
        commands = [
            robot.step(view, None if actions is None else actions[i])
            for i, (robot, view) in enumerate(zip(self.robots, views, strict=True))
        ]
        self.messages = {i: command.message for i, command in enumerate(commands) if self.robots[i].cooperative}
        return commands


def stations(robots: int = 24) -> Scenario:
    """Deliveries in the warehouse, where robots take cells."""
    grid, _ = load_map(Path(envs.__file__).parent / "maps" / "warehouse.map", 1.0)
    return deliveries(grid, robots, np.random.default_rng(1), goals_per_robot=20, horizon=60.0)


def bits(command: Command) -> list[Any]:
    """All that a command says, comparable to the last bit."""
    arrays = [command.control, command.tunables, command.action, command.plan.waypoint, *(command.ahead or ())]
    scalars = command.outcome, float(command.relaxation), command.clearance, command.message
    return [np.asarray(array, np.float64).tobytes() for array in arrays] + list(scalars)


def compare(make: Callable[[type[Fleet]], Run], steps: int, actions: Array | None = None) -> Run:
    """Drive the team and the robots one by one; all commands and states are equal."""
    together, alone = make(Fleet), make(OneByOne)
    for step in range(steps):
        given = None if actions is None else actions[step]
        for one, other in zip(together.tick(given), alone.tick(given), strict=True):
            assert bits(one) == bits(other), step
        assert together.states.tobytes() == alone.states.tobytes(), step
    assert together.outcomes == alone.outcomes
    return together


@pytest.mark.parametrize(
    "controller", ["tuner", "alone:tuner", "fixed:4,1", "random_rotation:4,1", "wall_following:4,1"]
)
@pytest.mark.parametrize("family", ["mixed", "dense"])
def test_equal_in_exact_worlds(family: str, controller: str) -> None:
    scenario = draw_family(family, 3)
    run = compare(lambda team: Run(scenario, team(scenario, controller=controller), ExactPlant(scenario)), 40)
    assert run.fleet.step_ms and min(run.fleet.step_ms) > 0.0


def test_equal_where_robots_take_cells_and_some_are_held() -> None:
    scenario = stations()

    def make(team: type[Fleet]) -> Run:
        delays = Delays(np.random.default_rng(0), 24, 0.3, scenario.dt)
        return Run(scenario, team(scenario, planner="cells"), ExactPlant(scenario), delays=delays)

    run = compare(make, 60)
    assert run.delays is not None and run.delays.holds > 0


@pytest.mark.parametrize("family", ["mixed", "swap"])
def test_equal_with_errors(family: str) -> None:
    scenario = replace(draw_family(family, 5), errors=ERRORS)
    compare(lambda team: Run(scenario, team(scenario, planner="straight", seed=2), LateBodies(scenario)), 40)


@pytest.mark.parametrize("errors", [ErrorBounds(), ERRORS])
def test_equal_with_polygons(errors: ErrorBounds) -> None:
    scenario = draw_family("mixed", 5)
    shapes = [random_polygon(np.random.default_rng(i), robot.radius) for i, robot in enumerate(scenario.robots)]
    robots = tuple(
        robot if i == 2 else replace(robot, footprint=shape, radius=reach(shape))
        for i, (robot, shape) in enumerate(zip(scenario.robots, shapes, strict=True))
    )
    scenario = replace(scenario, robots=robots, errors=errors)

    def make(team: type[Fleet]) -> Run:
        plant = LateBodies(scenario) if errors.any else ExactPlant(scenario)
        return Run(scenario, team(scenario, planner="straight", seed=2), plant)

    run = compare(make, 60)
    assert run.collisions == 0
    assert 0.0 <= run.min_clearance < 0.2


def test_equal_beside_a_stranger_and_with_actions_from_outside() -> None:
    scenario = draw_family("mixed", 4)
    robots = tuple(replace(robot, ignores=i == 1) for i, robot in enumerate(scenario.robots))
    scenario = replace(scenario, robots=robots, strangers=Strangers(1.5, 3.0))
    actions = np.random.default_rng(0).uniform(-0.2, 1.2, (40, len(robots), 6))  # also outside of the box
    compare(lambda team: Run(scenario, team(scenario), ExactPlant(scenario)), 40)
    compare(lambda team: Run(scenario, team(scenario), ExactPlant(scenario)), 40, actions)


class Breaks:
    """A planner that fails after a while."""

    def plan(self, view: View) -> Plan:
        if view.time > 0.5:
            raise InputError("planner", view.time, "at most 0.5 s")
        return Plan(view.goal)


def broken_planner(fleet: Fleet, run: Run) -> None:
    fleet.robots[2].planner = Breaks()  # type: ignore[assignment]


def broken_state(fleet: Fleet, run: Run) -> None:
    run.states[2, 0] = np.nan


def broken_goal(fleet: Fleet, run: Run) -> None:
    run.goals[2, 1] = np.inf


@pytest.mark.parametrize("damage", [broken_planner, broken_state, broken_goal])
def test_what_stops_a_robot_stops_the_team_with_the_same_words(damage: Callable[[Fleet, Run], None]) -> None:
    scenario, words = draw_family("mixed", 4), []
    for team in (Fleet, OneByOne):
        run = Run(scenario, team(scenario, planner="straight"), ExactPlant(scenario))
        damage(run.fleet, run)
        with pytest.raises(InputError) as error:
            for _ in range(40):
                run.fleet.step(run.time, run.states, run.goals)
                run.tick_count += 1
        words.append(str(error.value))
    assert words[0] == words[1]


@pytest.mark.parametrize("wrong", [np.full((8, 6), np.nan), np.zeros((8, 5))])
def test_actions_that_are_none_are_refused_alike(wrong: Array) -> None:
    scenario, words = draw_family("swap", 4), []
    wrong = np.resize(wrong, (len(scenario.robots), wrong.shape[1]))
    for team in (Fleet, OneByOne):
        run = Run(scenario, team(scenario, planner="straight"), ExactPlant(scenario))
        with pytest.raises(InputError) as error:
            run.tick(wrong)
        words.append(str(error.value))
    assert words[0] == words[1]


def test_a_controller_of_a_users_own_is_asked_robot_by_robot() -> None:
    scenario, shapes = draw_family("mixed", 4), set()

    def own(observation: Observation) -> Array:
        shapes.add(observation.ego.shape)
        return np.clip(observation.ego[:6].astype(np.float64), 0.0, 1.0)

    compare(lambda team: Run(scenario, team(scenario, controller=own), ExactPlant(scenario)), 20)
    assert shapes == {(EGO,)}


@pytest.mark.parametrize("robots", [1, 2, 3, 17, 100, 300])
def test_the_network_gives_a_batch_what_it_gives_each_robot_alone(robots: int) -> None:
    network, rng = make_controller("tuner"), np.random.default_rng(robots)
    assert takes_batches(network)
    mask = rng.random((robots, 32)) < rng.random((robots, 1))
    edges = np.where(mask[..., None], rng.normal(size=(robots, 32, EDGE)), 0.0).astype(np.float32)
    seen = Observation(rng.normal(size=(robots, EGO)).astype(np.float32), edges, mask)
    one_by_one = [network(Observation(*parts)) for parts in zip(*seen[:3], strict=True)]
    assert network(seen).tobytes() == np.array(one_by_one).tobytes()
