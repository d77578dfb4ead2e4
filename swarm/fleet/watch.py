"""What a fleet looks like from outside: heard as an operator, and asked of the physics world if there is one.

It only listens and asks. A robot that is silent is shown as silent, with what was last known of it.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from swarm.errors import InputError
from swarm.explanation import Override, sentence
from swarm.runtime.drivers.bullet import ask
from swarm.runtime.drivers.bullet_wire import Type
from swarm.runtime.fleet_file.braking import EMERGENCY
from swarm.runtime.fleet_file.read import FleetFile
from swarm.runtime.fleet_file.zenoh_config import OPERATOR, own_keys
from swarm.runtime.link.status import Status, decode
from swarm.runtime.link.transport import Transport
from swarm.runtime.watchdog import MAY_MOVE, RELEASE

SILENT = 1.0
"""Seconds without a status after which a robot is silent."""
WAITS = 2.0
"""Seconds within one place after which a robot that may move is said to wait."""
_PLACE = 0.05  # Metres that are one place.
_IDLE = 1.0  # Seconds between two questions to the physics world while nobody looks.


@dataclass(frozen=True)
class World:
    """What the physics world tells.

    Attributes:
        time: Simulated [s].
        lost: Seconds that it fell behind the clock.
        collisions: So far.
        deliveries: So far.
        clearance: The smallest gap so far [m]; None: nobody has been near anybody.
        stopped: Whether its emergency stop is latched.
        bodies: Of each robot x, y [m], heading [rad], speed [m/s].
        delivered: By each robot.
        asked: When this was asked [s].
    """

    time: float
    lost: float
    collisions: int
    deliveries: int
    clearance: float | None
    stopped: bool
    bodies: tuple[tuple[float, ...], ...]
    delivered: tuple[int, ...]
    asked: float


def read_world(told: Mapping[str, Any] | None, robots: int, asked: float) -> World | None:
    """A status of the physics world, if there is one and it makes sense."""
    try:
        rows = told["robots"]  # type: ignore[index]
        numbers = [float(value) for row in rows for value in row[:4]]
        numbers += [float(told["time"]), float(told["lost"])]  # type: ignore[index]
        clearance = None if told["min_clearance"] is None else float(told["min_clearance"])  # type: ignore[index]
        if len(rows) != robots or not all(map(math.isfinite, [*numbers, clearance or 0.0])):
            return None
        return World(
            numbers[-2], numbers[-1], int(told["collisions"]), int(told["deliveries"]), clearance,  # type: ignore[index]
            told["stopped"] is True, tuple(tuple(numbers[4 * i : 4 * i + 4]) for i in range(robots)),  # type: ignore[index]
            tuple(int(row[6]) for row in rows), asked,
        )  # fmt: skip
    except (TypeError, KeyError, IndexError, ValueError, OverflowError):
        return None


@dataclass
class Watched:
    """What is known of one robot.

    Attributes:
        status: The last one that it told.
        heard: When that arrived [s].
        linked: Whether there is a link to its process.
        restarts: How often its process was seen to be a new one.
        place: Where it has been since ``since`` [m].
        since: When it was there first [s].
        override: The last one, and when it was heard [s].
    """

    status: Status | None = None
    heard: float = -math.inf
    linked: bool = False
    restarts: int = 0
    place: tuple[float, float] = (math.inf, math.inf)
    since: float = 0.0
    override: tuple[Override, float] | None = None

    def take(self, status: Status, now: float) -> None:
        """A status arrived."""
        self.restarts += self.status is not None and self.status.incarnation != status.incarnation
        self.status, self.heard = status, now
        if status.state is not None:
            self.moved((status.state[0], status.state[1]), now)
        if status.override is not None:
            self.override = (status.override, now)

    def moved(self, place: tuple[float, float], now: float) -> None:
        """It is there now."""
        if not math.dist(place, self.place) <= _PLACE:
            self.place, self.since = place, now


@dataclass(frozen=True)
class FleetSnapshot:
    """The fleet at one moment.

    Attributes:
        now: Time [s], monotonic.
        robots: By identity.
        world: Of the physics world, if there is one that answers.
        lost: Status records that were refused here, by reason.
        has_world: Whether there should be a physics world.
    """

    now: float
    robots: tuple[Watched, ...]
    world: World | None
    lost: Mapping[str, int]
    has_world: bool

    def verdict(self, robot: int) -> tuple[str, str]:
        """How a robot is, as one of ``silent, stopped, held, waits, drives``, and why, in words."""
        return verdict_of(self.robots[robot], self.now)


def verdict_of(one: Watched, now: float) -> tuple[str, str]:
    """How a robot is, and why; see ``FleetSnapshot.verdict``."""
    status, age = one.status, now - one.heard
    if status is None:
        return "silent", "has a link, but tells nothing yet" if one.linked else "was never heard"
    if age > SILENT:
        return "silent", f"last heard {age:.0f} s ago" + ("" if one.linked else ", its process is gone")
    if status.stopped:
        return "stopped", status.reason if status.reason.endswith(RELEASE) else EMERGENCY
    if status.reason != MAY_MOVE:
        return "held", status.reason
    if now - one.since > WAITS:
        return "waits", f"{now - one.since:.0f} s: {_why_it_waits(status)}"
    return "drives", "" if status.override is None else sentence(status.override)


def _why_it_waits(status: Status) -> str:
    """Why a robot that may move does not."""
    if status.override is not None:
        return sentence(status.override)
    if status.state is None or status.waypoint is None or status.goal is None:
        return "no plan"
    here = (status.state[0], status.state[1])
    if math.dist(here, status.goal) < 0.3:
        return "is at its goal"
    return "its planner lets others go first" if math.dist(here, status.waypoint) < 0.3 else "drives very slowly"


@dataclass
class _Shared:
    """What the thread that asks writes, and whoever looks reads."""

    world: World | None = None
    looked: float = -math.inf
    ended: threading.Event = field(default_factory=threading.Event)


class FleetWatch:
    """Listens to a fleet; a context manager.

    Args:
        fleet: Which one.
        every: Seconds between two questions to the physics world, while somebody looks.

    Raises:
        InputError: If its keys cannot be used.
    """

    def __init__(self, fleet: FleetFile, every: float = 0.2) -> None:
        self.fleet = fleet
        self.transport = Transport(
            fleet.name, None, fleet.addresses, keys=own_keys(fleet.keys, OPERATOR), patience=fleet.patience
        )
        self._robots = [Watched() for _ in fleet.endpoints]
        self._refused: Counter[str] = Counter()
        self._shared, self._lock = _Shared(), threading.Lock()
        self._address = fleet.physics if fleet.driver == "bullet" else None
        self._every = every
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def look(self) -> FleetSnapshot:
        """The fleet now; never waits. Any thread may call it."""
        with self._lock:
            now, alive = time.monotonic(), self.transport.alive()
            self._shared.looked, world = now, self._shared.world
            self._hear()
            for robot, one in enumerate(self._robots):
                one.linked = robot in alive
            told = tuple(Watched(**vars(one)) for one in self._robots)
            return FleetSnapshot(
                now, told, world, dict(self._refused + self.transport.counts), self._address is not None
            )

    def _hear(self) -> None:
        """Take what the robots told."""
        for robot, data, arrived in self.transport.statuses():
            try:
                status = decode(data)
            except InputError:
                self._refused["malformed status"] += 1
                continue
            if status.robot == robot:
                self._robots[robot].take(status, arrived)
            else:
                self._refused["status in another's name"] += 1

    def _listen(self) -> None:
        """The thread that takes what robots told and asks the physics world; seldom while nobody looks."""
        count = len(self._robots)
        while not self._shared.ended.is_set():
            asked = time.monotonic()
            with self._lock:  # what is taken late would look new
                self._hear()
            if self._address is not None:
                self._shared.world = read_world(ask(self._address, Type.STATUS, timeout=0.5), count, asked)
            idle = asked - self._shared.looked > 2.0 * _IDLE
            self._shared.ended.wait(max(0.01, (_IDLE if idle else self._every) - (time.monotonic() - asked)))

    def close(self) -> None:
        """End the session."""
        self._shared.ended.set()
        self._thread.join()
        self.transport.close()

    def __enter__(self) -> FleetWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
