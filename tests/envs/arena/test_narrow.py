"""What gap one robot needs: it passes windows and lanes of 2.1 × (radius + margin), in all dynamics, from any heading.

Gaps to the walls are true distances at six instants of every period.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from swarm.model.dynamics import Kind, Limits
from swarm.planning.roadmap.detour import Ways
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.sense.neighbours import NEIGHBOUR
from swarm.tune.controllers import make_controller

LIMITS = {
    "single_integrator": Limits(0.8),
    "double_integrator": Limits(0.8, acceleration=1.5),
    "unicycle": Limits(0.8, turn_rate=1.5),
    "slow turns": Limits(0.4, turn_rate=0.5),
    "second order": Limits(0.8, 1.5, 1.5, 4.0),
}
HEADINGS = np.linspace(-math.pi, math.pi, 6, endpoint=False) + 0.3
LENGTHS = (0.2, 1.5, 10.0)


def wall(gap: float, length: float, radius: float, *, upright: bool = False) -> World:
    """Two boxes with a gap [m] between them, through a wall of so many radii, 8 radii from the ends of the world."""
    side, height, middle, half = 8.0 * radius, 16.0 * radius, 7.3 * radius, 0.5 * length * radius
    low, high = middle - 0.5 * gap, middle + 0.5 * gap
    boxes = np.array(
        [
            [side + half, 0.5 * (low - radius), half, 0.5 * (low + radius)],
            [side + half, 0.5 * (high + height + radius), half, 0.5 * (height + radius - high)],
        ]
    )
    bounds = np.array([0.0, 0.0, 2.0 * (side + half), height])
    return World(bounds[[1, 0, 3, 2]], boxes[:, [1, 0, 3, 2]]) if upright else World(bounds, boxes)


def lone(name: str, world: World, start: tuple[float, float, float], radius: float, *, upright: bool) -> Scenario:
    """One robot, in front of the wall, whose goal is behind it."""
    x, y, heading = start
    goal = np.array([world.bounds[3 if upright else 2] - 3.0 * radius, 10.0 * radius])
    place, goal = (np.array([y, x]), goal[::-1]) if upright else (np.array([x, y]), goal)
    kind = Kind[name.upper()] if name.upper() in Kind.__members__ else Kind.UNICYCLE
    state = np.array([*place, heading if kind == Kind.UNICYCLE else 0.0, 0.0, 0.0])
    return Scenario(world, (RobotSpec(kind, state, goal[None], radius, LIMITS[name]),), horizon=90.0, dt=0.1)


def drive(scenarios: list[Scenario], *, margin: float = 0.0, planner: str = "roadmap", controller: str = "tuner"):
    """The core after all robots have arrived, or 90 s."""
    waiting = iter(scenarios)
    core = ArenaCore(
        lambda _: next(waiting), worlds=len(scenarios), margin=margin, redraw=False, checks=6, planner=planner
    )
    policy = make_controller(controller)
    while not core.resting.all() and (core.age < core.horizon).all():
        core.advance(np.array(policy(core.observe())))
        core.arrive()
    return core


@pytest.mark.parametrize("margin", [0.0, 0.03])
@pytest.mark.parametrize("name", ["unicycle", "slow turns", "second order"])
def test_a_gap_of_little_more_than_a_robot_lets_it_through(name: str, margin: float) -> None:
    radius, scenarios = 0.2, []
    for k, heading in enumerate(HEADINGS):
        for length in LENGTHS:
            world = wall(2.1 * (radius + margin), length, radius, upright=k % 2 == 1)
            start = 2.0 * radius + 0.7 * k * radius, (3.0 + 1.5 * k) * radius, heading
            scenarios.append(lone(name, world, start, radius, upright=k % 2 == 1))
    core = drive(scenarios, margin=margin)
    assert not core.collided.any() and core.min_clearance.min() >= margin - 1e-9
    assert core.reached.all(), np.argwhere(~core.reached)


@pytest.mark.parametrize("name", ["single_integrator", "double_integrator", "unicycle", "second order"])
@pytest.mark.parametrize("margin", [0.0, 0.03])
def test_it_passes_without_a_roadmap_where_its_goal_is_straight_ahead(name: str, margin: float) -> None:
    radius, scenarios = 0.2, []
    for length in LENGTHS:
        world = wall(2.1 * (radius + margin), length, radius)
        scenario = lone(name, world, (2.0 * radius, 7.3 * radius, 0.0), radius, upright=False)
        goal = np.array([[world.bounds[2] - 2.0 * radius, 7.3 * radius]])
        robot = scenario.robots[0]
        spec = RobotSpec(robot.kind, robot.start, goal, radius, robot.limits)
        scenarios.append(Scenario(world, (spec,), horizon=90.0, dt=0.1))
    core = drive(scenarios, margin=margin, planner="straight", controller="fixed:20,1,20,1")
    assert not core.collided.any() and core.reached.all()


def test_unicycles_alone_beside_the_mouth_of_a_lane_go_in() -> None:
    radius, rng, scenarios = 0.2, np.random.default_rng(3), []
    for k in range(24):
        x, y = (8.0 - rng.uniform(1.05, 1.6)) * radius, (7.3 + rng.choice([-1, 1]) * rng.uniform(1.0, 3.0)) * radius
        start = x, y, rng.uniform(-math.pi, math.pi)
        scenarios.append(
            lone("unicycle", wall(2.5 * radius, 15.0, radius, upright=k % 2 == 1), start, radius, upright=k % 2 == 1)
        )
    core = drive(scenarios)
    assert not core.collided.any() and core.reached.all(), np.argwhere(~core.reached)


@pytest.mark.parametrize(("gap", "way"), [(1.9, False), (2.04, False), (2.08, True), (2.3, True)])
@pytest.mark.parametrize("length", LENGTHS)
def test_there_is_a_way_where_the_robot_fits_with_what_it_loses_by_not_driving_straight(
    gap: float, way: bool, length: float
) -> None:
    nobody, radius = np.empty((0, NEIGHBOUR)), 0.2
    for shift in np.linspace(0.0, 0.1, 5):  # of the grid against the gap
        world = wall(gap * radius, length, radius)
        world = World(world.bounds - [0.0, shift, 0.0, 0.0], world.boxes)
        ends = np.array([[0.6, 0.6]]), np.array([[world.bounds[2] - 0.6, 2.0]])
        ways = Ways(world, np.array([radius]), turns=np.array([True]))
        found = ways.plan(0.0, *ends, lambda _: nobody)
        assert (np.isfinite(found[0, 2]) and not ways.nowhere[0]) == way
