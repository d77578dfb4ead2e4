"""One two-dimensional renderer for every environment: a scene in, a picture out.

Pictures are drawn at twice their size and scaled down, which smooths every edge. Whatever does not move
(floor, obstacles, grid lines, legend) is drawn once and kept. World coordinates are metres, x right, y up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pygame

from envs.render.canvas import MARGIN, SMOOTH, Canvas
from envs.render.colours import INK, STRANGER, robot_hue, tuner_colour
from envs.render.ground import paint_ground
from envs.render.robots import paint_discs, paint_plans, paint_robots, paint_trails
from envs.render.scene import Scene
from swarm.array_types import Array, UInt8s
from swarm.errors import InputError
from swarm.model.geometry import as_obstacles

_TEXT = 19  # Height of texts [pixels].


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
        self._canvas, self.grid = Canvas(bounds, pixels, text), grid
        if grid is not None and not grid > 0.0:
            raise InputError("grid", grid, "a distance above 0, or None")
        self._finished = self._canvas.layer(1)
        self._static: tuple[bytes, pygame.Surface] | None = None
        self._window: pygame.Surface | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """What is shown [m]."""
        return self._canvas.bounds

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture [pixels]."""
        return self._canvas.size

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
        """Where a point of the world [m] is in the picture: column, row."""
        return self._canvas.pixel(xy)

    def _paint(self, scene: Scene) -> None:
        canvas = self._canvas
        canvas.surface.blit(self._background(scene), (0, 0))
        canvas.surface.set_clip(canvas.box(*canvas.bounds).inflate(2 * MARGIN * SMOOTH, 2 * MARGIN * SMOOTH))
        colours = [robot_hue(robot) for robot in range(len(scene.positions))]
        for robot in np.flatnonzero(scene.strangers if scene.strangers is not None else ()):
            colours[robot] = STRANGER
        fills = colours
        if scene.colour_value is not None:
            fills = [tuner_colour(value) for value in scene.colour_value]
        paint_trails(canvas, scene, fills)
        paint_plans(canvas, scene, colours)
        paint_robots(canvas, scene, fills)
        paint_discs(canvas, scene)
        canvas.surface.set_clip(None)
        self._paint_caption(scene)
        pygame.transform.smoothscale(canvas.surface, self.size, self._finished)

    def _background(self, scene: Scene) -> pygame.Surface:
        """The layer that does not change, painted anew only when the obstacles or the legend do."""
        obstacles, legend = as_obstacles(scene.obstacles), scene.colour_value is not None
        key = obstacles.tobytes() + bytes([legend])
        if self._static is None or self._static[0] != key:
            self._static = key, paint_ground(self._canvas, obstacles, self.grid, legend=legend)
        return self._static[1]

    def _paint_caption(self, scene: Scene) -> None:
        """The texts above the picture."""
        left = max(SMOOTH * MARGIN, self._canvas.left)
        for line in scene.caption:
            text = self._canvas.lettering.text(line, self._canvas.text_size, INK)
            self._canvas.surface.blit(text, text.get_rect(midleft=(left, SMOOTH * (MARGIN + self._canvas.header) // 2)))
            left += text.get_width() + round(1.4 * self._canvas.text_size)
