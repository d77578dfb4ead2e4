"""Where one robot with declared errors is when its command acts, and what it has told its body."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array
from swarm.model.actuators import T_SPEED, T_TURN_RATE
from swarm.sense.own_motion import OwnMotion
from swarm.sense.view import View, check_view


class _Predicted(NamedTuple):
    """A state ahead ``float64[5]`` and its trail ``float64[TRAIL]``, and from what view they were predicted."""

    view: View
    key: tuple[float, float, bytes]
    state: Array
    trail: Array


class Foresight:
    """Predicts the own state, once a period.

    Args:
        motion: The robot's memory of its commands; None: nothing is predicted, as states are exact.
    """

    def __init__(self, motion: OwnMotion | None) -> None:
        self._motion = motion
        self.reset()

    @property
    def predicts(self) -> bool:
        """Whether errors are declared."""
        return self._motion is not None

    def reset(self) -> None:
        """Forget all states and commands."""
        self._predicted: _Predicted | None = None
        self._moved_on = False  # Whether a period has ended since it was predicted.
        self._decided: Array | None = None  # and perhaps not sent to the body
        if self._motion is not None:
            self._motion.reset()

    def believed(self, view: View, trail: Array) -> View:
        """See ``Robot.believed``; writes what the robot then trails into ``trail``, ``float64[TRAIL]``."""
        if self._motion is None:
            return view
        check_view(view)
        measured = view.time if view.measured is None else view.measured
        key, last = (view.time, measured, view.state.tobytes()), self._predicted
        # Time may stand still (``swarm.runtime.lockstep``) and a state may be the same again: then the period tells.
        if last is None or last.key != key or (self._moved_on and last.view is not view):
            if self._decided is not None:
                self.sent(self._decided)
            last = _Predicted(view, key, *self._motion.believe(view.state, view.time - measured))
            self._moved_on = False
        self._predicted = last = last._replace(view=view)
        found = copy.copy(view)
        found.state = last.state
        trail[:] = last.trail
        found.drive = last.trail[T_SPEED : T_TURN_RATE + 1]
        return found

    def decided(self, control: Array) -> tuple[Array, Array] | None:
        """Note what was decided; returns where the robot will be, to tell others, or None if nothing is predicted."""
        self._decided = control
        return self.ahead(control)

    def ahead(self, control: Array | None) -> tuple[Array, Array] | None:
        """See ``Robot.ahead``."""
        return None if self._motion is None else self._motion.plan(control)

    def sent(self, control: Array | None) -> None:
        """See ``Robot.sent``."""
        self._decided = None
        if self._motion is not None:
            self._motion.sent(None if control is None else np.asarray(control, dtype=np.float64))
            self._moved_on = True
