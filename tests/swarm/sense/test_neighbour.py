"""A neighbour that a user describes is the row that the kernels write for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from swarm import InputError, Kind, Limits, Neighbour, View
from swarm.model.body import LOOK_AHEAD, REACH, body_of
from swarm.sense.neighbours import NEIGHBOUR, describe


@pytest.mark.parametrize("kind", list(Kind))
def test_a_described_neighbour_is_the_row_of_the_kernel(kind: Kind) -> None:
    limits = Limits(0.7, 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf, 3.0)
    body = body_of(kind, 0.2, limits, dt=0.05, sensing_radius=3.0)
    state, intent, row = np.array([1.0, -2.0, 0.5, 0.3, -0.1]), np.array([4.0, 5.0]), np.empty(NEIGHBOUR)
    describe(int(kind), state, body, intent, 0.25, 0.75, 3, row)
    far = body[LOOK_AHEAD] if kind == Kind.UNICYCLE else 0.0
    ahead = (far * math.cos(state[2]), far * math.sin(state[2]))
    told = Neighbour(
        (1.0, -2.0), 0.2, float(body[REACH]), (0.3, -0.1), limits.acceleration, ahead, (4.0, 5.0), 0.25, 0.75, 3
    )
    np.testing.assert_array_equal(told.row(), row)


def test_a_view_takes_neighbours_and_rows_alike() -> None:
    near = [Neighbour((1.0, 0.0), 0.2, 0.05), Neighbour((0.0, 1.0), 0.3, 0.05, robot_id=4)]
    state, goal = np.zeros(5), np.ones(2)
    view = View(0.0, state, goal, near)
    np.testing.assert_array_equal(view.neighbours, View(0.0, state, goal, [one.row() for one in near]).neighbours)
    assert view.neighbours.shape == (2, NEIGHBOUR)
    assert View(0.0, state, goal, []).neighbours.shape == (0, NEIGHBOUR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": (math.nan, 0.0)}, {"position": (1.0,)}, {"radius": -0.1}, {"reach": math.inf},
        {"velocity": (math.inf, 0.0)}, {"acceleration": 0.0}, {"acceleration": math.nan}, {"rotation": 1.1},
        {"speed": -0.1}, {"intent": (0.0, math.nan)}, {"ahead": (math.nan, 0.0)},
    ],
)  # fmt: skip
def test_numbers_that_make_no_robot_are_refused(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(InputError, match=f"neighbour: {name}"):
        Neighbour(**({"position": (0.0, 0.0), "radius": 0.1, "reach": 0.1} | wrong))  # type: ignore[arg-type]
