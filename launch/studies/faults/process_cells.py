"""Cells whose processes are killed, stopped, late, alone, or started wrongly."""

from __future__ import annotations

import json
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from studies.faults.checks import Check, Findings, at_least, at_most
from studies.faults.trial import ROBOT, Trial, TrialError
from studies.faults.watch import STANDS, Sample, standing_after
from swarm.runtime.drivers.base import COMMAND_TTL

READY = 3.0
"""Seconds within which a robot drives again whose process was killed: after the start of the next one, or, with a
standby, after the kill."""
_RESOLUTION = 0.05  # Seconds: steps of the physics world, and of the questions to it.


def _weakest() -> float:
    """The least acceleration of a motor [m/s²]: they differ by a few percent. The engine is loaded only for that."""
    from envs.bullet.bodies.body import MOTOR_ACCELERATION

    return 0.9 * MOTOR_ACCELERATION


def _moving(trial: Trial, robot: int, speed: float = 0.5) -> float | None:
    """Wait until a robot is fast: the seconds that it took, None if it did not happen."""
    return trial.watch.until(lambda sample: sample.speeds[robot] > speed, 30.0)


def _held(trial: Trial, robot: int, held: bool, seconds: float) -> float | None:
    """Wait until a robot's body is held, or is no longer: the seconds that it took, None if it did not happen."""
    return trial.watch.until(lambda sample: bool(sample.held[robot]) == held, seconds)


def _halt(trial: Trial, robot: int, since: float, wait: float = 1.0) -> tuple[float, float | None, float | None]:
    """After its process has gone silent: a body's speed then [m/s], time until it brakes, until it stands [s]."""
    time.sleep(wait)
    samples = trial.samples
    speed = next(sample.speeds[robot] for sample in reversed(samples) if sample.at <= since)
    brakes = next((one.at - since for one in samples if one.at >= since and one.held[robot]), None)
    until = [sample for sample in samples if sample.at <= since + wait]
    return speed, brakes, standing_after(until, robot, since)


def _halt_checks(halts: list[tuple[float, float | None, float | None]]) -> list[Check]:
    """The worst of several."""
    brakes = [one[1] for one in halts]
    over = [None if stands is None else stands - speed / _weakest() for speed, _, stands in halts]
    return [
        at_most("braking begins after", _worst(brakes), COMMAND_TTL + _RESOLUTION, "s"),
        at_most("stands after, less the time of braking", _worst(over), COMMAND_TTL + _RESOLUTION, "s"),
    ]


