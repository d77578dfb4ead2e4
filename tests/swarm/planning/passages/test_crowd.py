"""Of robots that press against each other in a room, all but one back off."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.arena.episodes import play
from swarm.array_types import Array
from swarm.model.dynamics import Kind, Limits
from swarm.planning.passages.crowd import Crowd
from swarm.planning.passages.errand import Errand
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.right_of_way import after, waiting_key
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_RADIUS, N_VX, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View
from swarm.tune.controllers import make_controller
from tests.oracles.told import others_of, own_of, tells

RADIUS, DT, ME, OTHER = 0.1, 0.05, 3, 8


def route(boxes: Array | None = None, low: float = 0.0, high: float = 4.0) -> Route:
    world = World(np.array([0.0, low, 4.0, high]), np.empty((0, 4)) if boxes is None else boxes)
    return Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)


def scene_of(theirs: int, *, apart: float = 2.1 * RADIUS, speed: float = 0.0, arrived: bool = False) -> Scene:
    """A robot in the middle of a room, and one to its right that wants to its left."""
    row = np.zeros(NEIGHBOUR)
    row[[N_ID, N_X, N_Y, N_RADIUS, N_VX]] = OTHER, 2.0 + apart, 2.0, RADIUS, speed
    row[[N_INTENT_X, N_INTENT_Y]] = 1.0, 2.0
    own = own_of(ME, tells(held=(), ahead=(), key=waiting_key(500, ME)))
    others = others_of({OTHER: tells(held=(), ahead=(), key=theirs)})
    view = View(0.0, np.zeros(5), np.zeros(2), row[None])
    return Scene(view, np.array([2.0, 2.0]), RADIUS, own, others, arrived, False)


FIRST, LATER = waiting_key(900, OTHER), waiting_key(100, OTHER)


def test_who_goes_later_goes_out_of_the_way_and_stays_for_a_while() -> None:
    crowd, scene = Crowd(route(), 0.0, 1.0, DT), scene_of(FIRST)
    place = crowd.place(scene, 0, False)
    assert place is not None
    assert math.dist(place, scene.position) == pytest.approx(3.0 * RADIUS)
    assert abs(place[1] - 2.0) > 2.0 * RADIUS  # beside the other's way
    assert crowd.place(scene, 10, True) is place and crowd.place(scene, 1000, True) is None


@pytest.mark.parametrize(
    ("scene", "gets_on"),
    [
        (scene_of(FIRST), True), (scene_of(LATER), False), (scene_of(FIRST, apart=4.0 * RADIUS), False),
        (scene_of(FIRST, speed=0.9), False), (scene_of(-1), False),
    ],
    ids=["gets on", "goes first", "touches nobody", "the other drives", "the other is at its goal"],
)  # fmt: skip
def test_who_need_not_goes_on(scene: Scene, gets_on: bool) -> None:
    assert Crowd(route(), 0.0, 1.0, DT).place(scene, 0, gets_on) is None


def test_who_was_pushed_from_its_goal_does_not_press_home_past_one_that_wants_on() -> None:
    scene = scene_of(FIRST, arrived=True)
    assert Crowd(route(), 0.0, 1.0, DT).place(scene, 0, False) is not None
    errand = Errand(ME, RADIUS, DT)
    for tick, left in enumerate([0.3, 0.0, *[0.0] * 60]):  # there, and stays
        errand.update(tick, np.zeros(2), np.array([left, 0.0]))
        errand.note_left(left)
    assert errand.arrived and errand.gets_on
    for tick in range(62, 140):  # pushed away
        errand.update(tick, np.zeros(2), np.array([0.2, 0.0]))
        errand.note_left(0.2)
    assert errand.arrived and not errand.gets_on


def test_it_does_not_go_into_a_wall() -> None:
    for side in (-1.0, 1.0):  # 4 cm beside it, above or below
        wall = np.array([[2.0, 2.0 + side * (RADIUS + 0.34), 1.9, 0.3]])
        place = Crowd(route(wall), 0.0, 1.0, DT).place(scene_of(FIRST), 0, False)
        assert place is not None and side * (place[1] - 2.0) < 0.04


@pytest.mark.parametrize("inside", [True, False])
def test_who_waits_for_one_that_comes_out_for_it_gives_it_room(inside: bool) -> None:
    scene, wanted, mine = scene_of(FIRST), 4, waiting_key(950, ME)
    own = own_of(ME, tells(held=(), ahead=(wanted,), claim=wanted, key=mine))
    others = others_of({OTHER: tells(held=(wanted,) if inside else (), ahead=(), key=after(mine), own=-1)})
    scene = scene._replace(own=own, others=others)
    assert (Crowd(route(), 0.0, 1.0, DT).place(scene, 0, False) is not None) == inside


@pytest.mark.parametrize(("low", "high"), [(1.95, 4.0), (0.0, 2.05)])
def test_it_does_not_press_against_the_bounds_of_the_world(low: float, high: float) -> None:
    place = Crowd(route(low=low, high=high), 0.0, 1.0, DT).place(scene_of(FIRST), 0, False)
    assert place is not None and low <= place[1] <= high and math.dist(place, [2.0, 2.0]) > RADIUS


def test_a_robot_gets_on_as_long_as_its_way_becomes_shorter() -> None:
    errand, goal = Errand(ME, RADIUS, DT), np.array([3.0, 0.0])
    for tick in range(100):
        left = 3.0 - 0.02 * min(tick, 50)
        errand.update(tick, goal, np.array([3.0 - left, 0.0]))
        errand.note_left(left)
        if tick in (40, 60, 99):
            assert errand.gets_on == (tick != 99)
    errand.update(100, goal + 1.0, np.zeros(2))
    errand.note_left(5.0)
    assert errand.gets_on


@pytest.mark.parametrize("kind", Kind)
def test_four_that_meet_at_one_point_all_arrive(kind: Kind) -> None:
    limits = Limits(1.0, 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf, 4.0)
    robots = tuple(
        RobotSpec(
            kind, np.array([2.0 - math.cos(a), 2.0 - math.sin(a), a, 0.0, 0.0]),
            np.array([[2.0 + math.cos(a), 2.0 + math.sin(a)]]), 0.25, limits,
        )
        for a in (0.0, 0.5 * math.pi, math.pi, -0.5 * math.pi)
    )  # fmt: skip
    world = World(np.array([0.0, 0.0, 4.0, 4.0]), np.empty((0, 4)))
    scenario = Scenario(world, robots, horizon=20.0, dt=DT)
    straight_on = make_controller("fixed:2,1,2,1")
    driven = play([scenario], lambda core, _: straight_on(core.observe()), planner="passages")
    assert driven.safe.all() and driven.reached.all()
