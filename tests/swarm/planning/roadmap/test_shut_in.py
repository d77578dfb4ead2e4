"""Who is shut in among others: it has not moved for long, wants on, and can turn on the spot."""

from __future__ import annotations

import numpy as np

from swarm.planning.roadmap.planner import RoadmapPlanner
from swarm.planning.roadmap.shut_in import MOVES, PATIENCE, ShutIn
from swarm.scenario.world import World
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y, NEIGHBOUR
from swarm.sense.view import View

RADIUS, PERIOD = 0.2, 0.05
WORLD = World(np.array([0.0, 0.0, 6.0, 4.0]))


def neighbour(distance: float) -> np.ndarray:
    """One that stands so far to the right of the origin [m]."""
    row = np.zeros((1, NEIGHBOUR))
    row[0, [N_X, N_RADIUS, N_ID]] = distance, RADIUS, 7.0
    return row


def test_who_has_not_moved_for_long_and_wants_on_is_shut_in_if_it_can_turn_on_the_spot() -> None:
    shut_in = ShutIn(np.full(4, RADIUS), np.array([True, True, True, False]))
    positions, left = np.zeros((4, 2)), np.array([2.0, 2.0, 1.9 * RADIUS, 2.0])
    beside, rows = neighbour(2.1 * RADIUS), np.full(4, -1)
    for tick in range(60):
        found = shut_in.update(tick * PERIOD, positions, left, beside, rows)
        assert found.tolist() == [tick * PERIOD > PATIENCE, False, False, False]  # who moves, is there, cannot turn so
        positions[1] += 0.02
    positions[0, 0] += 0.8 * MOVES * RADIUS
    assert shut_in.update(3.0, positions, left, beside, rows)[0]
    positions[0, 1] += 1.1 * MOVES * RADIUS
    assert not shut_in.update(3.05, positions, left, beside, rows)[0]


def test_who_has_nobody_beside_it_is_not_shut_in() -> None:
    shut_in, at, left = ShutIn(np.full(1, RADIUS), np.array([True])), np.zeros((1, 2)), np.full(1, 2.0)
    shut_in.update(0.0, at, left, neighbour(2.9 * RADIUS), np.array([-1]))
    for distance, own, expected in ((2.9, -1, True), (3.1, -1, False), (0.0, 0, False)):
        found = shut_in.update(2.0 * PATIENCE, at, left, neighbour(distance * RADIUS), np.array([own]))
        assert found.tolist() == [expected]


def test_a_planner_says_so_and_forgets_it() -> None:
    planner = RoadmapPlanner(WORLD, RADIUS, turns=True, spins=True)
    moved = np.zeros(NEIGHBOUR)
    moved[[N_X, N_Y]] = 1.0
    state, goal = np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([5.0, 3.0])

    def agreed(time: float) -> bool:
        return planner.plan(View(time, state, goal, neighbour(2.5 * RADIUS) + moved, {})).agreed

    assert [agreed(0.0), agreed(PATIENCE), agreed(PATIENCE + PERIOD)] == [False, False, True]
    planner.reset()
    assert not agreed(PATIENCE + 2.0 * PERIOD)