def _worst(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None


def kill(trial: Trial, times: int, seconds: float) -> Findings:
    """Controllers are killed while their robots drive, and started again."""
    trial.start()
    first, halts, ready, lonely = len(trial.samples), [], [], []
    for k in range(times):
        robot = k % len(trial.listens)
        _moving(trial, robot)
        killed = trial.signal(robot, signal.SIGKILL)
        halts.append(_halt(trial, robot, killed))
        trial.run_for(2.0)
        lonely.append(_going(trial.samples, [one for one in trial.listens if one != robot], killed))
        began = time.monotonic()
        trial.start_robot(robot)
        took = _held(trial, robot, False, 60.0)
        ready.append(None if took is None else time.monotonic() - began)
    trial.run_for(seconds)
    worst = _worst(ready)
    finished = trial.finish()
    own = [one["ready_s"] for one in finished["robots"].values() if one.get("ready_s") is not None]
    checks = [
        *_halt_checks(halts), at_most("ready after its start", worst, READY, "s"),
        at_least("others that moved meanwhile, each time", min(lonely), 1),
    ]  # fmt: skip
    return Findings(trial.samples[first:], checks, {
        "speeds_at_kill": [round(one[0], 3) for one in halts], "stands_s": [_rounded(one[2]) for one in halts],
        "brakes_s": [_rounded(one[1]) for one in halts], "ready_s": [_rounded(one) for one in ready],
        "ready_s_by_themselves": own,
    })  # fmt: skip


def hand_over(trial: Trial, times: int, seconds: float) -> Findings:
    """Controllers are killed while their robots drive, and standbys of theirs take over."""
    trial.start()
    first, brakes, ready = len(trial.samples), [], []
    for k in range(times):
        robot = k % len(trial.listens)
        standby = trial.start_standby(robot)
        until = time.monotonic() + 60.0
        while not waits_for_a_lock(standby.pid):
            if time.monotonic() > until or standby.poll() is not None:
                raise TrialError(f"the standby of robot {robot} does not wait: {trial.said(f'robot-{robot}')}")
            trial.run_for(0.1)
        trial.run_for(2.0)
        _moving(trial, robot)
        trial.signal(robot, signal.SIGKILL)
        trial.robots[robot] = standby
        silent = _held(trial, robot, True, 2.0)
        again = _held(trial, robot, False, 60.0)
        brakes.append(silent)
        ready.append(None if silent is None or again is None else silent + again)
    trial.run_for(seconds)
    return Findings(trial.samples[first:], [
        at_most("braking begins after", _worst(brakes), COMMAND_TTL + _RESOLUTION, "s"),
        at_most("its standby drives after", _worst(ready), READY, "s"),
    ], {"brakes_s": [_rounded(one) for one in brakes], "ready_s": [_rounded(one) for one in ready]})  # fmt: skip


def waits_for_a_lock(pid: int) -> bool:
    """Whether a process waits for a lock of a file (proc(5), /proc/locks, which psutil does not read)."""
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return any(line.split()[1] == "->" and line.split()[5] == str(pid) for line in lines)


def _going(samples: list[Sample], robots: list[int], since: float) -> int:
    """How many of these robots moved since then."""
    return sum(any(one.at >= since and one.speeds[robot] > 5.0 * STANDS for one in samples) for robot in robots)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def stop(trial: Trial, stopped: float, times: int, seconds: float) -> Findings:
    """Controllers are stopped as a debugger or a full memory would do it, and go on."""
    files = {robot: trial.folder / f"witness-{robot}.json" for robot in trial.listens}
    trial.start(odd={robot: ("witness", path) for robot, path in files.items()})
    first, halts, again = len(trial.samples), [], []
    for k in range(times):
        robot = k % len(trial.listens)
        _moving(trial, robot)
        since = trial.signal(robot, signal.SIGSTOP)
        halts.append(_halt(trial, robot, since, stopped))
        trial.signal(robot, signal.SIGCONT)
        again.append(_moving(trial, robot, 0.1))
        trial.run_for(1.0)
    trial.run_for(seconds)
    finished = trial.finish()
    used = [
        newer for path in files.values()
        for newer in _first_state_used(json.loads(path.read_text(encoding="utf-8")), stopped)
    ]  # fmt: skip
    resumes = sum(figures["resumes"] for figures in finished["robots"].values())
    checks = [
        *_halt_checks(halts), at_least("resumes noticed", resumes, times),
        at_least("own state of the first command after a resume, newer by", min(used, default=None), 0.0, "s"),
    ]  # fmt: skip
    return Findings(trial.samples[first:], checks, {
        "moves_again_s": [_rounded(one) for one in again], "newer_s": [_rounded(one) for one in used],
    })  # fmt: skip


def _first_state_used(periods: list[list[Any]], stopped: float) -> list[float]:
    """Of every resume: by how much the own state of the first command that moves is newer than the resume [s]."""
    found: list[float] = []
    resumed: float | None = None
    for (before, *_), (began, arrived, reason, *_) in pairwise(periods):
        if began - before > 0.8 * stopped:
            resumed = began
        if resumed is not None and not reason:
            found.append(arrived - resumed)
            resumed = None
    return found


def overrun(trial: Trial, periods: int, times: int, seconds: float) -> Findings:
    """A controller is too slow for some periods in a row, more than once."""
    trial.start(odd={0: ("slow", periods)})
    first, slowest = len(trial.samples), []
    for _ in range(times):
        _moving(trial, 0)
        began = trial.signal(0, signal.SIGUSR1)
        trial.run_for(0.06 * periods + 1.0)
        slowest.append(min(sample.speeds[0] for sample in trial.samples if sample.at >= began))
    trial.run_for(seconds)
    figures = trial.finish()["robots"].get(0)
    braked = None if figures is None else figures["reasons"].get("overrun", 0)
    return Findings(trial.samples[first:], [
        at_least("periods in which it braked for overruns", braked, times * (periods - 2)),
        at_most("slowest speed meanwhile", max(slowest), STANDS, "m/s"),
    ])  # fmt: skip


def alone(trial: Trial, seconds: float) -> Findings:
    """One robot starts long before the others, and before the physics world."""
    trial.start_robot(0)
    time.sleep(4.0)
    silent = trial.robots[0].poll() is None
    trial.start_physics()
    began = time.monotonic()
    moves = trial.watch.until(lambda sample: sample.speeds[0] > 0.1, 60.0)
    trial.run_for(2.0)
    others = [robot for robot in trial.listens if robot != 0]
    for robot in others:
        trial.start_robot(robot)
    trial.wait_moving(others)
    joined = time.monotonic() - began
    stretch = trial.run_for(seconds)
    reasons = trial.finish()["robots"].get(0, {}).get("reasons", {})
    return Findings(stretch, [
        at_least("waits for a body that is not there yet", float(silent), 1),
        at_least("periods without own state, in which it did not move", reasons.get("no own state"), 20),
        at_most("moves without its peers, after its body is there", moves, 10.0, "s"),
    ], {"all_move_s": round(joined, 2)})  # fmt: skip


def wrong(trial: Trial) -> Findings:
    """Robots that are started with wrong files: none moves, each says why."""
    trial.start_physics()
    good = yaml.safe_load(trial.fleet_file(0).read_text(encoding="utf-8"))
    faults = {
        "map": {"deliveries": good["deliveries"] | {"map": "nowhere.map"}},
        "roster": {"deliveries": good["deliveries"] | {"robots": 1}, "endpoints": {0: good["endpoints"][0]}},
        "controller": {"controller": "nobody"}, "planner": {"planner": "none"}, "margin": {"margin": -1},
    }  # fmt: skip
    codes, words = {}, {}
    for name, change in faults.items():
        path = trial.folder / f"wrong-{name}.yaml"
        path.write_text(yaml.safe_dump(good | change), encoding="utf-8")
        process = trial.spawn(f"wrong-{name}", *ROBOT, "--fleet", path, "--robot", 1)
        codes[name] = process.wait(60.0)
        words[name] = trial.said(f"wrong-{name}").strip()
    stretch = trial.run_for(1.0)
    fastest = max(max(sample.speeds) for sample in stretch)
    named = sum("error: " in text for text in words.values())
    return Findings(stretch, [
        at_least("refused with exit code 2", sum(code == 2 for code in codes.values()), len(faults)),
        at_least("said why", named, len(faults)), at_most("speed of any body", fastest, STANDS, "m/s"),
    ], {"said": words})  # fmt: skip
