"""Cells about the whole fleet: the emergency stop, the period of many processes, and the long run."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time

import numpy as np
import psutil

from studies.faults.checks import Findings, at_least, at_most
from studies.faults.trial import Trial
from studies.faults.watch import STANDS, longest_wait
from swarm.runtime.link.estop import EmergencyStop

STOPPED = 0.5
"""Seconds within which all stand after an emergency stop."""
WORK, LATE = 10.0, 5.0
"""Milliseconds: 99 of 100 periods' work, in processor time, and 99 of 100 starts, by the clock."""
SILENT = 10.0
"""Seconds of simulated operation without any delivery."""
GROWTH = 5.0
"""Megabytes by which a process may grow."""
_WARM = 120.0  # Seconds after which memory is compared.


def estop(trial: Trial, seconds: float) -> Findings:
    """All are stopped with one process dead; one that is started meanwhile stays stopped; then they are released."""
    trial.start()
    first, robots = len(trial.samples), set(trial.listens)
    with trial.operator() as operator:
        time.sleep(1.0)
        trial.signal(1, signal.SIGKILL)
        counter, began = time.time_ns(), time.monotonic()
        stands = None
        while stands is None and time.monotonic() < began + 10.0:
            operator.tell_stop(EmergencyStop(True, counter))
            stands = trial.watch.until(lambda sample: max(sample.speeds) < STANDS, 0.1)
        took = None if stands is None else time.monotonic() - began
        trial.run_for(1.0)
        mark = len(trial.samples)
        trial.start_robot(1)
        trial.run_for(6.0)
        crept = max(max(sample.speeds) for sample in trial.samples[mark:])
        moved, until = set[int](), time.monotonic() + 10.0
        released = len(trial.samples)
        while moved < robots and time.monotonic() < until:
            operator.tell_stop(EmergencyStop(False, counter + 1))
            time.sleep(0.1)
            moved = {one for one in robots if max(sample.speeds[one] for sample in trial.samples[released:]) > 0.1}
    trial.run_for(seconds)
    return Findings(trial.samples[first:], [
        at_most("all stand after", took, STOPPED, "s"),
        at_most("speed of any body while latched, one process started anew", crept, STANDS, "m/s"),
        at_least("robots that drive after the release", len(moved), len(robots)),
    ])  # fmt: skip


def viewer(trial: Trial, seconds: float) -> Findings:
    """Someone watches, and is killed; nobody watches at all before and after."""
    trial.start()
    first = len(trial.samples)
    code = (
        "import sys, time; from swarm.runtime.link.transport import Transport; "
        "t = Transport('trial', None, dict(enumerate(sys.argv[1:]))); "
        "[(t.statuses(), time.sleep(0.1)) for _ in range(600)]"
    )
    watcher = trial.spawn("viewer", "-c", code, *(f"{host}:{port}" for host, port in trial.listens.values()))
    trial.run_for(5.0)
    watched = watcher.poll() is None
    watcher.kill()
    stretch = trial.run_for(seconds)
    ended = sum(process.poll() is not None for process in trial.robots.values())
    going = sum(max(speeds) > 0.1 for speeds in zip(*(sample.speeds for sample in stretch), strict=True))
    return Findings(trial.samples[first:], [
        at_least("the viewer watched until it was killed", float(watched), 1),
        at_most("processes that ended", ended, 0),
        at_least("robots that move afterwards", going, len(trial.listens)),
    ])  # fmt: skip


