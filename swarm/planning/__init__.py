"""Planning: where a robot drives next, and what it tells the others about it.

This file holds only what every planner shares; the planners are in rooms of their own: ``roadmap`` (continuous worlds),
``passages`` and ``cells`` (continuous worlds with places for one robot, without and with a grid map), ``guided``,
``follower`` and ``pibt`` (grid worlds). What they know of a map is in ``graph``; ``registry`` finds them by name.
Keeping bodies apart between waypoints is the filter's business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import array
from swarm.files.own_code import Running, is_ours
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
        waits: Whether it may stand because others go first, so that it is not stuck; None: if it tells an intent.
        agreed: Whether who goes first where it drives is agreed, so that it turns aside for nobody.
        straight: Whether where it drives is its own, so that no controller turns it.
        note: Why it cannot come to its goal for now, for people: what is blocked, and by whom; empty: it can.
    """

    waypoint: Array
    path: Array = field(default_factory=lambda: np.empty((0, 2)))
    intent: Intent | None = None
    stop_distance: float = float("inf")
    waits: bool | None = None
    agreed: bool = False
    straight: bool = False
    note: str = ""

    @classmethod
    def agreed_on(
        cls, waypoint: Array, path: Array, intent: Intent, stop_distance: float, waits: bool, agreed: bool
    ) -> Plan:  # fmt: skip
        """A plan of these, made sooner than by its name: a frozen dataclass sets each field by a call."""
        made = object.__new__(cls)
        made.__dict__.update(
            waypoint=waypoint, path=path, intent=intent, stop_distance=stop_distance, waits=waits, agreed=agreed,
            straight=False, note="",
        )  # fmt: skip
        return made


class Planner(Protocol):
    """Anything that turns what a robot sees into where it drives next.

    One that remembers may also have what ``StatefulPlanner`` adds, or a part of that.
    """

    def plan(self, view: View) -> Plan:
        """Propose a waypoint for this control period."""
        ...


@runtime_checkable
class StatefulPlanner(Planner, Protocol):
    """A planner, and what is asked of one that remembers; the defaults are those of one that does not.

    Attributes:
        held: Cells that it holds, tail first.
    """

    held: Sequence[int] = ()

    def reset(self) -> None:
        """Forget everything."""
        return  # An empty body would be an abstract method to type checkers.

    def resume(self, held: Sequence[int], x: float, y: float) -> bool:
        """Hold the cells of before a restart again, if the robot at (x, y) [m] stands in them; whether it does."""
        return False


def stateful(planner: Planner) -> StatefulPlanner:
    """The planner itself if it is one of ours; a user's own with checks, and the defaults for what it lacks."""
    return planner if isinstance(planner, StatefulPlanner) and is_ours(planner) else OwnPlanner(planner)


_FLAG = bool | np.bool_
_KINDS: dict[str, Any] = {
    "intent": Intent | None, "stop_distance": int | float | np.number, "waits": _FLAG | None, "agreed": _FLAG,
    "straight": _FLAG, "note": str,
}  # fmt: skip


class OwnPlanner(StatefulPlanner):
    """A planner of a user's own: what it gives is checked; the one place that asks which methods it has.

    Args:
        planner: The user's.
        where: What it is called in errors.
    """

    def __init__(self, planner: Planner, where: str = "") -> None:
        self._planner, self._where = planner, where or f"planner: {type(planner).__name__}"

    def plan(self, view: View) -> Plan:
        """Its plan.

        Raises:
            InputError: If it raises, or gives something else.
        """
        with self._running(self._planner.plan, "a swarm.Plan for any view"):
            plan = self._planner.plan(view.copied())
            if not isinstance(plan, Plan):
                raise InputError("", plan, "a swarm.Plan")
            for name, kind in _KINDS.items():
                if not isinstance(found := getattr(plan, name), kind):
                    raise InputError(name, found, str(getattr(kind, "__name__", kind)))
            if math.isnan(plan.stop_distance):
                raise InputError("stop_distance", plan.stop_distance, "a number [m], or inf")
            return replace(
                plan, waypoint=array("waypoint", plan.waypoint, (2,)), path=array("path", plan.path, (None, 2))
            )

    @property
    def held(self) -> Sequence[int]:  # type: ignore[override]
        """Cells that it holds, tail first."""
        found: Sequence[int] = getattr(self._planner, "held", ())
        return found

    def reset(self) -> None:
        """Forget everything, if it can."""
        with self._running(self._planner, "a planner that can be reset"):
            getattr(self._planner, "reset", lambda: None)()

    def resume(self, held: Sequence[int], x: float, y: float) -> bool:
        """Hold the cells of before again, if it can."""
        with self._running(self._planner, "whether it stands in those cells"):
            return bool(getattr(self._planner, "resume", super().resume)(held, x, y))

    def _running(self, part: object, valid: str) -> Running:
        return Running(self._where, part, valid)
