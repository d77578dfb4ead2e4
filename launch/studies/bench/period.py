"""``bench.py period``: what a robot's control process does within 50 ms."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

import envs
from envs.rollout.plants import ExactPlant
from studies.bench.common import Figures, spread
from swarm.array_types import Array
from swarm.runtime.control import Control, Period
from swarm.runtime.drivers.base import Reading, Sent
from swarm.runtime.fleet_file.read import FleetFile, load_fleet
from swarm.runtime.journal import Journal
from swarm.runtime.link.base import Link
from swarm.runtime.link.estop import EmergencyStop
from swarm.runtime.log.writer import PeriodLog
from swarm.runtime.mind import mind_of

FLEET = Path(envs.__file__).parent / "fleets" / "warehouse16.yaml"
PERIODS, COLD = 400, 20

Mail = list[tuple[int, bytes, float]]


def bench_period() -> Figures:
    """A control period of one of 16 robots that hear each other in the warehouse; processor time of its thread."""
    with tempfile.TemporaryDirectory() as folder:
        times = _measure(replace(load_fleet(FLEET), journal=Path(folder) / "journal"), Path(folder) / "logs")
    return {name: spread(values) for name, values in times.items()}


def _measure(fleet: FleetFile, logs: Path) -> dict[str, list[float]]:
    """Milliseconds of the parts; every second robot has a journal."""
    team = _Team(fleet)
    names = {True: "a period, with the journal", False: "a period, without the journal"}
    times: dict[str, list[float]] = {name: [] for name in (*names.values(), "why it was overridden", "to the log")}
    with PeriodLog(logs, fleet.name, fleet.scenario, 0, 1, clock=lambda: team.time) as log:
        for tick in range(PERIODS):
            for i, control in enumerate(team.controls):
                laps = [time.thread_time()]
                period: Period = control.period()
                laps.append(time.thread_time())
                control.why(period)
                laps.append(time.thread_time())
                log.add(control, period)
                laps.append(time.thread_time())
                if tick >= COLD:
                    parts = (names[i % 2 == 1], "why it was overridden", "to the log")
                    for part, took in zip(parts, 1e3 * np.diff(laps), strict=True):
                        times[part].append(float(took))
            team.advance()
    return times


class _Team:
    """Control processes without the processes: bodies that do as they are told, messages that arrive at once."""

    def __init__(self, fleet: FleetFile) -> None:
        self.dt, self.time, robots = fleet.scenario.dt, 100.0, range(len(fleet.scenario.robots))
        self.plant = ExactPlant(fleet.scenario, 1)
        self.states, self.commands = self.plant.state(), np.zeros((len(robots), 2))
        self.mail: list[Mail] = [[] for _ in robots]
        self.handshakes: list[Mail] = [[] for _ in robots]
        self.controls = [
            Control(
                mind, _Body(self, i), _Memory(self, i), incarnation=1, clock=lambda: self.time,
                journal=Journal(fleet.name, i, mind.handshake.map, fleet.journal, fleet.path) if i % 2 == 1 else None,
            ) for i, mind in enumerate(mind_of(fleet, i) for i in robots)
        ]  # fmt: skip

    def advance(self) -> None:
        self.plant.step(self.commands)
        self.states = self.plant.state()
        self.time += self.dt


class _Body:
    """A driver."""

    def __init__(self, team: _Team, robot: int) -> None:
        self._team, self._robot = team, robot

    def read(self) -> Reading:
        return Reading(self._team.states[self._robot].copy(), self._team.time, self._team.time)

    def write(self, control: Array) -> Sent:
        self._team.commands[self._robot] = control
        return Sent(control, self._team.time)

    def close(self) -> None:
        pass


class _Memory(Link):
    """A link that carries in this process."""

    def __init__(self, team: _Team, robot: int) -> None:
        self._team, self._robot = team, robot
        self.counts: Counter[str] = Counter()

    def publish(self, data: bytes, to: Iterable[int] | None = None) -> None:
        for one in range(len(self._team.mail)) if to is None else to:
            if one != self._robot:
                self._team.mail[one].append((self._robot, data, self._team.time))

    def drain(self) -> Mail:
        found, self._team.mail[self._robot] = self._team.mail[self._robot], []
        return found

    def greet(self, data: bytes) -> None:
        for one, handshakes in enumerate(self._team.handshakes):
            if one != self._robot:
                handshakes.append((self._robot, data, self._team.time))

    def greetings(self) -> Mail:
        found, self._team.handshakes[self._robot] = self._team.handshakes[self._robot], []
        return found

    def stops(self) -> list[EmergencyStop]:
        return []
