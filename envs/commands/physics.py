"""Hosts the bodies of a fleet in pybullet, in real time; each is driven by a process of its own.

``python -m envs.commands.physics --fleet FLEET.yaml``, from a checkout also ``python launch/physics.py``, runs until
SIGTERM or Ctrl-C, or for ``--seconds``. A body brakes when its driver is silent for 200 ms.
"""

from __future__ import annotations

import json
import math
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from envs.bullet.host import RATE, PhysicsHost
from envs.commands.command import parsed
from swarm.errors import InputError, SwarmError
from swarm.files.text_files import prepare, write_text
from swarm.runtime.fleet_file.read import load_fleet


@dataclass(frozen=True)
class Options:
    """Host the bodies of a fleet."""

    fleet: Path
    """The fleet file."""
    seconds: float | None = None
    """Simulated time [s]; until it is told to end if not given."""
    physics_hz: float | None = None
    """Physics steps a second, a multiple of 60; 240 if not given. Fewer are faster and less exact."""
    json: Path | None = None
    """Results file, written at the end."""

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0.0 < self.seconds < math.inf:
            raise InputError("--seconds", self.seconds, "a number above 0")


def host(options: Options) -> dict[str, object]:
    """Run to the end, and write the results."""
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: ended.append(number))
    if options.json is not None:
        prepare(options.json)
    physics = PhysicsHost(load_fleet(options.fleet), options.physics_hz)
    try:
        at, port = physics.address
        print(f"physics: {len(physics.scenario.robots)} robots at {at}:{port}, {RATE} steps a second", flush=True)
        physics.run(options.seconds or math.inf, lambda: bool(ended))
        result = physics.record()
    finally:
        physics.close()
    if options.json is not None:
        write_text(options.json, json.dumps(result, indent=1) + "\n")
    return result


def main() -> int:
    """Host; 1 if robots collided, 2 on wrong input."""
    try:
        result = host(parsed(lambda: tyro.cli(Options, prog="physics.py", description=__doc__)))
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"physics: {result['seconds']} s, {result['deliveries']} deliveries, {result['collisions']} collisions, "
        f"smallest clearance {result['min_clearance']} m"
    )
    return 1 if result["collisions"] else 0


if __name__ == "__main__":
    sys.exit(main())
