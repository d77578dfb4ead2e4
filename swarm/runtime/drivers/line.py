"""An example of a driver of one's own: a base that speaks lines of text over UDP. Copy it and change what differs.

The base sends ``STAMP X Y HEADING VX VY`` [s, m, rad, m/s] whenever it has measured, and takes ``FORWARD TURN`` [m/s,
rad/s] or whatever its dynamics' control is (``swarm.model.dynamics``). It must brake by itself when no such line comes
for 200 ms. It answers to where the newest line came from: in each period in which nothing was heard from it, an empty
line comes, which is no command (before the first state there is nothing to command). In fleet.yaml:
``driver: swarm.runtime.drivers.line:LineDriver``. The base of robot i is at port 18000 + i.
"""

from __future__ import annotations

import contextlib
import socket
import time

import numpy as np

from swarm.array_types import Array
from swarm.runtime.drivers.base import Reading, Sent, clip
from swarm.runtime.drivers.clocks import WRONG, LearntClock, OffsetClock
from swarm.runtime.fleet_file.read import FleetFile

BASE_PORT = 18_000


class LineDriver:
    """Robot ``robot_id``'s base at 127.0.0.1, port ``BASE_PORT`` + ``robot_id``."""

    def __init__(self, fleet: FleetFile, robot_id: int) -> None:
        self._spec = fleet.scenario.robots[robot_id]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", BASE_PORT + robot_id))
        self._last: Reading | None = None
        own = fleet.clock_of(robot_id) == "base"
        self._clock: LearntClock | OffsetClock = OffsetClock(fleet.errors.age) if own else LearntClock()
        self.doubt = ""
        self._looked = time.monotonic()
        self.rejected = 0

    def read(self) -> Reading | None:
        """The newest line; what is malformed is counted and left out."""
        looked, heard = time.monotonic(), False
        with contextlib.suppress(OSError):  # nothing more to read, or nobody there
            while True:
                self._take(self._socket.recv(256))
                heard = True
        if not heard:
            self._send("")
        self._looked = looked
        return self._last

    def _take(self, line: bytes) -> None:
        try:
            stamp, *state = (float(word) for word in line.split())
        except ValueError:
            stamp, state = float("nan"), []
        if len(state) != 5 or not np.isfinite([stamp, *state]).all():
            self.rejected += 1
            return
        # It came after the look before this one: an age that is too high is safe, one too low is not.
        measured = self._clock.measured(stamp, self._looked)
        self.doubt = measured if isinstance(measured, str) and measured in WRONG else ""
        if not isinstance(measured, str):
            self._last = Reading(np.array(state), stamp, self._looked, measured=measured)

    def write(self, control: Array) -> Sent:
        """One line; that nobody takes it shows in the age of the states."""
        clipped = clip(control, self._spec)
        self._send(f"{clipped[0]:.6f} {clipped[1]:.6f}")
        return Sent(clipped, time.monotonic(), not np.array_equal(clipped, control))

    def _send(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(f"{line}\n".encode())

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
