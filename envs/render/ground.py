"""What does not move: floor, grid lines, obstacles, scale bar, legend."""

from __future__ import annotations

import itertools

import numpy as np
import pygame

from envs.render.canvas import MARGIN, SMOOTH, Canvas
from envs.render.colours import FAINT, FLOOR, GRID, PAPER, SHELF, SHELF_EDGE, Colour, tint, tuner_colour
from swarm.array_types import Array


def paint_ground(canvas: Canvas, obstacles: Array, grid: float | None, *, legend: bool) -> pygame.Surface:
    """A layer of its own.

    Args:
        canvas: For which it is.
        obstacles: ``float64[n, 7]`` (``swarm.model.geometry``).
        grid: Distance of the grid lines [m]; None: no lines.
        legend: Whether colours say how careful robots are.
    """
    layer = canvas.layer()
    layer.fill(PAPER)
    floor = canvas.box(*canvas.bounds)
    pygame.draw.rect(layer, FLOOR, floor)
    layer.set_clip(floor)
    if grid is not None:
        _grid(canvas, layer, grid)
    # All edges first: where obstacles meet, the bodies cover them, and one outline is left.
    for border, colour in ((SMOOTH, SHELF_EDGE), (0, SHELF)):
        for obstacle in obstacles:
            _obstacle(canvas, layer, obstacle, border, colour)
    layer.set_clip(None)
    pygame.draw.rect(layer, tint(FAINT, 0.5), floor.inflate(2, 2), width=2)
    middle = round(canvas.bottom + 0.5 * SMOOTH * MARGIN + 0.55 * canvas.text_size)
    canvas.lettering.scale_bar(layer, canvas.left, middle, canvas.scale, canvas.text_size)
    if legend:
        _legend(canvas, layer)
    return layer


def _grid(canvas: Canvas, layer: pygame.Surface, spacing: float) -> None:
    """Lines every so many metres."""
    xmin, ymin, xmax, ymax = canvas.bounds
    for x in np.arange(xmin, xmax, spacing):
        pygame.draw.line(layer, GRID, canvas.at((x, ymin)), canvas.at((x, ymax)), width=2)
    for y in np.arange(ymin, ymax, spacing):
        pygame.draw.line(layer, GRID, canvas.at((xmin, y)), canvas.at((xmax, y)), width=2)


def _obstacle(canvas: Canvas, layer: pygame.Surface, obstacle: Array, border: int, colour: Colour) -> None:
    """An obstacle, grown by a border; corners are rounded by its rounding (a circle: by all of it)."""
    cx, cy, half_x, half_y, rounding, _, s = map(float, obstacle)
    if s != 0.0 and max(half_x, half_y) > 0.0:
        _turned(canvas, layer, obstacle, border, colour)
        return
    half_x, half_y = half_x + rounding, half_y + rounding
    box = canvas.box(cx - half_x, cy - half_y, cx + half_x, cy + half_y).inflate(2 * border, 2 * border)
    corner = round(rounding * canvas.scale) + border if rounding > 0.0 else 0
    pygame.draw.rect(layer, colour, box, border_radius=corner)


def _turned(canvas: Canvas, layer: pygame.Surface, obstacle: Array, border: int, colour: Colour) -> None:
    """A turned box, grown by a border: its core grown on each side, and discs at its corners if it is rounded."""
    cx, cy, half_x, half_y, rounding, c, s = map(float, obstacle)
    grown = rounding + border / canvas.scale
    around = grown if rounding == 0.0 else 0.0
    for wide, high in ((half_x + grown, half_y + around), (half_x + around, half_y + grown)):
        corners = [(wide, high), (-wide, high), (-wide, -high), (wide, -high)]
        points = np.array([(cx + c * u - s * v, cy + s * u + c * v) for u, v in corners])
        pygame.draw.polygon(layer, colour, canvas.many(points))
    for u, v in itertools.product((-half_x, half_x), (-half_y, half_y)) if rounding > 0.0 else ():
        centre = canvas.at((cx + c * u - s * v, cy + s * u + c * v))
        pygame.draw.circle(layer, colour, centre, grown * canvas.scale)


def _legend(canvas: Canvas, layer: pygame.Surface) -> None:
    """A colour bar, top right: bold … careful."""
    width, height = 110 * SMOOTH, 9 * SMOOTH
    careful = canvas.lettering.text("careful", round(0.85 * canvas.text_size), FAINT)
    bold = canvas.lettering.text("bold", round(0.85 * canvas.text_size), FAINT)
    right = SMOOTH * (canvas.size[0] - MARGIN) - careful.get_width()
    middle = SMOOTH * (MARGIN + canvas.header) // 2
    left = right - 8 * SMOOTH - width
    for step in range(width):
        colour = tuner_colour(step / (width - 1))
        pygame.draw.line(layer, colour, (left + step, middle - height // 2), (left + step, middle + height // 2))
    layer.blit(careful, careful.get_rect(midleft=(right, middle)))
    layer.blit(bold, bold.get_rect(midright=(left - 8 * SMOOTH, middle)))
