"""What one robot's planner says, asked once a period, and what the robot remembers of its way."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.kernel_cache.references import uncounted
from swarm.planning import Plan, Planner
from swarm.sense.view import View
from swarm.tune.memory import LEAST, WAITED, blank, remember


class Way:
    """The way of one robot.

    Args:
        body: ``float64[BODY]``.

    Attributes:
        memory: ``float64[2]`` (``swarm.tune.memory``), which may be a row of somebody's; written in place.
    """

    def __init__(self, body: Array) -> None:
        self._body, self.memory = body, blank()
        self.reset()
        remember_plan(body, 0.0, False, blank())  # loaded now, and not when the robot first waits for nobody

    def reset(self) -> None:
        """Forget the plan, and how far the robot has come; not what the planner holds."""
        self.memory[:], self._goal = blank(), b""
        self._planned: tuple[tuple[float, bytes, bytes], Plan] | None = None

    def planned(self, planner: Planner, view: View) -> Plan:
        """The plan of its planner, and remember; once a period, as both count time by being asked."""
        plan, is_new = self.asked(planner, view)
        if is_new:
            remember_plan(self._body, way_left(plan, view), waits(plan), self.memory)
        return plan

    def asked(self, planner: Planner, view: View) -> tuple[Plan, bool]:
        """The plan of its planner, and whether it is to be remembered (``remember_plan``): the first of its period."""
        period = (view.time, view.state.tobytes(), view.goal.tobytes())
        if self._planned is not None and self._planned[0] == period:
            return self._planned[1], False
        plan = planner.plan(view)
        self._planned = period, plan
        if period[2] != self._goal:
            self.memory[:], self._goal = blank(), period[2]
        return plan, True


def waits(plan: Plan) -> bool:
    """Whether a plan may have its robot stand for others' sake."""
    return plan.intent is not None if plan.waits is None else bool(plan.waits)


@uncounted
def remember_plan(body: Array, remaining: float, waits: bool, memory: Array) -> None:
    """Take one period into account: ``remember``; but who waits for others is not stuck."""
    if waits:
        memory[LEAST], memory[WAITED] = remaining, 0.0
    else:
        remember(body, remaining, memory)


def way_left(plan: Plan, view: View) -> float:
    """Metres to where the robot should come to rest: what the plan says, else straight to the goal."""
    if math.isfinite(plan.stop_distance):
        return plan.stop_distance
    return math.hypot(view.goal[0] - view.state[0], view.goal[1] - view.state[1])
