"""What a cell of the fault suite finds: checks of promises, each a figure beside what it has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from studies.faults.watch import Sample, deliveries_a_minute, longest_wait

Record = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One promise in one cell.

    Attributes:
        promise: In words.
        measured: The figure; None: it could not be measured, and the promise counts as not kept.
        limit: What it has to be, in words with its unit.
        kept: Whether it is.
    """

    promise: str
    measured: float | None
    limit: str
    kept: bool


def at_most(promise: str, measured: float | None, most: float, unit: str = "") -> Check:
    """A figure that must not be larger."""
    kept = measured is not None and measured <= most
    return Check(promise, None if measured is None else round(measured, 4), f"≤ {most:g} {unit}".rstrip(), kept)


def at_least(promise: str, measured: float | None, least: float, unit: str = "") -> Check:
    """A figure that must not be smaller."""
    kept = measured is not None and measured >= least
    return Check(promise, None if measured is None else round(measured, 4), f"≥ {least:g} {unit}".rstrip(), kept)


@dataclass
class Findings:
    """What a cell found besides what all cells are asked for.

    Attributes:
        stretch: What the physics world told while the fault was there.
        checks: Promises.
        notes: Further figures, by name.
    """

    stretch: Sequence[Sample] = ()
    checks: list[Check] = field(default_factory=list)
    notes: Record = field(default_factory=dict)


def record(found: Findings, finished: Record) -> Record:
    """A cell's result.

    Args:
        found: By the cell.
        finished: What the processes wrote (``studies.faults.trial.Trial.finish``).
    """
    physics, robots = finished["physics"], finished["robots"]
    collisions = at_most("collisions", physics["collisions"], 0)
    reasons: dict[str, int] = {}
    for figures in robots.values():
        for reason, count in figures["reasons"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    return {
        "checks": [asdict(check) for check in (collisions, *found.checks)],
        "deliveries_a_minute": round(deliveries_a_minute(found.stretch), 2),
        "longest_wait_s": round(longest_wait(found.stretch), 2),
        "min_clearance_m": physics["min_clearance"], "simulated_s": physics["seconds"],
        "lost_s": physics["lost_seconds"], "reasons": reasons,
        "took_ms_p99": max((figures["took_ms"]["p99"] for figures in robots.values()), default=None),
        "late_ms_p99": max((figures["late_ms"]["p99"] for figures in robots.values()), default=None),
        "notes": found.notes,
    }  # fmt: skip
