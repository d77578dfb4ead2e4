"""A fleet under trial: real processes on this machine, the physics world that judges them, and a network between them.

Every robot gets a fleet file of its own, in which the others are reached through the proxy. All processes are ended
however the trial ends, also if its own process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from studies.checkout import LAUNCH, ROOT
from studies.faults.checks import Record
from studies.faults.ports import HOST, free_ports
from studies.faults.proxy import Proxy
from studies.faults.watch import STANDS, Sample, WorldWatch
from swarm.errors import SwarmError
from swarm.fleet.child import guarded
from swarm.fleet.supervisor import prepare
from swarm.runtime.link.transport import Transport

MAPS, FLEETS = ROOT / "envs" / "maps", ROOT / "envs" / "fleets"
ROBOT, PHYSICS = ("-m", "swarm.runtime.process"), ("-m", "envs.commands.physics")
"""Modules that a robot's control process and the physics world run, as arguments of Python."""
START = 120.0
"""Seconds within which everybody has to be on the way."""
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": f"{ROOT}:{LAUNCH}"}


class TrialError(SwarmError):
    """A trial that could not be made: processes that did not start, or a machine that is too slow."""


@dataclass(frozen=True)
class Setup:
    """What is tried.

    Attributes:
        robots: How many.
        seed: Of starts, goals, bodies and faults.
        map: File in ``MAPS`` on which deliveries are drawn, or a scenario (.yaml) in ``FLEETS``.
        planner: Of every robot.
        controller: Of every robot.
        every: Seconds between two questions to the physics world.
        relayed: Whether the network is the proxy; else the robots reach each other directly.
        errors: Declared of the bodies and simulated in them.
    """

    robots: int = 4
    seed: int = 1
    map: str = "depot.map"
    planner: str = "cells"
    controller: str = "tuner"
    every: float = 0.02
    relayed: bool = True
    errors: dict[str, float | str] = field(default_factory=dict)


