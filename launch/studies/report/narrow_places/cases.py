"""What the report on narrow places measures: worlds, planners, and errors."""

from __future__ import annotations

from dataclasses import dataclass, field

from studies.report.jobs import Record
from studies.report.online_cbf import cases as online

PLANNERS = ("roadmap", "auto")
"""Compared everywhere: without and with an agreement on who goes first."""
ERRORS: Record = {"position": 0.1, "age": 1.0, "dead_time": 1.0, "loss": 0.2}
"""Of a robot: position [radii], age of its state and dead time [control periods], share of messages that are lost."""


@dataclass(frozen=True)
class Case:
    """A kind of worlds.

    Attributes:
        name: Short and unique.
        title: For tables.
        drawn: ``family`` and its ``options`` (``studies.report.online_cbf.measurements.draw_of``).
        share: Of the usual number of episodes.
    """

    name: str
    title: str
    drawn: Record = field(default_factory=dict)
    share: float = 1.0


_KINDS = {"single": "single_integrator", "double": "double_integrator", "unicycle": "unicycle"}
_TEAMS = {"rooms": (8, 16), "bays": (2, 4, 8), "blocks": (8, 16)}
_SMALL = 8
"""Larger teams are measured on fewer episodes."""

NARROW = tuple(
    Case(
        f"{family}_{robots}_{short}", f"{family}, {robots} robots, {kind.replace('_', ' ')}",
        {"family": family, "options": {"kind": kind, "robots": robots}}, 1.0 if robots < _SMALL else 0.5,
    )
    for family, teams in _TEAMS.items() for robots in teams for short, kind in _KINDS.items()
)  # fmt: skip
"""Families made for this: rooms with doors, a lane with bays, blocks with lanes."""
FAMILIES = tuple(
    Case(case.name, case.title, case.drawn, 0.25 if case.family == "dense" else 1.0)
    for case in online.FAMILIES if not case.lifelong
)  # fmt: skip
"""Those of the report on online CBFs in which work ends."""
