"""Messages are finite and bounded, or they are not messages."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from swarm.errors import InputError
from swarm.sense.messages import EMBEDDING, Message, hear

GOOD = Message(3, 1.5, (1.0, -2.0), 0.0, 1.0)


def test_the_waypoint_as_an_array() -> None:
    assert GOOD.waypoint_world.tolist() == [1.0, -2.0]
    assert GOOD.waypoint_world.dtype == float


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GOOD.speed = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [{"time": math.nan}, {"time": math.inf}, {"waypoint": (math.nan, 0.0)}, {"waypoint": (0.0, -math.inf)},
     {"waypoint": (0.0,)}, {"waypoint": (0.0, 1.0, 2.0)}, {"rotation": -0.01}, {"rotation": math.nan},
     {"speed": 1.01}, {"speed": math.inf}, {"embedding": (0.0,) * (EMBEDDING - 1)},
     {"embedding": (*(0.0,) * (EMBEDDING - 1), math.nan)}, {"embedding": (1.01,) * EMBEDDING}],
)  # fmt: skip
def test_bad_numbers(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="message of robot 3"):
        dataclasses.replace(GOOD, **change)  # type: ignore[arg-type]


def test_who_told_nothing_is_heard_as_zeros() -> None:
    embedding = tuple(np.linspace(-1.0, 1.0, EMBEDDING).tolist())
    messages = {3: dataclasses.replace(GOOD, embedding=embedding), 4: dataclasses.replace(GOOD, robot_id=4)}
    heard = hear(np.array([-1, 4, 3, 9], np.int32), messages)
    assert heard[[0, 1, 3]].tolist() == [[0.0] * EMBEDDING] * 3
    assert heard[2] == pytest.approx(embedding)
