"""Dead time, lag and slip by maximum likelihood, and the noise of what was measured from what remains.

The likelihood is that of white normal noise, with a deviation for place, heading and velocity each. Slip and the
initial states of the windows are solved for within (``agreement``); dead time and lag are searched for: on a grid, then
by Nelder and Mead, as steps of the velocity make the likelihood of a dead time a staircase where there is no lag. The
intervals of both are those of the profile likelihood. Where windows disagree more than white noise lets them, since the
model does not tell everything, all intervals grow by as much (the sandwich estimator, with windows as clusters).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from studies.calibration.agreement import Agreement, Measurements
from studies.calibration.drive import Drive, Windows
from studies.calibration.interval import Estimate, quantile
from studies.calibration.response import respond
from swarm.array_types import Array

LONGEST = np.array([0.5, 2.0])
"""Largest dead time and lag that are looked for [s]."""
_DEAD_TIMES = np.linspace(0.0, LONGEST[0], 11)
_LAGS = np.array([0.0, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.0])
_NOISE, _FLOOR = np.array([0.01, 0.01, 0.02, 0.02, 0.02]), 2e-5  # First guess; logs are rounded to 1e-4.
_STEPS = 1e-5 * 2.0 ** np.arange(13)  # [s], for derivatives: the first that shows.
_GROUPS = ((0, 1), (2,), (3, 4))  # Channels that share a deviation.


@dataclass(frozen=True, eq=False)
class Fit:
    """What was found.

    Attributes:
        dead_time: s.
        lag: s.
        slip: Share of the way.
        noise: ``float64[5]``, standard deviations of the channels; of those not measured, 0.
        agreement: At the best values.
        states: ``float64[S, 5]``, the response there.
        drives: ``float64[S, 2]``, likewise.
        excess: By how much more the windows disagree than white noise lets them: standard errors, of dead time and lag.
    """

    dead_time: Estimate
    lag: Estimate
    slip: Estimate
    noise: Array
    agreement: Agreement
    states: Array
    drives: Array
    excess: Array


class _Search:
    """Half of the cost as a function of dead time and lag, with the noise that is believed."""

    def __init__(self, drive: Drive, windows: Windows) -> None:
        self.drive, self.windows, self.data = drive, windows, Measurements(drive, windows)
        self.noise = _NOISE.copy()

    def agree(self, pair: Array) -> Agreement:
        states, _ = respond(self.drive, self.windows, *np.clip(pair, 0.0, LONGEST).tolist())
        return self.data.agree(states, self.noise)

    def __call__(self, pair: Array) -> float:
        return 0.5 * float(self.agree(pair).cost.sum())

    def coarse(self) -> Array:
        """The best of a grid."""
        pairs = np.array([(dead_time, lag) for dead_time in _DEAD_TIMES for lag in _LAGS])
        return pairs[int(np.argmin([self(pair) for pair in pairs]))]

    def polish(self, start: Array, step: float) -> Array:
        """A local minimum, from a triangle of that size."""
        corners = start + step * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        corners[1:] -= 2.0 * step * np.eye(2) * (corners[1:] > LONGEST)
        options = {"xatol": 1e-5, "fatol": 2e-3, "initial_simplex": corners, "maxiter": 120}
        bounds = list(zip((0.0, 0.0), LONGEST.tolist(), strict=True))
        return np.asarray(minimize(self, start, method="Nelder-Mead", bounds=bounds, options=options).x)

    def learn_noise(self, pair: Array) -> None:
        """Take the noise from what remains."""
        found = self.agree(pair)
        left = self.data.freedom(found)
        for group in map(list, _GROUPS):
            squares, freedom = float(np.sum(found.residual[..., group] ** 2)), float(left[group].sum())
            if freedom > 1.0:
                self.noise[group] = max((squares / freedom) ** 0.5, _FLOOR)


def fit(drive: Drive, windows: Windows) -> Fit:
    """The values with which model and measurement agree best."""
    search = _Search(drive, windows)
    best = search.coarse()
    for step in (0.02, 0.005):
        best = min((search.polish(best, step), best), key=search)
        search.learn_noise(best)
    best = min((search.polish(best, 0.002), best), key=search)
    found = search.agree(best)
    model, robust = _covariances(search, best)
    # At most as if all samples of a window erred together.
    most = float(windows.real.sum(axis=1).mean())
    excess = np.sqrt(np.clip(robust / np.diag(model), 1.0, most))
    wide = quantile(len(windows.index) - 1.0)
    dead_time, lag = (_profile(search, best, axis, model, wide * float(excess[axis])) for axis in range(2))
    slip = _slip(search, best, (dead_time, lag), wide)
    states, drives = respond(drive, windows, *best.tolist())
    noise = np.where(search.data.known.any(axis=(0, 1)), search.noise, 0.0)
    return Fit(dead_time, lag, slip, noise, found, states, drives, excess)


def _slip(search: _Search, best: Array, pair: tuple[Estimate, Estimate], wide: float) -> Estimate:
    """The slip: its error when dead time and lag are known, and what it changes by over their intervals."""
    found = search.agree(best)
    information = max(found.information, 1e-12)
    scores, number = found.slip_score / information, len(found.slip_score)
    half = wide * max(1.0 / information, number / (number - 1.0) * float(np.sum(scores**2))) ** 0.5
    for axis, estimate in enumerate(pair):
        ends = [np.where(np.arange(2) == axis, end, best) for end in (estimate.low, estimate.high)]
        half += max(abs(search.agree(end).slip - found.slip) for end in ends) if not estimate.open_above else 0.0
    return Estimate(found.slip, found.slip - half, found.slip + half)


def _covariances(search: _Search, best: Array) -> tuple[Array, Array]:
    """Of dead time and lag: ``float64[2, 2]`` by the model, and the variances ``float64[2]`` by the windows."""
    steps = np.array([_step(search, best, axis) for axis in range(2)])
    # At an edge the middle of the differences lies inside.
    middle = np.clip(best, steps, LONGEST - steps)
    around = {(i, j): search.agree(middle + steps * (i, j)) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    value = {at: 0.5 * float(one.cost.sum()) for at, one in around.items()}
    hessian = np.empty((2, 2))
    for k in range(2):
        up, down = ((1, 0), (-1, 0)) if k == 0 else ((0, 1), (0, -1))
        hessian[k, k] = (value[up] - 2.0 * value[0, 0] + value[down]) / steps[k] ** 2
    hessian[0, 1] = hessian[1, 0] = (value[1, 1] - value[1, -1] - value[-1, 1] + value[-1, -1]) / (4.0 * steps.prod())
    # Nothing is known less than by the search having an end; and a staircase may look bent downwards.
    hessian[np.diag_indices(2)] = np.maximum(np.diag(hessian), 1.0 / LONGEST**2)
    if hessian[0, 1] ** 2 >= 0.999 * hessian[0, 0] * hessian[1, 1]:
        hessian[0, 1] = hessian[1, 0] = 0.0
    model = np.asarray(np.linalg.inv(hessian), dtype=np.float64)
    score = np.stack([
        0.5 * (around[1, 0].cost - around[-1, 0].cost) / (2.0 * steps[0]),
        0.5 * (around[0, 1].cost - around[0, -1].cost) / (2.0 * steps[1]),
    ])  # fmt: skip
    score -= score.mean(axis=1, keepdims=True)
    number = score.shape[1]
    return model, number / (number - 1.0) * np.sum((model @ score) ** 2, axis=1)


def _step(search: _Search, best: Array, axis: int) -> float:
    """The step in dead time or lag at which the cost shows it clearly."""
    least, inward = search(best), np.zeros(2)
    inward[axis] = 1.0 if best[axis] < 0.5 * LONGEST[axis] else -1.0
    return next((step for step in _STEPS.tolist() if search(best + step * inward) > least + 2.0), float(_STEPS[-1]))


def _profile(search: _Search, best: Array, axis: int, model: Array, wide: float) -> Estimate:
    """The interval of dead time or lag in which the likelihood, the other one at its best, is at most ``wide`` lower.

    Args:
        search: The cost.
        best: Where it is smallest.
        axis: 0: dead time; 1: lag.
        model: Covariances near the minimum.
        wide: In standard errors: the cost may rise by half of its square.
    """
    other, limit = 1 - axis, search(best) + 0.5 * wide**2
    slope = model[axis, other] / max(model[axis, axis], 1e-300)
    error = float(np.clip(model[axis, axis] ** 0.5, 1e-4, 0.25 * LONGEST[axis]))
    beside = float(np.clip(3.0 * model[other, other] ** 0.5, 2e-3, LONGEST[other]))

    def lowest(value: float) -> float:
        pair = best.copy()
        pair[axis] = value
        guess = float(np.clip(best[other] + slope * (value - best[axis]), 0.0, LONGEST[other]))

        def at(free: float) -> float:
            pair[other] = free
            return search(pair)

        bounds = (max(guess - beside, 0.0), min(guess + beside, float(LONGEST[other])))
        found = minimize_scalar(at, bounds=bounds, method="bounded", options={"maxiter": 8, "xatol": 1e-5})
        return min(float(found.fun), at(guess))

    low, _ = _edge(lowest, float(best[axis]), -wide * error, 0.0, limit)
    high, ended = _edge(lowest, float(best[axis]), wide * error, float(LONGEST[axis]), limit)
    return Estimate(float(best[axis]), low, high, ended)


def _edge(lowest: Callable[[float], float], inside: float, step: float, end: float, limit: float) -> tuple[float, bool]:
    """Where a profile leaves the limit, from inside on, and whether it does not before the end of the search."""
    outside = inside
    while True:
        outside = min(outside + step, end) if step > 0.0 else max(outside + step, end)
        if lowest(outside) > limit:
            break
        if outside == end:
            return end, True
        inside, step = outside, 1.6 * step
    for _ in range(7):
        middle = 0.5 * (inside + outside)
        if lowest(middle) > limit:
            outside = middle
        else:
            inside = middle
    return outside, False
