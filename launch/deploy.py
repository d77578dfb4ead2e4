"""Runs one robot of a fleet: its control process.

Usage: ``python launch/deploy.py --fleet fleet.yaml --robot 3`` (``--check`` says what it would do, and ends).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse

import numpy as np

from swarm.errors import InputError, SwarmError
from swarm.runtime.control import Control
from swarm.runtime.driver import make_driver
from swarm.runtime.fleet_file import FleetFile, load_fleet
from swarm.runtime.loop import Pace
from swarm.runtime.transport import Transport
from swarm.text_files import write_text


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    fleet: Path
    robot: int
    check: bool
    seconds: float
    json: Path | None


def parse(arguments: Sequence[str] | None) -> Options:
    """The command line; argparse, since a robot has no more than numpy, numba, onnxruntime and zenoh."""
    parser = argparse.ArgumentParser(prog="deploy.py", description="One robot of a fleet: its control process.")
    parser.add_argument("--fleet", type=Path, required=True, help="fleet.yaml")
    parser.add_argument("--robot", type=int, required=True, help="identity: its place in the roster, from 0 on")
    parser.add_argument("--check", action="store_true", help="validate everything, say what would be done, and end")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so many seconds")
    parser.add_argument("--json", type=Path, help="where figures of the run are written at its end")
    return Options(**vars(parser.parse_args(arguments)))


def summary(fleet: FleetFile, robot: int) -> str:
    """What a robot of a fleet would do."""
    spec = fleet.scenario.robots[robot]
    return "\n".join([
        f"fleet       {fleet.name}, {len(fleet.scenario.robots)} robots, {fleet.path}",
        f"robot       {robot}: {spec.kind.label}, radius {spec.radius:g} m, top speed {spec.limits.speed:g} m/s",
        f"period      {1e3 * fleet.scenario.dt:g} ms; planner {fleet.planner}, controller {fleet.controller}, "
        f"margin {fleet.margin:g} m",
        f"listens     {fleet.endpoints[robot]}" + ("" if fleet.keys else ", without authentication"),
        f"driver      {fleet.driver}" + (f" at {fleet.physics[0]}:{fleet.physics[1]}" if fleet.physics else ""),
    ])  # fmt: skip


def figures(control: Control, pace: Pace, transport: Transport) -> dict[str, Any]:
    """What the run came to."""
    late, took = (1e3 * np.array(values) if values else np.zeros(1) for values in (pace.late, pace.took))
    return {
        "robot": control.robot_id, "periods": len(pace.took), "reasons": dict(control.guard.reasons),
        "overruns": control.guard.overruns, "resumes": control.guard.resumes, "ticks": control.lockstep.tick,
        "late_ms": {"p50": float(np.percentile(late, 50)), "p99": float(np.percentile(late, 99))},
        "took_ms": {"p50": float(np.percentile(took, 50)), "p99": float(np.percentile(took, 99))},
        "rejected": dict(control.inbox.rejected), "lost": dict(transport.counts),
    }  # fmt: skip


def run(options: Options, fleet: FleetFile) -> None:
    """Drive until told to end; the body brakes by itself when the commands end."""
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    driver = make_driver(fleet, options.robot)
    addresses = {robot: endpoint.partition("/")[2] for robot, endpoint in enumerate(fleet.endpoints)}
    with Transport(fleet.name, options.robot, addresses, keys=fleet.keys) as transport:
        control = Control(fleet, options.robot, driver, transport, incarnation=int(time.time()))
        control.warm_up()
        pace, until = Pace(fleet.scenario.dt), time.monotonic() + options.seconds
        for _ in pace.periods(lambda: ended or time.monotonic() >= until):
            control.period()
        driver.close()
        if options.json is not None:
            write_text(options.json, json.dumps(figures(control, pace, transport)) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, or check; 2 on wrong input."""
    options = parse(arguments)
    try:
        fleet = load_fleet(options.fleet)
        if not 0 <= options.robot < len(fleet.scenario.robots):
            raise InputError("--robot", options.robot, f"0 to {len(fleet.scenario.robots) - 1}")
        if options.check:
            make_driver(fleet, options.robot).close()
            print(summary(fleet, options.robot))
        else:
            run(options, fleet)
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
