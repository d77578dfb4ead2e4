"""Everything that is estimated of one robot, and what its drive could not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from studies.calibration.drive import Drive, Windows, cut
from studies.calibration.fit import Fit, fit
from studies.calibration.interval import Estimate, of_deviation
from studies.calibration.timing import Timing, timing
from studies.calibration.used_limits import used_limits
from swarm.array_types import Array
from swarm.model.dynamics import Kind
from swarm.runtime.drivers.clocks import FARTHEST

_VAGUE = {"dead_time": 0.05, "lag": 0.05, "slip": 0.1}
"""Half-widths [s, s, share] above which an interval is as good as none, if they are also half of the value."""
_STILL = 0.02
"""A top speed [m/s] below which a robot hardly moved."""
_LEAST_NOISE = 1e-4
"""Logs are rounded so [m, rad, m/s]."""
_TURNS = 0.05
"""A turn rate [rad/s] below which a drive has no turns."""
_ANYTHING = 10.0
_FEW_STEPS = 10
"""Changes of the commands below which a drive has hardly any."""
_WANDERS = 1.5
"""Noise, over that from one sample to the next, from which on it is said to be more than noise."""


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
    vague = [name for name, most in _VAGUE.items() if _is_vague(values[name], most)]
    limits = {name: used for name, used in used_limits(drive, windows, found).items() if used.low > 0.0}
    if "turn_rate" in limits and abs(limits["turn_rate"].value) < _TURNS:
        del limits["turn_rate"]
    notes = (*_notes(drive, found, vague, limits), *_notes_of_ages(drive, times))
    values = {name: value for name, value in values.items() if name not in vague}
    values |= _noise(drive, windows, found) | {"rate": times.rate}
    if times.age is not None:
        values["age"] = times.age
    return Calibration(drive, windows, found, values | limits, times, notes)


def _is_vague(estimate: Estimate, most: float) -> bool:
    """Whether an interval says next to nothing."""
    half = 0.5 * (estimate.high - estimate.low)
    return estimate.open_above or half > max(most, 0.5 * abs(estimate.value))


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
    if "speed" not in limits or limits["speed"].value < _STILL:
        yield "The robot hardly moved: nothing of how it moves can be told. Drive it."
    elif found.slip.value < -0.5:
        yield "The robot hardly did what it was told: was it held, or stuck?"
    if ("dead_time" in vague or "lag" in vague) and _steps(drive.commands) < _FEW_STEPS:
        yield "Commands hardly changed: dead time and lag show only when the speed changes. Start, stop, change speed."
    for name in vague:
        estimate: Estimate = getattr(found, name)
        fits = f"anything from {estimate.low:.3g} to {estimate.high:.3g} fits"
        fits = fits if estimate.high - estimate.low < _ANYTHING else "anything fits"
        yield f"Not identifiable: {name.replace('_', ' ')}; {fits}."
    if drive.kind == Kind.UNICYCLE and "turn_rate" not in limits:
        yield "No turns: no turn rate; and that lag and dead time hold for turns too is not shown."
    if drive.kind == Kind.DOUBLE_INTEGRATOR and "acceleration" not in limits:
        why = "none was commanded" if drive.has_velocity else "that needs measured velocities"
        yield f"No acceleration can be told: {why}."
    if not drive.has_velocity:
        yield "No velocities in this log: their noise is not shown, and the speed is that of the commands."
    if drive.kind != Kind.UNICYCLE:
        yield "An integrator's heading is no part of its dynamics: its noise is that of a heading that stays."
    yield from _wandering(found)


def _notes_of_ages(drive: Drive, times: Timing) -> Iterator[str]:
    """What stamps say of clocks."""
    if len(drive.ages) == 0:
        yield "No ages in this log: states carry the time at which they were true."
    elif times.ahead:
        yield (
            f"States are stamped up to {1e3 * times.ahead:.0f} ms after they were recorded: by another clock. No age "
            "is told, and dead time has in it by how much the clocks differ. Let the computers share one (chrony, PTP)."
        )
    elif times.oldest is not None and times.oldest > FARTHEST:
        yield (
            f"States are up to {times.oldest:.3g} s old, by their stamps; robots drive by none of more than "
            f"{FARTHEST:g} s. Do the computers share one clock?"
        )


def _wandering(found: Fit) -> Iterator[str]:
    """Whether what remains is more than noise that is new in every sample."""
    residual, real = found.agreement.residual, found.agreement.real
    pairs = real[:, 1:] * real[:, :-1]
    change = np.sum(pairs[..., None] * (residual[:, 1:] - residual[:, :-1]) ** 2, axis=(0, 1))
    alone = np.sqrt(0.5 * change / pairs.sum())
    parts = []
    for name, group, unit in (("position", [0, 1], "m"), ("heading", [2], "rad"), ("velocity", [3, 4], "m/s")):
        jitter = float(np.sqrt(np.mean(alone[group] ** 2)))
        if found.noise[group[0]] > _WANDERS * max(jitter, _LEAST_NOISE):
            parts.append(f"{name} {jitter:.2g} {unit}")
    if parts:
        yield (
            "What remains wanders: the measurement does, or the model does not tell everything (motors that saturate, "
            f"wheels that slide). The noise above has that in it; from sample to sample it is {', '.join(parts)}. "
            "Look at the picture."
        )


def _steps(commands: Array) -> int:
    """How often commands changed by more than a twentieth of their largest."""
    largest = float(np.abs(commands).max())
    if largest == 0.0:
        return 0
    return int(np.sum(np.abs(np.diff(commands, axis=0)).max(axis=1) > 0.05 * largest))
