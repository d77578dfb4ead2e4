"""What a robot claims, and what it leaves to others."""

from __future__ import annotations

import numpy as np

from swarm.model.dynamics import Kind, Limits
from swarm.planning.passages.holding import Holding, Said
from swarm.planning.passages.right_of_way import waiting_key
from swarm.planning.passages.route import Route
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World
from swarm.sense.neighbours import NEIGHBOUR
from swarm.sense.view import View
from tests.oracles.told import others_of, own_of, tells

RADIUS, ME, OTHER = 0.1, 3, 8


def test_who_is_in_a_lane_leaves_nothing_of_it_to_who_cannot_enter_it_against_him() -> None:
    """Of longer wait or not: one would wait for the other's claim, and that one for the lane to be empty."""
    boxes = np.array([[3.0, 0.42, 2.0, 0.42], [3.0, 1.58, 2.0, 0.42]])  # a lane of 0.32 m
    world = World(np.array([0.0, 0.0, 6.0, 2.0]), boxes)
    route = Route(world, slices_of(world, Sizes(RADIUS, RADIUS)), RADIUS, 0.0)
    start, end = np.array([3.4, 1.0, 0.0, 0.0, 0.0]), np.array([5.5, 1.0])
    leg = route.leg(np.linspace(start[:2], end, 200), end)
    first, last = leg.ahead[0], leg.ahead[-1]
    claims = []
    for inside in (False, True):
        held = (last,) if inside else ()  # comes from the other end, and says that it can make no way
        theirs = tells(held=held, ahead=leg.ahead[::-1].tolist(), key=waiting_key(900, OTHER), leaving=True)
        mine = tells(held=(first,), ahead=leg.ahead.tolist(), key=waiting_key(100, ME))
        holding = Holding(route.slices, RobotSpec(Kind.SINGLE_INTEGRATOR, start, end[None], RADIUS, Limits(1.0)), 0.05)
        holding.held = leg.ahead[:1]
        view, said = View(0.0, start, end, np.empty((0, NEIGHBOUR))), Said(ME, 1, False, 0, 0, 0)
        intent = holding.go_on(view, leg, own_of(ME, mine, leg.ahead.tolist()), others_of({OTHER: theirs}), said)
        assert intent.held == (first,) and max(intent.claim, 0) == holding.claim
        claims.append(holding.claim)
    assert claims == [leg.ahead[1], 0]
