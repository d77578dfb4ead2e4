"""All that a robot decides on: what its planner, its policy and its filter get to see in one control period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.sense.messages import Message
from swarm.sense.neighbour import Neighbour, rows_of
from swarm.sense.neighbours import NEIGHBOUR


@dataclass
class View:
    """All that one robot knows in one control period.

    Attributes:
        time: s.
        state: ``float64[5]``, its own: x, y, heading, vx, vy (world frame).
        goal: ``float64[2]``, world frame, m.
        neighbours: Robots that it senses, at most 16: a list of ``Neighbour``, or the rows that it becomes,
            ``float64[k, 14]`` (columns in ``swarm.sense.neighbours``).
        messages: The last message of each robot within its communication radius, by id.
        obstacles: ``float64[m, 5]``, obstacles that it senses, at most 16; None takes them from the static map.
        truncated: Whether somebody near had to be left out of ``neighbours``.
        strangers: ``float64[k, 2]``, robots that it senses and that do not answer, m; None: everybody who may be near
            answers, which is a stronger claim than that no stranger is sensed.
        silent: ``float64[k, 2]``, last known places of robots that have been silent for long, m.
    """

    time: float
    state: Array
    goal: Array
    neighbours: Array = field(default_factory=lambda: np.empty((0, NEIGHBOUR)))
    messages: Mapping[int, Message] = field(default_factory=dict)
    obstacles: Array | None = None
    truncated: bool = False
    strangers: Array | None = None
    silent: Array = field(default_factory=lambda: np.empty((0, 2)))

    def __post_init__(self) -> None:
        if not isinstance(self.neighbours, np.ndarray) and all(isinstance(one, Neighbour) for one in self.neighbours):
            self.neighbours = rows_of(self.neighbours)
        # Lists, integers and slices are welcome here; the kernels are compiled for contiguous float64 alone.
        for name in ("state", "goal", "neighbours", "obstacles"):
            value = getattr(self, name)
            if value is not None:
                try:
                    setattr(self, name, np.ascontiguousarray(value, dtype=np.float64))
                except (TypeError, ValueError):
                    raise InputError(f"view.{name}", value, "numbers") from None
