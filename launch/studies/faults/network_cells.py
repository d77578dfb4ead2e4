"""Cells whose network or clocks are bad."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from studies.faults.checks import Findings, at_least, at_most
from studies.faults.proxy import Faults
from studies.faults.trial import Trial
from studies.faults.watch import Sample, deliveries_a_minute
from swarm.planning.passages.slices import slices_of
from swarm.planning.passages.team import sizes_of
from swarm.runtime.fleet_file.read import load_fleet

BACK = 1.0
"""Seconds within which traffic is back after a network has healed."""
_END = 5.0  # Seconds at the end of which is looked who still hears whom.


def network(
    trial: Trial, faults: dict[str, Any], seconds: float, blind: bool = False, from_start: bool = False
) -> Findings:
    """A network that is bad all the time.

    Args:
        trial: The fleet.
        faults: Fields of ``Faults``.
        seconds: How long.
        blind: Whether bodies do not sense each other, so that everything depends on what is reported.
        from_start: Whether it is bad before the robots start; else after all have moved.
    """
    if from_start:
        trial.proxy.faults = Faults(**faults)
    trial.start(odd={robot: ("blind",) for robot in trial.listens} if blind else {})
    trial.proxy.faults = Faults(**faults)
    before, first = trial.proxy.delivered.copy(), len(trial.samples)
    trial.run_for(max(0.0, seconds - _END))
    late = trial.proxy.delivered.copy()
    trial.run_for(min(seconds, _END))
    pairs = [(a, b) for a in trial.listens for b in trial.listens if a != b]
    return Findings(trial.samples[first:], [], {
        "network": dict(trial.proxy.counts), "pairs": len(pairs),
        "pairs_that_heard": sum(trial.proxy.delivered[pair] > before[pair] for pair in pairs),
        "pairs_that_heard_in_the_last_5_s": sum(trial.proxy.delivered[pair] > late[pair] for pair in pairs),
    })  # fmt: skip


def clocks(trial: Trial, ahead: float, seconds: float) -> Findings:
    """Every other robot's clocks are ahead, the others' behind."""
    trial.start(odd={robot: ("clock", ahead if robot % 2 else -ahead) for robot in trial.listens})
    return Findings(trial.run_for(seconds))


def partition(
    trial: Trial, cut: float, seconds: float, blind: bool = False, movers: int | None = None
) -> Findings:  # fmt: skip
    """Two halves do not hear each other for a while; then the network heals, and nobody is started anew.

    Args:
        trial: The fleet.
        cut: For how long [s].
        seconds: How long it is watched afterwards.
        blind: Whether bodies do not sense each other; then nobody has to move while cut off.
        movers: How many have to move meanwhile; None: all.
    """
    trial.start(odd={robot: ("blind",) for robot in trial.listens} if blind else {})
    first = len(trial.samples)
    half = set(list(trial.listens)[: len(trial.listens) // 2])
    trial.proxy.cut(half)
    trial.run_for(cut)
    healed = trial.proxy.heal()
    pairs = {(a, b) for a in trial.listens for b in trial.listens if (a in half) != (b in half)}
    while not pairs <= set(trial.proxy.fresh()) and time.monotonic() < healed + 30.0:
        time.sleep(0.02)
    fresh = trial.proxy.fresh()
    back = max(fresh.values()) if pairs <= set(fresh) else None
    trial.run_for(seconds)
    stretch = trial.samples[first:]
    ended = [robot for robot, process in trial.robots.items() if process.poll() is not None]
    during = [sample for sample in stretch if sample.at <= healed]
    after = next((sample.at - healed for sample in stretch if sample.deliveries > during[-1].deliveries), None)
    checks = [
        at_most("traffic is back after healing", back, BACK, "s"),
        at_most("processes that ended", len(ended), 0),
    ]
    if not blind:
        checks.append(at_least("robots that moved while cut off", _movers(during), movers or len(trial.listens)))
    return Findings(stretch, checks, {
        "deliveries_a_minute_while_cut": round(deliveries_a_minute(during), 2),
        "first_delivery_after_healing_s": None if after is None else round(after, 3),
    })  # fmt: skip


def doors(trial: Trial, seconds: float, cut: float = 0.0, faults: dict[str, Any] | None = None) -> Findings:
    """A fleet that agrees on who goes first through doors: where two cannot pass each other, there is one at a time.

    Args:
        trial: The fleet.
        seconds: How long; after the network has healed, if it is cut.
        cut: For how long two halves do not hear each other [s]; 0: they do.
        faults: Fields of ``Faults`` of a network that is bad all the time; not with ``cut``.
    """
    if cut:  # who waits for one in a door waits on, as that one may be waiting for somebody on the other side
        found = partition(trial, cut, seconds, movers=len(trial.listens) // 2)
    else:
        found = network(trial, faults or {}, seconds)
    shared = _most_in_a_slice(trial, found.stretch)
    found.checks.append(at_most("most robots at once in a slice for one", shared, 1))
    return found


def _most_in_a_slice(trial: Trial, stretch: Sequence[Sample]) -> int:
    """The most robots that were at once in a slice where two cannot pass each other."""
    fleet = load_fleet(trial.fleet_file())
    slices = slices_of(fleet.scenario.world, sizes_of(fleet.scenario, fleet.margin, fleet.errors))
    mouths, most = slices.mouths, 0
    for sample in stretch:
        inside = Counter(slices.at(x, y) for x, y in sample.places)
        most = max(most, *(count for number, count in inside.items() if number > 0 and not mouths[number]), 0)
    return most


def _movers(samples: list[Sample]) -> int:
    """How many robots were ever fast."""
    return sum(max(speeds) > 0.1 for speeds in zip(*(sample.speeds for sample in samples), strict=True))
