"""Where a way aside must not end: looked up for one cell as drawn for all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swarm.planning.passages.aside.heeded import crowd_around
from swarm.planning.passages.grid import crowd_of, rooms_too_near
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y, NEIGHBOUR


@given(st.integers(0, 2**32 - 1))
def test_one_cell_is_as_it_would_be_drawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    origin, size, shape, nobody = rng.uniform(-1.0, 1.0, 2), float(rng.uniform(0.03, 0.3)), (20, 30), np.empty((0, 3))
    points = rng.uniform(0.0, 1.0, (rng.integers(6), 3)) * [30 * size, 20 * size, 8 * size]
    points[:, :2] += origin
    rooms = np.sort(rng.uniform(0.8, 1.5, rng.integers(1, 5)))[::-1].copy()
    drawn, _ = crowd_of(origin, size, shape, points, nobody, nobody, rooms)
    found = [[rooms_too_near(origin, size, points, rooms, r, c) for c in range(30)] for r in range(20)]
    assert (drawn == np.array(found)).all()


def test_it_keeps_off_all_who_tell_nothing_and_not_off_those_for_whom_it_makes_way() -> None:
    """Who tells nothing has no identity: of several who all have -1, each counts."""
    rows = np.zeros((4, NEIGHBOUR))
    rows[:, [N_ID, N_X, N_Y, N_RADIUS]] = [
        (-1, 1.0, 0.0, 0.2),
        (7, 2.0, 0.0, 0.3),
        (-1, 3.0, 0.5, 0.1),
        (4, 5.0, 0, 0.2),
    ]
    crowd, seen = crowd_around(rows, np.array([9, 7]), 0.1, 0.01)
    np.testing.assert_allclose(crowd, [(1.0, 0.0, 0.32), (3.0, 0.5, 0.22), (5.0, 0.0, 0.32)])
    assert seen.tolist() == [-1, 1]
