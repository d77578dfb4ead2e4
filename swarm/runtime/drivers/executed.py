"""What a body executes in each period, for its robot to predict its own state by (``swarm.sense.own_motion``).

A command holds until the next one comes, or until it is too old; then the body brakes by itself. So a period that was
missed, or in which nothing was sent, counts as what the last command made of it.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.robot import Robot
from swarm.runtime.drivers.base import COMMAND_TTL, Sent

_MOST = 200
"""Missed periods that are made up for at most: after so many a body stands, and what it was told is of no age."""


class Executed:
    """Tells one robot what its body executes.

    Args:
        robot: Is told.
        period: Control period [s].
        lifetime: Seconds after which the body brakes if no newer command came.
    """

    def __init__(self, robot: Robot, period: float, lifetime: float = COMMAND_TTL) -> None:
        self._robot, self._period, self._lifetime = robot, period, lifetime
        self._control: Array | None = None
        self._sent_at, self._began = -math.inf, -math.inf

    def begin(self, now: float) -> None:
        """A period begins: make up for those that were missed since the last one."""
        if math.isfinite(self._began):
            missed = round((now - self._began) / self._period) - 1
            for k in range(min(missed, _MOST)):
                self._robot.sent(self._still(self._began + (k + 1) * self._period))
        self._began = now

    def end(self, sent: Sent | None) -> None:
        """The period's work is done, and so much was sent, if anything."""
        self._robot.sent(self.take(sent))

    def take(self, sent: Sent | None) -> Array | None:
        """What the body does in this period, ``float64[2]``, if so much was sent; None: it brakes by itself."""
        if sent is not None:
            self._control, self._sent_at = sent.control, self._began
        return self._still(self._began)

    def _still(self, at: float) -> Array | None:
        """What the body does with the last command at a time [s]."""
        return self._control if at - self._sent_at < self._lifetime - 1e-6 else None
