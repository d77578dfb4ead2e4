"""What one robot's planner says, asked once a period, and what the robot remembers of its way."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.planning import Plan, Planner
from swarm.sense.view import View
from swarm.tune.memory import LEAST, WAITED, blank, remember


class Way:
    """The way of one robot.

    Args:
        body: ``float64[BODY]``.

    Attributes:
        memory: ``float64[2]`` (``swarm.tune.memory``).
    """

    def __init__(self, body: Array) -> None:
        self._body = body
        self.reset()
        remember(body, 0.0, blank())  # loaded now, and not when the robot first waits for nobody

    def reset(self) -> None:
        """Forget the plan, and how far the robot has come; not what the planner holds."""
        self.memory, self._goal = blank(), b""
        self._planned: tuple[tuple[float, bytes, bytes], Plan] | None = None

    def planned(self, planner: Planner, view: View) -> Plan:
        """The plan of its planner, and remember; once a period, as both count time by being asked."""
        period = (view.time, view.state.tobytes(), view.goal.tobytes())
        if self._planned is None or self._planned[0] != period:
            self._planned = (period, planner.plan(view))
            if period[2] != self._goal:
                self.memory, self._goal = blank(), period[2]
            plan = self._planned[1]
            remaining = way_left(plan, view)
            if not (plan.intent is not None if plan.waits is None else plan.waits):
                remember(self._body, remaining, self.memory)
            else:  # who waits for others is not stuck
                self.memory[LEAST], self.memory[WAITED] = remaining, 0.0
        return self._planned[1]


def way_left(plan: Plan, view: View) -> float:
    """Metres to where the robot should come to rest: what the plan says, else straight to the goal."""
    if math.isfinite(plan.stop_distance):
        return plan.stop_distance
    return math.hypot(view.goal[0] - view.state[0], view.goal[1] - view.state[1])
