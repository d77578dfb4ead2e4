"""The colours of all pictures: paper, ink, shelves, each robot's own, and from bold to careful."""

from __future__ import annotations

import colorsys
import math

import numpy as np

Colour = tuple[int, int, int]

PAPER: Colour = (250, 249, 246)
FLOOR: Colour = (255, 255, 255)
GRID: Colour = (236, 235, 231)
SHADE: Colour = (214, 213, 208)
SHELF: Colour = (96, 104, 120)
SHELF_EDGE: Colour = (74, 81, 96)
INK: Colour = (44, 48, 58)
FAINT: Colour = (128, 132, 142)
ALARM: Colour = (214, 40, 40)
STRANGER: Colour = (64, 64, 64)
# From bold to careful: plasma without its ends, so lightness falls evenly, also for colour-blind eyes.
_RAMP = np.array(
    [(252, 174, 49), (243, 128, 72), (219, 86, 104), (176, 47, 141), (118, 18, 163), (63, 18, 141)],
    dtype=float,
)
_GOLDEN = 0.6180339887498949


def tuner_colour(value: float) -> Colour:
    """Colour for how conservative the tuner is, from 0 (bold) to 1 (careful)."""
    at = min(max(float(value), 0.0), 1.0) * (len(_RAMP) - 1)
    low = min(int(at), len(_RAMP) - 2)
    red, green, blue = _RAMP[low] + (at - low) * (_RAMP[low + 1] - _RAMP[low])
    return int(red), int(green), int(blue)


def robot_hue(robot: int) -> Colour:
    """A robot's own colour: hues a golden section apart, so that neighbouring numbers differ most."""
    hue = (0.58 + robot * _GOLDEN) % 1.0
    # Yellows and greens look lighter than blues of the same value.
    value = 0.80 - 0.18 * math.exp(-(((hue - 0.25) / 0.16) ** 2))
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.72, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def tint(colour: Colour, amount: float, towards: Colour = FLOOR) -> Colour:
    """The colour, mixed with ``amount`` of another."""
    red, green, blue = (round(a + amount * (b - a)) for a, b in zip(colour, towards, strict=True))
    return red, green, blue
