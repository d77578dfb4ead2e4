"""What robots tell each other once per control period."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from swarm.array_types import Array, Float32s, Int32s, Int64s
from swarm.errors import InputError
from swarm.sense.intent import Intent

HEARING = 2.0
"""Robots hear each other within so many sensing radii."""
HEARING_CELLS = 6.0
"""Robots within so many cells may want the same ones, and hear each other if they reserve cells."""

# Numbers in an embedding: what a network that takes two rounds of messages tells of the sender's neighbourhood.
EMBEDDING = 8


@dataclass(frozen=True)
class Message:
    """One robot's broadcast; what others do with it can make them slower or faster, never unsafe.

    Attributes:
        robot_id: Of the sender.
        time: When it was sent [s].
        waypoint: Where the sender is heading, world frame [m].
        rotation: Its rotation tunable as an action in [0, 1].
        speed: Its speed tunable as an action in [0, 1].
        intent: The cells that it holds and claims, if its planner reserves cells.
        embedding: ``EMBEDDING`` numbers in [-1, 1], an embedding of its neighbourhood; empty if its controller has
            none.

    Raises:
        InputError: If a number is not finite or outside its range.
    """

    robot_id: int
    time: float
    waypoint: tuple[float, float]
    rotation: float
    speed: float
    intent: Intent | None = None
    embedding: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.waypoint) != 2 or not all(math.isfinite(value) for value in (self.time, *self.waypoint)):
            valid = "a finite time (s) and waypoint (x, y)"
            raise InputError(f"message of robot {self.robot_id}", (self.time, self.waypoint), valid)
        for name, value in (("rotation", self.rotation), ("speed", self.speed)):
            if not 0.0 <= value <= 1.0:
                raise InputError(f"message of robot {self.robot_id}: {name}", value, "a number in [0, 1]")
        if len(self.embedding) not in (0, EMBEDDING) or not all(-1.0 <= value <= 1.0 for value in self.embedding):
            raise InputError(
                f"message of robot {self.robot_id}: told", self.embedding, f"{EMBEDDING} numbers in [-1, 1]"
            )

    @classmethod
    def checked(
        cls, robot_id: int, time: float, waypoint: tuple[float, float], rotation: float, speed: float,
        intent: Intent | None,
    ) -> Message:  # fmt: skip
        """A message without an embedding of which all is known to be within its range."""
        made = object.__new__(cls)
        made.__dict__.update(
            robot_id=robot_id, time=time, waypoint=waypoint, rotation=rotation, speed=speed, intent=intent, embedding=()
        )
        return made

    @property
    def waypoint_world(self) -> Array:
        """``waypoint`` as ``float64[2]``."""
        return np.array(self.waypoint)


class Table(dict[int, Message]):
    """The messages of all robots that share a process, by sender.

    Attributes:
        derived: What others made of it, under keys of their own, so that it is made once for all who hear some of it.
    """

    def __init__(self, messages: Mapping[int, Message]) -> None:
        super().__init__(messages)
        self.derived: dict[object, Any] = {}


class Heard(Mapping[int, Message]):
    """Those messages of a table that one robot hears.

    Args:
        table: Of all.
        near: Who is near enough, in ascending order, int64[k]; who of them has told nothing is not heard.
    """

    def __init__(self, table: Table, near: Int64s) -> None:
        self.table, self.near = table, near

    @cached_property
    def _ids(self) -> dict[int, None]:
        return {robot: None for robot in self.near.tolist() if robot in self.table}

    def __getitem__(self, robot: int) -> Message:
        """What one of them has told."""
        if robot not in self._ids:
            raise KeyError(robot)
        return self.table[robot]

    def __contains__(self, robot: object) -> bool:
        """Whether this one is heard."""
        return robot in self._ids

    def __iter__(self) -> Iterator[int]:
        """Who is heard, in ascending order."""
        return iter(self._ids)

    def __len__(self) -> int:
        """How many are heard."""
        return len(self._ids)


def as_heard(messages: Mapping[int, Message]) -> Heard:
    """Messages as those of a table; of one of their own if they are of none."""
    if isinstance(messages, Heard):
        return messages
    return Heard(Table(messages), np.array(sorted(messages), np.int64))


def readable_intents(table: Table, cells: int) -> dict[int, Intent]:
    """What is told of cells, by sender, by those whose map has so many; looked up once for all who hear it."""
    key = "intents", cells
    if key not in table.derived:
        told = ((robot, message.intent) for robot, message in table.items())
        table.derived[key] = {robot: one for robot, one in told if one is not None and one.last_cell < cells}
    found: dict[int, Intent] = table.derived[key]
    return found


def hearing_radius(sensing_radius: float, cell_size: float | None = None, reach: float = 0.0) -> float:
    """Distance within which robots hear each other [m].

    Given a cell size [m], also who may want the same cells; at least ``reach`` [m].
    """
    return max(HEARING * sensing_radius, 0.0 if cell_size is None else HEARING_CELLS * cell_size, reach)


def hear(senders: Int32s, messages: Mapping[int, Message]) -> Float32s:
    """The embeddings ``float32[P, TOLD]`` that the senders ``int32[P]`` have told; zeros where there is none."""
    heard = np.zeros((len(senders), EMBEDDING), np.float32)
    for k in np.flatnonzero(senders >= 0):
        message = messages.get(int(senders[k]))
        if message is not None and message.embedding:
            heard[k] = message.embedding
    return heard
