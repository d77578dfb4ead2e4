"""Ways of cars: judged by overlaps of polygons and by the arcs between their poses."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from oracles.polygons import corners_at, depth

from swarm.array_types import Array
from swarm.filter.nominal.car import car_way
from swarm.model.body import BODY, CURVATURE, REVERSE, TOP_SPEED
from swarm.model.dynamics import Kind, Limits
from swarm.model.footprint.polygon import box
from swarm.model.geometry import circles
from swarm.planning.cars.space import space_of_car
from swarm.planning.cars.ways import CarWays
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World

OUTLINE = np.array([[0.55, 0.2], [-0.15, 0.2], [-0.15, -0.2], [0.55, -0.2]])
BOUNDS = np.array([0.0, 0.0, 5.0, 5.0])


def car(start: Array, goal: Array, footprint: Array | None, reverse: float) -> RobotSpec:
    """A car with arcs of 0.64 m or more."""
    limits = Limits(1.0, acceleration=1.0, wheelbase=0.35, steering=0.5, reverse_speed=reverse)
    radius = 0.3 if footprint is None else float(np.hypot(*footprint.T).max())
    return RobotSpec(
        Kind.UNICYCLE, np.array([*start, 0.0, 0.0]), goal[None, :], radius, limits, footprint=footprint
    )  # fmt: skip


def drawn(rng: np.random.Generator, count: int = 6) -> World:
    """Turned boxes in a room of 5 x 5 m."""
    centres, halves = rng.uniform(0.0, 5.0, (count, 2)), rng.uniform(0.15, 0.6, (count, 2))
    return World(BOUNDS, np.hstack([centres, halves]), angles=rng.uniform(0.0, math.pi, count))


def free_place(rng: np.random.Generator, world: World, radius: float) -> Array:
    """A place with room for a disc."""
    while True:
        place = rng.uniform(0.4, 4.6, 2)
        if world.clearance(place[None, :])[0] > 1.5 * radius:
            return place


def overlaps(world: World, pose: Array, footprint: Array | None) -> bool:
    """Whether a body at a pose touches an obstacle."""
    if footprint is None:
        return bool(world.clearance(pose[None, :2])[0] < 0.3)
    shape = corners_at(pose[:3], footprint)
    solids = zip(world.boxes.tolist(), world.angles.tolist(), strict=True)
    return max(depth(shape, corners_at(np.array([x, y, a]), box(2 * hx, 2 * hy))) for (x, y, hx, hy), a in solids) > 0.0


@pytest.mark.parametrize("reverse", [0.0, 0.5])
@pytest.mark.parametrize("footprint", [None, OUTLINE])
def test_ways_keep_clear_and_are_arcs_that_the_car_can_drive(footprint: Array | None, reverse: float) -> None:
    rng, complete = np.random.default_rng(3), 0
    for _ in range(12):
        world = drawn(rng)
        radius = 0.3 if footprint is None else 0.6
        start, goal = (free_place(rng, world, radius) for _ in range(2))
        spec = car(np.array([*start, rng.uniform(-math.pi, math.pi)]), goal, footprint, reverse)
        ways = CarWays(space_of_car(world, spec, 0.0))
        for _ in range(3):  # it asks for less room in each
            _, left = ways.way(spec.start, goal)
        path = ways._path
        if len(path) < 2:
            continue
        complete += ways._complete
        assert reverse > 0.0 or (path[1:, 3] > 0.0).all()
        assert left >= 0.9 * math.dist(start, goal) - spec.radius
        for before, after in itertools.pairwise(path):
            turned = (after[2] - before[2] + math.pi) % (2.0 * math.pi) - math.pi
            chord = after[:2] - before[:2]
            middle = before[2] + 0.5 * turned
            along = chord @ np.array([math.cos(middle), math.sin(middle)])
            assert along * after[3] == pytest.approx(np.hypot(*chord), abs=1e-6)  # an arc, in its direction
            assert abs(turned) * 0.64 <= np.hypot(*chord) * 1.05
            assert not overlaps(world, after, footprint)
        if ways._complete:
            assert math.dist(path[-1, :2], goal) <= 0.31 * spec.radius
    assert complete >= 3


def test_a_car_with_no_way_but_back_drives_back_and_one_that_cannot_says_nothing_leads_there() -> None:
    wall = World(BOUNDS, np.array([[2.2, 2.5, 0.2, 2.5]]))
    spec = car(np.array([1.0, 2.5, 0.0]), np.array([0.6, 2.6]), None, 0.5)
    ways = CarWays(space_of_car(wall, spec, 0.0))
    path, left = ways.way(spec.start, spec.goals[0])
    waypoint, _ = ways.aim(spec.start, path, len(path), left, ends=False)
    assert waypoint[0] < 1.0 and not ways.nowhere
    path, left = ways.way(spec.start, np.array([4.0, 2.5]))
    assert ways.nowhere and math.isinf(left)


def test_others_are_gone_around_until_nobody_is() -> None:
    spec = car(np.array([0.6, 2.5, 0.0]), np.array([4.4, 2.5]), None, 0.5)
    ways = CarWays(space_of_car(World(BOUNDS), spec, 0.0))
    _, straight = ways.way(spec.start, spec.goals[0])
    ways.go_around(circles(np.array([[2.5, 2.5, 0.3]])))
    ways.way(spec.start, spec.goals[0])
    assert len(ways._path) and np.hypot(*(ways._path[:, :2] - [2.5, 2.5]).T).min() > 0.69
    ways.go_around(np.empty((0, 7)))
    assert ways.way(spec.start, spec.goals[0])[1] == straight


def test_a_car_that_hardly_rolls_has_not_set_out_anywhere() -> None:
    body = np.zeros(BODY)
    body[TOP_SPEED], body[REVERSE], body[CURVATURE] = 1.0, 0.5, 1.56
    assert car_way(body, 0.0, 0.2, 0.01) == car_way(body, -1e-3, 0.2, 0.01) == 1.0
    assert car_way(body, -0.3, 0.2, 0.01) == -2.0
