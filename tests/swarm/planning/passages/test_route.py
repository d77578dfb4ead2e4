"""What is computed all at once, or only in part, of a way: the same as piece by piece, to the last bit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from envs.scenarios import draw_family
from swarm.array_types import Array
from swarm.planning.passages.grid import scratch_of
from swarm.planning.passages.holding import next_beyond
from swarm.planning.passages.route import Route
from swarm.planning.passages.search import way_of
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.planning.passages.team import sizes_of
from swarm.scenario.world import World

another_way: Any = way_of


def grid_of(route: Route) -> tuple[Any, ...]:
    return route.scratch, route.roadmap, route.slices.labels, route.slices.begins


FAMILIES = ("rooms", "bays", "blocks")
NOBODY = np.empty((0, 3))


def routes(family: str, seed: int) -> tuple[Route, Route, np.random.Generator]:
    """Two alike of one world."""
    scenario = draw_family(family, seed=seed)
    slices, spec = slices_of(scenario.world, sizes_of(scenario)), scenario.robots[0]
    one, other = (Route(scenario.world, slices, spec.radius, 0.0) for _ in range(2))
    return one, other, np.random.default_rng(seed)


def places(route: Route, rng: np.random.Generator, count: int) -> Array:
    """Middles of cells where a robot fits, a little off them, float64[count, 2] [m]."""
    rows, columns = np.nonzero(np.isfinite(route.roadmap.cost))
    chosen = rng.integers(len(rows), size=count)
    off = rng.uniform(0.1, 0.9, (count, 2))
    return route.slices.origin + (np.column_stack([columns, rows])[chosen] + off) * route.slices.resolution


@pytest.mark.parametrize("family", FAMILIES)
def test_a_way_that_goes_on_is_the_one_that_is_looked_for_anew(family: str) -> None:
    """Also of a robot that is pushed off its way, or set down elsewhere."""
    route, fresh, rng = routes(family, 71)
    for goal in places(route, rng, 3):
        for position in places(route, rng, 3):
            for _ in range(20):
                fresh.forget()
                leg, (target, path, left) = route.leg_to(position, goal), fresh.way(position, goal)
                anew = fresh.leg(fresh.begun(position, path), target, left)
                lists = zip((leg.order, leg.firsts, leg.ahead), (anew.order, anew.firsts, anew.ahead), strict=True)
                assert all(one.tolist() == other.tolist() for one, other in lists)
                assert (leg.left, leg.distance) == (anew.left, anew.distance) and route.nowhere == fresh.nowhere
                for mine, other in ((leg.path, path[len(path) - len(leg.path) :]), (leg.target, anew.target)):
                    np.testing.assert_array_equal(mine, other)
                np.testing.assert_array_equal(leg.numbers, anew.numbers)
                np.testing.assert_array_equal(leg.steps, anew.steps)
                step = leg.path[min(2, len(leg.path) - 1), :2] - position
                position = position + step + rng.normal(0.0, 0.02, 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_slices_on_a_way_are_what_its_points_say(family: str) -> None:
    route, _, rng = routes(family, 72)
    for goal, start in zip(places(route, rng, 8), places(route, rng, 8), strict=True):
        _, path, _ = route.way(start, goal)
        leg, numbers = route.leg(path, None), [route.slices.at(*point) for point in path.tolist()]
        inside = [k for k, number in enumerate(numbers) if number > 0]
        order = list(dict.fromkeys(numbers[k] for k in inside))
        gaps = ((k, leg.steps[after] - leg.steps[k]) for k, after in pairwise(inside))
        far = [k for k, gap in gaps if gap > route.slices.length]
        assert leg.numbers.tolist() == numbers and list(leg.order) == order
        assert list(leg.firsts) == [numbers.index(number) for number in order]
        np.testing.assert_array_equal(leg.steps[1:], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1)))
        upto = numbers[: far[0] + 1] if far else numbers
        assert list(leg.ahead) == list(dict.fromkeys(number for number in upto if number > 0))
        held = order[:2]
        assert next_beyond(leg.order, np.array(held, np.int64)) == len(held)


@pytest.mark.parametrize("family", FAMILIES)
def test_searches_leave_no_trace(family: str) -> None:
    """All robots of a world write on the same grid, one after the other."""
    route, _, rng = routes(family, 73)
    total, scratch = route.slices.total, scratch_of(route._world, route.slices.labels.shape)
    for place, other in zip(places(route, rng, 10), places(route, rng, 10), strict=True):
        taken, closed = rng.random((2, total + 1)) < [[0.7], [0.1]]
        taken[0] = rng.random() < 0.5
        off = np.column_stack([places(route, rng, 20), rng.uniform(0.1, 0.4, 20)])
        ask = place, taken, closed & (np.arange(total + 1) > 0), off, off[:3], off[3:5], np.array([1.2, 1.0]), 2, other
        first = route.way_aside(*ask)
        numbers, free = rng.integers(1, total + 1, 2).tolist(), np.ones(total + 1, bool)
        way = another_way(*grid_of(route), free, *numbers, False, other, -1, -1, taken.copy())
        again = route.way_aside(*ask)
        np.testing.assert_array_equal(first[0], again[0])
        assert first[1] == again[1] and len(way) > 0
        assert (scratch.before == -1).all() and not scratch.least.any() and not scratch.wall.any()


def test_a_robot_that_fits_nowhere_has_no_way_aside() -> None:
    """In a world of one row of cells, what is beside them is not theirs to write on."""
    world = World(np.array([0.0, 0.0, 4.0, 0.01]), np.array([[2.0, 0.0, 2.5, 1.0]]))
    route, nobody = Route(world, slices_of(world, Sizes(0.1, 0.1)), 0.1, 0.0), np.empty((0, 3))
    free, place = np.zeros(route.slices.total + 1, bool), np.array([1.0, 0.0])
    way, limit = route.way_aside(place, free, free, nobody, nobody, nobody, np.ones(1), 1, np.full(2, np.nan))
    scratch = scratch_of(world, route.slices.labels.shape)
    assert scratch.before.size < 200 and (scratch.before == -1).all()
    assert len(way) == 0 and limit == 1 and not np.isfinite(route.roadmap.cost).any()
    assert len(another_way(*grid_of(route), free, 0, 0, True, place, -1, -1, free)) > 0
