"""What a robot that gives way remembers from tick to tick."""

from __future__ import annotations

import numpy as np

from envs.scenarios import draw_family, family
from swarm.array_types import Array
from swarm.model.dynamics import Kind
from swarm.planning.passages.aside.finder import Aside
from swarm.planning.passages.giving_way import GivingWay
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.right_of_way import waiting_key
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.passages.team import sizes_of
from swarm.scenario.world import World
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_RADIUS, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View
from tests.oracles.told import others_of, own_of, tells

RADIUS, ME, OTHER = 0.1, 3, 8
WIDER = Sizes(RADIUS, 0.144)
"""Of a team in which two are larger than those here: with them, the slices are where this was seen to go wrong."""


def test_who_gives_back_what_it_held_for_another_goes_on_giving_way() -> None:
    """The other turns off the lane before it comes to this robot, which has to wait for it where it is."""
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    route = Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)
    way = route.leg(np.column_stack([np.linspace(2.0, 5.5, 200), np.ones(200)]), None).ahead.tolist()
    position, theirs = np.array([2.0, 1.0]), tuple(reversed(way[2:8]))
    mine, theirs_key = waiting_key(500, ME), waiting_key(900, OTHER)
    others = others_of({OTHER: tells(held=theirs[:1], ahead=theirs, key=theirs_key)}, route.slices.total)
    giving = GivingWay(Aside(route, RADIUS, 0.0), 0, 0.05)
    view = View(0.0, np.zeros(5), np.zeros(2), np.empty((0, NEIGHBOUR)))
    ways = []
    for held in (way[:1], way[:2], way[:1]):  # it claims the next slice, holds it, and has given it back
        own = own_of(ME, tells(held=held, ahead=way, key=mine), way)
        scene = Scene(view, position, RADIUS, own, others, False, False)
        ways.append(giving.decide(scene, 1, mine)[1])
    assert ways[0] is None
    assert ways[1] is not None and ways[2] is not None


def crossing() -> Route:
    """Two lanes that cross in the middle, at (1.45, 1.45), and end in lanes around."""
    boxes = np.array([[0.5 * 1.3 + 1.6 * i, 0.5 * 1.3 + 1.6 * j, 0.65, 0.65] for i in (0, 1) for j in (0, 1)])
    world = World(np.array([0.0, 0.0, 2.9, 2.9]), boxes)
    return Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)


def test_who_stands_at_a_crossing_is_in_the_way_of_who_drives_past_through_other_slices() -> None:
    scenario = draw_family("blocks", 3, robots=16)
    slices = slices_of(scenario.world, sizes_of(scenario))
    route, seen = Route(scenario.world, slices, RADIUS, 0.0), 0
    for middle in np.unique(np.stack([robot.start[:2] for robot in scenario.robots]), axis=0):
        start = middle - np.array([0.0, 0.5])
        if start[1] < 0.2 or middle[1] > scenario.world.bounds[3] - 0.5:
            continue
        along = np.column_stack([np.full(80, start[0]), np.linspace(start[1], start[1] + 0.9, 80)])
        ahead, row = route.leg(along, None).ahead.tolist(), np.zeros(NEIGHBOUR)
        row[[N_ID, N_X, N_Y, N_RADIUS]] = OTHER, *start, RADIUS
        view, key = View(0.0, np.zeros(5), np.zeros(2), row[None]), waiting_key(9, OTHER)
        aside = Aside(route, RADIUS, 0.0)
        all_told = (ahead[:1], ahead), (ahead[:1], ahead[:1]), ((), ahead)
        heard = ({OTHER: tells(held=held, ahead=way, key=key)} for held, way in all_told)
        through, stays, outside = (others_of(one, slices.total) for one in heard)
        for off in np.linspace(-0.35, 0.35, 29):
            place = middle + off * np.array([1.0, 0.0])
            found = aside.crossed_by(place[None], view, through)
            assert found or abs(off) > 1.2 * RADIUS or slices.at(*place) == 0
            seen += bool(found) and slices.at(*place) not in ahead
            assert not aside.crossed_by(place[None], view, stays)
            assert not aside.crossed_by(place[None], view, outside)
    assert seen > 10


def test_nobody_makes_way_through_what_the_other_comes_through_before_they_meet() -> None:
    """It would never get to hold that, and the other waits for it."""
    scenario = family("rooms")(np.random.default_rng([9_800_000, 4]), robots=8, kind=Kind.UNICYCLE)
    slices, here, there = slices_of(scenario.world, WIDER), (0.672, 1.643), (1.044, 1.925)
    ahead = (10, 8, 6, 4)  # through a door: 10 and 8 are before it, on the side of the other
    assert (slices.at(*there), slices.at(*here)) == (10, 6)
    key, row = waiting_key(9, OTHER), np.zeros(NEIGHBOUR)
    row[[N_ID, N_X, N_Y, N_RADIUS]] = OTHER, *there, RADIUS
    row[[N_INTENT_X, N_INTENT_Y]] = there
    view = View(0.0, np.zeros(5), np.zeros(2), row[None])
    route = Route(scenario.world, slices, RADIUS, 0.0)
    for held, comes in (((10,), True), ((), False)):
        others = others_of({OTHER: tells(held=held, ahead=ahead, key=key)}, slices.total)
        way = Aside(route, RADIUS, 0.0).find(np.array(here), view, others, [OTHER], held=np.array([6]))
        assert way is not None and (8 in route.numbers(way)) != comes


def test_nobody_makes_way_past_who_is_in_the_same_slice() -> None:
    """A robot that slips over the edge of its slice at a corner: both would press against each other for ever."""
    scenario = family("blocks")(np.random.default_rng([10_100_000, 0]), robots=8, kind=Kind.UNICYCLE)
    slices, here, there = slices_of(scenario.world, WIDER), (3.612, 3.631), (3.654, 3.421)
    shared, key, row = slices.at(*here), waiting_key(9, OTHER), np.zeros(NEIGHBOUR)
    assert shared == slices.at(*there) > 0
    row[[N_ID, N_X, N_Y, N_RADIUS]] = OTHER, *there, RADIUS
    row[[N_INTENT_X, N_INTENT_Y]] = there
    view, route = View(0.0, np.zeros(5), np.zeros(2), row[None]), Route(scenario.world, slices, RADIUS, 0.0)
    up, along = np.linspace(there[1], 3.69, 9), np.arange(3.6, 1.3, -0.1)
    path = np.array([*((there[0], y) for y in up), *((x, 3.69) for x in along)])
    told = tells(held=(shared,), ahead=route.leg(path, None).ahead.tolist(), key=key)
    others = others_of({OTHER: told}, slices.total)
    way = Aside(route, RADIUS, 0.0).find(np.array(here), view, others, [OTHER], held=np.array([shared]))
    assert way is not None and np.linalg.norm(way - there, axis=1).min() > 2.0 * RADIUS


def test_the_place_that_was_chosen_stays_while_another_is_hardly_nearer() -> None:
    """A crossing of two lanes; somebody stands in the one, and the robot goes up or down in the other."""
    route = crossing()
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
