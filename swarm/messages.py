"""What robots tell each other once per control period."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swarm.errors import InputError
from swarm.planning import Intent


@dataclass(frozen=True)
class Message:
    """One robot's broadcast; what others do with it can make them slower or faster, never unsafe.

    Attributes:
        robot_id: Of the sender.
        time: When it was sent, s.
        waypoint: Where the sender is heading, world frame, m.
        rotation: Its rotation tunable as an action in [0, 1].
        speed: Its speed tunable as an action in [0, 1].
        intent: The cells that it holds and claims, if its planner reserves cells.

    Raises:
        InputError: If a number is not finite or outside its range.
    """

    robot_id: int
    time: float
    waypoint: tuple[float, float]
    rotation: float
    speed: float
    intent: Intent | None = None

    def __post_init__(self) -> None:
        if len(self.waypoint) != 2 or not all(math.isfinite(value) for value in (self.time, *self.waypoint)):
            valid = "a finite time (s) and waypoint (x, y)"
            raise InputError(f"message of robot {self.robot_id}", (self.time, self.waypoint), valid)
        for name, value in (("rotation", self.rotation), ("speed", self.speed)):
            if not 0.0 <= value <= 1.0:
                raise InputError(f"message of robot {self.robot_id}: {name}", value, "a number in [0, 1]")

    @property
    def waypoint_world(self) -> NDArray[np.float64]:
        """``waypoint`` as ``float64[2]``."""
        return np.array(self.waypoint)
