"""Everything that is estimated of one robot, and what its drive could not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from studies.calibration.agreement import CHANNELS
from studies.calibration.drive import Drive, Windows, cut
from studies.calibration.fit import Fit, fit
from studies.calibration.interval import Estimate, of_deviation
from studies.calibration.timing import Timing, timing
from studies.calibration.used_limits import used_limits
from swarm.array_types import Array
from swarm.model.dynamics import Kind

_VAGUE = {"dead_time": 0.1, "lag": 0.2, "slip": 0.1}
"""Half-widths [s, s, share] above which an interval is as good as none."""
_STILL = {Kind.SINGLE_INTEGRATOR: 0.02, Kind.DOUBLE_INTEGRATOR: 0.02, Kind.UNICYCLE: 0.02}
_TURNS = 0.05
"""A turn rate [rad/s] below which a drive has no turns."""
_MISFIT = 2.0
"""Excess of the standard errors from which on the model is said not to tell everything."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was found of a robot.

    Attributes:
        drive: What it was found from.
        windows: Its windows.
        fit: Dead time, lag, slip, and how well they agree.
        values: By name, in SI units: ``dead_time``, ``lag``, ``slip``, the standard deviations ``position``,
            ``heading`` and ``velocity``, ``rate``, ``age``, ``speed``, ``acceleration``, ``turn_rate``; what the log
            does not tell is missing.
        timing: Rate and age.
        notes: What the drive did not excite, and what the model does not tell.
    """

    drive: Drive
    windows: Windows
    fit: Fit
    values: dict[str, Estimate]
    timing: Timing
    notes: tuple[str, ...]


def calibrate(drive: Drive) -> Calibration:
    """Estimate everything.

    Raises:
        InputError: If the drive is too short.
    """
    windows = cut(drive)
    found, times = fit(drive, windows), timing(drive, windows)
    values = {"dead_time": found.dead_time, "lag": found.lag, "slip": found.slip}
    vague = [name for name, most in _VAGUE.items() if _half(values[name]) > most or values[name].open_above]
    limits = used_limits(drive, windows, found)
    if "turn_rate" in limits and abs(limits["turn_rate"].value) < _TURNS:
        del limits["turn_rate"]
    notes = tuple(_notes(drive, found, vague, limits))
    values = {name: value for name, value in values.items() if name not in vague}
    values |= _noise(drive, windows, found) | {"rate": times.rate}
    if times.age is not None:
        values["age"] = times.age
    return Calibration(drive, windows, found, values | limits, times, notes)


def _half(estimate: Estimate) -> float:
    return 0.5 * (estimate.high - estimate.low)


def _noise(drive: Drive, windows: Windows, found: Fit) -> dict[str, Estimate]:
    """Standard deviations of what was measured."""
    squares = np.sum(found.agreement.residual**2, axis=1)
    freedom = windows.real.sum() - found.agreement.system.leverage()
    groups = {"position": [0, 1], "heading": [2]} | ({"velocity": [3, 4]} if drive.has_velocity else {})
    return {
        name: of_deviation(squares[:, group].sum(axis=1), float(freedom[group].sum()))
        for name, group in groups.items()
    }  # fmt: skip


def _notes(drive: Drive, found: Fit, vague: list[str], limits: dict[str, Estimate]) -> Iterator[str]:
    """One sentence each."""
    if "speed" not in limits or limits["speed"].high < _STILL[drive.kind]:
        yield "The robot hardly moved: nothing of how it moves can be told. Drive it."
    if _steps(drive.commands) < 2 * CHANNELS:
        yield "Commands hardly changed: dead time and lag show only when the speed changes. Start, stop, change speed."
    for name in vague:
        low, high = found_interval(found, name)
        yield f"Not identifiable: {name.replace('_', ' ')}, anywhere from {low:.3g} to {high:.3g} fits as well."
    if drive.kind == Kind.UNICYCLE and "turn_rate" not in limits:
        yield "No turns: no turn rate; and that lag and dead time hold for turns too is not shown."
    if drive.kind == Kind.DOUBLE_INTEGRATOR and "acceleration" not in limits:
        yield "No acceleration can be told without measured velocities."
    if not drive.has_velocity:
        yield "No velocities in this log: their noise is not shown, and the speed is that of the commands."
    if drive.kind != Kind.UNICYCLE:
        yield "An integrator's heading is no part of its dynamics: its noise is that of a heading that stays."
    if len(drive.ages) == 0:
        yield "No ages in this log: states carry the time at which they were true."
    worst = float(found.excess.max())
    if worst > _MISFIT:
        yield (
            f"The model does not tell everything: what remains hangs together over time (intervals are {worst:.1f} "
            "times as wide for that). Look at the picture."
        )


def found_interval(found: Fit, name: str) -> tuple[float, float]:
    """Of ``dead_time``, ``lag`` or ``slip``."""
    estimate: Estimate = getattr(found, name)
    return estimate.low, estimate.high


def _steps(commands: Array) -> int:
    """How often commands changed by more than a twentieth of their largest."""
    largest = float(np.abs(commands).max())
    if largest == 0.0:
        return 0
    return int(np.sum(np.abs(np.diff(commands, axis=0)).max(axis=1) > 0.05 * largest))
