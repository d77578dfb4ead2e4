"""Top speed, acceleration and turn rate, as far as a drive used them.

Where the response is near its largest value, what was measured is compared with it: the largest value of the response,
times the ratio of both, is what the body really did, be it more or less than it was told.
"""

from __future__ import annotations

import numpy as np

from studies.calibration.agreement import wrapped
from studies.calibration.drive import Drive, Windows
from studies.calibration.fit import Fit
from studies.calibration.interval import Estimate, of_ratio
from swarm.array_types import Array
from swarm.model.dynamics import Kind

SPAN = 0.2
"""Seconds over which an acceleration and a turn rate are measured."""
_NEAR_TOP = 0.9
_STANDS = 1e-3  # [m/s, m/s², rad/s]; below, nothing was used.


def used_limits(drive: Drive, windows: Windows, fit: Fit) -> dict[str, Estimate]:
    """By name, as in ``limits:``; what the drive did not use, or no limit of its kind, is missing."""
    found: dict[str, Estimate | None] = {"speed": _speed(drive, windows, fit)}
    if drive.kind == Kind.DOUBLE_INTEGRATOR:
        found["acceleration"] = _acceleration(drive, windows, fit)
    elif drive.kind == Kind.UNICYCLE:
        found["turn_rate"] = _turn_rate(drive, windows, fit)
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def _speed(drive: Drive, windows: Windows, fit: Fit) -> Estimate | None:
    """Per axis of an integrator, forward or backward of a unicycle."""
    predicted = fit.agreement.predicted
    model, measured = predicted[..., 3:], predicted[..., 3:] + fit.agreement.residual[..., 3:]
    if drive.kind == Kind.UNICYCLE:
        ahead = np.stack([np.cos(predicted[..., 2]), np.sin(predicted[..., 2])], axis=-1)
        model, measured = (np.sum(one * ahead, axis=2, keepdims=True) for one in (model, measured))
    top = float(np.max(np.abs(model) * windows.real[..., None]))
    if not drive.has_velocity:
        return Estimate(top, top, top) if top > _STANDS else None
    # A double integrator's window has a velocity of its own, which is known no better than its samples tell it.
    least = 0.0
    if drive.kind == Kind.DOUBLE_INTEGRATOR and top > _STANDS:
        least = float(fit.noise[3]) / top / float(windows.real.sum(axis=1).mean()) ** 0.5
    return _scaled(model, measured, windows.real[..., None], top, float(fit.noise[3]), least)


def _acceleration(drive: Drive, windows: Windows, fit: Fit) -> Estimate | None:
    """Per axis of a double integrator."""
    if not drive.has_velocity:
        return None
    predicted, residual = fit.agreement.predicted[..., 3:], fit.agreement.residual[..., 3:]
    span, real = _span(drive, windows)
    model, change = predicted[:, span:] - predicted[:, :-span], residual[:, span:] - residual[:, :-span]
    used = fit.drives[windows.index] * windows.real[..., None]
    return _scaled(model, model + change, real[..., None], float(np.abs(used).max()), 1.5 * float(fit.noise[3]), 0.0)


def _turn_rate(drive: Drive, windows: Windows, fit: Fit) -> Estimate | None:
    """Of a unicycle."""
    predicted, residual = fit.agreement.predicted, fit.agreement.residual
    span, real = _span(drive, windows)
    model = wrapped(predicted[:, span:] - predicted[:, :-span])[..., 2]
    change = residual[:, span:, 2] - residual[:, :-span, 2]
    used = fit.drives[windows.index][..., 1] * windows.real
    return _scaled(model, model + change, real, float(np.abs(used).max()), 1.5 * float(fit.noise[2]), 0.0)


def _span(drive: Drive, windows: Windows) -> tuple[int, Array]:
    """Samples of ``SPAN``, and which pairs so far apart are real ``float64[W, n - span]``."""
    between = float(np.median(np.diff(drive.measured)))
    span = int(np.clip(round(SPAN / between), 1, windows.index.shape[1] // 2))
    return span, windows.real[:, span:]


def _scaled(model: Array, measured: Array, real: Array, top: float, noise: float, least: float) -> Estimate | None:
    """``top`` times the ratio of measured and model where the model is near its largest value.

    Args:
        model: ``float64[W, ...]``.
        measured: Likewise.
        real: Weights 0 or 1 of the same shape but for an axis of 1.
        top: Largest value of what is asked for.
        noise: Of one measurement, in the units of ``measured``.
        least: A relative error that comes on top.
    """
    weight = real * np.ones_like(model)
    largest = float(np.max(np.abs(model) * weight))
    if top < _STANDS or largest == 0.0:
        return None
    near = weight * (np.abs(model) >= _NEAR_TOP * largest)
    axes = tuple(range(1, model.ndim))
    above, below = np.sum(near * model * measured, axis=axes), np.sum(near * model * model, axis=axes)
    error = noise / float(below.sum()) ** 0.5
    ratio = of_ratio(above, below, least=float(np.hypot(error, least)))
    return Estimate(top * ratio.value, top * ratio.low, top * ratio.high)
