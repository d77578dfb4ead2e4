"""What a body without slip would have done under the commands of a drive: the model of ``swarm.model.actuators``."""

from __future__ import annotations

import numpy as np
from numba import njit

from studies.calibration.drive import Drive, Windows
from swarm.array_types import Array, Int64s
from swarm.model.actuators import move
from swarm.model.dynamics import STATE


@njit(cache=True)
def _respond(
    kind: int, segments: Int64s, told: Array, commands: Array, measured: Array, dead_time: float, lag: float,
    states: Array, drives: Array,
) -> None:  # fmt: skip
    """Write states and drives at the samples of every segment, which begins at 0 with what its first command says.

    So a log that begins while the robot drives on and on tells nothing of a lag.
    """
    state, drive = np.zeros(STATE), np.zeros(2)
    for g in range(len(segments)):
        command, last = segments[g, 0], segments[g, 1]
        time, state[:], drive[:] = told[command], 0.0, commands[command]
        for k in range(segments[g, 2], segments[g, 3]):
            while command + 1 < last and told[command + 1] + dead_time <= measured[k]:
                until = told[command + 1] + dead_time
                if until > time:
                    move(kind, state, drive, commands[command], until - time, lag, 0.0, state, drive)
                    time = until
                command += 1
            if measured[k] > time:
                move(kind, state, drive, commands[command], measured[k] - time, lag, 0.0, state, drive)
                time = measured[k]
            states[k], drives[k] = state, drive


def respond(drive: Drive, windows: Windows, dead_time: float, lag: float) -> tuple[Array, Array]:
    """States ``float64[S, 5]`` and drives ``float64[S, 2]`` at the samples; zeros outside of the segments."""
    states, drives = np.zeros((len(drive.measured), STATE)), np.zeros((len(drive.measured), 2))
    _respond(
        int(drive.kind), windows.segments, drive.told, drive.commands, drive.measured, dead_time, lag, states, drives
    )
    return states, drives
