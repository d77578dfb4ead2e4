"""Who waits right beside a robot that goes out of its way leaves it room."""

from __future__ import annotations

import math

import numpy as np
import pytest

from swarm.array_types import Array
from swarm.planning.passages.giving_way import BackingOff
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.right_of_way import after, waiting_key
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.world import World
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View
from tests.oracles.told import others_of, own_of, tells

RADIUS, DT, ME, OTHER = 0.1, 0.05, 3, 8
MINE = waiting_key(9, ME)


def route() -> Route:
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    return Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)


def scene_of(way: Route, theirs: int, *, apart: float = 2.1 * RADIUS, waits: bool = True) -> tuple[Scene, Array]:
    """A robot at the end of its slice, and one right before it in the next that has inherited a priority."""
    x = np.linspace(1.5, 4.5, 1201)
    numbers = way.numbers(np.column_stack([x, np.ones(len(x))]))
    border = int(np.flatnonzero(np.diff(numbers[400:]))[0]) + 400
    here, there = int(numbers[border]), int(numbers[border + 1])
    position = np.array([x[border] - 0.03, 1.0])
    row = np.zeros(NEIGHBOUR)
    row[[N_ID, N_X, N_Y, N_RADIUS]] = OTHER, position[0] + apart, 1.0, RADIUS
    own = own_of(ME, tells(held=(here,), ahead=(here, there), key=MINE))
    others = others_of({OTHER: tells(held=(there,), ahead=(there,), key=theirs, own=waiting_key(1, OTHER))})
    view = View(0.0, np.zeros(5), np.zeros(2), row[None])
    return Scene(view, position, RADIUS, own, others, False, waits), row[[N_X, N_Y]]


def test_it_goes_back_within_its_own_slice_for_a_while() -> None:
    way = route()
    backing, (scene, place) = BackingOff(way, 0.0, DT), scene_of(way, after(MINE))
    found = backing.place(scene, 0)
    assert found is not None and way.slices.at(*found.tolist()) in scene.own.held
    assert math.dist(found, place) > math.dist(scene.position, place) + 0.5 * RADIUS
    moved = scene._replace(waits=False)
    assert backing.place(moved, 20) is found and backing.place(moved, 200) is None


@pytest.mark.parametrize("case", ["goes its own way", "is far", "moves"])
def test_it_stays_where_it_is_beside_one_that(case: str) -> None:
    way = route()
    if case == "goes its own way":
        scene, _ = scene_of(way, waiting_key(1, OTHER))
    elif case == "is far":
        scene, _ = scene_of(way, after(MINE), apart=4.0 * RADIUS)
    else:
        scene, _ = scene_of(way, after(MINE), waits=False)
    assert BackingOff(way, 0.0, DT).place(scene, 0) is None


def test_it_goes_back_no_longer_than_the_other_is_there() -> None:
    way = route()
    backing, (scene, _) = BackingOff(way, 0.0, DT), scene_of(way, after(MINE))
    assert backing.place(scene, 0) is not None
    gone = others_of({OTHER: tells(held=(), ahead=(), key=after(MINE), own=waiting_key(1, OTHER))})
    assert backing.place(scene._replace(others=gone), 1) is None


def test_it_goes_back_just_as_far_as_it_must() -> None:
    """A slice before a mouth is much wider than a robot: to its far end and back, others gave way for ten seconds."""
    way = route()
    mouth = way.slices.at(0.75, 1.0)
    position, place = np.array([0.75, 1.0]), np.array([0.9, 1.0])
    assert way.is_mouth(mouth)
    near, far = (way.back_from(position, place, mouth, apart) for apart in (0.2, 9.0))
    assert 0.2 <= math.dist(near, place) < 0.24 and math.dist(far, place) > 0.3
    assert math.dist(near, position) < 0.1
