"""Starts the processes of a fleet on this machine, and those of the robots again when they die."""

from __future__ import annotations

import math
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm.errors import InputError
from swarm.fleet.child import Child, end
from swarm.runtime.fleet_file.read import FleetFile

WAITS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before a process is started again, by how often in a row it died soon."""
LIVED = 10.0
"""Seconds after which a process that dies has not died soon."""
SPARE_EVERY = 2.0
"""Seconds between the starts of two standbys: while they load, the robots drive."""
WRONG_INPUT = 2
"""Exit code of a process that would fail again."""


@dataclass(frozen=True)
class Commands:
    """What the processes of a fleet are started with; the supervisor adds their arguments.

    Attributes:
        robot: Of a robot's control process.
        physics: Of the physics world; empty: there is none on this machine.
        page: Of the browser page.
    """

    robot: Sequence[str] = (sys.executable, "-P", "-m", "swarm.runtime.process")
    physics: Sequence[str] = ()
    page: Sequence[str] = ()


class Restarts:
    """When one process is started again; times in s of one clock.

    Attributes:
        count: How often it was.
        given_up: Whether it is not any more.
    """

    def __init__(self) -> None:
        self.count, self.given_up = 0, False
        self._soon, self._began = 0, 0.0
        self._due: float | None = None

    def began(self, now: float) -> None:
        """The process was started."""
        self._began, self._due = now, None

    def took_over(self, now: float) -> None:
        """Another process that was there already stands for it."""
        self.count += 1
        self.began(now)

    def due(self, now: float, code: int) -> bool:
        """The process is dead and ended with this code: whether to start it now."""
        if code == WRONG_INPUT:
            self.given_up = True
        if self.given_up:
            return False
        if self._due is None:
            self._soon = 0 if now - self._began > LIVED else self._soon + 1
            self._due = now + WAITS[min(max(self._soon - 1, 0), len(WAITS) - 1)]
        if now < self._due:
            return False
        self.count += 1
        return True


def prepare(fleet: Path, robot: Sequence[str]) -> None:
    """Check a fleet file, and compile what its robots need: many processes that each do it take minutes.

    Args:
        fleet: The fleet file.
        robot: Command line of a control process.

    Raises:
        InputError: If a robot of the fleet could not start.
    """
    command = [*robot, "--fleet", str(fleet), "--robot", "0", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == WRONG_INPUT:
        raise InputError(str(fleet), done.stderr.strip(), "a fleet whose robots can start")


class Supervisor:
    """The processes of one fleet.

    Args:
        fleet: What to run.
        commands: What with.
        results: Folder for the figures that the processes write when they end.
        log: Folder for what they say.
        tell: Is told a line when something happens.
        clock: Monotonic [s].
        standby: Whether each robot has a second process that takes over when the first one dies (``spare``).

    Attributes:
        robots: Their control processes.
        spares: The standbys of those, if there are to be any.
        physics: The physics world, if the fleet has one.
        others: Processes that nothing depends on (``add``).
        kills: How often each robot was killed on purpose.
        failed: Why the fleet cannot go on; empty while it can.
    """

    def __init__(
        self, fleet: FleetFile, commands: Commands, results: Path, log: Path, tell: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic, standby: bool = False,
    ) -> None:  # fmt: skip
        self.fleet, self.commands, self.failed = fleet, commands, ""
        self.results, self.log, self._tell, self._clock = results, log, tell, clock
        robots = range(len(fleet.scenario.robots))
        self.robots = [self._robot(f"robot {i}", i) for i in robots]
        self.spares = [self._robot(f"robot {i} standby", i, "--standby") for i in robots if standby]
        self._spared = -math.inf
        self.physics: Child | None = None
        if fleet.driver == "bullet" and commands.physics:
            world = ("--fleet", fleet.path, "--json", self.world_figures)
            self.physics = self._child("physics", commands.physics, *world)
        self.others: list[Child] = []
        self.kills: Counter[int] = Counter()
        self.restarts: dict[str, Restarts] = {child.name: Restarts() for child in self.robots}

    @property
    def world_figures(self) -> Path:
        """Where the physics world's results are, when it has ended."""
        return self.results / "physics.json"

    def figures(self, robot: int) -> Path:
        """Where a robot's figures are, when its process has ended by itself."""
        return self.results / f"robot-{robot}.json"

    def add(self, name: str, command: Sequence[str], *arguments: object) -> None:
        """One more process, started with the others, and again if it dies."""
        self.others.append(self._child(name, command, *arguments))
        self.restarts[name] = Restarts()

    def _robot(self, name: str, robot: int, *more: str) -> Child:
        known = ("--fleet", self.fleet.path, "--robot", robot, "--json", self.figures(robot))
        return self._child(name, self.commands.robot, *known, *more)

    def _child(self, name: str, command: Sequence[str], *arguments: object) -> Child:
        return Child(name, [*command, *map(str, arguments)], self.log / f"{name.replace(' ', '-')}.txt")

    @property
    def children(self) -> list[Child]:
        """All processes; the physics world first."""
        return [*([self.physics] if self.physics else []), *self.robots, *self.others, *self.spares]

    def start(self) -> None:
        """Start all but the standbys."""
        for child in self.children:
            if child not in self.spares:
                child.start()
            if child.name in self.restarts:
                self.restarts[child.name].began(self._clock())

    def spare(self) -> bool:
        """Start a standby that does not run; call it often, once the robots drive. Whether one was started."""
        missing = next((one for one in self.spares if one.pid is None and one.code != WRONG_INPUT), None)
        if missing is None or self.failed or self._clock() < self._spared + SPARE_EVERY:
            return False
        self._spared = self._clock()
        missing.start()
        return True

    def look(self) -> bool:
        """Start again what died; call it often, from the main thread. Whether a process was started."""
        if self.physics is not None and self.physics.code is not None and not self.failed:
            self.failed = f"the physics world has ended ({_ending(self.physics)})"
        changed, now = False, self._clock()
        spares = dict(zip((child.name for child in self.robots), self.spares, strict=False))
        for child in (*self.robots, *self.others):
            restarts, code, spare = self.restarts[child.name], child.code, spares.get(child.name)
            if code is None or self.failed or restarts.given_up:
                continue
            if spare is not None and spare.pid is not None:
                self._tell(f"{child.name} ended ({_ending(child)}); its standby takes over")
                child.exchange(spare)
                restarts.took_over(now)
                changed = True
            elif restarts.due(now, code):
                self._tell(f"{child.name} ended ({_ending(child)}); started again")
                child.start()
                restarts.began(now)
                changed = True
            elif restarts.given_up:
                self._tell(f"{child.name} ended ({_ending(child)}) and is not started again")
        if not self.failed and all(self.restarts[child.name].given_up for child in self.robots):
            self.failed = "no robot is left that could start"
        return changed

    def kill(self, robot: int) -> None:
        """Kill a robot's process, as a test of the fleet."""
        self.kills[robot] += 1
        self.robots[robot].signal(signal.SIGKILL)

    def end(self, patience: float = 5.0) -> None:
        """End all: the robots first, so that the world still shows how they stopped."""
        last = [] if self.physics is None else [self.physics]
        for group in ([*self.robots, *self.others, *self.spares], last):
            for child in end(group, patience):
                self._tell(f"{child.name} did not end within {patience:g} s, and was killed")


class Chaos:
    """Kills a robot now and then: which one is drawn from a seed.

    Args:
        every: Seconds between two kills; inf: never.
        seed: Of the draw.
        start: When it begins [s].
    """

    def __init__(self, every: float, seed: int, start: float) -> None:
        self._every, self._random, self._due = every, random.Random(seed), start + every

    def victim(self, now: float, robots: int) -> int | None:
        """Whom to kill now, if anybody."""
        if now < self._due:
            return None
        self._due += self._every
        return self._random.randrange(robots)


def _ending(child: Child) -> str:
    """How a process ended, in words."""
    code = child.code or 0
    if code < 0:
        return signal.Signals(-code).name
    words = child.last_words()
    return f"code {code}" + (f": {words}" if words and code else "")
