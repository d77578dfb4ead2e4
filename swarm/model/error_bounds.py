"""What is declared of a robot as not exact: bounds of its errors, in scenario files, fleet files and on command lines.

    errors:
      position: 0.01     # m, of the own position
      heading: 0.02      # rad, of the own heading
      velocity: 0.02     # m/s, of the own velocity
      sensing: 0.01      # m, of others, relative
      age: 0.05          # s, of the own state (and of a scan) when it is used
      latency: 0.1       # s, of what others say
      loss: 0.1          # share of messages that never come, below 1
      dead_time: 0.05    # s, until a command acts
      lag: 0.1           # s, time constant of the actuators
      slip: 0.05         # share of the speed, below 1
      others: sensed     # what is known of others comes from their messages (heard) or from sensors (sensed)

Each number is 0, and ``others`` is ``heard``, if not given.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import LARGEST
from swarm.files.text_files import located
from swarm.files.yaml_input import Field, read_yaml, scalar
from swarm.model.dynamics import Kind, Limits

# Columns of ErrorBounds.as_array, float64[ERRORS], in the order of its fields.
ERRORS = 10
(
    E_POSITION, E_HEADING, E_VELOCITY, E_SENSING, E_AGE, E_LATENCY, E_LOSS, E_DEAD_TIME, E_LAG, E_SLIP,
) = range(ERRORS)  # fmt: skip

SOURCES = ("heard", "sensed")
"""Where what is known of other robots may come from."""

# Unit of each number in files, and factor and unit of it in reports.
_UNITS = {
    "position": ("m", 1e3, "mm"), "heading": ("rad", math.degrees(1.0), "deg"), "velocity": ("m/s", 1e3, "mm/s"),
    "sensing": ("m", 1e3, "mm"), "age": ("s", 1e3, "ms"), "latency": ("s", 1e3, "ms"), "loss": ("", 100.0, "%"),
    "dead_time": ("s", 1e3, "ms"), "lag": ("s", 1e3, "ms"), "slip": ("", 100.0, "%"),
}  # fmt: skip
_SHARES = ("loss", "slip")
# Times by which nobody can drive; robots that predict over longer ones would compute for as long [s].
_TIMES, _LONGEST = ("age", "latency", "dead_time", "lag"), 60.0
KEYS = (*_UNITS, "others")
"""The keys in files and on command lines: the names of the fields."""


def _fits(key: str, value: Any) -> bool:
    """Whether a field can have a value."""
    if key == "others":
        return isinstance(value, str) and value in SOURCES
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    # A comparison, not a conversion first: an integer of a thousand digits has no float. A NaN is refused.
    return bool(0.0 <= value <= _most(key) and (key not in _SHARES or value < 1.0))


def _most(key: str) -> float:
    """The largest number that a field can have."""
    return _LONGEST if key in _TIMES else LARGEST


def _valid(key: str) -> str:
    """What values a field can have."""
    if key == "others":
        return " or ".join(SOURCES)
    return "a share, 0 or more and below 1" if key in _SHARES else f"a number, 0 to {_most(key):g} {_UNITS[key][0]}"


@dataclass(frozen=True)
class ErrorBounds:
    """Declared bounds of what is not exact; 0: exact.

    ``dead_time`` and ``lag`` are taken as they are given: the robot predicts with them. ``age`` is the most that a
    state may be old; a stamp says how old each one is. ``latency`` and ``loss`` are of messages. All others are bounds
    on the absolute value at every instant.

    Attributes:
        position: Of the own position, m.
        heading: Of the own heading, rad.
        velocity: Of the own velocity, m/s.
        sensing: Of the places of others, relative to the robot, m.
        age: Of the own state (and of a scan) when it is used, s.
        latency: Of what others say, s.
        loss: Share of messages that never come, below 1.
        dead_time: Until a command acts, s.
        lag: Time constant of the actuators, s.
        slip: Share of the speed, below 1.
        others: Whether what is known of other robots is ``heard`` in their messages or ``sensed``.

    Raises:
        InputError: If a number is negative or not finite, a share is not below 1, or ``others`` is neither.
    """

    position: float = 0.0
    heading: float = 0.0
    velocity: float = 0.0
    sensing: float = 0.0
    age: float = 0.0
    latency: float = 0.0
    loss: float = 0.0
    dead_time: float = 0.0
    lag: float = 0.0
    slip: float = 0.0
    others: Literal["heard", "sensed"] = "heard"

    def __post_init__(self) -> None:
        for key in KEYS:
            value = getattr(self, key)
            if not _fits(key, value):
                raise InputError(f"errors.{key}", value, _valid(key))
            # Adding 0 takes the sign from -0.0, so that equal bounds have equal bytes.
            object.__setattr__(self, key, value if key == "others" else float(value) + 0.0)

    @property
    def any(self) -> bool:
        """Whether any number is not 0."""
        return any(getattr(self, key) for key in _UNITS)

    @property
    def delay(self) -> float:
        """The longest of age, latency and dead time [s]: so much of the past matters."""
        return max(self.age, self.latency, self.dead_time)

    @property
    def told(self) -> tuple[float, float, float, float]:
        """What policies are told besides the margin that the bounds ask for.

        How long ago the state was when a command shows in the body [s], how late news are [s], which share of them is
        lost, and how far others may be from where they are sensed [m].
        """
        sensing = self.sensing if self.others == "sensed" else 0.0
        return self.age + self.dead_time + self.lag, self.latency, self.loss, sensing

    def stray(self, kind: Kind) -> float:
        """By which share of a way a robot of a kind may come elsewhere: by slip, of a unicycle also by its heading."""
        return self.slip + (2.0 * math.sin(0.5 * min(self.heading, math.pi)) if kind == Kind.UNICYCLE else 0.0)

    def check_car(self, limits: Limits) -> None:
        """Refuse errors that are not planned with where these are the limits of a car."""
        if limits.is_car and self.lag > 0.0:
            raise InputError("errors.lag", self.lag, "0 s for a car; declare its acceleration")
        if math.isfinite(limits.steering_rate) and self.any:
            raise InputError("errors", self.describe(), "none for a car with a steering_rate, or no steering_rate")

    def as_array(self) -> Array:
        """The numbers as ``float64[ERRORS]``, in the columns ``E_POSITION`` to ``E_SLIP``."""
        return np.array([getattr(self, key) for key in _UNITS])

    def declared(self) -> dict[str, float | str]:
        """What is not the default, by key, as files have it."""
        # The defaults are attributes of the class.
        return {key: getattr(self, key) for key in KEYS if getattr(self, key) != getattr(type(self), key)}

    def describe(self) -> str:
        """One short line, such as ``position 10 mm, heading 1.0 deg, others sensed``; ``none`` without any."""
        parts = []
        for key, value in self.declared().items():
            name = key.replace("_", " ")
            parts.append(f"{name} {value}" if isinstance(value, str) else f"{name} {_shown(key, value)}")
        return ", ".join(parts) or "none"


EXACT = ErrorBounds()
"""Nothing is declared: everything is exact."""


def read_errors(field: Field) -> ErrorBounds:
    """The mapping ``errors`` of a file.

    Raises:
        InputError: If it is malformed; names the file, the line and the key.
    """
    given = field.mapping([], KEYS)
    for key, entry in given.items():
        if not _fits(key, entry.value):
            raise entry.error(_valid(key))
    return ErrorBounds(**{key: entry.value for key, entry in given.items()})


def parse_errors(text: str) -> ErrorBounds:
    """What a command line declares: ``position=0.01,lag=0.1,others=sensed``, or a YAML file.

    The file has these keys at its top or under ``errors:``, whatever else stands beside that: a scenario or a fleet
    file will do.

    Raises:
        InputError: If it is neither; names the key, and of a file also its name and the line.
    """
    if text.endswith((".yaml", ".yml")) or ("=" not in text and os.path.isfile(text)):
        root = read_yaml(text)
        below = root.value.get("errors") if isinstance(root.value, dict) else None
        both = [key for key in KEYS if below is not None and key in root.value]
        if both:
            raise root.value[both[0]].error("all of these keys under errors, or all at the top")
        return read_errors(root if below is None else below)
    given: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise InputError("errors", part, f"KEY=VALUE,... with the keys {', '.join(KEYS)}, or an existing YAML file")
        if key not in KEYS:
            raise InputError(f"errors.{key}", "an unknown key", f"one of the keys {', '.join(KEYS)}")
        if key in given:
            raise InputError(f"errors.{key}", "the key again", "each key once")
        given[key] = scalar(value)
    return ErrorBounds(**given)


def parse_option(option: str, text: str | None) -> ErrorBounds | None:
    """What an option of a command line declares (``parse_errors``); ``none``: everything is exact.

    Args:
        option: Its name, for errors.
        text: None or empty: not given.

    Returns:
        The bounds; None if the option is not given.

    Raises:
        InputError: As ``parse_errors``; names the option as well.
    """
    if not text:
        return None
    with located(f"{option}: ", drop="errors."):
        return EXACT if text == "none" else parse_errors(text)


def _shown(key: str, value: float) -> str:
    """A number with its unit for people."""
    _, factor, unit = _UNITS[key]
    shown = factor * value
    # Round numbers of degrees are none in radians: one decimal, but never a 0 for what is not.
    return f"{shown:.1f} {unit}" if unit == "deg" and shown >= 0.05 else f"{shown:.6g} {unit}"
