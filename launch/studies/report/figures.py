"""Plots for reports: what robots drove, what they chose on the way, success against the size of the team.

Small PNG files with few colours; matplotlib's own windows are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from envs.arena.episodes import Track
from envs.render.colours import robot_hue
from envs.render.drawing import Painter
from envs.render.scene import Scene
from swarm.array_types import Array
from swarm.filter.tunables import OBSTACLE_GAIN, ROBOT_GAIN, ROTATION, SPEED, decode

_INK, _FAINT = "#2b2b2b", "#8a8a8a"
_DPI, _COLOURS = 100, 256
_PIXELS = 640  # of an episode, which is shown at about half of that
_TRAIL_POINTS = 240
_GAINS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
# Robots of a small team have their number at their start.
_NUMBERED = 4


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG with a palette, which is a third of the size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def colour_of(robot: int) -> tuple[float, float, float]:
    """The colour that a robot has in all pictures."""
    red, green, blue = robot_hue(robot)
    return red / 255.0, green / 255.0, blue / 255.0


def draw_track(axes: Axes, track: Track, title: str) -> None:
    """One episode: obstacles, where each robot went (paler at first), where it ended, and its goal as a diamond."""
    world, team = track.scenario.world, track.scenario.robots
    trails = track.state[:: max(1, len(track.state) // _TRAIL_POINTS), :, :2].transpose(1, 0, 2)
    scene = Scene(
        world.obstacles, track.state[-1, :, :2], np.array([robot.radius for robot in team]),
        goals=np.array([robot.goals[-1] for robot in team]), trails=list(trails), bold_trails=True,
        labels=[""] * len(team), strangers=np.array([not robot.cooperative for robot in team]),
    )  # fmt: skip
    xmin, ymin, xmax, ymax = world.bounds
    axes.imshow(Painter(world.bounds, pixels=_PIXELS).world(scene), extent=(xmin, xmax, ymin, ymax))
    axes.set(xticks=[], yticks=[])
    for i, trail in enumerate(trails if len(team) <= _NUMBERED else ()):
        axes.annotate(str(i), trail[0], fontsize=9, color=colour_of(i), ha="center", va="center", weight="bold")
    for spine in axes.spines.values():
        spine.set_color(_FAINT)
    axes.set_title(title, fontsize=9, color=_INK)


def trajectories(path: Path, pairs: Sequence[Sequence[tuple[str, Track]]]) -> None:
    """A grid of episodes: a column for each case, a row for each controller.

    Args:
        path: File to write.
        pairs: For each case, a title and a track of each controller.
    """
    rows, columns = len(pairs[0]), len(pairs)
    figure = Figure(figsize=(3.3 * columns, 3.5 * rows), dpi=_DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for column, pair in enumerate(pairs):
        for row, (title, track) in enumerate(pair):
            draw_track(grid[row][column], track, title)
    save(figure, path)


def choices(path: Path, track: Track, title: str) -> None:
    """What two robots that meet choose over time: where they go, how near they are, gains, rotation and speed."""
    time = track.scenario.dt * np.arange(len(track.action))
    values = decode(track.action)
    gap = np.linalg.norm(track.state[:-1, 0, :2] - track.state[:-1, 1, :2], axis=1)
    gap = gap - sum(robot.radius for robot in track.scenario.robots[:2])
    figure = Figure(figsize=(9.0, 6.0), dpi=_DPI, layout="constrained")
    parts = figure.add_gridspec(4, 2, width_ratios=(1.0, 1.25))
    draw_track(figure.add_subplot(parts[:, 0]), track, title)
    panels: tuple[tuple[str, list[Array], dict[str, Any]], ...] = (
        ("gap between\nthem, m", [gap], {}),
        ("gain, 1/s\n(dotted:\nobstacles)", [values[:, :, ROBOT_GAIN], values[:, :, OBSTACLE_GAIN]], {"yscale": "log"}),
        ("rotation,\ndegrees", [np.degrees(values[:, :, ROTATION])], {}),
        ("speed, share", [values[:, :, SPEED]], {"ylim": (0.0, 1.05)}),
    )  # fmt: skip
    for row, (label, curves, options) in enumerate(panels):
        axes = figure.add_subplot(parts[row, 1])
        for curve, style in zip(curves, ("-", ":"), strict=False):
            if curve.ndim == 1:
                axes.plot(time, curve, style, color=_INK, linewidth=1.2)
                continue
            for i in range(2):
                axes.plot(time, curve[:, i], style, color=colour_of(i), linewidth=1.4)
        axes.set(xlim=(0.0, time[-1]), **options)
        if axes.get_yscale() == "log":
            axes.set_yticks(_GAINS, [f"{gain:g}" for gain in _GAINS])
            axes.set_ylim(0.18, 22.0)
            axes.minorticks_off()
        _tidy(axes, label, "time, s" if row == len(panels) - 1 else "")
    save(figure, path)


def team_sizes(path: Path, curves: Mapping[str, Mapping[int, float]]) -> None:
    """Success (%) against the number of robots.

    Args:
        path: File to write.
        curves: For each name, success by team size.
    """
    figure = Figure(figsize=(6.4, 3.8), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    for number, (name, curve) in enumerate(curves.items()):
        axes.plot(list(curve), list(curve.values()), "o-", color=colour_of(number), label=name, linewidth=1.6)
    sizes = sorted({size for curve in curves.values() for size in curve})
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    _tidy(axes, "success, %", "robots")
    axes.legend(fontsize=8, frameon=False, loc="best")
    save(figure, path)


def _tidy(axes: Axes, ylabel: str, xlabel: str) -> None:
    axes.set_ylabel(ylabel, fontsize=8)
    axes.set_xlabel(xlabel, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(color="#e6e3dd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
