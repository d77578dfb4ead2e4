"""A finished episode on a grid as an animated SVG: one file without scripts that every browser plays, in a loop.

Units are cells. What moves is an ``<animate>`` over the whole episode with a key time only where something changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from envs.render.colours import robot_hue
from envs.render.grid_replay import STEPS_A_SECOND, Leg, Replay
from envs.render.grid_scene import DISC, FEW
from swarm.array_types import Array, Flags, Int64s
from swarm.errors import InputError
from swarm.files.text_files import write_text

_HEADER = 1.4  # cells above the map, for the title
_PIXELS = 760  # width when it is opened by itself


def svg_of(replay: Replay) -> str:
    """The episode as the text of an SVG: robots as discs, goals as squares, and the ways to them (of small teams)."""
    rows, columns = replay.grid.free.shape
    height = rows + _HEADER
    length = f'dur="{max(len(replay.cells) - 1, 1) / STEPS_A_SECOND:g}s" repeatCount="indefinite"'
    count = replay.cells.shape[1]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {-_HEADER} {columns} {height:g}" '
        f'width="{_PIXELS}" height="{_PIXELS * height / columns:.0f}">',
        f'<rect y="{-_HEADER}" width="{columns}" height="{height:g}" fill="#faf9f6"/>',
        # A font of less than a pixel is not drawn everywhere: scaled down instead.
        f'<text transform="translate(0.3 -0.45) scale({min(0.8, columns / 32) / 16:g})" font-family="sans-serif" '
        f'font-size="16" fill="#2c303a">{escape(replay.title)}</text>',
        f'<rect width="{columns}" height="{rows}" fill="#fff"/>',
        f'<path d="{_walls(replay.grid.free)}" fill="#606878" shape-rendering="crispEdges"/>',
    ]
    for robot in range(count):
        legs, colour = replay.legs[robot], "#{:02x}{:02x}{:02x}".format(*robot_hue(robot))
        lines.append(f'<g stroke="{colour}" fill="none" stroke-width="0.12">')
        if count <= FEW:
            ways = "".join(_way(replay.cells[:, robot], leg, len(replay.cells), length) for leg in legs)
            lines.append(f'<g opacity="0.35" visibility="hidden">{ways}</g>')
        lines.append(_goal(legs, len(replay.cells), length) + "</g>")
    for robot in range(count):
        colour = "#{:02x}{:02x}{:02x}".format(*robot_hue(robot))
        lines.append(_disc(replay.cells[:, robot], robot, colour, length))
    return "\n".join([*lines, "</svg>"]) + "\n"


def save_svg(path: str | Path, replay: Replay) -> None:
    """Write the episode as an animated SVG, whole or not at all.

    Raises:
        InputError: If the file cannot be written there.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(path), str(error), "a file in a folder that can be written") from None
    write_text(path, svg_of(replay))


def _walls(free: Flags) -> str:
    """All walls as one path: a rectangle for each run of wall cells in a row."""
    parts = []
    for row, line in enumerate(free):
        edges = np.flatnonzero(np.diff(np.concatenate([[True], line, [True]]).astype(int)))
        parts += [f"M{first} {row}h{last - first}v1H{first}z" for first, last in zip(*[iter(edges)] * 2, strict=True)]
    return "".join(parts)


def _disc(track: Int64s, robot: int, colour: str, length: str) -> str:
    """A robot that moves along its track ``[T + 1, 2]``."""
    y, x = (track + 0.5).T
    moving = _animate("cx", x, length) + _animate("cy", y, length)
    head = f'<circle cx="{x[0]:g}" cy="{y[0]:g}" r="{DISC:g}" fill="{colour}">'
    return f"{head}<title>robot {robot}</title>{moving}</circle>"


def _animate(name: str, values: Array, length: str) -> str:
    """An attribute that changes steadily from step to step; nothing if it never does."""
    speed = np.diff(values)
    if not speed.any():
        return ""
    corners = np.concatenate([[0], 1 + np.flatnonzero(np.diff(speed)), [len(values) - 1]])
    times = ";".join(_time(corner, len(values)) for corner in corners)
    shown = ";".join(f"{value:g}" for value in values[corners])
    return f'<animate attributeName="{name}" values="{shown}" keyTimes="{times}" {length}/>'


def _time(step: int, steps: int) -> str:
    """A step as a share of the episode, short."""
    return f"{step / max(steps - 1, 1):.5g}"


def _goal(legs: Sequence[Leg], steps: int, length: str) -> str:
    """A square that jumps from goal to goal."""
    if not legs:
        return ""
    times = ";".join(_time(leg.first, steps) for leg in legs)
    jumps = ""
    for name, axis in (("x", 1), ("y", 0)):
        values = ";".join(f"{leg.goal[axis] + 0.15:g}" for leg in legs)
        listed = f'values="{values}" keyTimes="{times}"'
        jumps += f'<animate attributeName="{name}" {listed} calcMode="discrete" {length}/>'
    over = _shown(0, legs[-1].last, steps, length) if legs[-1].reached else ""
    row, column = legs[0].goal
    return f'<rect x="{column + 0.15:g}" y="{row + 0.15:g}" width="0.7" height="0.7">{jumps}{over}</rect>'


def _way(track: Int64s, leg: Leg, steps: int, length: str) -> str:
    """The way that a robot goes to one goal, seen while it does."""
    cells = track[leg.first : leg.last + 1]
    corners = cells[np.concatenate([[True], np.diff(cells, axis=0).any(axis=1)])]
    straight = (np.diff(corners, 2, axis=0) == 0).all(axis=1)
    corners = corners[np.concatenate([[True], ~straight, [True]])[: len(corners)]]
    if len(corners) < 2:
        return ""
    row, column = corners[0] + 0.5
    moves = "".join(f"v{down}" if down else f"h{right}" for down, right in np.diff(corners, axis=0).tolist())
    return f'<path d="M{column:g} {row:g}{moves}">{_shown(leg.first, leg.last, steps, length)}</path>'


def _shown(first: int, last: int, steps: int, length: str) -> str:
    """Makes something visible from one step to another only."""
    values, times = ["visible"], [_time(first, steps)]
    if first > 0:
        values, times = ["hidden", *values], ["0", *times]
    if last < steps - 1:
        values, times = [*values, "hidden"], [*times, _time(last, steps)]
    listed = f'values="{";".join(values)}" keyTimes="{";".join(times)}"'
    return f'<animate attributeName="visibility" {listed} calcMode="discrete" {length}/>'
