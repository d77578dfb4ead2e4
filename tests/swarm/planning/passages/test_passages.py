"""The planner in worlds: everybody arrives, nobody shares a slice in a lane, and silent robots are gone around."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envs.arena.episodes import run_episodes
from envs.rollout.plants import ExactPlant
from envs.rollout.run import Run
from envs.rollout.team import Fleet
from envs.scenarios import corridor, draw_family, family
from envs.scenarios.parts import wall
from swarm.filter.tunables import encode
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.planning.passages.lanes import Lanes, heading, is_inside
from swarm.planning.passages.planner import PassagePlanner
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.passages.team import sizes_of
from swarm.planning.registry import choose_planner
from swarm.planning.roadmap.occupancy import cell_at
from swarm.scenario.grid_map import GridMap
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario, deliveries
from swarm.scenario.world import World
from swarm.sense.intent import Intent


def drive(scenario: Scenario) -> tuple[Run, int, int]:
    """Run until all have arrived; how often two that started apart were in one slice that is no mouth.

    And how often one entered a lane against somebody who said that he was in it and comes the other way.
    """
    fleet = Fleet(scenario, planner="passages", controller="fixed:6,1")
    run = Run(scenario, fleet, ExactPlant(scenario))
    slices = slices_of(scenario.world, sizes_of(scenario))
    planners = [robot.planner for robot in fleet.robots if isinstance(robot.planner, PassagePlanner)]
    mouths, shared, against, before = slices.mouths, 0, 0, list[Intent]()
    while run.tick_count < run.steps and not run.reached.all():
        run.tick()
        inside = [slices.at(x, y) for x, y in run.states[:, :2].tolist()]
        narrow = [number for number in inside if number > 0 and not mouths[number]]
        shared += len(narrow) - len(set(narrow))
        told = [plan.intent for planner in planners if (plan := planner._plan) is not None and plan.intent is not None]
        for own, now in zip(before, told, strict=True) if before else ():
            others = [other for other in before if other is not own]
            against += any(enters_against(slices.lanes, own, now, other) for other in others)
        before = told
    return run, shared, against


def enters_against(lanes: Lanes, own: Intent, now: Intent, other: Intent) -> bool:
    """Whether a robot has entered a lane in which another one, which it has heard, comes the other way."""
    entered = {int(lanes.number[one]) for one in now.held} - {int(lanes.number[one]) for one in own.held} - {0}
    held, mine, theirs = (np.array(one) for one in (other.held, own.window, other.window))
    return any(
        is_inside(lanes, lane, held) and heading(lanes, lane, mine) * heading(lanes, lane, theirs) < 0
        for lane in entered
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", ["bays", "blocks", "corridor", "door_swap"])
def test_everybody_arrives_no_slice_has_two_in_it_and_nobody_enters_a_lane_against_another(
    name: str, kind: Kind
) -> None:
    run, shared, against = drive(draw_family(name, 1, kind=kind))
    assert run.reached.all() and not run.touched.any()
    assert shared == against == 0


@pytest.mark.parametrize("kind", Kind)
def test_the_alcove_of_a_corridor_is_found(kind: Kind) -> None:
    for seed in (2, 3, 5, 6):
        run, _, _ = drive(draw_family("corridor", seed, kind=kind))
        assert run.reached.all() and not run.touched.any()


def test_the_alcove_of_a_corridor_is_found_with_errors_as_well() -> None:
    def draw(rng: np.random.Generator) -> Scenario:
        return replace(corridor.draw(rng, kind=Kind.SINGLE_INTEGRATOR), errors=ErrorBounds(position=0.004))

    action = encode(np.array([20.0, 1.0, 20.0, 1.0, 0.0, 1.0]))
    found = run_episodes(draw, lambda seen: np.tile(action, (*seen.ego.shape[:-1], 1)), 8, seed=3, planner="passages")
    assert (found.safe & found.reached).all()


def turned(scenario: Scenario, angle: float) -> Scenario:
    """The same world and robots, turned by an angle [rad], with walls where its bounds were."""
    world, (cos, sin) = scenario.world, (np.cos(angle), np.sin(angle))
    turn, (width, height) = np.array([[cos, sin], [-sin, cos]]), world.bounds[2:].tolist()
    thick = 2.0 * scenario.robots[0].radius
    sides = [wall(-thick, low, width + thick, low + thick) for low in (-thick, height)]
    sides += [wall(left, 0.0, left + thick, height) for left in (-thick, width)]
    boxes = np.concatenate([world.boxes, sides])
    ends = np.array([[x, y] for x in (-thick, width + thick) for y in (-thick, height + thick)]) @ turn
    around = World(
        np.concatenate([ends.min(axis=0), ends.max(axis=0)]), np.column_stack([boxes[:, :2] @ turn, boxes[:, 2:]]),
        angles=np.full(len(boxes), angle),
    )  # fmt: skip
    robots = tuple(
        replace(
            one, start=np.array([*(one.start[:2] @ turn), one.start[2] + angle, *(one.start[3:] @ turn)]),
            goals=one.goals @ turn,
        )
        for one in scenario.robots
    )  # fmt: skip
    return replace(scenario, world=around, robots=robots)


@pytest.mark.parametrize("kind", Kind)
def test_between_turned_boxes_places_for_one_robot_are_agreed_on_as_well(kind: Kind) -> None:
    scenario = turned(draw_family("bays", 1, kind=kind, robots=2), 0.4)
    assert choose_planner("auto", scenario, sizes_of(scenario)) == "passages"
    run, shared, against = drive(scenario)
    assert run.reached.all() and not run.touched.any()
    assert shared == against == 0


def test_unicycles_that_turn_slowly_swap_sides_through_a_window_of_2_15_radii() -> None:
    radius, half = 0.2795, 0.3
    side = 1.25 - 0.5 * half
    boxes = np.array([[2.5, side, 0.1, side], [2.5, 5.0 - side, 0.1, side]])
    ends, limits = np.array([[1.0, 1.0], [4.0, 3.0]]), Limits(0.5, turn_rate=0.5)
    starts = np.column_stack([ends, np.zeros((2, 3))])
    robots = tuple(RobotSpec(Kind.UNICYCLE, starts[k], ends[None, 1 - k], radius, limits) for k in range(2))
    run, _, _ = drive(Scenario(World(np.array([0.0, 0.0, 5.0, 5.0]), boxes), robots, 60.0, 0.05, 2.8, "window"))
    assert run.reached.all() and not run.touched.any()


def test_a_unicycle_that_waits_before_a_window_turns_to_it_meanwhile() -> None:
    boxes = np.array([[2.5, 1.1, 0.1, 1.1], [2.5, 3.9, 0.1, 1.1]])
    ends, goals = np.array([[1.5, 2.5], [4.0, 1.0]]), np.array([[4.0, 4.0], [1.0, 1.0]])
    starts, limits = np.column_stack([ends, np.zeros((2, 3))]), Limits(0.5, turn_rate=0.5)
    robots = tuple(RobotSpec(Kind.UNICYCLE, starts[k], goals[None, k], 0.28, limits) for k in range(2))
    scenario = Scenario(World(np.array([0.0, 0.0, 5.0, 5.0]), boxes), robots, 60.0, 0.05, 2.8, "window")
    run = Run(scenario, Fleet(scenario, planner="passages", controller="fixed:6,1"), ExactPlant(scenario))
    while not run.reached[0]:
        run.tick()
    x, y, heading = run.states[1, :3]
    assert x > 3.0, "it waits"
    assert math.cos(heading - math.atan2(2.5 - y, 2.5 - x)) > 0.5


def test_auto_is_passages_only_where_two_cannot_pass_each_other() -> None:
    narrow, wide = draw_family("bays", 0), draw_family("open", 0)
    assert choose_planner("auto", narrow, sizes_of(narrow)) == "passages"
    assert choose_planner("auto", wide, sizes_of(wide)) == "roadmap"
    assert choose_planner("auto", narrow) == "roadmap"


def test_auto_is_cells_only_where_each_robot_fits_in_one() -> None:
    grid = GridMap.from_rows(("......", ".####.", "......"))
    coarse = deliveries(grid, 2, np.random.default_rng(0))
    assert choose_planner("auto", coarse, sizes_of(coarse)) == "cells"
    wide = replace(coarse, robots=(coarse.robots[0], replace(coarse.robots[1], radius=0.5)))
    assert choose_planner("auto", wide, sizes_of(wide)) == "passages"


def test_the_batched_worlds_drive_by_the_same_agreement() -> None:
    action = encode(np.array([6.0, 1.0, 6.0, 1.0, 0.0, 1.0]))
    found = run_episodes(
        family("bays"), lambda seen: np.tile(action, (*seen.ego.shape[:-1], 1)), 2, seed=3, planner="passages"
    )
    assert (found.safe & found.reached).all()


def test_a_robot_that_says_nothing_is_gone_around() -> None:
    """Two doors in a wall; somebody who tells nothing stands in the nearer one."""
    radius, walls = 0.1, [(0.0, 1.0), (1.26, 3.0), (3.26, 4.0)]
    boxes = np.array([[2.0, 0.5 * (low + high), 0.1, 0.5 * (high - low)] for low, high in walls])
    world = World(np.array([0.0, 0.0, 4.0, 4.0]), boxes)
    base = draw_family("bays", 0, robots=2)
    mine = replace(
        base.robots[0], start=np.array([1.2, 1.13, 0.0, 0.0, 0.0]), goals=np.array([[2.8, 1.13]]), radius=radius
    )
    still = np.array([2.0, 1.13, 0.0, 0.0, 0.0])
    silent = replace(base.robots[1], start=still, goals=still[None, :2], radius=radius, cooperative=False)
    run, *_ = drive(Scenario(world, (mine, silent), 40.0, 0.05, 1.0, "two doors"))
    assert run.reached[0] and not run.touched.any()


def test_the_same_plan_comes_twice_in_one_period() -> None:
    scenario = draw_family("bays", 2)
    fleet = Fleet(scenario, planner="passages", controller="fixed:6,1")
    states = np.array([robot.start for robot in scenario.robots])
    goals = np.array([robot.goals[0] for robot in scenario.robots])
    view = fleet.views(0.0, states, goals)[0]
    planner = fleet.robots[0].planner
    assert isinstance(planner, PassagePlanner)
    assert planner.plan(view) is planner.plan(view)


def test_beside_the_middle_of_a_lane_the_way_leads_on_whichever_cell_is_nearest() -> None:
    """An error of the position decides which cell is nearest; if the way led to its middle, a unicycle would spin."""
    sizes, y = Sizes(0.1, 0.13), 1.0
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    route, goal = Route(world, slices_of(world, sizes), 0.1, 0.03), np.array([5.5, 1.0])
    held = np.arange(1, route.slices.total + 1)
    for x in np.linspace(2.5, 3.5, 41):
        for off in (-0.05, -0.035, 0.0, 0.035, 0.05):
            position = np.array([x, y + off])
            target, path, left = route.way(position, goal)
            waypoint, _, _ = route.aim(position, route.leg(path, target, left), held)
            assert waypoint[0] > x, (x, off)


def test_who_is_nearer_to_a_wall_than_its_errors_allow_goes_back_onto_its_way_first() -> None:
    """On along the wall, a unicycle that may look elsewhere than it believes is stopped again and again."""
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    route, goal = Route(world, slices_of(world, Sizes(0.1, 0.13)), 0.1, 0.03), np.array([5.5, 1.0])
    held, steep = np.arange(1, route.slices.total + 1), []
    for off, waits in ((0.02, False), (0.05, False), (0.05, True)):
        position = np.array([2.5, 1.0 + off])
        target, path, left = route.way(position, goal)
        waypoint, _, _ = route.aim(position, route.leg(path, target, left), held, waits)
        dx, dy = np.abs(waypoint - position)
        steep.append(dy / max(dx, 1e-9))
    assert steep[0] < 0.05 and min(steep[1:]) > 0.6
    position = np.array([0.5, 0.01])  # beside the bounds, where it may not be either
    target, path, left = route.way(position, goal)
    for one in (path, np.linspace(position, [1.0, 0.05], 40)):  # ways may begin right where it is
        waypoint, _, _ = route.aim(position, route.leg(one, target, left), held)
        assert waypoint[1] > 0.029 and waypoint[0] > position[0]
        waypoint, _, _ = route.aim(position, route.leg(one, target, left), held, waits=True)
        assert waypoint[1] > 0.029 and math.dist(waypoint, position) < 0.05


def test_who_stands_at_the_edge_of_its_slice_makes_no_way_through_one_that_another_holds() -> None:
    """Beside a wall the nearest cell that is free may be in the next slice; from there others would be led through."""
    scenario = draw_family("bays", 4, kind=Kind.UNICYCLE, robots=8)
    slices, spec = slices_of(scenario.world, sizes_of(scenario)), scenario.robots[0]
    route, nobody = Route(scenario.world, slices, spec.radius, 0.0), np.empty((0, 3))
    places = np.random.default_rng(0).uniform(scenario.world.bounds[:2], scenario.world.bounds[2:], (40_000, 2))
    found = 0
    for place in places[scenario.world.clearance(places) > 0.9 * spec.radius]:
        own, nearest = slices.at(*place), max(int(slices.labels[cell_at(route.roadmap, *place)]), 0)
        if own == nearest or nearest == 0:
            continue
        found += 1
        taken, closed = np.ones(slices.total + 1, bool), np.zeros(slices.total + 1, bool)
        taken[0], closed[nearest] = False, True
        way, _ = route.way_aside(place, taken, closed, nobody, nobody, nobody, np.ones(1), 1, np.full(2, np.nan))
        assert nearest not in route.numbers(way)
    assert found > 10


@pytest.mark.parametrize("heading", [-3.0, -2.0, 3.0])
def test_a_unicycle_between_two_that_stand_turns_on_the_spot(heading: float) -> None:
    """By rows about the point ahead of it, it would have no room to turn to where its way is free."""
    drawn = family("rooms")(np.random.default_rng([11_100_000, 0]), robots=16, kind=Kind.UNICYCLE)
    starts = np.array([[0.427, 2.236, heading], [0.478, 2.001, 0.0], [0.344, 2.485, 0.0]])
    goals = np.array([[2.27, 1.96], *starts[1:, :2]])
    robots = tuple(
        replace(spec, start=np.array([*start, 0.0, 0.0]), goals=goal[None])
        for spec, start, goal in zip(drawn.robots, starts, goals, strict=False)
    )
    scenario = replace(drawn, robots=robots, horizon=12.0)
    fleet = Fleet(scenario, planner="passages", controller="tuner")
    run = Run(scenario, fleet, ExactPlant(scenario))
    while run.tick_count < run.steps and not run.reached.all():
        run.tick()
    assert run.reached.all() and not run.touched.any()
