"""Planning: where a robot drives next, and what it tells the others about it.

This file holds only what every planner shares; the planners are in rooms of their own: `roadmap` (continuous worlds),
`cells` (continuous worlds with one-lane aisles), `guided`, `follower` and `pibt` (grid worlds). What they know of a map
is in `graph`; `registry` finds them by name. Keeping bodies apart between waypoints is the filter's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from swarm.array_types import Array
from swarm.sense.intent import Intent
from swarm.sense.view import View


@dataclass(frozen=True)
class Plan:
    """What a planner proposes for this control period.

    Attributes:
        waypoint: Point to drive towards in a straight line, world frame [m], float64[2].
        path: Points of the way ahead, for drawing [m], float64[p, 2].
        intent: What goes into the message to the others; None if this planner tells nothing.
        stop_distance: Metres from here to where the robot must be able to stop; inf if nothing demands it.
    """

    waypoint: Array
    path: Array = field(default_factory=lambda: np.empty((0, 2)))
    intent: Intent | None = None
    stop_distance: float = float("inf")


class Planner(Protocol):
    """Anything that turns what a robot sees into where it drives next."""

    def plan(self, view: View) -> Plan:
        """Propose a waypoint for this control period."""
        ...
