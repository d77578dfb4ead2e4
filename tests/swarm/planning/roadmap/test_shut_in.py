"""Who is shut in among others: it has not moved for long, wants on, and can turn on the spot."""

from __future__ import annotations

import numpy as np

from swarm.planning.roadmap.planner import RoadmapPlanner
from swarm.planning.roadmap.shut_in import MOVES, PATIENCE, ShutIn
from swarm.scenario.world import World
from swarm.sense.neighbours import NEIGHBOUR
from swarm.sense.view import View

RADIUS, PERIOD = 0.2, 0.05
WORLD = World(np.array([0.0, 0.0, 6.0, 4.0]))


def test_who_has_not_moved_for_long_and_wants_on_is_shut_in_if_it_can_turn_on_the_spot() -> None:
    shut_in = ShutIn(np.full(4, RADIUS), np.array([True, True, True, False]))
    positions, left = np.zeros((4, 2)), np.array([2.0, 2.0, 1.9 * RADIUS, 2.0])
    for tick in range(60):
        found = shut_in.update(tick * PERIOD, positions, left)
        assert found.tolist() == [tick * PERIOD > PATIENCE, False, False, False]  # who moves, is there, cannot turn so
        positions[1] += 0.02
    positions[0, 0] += 0.8 * MOVES * RADIUS
    assert shut_in.update(3.0, positions, left)[0]
    positions[0, 1] += 1.1 * MOVES * RADIUS
    assert not shut_in.update(3.05, positions, left)[0]


def test_a_planner_says_so_and_forgets_it() -> None:
    planner = RoadmapPlanner(WORLD, RADIUS, turns=True, spins=True)
    state, goal = np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([5.0, 3.0])

    def agreed(time: float) -> bool:
        return planner.plan(View(time, state, goal, np.empty((0, NEIGHBOUR)), {})).agreed

    assert [agreed(0.0), agreed(PATIENCE), agreed(PATIENCE + PERIOD)] == [False, False, True]
    planner.reset()
    assert not agreed(PATIENCE + 2.0 * PERIOD)
