"""The parameters that a policy may set at every step, and the box it may set them in.

Whatever is chosen inside the box, the filter keeps the robot safe (``swarm.filter.safety``): the tunables change how
boldly and how sidewise it drives, never whether it may collide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from swarm.array_types import Array, Flags
from swarm.errors import InputError
from swarm.kernel_cache.references import inlined


@dataclass(frozen=True)
class Tunable:
    """One tunable: its range, and whether equal steps of the action are equal ratios (``log``)."""

    name: str
    low: float
    high: float
    unit: str
    log: bool = False


TUNABLES = (
    Tunable("robot_gain", 0.2, 20.0, "1/s", log=True),
    Tunable("robot_power", 1.0, 3.0, "1"),
    Tunable("obstacle_gain", 0.2, 20.0, "1/s", log=True),
    Tunable("obstacle_power", 1.0, 3.0, "1"),
    Tunable("rotation", -0.75 * math.pi, 0.75 * math.pi, "rad"),
    Tunable("speed", 0.1, 1.0, "1"),
)
NAMES = tuple(tunable.name for tunable in TUNABLES)
COUNT = len(TUNABLES)
ROBOT_GAIN, ROBOT_POWER, OBSTACLE_GAIN, OBSTACLE_POWER, ROTATION, SPEED = range(COUNT)
_LOG = np.array([tunable.log for tunable in TUNABLES])
_LOW = np.array([math.log(t.low) if t.log else t.low for t in TUNABLES])
_HIGH = np.array([math.log(t.high) if t.log else t.high for t in TUNABLES])
MIDDLE = np.full(COUNT, 0.5)


@inlined
def decode_one(action: Array, values: Array) -> None:
    """Write into ``values`` (6,) the physical tunables of one ``action`` (6,), clipped to the box."""
    for k in range(COUNT):
        share = min(max(action[k], 0.0), 1.0)
        value = _LOW[k] + share * (_HIGH[k] - _LOW[k])
        values[k] = math.exp(value) if _LOG[k] else value


def decode(action: Array) -> Array:
    """Physical values ``[..., 6]`` of actions ``[..., 6]`` in [0, 1], clipped to the box; order as ``NAMES``.

    Raises:
        InputError: If the last axis is not 6 long or a value is not a number.
    """
    action = np.asarray(action, dtype=np.float64)
    if action.shape[-1:] != (COUNT,) or np.isnan(action).any():
        raise InputError("action", action, f"numbers in [0, 1], last axis {COUNT}: {', '.join(NAMES)}")
    value = _LOW + np.clip(action, 0.0, 1.0) * (_HIGH - _LOW)
    return np.where(_LOG, np.exp(value), value)


def unturned(action: Array, which: Flags | bool = True) -> Array:
    """A copy of actions ``[..., 6]`` in [0, 1] with no rotation in those ``bool[...]`` of them."""
    found = np.array(action, dtype=np.float64)
    found[..., ROTATION] = np.where(which, MIDDLE[ROTATION], found[..., ROTATION])
    return found


def encode(values: Array) -> Array:
    """The action ``[..., 6]`` whose ``decode`` is ``values`` ``[..., 6]`` (clipped to the box).

    Raises:
        InputError: If the last axis is not 6 long, or a value is not finite, or a gain is not above 0.
    """
    values = np.asarray(values, dtype=np.float64)
    fits = values.shape[-1:] == (COUNT,)
    if not fits or not np.isfinite(values).all() or (values[..., _LOG] <= 0.0).any():
        raise InputError("tunables", values, f"finite numbers, gains above 0, last axis {COUNT}: {', '.join(NAMES)}")
    scale = np.where(_LOG, np.log(np.where(_LOG, values, 1.0)), values)
    return np.clip((scale - _LOW) / (_HIGH - _LOW), 0.0, 1.0)


STRAIGHT = encode(np.array([20.0, 1.0, 20.0, 1.0, 0.0, 1.0]))
"""The action of a robot that takes no account of anybody: the boldest barriers, straight ahead, at full speed."""
