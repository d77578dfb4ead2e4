"""Draws over the picture of a camera: lines on the floor, rings, numbers, texts, a scale bar."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import pygame

from envs.render.camera import Camera
from envs.render.colours import FLOOR, INK, PAPER, Colour, tint
from envs.render.lettering import Lettering
from swarm.array_types import Array, UInt8s

_SMOOTH = 2  # Drawn this many times larger than shown.
_CORNERS = 64  # of a circle


class Overlay:
    """An image that is drawn on; lengths are pixels of the image, places metres of the world.

    Args:
        image: ``uint8[height, width, 3]``; it is not changed.
        camera: Whose picture it is.
        lettering: Draws the texts.
    """

    def __init__(self, image: UInt8s, camera: Camera, lettering: Lettering) -> None:
        self.camera, self._lettering = camera, lettering
        self._size = image.shape[1], image.shape[0]
        source = pygame.image.frombuffer(np.ascontiguousarray(image).tobytes(), self._size, "RGB")
        self._canvas = pygame.transform.scale(source, (_SMOOTH * self._size[0], _SMOOTH * self._size[1]))

    def image(self) -> UInt8s:
        """What was drawn, ``uint8[height, width, 3]``."""
        finished = pygame.transform.smoothscale(self._canvas, self._size)
        pixels = np.frombuffer(pygame.image.tobytes(finished, "RGB"), dtype=np.uint8)
        return pixels.reshape(self._size[1], self._size[0], 3)

    def _on_canvas(self, points: Array, height: float) -> list[tuple[float, float]]:
        """Where points ``float64[p, 2]`` [m] at a height [m] are; none if one of them is behind the camera."""
        columns = self.camera.project(np.column_stack([points, np.full(len(points), height)]))[:, :2]
        return cast("list[tuple[float, float]]", (_SMOOTH * columns).tolist()) if np.isfinite(columns).all() else []

    def line(self, points: Array, colour: Colour, width: float) -> None:
        """A line on the floor through points ``float64[p, 2]`` [m]."""
        corners = self._on_canvas(points, 0.0)
        if len(corners) > 1:
            pygame.draw.lines(self._canvas, colour, False, corners, round(_SMOOTH * width))
            for corner in corners[1:-1]:
                pygame.draw.circle(self._canvas, colour, corner, 0.5 * _SMOOTH * width)

    def area(self, points: Array, colour: Colour) -> None:
        """A convex area of the floor within points ``float64[p, 2]`` [m]."""
        corners = self._on_canvas(points, 0.0)
        if corners:
            pygame.draw.polygon(self._canvas, colour, corners)

    def disc(self, centre: Array, radius: float, colour: Colour) -> None:
        """A disc on the floor."""
        self.area(_circle(centre, radius), colour)

    def ring(self, centre: Array, radius: float, colour: Colour, width: float) -> None:
        """A circle on the floor."""
        self.line(_circle(centre, radius), colour, width)

    def goal(self, centre: Array, radius: float, colour: Colour) -> None:
        """A diamond on the floor."""
        for share, shade in ((1.0, colour), (0.5, FLOOR)):
            self.area(centre + share * radius * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), shade)

    def number(self, text: str, place: Array, height: float, colour: Colour, size: int) -> None:
        """A label above a place ``float64[2]`` [m], in a robot's colour."""
        at = self._on_canvas(place[None], height)
        if at:
            label = self._lettering.text(text, _SMOOTH * size, FLOOR)
            box = label.get_rect().inflate(0.5 * size * _SMOOTH, 0.1 * size * _SMOOTH)
            box.midbottom = round(at[0][0]), round(at[0][1]) - size * _SMOOTH // 3
            corner = box.height // 3
            pygame.draw.rect(self._canvas, FLOOR, box.inflate(4 * _SMOOTH, 4 * _SMOOTH), border_radius=corner + 2)
            pygame.draw.rect(self._canvas, tint(colour, 0.15, INK), box, border_radius=corner)
            self._canvas.blit(label, label.get_rect(center=box.center))

    def text(self, text: str, column: int, row: int, size: int, colour: Colour = INK) -> int:
        """A text whose left end, middle, is there; returns where it ends."""
        label = self._lettering.text(text, _SMOOTH * size, colour)
        place = label.get_rect(midleft=(_SMOOTH * column, _SMOOTH * row))
        self._canvas.blit(label, place)
        return place.right // _SMOOTH

    def scale_bar(self, place: Array, size: int, note: str = "") -> None:
        """A scale bar, bottom left, that holds at a place ``float64[3]`` [m]."""
        unit, middle = _SMOOTH * self.camera.pixels_a_metre(place), _SMOOTH * (self._size[1] - size)
        width = self._lettering.scale_bar(None, 0, 0, unit, _SMOOTH * size, note) + 2 * _SMOOTH * size
        paper = pygame.Rect(0, middle - _SMOOTH * size, width, 2 * _SMOOTH * size)
        pygame.draw.rect(self._canvas, PAPER, paper, border_top_right_radius=_SMOOTH * size // 2)
        self._lettering.scale_bar(self._canvas, _SMOOTH * size, middle, unit, _SMOOTH * size, note)


def _circle(centre: Array, radius: float) -> Array:
    angle = np.linspace(0.0, 2.0 * math.pi, _CORNERS)
    return centre + radius * np.column_stack([np.cos(angle), np.sin(angle)])
