"""What one robot does in one control period, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from swarm.array_types import Array
from swarm.planning import Plan
from swarm.sense.messages import Message


@dataclass
class Command:
    """What one robot does in one control period, and why.

    Attributes:
        control: ``float64[2]``: velocity, acceleration, or forward speed and turn rate (``swarm.model.dynamics``).
        outcome: ``optimal``; ``relaxed``: the QP's rows had to give way; ``braking``: the shield stepped in.
        relaxation: By how much the rows gave way.
        tunables: ``float64[6]``, physical values (``swarm.filter.tunables``).
        action: ``float64[6]``, the same in [0, 1].
        plan: The planner's waypoint and path.
        message: What the robot tells the others.
        clearance: Gap to the nearest robot or obstacle that it senses [m]; inf if there is none.
    """

    control: Array
    outcome: str
    relaxation: float
    tunables: Array
    action: Array
    plan: Plan
    message: Message
    clearance: float
    ahead: tuple[Array, Array] | None = None


class Filtered(NamedTuple):
    """What a filter gives: a control ``float64[2]``, an index of ``safety.OUTCOMES``, how far the rows gave way."""

    control: Array
    outcome: int
    relaxation: float
