"""What is wrong with the bodies of a fleet's physics world: commands act late and slip, states are old and off."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from swarm.array_types import Array, Int64s
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE
from swarm.model.error_bounds import ErrorBounds

# Steps that a state may take to whoever uses it.
_ON_THE_WAY = 2


class InexactHost:
    """Errors of N bodies inside their declared bounds, drawn anew at every step; none are exact.

    Noise is normal with a third of a bound as its standard deviation, cut at the bound. Messages between robots are not
    the world's affair: the network's faults delay and lose them.

    Args:
        errors: Their bounds.
        kinds: ``int64[N]``.
        period: Of a step [s].
        seed: Of all errors.
    """

    def __init__(self, errors: ErrorBounds, kinds: Int64s, period: float, seed: int) -> None:
        self._errors, self._kinds, self._period = errors, kinds, period
        self._rng = np.random.default_rng(seed)
        self._commands: deque[Array] = deque(maxlen=round(errors.dead_time / period) + 1)
        # A state is declared to be so old at most when it is used: the way to the driver is a part of that.
        held = max(math.floor(errors.age / period + 1e-9) - _ON_THE_WAY, 0)
        self._states: deque[tuple[float, Array]] = deque(maxlen=held + 1)
        self._drive = np.zeros((len(kinds), 2))
        self._keep = math.exp(-period / errors.lag) if errors.lag > 0.0 else 0.0

    def _noise(self, bound: float, *shape: int) -> Array:
        return bound * np.clip(self._rng.standard_normal(shape) / 3.0, -1.0, 1.0)

    def _ball(self, bound: float, count: int) -> Array:
        """Vectors ``[count, 2]`` no longer than the bound."""
        drawn = self._rng.standard_normal((count, 2)) / 3.0
        return bound * drawn / np.maximum(np.linalg.norm(drawn, axis=1, keepdims=True), 1.0)

    def executed(self, controls: Array) -> Array:
        """What the motors are set to in a step, ``float64[N, 2]``, for controls that were decided now."""
        self._commands.append(controls)
        old = self._commands[0] if len(self._commands) == self._commands.maxlen else np.zeros_like(controls)
        self._drive = old + (self._drive - old) * self._keep
        return self._drive * (1.0 + self._noise(self._errors.slip, len(controls), 1))

    def measured(self, now: float, states: Array) -> tuple[float, Array]:
        """When the states that are told were measured [s], and what was measured, ``float64[N, 5]``."""
        self._states.append((now, states.copy()))
        when, true = self._states[0]
        found: Array = true.copy()
        count, errors = len(true), self._errors
        found[:, :2] += self._ball(errors.position, count)
        found[:, 2] += np.where(self._kinds == UNICYCLE, self._noise(errors.heading, count), 0.0)
        wrong = self._ball(errors.velocity, count)
        found[:, 3:5] += np.where((self._kinds == DOUBLE_INTEGRATOR)[:, None], wrong, 0.0)
        return when, found

    def sensed(self, rows: Array) -> Array:
        """Sensed robots ``float64[k, 5]`` (``swarm.runtime.sensing``), not exactly where they are."""
        found: Array = rows.copy()
        found[:, :2] += self._ball(self._errors.sensing, len(rows))
        return found
