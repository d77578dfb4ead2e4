"""What a robot that gives way remembers from tick to tick."""

from __future__ import annotations

import numpy as np

from swarm.array_types import Array
from swarm.planning.passages.aside import Aside
from swarm.planning.passages.giving_way import GivingWay
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.right_of_way import Course, Rank, course, intent_of, waiting_key
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.world import World
from swarm.sense.neighbours import NEIGHBOUR
from swarm.sense.view import View

RADIUS, ME, OTHER = 0.1, 3, 8


def test_who_gives_back_what_it_held_for_another_goes_on_giving_way() -> None:
    """The other turns off the lane before it comes to this robot, which has to wait for it where it is."""
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    route = Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)
    way = route.leg(np.column_stack([np.linspace(2.0, 5.5, 200), np.ones(200)]), None).ahead
    position, theirs = np.array([2.0, 1.0]), tuple(reversed(way[2:8]))
    mine, theirs_key = waiting_key(500, ME), waiting_key(900, OTHER)
    told = intent_of(
        tick=0, held=theirs[:1], claim=0, claim_priority=theirs_key, priority=theirs_key,
        arrival=0, leaving=False, ahead=theirs,
    )  # fmt: skip
    giving = GivingWay(Aside(route, RADIUS, 0.0), 0, 0.05)
    view = View(0.0, np.zeros(5), np.zeros(2), np.empty((0, NEIGHBOUR)))
    ways = []
    for held in (way[:1], way[:2], way[:1]):  # it claims the next slice, holds it, and has given it back
        own = Course(held, way, 0, Rank(False, True, mine, mine, -ME))
        scene = Scene(view, position, RADIUS, own, {OTHER: course(told, OTHER)}, False, False)
        ways.append(giving.decide(scene, 1, mine)[1])
    assert ways[0] is None
    assert ways[1] is not None and ways[2] is not None


def test_the_place_that_was_chosen_stays_while_another_is_hardly_nearer() -> None:
    """A crossing of two lanes; somebody stands in the one, and the robot goes up or down in the other."""
    low, high = np.array([0.0, 0.0]), np.array([2.9, 2.9])
    boxes = np.array([[0.5 * 1.3 + 1.6 * i, 0.5 * 1.3 + 1.6 * j, 0.65, 0.65] for i in (0, 1) for j in (0, 1)])
    world = World(np.concatenate([low, high]), boxes)
    route = Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)
    other = np.column_stack([np.linspace(0.5, 2.4, 40), np.full(40, 1.45), np.full(40, 2.0 * RADIUS)])
    taken, nobody, nowhere = np.zeros(route.slices.total + 1, bool), np.empty((0, 3)), np.full(2, np.nan)

    def end(y: float, kept: Array) -> Array:
        around = taken, taken, other, nobody, nobody, np.ones(1), 1, kept
        found: Array = route.way_aside(np.array([1.45, y]), *around)[0][-1]
        return found

    up, down = end(1.47, nowhere), end(1.43, nowhere)
    assert up[1] > 1.6 and down[1] < 1.3
    assert (end(1.43, up) == up).all() and (end(1.47, down) == down).all()
    assert end(1.3, up)[1] < 1.3  # much farther by now


def test_a_way_aside_along_a_lane_does_not_dip_into_what_is_beside_it() -> None:
    """Whoever goes straight on at a corner would seem to go round it, and against others."""
    boxes = np.array([[1.9, 0.5 * 1.45, 1.9, 0.5 * 1.45], [1.9, 3.0 - 0.5 * 1.1, 1.9, 0.5 * 1.1]])
    world = World(np.array([0.0, 0.0, 4.0, 3.0]), boxes)  # a lane that is some cells wide, and room at its end
    route = Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)
    taken, nobody = np.zeros(route.slices.total + 1, bool), np.empty((0, 3))
    start = np.array([1.0, 1.71])
    off = np.column_stack([np.linspace(0.2, 2.5, 100), np.full(100, start[1]), np.full(100, 2.0 * RADIUS)])
    way, _ = route.way_aside(start, taken, taken, off, nobody, nobody, np.ones(1), 1, np.full(2, np.nan))
    assert len(way) > 20 and np.ptp(way[:20, 1]) == 0.0


def test_a_robot_in_a_slice_does_not_need_the_one_beside_it_where_its_way_begins() -> None:
    """Cells of a way begin up to some cells away: else two who go one way would each wait for what the other holds."""
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    route = Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)
    x = np.linspace(1.5, 4.5, 121)
    path = np.column_stack([x, np.ones(len(x))])
    numbers = route.numbers(path)
    border = int(np.flatnonzero(np.diff(numbers[20:]))[0]) + 20  # the last point in its slice
    inside, ahead = path[border + 1], path[border:]
    assert route.slices.at(*path[border + 1].tolist()) == numbers[border + 1] != numbers[border] > 0
    assert numbers[border] in route.leg(ahead, None).ahead
    assert numbers[border] not in route.leg(route.begun(inside, ahead), None).ahead
    np.testing.assert_array_equal(route.begun(path[border], ahead), ahead)
    np.testing.assert_array_equal(route.begun(np.array([0.3, 1.0]), ahead), ahead)  # where there is room
    far = path[border - 3 :]  # it does lead through the other slice
    np.testing.assert_array_equal(route.begun(inside, far), far)
