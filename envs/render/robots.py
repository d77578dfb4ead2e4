"""What moves: robots, where they have been, and what they plan."""

from __future__ import annotations

import math

import numpy as np
import pygame

from envs.render.canvas import SMOOTH, Canvas
from envs.render.colours import ALARM, FAINT, FLOOR, INK, Colour, tint
from envs.render.scene import Scene
from swarm.array_types import Array
from swarm.model.footprint.polygon import distances_inside


def paint_trails(canvas: Canvas, scene: Scene, fills: list[Colour]) -> None:
    """A fading line behind each robot."""
    most, thin, palest, change = (24, 4 * SMOOTH, 0.8, 0.7) if scene.bold_trails else (6, 2, 0.95, 0.4)
    for trail, colour, radius in zip(scene.trails or (), fills, scene.radii, strict=False):
        if trail is None or len(trail) < 2:
            continue
        points = canvas.many(np.asarray(trail))
        width = max(thin, round(0.35 * radius * canvas.scale))
        bands = min(most, len(points) - 1)
        edges = np.linspace(0, len(points) - 1, bands + 1).round().astype(int)
        for band in range(bands):
            faded = tint(colour, palest - change * (band + 1) / bands)
            pygame.draw.lines(canvas.surface, faded, False, points[edges[band] : edges[band + 1] + 1], width)


def paint_plans(canvas: Canvas, scene: Scene, colours: list[Colour]) -> None:
    """Links, planned paths, and goals as diamonds."""
    for first, second in scene.links:
        ends = canvas.at(scene.positions[first]), canvas.at(scene.positions[second])
        pygame.draw.line(canvas.surface, tint(FAINT, 0.6), *ends, width=SMOOTH)
    for path, colour in zip(scene.paths or (), colours, strict=False):
        if path is not None and len(path) > 1:
            pygame.draw.lines(canvas.surface, tint(colour, 0.45), False, canvas.many(np.asarray(path)), 2 * SMOOTH)
    if scene.goals is None:
        return
    for goal, radius, colour in zip(scene.goals, scene.radii, colours, strict=False):
        if np.isfinite(goal).all():
            x, y = canvas.at(goal)
            size = max(5.0 * SMOOTH, 0.62 * radius * canvas.scale)
            for reach, shade in ((size + 1.5 * SMOOTH, FLOOR), (size, colour), (0.55 * size, FLOOR)):
                corners = [(x + reach, y), (x, y + reach), (x - reach, y), (x, y - reach)]
                pygame.draw.polygon(canvas.surface, shade, corners)


def paint_robots(canvas: Canvas, scene: Scene, fills: list[Colour]) -> None:
    """Bodies with a rim, a light wedge that points ahead, and the number where there is room."""
    for robot, (position, radius) in enumerate(zip(scene.positions, scene.radii, strict=True)):
        centre, size = canvas.at(position), max(3.0 * SMOOTH, float(radius) * canvas.scale)
        fill, rim = fills[robot], max(SMOOTH, round(0.10 * size))
        if scene.contacts is not None and scene.contacts[robot]:
            pygame.draw.circle(canvas.surface, tint(ALARM, 0.45), centre, size * 1.55)
            pygame.draw.circle(canvas.surface, ALARM, centre, size * 1.55, width=rim)
        outline = None if scene.outlines is None else scene.outlines[robot]
        if outline is None:
            pygame.draw.circle(canvas.surface, tint(fill, 0.5, INK), centre, size)
            pygame.draw.circle(canvas.surface, fill, centre, size - rim)
        else:
            size = _outline(canvas, outline, rim, fill)
            centre = canvas.at(outline.mean(axis=0))
        if scene.headings is not None:
            heading = float(scene.headings[robot])
            _heading(canvas, centre, size - rim, heading, fill)
            # The number steps back to leave the wedge free.
            centre = (
                centre[0] - 0.22 * size * math.cos(heading),
                centre[1] + 0.22 * size * math.sin(heading),
            )
        if size >= 8 * SMOOTH:
            label = str(robot) if scene.labels is None else scene.labels[robot]
            _label(canvas, label, centre, size, fill)


def _outline(canvas: Canvas, outline: Array, rim: int, fill: Colour) -> float:
    """A polygon with a rim; returns the radius of what is written in it."""
    middle, corners = outline.mean(axis=0), canvas.many(outline)
    inner = np.hypot(*(outline - middle).T).min() * canvas.scale
    least = max(2.0 * SMOOTH, inner)
    share = max(1.0 - rim / least, 0.0)
    pygame.draw.polygon(canvas.surface, tint(fill, 0.5, INK), corners)
    pygame.draw.polygon(canvas.surface, fill, canvas.many(middle + share * (outline - middle)))
    return float(distances_inside(outline, middle[None])[0] * canvas.scale)


def _heading(canvas: Canvas, centre: tuple[float, float], size: float, heading: float, fill: Colour) -> None:
    """A light chevron at the rim that points ahead."""
    tips = ((1.02, 0.0), (0.72, 0.78), (0.42, 0.0), (0.72, -0.78))
    corners = [
        (
            centre[0] + size * reach * math.cos(heading + side),
            centre[1] - size * reach * math.sin(heading + side),
        )
        for reach, side in tips
    ]
    pygame.draw.polygon(canvas.surface, tint(fill, 0.85), corners)


def _label(canvas: Canvas, label: str, centre: tuple[float, float], size: float, fill: Colour) -> None:
    light = 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2] < 150.0
    text = canvas.lettering.text(label, round(1.05 * size), FLOOR if light else INK)
    canvas.surface.blit(text, text.get_rect(center=(round(centre[0]), round(centre[1]))))


def paint_discs(canvas: Canvas, scene: Scene) -> None:
    """Outlined circles, over everything."""
    for x, y, radius in scene.discs if scene.discs is not None else ():
        size = max(5.0 * SMOOTH, float(radius) * canvas.scale)
        pygame.draw.circle(canvas.surface, ALARM, canvas.at((x, y)), size, width=2 * SMOOTH)
