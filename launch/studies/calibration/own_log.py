"""Drives of robots from logs of ours: those of control processes, and those of ``launch/simulate.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studies.calibration.drive import Drive
from swarm.errors import InputError
from swarm.model.dynamics import Kind
from swarm.runtime.drivers.base import COMMAND_TTL
from swarm.runtime.log.reader import Json, open_logs

_ROUNDED = 2e-4  # [s]; ages are logged in steps of 1e-4: the same state again differs by less.
_KINDS = {kind.label: kind for kind in Kind}


def read_own_log(path: Path, robot: int | None) -> dict[int, Drive]:
    """Drives by the identity of the robot; all that are in the log, or one.

    Raises:
        InputError: If it is no such log, or the robot is not in it.
    """
    logs = open_logs(path)
    world = logs.files[0].world
    kinds = {one["id"]: str(one.get("kind")) for one in world["robots"]}
    periods = {one: found for one, found in logs.periods(logs.start, logs.end).items() if one in kinds}
    if robot is not None and robot not in periods:
        raise InputError("--robot", robot, f"one of {', '.join(map(str, periods))}, which are in {path}")
    found = {}
    for one in periods if robot is None else [robot]:
        where = f"{path}: robot {one}"
        if kinds[one] not in _KINDS:
            raise InputError(f"{where}: kind", kinds[one], ", ".join(_KINDS))
        entries = [((stamp - logs.start) * 1e-9, period) for stamp, period in periods[one]]
        found[one] = _drive(where, _KINDS[kinds[one]], float(world["dt"]), entries)
    return found


def _drive(where: str, kind: Kind, dt: float, entries: list[tuple[float, Json]]) -> Drive:
    """Of one robot, from its periods; those of a simulation tell no age, and the state after the command."""
    simulated = not any("time" in period for _, period in entries)
    told: list[float] = []
    measured: list[float] = []
    commands, states, ages, age_times = [], [], [], []
    for time, period in entries:
        command = period.get("control" if simulated else "sent")
        if command is not None and not period.get("held"):
            if len(command) != 2:
                raise InputError(f"{where}, {time:.3f} s: command", command, "two numbers")
            told.append(time - dt if simulated else time)
            commands.append(command)
        if (state := period.get("state")) is None:
            continue
        age = period.get("state_age")
        if age is not None:
            ages.append(float(age))
            age_times.append(time)
        moment = time - (age or 0.0)
        if not measured or moment - measured[-1] > _ROUNDED:
            measured.append(moment)
            states.append([state[name] for name in ("x", "y", "heading", "vx", "vy")])
    return Drive(
        where, kind, np.array(told), np.array(commands).reshape(-1, 2), np.array(measured),
        np.array(states, dtype=np.float64).reshape(-1, 5), np.array(ages), np.array(age_times), not simulated,
        max(COMMAND_TTL, 2.5 * dt),
    )  # fmt: skip
