"""The roadmap: a disc that follows its waypoints in straight lines arrives, keeps clear, and takes no detour."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.planning.roadmap.detour import PATIENCE, Ways
from swarm.planning.roadmap.occupancy import MOST_CELLS, roadmap_of, visible
from swarm.planning.roadmap.planner import RoadmapPlanner, StraightPlanner
from swarm.planning.roadmap.waypoints import points_between
from swarm.scenario.grid_map import GridMap
from swarm.scenario.world import World
from swarm.sense.neighbour import Neighbour
from swarm.sense.neighbours import N_INTENT_X, N_RADIUS, N_VX, NEIGHBOUR
from swarm.sense.view import View

BOUNDS = np.array([0.0, 0.0, 6.0, 4.0])
WALL = World(BOUNDS, boxes=np.array([[3.0, 1.5, 0.25, 1.5]]))


NOBODY = np.empty((0, NEIGHBOUR))


def view(position, goal, time=0.0, neighbours=NOBODY):
    state = np.array([*position, 0.0, 0.0, 0.0])
    return SimpleNamespace(state=state, goal=np.array(goal, dtype=float), time=time, neighbours=neighbours)


def drive(planner, world, start, goal, step=0.05, limit=2000):
    """Follow the waypoints; the way, and the smallest clearance on it."""
    way = [np.array(start, dtype=float)]
    for _ in range(limit):
        plan = planner.plan(view(way[-1], goal))
        towards = plan.waypoint - way[-1]
        length = math.hypot(*towards)
        if length < 1e-9:
            break
        way.append(way[-1] + towards * min(1.0, step / length))
    return np.array(way), float(world.clearance(np.array(way)).min())


def length_of(way):
    return float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())


def test_straight_goes_straight():
    plan = StraightPlanner().plan(view((0.0, 0.0), (3.0, 4.0)))
    assert plan.waypoint.tolist() == [3.0, 4.0] and plan.stop_distance == 5.0 and plan.intent is None


def test_it_goes_around_a_wall_by_nearly_the_shortest_way():
    planner = RoadmapPlanner(WALL, 0.2)
    way, clearance = drive(planner, WALL, (1.0, 1.0), (5.0, 1.0))
    assert np.allclose(way[-1], (5.0, 1.0))
    assert clearance >= 0.2 - 1e-6
    # Over both corners of the wall, 0.2 m away from them at the least.
    shortest = math.hypot(1.75, 2.0) + 0.5 + math.hypot(1.75, 2.0)
    assert shortest <= length_of(way) <= 1.12 * shortest


def test_what_is_left_shrinks_as_the_robot_drives():
    planner = RoadmapPlanner(WALL, 0.2)
    way, _ = drive(planner, WALL, (1.0, 1.0), (5.0, 1.0))
    left = [planner.plan(view(p, (5.0, 1.0))).stop_distance for p in way[::5]]
    assert left[0] == pytest.approx(length_of(way), rel=0.25)
    assert all(b < a + 0.1 for a, b in itertools.pairwise(left)) and left[-1] < 0.3


def test_the_path_that_is_drawn_leads_from_the_waypoint_to_the_goal():
    plan = RoadmapPlanner(WALL, 0.2).plan(view((1.0, 1.0), (5.0, 1.0)))
    assert plan.path[0] == pytest.approx(plan.waypoint) and plan.path[-1].tolist() == [5.0, 1.0]
    assert 2 < len(plan.path) < 60


def test_a_goal_in_sight_is_the_waypoint():
    plan = RoadmapPlanner(WALL, 0.2).plan(view((1.0, 1.0), (2.3, 3.0)))
    assert plan.waypoint.tolist() == [2.3, 3.0] and plan.stop_distance == pytest.approx(math.hypot(1.3, 2.0))


def test_start_and_goal_may_be_nearer_to_a_wall_than_the_way():
    planner = RoadmapPlanner(WALL, 0.2, margin=0.2)
    way, clearance = drive(planner, WALL, (2.5, 1.0), (3.5, 1.0))
    assert np.allclose(way[-1], (3.5, 1.0)) and clearance >= 0.2


def test_without_a_way_to_its_goal_it_stays():
    closed = World(BOUNDS, boxes=np.array([[3.0, 2.0, 0.25, 2.0]]))
    plan = RoadmapPlanner(closed, 0.2).plan(view((1.0, 1.0), (5.0, 1.0)))
    assert plan.waypoint.tolist() == [1.0, 1.0] and plan.stop_distance == 0.0


def test_a_robot_that_fits_nowhere_stays():
    plan = RoadmapPlanner(World(BOUNDS, boxes=np.array([[3.0, 2.0, 3.0, 2.0]])), 0.5).plan(view((1, 1), (5, 1)))
    assert plan.waypoint.tolist() == [1.0, 1.0]


def test_without_a_goal_it_stays():
    plan = RoadmapPlanner(WALL, 0.2).plan(view((1.0, 1.0), (math.nan, math.nan)))
    assert plan.waypoint.tolist() == [1.0, 1.0] and plan.stop_distance == 0.0


def test_aisles_one_robot_wide_are_open():
    rows = ["........", ".######.", ".#....#.", ".#.##.#.", ".#.#....", "........"]
    world = World.from_grid(GridMap.from_rows(rows))
    planner = RoadmapPlanner(world, 0.35)
    way, clearance = drive(planner, world, (0.5, 5.5), (2.5, 3.5))
    assert np.allclose(way[-1], (2.5, 3.5)) and clearance >= 0.35 - 1e-6


@pytest.mark.parametrize("margin", [0.0, 0.06])
def test_ways_keep_the_margin_from_the_bounds_of_the_world(margin):
    """Its shield does so, and stops for good whoever drives along them nearer than that."""
    world, size = World(np.array([1.0, 2.0, 5.0, 4.0])), 0.02
    free = np.isfinite(roadmap_of(world, 0.1, margin, size).cost)
    rows, columns = (np.flatnonzero(free.any(axis=axis)) for axis in (1, 0))
    least = math.ceil(margin / size - 0.5)
    assert (rows[0], columns[0]) == (least, least)
    assert (rows[-1], columns[-1]) == (99 - least, 199 - least)


def test_a_large_world_gets_a_coarser_grid():
    world = World(np.array([0.0, 0.0, 300.0, 200.0]))
    planner = RoadmapPlanner(world, 0.05)
    assert roadmap_of(world, 0.05).cost.size <= 1.1 * MOST_CELLS
    assert planner.plan(view((1.0, 1.0), (299.0, 199.0))).waypoint.tolist() == [299.0, 199.0]


@pytest.mark.parametrize("numbers", [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (0.2, -0.1), (0.2, math.inf)])
def test_numbers_that_make_no_sense_are_named(numbers):
    with pytest.raises(InputError, match=r"RoadmapPlanner (radius|margin)"):
        RoadmapPlanner(WALL, *numbers)


def random_world(seed):
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([rng.uniform((0.0, 0.0), (6.0, 4.0), (6, 2)), rng.uniform(0.05, 0.7, (6, 2))])
    circles = np.column_stack([rng.uniform((0.0, 0.0), (6.0, 4.0), (4, 2)), rng.uniform(0.05, 0.6, 4)])
    return rng, World(BOUNDS, boxes=boxes, circles=circles)


@given(st.integers(0, 2**32 - 1))
def test_sight_agrees_with_a_fine_sampling_of_the_clearance(seed):
    rng, world = random_world(seed)
    radius = float(rng.uniform(0.05, 0.4))
    a, b = rng.uniform((0.0, 0.0), (6.0, 4.0), (2, 2))
    seen = visible(roadmap_of(world, radius), radius, *a, *b)
    least = float(world.clearance(a + np.linspace(0.0, 1.0, 2001)[:, None] * (b - a)).min())
    if seen:
        assert least >= radius - 0.02 * radius
    else:
        assert least < radius + 0.002


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_where_there_is_a_way_it_arrives_and_keeps_clear(seed):
    rng, world = random_world(seed)
    radius = 0.15
    planner = RoadmapPlanner(world, radius)
    points = rng.uniform((0.2, 0.2), (5.8, 3.8), (200, 2))
    points = points[world.clearance(points) >= radius]
    if len(points) < 2 or not math.isfinite(planner.plan(view(points[0], points[1])).stop_distance):
        return
    way, clearance = drive(planner, world, points[0], points[1])
    assert np.allclose(way[-1], points[1])
    assert clearance >= 0.995 * radius


# Two doors in a wall, the lower one nearer to the straight way.
DOORS = World(BOUNDS, boxes=np.array([[3.0, 0.5, 0.1, 0.5], [3.0, 2.0, 0.1, 0.5], [3.0, 3.75, 0.1, 0.25]]))
START, GOAL, AT_LOWER, AT_UPPER = (1.0, 1.25), (5.0, 1.25), (3.0, 1.25), (3.0, 3.0)


def somebody(velocity=0.0, heading=AT_LOWER):
    row = np.zeros((1, NEIGHBOUR))
    row[0, :2], row[0, N_RADIUS], row[0, N_VX] = AT_LOWER, 0.2, velocity
    row[0, N_INTENT_X : N_INTENT_X + 2] = heading
    return row


def test_who_says_that_it_has_arrived_stands_though_it_trembles():
    planner = RoadmapPlanner(DOORS, 0.2)
    for time in (0.0, PATIENCE):
        plan = planner.plan(view((2.5, 1.25), GOAL, time, somebody(0.5, (3.1, 1.25))))
    assert plan.waypoint[1] > 2.0


def test_it_goes_around_a_robot_that_stands_in_a_door_and_comes_back_later():
    planner, stuck = RoadmapPlanner(DOORS, 0.2), (2.5, 1.25)
    assert planner.plan(view(stuck, GOAL, 0.0, somebody())).waypoint.tolist() == list(GOAL)
    assert planner.plan(view(stuck, GOAL, 0.9 * PATIENCE, somebody())).waypoint.tolist() == list(GOAL)
    plan = planner.plan(view(stuck, GOAL, PATIENCE, somebody()))
    assert plan.waypoint[1] > 2.0 and plan.stop_distance > 4.0
    assert np.abs(plan.path - AT_UPPER).sum(axis=1).min() < 0.6
    for time, place in ((3.0, (2.4, 2.0)), (4.0, (2.4, 3.0))):
        assert abs(planner.plan(view(place, GOAL, time)).waypoint[1] - AT_UPPER[1]) < 1.0
    # Nearer to the goal than it has ever been: back to the plain map, on which the goal is in sight.
    assert planner.ways.on_detour.all()
    assert planner.plan(view((3.4, 2.0), GOAL, 6.0)).waypoint.tolist() == list(GOAL)
    assert not planner.ways.on_detour.any()


@pytest.mark.parametrize("others", [NOBODY, somebody(0.5), somebody(0.5, (5.0, 2.0))])
def test_it_does_not_go_around_who_moves(others):
    planner = RoadmapPlanner(DOORS, 0.2)
    for time in np.arange(0.0, 3.0 * PATIENCE, 0.1):
        assert planner.plan(view(START, GOAL, time, others)).waypoint.tolist() == list(GOAL)


def test_where_there_is_no_way_around_it_stays_on_its_way():
    planner = RoadmapPlanner(World(BOUNDS, boxes=np.array([[3.0, 0.5, 0.1, 0.5], [3.0, 2.75, 0.1, 1.25]])), 0.2)
    for time in (0.0, PATIENCE, 2.0 * PATIENCE):
        assert planner.plan(view(START, GOAL, time, somebody())).waypoint.tolist() == list(GOAL)


def test_a_reset_forgets_the_detour():
    planner = RoadmapPlanner(DOORS, 0.2)
    for time in (0.0, PATIENCE):
        planner.plan(view(START, GOAL, time, somebody()))
    planner.reset()
    assert planner.plan(view(START, GOAL, PATIENCE)).waypoint.tolist() == list(GOAL)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_robots_of_many_radii_find_the_same_ways_together_as_alone_wherever_they_are_pushed(seed):
    rng, world = random_world(seed)
    radii = np.array([0.1, 0.25, 0.1, 0.15])
    goals = rng.uniform((0.0, 0.0), (6.0, 4.0), (4, 2))
    places = goals + rng.uniform(-0.5, 0.5, (4, 2))
    standing = np.zeros((3, NEIGHBOUR))
    standing[:, :2], standing[:, N_RADIUS] = rng.uniform((0.0, 0.0), (6.0, 4.0), (3, 2)), 0.3
    standing[:, N_INTENT_X : N_INTENT_X + 2] = standing[:, :2]
    together, alone = Ways(world, radii), [Ways(world, radii[i : i + 1]) for i in range(4)]
    for time in (0.0, PATIENCE, 2.5, 3.0):
        found = together.plan(time, places, goals, lambda _: standing)
        for i, ways in enumerate(alone):
            one = ways.plan(time, places[i : i + 1], goals[i : i + 1], lambda _: standing)
            np.testing.assert_array_equal(found[i], one[0])
            if not together.on_detour[i]:  # the field that grew as far is the field that was made there
                fresh = Ways(world, radii[i : i + 1]).plan(0.0, places[i : i + 1], goals[i : i + 1], lambda _: NOBODY)
                np.testing.assert_array_equal(found[i], fresh[0])
        if time >= PATIENCE:
            places = rng.uniform((0.0, 0.0), (6.0, 4.0), (4, 2))


def test_two_blocked_aisles_are_not_gone_to_in_turn_again_and_again():
    boxes = np.array([[3.0, 0.35, 0.5, 0.35], [3.0, 2.0, 0.5, 0.7], [3.0, 3.65, 0.5, 0.35]])
    world, dt, speed = World(np.array([0.0, 0.0, 6.0, 4.0]), boxes=boxes), 0.05, 0.5
    parked = [Neighbour((3.0, y), radius=0.2, reach=0.0) for y in (1.0, 3.0)]
    planner, position, turns, last = RoadmapPlanner(world, 0.2), np.array([1.0, 1.0]), 0, 1.0
    for tick in range(2400):
        near = [one for one in parked if math.dist(one.position, position) < 1.2]
        state = [*position, 0.0, 0.0, 0.0]
        way = planner.plan(View(tick * dt, state, [5.0, 1.0], near)).waypoint - position
        step = position + way * min(1.0, speed * dt / max(float(np.hypot(*way)), 1e-9))
        if all(math.dist(one.position, step) > 0.42 for one in parked):
            position = step
        side = math.copysign(1.0, position[1] - 2.0) if abs(position[1] - 2.0) > 0.5 else last
        turns, last = turns + (side != last), side
    assert 1 <= turns <= 3


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.booleans())
@settings(deadline=None)
def test_points_of_a_line_are_those_of_numpy(seed, count, level):
    start, end = np.random.default_rng(seed).uniform(-10.0, 10.0, (2, 2))
    end[1] = start[1] if level else end[1]
    np.testing.assert_array_equal(points_between(start, end, count), np.linspace(start, end, count))
