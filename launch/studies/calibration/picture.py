"""A picture of a calibration: speeds that were commanded, measured and modelled, and what remains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from studies.calibration.calibrate import Calibration
from studies.calibration.response import respond
from swarm.array_types import Array, Flags
from swarm.model.dynamics import Kind

_SHOWN = 20.0
"""Seconds of the drive that are shown: those in which the commands change most."""
_TOLD, _MEASURED, _MODEL = "#b0b0b0", "#3b7dd8", "#d8572a"


def draw(found: Calibration, path: Path, title: str) -> None:
    """Write the picture (.png or .svg)."""
    figure = Figure(figsize=(10.0, 9.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(4, 1, sharex=True)
    drive, windows, agreement = found.drive, found.windows, found.fit.agreement
    real = windows.real > 0.0
    times = drive.measured[windows.index][real]
    begin = _busiest(found, times)
    shown = (times >= begin) & (times <= begin + _SHOWN)
    _speeds(axes[:2], found, times, real, shown)
    residual = agreement.residual[real]
    axes[2].plot(times[shown], 1e3 * residual[shown][:, :2], linewidth=0.7, label=["x", "y"])
    axes[2].set_ylabel("residual, mm")
    axes[3].plot(times[shown], np.degrees(residual[shown][:, 2]), linewidth=0.7, label="heading, deg")
    if drive.has_velocity:
        axes[3].plot(times[shown], 1e2 * residual[shown][:, 3:], linewidth=0.7, label=["vx, cm/s", "vy, cm/s"])
    axes[3].set_ylabel("residual")
    axes[3].set_xlabel("time, s")
    for one in axes:
        one.grid(alpha=0.3)
        one.legend(loc="upper right", fontsize=8)
    values = found.values
    parts = [
        f"{name.replace('_', ' ')} {1e3 * values[name].value:.1f} ms" for name in ("dead_time", "lag") if name in values
    ] + ([f"slip {100.0 * values['slip'].value:.2f} %"] if "slip" in values else [])
    axes[0].set_title(", ".join([title, *parts]), fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _speeds(axes: Array, found: Calibration, times: Array, real: Flags, shown: Flags) -> None:
    """Forward speed and turn rate, or velocities along x and y."""
    drive, windows, predicted = found.drive, found.windows, found.fit.agreement.predicted
    at_once, drives = respond(drive, windows, 0.0, 0.0)
    measured = (predicted + found.fit.agreement.residual)[real]
    if not drive.has_velocity:
        steps = np.gradient(drive.states[:, :2], drive.measured, axis=0)
        measured[:, 3:] = steps[windows.index][real]
    if drive.kind == Kind.UNICYCLE:
        ahead = np.stack([np.cos(predicted[real][:, 2]), np.sin(predicted[real][:, 2])], axis=1)
        told, model = drives[windows.index][real], found.fit.drives[windows.index][real]
        rate = np.gradient(np.unwrap(measured[:, 2]), times)
        seen = [np.sum(measured[:, 3:] * ahead, axis=1), _smooth(rate)]
        names = ("forward speed, m/s", "turn rate, rad/s")
    else:
        # A body that does at once what it is told, from the same velocity at the beginning of each window.
        ideal = at_once[windows.index][..., 3:]
        if drive.kind == Kind.DOUBLE_INTEGRATOR:
            ideal = ideal + (predicted[:, :1, 3:] - ideal[:, :1])
        told, model, seen = ideal[real], predicted[real][:, 3:], list(measured[:, 3:].T)
        names = ("vx, m/s", "vy, m/s")
    for axis, name in enumerate(names):
        one: Axes = axes[axis]
        one.plot(times[shown], told[shown, axis], color=_TOLD, linewidth=1.0, label="commanded")
        label = "measured" if drive.has_velocity or "turn" in name else "measured (change of the position)"
        one.plot(times[shown], seen[axis][shown], color=_MEASURED, linewidth=0.7, label=label)
        one.plot(times[shown], model[shown, axis], color=_MODEL, linewidth=1.0, label="model")
        one.set_ylabel(name)


def _smooth(values: Array) -> Array:
    """The mean of five: the change of a measured heading is mostly noise."""
    return np.convolve(values, np.full(5, 0.2), mode="same")


def _busiest(found: Calibration, times: Array) -> float:
    """When the stretch begins in which commands change most [s]."""
    told = found.drive.told[1:]
    change = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(found.drive.commands, axis=0)).sum(axis=1))])
    starts = np.arange(times[0], max(times[-1] - _SHOWN, times[0]) + 1e-9, 0.25 * _SHOWN)
    ends = np.searchsorted(told, starts + _SHOWN)
    return float(starts[int(np.argmax(change[ends] - change[np.searchsorted(told, starts)]))])
