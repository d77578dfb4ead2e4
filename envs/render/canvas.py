"""The canvas of a picture: where a point of the world is on it.

It is ``SMOOTH`` times as large as the finished picture; all lengths are its pixels, unless they are in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pygame

from envs.render.lettering import Lettering
from swarm.array_types import Array
from swarm.errors import InputError

SMOOTH = 2
"""Drawn this many times larger than shown."""
MARGIN = 14
"""Pixels around the world, in the finished picture."""


class Canvas:
    """Room for a picture of the world, with a caption above and a scale bar below.

    Args:
        bounds: xmin, ymin, xmax, ymax: what is shown [m].
        pixels: Length of the longer side of the world's picture.
        text: Height of the texts [pixels].

    Attributes:
        size: Width and height of the finished picture [pixels].
        scale: Pixels a metre.
        left: Of the world's lower left corner.
        bottom: Of the same corner.
        header: Height of what is above the world, in the finished picture.
        surface: What is painted on.

    Raises:
        InputError: Bounds that hold nothing, or too few or too many pixels.
    """

    def __init__(self, bounds: Sequence[float] | Array, pixels: int, text: int) -> None:
        xmin, ymin, xmax, ymax = (float(value) for value in bounds)
        if not (np.isfinite([xmin, ymin, xmax, ymax]).all() and xmax > xmin and ymax > ymin):
            raise InputError("bounds", list(bounds), "finite xmin < xmax and ymin < ymax")
        if not 64 <= pixels <= 8192:
            raise InputError("pixels", pixels, "64 to 8192")
        self.lettering, self.text_size = Lettering(), text * SMOOTH
        # Above the world for caption and legend, below it for the scale bar [pixels].
        self.header, footer = round(2.4 * text), round(1.1 * text)
        self.bounds = (xmin, ymin, xmax, ymax)
        unit = pixels / max(xmax - xmin, ymax - ymin)  # Pixels a metre, in the finished picture.
        self.scale = SMOOTH * unit
        inner = (round((xmax - xmin) * unit), round((ymax - ymin) * unit))
        width, height = max(inner[0], 360) + 2 * MARGIN, inner[1] + 2 * MARGIN + self.header + footer
        self.size = (width + width % 2, height + height % 2)
        self.left = SMOOTH * ((self.size[0] - inner[0]) // 2)
        self.bottom = SMOOTH * (self.header + MARGIN + inner[1])
        self.surface = self.layer()

    def layer(self, factor: int = SMOOTH) -> pygame.Surface:
        """A surface as large as the picture, times a factor."""
        return pygame.Surface((factor * self.size[0], factor * self.size[1]), 0, 32)

    def pixel(self, xy: Sequence[float] | Array) -> tuple[int, int]:
        """Where a point of the world [m] is in the finished picture: column, row."""
        column, row = self.at(xy)
        return int(column // SMOOTH), int(row // SMOOTH)

    def at(self, xy: Any) -> tuple[float, float]:
        """Where a point of the world [m] is."""
        return (
            self.left + (float(xy[0]) - self.bounds[0]) * self.scale,
            self.bottom - (float(xy[1]) - self.bounds[1]) * self.scale,
        )

    def many(self, points: Array) -> list[tuple[float, float]]:
        """Where points of the world ``float64[n, 2]`` [m] are."""
        columns = self.left + (points[:, 0] - self.bounds[0]) * self.scale
        rows = self.bottom - (points[:, 1] - self.bounds[1]) * self.scale
        return list(zip(columns.tolist(), rows.tolist(), strict=True))

    def box(self, xmin: float, ymin: float, xmax: float, ymax: float) -> pygame.Rect:
        """The rectangle between two corners [m]."""
        left, top = self.at((xmin, ymax))
        right, bottom = self.at((xmax, ymin))
        return pygame.Rect(round(left), round(top), round(right) - round(left), round(bottom) - round(top))
