"""Strangers, who cannot be avoided: robots, people or pallets that drive as if nobody else were there.

    strangers:
      speed: 1.5           # m/s, how fast they are at most
      acceleration: 2      # m/s², by how much they may become faster

Where they go is not declared: they may turn at any moment. With ``acceleration`` alone they go as fast as they show
now, and become faster by it; with ``speed`` alone they may be that fast at once; with both, up to ``speed``. With
neither, ``acceleration`` is 1 m/s². A speed of 0 says that nobody ignores the others: whoever is met keeps the shared
rules.

What is kept is that they meet a standing robot: whoever moves comes to rest before a stranger can be there. A robot
stands if it is slower than ``STANDS``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import LARGEST
from swarm.files.yaml_input import Field
from swarm.kernel_cache.references import uncounted
from swarm.model.body import (
    ACCELERATION,
    LAG,
    PERIOD,
    STRAY,
    TOP_SPEED,
    TURN_ACCELERATION,
    TURN_RATE,
    is_second_order,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE, coast_periods, stop_periods

STANDS = 1e-3
"""A robot that is slower stands [m/s]; of one whose actuators lag, the speed fades and never is 0."""

# m/s², where neither speed nor acceleration is declared.
_ACCELERATION = 1.0
# Columns of Strangers.as_array, float64[2]: top speed [m/s] (0: none), acceleration [m/s²] (inf: at once).
STRANGERS = 2
_SPEED, _PUSH = range(STRANGERS)
KEYS = ("speed", "acceleration")
"""The keys in files: the names of the fields."""


def _fits(key: str, value: Any) -> bool:
    """Whether a field can have a value."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return bool(0.0 <= value <= LARGEST and (key == "speed" or value > 0.0))


def _valid(key: str) -> str:
    """What values a field can have."""
    unit = "m/s" if key == "speed" else "m/s²"
    return f"a number, {'0' if key == 'speed' else 'above 0'} to {LARGEST:g} {unit}"


@dataclass(frozen=True)
class Strangers:
    """What is counted on of those who ignore everybody.

    Attributes:
        speed: How fast they are at most [m/s]; None: not declared. 0: they keep the rules that all robots share.
        acceleration: By how much they may become faster [m/s²]; None: with a ``speed`` any, else 1.

    Raises:
        InputError: If a number is negative, not finite, or an acceleration of 0.
    """

    speed: float | None = None
    acceleration: float | None = None

    def __post_init__(self) -> None:
        for key in KEYS:
            value = getattr(self, key)
            if value is not None:
                if not _fits(key, value):
                    raise InputError(f"strangers.{key}", value, _valid(key))
                object.__setattr__(self, key, float(value) + 0.0)

    def as_array(self) -> Array:
        """The numbers as ``float64[STRANGERS]``, for ``count_on``; both 0: nobody is a stranger."""
        if self.speed == 0.0:
            return np.zeros(STRANGERS)
        push = self.acceleration
        if push is None:
            push = _ACCELERATION if self.speed is None else math.inf
        return np.array([self.speed or 0.0, push])

    def declared(self) -> dict[str, float]:
        """What is declared, by key, as files have it."""
        return {key: getattr(self, key) for key in KEYS if getattr(self, key) is not None}


UNKNOWN = Strangers()
"""Nothing is declared: as fast as they show, and 1 m/s² more."""
NOBODY = Strangers(0.0)
"""Nobody is a stranger."""


def read_strangers(field: Field) -> Strangers:
    """The mapping ``strangers`` of a file.

    Raises:
        InputError: If it is malformed; names the file, the line and the key.
    """
    given = field.mapping([], KEYS)
    for key, entry in given.items():
        if not _fits(key, entry.value):
            raise entry.error(_valid(key))
    return Strangers(**{key: entry.value for key, entry in given.items()})


@uncounted
def faster(pace: float, push: float, top: float, time: float) -> float:
    """How fast [m/s] a stranger may be after ``time`` seconds; arguments as in ``covered``."""
    speed = pace + push * time
    return max(min(speed, top), pace) if top > 0.0 else speed


@uncounted
def covered(pace: float, push: float, top: float, time: float) -> float:
    """How far [m] a stranger may get in some time; convex in the time.

    Args:
        pace: How fast it is [m/s].
        push: Its acceleration [m/s²].
        top: How fast it is at most [m/s]; 0: not known.
        time: [s]
    """
    if top > 0.0 and pace + push * time > top:
        rising = max(top - pace, 0.0) / push if push > 0.0 else 0.0
        return pace * rising + 0.5 * push * rising * rising + max(top, pace) * (time - rising)
    return pace * time + 0.5 * push * time * time


@uncounted
def start_of(shown: float, declared: Array) -> tuple[float, float, float]:
    """Pace, push and top (see ``covered``) of one who shows a speed [m/s]; all 0 if nobody is a stranger.

    Args:
        shown: [m/s]
        declared: ``float64[STRANGERS]``.
    """
    speed, push = declared[_SPEED], declared[_PUSH]
    if speed == 0.0 and push == 0.0:
        return 0.0, 0.0, 0.0
    top = max(speed, shown) if speed > 0.0 else 0.0
    return (top, 0.0, top) if math.isinf(push) else (shown, push, top)


@uncounted
def fade(speed: float, body: Array) -> float:
    """For how long [s] a robot whose actuators lag still moves when it is told to stop at a speed [m/s]."""
    moves: float = speed * (1.0 + body[STRAY])
    return float(body[LAG] * math.log(moves / STANDS)) if body[LAG] > 0.0 and moves > STANDS else 0.0


@uncounted
def longest_rest(kind: int, body: Array) -> float:
    """For how long [s] a robot ``float64[BODY]`` of a kind moves at most when it is told to stop."""
    top, dt = body[TOP_SPEED], body[PERIOD]
    if is_second_order(body):
        return float(dt * coast_periods(top, body[TURN_RATE], body[ACCELERATION], body[TURN_ACCELERATION], dt))
    if kind == UNICYCLE:
        return fade(top, body)
    time = fade(math.sqrt(2.0) * top, body)
    return time + dt * stop_periods(top, 0.0, body[ACCELERATION], dt) if kind == DOUBLE_INTEGRATOR else time
