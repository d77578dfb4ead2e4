"""Messages are finite and bounded, or they are not messages."""

from __future__ import annotations

import dataclasses
import math

import pytest

from swarm.errors import InputError
from swarm.messages import Message

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
     {"speed": 1.01}, {"speed": math.inf}],
)  # fmt: skip
def test_bad_numbers(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="message of robot 3"):
        dataclasses.replace(GOOD, **change)  # type: ignore[arg-type]
