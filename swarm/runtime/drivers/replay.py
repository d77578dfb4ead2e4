"""Driver ``replay``: plays a recorded run as if it were the body; commands are counted and kept, and change nothing.

The recording is an ``.npz`` as ``--trajectories`` writes it: ``time[T]`` [s] (rising), ``position[T, N, 2]`` [m],
``velocity[T, N, 2]`` [m/s], and, if it has it, ``heading[T, N]`` [rad]. Without it a robot looks where it last went.
"""

from __future__ import annotations

import time
import zipfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import array
from swarm.files.text_files import MEBIBYTE, check_file
from swarm.model.dynamics import Kind
from swarm.runtime.drivers.base import Reading, Sent, clip
from swarm.runtime.fleet_file.read import FleetFile

KEPT = 10_000
"""Commands that are kept; older ones are only counted."""
_LARGEST = 512 * MEBIBYTE
_SLOWEST = 1e-3  # [m/s]; below, a direction is noise


class ReplayDriver:
    """Plays robot ``robot_id`` of the fleet's recording, from the moment it is made.

    After its last sample the recording is silent: the reading's age grows.

    Args:
        fleet: Names the recording.
        robot_id: Whose states.
        clock: Monotonic seconds.

    Attributes:
        commands: The last ``KEPT`` commands.
        count: How many there were.
        obeys: False: the body moves as it was recorded, whatever it is told.

    Raises:
        InputError: If the recording cannot be read, or has not this robot.
    """

    obeys = False

    def __init__(self, fleet: FleetFile, robot_id: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._spec = fleet.scenario.robots[robot_id]
        if fleet.recording is None:
            raise InputError(f"{fleet.path}: recording", None, "the file that the driver replay plays")
        heading = float(self._spec.start[2]) if self._spec.kind == Kind.UNICYCLE else None
        self._time, self._states = read_recording(fleet.recording, robot_id, heading)
        self._clock, self._began = clock, clock()
        self.commands: deque[Sent] = deque(maxlen=KEPT)
        self.count = 0

    def read(self) -> Reading | None:
        """The last sample whose time has come."""
        elapsed = self._clock() - self._began + self._time[0]
        k = int(np.searchsorted(self._time, elapsed, side="right")) - 1
        if k < 0:
            return None
        stamp = float(self._time[k])
        return Reading(self._states[k].copy(), stamp, self._began + stamp - float(self._time[0]))

    def write(self, control: Array) -> Sent:
        """Keep a command."""
        clipped = clip(control, self._spec)
        sent = Sent(clipped, self._clock(), not np.array_equal(clipped, control))
        self.commands.append(sent)
        self.count += 1
        return sent

    def close(self) -> None:
        """Nothing to give back."""


def read_recording(path: Path, robot_id: int, heading: float | None) -> tuple[Array, Array]:
    """Times ``[T]`` [s] and states ``[T, 5]`` of one robot.

    Args:
        path: The file.
        robot_id: Which column.
        heading: Of a robot that turns where it goes, at the start; None: it keeps 0. Used if the file has none.

    Raises:
        InputError: If it is no such file; names the array.
    """
    check_file(path, _LARGEST)
    parts: dict[str, Array] = {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            for key in ("time", "position", "velocity", "heading"):
                if key in stored:
                    parts[key] = stored[key]
    except (ValueError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(str(path), str(error), "an .npz file with time, position and velocity") from None
    for key in ("time", "position", "velocity"):
        if key not in parts:
            raise InputError(f"{path}: {key}", None, "arrays time, position and velocity (heading optional)")
    times = array(f"{path}: time", parts["time"], (None,))
    position = array(f"{path}: position", parts["position"], (len(times), None, 2))
    velocity = array(f"{path}: velocity", parts["velocity"], position.shape)
    if len(times) == 0 or not (np.diff(times) > 0.0).all():
        raise InputError(f"{path}: time", times, "one sample or more, in rising order")
    if not 0 <= robot_id < position.shape[1]:
        raise InputError(f"{path}: position", f"{position.shape[1]} robots", f"robot {robot_id} too")
    if "heading" in parts:
        angle = array(f"{path}: heading", parts["heading"], position.shape[:2])[:, robot_id]
    else:
        angle = _directions(velocity[:, robot_id], heading)
    return times, np.column_stack([position[:, robot_id], angle, velocity[:, robot_id]])


def _directions(velocity: Array, heading: float | None) -> Array:
    """Where it went [rad], ``[T]``: the direction of the last motion; ``heading`` before the first."""
    angle = np.full(len(velocity), 0.0 if heading is None else heading)
    if heading is not None:
        for k in range(len(velocity)):
            moves = np.hypot(*velocity[k]) > _SLOWEST
            angle[k] = np.arctan2(velocity[k, 1], velocity[k, 0]) if moves else (angle[k - 1] if k else heading)
    return angle