def period(trial: Trial, seconds: float) -> Findings:
    """Everybody at once: how long the work of a period takes, and how late periods begin."""
    files = {robot: trial.folder / f"witness-{robot}.json" for robot in trial.listens}
    trial.start(odd={robot: ("witness", path) for robot, path in files.items()})
    trial.run_for(10.0)
    began = time.monotonic()
    stretch = trial.run_for(seconds)
    ended = time.monotonic()
    trial.finish()
    late, took, used = [], [], []
    for path in files.values():
        rows = [row for row in json.loads(path.read_text(encoding="utf-8")) if began <= row[0] <= ended]
        late.append([1e3 * row[3] for row in rows])
        took.append([1e3 * row[4] for row in rows])
        used.append([1e3 * row[5] for row in rows])
    due = seconds / 0.05 * len(files)
    return Findings(stretch, [
        at_most("99 of 100 periods' work, processor time, worst robot", _p99(used), WORK, "ms"),
        at_most("99 of 100 periods begin late by, worst robot", _p99(late), LATE, "ms"),
    ], {
        "used_ms": _quantiles(used), "took_ms": _quantiles(took), "late_ms": _quantiles(late),
        "periods_left_out": round(1.0 - sum(map(len, took)) / due, 4),
    })  # fmt: skip


def _p99(values: list[list[float]]) -> float | None:
    return max(float(np.percentile(one, 99)) for one in values) if all(values) else None


def _quantiles(values: list[list[float]]) -> dict[str, float]:
    """Of all robots together [ms]."""
    total = np.concatenate([np.array(one) for one in values])
    return {f"p{q:g}": round(float(np.percentile(total, q)), 3) for q in (50, 90, 99, 99.9)}


def soak(trial: Trial, minutes: float, every: float) -> Findings:
    """The long run: every second robot is killed at random times and started again a few seconds later.

    Args:
        trial: The fleet.
        minutes: Simulated; a machine that does not keep up is given twice as many of the clock.
        every: Seconds between two kills, on average.
    """
    trial.start()
    draw, mortal = random.Random(trial.setup.seed), [robot for robot in trial.listens if robot % 2]
    kept = {f"robot {robot}": trial.robots[robot] for robot in trial.listens if robot not in mortal}
    if trial.physics is not None:
        kept["physics"] = trial.physics
    first, memory, kills = len(trial.samples) - 1, {name: list[tuple[float, float]]() for name in kept}, 0
    began, ends = time.monotonic(), trial.samples[first].time + 60.0 * minutes
    at = began + draw.uniform(0.5, 1.5) * every
    while (left := ends - trial.samples[-1].time) > 0.0 and (now := time.monotonic()) < began + 120.0 * minutes:
        for name, process in kept.items():
            if (size := _memory(process)) is not None:
                memory[name].append((now - began, size))
        if now >= at:
            robot = draw.choice(mortal)
            trial.signal(robot, signal.SIGKILL)
            trial.run_for(draw.uniform(1.0, 5.0))
            trial.start_robot(robot)
            kills, at = kills + 1, time.monotonic() + draw.uniform(0.5, 1.5) * every
        trial.run_for(min(5.0, max(left, trial.setup.every)))
    stretch = trial.samples[first:]
    grown = {name: _growth(values) for name, values in memory.items()}
    return Findings(stretch, [
        at_least("simulated operation", (stretch[-1].time - stretch[0].time) / 60.0, minutes, "minutes"),
        at_most("longest time without a delivery", longest_wait(stretch), SILENT, "s"),
        at_most("growth of a process", max(grown.values()), GROWTH, "MB"),
        at_least("processes that lived all the time", sum(one.poll() is None for one in kept.values()), len(kept)),
    ], {"kills": kills, "growth_mb": {name: round(value, 2) for name, value in grown.items()}})  # fmt: skip


def _memory(process: subprocess.Popen[bytes]) -> float | None:
    """What a process holds for itself [MB] (proportional set size); None if it is not there."""
    try:
        return 1e-6 * psutil.Process(process.pid).memory_full_info().pss or None  # 0: it has ended
    except psutil.Error:
        return None


def _growth(values: list[tuple[float, float]]) -> float:
    """From the time when it was warm (at most a quarter of the run) to the end; medians of tenths."""
    warm = [size for at, size in values if at >= min(_WARM, 0.25 * values[-1][0])]
    part = max(1, len(warm) // 10)
    return float(np.median(warm[-part:]) - np.median(warm[:part]))
