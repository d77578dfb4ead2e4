"""How well a response agrees with what was measured, when every window may begin anywhere and slip is free.

Given dead time and lag, what is left is a least-squares problem that is all but linear: the initial state of each
window (place, heading, of a double integrator velocity) and one slip. Gauss-Newton solves it, with the windows side by
side and the slip by the Schur complement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.calibration.drive import Drive, Windows
from swarm.array_types import Array
from swarm.model.dynamics import Kind

CHANNELS = 5
"""Of a state: x, y [m], heading [rad], vx, vy [m/s]."""
_ROUNDS = {Kind.SINGLE_INTEGRATOR: 1, Kind.DOUBLE_INTEGRATOR: 3, Kind.UNICYCLE: 3}
_LEAST = 1e-9  # Information below which there is none.


@dataclass(frozen=True, eq=False)
class Agreement:
    """What came of it.

    Attributes:
        slip: Share by which the way is longer than the speed says.
        information: Of the slip: 1 / variance.
        residual: ``float64[W, n, 5]``, measured less predicted; 0 where a window is filled up.
        predicted: ``float64[W, n, 5]``.
        cost: ``float64[W]``, sum of squares over the noise of each window.
        slip_score: ``float64[W]``, derivative of half of ``cost`` by the slip, the initial states following.
        freedom: ``float64[5]``, samples of each channel less the initial values that they determine.
    """

    slip: float
    information: float
    residual: Array
    predicted: Array
    cost: Array
    slip_score: Array
    freedom: Array


class Measurements:
    """The measured states of a drive in windows.

    Args:
        drive: The drive.
        windows: Its windows.
    """

    def __init__(self, drive: Drive, windows: Windows) -> None:
        self.kind, self.index, self.real = drive.kind, windows.index, windows.real
        self.found = drive.states[windows.index]
        times = drive.measured[windows.index]
        self.time = times - times[:, :1]
        self.known = np.repeat(windows.real[..., None], CHANNELS, axis=2)
        if not drive.has_velocity:
            self.known[..., 3:] = 0.0

    def agree(self, response: Array, noise: Array, slip: float | None = None) -> Agreement:
        """The best agreement with a response.

        Args:
            response: ``float64[S, 5]`` (``studies.calibration.response``).
            noise: ``float64[5]``, standard deviations of the channels.
            slip: Hold it at this; None: it is free.
        """
        model = response[self.index]
        weight = self.known / noise
        share = 0.0 if slip is None else slip
        start = self._first(model)
        for _ in range(_ROUNDS[self.kind]):
            predicted, jacobian, by_slip = self._predict(model, start, share)
            error = weight * wrapped(self.found - predicted)
            inverse, onto, along, information = _eliminated(weight, jacobian, by_slip, error)
            change = along / information if slip is None and information > _LEAST else 0.0
            down = np.einsum("wij,wj->wi", inverse, onto[0] - onto[1] * change)
            start, share = start + down, share + change
        predicted, jacobian, by_slip = self._predict(model, start, share)
        residual = self.known * wrapped(self.found - predicted)
        error = residual / noise
        inverse, onto, _, information = _eliminated(weight, jacobian, by_slip, error)
        weighted = jacobian * weight[..., None]
        leverage = np.einsum("wnci,wij,wncj->c", weighted, inverse, weighted)
        score = -np.einsum("wnc,wnc->w", by_slip * weight, error) + np.einsum(
            "wi,wij,wj->w", onto[1], inverse, onto[0]
        )
        return Agreement(
            share, information, residual, predicted, np.einsum("wnc,wnc->w", error, error), score,
            self.known.sum(axis=(0, 1)) - leverage,
        )  # fmt: skip

    def _first(self, model: Array) -> Array:
        """Initial values to begin with ``[W, q]``: the first place; the mean heading; the first velocity."""
        turned = self.found[..., 2] - (model[..., 2] if self.kind == Kind.UNICYCLE else 0.0)
        sine, cosine = (np.sum(self.real * one(turned), axis=1) for one in (np.sin, np.cos))
        parts = [self.found[:, 0, :2], np.arctan2(sine, cosine)[:, None]]
        if self.kind == Kind.DOUBLE_INTEGRATOR:
            parts.append(self.found[:, 0, 3:])
        return np.concatenate(parts, axis=1)

    def _predict(self, model: Array, start: Array, slip: float) -> tuple[Array, Array, Array]:
        """Predicted ``[W, n, 5]``, by the initial values ``[W, n, 5, q]``, and by the slip ``[W, n, 5]``."""
        way, velocity = model[..., :2] - model[:, :1, :2], model[..., 3:].copy()
        heading = np.broadcast_to(start[:, 2:3], self.time.shape).copy()
        jacobian = np.zeros((*self.time.shape, CHANNELS, start.shape[1]))
        jacobian[..., 0, 0] = jacobian[..., 1, 1] = jacobian[..., 2, 2] = 1.0
        if self.kind == Kind.DOUBLE_INTEGRATOR:
            at_first, time = start[:, None, 3:], self.time[..., None]
            way += (at_first - velocity[:, :1]) * time
            velocity += at_first - velocity[:, :1]
            for axis in range(2):
                jacobian[..., axis, 3 + axis] = (1.0 + slip) * self.time
                jacobian[..., 3 + axis, 3 + axis] = 1.0
        elif self.kind == Kind.UNICYCLE:
            way, velocity = (_turned(one, start[:, 2]) for one in (way, velocity))
            heading += model[..., 2]
            for columns, one in ((slice(0, 2), (1.0 + slip) * way), (slice(3, 5), velocity)):
                jacobian[..., columns, 2] = np.stack([-one[..., 1], one[..., 0]], axis=-1)
        place = start[:, None, :2] + (1.0 + slip) * way
        by_slip = np.zeros((*self.time.shape, CHANNELS))
        by_slip[..., :2] = way
        return np.concatenate([place, heading[..., None], velocity], axis=-1), jacobian, by_slip


def _eliminated(
    weight: Array, jacobian: Array, by_slip: Array, error: Array
) -> tuple[Array, tuple[Array, Array], float, float]:
    """Inverse normal matrices, their right sides for error and slip; gradient and information of the slip alone."""
    weighted, slipping = jacobian * weight[..., None], by_slip * weight
    normal = np.einsum("wnci,wncj->wij", weighted, weighted)
    scale = np.einsum("wii->wi", normal).max(axis=1)
    normal += 1e-12 * scale[:, None, None] * np.eye(normal.shape[-1])
    inverse = np.linalg.inv(normal)
    onto_error, onto_slip = (np.einsum("wnci,wnc->wi", weighted, one) for one in (error, slipping))
    along = np.sum(slipping * error) - np.einsum("wi,wij,wj->", onto_slip, inverse, onto_error)
    information = np.sum(slipping * slipping) - np.einsum("wi,wij,wj->", onto_slip, inverse, onto_slip)
    return inverse, (onto_error, onto_slip), float(along), float(information)


def _turned(vectors: Array, angle: Array) -> Array:
    """Vectors ``[W, n, 2]``, turned by an angle of each window."""
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)


def wrapped(difference: Array) -> Array:
    """A difference of states ``[..., 5]`` with its heading in (-pi, pi]."""
    found = difference.copy()
    found[..., 2] = np.arctan2(np.sin(difference[..., 2]), np.cos(difference[..., 2]))
    return found
