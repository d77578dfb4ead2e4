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
_ROUNDS = {Kind.SINGLE_INTEGRATOR: 1, Kind.DOUBLE_INTEGRATOR: 2, Kind.UNICYCLE: 2}
_LEAST = 1e-9  # Information below which there is none.


class _Linear:
    """Least squares near a point: every window has initial values of its own, all share the slip.

    Args:
        predicted: ``float64[W, n, 5]``, at that point.
        error: ``float64[W, n, 5]``, measured less predicted.
        columns: ``float64[W, 5 n, q + 2]`` in standard deviations: by the initial values, by the slip, and the error.
    """

    def __init__(self, predicted: Array, error: Array, columns: Array) -> None:
        self.predicted, self.error, self._columns = predicted, error, columns
        gram = columns.transpose(0, 2, 1) @ columns
        self._count = q = columns.shape[2] - 2
        normal = gram[:, :q, :q] + 1e-12 * gram[:, :q, :q].max(axis=(1, 2))[:, None, None] * np.eye(q)
        self._inverse, onto = np.linalg.inv(normal), gram[:, :q, q:]
        self._solved = self._inverse @ onto  # initial values for the slip's column, and for the error
        left = gram[:, q:, q:] - onto.transpose(0, 2, 1) @ self._solved
        self.gradients, self.cost = left[:, 0, 1], gram[:, q + 1, q + 1]
        self.along, self.information = float(self.gradients.sum()), float(left[:, 0, 0].sum())

    def down(self, slip: float) -> Array:
        """How the initial values change ``[W, q]`` if the slip changes by so much."""
        return self._solved[..., 1] - slip * self._solved[..., 0]

    def leverage(self) -> Array:
        """Of the samples of each channel ``float64[5]``: how many of them the initial values determine."""
        basis = self._columns[..., : self._count]
        each = np.sum((basis @ self._inverse) * basis, axis=2)
        return np.sum(each.reshape(-1, CHANNELS), axis=0)


@dataclass(frozen=True, eq=False)
class Agreement:
    """What came of it.

    Attributes:
        slip: Share by which the way is longer than the speed says.
        information: Of the slip: 1 / variance.
        residual: ``float64[W, n, 5]``, measured less predicted; 0 where a window is filled up.
        predicted: ``float64[W, n, 5]``.
        real: ``float64[W, n]``, 1: a sample; 0: filled up.
        system: The linear problem there.
    """

    slip: float
    information: float
    residual: Array
    predicted: Array
    real: Array
    system: _Linear

    @property
    def cost(self) -> Array:
        """``float64[W]``, sum of squares over the noise of each window."""
        return self.system.cost

    @property
    def slip_score(self) -> Array:
        """``float64[W]``, derivative of half of ``cost`` by the slip, the initial states following."""
        return -self.system.gradients


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
        share = 0.0 if slip is None else slip
        start = self._first(model)
        for _ in range(_ROUNDS[self.kind]):
            system = self._linear(model, start, share, noise)
            change = system.along / system.information if slip is None and system.information > _LEAST else 0.0
            start, share = start + system.down(change), share + change
        system = self._linear(model, start, share, noise)
        return Agreement(share, system.information, self.known * system.error, system.predicted, self.real, system)

    def _linear(self, model: Array, start: Array, slip: float, noise: Array) -> _Linear:
        """The problem near initial values ``[W, q]`` and a slip."""
        predicted, jacobian, by_slip = self._predict(model, start, slip)
        error = wrapped(self.found - predicted)
        columns = np.concatenate([jacobian, by_slip[..., None], error[..., None]], axis=3)
        columns *= (self.known / noise)[..., None]
        return _Linear(predicted, error, columns.reshape(len(columns), -1, columns.shape[3]))

    def freedom(self, found: Agreement) -> Array:
        """``float64[5]``, samples of each channel less the initial values that they determine."""
        return np.asarray(self.known.sum(axis=(0, 1)) - found.system.leverage())

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
