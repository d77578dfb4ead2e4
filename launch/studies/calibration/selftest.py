"""Whether a calibration finds again what is known: simulated bodies of every kind, several seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from studies.calibration.calibrate import calibrate
from studies.calibration.known_bodies import Body, drive_of
from swarm.model.dynamics import Kind

NEAR = 0.15
"""Share of the truth by which an estimate may be wrong."""
ALWAYS = {"dead_time": 0.005, "lag": 0.005, "age": 0.005, "slip": 0.005}
"""By so much it always may be: times [s], and a share."""
COVERED = 0.9
"""Share of drives in which the truth has to be inside of the 95 % interval of each value."""


@dataclass(frozen=True)
class Row:
    """One value of one kind of body, over all seeds.

    Attributes:
        body: Its kind, dead time and lag.
        name: Of the value.
        truth: Of the first seed.
        worst: The largest error, as a share of what is allowed.
        inside: In how many drives the truth was inside of the 95 % interval.
        drives: How many there were.
    """

    body: str
    name: str
    truth: float
    worst: float
    inside: int
    drives: int

    def record(self) -> dict[str, Any]:
        """For a results file."""
        return dict(vars(self))


def covered(rows: Sequence[Row]) -> dict[str, float]:
    """By value, in which share of all drives of all bodies the truth was inside of its interval."""
    names = dict.fromkeys(row.name for row in rows)
    return {
        name: sum(row.inside for row in rows if row.name == name) / sum(row.drives for row in rows if row.name == name)
        for name in names
    }


def allowed(name: str, truth: float) -> float:
    """By how much an estimate may be wrong."""
    return max(NEAR * abs(truth), ALWAYS.get(name, 0.0))


def selftest(bodies: Sequence[Body], seeds: Sequence[int], tell: Callable[[], None] = lambda: None) -> list[Row]:
    """Calibrate every body with every seed.

    Args:
        bodies: What drives.
        seeds: Of the drives.
        tell: Called after each drive.
    """
    rows = []
    for body in bodies:
        found: dict[str, list[tuple[float, float, bool]]] = {}
        for seed in seeds:
            drive, truth = drive_of(body, seed)
            values = calibrate(drive).values
            for name, true in truth.items():
                estimate = values.get(name)
                error = float("inf") if estimate is None else abs(estimate.value - true) / allowed(name, true)
                found.setdefault(name, []).append((true, error, estimate is not None and bool(estimate.holds(true))))
            tell()
        label = f"{body.kind.label}, {1e3 * body.dead_time:g} and {1e3 * body.lag:g} ms"
        rows += [
            Row(label, name, each[0][0], max(one[1] for one in each), sum(one[2] for one in each), len(each))
            for name, each in found.items()
        ]
    return rows


BODIES = tuple(
    body
    for kind in Kind
    for body in (
        Body(kind),
        Body(kind, dead_time=0.15, lag=0.3, slip=-0.03, rate=25.0),
        Body(kind, dead_time=0.0, lag=0.0, slip=0.0),
    )
)
"""What the selftest of the command drives."""
