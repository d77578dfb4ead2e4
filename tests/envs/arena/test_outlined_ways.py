"""Boxes that go where the discs around them do not fit, by the planners of batched worlds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from oracles.polygons import BOX, BOX_LIMITS, BOX_RADIUS

from envs.arena.core import ArenaCore
from envs.scenarios import draw_family
from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits
from swarm.planning.gaps import goals_without_way
from swarm.planning.registry import planner_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

LIMITS = BOX_LIMITS | {"slow": (Kind.UNICYCLE, Limits(0.5, turn_rate=0.5))}
BOLD = np.array([1.0, 0.5, 1.0, 0.5, 0.5, 1.0])


def box(name: str, x: float, y: float, heading: float, goal: tuple[float, float], radius: float = 0.0) -> RobotSpec:
    """A box, or a disc of a radius."""
    kind, limits = LIMITS[name]
    outline = None if radius > 0.0 else BOX
    return RobotSpec(
        kind, np.array([x, y, heading, 0, 0]), np.array([goal]), radius or BOX_RADIUS, limits, footprint=outline
    )


def between(*rooms: tuple[float, float, float, float]) -> Array:
    """Boxes (cx, cy, half_x, half_y) from x0, y0, x1, y1."""
    return np.array([[(a + c) / 2, (b + d) / 2, (c - a) / 2, (d - b) / 2] for a, b, c, d in rooms])


def wall_with_gap(gap: float, thick: float) -> World:
    walls = between((-thick, gap / 2, thick, 4.0), (-thick, -4.0, thick, -gap / 2))
    return World(np.array([-2.5, -2.0, 2.5, 2.0]), walls)


def drive(scenarios: Sequence[Scenario], planner: str, seconds: float) -> ArenaCore:
    """Worlds, until everybody has arrived; gaps are looked at six times a period."""
    drawn = iter(scenarios)
    core = ArenaCore(lambda _: next(drawn), worlds=len(scenarios), redraw=False, planner=planner, checks=6)
    for _ in range(round(seconds / scenarios[0].dt)):
        core.advance(np.tile(BOLD, (core.num_worlds, core.num_robots, 1)))
        core.arrive()
        if core.reached.all():
            break
    return core


def draw(rng: np.random.Generator, name: str, world: World, pair: bool) -> Scenario:
    """A box on the left of a gap, and another on the right, at any heading if they turn."""
    robots = []
    for side in (1.0, -1.0) if pair else (1.0,):
        heading = rng.uniform(-math.pi, math.pi) if LIMITS[name][0] == Kind.UNICYCLE else 0.0
        start = -side * rng.uniform(1.4, 2.0), rng.uniform(-1.6, 1.6)
        robots.append(box(name, *start, heading, (side * 1.8, rng.uniform(-1.0, 1.0))))
    return Scenario(world, tuple(robots), dt=0.05, sensing_radius=2.8)


@pytest.mark.parametrize("thick", [0.1, 0.8])
@pytest.mark.parametrize("name", LIMITS)
def test_a_box_passes_gaps_and_lanes_little_wider_than_itself(name: str, thick: float) -> None:
    rng = np.random.default_rng(1)
    scenarios = [draw(rng, name, wall_with_gap(gap, thick), pair=False) for gap in (0.4, 0.35) for _ in range(6)]
    core = drive(scenarios, "roadmap", 40.0)
    assert core.reached.all() and not core.collided.any() and core.min_clearance.min() >= 0.0


@pytest.mark.parametrize("name", ["single", "double", "unicycle", "ramped"])
def test_two_boxes_swap_sides_through_a_gap(name: str) -> None:
    rng = np.random.default_rng(2)
    scenarios = [draw(rng, name, wall_with_gap(gap, 0.1), pair=True) for gap in (0.4, 0.35) for _ in range(4)]
    assert {planner_of("auto", scenario) for scenario in scenarios} == {"passages"}
    core = drive(scenarios, "passages", 40.0)
    assert core.reached.all() and not core.collided.any() and core.min_clearance.min() >= 0.0


def blocks(lane: float) -> World:
    """Nine blocks with lanes between them, which cross."""
    side, first = 1.0, 0.8
    step = side + lane
    rooms = [(first + step * i, first + step * j) for i in range(3) for j in range(3)]
    size = 2.0 * first + 3.0 * side + 2.0 * lane
    return World(np.array([0.0, 0.0, size, size]), between(*((x, y, x + side, y + side) for x, y in rooms)))


@pytest.mark.parametrize("planner", ["roadmap", "passages"])
def test_a_box_turns_at_the_crossings_of_lanes_that_its_disc_does_not_fit(planner: str) -> None:
    world, middle = blocks(0.45), 0.8 + 1.0 + 0.225
    ring = between((-1.0, -1.0, 0.75, middle - 0.3), (-1.0, middle + 0.3, 0.75, 8.0))  # no way along the edge
    ring = np.concatenate([ring, between((0.75, -1.0, 8.0, 0.8), (4.7, 0.8, 8.0, 8.0))])
    walled = World(world.bounds, np.concatenate([world.boxes, ring]))
    goal = middle + 1.45, 5.0
    robot = box("unicycle", 0.3, middle, math.pi, goal)
    scenario = Scenario(walled, (robot,), dt=0.05, sensing_radius=2.8)
    assert not goals_without_way(scenario)
    assert goals_without_way(replace(scenario, robots=(replace(robot, footprint=None),)))
    assert drive([scenario], planner, 40.0).reached.all()


def two_ways() -> World:
    """Rooms on the left and on the upper right; a lane round a corner below, and a straight one above."""
    solid = between(
        (2.0, -0.5, 4.5, 0.325), (2.0, 0.675, 4.5, 3.325), (2.0, 3.675, 4.5, 4.5),
        (4.5, -0.5, 6.5, 0.325), (4.5, 0.675, 5.025, 2.0), (5.375, 0.325, 6.5, 2.0),
    )  # fmt: skip
    return World(np.array([0.0, 0.0, 6.0, 4.0]), solid)


def test_a_box_that_cannot_turn_in_one_way_takes_another() -> None:
    def crosses_above(robot: RobotSpec) -> bool:
        core = drive([Scenario(two_ways(), (robot,), dt=0.05, sensing_radius=2.8)], "roadmap", 0.05)
        for _ in range(800):
            core.advance(np.tile(BOLD, (1, 1, 1)))
            core.arrive()
            if 3.0 < core.state[0, 0, 0] < 3.5:
                return bool(core.state[0, 0, 1] > 2.0)
        pytest.fail("it is in neither way")

    goal = 5.2, 2.4
    assert not crosses_above(box("unicycle", 1.0, 0.5, 0.0, goal, radius=0.15))  # the shorter one
    assert crosses_above(box("unicycle", 1.0, 0.5, 0.0, goal))


def test_a_box_that_does_not_turn_passes_only_gaps_for_its_heading() -> None:
    world = wall_with_gap(0.4, 0.1)
    along, across = (box("single", -1.5, 0.5, heading, (1.5, 0.0)) for heading in (0.0, math.pi / 2))
    scenarios = [Scenario(world, (robot,), dt=0.05, sensing_radius=2.8) for robot in (along, across)]
    assert [len(goals_without_way(scenario)) for scenario in scenarios] == [0, 1]
    core = drive(scenarios, "roadmap", 10.0)
    assert core.reached[:, 0].tolist() == [True, False]
    assert np.hypot(*(core.state[1, 0, :2] - across.start[:2])) < 0.1  # it waits where it is


def test_carts_deliver_in_one_lane_aisles_about_as_much_as_small_discs() -> None:
    """A cart of 0.8 x 0.5 m turns in an aisle of 1 m; ``cells`` says who goes first."""
    seconds, cart = 40.0, np.array([[0.4, 0.25], [-0.4, 0.25], [-0.4, -0.25], [0.4, -0.25]])
    discs = draw_family("warehouse", 0, robots=16, horizon=seconds)
    radius = float(np.hypot(0.4, 0.25))
    carts = replace(discs, robots=tuple(replace(one, radius=radius, footprint=cart) for one in discs.robots))
    one, other = (drive([scenario], "cells", seconds) for scenario in (carts, discs))
    assert not one.collided.any() and not other.collided.any() and one.min_clearance.min() >= 0.0
    assert one.deliveries.sum() >= 0.85 * other.deliveries.sum() > 16
