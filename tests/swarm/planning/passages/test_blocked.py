"""Passages in which somebody stands and says nothing: another way is taken, or it is waited for outside."""

from __future__ import annotations

import numpy as np
import pytest

from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.model.dynamics import Kind, Limits
from swarm.planning.passages.planner import PassagePlanner
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

RADIUS = 0.1


def disc(start: tuple[float, float], goal: tuple[float, float], cooperative: bool = True) -> RobotSpec:
    state = np.array([*start, 0.0, 0.0, 0.0])
    return RobotSpec(Kind.SINGLE_INTEGRATOR, state, np.array([goal]), RADIUS, Limits(0.5), cooperative=cooperative)


def dead(x: float, y: float) -> RobotSpec:
    return disc((x, y), (x, y), cooperative=False)


def lanes(*middles: float, length: float = 1.5) -> World:
    """Two rooms with lanes for one robot between them, from left to right."""
    half, edges = 1.3 * RADIUS, [0.0]
    for middle in middles:
        edges += [middle - half, middle + half]
    edges.append(4.0)
    walls = zip(edges[::2], edges[1::2], strict=True)
    boxes = [[3.0, 0.5 * (low + high), 0.5 * length, 0.5 * (high - low)] for low, high in walls]
    return World(np.array([0.0, 0.0, 6.0, 4.0]), np.array(boxes))


def start(world: World, *robots: RobotSpec, horizon: float = 60.0) -> Run:
    scenario = Scenario(world, robots, horizon, 0.05, 1.0, "lanes")
    return Run(scenario, Fleet(scenario, planner="passages", controller="fixed:6,1"), ExactPlant(scenario))


def planner_of(run: Run, robot: int = 0) -> PassagePlanner:
    planner = run.fleet.robots[robot].planner
    assert isinstance(planner, PassagePlanner)
    return planner


@pytest.mark.parametrize("where", [2.4, 3.0, 3.6])
def test_another_lane_is_taken_and_not_left_again(where: float) -> None:
    world = lanes(1.0, 3.0)
    run = start(world, disc((1.0, 1.0), (5.0, 1.0)), dead(where, 1.0))
    while run.tick_count < run.steps and not run.reached[0]:
        run.tick()
    assert run.reached[0] and not run.touched.any()
    y = np.array(run.trajectory.position)[:, 0, 1]
    turns = np.flatnonzero(np.diff(np.sign(y - 2.0)))
    assert len(turns) == 2, "it goes to and fro"


@pytest.mark.parametrize("where", [2.4, 3.0, 3.6])
def test_without_another_way_it_waits_outside_and_says_for_whom(where: float) -> None:
    run = start(lanes(2.0), disc((1.0, 2.0), (5.0, 2.0)), dead(where, 2.0), horizon=40.0)
    for _ in range(run.steps):
        commands = run.tick()
    planner, place = planner_of(run), run.states[0, :2]
    assert planner.slices.at(*place.tolist()) == 0 and not run.touched.any()
    assert np.linalg.norm(np.array(run.trajectory.position)[-200:, 0] - place, axis=1).max() < 0.5 * RADIUS
    note = commands[0].plan.note
    assert "passage" in note and f"[{where:.2f}, 2.00]" in note and "no other way" in note


def test_it_goes_on_once_it_has_seen_that_the_lane_is_free() -> None:
    run = start(lanes(2.0), disc((1.0, 2.0), (5.0, 2.0)), dead(2.6, 2.0))
    for _ in range(300):
        run.tick()
    assert not run.reached[0] and not any(planner_of(run).held)
    assert isinstance(run.plant, ExactPlant)
    states = run.plant.state()
    states[1, :2] = 5.5, 3.5  # somebody carries it away
    run.plant.place(states)
    run.states[:] = states
    while run.tick_count < run.steps and not run.reached[0]:
        run.tick()
    assert run.reached[0]


def test_who_waits_for_a_blocked_lane_keeps_nobody_from_another_one() -> None:
    def time(*more: RobotSpec) -> float:
        run = start(lanes(1.0), disc((1.6, 3.5), (1.6, 0.4)), *more)
        while run.tick_count < run.steps and not run.reached[0]:
            run.tick()
        return run.time

    assert time(disc((0.5, 1.0), (5.0, 1.0)), dead(2.6, 1.0)) <= 1.3 * time() + 1.0


def test_who_stands_beside_a_mouth_closes_nothing() -> None:
    run = start(lanes(2.0), disc((1.0, 2.0), (5.0, 2.0)), dead(2.08, 2.26))
    assert planner_of(run).slices.at(2.08, 2.26) > 0
    while run.tick_count < run.steps and not run.reached[0]:
        run.tick()
    assert run.reached[0] and not run.touched.any()
