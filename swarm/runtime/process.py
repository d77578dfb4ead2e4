"""Runs one robot of a fleet: its control process.

Usage: ``swarm-robot --fleet fleet.yaml --robot 3``, or ``python -m swarm.runtime.process`` (``--check`` says what it
would do, and ends; ``--standby`` waits for the end of the process that drives the robot, and takes over). From a
checkout also ``python launch/deploy.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if "numba.np.arraymath" not in sys.modules:
    # Numba looks for scipy's linear algebra. No kernel uses it, and it would be a tenth of the time of a start.
    _scipy = sys.modules.get("scipy")
    sys.modules["scipy"] = None  # type: ignore[assignment]
    importlib.import_module("numba.np.arraymath")
    del sys.modules["scipy"]
    if _scipy is not None:
        sys.modules["scipy"] = _scipy

import numpy as np

from swarm.errors import InputError, SwarmError
from swarm.files.text_files import check_place, located, write_text
from swarm.model.error_bounds import EXACT
from swarm.planning.gaps import goals_without_way
from swarm.robot.garbage import settle
from swarm.runtime.control import Control
from swarm.runtime.drivers.base import closing, make_driver
from swarm.runtime.fleet_file.braking import describe
from swarm.runtime.fleet_file.needs import needs_of, senses_of
from swarm.runtime.fleet_file.read import FleetFile, load_fleet
from swarm.runtime.fleet_file.zenoh_config import own_keys
from swarm.runtime.journal import PATIENCE, Journal
from swarm.runtime.link.transport import Transport
from swarm.runtime.log.writer import PeriodLog
from swarm.runtime.loop import Rate, ask_for_short_slices
from swarm.runtime.mind import Mind, mind_of
from swarm.runtime.status_teller import StatusTeller
from swarm.runtime.watchdog import MAY_MOVE
from swarm.scenario.starts import note_turns

INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell says it."""
COMPLAIN_EVERY = 10.0
"""Seconds between two lines about robots that do not fit, at least: whoever causes them cannot fill a disk."""

SETTLES = 1.5
"""Seconds that a reason stands before it is said: behind a report that does not fit, a hello tells why within one."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    fleet: Path
    robot: int
    check: bool
    seconds: float
    json: Path | None
    standby: bool
    constraint: str


def parse(arguments: Sequence[str] | None) -> Options:
    """The command line; argparse, since a robot does without tyro and rich."""
    parser = argparse.ArgumentParser(description="One robot of a fleet: its control process.")
    parser.add_argument("--fleet", type=Path, required=True, help="fleet.yaml")
    parser.add_argument("--robot", type=int, required=True, help="identity: its place in the roster, from 0 on")
    parser.add_argument("--check", action="store_true", help="validate everything, say what would be done, and end")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so many seconds")
    parser.add_argument("--json", type=Path, help="where figures of the run are written at its end")
    parser.add_argument(
        "--standby", action="store_true",
        help="wait, with everything loaded, until no other process of this robot runs on this machine; then take over",
    )  # fmt: skip
    parser.add_argument(
        "--constraint", default="", metavar="my_file.py:NAME",
        help="further rows of the robot's quadratic program (swarm.Constraint); else what the fleet file says",
    )  # fmt: skip
    return Options(**vars(parser.parse_args(arguments)))


def summary(fleet: FleetFile, robot: int) -> str:
    """What a robot of a fleet would do."""
    spec = fleet.scenario.robots[robot]
    return "\n".join([
        f"fleet       {fleet.name}, {len(fleet.scenario.robots)} robots, {fleet.path}",
        f"robot       {robot}: {spec.kind.label}, radius {spec.radius:g} m, top speed {spec.limits.speed:g} m/s",
        *([] if spec.footprint is None else [f"shape       a polygon of {len(spec.footprint)} corners"]),
        *([f"shape       {spec.shape_note}"] if spec.shape_note else []),
        f"period      {1e3 * fleet.scenario.dt:g} ms; planner {fleet.planner}, controller {fleet.controller}, "
        f"margin {fleet.margin:g} m",
        *([f"constraint  {fleet.constraint}"] if fleet.constraint else []),
        f"listens     {fleet.endpoints[robot]}" + ("" if fleet.keys else ", without authentication"),
        f"driver      {fleet.driver}{reached(fleet, robot)}",
        f"braking     {describe(fleet.braking) or 'as long as a reason holds'}",
        f"log         {fleet.log or 'none'}",
        *([f"errors      {fleet.errors.describe()}"] if fleet.errors != EXACT else []),
        *needs_of(fleet, robot),
        *filter(None, [senses_of(fleet, robot)]),
        *(f"warning     {one}" for one in note_turns(fleet.scenario.world, fleet.scenario.robots)),
        *(f"warning     {one}" for one in goals_without_way(fleet.scenario, fleet.margin, fleet.errors)),
    ])  # fmt: skip


def reached(fleet: FleetFile, robot: int) -> str:
    """Where the driver finds the body, if the fleet file says so."""
    if fleet.driver == "ros2" and fleet.ros2 is not None:
        names = fleet.ros2.of(robot)
        return f" at {names.router}, domain {names.domain}: hears {names.odom}, tells {names.cmd_vel}"
    return f" at {fleet.physics[0]}:{fleet.physics[1]}" if fleet.physics else ""


def figures(control: Control, rate: Rate, transport: Transport) -> dict[str, Any]:
    """What the run came to."""
    late, took = (1e3 * np.array(values) if values else np.zeros(1) for values in (rate.late, rate.took))
    return {
        "robot": control.robot_id, "periods": len(rate.took), "reasons": dict(control.watchdog.reasons),
        "incarnation": control.incarnation, "notes": control.notes(),
        "overruns": control.watchdog.overruns, "resumes": control.watchdog.resumes, "ticks": control.lockstep.tick,
        "late_ms": {"p50": float(np.percentile(late, 50)), "p99": float(np.percentile(late, 99))},
        "took_ms": {"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99))},
        "rejected": dict(control.inbox.rejected), "lost": dict(transport.counts),
    }  # fmt: skip


def say(line: str) -> None:
    """On standard error; if that is a file on a full disk, nobody is kept from driving."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """On standard output, as far as anybody reads it: ``| head`` does not."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # What is left would be tried again in the end.


