"""Goals that no way of a robot's width reaches: said beforehand, and waited for out of the way of others."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envs.arena.episodes import play
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from swarm.model.body import MARGIN, way_margin
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.planning.gaps import goals_without_way
from swarm.planning.passages.team import sizes_of
from swarm.robot import Robot
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.tune.controllers import make_controller


def disc(start: tuple[float, float], goal: tuple[float, float], radius: float) -> RobotSpec:
    """A robot that drives wherever it wants."""
    state = np.array([*start, 0.0, 0.0, 0.0])
    return RobotSpec(Kind.SINGLE_INTEGRATOR, state, np.array([goal]), radius, Limits(1.0))


def wall_with_gap(low: float, width: float, x: float = 4.0, thickness: float = 0.4) -> World:
    """A room of 8 x 4 m, with a wall across that has a gap."""
    sides = ((-1.0, low), (low + width, 5.0))
    boxes = [[x, 0.5 * (a + b), 0.5 * thickness, 0.5 * (b - a)] for a, b in sides]
    return World(np.array([0.0, 0.0, 8.0, 4.0]), np.array(boxes))


@pytest.mark.parametrize("seed", range(12))
def test_a_gap_that_is_too_narrow_is_found_with_its_width_and_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    radius, low = rng.uniform(0.2, 0.5), rng.uniform(1.0, 2.0)
    width = 2.0 * radius * rng.choice([rng.uniform(0.5, 0.9), rng.uniform(1.0, 1.5)])
    x, thickness = rng.uniform(3.0, 5.0), rng.uniform(0.05, 1.0)
    team = (disc((1.0, 2.0), (7.0, 2.0), radius), disc((1.0, 0.6), (7.0, 0.6), 0.4 * width))
    found = goals_without_way(Scenario(wall_with_gap(low, width, x, thickness), team))
    assert [one.robot for one in found] == ([0] if width < 2.0 * radius else [])
    for one in found:
        assert one.gap == pytest.approx(width, abs=0.03 * radius) and one.needs == pytest.approx(2.0 * radius)
        assert abs(one.place[0] - x) <= 0.5 * thickness + 0.1 and abs(one.place[1] - low - 0.5 * width) < 0.1
        assert f"{one.gap:.2f} m" in str(one) and "robots[0]" in str(one)


def test_the_margin_counts() -> None:
    scenario = Scenario(wall_with_gap(1.5, 1.0), (disc((1.0, 2.0), (7.0, 2.0), 0.45),))
    assert not goals_without_way(scenario)
    assert [one.needs for one in goals_without_way(scenario, 0.1)] == [pytest.approx(1.1)]


def test_a_wall_without_a_gap_is_for_nobody_and_a_goal_beside_a_wall_is_reached_as_nearly_as_can_be() -> None:
    closed = Scenario(wall_with_gap(1.0, 0.0), (disc((1.0, 2.0), (7.0, 2.0), 0.2),))
    assert [one.gap for one in goals_without_way(closed)] == [0.0]
    beside = Scenario(wall_with_gap(1.0, 0.0), (disc((1.0, 2.0), (3.75, 2.0), 0.3),))
    assert not goals_without_way(beside)


@pytest.mark.parametrize("planner", ["roadmap", "passages"])
@pytest.mark.parametrize(("low", "width"), [(1.5, 0.8), (0.4, 0.6), (2.6, 0.7)])
def test_who_has_no_way_waits_out_of_the_way_of_who_has_one(planner: str, low: float, width: float) -> None:
    middle = low + 0.5 * width
    team = disc((1.0, 2.0), (7.0, 2.0), 0.6), disc((7.0, middle), (1.0, middle), 0.15)

    def drive(robots: tuple[RobotSpec, ...], who: int) -> Run:
        scenario = Scenario(wall_with_gap(low, width), robots, horizon=30.0, sensing_radius=3.0)
        run = Run(scenario, Fleet(scenario, planner=planner, controller="fixed:6,1"), ExactPlant(scenario))
        while run.tick_count < run.steps and not run.reached[who]:
            run.tick()
        return run

    both, alone = drive(team, 1), drive(team[1:], 0)
    assert both.reached[1] and not both.touched.any()
    assert both.time <= 1.3 * alone.time + 1.0
    until = both.time
    for _ in range(200):
        both.tick()
    way = np.array(both.trajectory.position)[:, 0]
    assert math.dist(way[-1], way[-100]) < 0.01, "it goes to and fro"
    assert until < 20.0 and way[:, 0].max() < 3.0, "it drives to the wall"


@pytest.mark.parametrize("kind", [Kind.DOUBLE_INTEGRATOR, Kind.UNICYCLE])
def test_a_place_that_it_fits_through_slowly_though_not_fast_is_on_its_way(kind: Kind) -> None:
    errors = ErrorBounds(position=0.03, heading=0.05, age=0.05, lag=0.15, slip=0.05)
    limits = Limits(1.0, math.inf if kind == Kind.UNICYCLE else 2.0, 4.0)
    one = RobotSpec(kind, np.array([1.5, 2.0, 0.0, 0.0, 0.0]), np.array([[6.5, 2.0]]), 0.25, limits)
    body = one.body(dt=0.05, sensing_radius=3.0, errors=errors)
    slow, fast = way_margin(kind, body, one.limits, errors), float(body[MARGIN])
    assert 0.03 < slow < fast
    room = 2.0 * (0.25 + 0.5 * (slow + fast)) / 0.97  # with what the roadmap plans on top
    world = wall_with_gap(2.0 - 0.5 * room, room)
    scenario = Scenario(world, (one,), dt=0.05, sensing_radius=3.0, errors=errors, horizon=20.0)
    assert not goals_without_way(scenario)
    found = play(
        [scenario], lambda core, _: np.asarray(make_controller("fixed:6,1")(core.observe()), float), planner="roadmap"
    )
    assert found.success.all()


@pytest.mark.parametrize("outline", [None, box(0.5, 0.25)])
def test_what_a_wrong_heading_costs_counts_as_the_robot_itself_counts_it(outline: np.ndarray | None) -> None:
    radius = reach(box(0.5, 0.25))
    start, goals, limits = np.array([1.0, 2.0, 0.0, 0.0, 0.0]), np.array([[7.0, 2.0]]), Limits(0.5, turn_rate=0.5)
    one = RobotSpec(Kind.UNICYCLE, start, goals, radius, limits, footprint=outline)
    scenario = Scenario(wall_with_gap(1.9, 0.2), (one,), sensing_radius=4.0, errors=ErrorBounds(heading=0.1))
    robot = Robot(one, scenario.world, dt=scenario.dt, sensing_radius=4.0, errors=scenario.errors)
    margin, least = way_margin(one.kind, robot.body, one.limits, scenario.errors), radius if outline is None else 0.125
    assert (margin > 0.1 * radius) == (outline is not None)  # a disc that turns stays where it is
    assert [found.needs for found in goals_without_way(scenario)] == [pytest.approx(2.0 * (least + margin))]
    exact, wrong = sizes_of(scenario, assumed=ErrorBounds()), sizes_of(scenario)
    assert wrong.largest - exact.largest == pytest.approx(float(robot.body[MARGIN]))


def test_outlines_with_one_disc_around_are_not_mistaken_for_it() -> None:
    outline = box(0.5, 0.25)
    start, goals, limits = np.array([1.0, 2.0, 0.0, 0.0, 0.0]), np.array([[7.0, 2.0]]), Limits(0.5, turn_rate=0.5)
    discs = RobotSpec(Kind.UNICYCLE, start, goals, reach(outline), limits)
    cart = replace(discs, start=start + np.eye(5)[1], footprint=outline)
    world, errors = wall_with_gap(1.0, 2.0), ErrorBounds(heading=0.1)
    either = [sizes_of(Scenario(world, (one,), sensing_radius=4.0, errors=errors)).largest for one in (discs, cart)]
    both = Scenario(world, (discs, cart), sensing_radius=4.0, errors=errors)
    assert max(either) > min(either)
    assert sizes_of(both).largest == pytest.approx(0.5 * sum(either))  # no two of the larger one are there
