"""Who drives which body of the physics world, and what each body executes: the newest command, while it is fresh.

Pure logic on times that are passed in; what is not as it should be is refused with a reason, counted, and changes
nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swarm.array_types import Array
from swarm.model import dynamics
from swarm.runtime.drivers.base import COMMAND_TTL, clip
from swarm.runtime.drivers.bullet_wire import RUNS, STOPPED, TOO_OLD, Address, Request, Type
from swarm.scenario.robot_spec import RobotSpec

GONE = 1.0
"""Seconds of silence after which an older incarnation may take a body over (a clock that was set back)."""
FORGOTTEN = 10.0
"""Seconds of silence after which nothing is sent to a process any more."""


@dataclass
class BodyLink:
    """One body's driver.

    Attributes:
        peer: Its address; None before the first hello.
        incarnation: Of its process.
        heard: When something valid came from it [s].
        sequence: Of its newest command.
        control: That command, within the limits.
        commanded: When it arrived [s].
        until: When it is too old [s].
        applied: What the body executes.
        held: Why it does not execute the newest command (``swarm.runtime.drivers.bullet_wire.HELD``).
        clipped: How many commands were outside of the limits.
        timeouts: How often the command became too old.
    """

    peer: Address | None = None
    incarnation: int = 0
    heard: float = -math.inf
    sequence: int = -1
    control: tuple[float, float] = (0.0, 0.0)
    commanded: float = -math.inf
    until: float = -math.inf
    applied: tuple[float, float] = (0.0, 0.0)
    held: int = TOO_OLD
    clipped: int = 0
    timeouts: int = 0


class BodyLinks:
    """The drivers of all bodies.

    Args:
        specs: The robots.
        period: Of the physics world [s].

    Attributes:
        stopped: Whether the emergency stop is latched.
        rejected: How many requests were refused, by reason.
    """

    def __init__(self, specs: Sequence[RobotSpec], period: float) -> None:
        self._specs, self._period = specs, period
        self._limits = [spec.limits.as_array() for spec in specs]
        self._brake = np.zeros(2)
        self.links = [BodyLink() for _ in specs]
        self.stopped = False
        self.rejected: Counter[str] = Counter()

    def accept(self, request: Request, sender: Address, arrived: float) -> None:
        """Take a request that is well-formed; ``arrived`` [s]."""
        if request.type == Type.STOP:
            self.stopped = True
        elif request.type == Type.RELEASE:
            self._release()
        elif request.type == Type.HELLO:
            self._meet(request, sender, arrived)
        elif request.type == Type.COMMAND:
            self._command(request, sender, arrived)

    def _release(self) -> None:
        """Lift the emergency stop; what was commanded before is void."""
        if self.stopped:
            self.stopped = False
            for link in self.links:
                link.until = -math.inf

    def _meet(self, request: Request, sender: Address, arrived: float) -> None:
        link = self.links[request.robot]
        same = (request.incarnation, sender) == (link.incarnation, link.peer)
        if not same and request.incarnation <= link.incarnation and arrived - link.heard < GONE:
            self.rejected["older incarnation"] += 1
            return
        if not same:
            link.peer, link.incarnation = sender, request.incarnation
            link.sequence, link.until = -1, -math.inf
        link.heard = arrived

    def _command(self, request: Request, sender: Address, arrived: float) -> None:
        link = self.links[request.robot]
        if (request.incarnation, sender) != (link.incarnation, link.peer):
            self.rejected["stranger"] += 1
        elif request.sequence <= link.sequence:
            self.rejected["old"] += 1
        else:
            first, second = clip(request.control, self._specs[request.robot]).tolist()
            link.clipped += (first, second) != request.control
            link.sequence, link.control = request.sequence, (first, second)
            link.commanded = link.heard = arrived
            link.until = arrived + min(request.lifetime, COMMAND_TTL)

    def controls(self, now: float, states: Array) -> Array:
        """What each body executes in the period that begins now, ``float64[N, 2]``.

        A command that would be too old before the period ends counts as too old already.
        """
        for i, link in enumerate(self.links):
            held = STOPPED if self.stopped else RUNS if link.until >= now + self._period else TOO_OLD
            link.timeouts += held == TOO_OLD and link.held == RUNS
            link.held = held
            link.applied = link.control if held == RUNS else self._braking(i, states[i])
        return np.array([link.applied for link in self.links])

    def _braking(self, i: int, state: Array) -> tuple[float, float]:
        dynamics.brake(int(self._specs[i].kind), state, self._limits[i], self._period, self._brake)
        return float(self._brake[0]), float(self._brake[1])
