"""Slices: places where two robots cannot pass each other, whatever bounds them, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.scenarios import corridor, draw_family
from swarm.model.dynamics import Kind, Limits
from swarm.planning.passages.lanes import heading, lanes_of, neighbours
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.passages.team import sizes_of
from swarm.planning.roadmap.narrow import narrow_of
from swarm.planning.roadmap.occupancy import roadmap_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

RADIUS = 0.1
SIZES = Sizes(RADIUS, RADIUS)


def walled(gap: float) -> World:
    """A room of 4 × 4 m, and a wall across it with a gap [m] in its middle."""
    half = 0.25 * (4.0 - gap)
    boxes = np.array([[2.0, half, 0.1, half], [2.0, 4.0 - half, 0.1, half]])
    return World(np.array([0.0, 0.0, 4.0, 4.0]), boxes)


@pytest.mark.parametrize("radii", [2.1, 2.2, 2.4, 2.8, 3.2, 3.7])
def test_a_door_for_one_robot_is_found(radii: float) -> None:
    found = slices_of(walled(radii * RADIUS), SIZES)
    assert found.at(2.0, 2.0) > 0
    assert found.at(1.0, 1.0) == found.at(3.0, 3.5) == 0
    mouths = found.mouths
    assert mouths[found.at(1.75, 2.0)] and mouths[found.at(2.25, 2.0)]
    assert found.at(1.75, 2.0) != found.at(2.25, 2.0)


@pytest.mark.parametrize("radii", [4.4, 6.0])
def test_where_two_pass_each_other_there_is_nothing_to_agree_on(radii: float) -> None:
    assert slices_of(walled(radii * RADIUS), SIZES).total == 0


@pytest.mark.parametrize("radii", [3.8, 4.0, 4.05, 4.09])
def test_a_lane_in_which_two_cannot_pass_without_touching_is_for_one(radii: float) -> None:
    """Whatever cells its sides lie in."""
    for shift in np.linspace(0.0, 0.025, 6):
        low, high = 2.0 + shift - 0.5 * radii * RADIUS, 2.0 + shift + 0.5 * radii * RADIUS
        boxes = np.array([[2.0, 0.5 * low, 1.0, 0.5 * low], [2.0, 0.5 * (4.0 + high), 1.0, 0.5 * (4.0 - high)]])
        assert slices_of(World(np.array([0.0, 0.0, 4.0, 4.0]), boxes), SIZES).at(2.0, 2.0 + shift) > 0


def test_a_gap_counts_for_the_largest_pair_of_the_team() -> None:
    world = walled(5.0 * RADIUS)
    assert slices_of(world, SIZES).total == 0
    assert slices_of(world, Sizes(RADIUS, 1.5 * RADIUS)).at(2.0, 2.0) > 0


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_room_before_a_door_is_no_deeper_for_those_who_keep_a_margin(margin: float) -> None:
    """In radii. It is for one robot, and whoever only drives by would wait there."""
    kept = margin * RADIUS
    found = slices_of(walled(2.8 * (RADIUS + kept)), Sizes(RADIUS, RADIUS + kept, kept))
    door = [found.at(x, 2.0) > 0 for x in np.arange(0.0, 2.0, 0.01)]
    narrow = [found.is_narrow(x, 2.0) for x in np.arange(0.0, 2.0, 0.01)]
    assert 0.0 < 0.01 * (sum(door) - sum(narrow)) < 2.5 * RADIUS + 3.0 * found.resolution


@pytest.mark.parametrize(("large", "agreed"), [(1, False), (2, True)])
def test_a_gap_is_for_one_robot_only_if_two_of_the_team_cannot_pass_there(large: int, agreed: bool) -> None:
    """A large one and a small one pass each other where two large ones do not."""
    radii = [3.0 * RADIUS] * large + [RADIUS] * (3 - large)
    starts = np.array([[0.7, 1.0 + k, 0.0, 0.0, 0.0] for k in range(3)])
    robots = [
        RobotSpec(Kind.SINGLE_INTEGRATOR, start, start[None, :2], radius=radius, limits=Limits(1.0))
        for start, radius in zip(starts, radii, strict=True)
    ]
    world = walled(8.0 * RADIUS)
    sizes = sizes_of(Scenario(world, tuple(robots)))
    assert (slices_of(world, sizes).at(2.0, 2.0) > 0) is agreed


@settings(max_examples=100, deadline=None)
@given(
    st.floats(2.1, 3.4), st.sampled_from([0.0, 0.005, 0.02]), st.floats(0.0, math.pi), st.floats(-0.3, 0.3),
    st.floats(0.3, 0.8),
)  # fmt: skip
def test_a_gap_is_found_and_driven_through_wherever_it_lies_on_the_grid(
    width: float, margin: float, angle: float, shift: float, size: float
) -> None:
    """A row of circles across the room, with a gap in any direction; widths in radii with the margin."""
    across, middle = np.array([math.cos(angle), math.sin(angle)]), np.array([2.0 + shift, 2.0 - shift])
    first = size + 0.5 * width * (RADIUS + margin)
    circles = [[*(middle + side * (first + k * size) * across), size] for side in (-1.0, 1.0) for k in range(12)]
    world = World(np.array([0.0, 0.0, 4.0, 4.0]), circles=np.array(circles))
    found = slices_of(world, Sizes(RADIUS, RADIUS + margin))
    route = Route(world, found, RADIUS, margin)
    start, goal = (middle + side * 1.2 * np.array([-across[1], across[0]]) for side in (-1.0, 1.0))
    _, path, left = route.way(start, goal)
    assert found.at(*middle.tolist()) > 0
    assert left < 3.2 and len(route.leg(path, None).ahead) >= 2


def test_between_circles_there_is_a_passage_too() -> None:
    circles = np.array([[2.0, 0.85, 1.0], [2.0, 3.15, 1.0]])
    world = World(np.array([0.0, -1.0, 4.0, 5.0]), circles=circles)
    assert slices_of(world, SIZES).at(2.0, 2.0) > 0


def test_a_world_without_obstacles_has_no_passages() -> None:
    assert slices_of(World(np.array([0.0, 0.0, 4.0, 4.0])), SIZES).total == 0


@pytest.mark.parametrize("name", ["bays", "blocks", "rooms", "corridor"])
def test_slices_are_short_connected_and_the_same_for_everybody(name: str) -> None:
    scenario = draw_family(name, 3)
    sizes = sizes_of(scenario)
    found, again = slices_of(scenario.world, sizes), slices_of(draw_family(name, 3).world, sizes)
    assert found.total > 0
    assert (found.labels == again.labels).all()
    radius = scenario.robots[0].radius
    for number in range(1, found.total + 1):
        rows, columns = np.nonzero(found.labels == number)
        assert len(rows)
        span = found.resolution * math.hypot(np.ptp(rows), np.ptp(columns))
        # Room before a mouth is wider than a lane, and where two ways around meet a slice is longer.
        assert span <= 2.0 * found.length + 5.0 * radius, (name, number)


@pytest.mark.parametrize("side", [3.9, 3.93, 4.0])
def test_a_robot_may_drive_nowhere_without_coming_through_slices(side: float) -> None:
    """A side that is no whole number of cells has outermost cells whose middles are out of the world."""
    boxes = np.array([[0.5 * side, 0.3 * side, 0.5 * side - 0.15, 0.05]])
    world = World(np.array([0.0, 0.0, side, 0.6 * side]), boxes)
    found = slices_of(world, SIZES)
    wide = roadmap_of(world, RADIUS, 0.0, found.resolution)
    assert found.total > 0 and (found.labels[np.isfinite(narrow_of(world, wide).cost)] >= 0).all()


def test_lanes_end_where_two_can_pass_each_other() -> None:
    """A lane of eleven slices with a bay beside the sixth."""
    labels = np.full((3, 11), -1, np.int32)
    labels[0], labels[1, 5], labels[2, 5] = np.arange(1, 12), 6, 12
    lanes = lanes_of(np.repeat(np.repeat(labels, 3, axis=0), 3, axis=1), 12)
    assert lanes.number[6] == 0
    left, right, bay = (set(lanes.number[some].tolist()) for some in ([1, 2, 3, 4], [8, 9, 10, 11], [12]))
    assert len(left) == len(right) == len(bay) == 1 and len(left | right | bay | {0}) == 4
    one = int(lanes.number[2])
    ways = (1, 2, 3, 4, 5, 6, 7), (8, 7, 6, 5, 4, 3), (8, 9), (3,)
    there, back, elsewhere, nowhere = (heading(lanes, one, np.array(way)) for way in ways)
    assert there == -back != 0 and elsewhere == nowhere == 0


@pytest.mark.parametrize("lane", [10.0, 120.0])
def test_who_enters_a_lane_hears_those_at_its_other_end(lane: float) -> None:
    half = 0.5 * lane
    boxes = RADIUS * np.array([[half + 10.0, 2.9, half, 2.9], [half + 10.0, 11.1, half, 2.9]])
    found = slices_of(World(RADIUS * np.array([0.0, 0.0, lane + 20.0, 14.0]), boxes), SIZES)
    assert len(set(found.lanes.number.tolist())) == 2
    assert found.reach >= RADIUS * lane


@pytest.mark.parametrize("seed", range(4))
def test_where_there_is_no_mouth_nobody_stands_in_a_tip_at_a_corner(seed: int) -> None:
    """Who did would be in the way of those who go round the corner, and yet in none of their slices."""
    world = draw_family("blocks", seed, robots=4).world
    found = slices_of(world, SIZES)
    beside = neighbours(found.labels, found.total)
    assert found.total > 20 and not found.mouths.any()
    low = 0.5 * float(world.boxes[0, 0] - world.boxes[0, 2])  # the middle of the outermost lanes
    for x in (low, float(world.bounds[2]) - low):
        for y in (low, float(world.bounds[3]) - low):
            assert len(beside[found.at(x, y)]) >= 2


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("largest", [1.0, 1.1, 1.225])
def test_an_alcove_beside_a_lane_is_a_slice_of_its_own(largest: float, up: bool) -> None:
    """In radii: the lane's middle is at 6.6, the alcove's middle at 30, and its end 4.8 to one side of the lane's."""
    drawn = (corridor.draw(np.random.default_rng(seed)) for seed in range(20))
    world = next(one.world for one in drawn if (one.world.boxes[0, 1] < 0.3) == up)
    slices, side = slices_of(world, Sizes(0.05, 0.05 * largest)), 1.0 if up else -1.0
    deep, mouth = (slices.at(1.5, 0.05 * (6.6 + side * away)) for away in (2.3, 1.7))
    assert deep == mouth > 0
    assert deep not in {slices.at(x, 0.33) for x in np.arange(0.1, 2.9, 0.01)}
    assert int(slices.lanes.number[deep]) == 0 or len(set(slices.lanes.number[1:])) > 2  # the lane ends there


def test_the_cells_of_a_slice_are_those_with_its_number_row_by_row() -> None:
    scenario = draw_family("bays", 3)
    slices = slices_of(scenario.world, sizes_of(scenario))
    assert slices.total > 5
    for number in range(1, slices.total + 1):
        np.testing.assert_array_equal(slices.cells_of(number), np.nonzero(slices.labels == number))
