"""One two-dimensional renderer for every environment: a scene in, a picture out.

Pictures are drawn at twice their size and scaled down, which smooths every edge. Whatever does not move
(floor, obstacles, grid lines, legend) is drawn once and kept. World coordinates are metres, x right, y up.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.render.colours import (
    ALARM,
    FAINT,
    FLOOR,
    GRID,
    INK,
    PAPER,
    SHELF,
    SHELF_EDGE,
    STRANGER,
    Colour,
    robot_hue,
    tint,
    tuner_colour,
)
from envs.render.lettering import Lettering
from envs.render.video import write_gif, write_png, write_video
from swarm.errors import InputError
from swarm.model.footprint.polygon import distances_inside

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame

from swarm.array_types import Array, Flags, UInt8s
from swarm.model.geometry import as_obstacles

__all__ = ["Painter", "Scene", "robot_hue", "tuner_colour", "write_gif", "write_png", "write_video"]

_SMOOTH = 2  # Drawn this many times larger than shown.
_MARGIN = 14  # Pixels around the world.
_TEXT = 19  # Height of texts [pixels].


@dataclass
class Scene:
    """What there is to see at one moment.

    Attributes:
        obstacles: ``float64[n, 7]``, or the first five columns (``swarm.model.geometry``).
        positions: ``float64[N, 2]``: robots' centres [m].
        radii: ``float64[N]`` [m].
        headings: ``float64[N]`` [rad]; None: robots without a direction.
        outlines: Corners of each robot where it is, ``float64[c, 2]`` [m], or None: a disc; None: all are discs.
        goals: ``float64[N, 2]`` [m]; rows that are not finite are left out; None: no goals.
        paths: What each robot plans, ``float64[p, 2]`` [m] or None each; None: no paths.
        trails: Where each robot has been, oldest first, ``float64[p, 2]`` [m] or None each; None: no trails.
        bold_trails: Whether the trails are what the picture is about, and not only where robots come from.
        colour_value: ``float64[N]`` in [0, 1], bold to careful, with a legend; None: a colour for each robot.
        contacts: ``bool[N]``: robots that touch something; None: nobody does.
        strangers: ``bool[N]``: robots that are none of the team, in grey; None: nobody is.
        links: Pairs of robots that are joined by a line.
        discs: ``float64[n, 3]``, circles that are outlined: centre x, y, radius [m]; None: no circles.
        labels: A text for each robot; None: its number. Shown where there is room.
        caption: Short texts above the picture, from left to right.
    """

    obstacles: Array
    positions: Array
    radii: Array
    headings: Array | None = None
    outlines: Sequence[Array | None] | None = None
    goals: Array | None = None
    paths: Sequence[Array | None] | None = None
    trails: Sequence[Array | None] | None = None
    bold_trails: bool = False
    colour_value: Array | None = None
    contacts: Flags | None = None
    strangers: Flags | None = None
    links: Sequence[tuple[int, int]] = ()
    discs: Array | None = None
    labels: Sequence[str] | None = None
    caption: Sequence[str] = field(default_factory=tuple)


class Painter:
    """Paints scenes of one world.

    Args:
        bounds: xmin, ymin, xmax, ymax: what is shown [m].
        pixels: Length of the longer side of the world's picture. The whole is a little larger; its width and
            height are even, as video needs.
        grid: Distance of the grid lines [m]; None: no lines.
        text: Height of the texts [pixels].

    Raises:
        InputError: Bounds that hold nothing, or too few or too many pixels.
    """

    def __init__(
        self, bounds: Sequence[float] | Array, *, pixels: int = 960, grid: float | None = None, text: int = _TEXT
    ) -> None:  # fmt: skip
        xmin, ymin, xmax, ymax = (float(value) for value in bounds)
        if not (np.isfinite([xmin, ymin, xmax, ymax]).all() and xmax > xmin and ymax > ymin):
            raise InputError("bounds", list(bounds), "finite xmin < xmax and ymin < ymax")
        if not 64 <= pixels <= 8192:
            raise InputError("pixels", pixels, "64 to 8192")
        if grid is not None and not grid > 0.0:
            raise InputError("grid", grid, "a distance above 0, or None")
        self._lettering, self._size = Lettering(), text * _SMOOTH
        # Above the world for caption and legend, below it for the scale bar [pixels].
        self._header, footer = round(2.4 * text), round(1.1 * text)
        self.bounds, self.grid = (xmin, ymin, xmax, ymax), grid
        self._unit = pixels / max(xmax - xmin, ymax - ymin)  # Pixels a metre, in the finished picture.
        self._scale = _SMOOTH * self._unit
        inner = (round((xmax - xmin) * self._unit), round((ymax - ymin) * self._unit))
        width, height = max(inner[0], 360) + 2 * _MARGIN, inner[1] + 2 * _MARGIN + self._header + footer
        self.size = (width + width % 2, height + height % 2)
        self._left = _SMOOTH * ((self.size[0] - inner[0]) // 2)
        self._bottom = _SMOOTH * (self._header + _MARGIN + inner[1])
        self._canvas = self._surface(_SMOOTH)
        self._finished = self._surface(1)
        self._static: tuple[bytes, pygame.Surface] | None = None
        self._window: pygame.Surface | None = None

    def _surface(self, factor: int) -> pygame.Surface:
        return pygame.Surface((factor * self.size[0], factor * self.size[1]), 0, 32)

    # What is public: a picture, a window, the end.

    def frame(self, scene: Scene) -> UInt8s:
        """The scene as an image, ``uint8[height, width, 3]``."""
        self._paint(scene)
        pixels = np.frombuffer(pygame.image.tobytes(self._finished, "RGB"), dtype=np.uint8)
        return pixels.reshape(self.size[1], self.size[0], 3).copy()

    def world(self, scene: Scene) -> UInt8s:
        """The scene as an image of what is inside of the bounds, without margins, caption and legend."""
        left, top = self.pixel((self.bounds[0], self.bounds[3]))
        right, bottom = self.pixel((self.bounds[2], self.bounds[1]))
        return self.frame(scene)[top:bottom, left:right]

    def show(self, scene: Scene) -> None:
        """Shows the scene in a window, which opens at the first call."""
        self._paint(scene)
        if self._window is None:
            pygame.display.init()
            self._window = pygame.display.set_mode(self.size)
            pygame.display.set_caption("swarm")
        pygame.event.pump()
        self._window.blit(self._finished, (0, 0))
        pygame.display.flip()

    def close(self) -> None:
        """Closes the window, if there is one; may be called more than once."""
        if self._window is not None:
            self._window = None
            pygame.display.quit()

    def pixel(self, xy: Sequence[float] | Array) -> tuple[int, int]:
        """Where a point of the world [m] is in the finished picture: column, row."""
        column, row = self._at(xy)
        return int(column // _SMOOTH), int(row // _SMOOTH)

    # How it is done. All lengths from here on are pixels of the large canvas, unless they are in metres.

    def _at(self, xy: Any) -> tuple[float, float]:
        return (
            self._left + (float(xy[0]) - self.bounds[0]) * self._scale,
            self._bottom - (float(xy[1]) - self.bounds[1]) * self._scale,
        )

    def _many(self, points: Array) -> list[tuple[float, float]]:
        columns = self._left + (points[:, 0] - self.bounds[0]) * self._scale
        rows = self._bottom - (points[:, 1] - self.bounds[1]) * self._scale
        return list(zip(columns.tolist(), rows.tolist(), strict=True))

    def _paint(self, scene: Scene) -> None:
        self._canvas.blit(self._background(scene), (0, 0))
        self._canvas.set_clip(self._box(*self.bounds).inflate(2 * _MARGIN * _SMOOTH, 2 * _MARGIN * _SMOOTH))
        colours = [robot_hue(robot) for robot in range(len(scene.positions))]
        for robot in np.flatnonzero(scene.strangers if scene.strangers is not None else ()):
            colours[robot] = STRANGER
        fills = colours
        if scene.colour_value is not None:
            fills = [tuner_colour(value) for value in scene.colour_value]
        self._paint_trails(scene, fills)
        self._paint_plans(scene, colours)
        self._paint_robots(scene, fills, colours)
        self._paint_discs(scene)
        self._canvas.set_clip(None)
        self._paint_caption(scene)
        pygame.transform.smoothscale(self._canvas, self.size, self._finished)

    def _background(self, scene: Scene) -> pygame.Surface:
        """The layer that does not change, painted anew only when the obstacles or the legend do."""
        obstacles = as_obstacles(scene.obstacles)
        key = obstacles.tobytes() + bytes([scene.colour_value is not None])
        if self._static is None or self._static[0] != key:
            layer = self._surface(_SMOOTH)
            layer.fill(PAPER)
            floor = self._box(*self.bounds)
            pygame.draw.rect(layer, FLOOR, floor)
            layer.set_clip(floor)
            self._paint_grid(layer)
            # All edges first: where obstacles meet, the bodies cover them, and one outline is left.
            for border, colour in ((_SMOOTH, SHELF_EDGE), (0, SHELF)):
                for obstacle in obstacles:
                    self._paint_obstacle(layer, obstacle, border, colour)
            layer.set_clip(None)
            pygame.draw.rect(layer, tint(FAINT, 0.5), floor.inflate(2, 2), width=2)
            middle = round(self._bottom + 0.5 * _SMOOTH * _MARGIN + 0.55 * self._size)
            self._lettering.scale_bar(layer, self._left, middle, self._scale, self._size)
            if scene.colour_value is not None:
                self._paint_legend(layer)
            self._static = key, layer
        return self._static[1]

    def _box(self, xmin: float, ymin: float, xmax: float, ymax: float) -> pygame.Rect:
        left, top = self._at((xmin, ymax))
        right, bottom = self._at((xmax, ymin))
        return pygame.Rect(round(left), round(top), round(right) - round(left), round(bottom) - round(top))

    def _paint_grid(self, layer: pygame.Surface) -> None:
        if self.grid is None:
            return
        xmin, ymin, xmax, ymax = self.bounds
        for x in np.arange(xmin, xmax, self.grid):
            pygame.draw.line(layer, GRID, self._at((x, ymin)), self._at((x, ymax)), width=2)
        for y in np.arange(ymin, ymax, self.grid):
            pygame.draw.line(layer, GRID, self._at((xmin, y)), self._at((xmax, y)), width=2)

    def _paint_obstacle(self, layer: pygame.Surface, obstacle: Array, border: int, colour: Colour) -> None:
        """An obstacle, grown by a border; corners are rounded by its rounding (a circle: by all of it)."""
        cx, cy, half_x, half_y, rounding, _, s = map(float, obstacle)
        if s != 0.0 and max(half_x, half_y) > 0.0:
            self._paint_turned(layer, obstacle, border, colour)
            return
        half_x, half_y = half_x + rounding, half_y + rounding
        box = self._box(cx - half_x, cy - half_y, cx + half_x, cy + half_y).inflate(2 * border, 2 * border)
        corner = round(rounding * self._scale) + border if rounding > 0.0 else 0
        pygame.draw.rect(layer, colour, box, border_radius=corner)

    def _paint_turned(self, layer: pygame.Surface, obstacle: Array, border: int, colour: Colour) -> None:
        """A turned box, grown by a border: its core grown on each side, and discs at its corners if it is rounded."""
        cx, cy, half_x, half_y, rounding, c, s = map(float, obstacle)
        grown = rounding + border / self._scale
        around = grown if rounding == 0.0 else 0.0
        for wide, high in ((half_x + grown, half_y + around), (half_x + around, half_y + grown)):
            corners = [(wide, high), (-wide, high), (-wide, -high), (wide, -high)]
            points = np.array([(cx + c * u - s * v, cy + s * u + c * v) for u, v in corners])
            pygame.draw.polygon(layer, colour, self._many(points))
        for u, v in itertools.product((-half_x, half_x), (-half_y, half_y)) if rounding > 0.0 else ():
            centre = self._at((cx + c * u - s * v, cy + s * u + c * v))
            pygame.draw.circle(layer, colour, centre, grown * self._scale)

    def _paint_legend(self, layer: pygame.Surface) -> None:
        """A colour bar, top right: bold … careful."""
        width, height = 110 * _SMOOTH, 9 * _SMOOTH
        careful = self._lettering.text("careful", round(0.85 * self._size), FAINT)
        bold = self._lettering.text("bold", round(0.85 * self._size), FAINT)
        right = _SMOOTH * (self.size[0] - _MARGIN) - careful.get_width()
        middle = _SMOOTH * (_MARGIN + self._header) // 2
        left = right - 8 * _SMOOTH - width
        for step in range(width):
            colour = tuner_colour(step / (width - 1))
            pygame.draw.line(layer, colour, (left + step, middle - height // 2), (left + step, middle + height // 2))
        layer.blit(careful, careful.get_rect(midleft=(right, middle)))
        layer.blit(bold, bold.get_rect(midright=(left - 8 * _SMOOTH, middle)))

    def _paint_trails(self, scene: Scene, fills: list[Colour]) -> None:
        """A fading line behind each robot."""
        most, thin, palest, change = (24, 4 * _SMOOTH, 0.8, 0.7) if scene.bold_trails else (6, 2, 0.95, 0.4)
        for trail, colour, radius in zip(scene.trails or (), fills, scene.radii, strict=False):
            if trail is None or len(trail) < 2:
                continue
            points = self._many(np.asarray(trail))
            width = max(thin, round(0.35 * radius * self._scale))
            bands = min(most, len(points) - 1)
            edges = np.linspace(0, len(points) - 1, bands + 1).round().astype(int)
            for band in range(bands):
                faded = tint(colour, palest - change * (band + 1) / bands)
                pygame.draw.lines(self._canvas, faded, False, points[edges[band] : edges[band + 1] + 1], width)

    def _paint_plans(self, scene: Scene, colours: list[Colour]) -> None:
        """Links, planned paths, and goals as diamonds."""
        for first, second in scene.links:
            ends = self._at(scene.positions[first]), self._at(scene.positions[second])
            pygame.draw.line(self._canvas, tint(FAINT, 0.6), *ends, width=_SMOOTH)
        for path, colour in zip(scene.paths or (), colours, strict=False):
            if path is not None and len(path) > 1:
                pygame.draw.lines(self._canvas, tint(colour, 0.45), False, self._many(np.asarray(path)), 2 * _SMOOTH)
        if scene.goals is None:
            return
        for goal, radius, colour in zip(scene.goals, scene.radii, colours, strict=False):
            if np.isfinite(goal).all():
                x, y = self._at(goal)
                size = max(5.0 * _SMOOTH, 0.62 * radius * self._scale)
                for reach, shade in ((size + 1.5 * _SMOOTH, FLOOR), (size, colour), (0.55 * size, FLOOR)):
                    corners = [(x + reach, y), (x, y + reach), (x - reach, y), (x, y - reach)]
                    pygame.draw.polygon(self._canvas, shade, corners)

    def _paint_robots(self, scene: Scene, fills: list[Colour], colours: list[Colour]) -> None:
        """Bodies with a rim, a light wedge that points ahead, and the number where there is room."""
        for robot, (position, radius) in enumerate(zip(scene.positions, scene.radii, strict=True)):
            centre, size = self._at(position), max(3.0 * _SMOOTH, float(radius) * self._scale)
            fill, rim = fills[robot], max(_SMOOTH, round(0.10 * size))
            if scene.contacts is not None and scene.contacts[robot]:
                pygame.draw.circle(self._canvas, tint(ALARM, 0.45), centre, size * 1.55)
                pygame.draw.circle(self._canvas, ALARM, centre, size * 1.55, width=rim)
            outline = None if scene.outlines is None else scene.outlines[robot]
            if outline is None:
                pygame.draw.circle(self._canvas, tint(fill, 0.5, INK), centre, size)
                pygame.draw.circle(self._canvas, fill, centre, size - rim)
            else:
                size = self._paint_outline(outline, rim, fill)
                centre = self._at(outline.mean(axis=0))
            if scene.headings is not None:
                heading = float(scene.headings[robot])
                self._paint_heading(centre, size - rim, heading, fill)
                # The number steps back to leave the wedge free.
                centre = (
                    centre[0] - 0.22 * size * math.cos(heading),
                    centre[1] + 0.22 * size * math.sin(heading),
                )
            if size >= 8 * _SMOOTH:
                label = str(robot) if scene.labels is None else scene.labels[robot]
                self._paint_label(label, centre, size, fill)

    def _paint_outline(self, outline: Array, rim: int, fill: Colour) -> float:
        """A polygon with a rim; returns the radius of what is written in it."""
        middle, corners = outline.mean(axis=0), self._many(outline)
        inner = np.hypot(*(outline - middle).T).min() * self._scale
        least = max(2.0 * _SMOOTH, inner)
        share = max(1.0 - rim / least, 0.0)
        pygame.draw.polygon(self._canvas, tint(fill, 0.5, INK), corners)
        pygame.draw.polygon(self._canvas, fill, self._many(middle + share * (outline - middle)))
        return float(distances_inside(outline, middle[None])[0] * self._scale)

    def _paint_heading(self, centre: tuple[float, float], size: float, heading: float, fill: Colour) -> None:
        """A light chevron at the rim that points ahead."""
        tips = ((1.02, 0.0), (0.72, 0.78), (0.42, 0.0), (0.72, -0.78))
        corners = [
            (
                centre[0] + size * reach * math.cos(heading + side),
                centre[1] - size * reach * math.sin(heading + side),
            )
            for reach, side in tips
        ]
        pygame.draw.polygon(self._canvas, tint(fill, 0.85), corners)

    def _paint_label(self, label: str, centre: tuple[float, float], size: float, fill: Colour) -> None:
        light = 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2] < 150.0
        text = self._lettering.text(label, round(1.05 * size), FLOOR if light else INK)
        self._canvas.blit(text, text.get_rect(center=(round(centre[0]), round(centre[1]))))

    def _paint_discs(self, scene: Scene) -> None:
        """Outlined circles, over everything."""
        for x, y, radius in scene.discs if scene.discs is not None else ():
            size = max(5.0 * _SMOOTH, float(radius) * self._scale)
            pygame.draw.circle(self._canvas, ALARM, self._at((x, y)), size, width=2 * _SMOOTH)

    def _paint_caption(self, scene: Scene) -> None:
        """The texts above the picture."""
        left = max(_SMOOTH * _MARGIN, self._left)
        for line in scene.caption:
            text = self._lettering.text(line, self._size, INK)
            self._canvas.blit(text, text.get_rect(midleft=(left, _SMOOTH * (_MARGIN + self._header) // 2)))
            left += text.get_width() + round(1.4 * self._size)