class Trial:
    """Processes of one fleet; a context manager.

    Args:
        folder: For fleet files, results and what the processes print; has to exist.
        setup: What is tried.

    Attributes:
        robots: Process of each robot that was ever started.
        proxy: The network.
        watch: What the physics world tells.
        more: Further keys of the fleet files.
    """

    _prepared = False

    def __init__(self, folder: Path, setup: Setup) -> None:
        self.folder, self.setup = folder.resolve(), setup
        self.robots: dict[int, subprocess.Popen[bytes]] = {}
        self.physics: subprocess.Popen[bytes] | None = None
        self._all: list[subprocess.Popen[bytes]] = []
        *ports, physics = free_ports(setup.robots + 1)
        self.listens = {robot: (HOST, port) for robot, port in enumerate(ports)}
        self.world = (HOST, physics)
        links = {(a, b): self.listens[b] for a in self.listens for b in self.listens if b < a}
        self.proxy, self.watch = Proxy(links, setup.seed), WorldWatch(self.world, setup.every)
        self._stack = contextlib.ExitStack()
        self.more: Record = {"journal": "journal"}

    def __enter__(self) -> Trial:
        with self._stack as stack:
            stack.enter_context(self.proxy)
            stack.callback(self._end)
            stack.enter_context(self.watch)
            self.write_fleet_files()
            self.prepare()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def samples(self) -> list[Sample]:
        """What the physics world told, in order."""
        return self.watch.samples

    def fleet_file(self, robot: int | None = None) -> Path:
        """The fleet file of a robot; without one that of the physics world and of operators."""
        return self.folder / ("fleet.yaml" if robot is None else f"fleet-{robot}.yaml")

    def use_keys(self) -> None:
        """Give everybody keys before they are started: TLS, and signed stops. The relay does not speak TLS."""
        names = ["--fleet", "trial", "--robots", *map(str, self.listens), "--out", str(self.folder / "keys")]
        made = subprocess.run(
            [sys.executable, "-m", "authority", *names], env=os.environ | _ENVIRONMENT, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if made.returncode != 0 or self.setup.relayed:
            raise TrialError(f"keys, {'relayed' if self.setup.relayed else 'direct'}: {made.stderr}")
        self.more["keys"] = "keys"
        self.write_fleet_files()

    def write_fleet_files(self) -> None:
        """Write all fleet files."""
        scheme = "tls" if "keys" in self.more else "tcp"
        for robot in (None, *self.listens):
            ends = {one: address for one, address in self.listens.items()}
            if robot is not None and self.setup.relayed:
                ends |= {one: (HOST, self.proxy.ports[robot, one]) for one in ends if one < robot}
            answer = {
                "fleet": "trial", "planner": self.setup.planner, "controller": self.setup.controller, "margin": 0.06,
                **self._driven(), "driver": "bullet",
                "endpoints": {one: f"{scheme}/{host}:{port}" for one, (host, port) in ends.items()},
                "physics": f"{self.world[0]}:{self.world[1]}", **self.more,
            }  # fmt: skip
            if self.setup.errors:
                answer["errors"] = self.setup.errors
            self.fleet_file(robot).write_text(yaml.safe_dump(answer, sort_keys=False), encoding="utf-8")

    def _driven(self) -> Record:
        """What of a fleet file says where the robots drive."""
        if self.setup.map.endswith(".yaml"):
            return {"scenario": str(FLEETS / self.setup.map)}
        drawn = {"map": str(MAPS / self.setup.map), "robots": self.setup.robots, "seed": self.setup.seed}
        return {"deliveries": drawn | {"seconds": 3600}}

    def start_physics(self) -> None:
        """Start the physics world, and wait until it answers."""
        self.physics = self._start(
            "physics", *PHYSICS, "--fleet", self.fleet_file(), "--json", self.folder / "physics.json"
        )
        if self.watch.until(lambda sample: True, START) is None:
            raise TrialError(f"the physics world does not answer: {self.said('physics')}")

    def start_robot(self, robot: int, *oddity: object) -> subprocess.Popen[bytes]:
        """Start a robot's process, with something odd about it where given (``studies.faults.fault_injection``)."""
        command = ("-m", "studies.faults.fault_injection", *oddity, "--") if oddity else ROBOT
        self.robots[robot] = self._start_process_of(robot, *command)
        return self.robots[robot]

    def start_standby(self, robot: int) -> subprocess.Popen[bytes]:
        """Start a process that waits for the end of the one that drives the robot."""
        return self._start_process_of(robot, *ROBOT, "--standby")

    def prepare(self) -> None:
        """Compile what the robots need; once for all trials of this process."""
        if not Trial._prepared:
            prepare(self.fleet_file(), [sys.executable, *ROBOT])
            Trial._prepared = True

    def start(self, odd: Mapping[int, Sequence[object]] | None = None, still: Sequence[int] = ()) -> None:
        """Start the physics world and all robots, and wait until they have moved.

        Args:
            odd: What is odd about whom (``studies.faults.fault_injection``).
            still: Who is not waited for.
        """
        self.start_physics()
        for robot in self.listens:
            self.start_robot(robot, *(odd or {}).get(robot, ()))
        self.wait_moving([robot for robot in self.listens if robot not in still])

    def wait_moving(self, robots: Sequence[int], seconds: float = START) -> None:
        """Wait until each of these has moved from now on."""
        waits = set(robots)

        def moved(sample: Sample) -> bool:
            waits.difference_update(robot for robot in robots if sample.speeds[robot] > 5.0 * STANDS)
            return not waits

        until = time.monotonic() + seconds
        while self.watch.until(moved, 1.0) is None:
            ended = [robot for robot in waits if self.robots[robot].poll() is not None]
            if ended or time.monotonic() > until:
                said = " ".join(self.said(f"robot-{robot}") for robot in ended or sorted(waits))
                raise TrialError(f"robots {sorted(waits)} did not move, {ended} ended: {said}")

    def run_for(self, seconds: float) -> list[Sample]:
        """Let time pass; what the physics world told meanwhile. A process that ends by itself ends the trial."""
        first, until = len(self.samples), time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            time.sleep(min(left, 0.25))
            if self.physics is not None and self.physics.poll() is not None:
                raise TrialError(f"the physics world has ended: {self.said('physics')}")
        return self.samples[first:]

    def signal(self, robot: int, number: signal.Signals) -> float:
        """Send a signal to a robot's process; returns when."""
        now = time.monotonic()
        self.robots[robot].send_signal(number)
        return now

    def operator(self) -> Transport:
        """A session that reads what robots tell of themselves, and stops and releases them; the caller closes it."""
        return Transport("trial", None, {robot: f"{host}:{port}" for robot, (host, port) in self.listens.items()})

    def spawn(self, name: str, *command: object) -> subprocess.Popen[bytes]:
        """Start another process of Python with this project on its path; it ends with the trial."""
        return self._start(name, *command)

    def finish(self) -> Record:
        """End all processes; what the physics world wrote, and figures of robots that ended as they should."""
        self._end()
        found: Record = {"robots": {}}
        with contextlib.suppress(OSError, ValueError):
            found["physics"] = json.loads((self.folder / "physics.json").read_text(encoding="utf-8"))
        for robot in self.listens:
            with contextlib.suppress(OSError, ValueError):
                answer = json.loads((self.folder / f"robot-{robot}.json").read_text(encoding="utf-8"))
                found["robots"][robot] = answer
        if "physics" not in found:
            raise TrialError(f"the physics world wrote no results: {self.said('physics')}")
        return found

    def said(self, name: str) -> str:
        """The end of what a process printed."""
        with contextlib.suppress(OSError):
            return (self.folder / f"{name}.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        return ""

    def _start_process_of(self, robot: int, *command: object) -> subprocess.Popen[bytes]:
        answer = self.folder / f"robot-{robot}.json"
        return self._start(
            f"robot-{robot}", *command, "--fleet", self.fleet_file(robot), "--robot", robot, "--json", answer
        )

    def _start(self, name: str, *command: object) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.txt").open("ab") as out:
            process = subprocess.Popen(
                guarded([sys.executable, *map(str, command)]), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=os.environ | _ENVIRONMENT,
            )  # fmt: skip
        self._all.append(process)
        return process

    def _end(self) -> None:
        """Robots first, the physics world last."""
        order = [one for one in self._all if one is not self.physics]
        for group in (order, [] if self.physics is None else [self.physics]):
            for process in group:
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)
                    process.terminate()
            until = time.monotonic() + 10.0
            for process in group:
                try:
                    process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
