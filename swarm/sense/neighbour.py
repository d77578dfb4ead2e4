"""A robot nearby, as a user describes it; the kernels read rows of numbers (``swarm.sense.neighbours``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.model.shapes import EXCHANGED, SHAPE
from swarm.model.strangers import NOBODY, Strangers, start_of
from swarm.sense.neighbours import NEIGHBOUR

_UNTOLD = 0.5  # The tunables of a robot that tells none: the middle of their range.


@dataclass(frozen=True)
class Neighbour:
    """One robot in ``View.neighbours``.

    Attributes:
        position: x, y [m], world frame.
        radius: Of the disc that encloses it [m].
        reach: How far it can come within one control period and the braking after it [m]; for a robot that stops at
            once, top speed times period. Of a stranger, within a period and until the robot that sees it stands.
        velocity: vx, vy [m/s], world frame.
        acceleration: With which it brakes [m/s²]; infinite if it stops at once.
        ahead: From its centre to its control point [m], world frame; not zero for a unicycle alone.
        intent: Where it is heading, x, y [m]; None: not known, so it stays.
        rotation: Its last rotation tunable, in [0, 1].
        speed: Its last speed tunable, in [0, 1].
        robot_id: Its identity, -1 if it tells nothing.
        body: From ``position`` to the other end of its way to rest, x, y [m], if that is an arc: a unicycle whose
            actuators lag (then ``position`` runs ahead of its body), or of second order.
        corner: From ``position`` to where the tangents at both ends of that arc meet, x, y [m].
        error: How far it may be elsewhere [m].
        stranger: What is counted on of one who ignores everybody (``swarm.model.strangers``); None: it keeps the rules
            that all robots share.
        hull: Of one that is no disc, the corners of the convex hull of its body and its way to rest, counter-clockwise
            [m], world frame, if it knows that of this robot too; then ``body`` and ``corner`` do not matter. Empty: a
            disc. Where nobody near has one, everybody, this robot too, is taken for a disc.

    Raises:
        InputError: If a number is not finite, or a length is negative.
    """

    position: tuple[float, float]
    radius: float
    reach: float
    velocity: tuple[float, float] = (0.0, 0.0)
    acceleration: float = math.inf
    ahead: tuple[float, float] = (0.0, 0.0)
    intent: tuple[float, float] | None = None
    rotation: float = _UNTOLD
    speed: float = _UNTOLD
    robot_id: int = -1
    body: tuple[float, float] = (0.0, 0.0)
    corner: tuple[float, float] = (0.0, 0.0)
    error: float = 0.0
    stranger: Strangers | None = None
    hull: Sequence[tuple[float, float]] = ()

    def __post_init__(self) -> None:
        for name in ("position", "velocity", "ahead", "intent", "body", "corner"):
            pair = getattr(self, name)
            if pair is not None and (len(pair) != 2 or not all(math.isfinite(value) for value in pair)):
                raise InputError(f"neighbour: {name}", pair, "two finite numbers")
        for name in ("radius", "reach", "error"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InputError(f"neighbour: {name}", getattr(self, name), "a finite number from 0 on, m")
        if len(self.hull) in (1, 2) or len(self.hull) >= SHAPE or not np.isfinite(np.array(self.hull)).all():
            raise InputError("neighbour: hull", self.hull, f"3 to {SHAPE - 1} corners [x, y], or none")
        if not self.acceleration > 0.0:
            raise InputError("neighbour: acceleration", self.acceleration, "above 0 m/s², or infinite")
        for name in ("rotation", "speed"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"neighbour: {name}", getattr(self, name), "0 to 1")

    def row(self) -> Array:
        """The columns of ``swarm.sense.neighbours``, ``float64[22]``."""
        intent = self.position if self.intent is None else self.intent
        known = NOBODY if self.stranger is None else self.stranger
        values = (
            *self.position, *self.velocity, self.radius, *self.ahead, self.acceleration, self.reach, *intent,
            self.rotation, self.speed, self.robot_id, *self.body, *self.corner, self.error,
            *start_of(math.hypot(*self.velocity), known.as_array()),
        )  # fmt: skip
        return np.array(values, dtype=np.float64)


def hulls_of(neighbours: Sequence[Neighbour]) -> Array | None:
    """The hulls of neighbours as ``float64[k, SHAPE, 2]`` (``swarm.model.shapes``); None if all are discs."""
    if not any(len(one.hull) for one in neighbours):
        return None
    shapes = np.zeros((len(neighbours), SHAPE, 2))
    for shape, one in zip(shapes, neighbours, strict=True):
        shape[0] = len(one.hull), EXCHANGED
        shape[1 : 1 + len(one.hull)] = np.array(one.hull).reshape(-1, 2)
    return shapes


def rows_of(neighbours: Sequence[Neighbour]) -> Array:
    """Neighbours as rows ``float64[k, 22]``."""
    return np.array([one.row() for one in neighbours]).reshape(-1, NEIGHBOUR)
