"""Cells with robots that send rubbish, lie, or speak another version."""

from __future__ import annotations

import json
import time
from contextlib import suppress

from studies.faults.attacker import EXPECTED, OVERSIZED
from studies.faults.checks import Findings, Record, at_least, at_most
from studies.faults.trial import Trial
from studies.faults.watch import STANDS
from swarm.errors import InputError
from swarm.runtime.fleet_file.braking import EMERGENCY
from swarm.runtime.link.inbox import BURST, RATE
from swarm.runtime.link.status import Status, decode
from swarm.runtime.link.transport import Transport


def statuses(operator: Transport, robots: set[int], seconds: float = 10.0) -> dict[int, Status]:
    """The newest status of each of these robots."""
    found: dict[int, Status] = {}
    until = time.monotonic() + seconds
    operator.statuses()
    while not robots <= set(found) and time.monotonic() < until:
        time.sleep(0.05)
        for robot, data, _ in operator.statuses():
            if robot in robots:
                with suppress(InputError):
                    found[robot] = decode(data)
    return found


def rubbish(trial: Trial, seconds: float) -> Findings:
    """The last robot's process is an attacker's, which sends each kind of rubbish for some seconds to all others."""
    last = len(trial.listens) - 1
    others = set(trial.listens) - {last}
    trial.start_physics()
    for robot in sorted(others):
        trial.start_robot(robot)
    trial.wait_moving(sorted(others))
    first, path = len(trial.samples), trial.folder / "sent.json"
    attacker = trial.spawn("attacker", "-m", "studies.faults.attacker", trial.fleet_file(), last, path, seconds)
    until = time.monotonic() + (seconds + 2.0) * (len(EXPECTED) + 2) + 20.0
    while attacker.poll() is None and time.monotonic() < until:
        trial.run_for(0.5)
    with trial.operator() as operator:
        answer = statuses(operator, others)
    stretch = trial.samples[first:]
    finished = trial.finish()
    sent = json.loads(path.read_text(encoding="utf-8"))
    checks = [
        at_least(f"rejected as {reason}, share of what was sent", min(shares), 0.95)
        for reason, shares in _shares(sent, finished, others).items()
    ]
    jumps = min(finished["robots"].get(robot, {"rejected": {}})["rejected"].get("jump", 0) for robot in others)
    checks += [
        at_least("jumps noticed, by each robot", jumps, 1),
        at_most("flooding: taken in a second, by any robot", _flooded(sent, finished, others, seconds),
                RATE + BURST / seconds + 1.0),
        at_least("robots whose status names what they rejected", sum(bool(one.rejected) for one in answer.values()),
                 len(others)),
    ]  # fmt: skip
    return Findings(stretch, checks, {
        "sent": sent, "status_names": {str(robot): dict(one.rejected) for robot, one in answer.items()},
        "flood_sent_in_a_second": round(min(sent["flooding"].values()) / seconds),
    })  # fmt: skip


def _shares(sent: Record, finished: Record, others: set[int]) -> dict[str, list[float]]:
    """By reason: of what was sent to each robot, the share that it counted so."""
    found: dict[str, list[float]] = {}
    for reason in sorted({*EXPECTED.values(), OVERSIZED} - {"flooding", "jump"}):
        kinds = [kind for kind, why in EXPECTED.items() if why == reason]
        for robot in others:
            figures = finished["robots"].get(robot, {"rejected": {}, "lost": {}})
            counted = figures["rejected"].get(reason, 0)
            if reason == OVERSIZED:
                kinds, counted = [OVERSIZED], figures["lost"].get(OVERSIZED, 0)
            total = sum(sent[kind][str(robot)] for kind in kinds)
            found.setdefault(reason, []).append(counted / max(1, total))
    return found


def _flooded(sent: Record, finished: Record, others: set[int], seconds: float) -> float:
    """Most reports of the flood that a robot took in a second."""
    taken = []
    for robot in others:
        figures = finished["robots"].get(robot, {"rejected": {}, "lost": {}})
        refused = figures["rejected"].get("flooding", 0) + figures["lost"].get("dropped", 0)
        taken.append(sent["flooding"][str(robot)] - refused)
    return max(taken) / seconds


def liars(trial: Trial, kind: str, count: int, seconds: float) -> Findings:
    """Some robots report what is not so; their bodies drive as they should."""
    if kind == "stop":
        trial.use_keys()
    trial.start(odd={robot: ("lie", kind) for robot in range(count)}, still=range(len(trial.listens)))
    honest = list(trial.listens)[count:]
    trial.run_for(10.0)
    stretch = trial.run_for(seconds)
    finished = trial.finish()
    moved = sum(max(sample.speeds[robot] for sample in stretch) > 0.1 for robot in honest)
    rejected: dict[str, int] = {}
    for robot in honest:
        for reason, number in finished["robots"].get(robot, {"rejected": {}})["rejected"].items():
            rejected[reason] = rejected.get(reason, 0) + number
    checks = [at_least("honest robots that moved", moved, len(honest))]
    if kind == "jump":
        checks.append(at_least("reports refused for a jump", rejected.get("jump", 0), 1))
    if kind == "stop":
        reasons = [finished["robots"].get(robot, {"reasons": {}})["reasons"] for robot in honest]
        stood = sum(found.get(EMERGENCY, 0) for found in reasons) if all(reasons) else None
        checks.append(at_most("periods in which honest robots stood for a stop that no operator signed", stood, 0))
    return Findings(stretch, checks, {"rejected_by_honest_robots": rejected})


def skew(trial: Trial, version: str, fits: bool, seconds: float) -> Findings:
    """The last robot speaks another version."""
    last = len(trial.listens) - 1
    trial.start(odd={last: ("version", version)}, still=() if fits else (last,))
    with trial.operator() as operator:
        stretch = trial.run_for(seconds)
        answer = statuses(operator, set(trial.listens) - {last})
    naming = sum(any("protocol" in note for note in one.notes) for one in answer.values())
    fastest = max(sample.speeds[last] for sample in stretch)
    checks = [at_least("robots whose status names it", naming, len(trial.listens) - 1)]
    checks.append(at_least("its speed", fastest, 0.1, "m/s") if fits else at_most("its speed", fastest, STANDS, "m/s"))
    return Findings(stretch, checks, {"notes": {str(robot): list(one.notes) for robot, one in answer.items()}})