def started() -> float:
    """When this process was started, since the machine was [s]; psutil would tell it by the clock of the day."""
    given = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(given[19]) / os.sysconf("SC_CLK_TCK")


def complaints(control: Control) -> Iterator[None]:
    """Says on standard error who does not fit, or what is wrong with the body, once a change and not too often.

    What the driver says comes before the state that is missing or old because of it.

    Go on with it once a period.
    """
    found, said, since, until = None, None, 0.0, 0.0
    while True:
        now = time.monotonic()
        wrong = control.refusal or control.body_problem or control.watchdog.blind or None
        if wrong != found:
            found, since = wrong, now
        if found not in (None, said) and now > since + SETTLES and now > until:
            said, until = found, now + COMPLAIN_EVERY
            say(f"robot {control.robot_id} does not move: {said}")
        yield


def outages(log: PeriodLog) -> Iterator[None]:
    """Says on standard error that the log cannot be written, and that it can again, not too often.

    Go on with it once a period.
    """
    failing, until = False, 0.0
    while True:
        now = time.monotonic()
        if bool(log.outage.reason) != failing and now > until:
            failing, until = not failing, now + COMPLAIN_EVERY
            say(log.note(width=1000))
        yield


def drive(
    control: Control, rate: Rate, transport: Transport, teller: StatusTeller, log: PeriodLog | None,
    ended: Callable[[], bool],
) -> float | None:  # fmt: skip
    """Period after period until the end; when the robot was first free to move, since the machine was started [s]."""
    moved, said = None, [complaints(control)]
    if log is not None:
        said.append(outages(log))
    for _ in rate.periods(ended):
        period = control.period()
        if log is not None:
            log.add(control, period)
        if transport.watched and (status := teller.due(period)) is not None:
            transport.publish_status(status)
        if moved is None and period.reason == MAY_MOVE:
            moved = time.clock_gettime(time.CLOCK_BOOTTIME)
        for one in said:
            next(one)
    return moved


def run(options: Options, fleet: FleetFile, mind: Mind) -> None:
    """Drive until told to end; the body brakes by itself when the commands end.

    A signal to end ends a process at once while it waits for its turn: it has begun nothing.
    """
    ended, robot = False, options.robot

    def end(*_: object) -> None:
        nonlocal ended
        ended = True

    began, patience = started(), PATIENCE
    if options.standby:
        mind.rehearse()
        patience = math.inf
    journal = Journal(fleet.name, robot, mind.handshake.map, fleet.journal, fleet.path, patience=patience)
    if options.standby:
        say(f"robot {robot}: this process drives it from now on")
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if journal.problem:
        say(f"note: robot {robot} starts without what it knew: {journal.problem}")
    driver, keys = make_driver(fleet, robot), own_keys(fleet.keys, robot)
    with ExitStack() as stack:
        transport = stack.enter_context(Transport(
            fleet.name, robot, fleet.addresses, keys=keys, patience=fleet.patience,
            proof=journal.path.with_suffix(".stop") if journal.path.name else None,
        ))  # fmt: skip
        control = Control(mind, driver, transport, incarnation=journal.incarnation, journal=journal)
        mind.rehearse()
        settle()
        log = None
        if fleet.log is not None:
            log = stack.enter_context(PeriodLog(fleet.log, fleet.name, fleet.scenario, robot, control.incarnation))
        ask_for_short_slices()
        rate = Rate(mind.dt, phase=robot / len(mind.roster))
        until = time.monotonic() + options.seconds
        say(f"robot {robot} of {fleet.name} runs; Ctrl-C ends it")
        teller = StatusTeller(control, rate, str if log is None else log.note)
        with closing(driver):
            moved = drive(control, rate, transport, teller, log, lambda: ended or time.monotonic() >= until)
        journal.end()
        if options.json is not None:
            logged = {} if log is None else {"log": {"dropped": log.dropped, "error": log.error}}
            ready = None if moved is None else moved - began
            found = figures(control, rate, transport) | logged | {"notes": teller.notes(), "ready_s": ready}
            write_text(options.json, json.dumps(found) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, or check; 2 on wrong input."""
    options = parse(arguments)
    try:
        fleet = load_fleet(options.fleet)
        if not 0 <= options.robot < len(fleet.scenario.robots):
            raise InputError("--robot", options.robot, f"0 to {len(fleet.scenario.robots) - 1}")
        if options.constraint:
            fleet = replace(fleet, constraint=options.constraint)
        mind = mind_of(fleet, options.robot)
        if fleet.log is not None:
            with located(f"{fleet.path}: log: "):
                check_place(fleet.log, is_folder=True)
        if options.check:
            with closing(make_driver(fleet, options.robot)):
                mind.rehearse()
            show(summary(fleet, options.robot))
        else:
            run(options, fleet, mind)
    except KeyboardInterrupt:  # before it drives; after that a signal ends it in order
        return INTERRUPTED
    except SwarmError as error:
        say(f"error: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
