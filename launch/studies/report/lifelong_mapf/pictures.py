"""The pictures of the report on lifelong path finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from studies.report import figures
from studies.report.lifelong_mapf.study import PLANNERS, LifelongMapfStudy


def draw_pictures(of: LifelongMapfStudy, folder: Path) -> list[tuple[str, str]]:
    """Draw them all into a folder; returns file names and captions."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [_large(of, folder / "large_teams.png"), _sizes(of, folder / "team_size.png"), *_jams(of, folder)]
    keep = {name for name, _ in found}
    for old in folder.glob("*.png"):
        if old.name not in keep:
            old.unlink()
    return found


def _curves(axes: Any, x: Any, curves: dict[str, Any], labels: tuple[str, str]) -> None:
    for number, (name, values) in enumerate(curves.items()):
        axes.plot(x[: len(values)], values, "-o", markersize=4, color=f"C{number}", label=name)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.grid(alpha=0.3)


def _large(of: LifelongMapfStudy, path: Path) -> tuple[str, str]:
    """Throughput and time of a step against team size in the large warehouse."""
    results = {
        planner: [of.lab[of.grow_job(robots, planner)] for robots in of.large_sizes(planner)] for planner in PLANNERS
    }
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, name, label in ((left, "throughput", "goals a step"), (right, "p50", "ms a step, one thread")):
        curves = {planner: [entry[name] for entry in entries] for planner, entries in results.items()}
        _curves(axes, of.scale.large, curves, ("robots", label))
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=0.1)  # A team that jams has no throughput at all.
        axes.set_ylim(bottom=0.0)
    left.legend(frameon=False)
    figures.save(figure, path)
    return path.name, "One large warehouse: throughput, and time of a step of the whole team, against team size."


def _sizes(of: LifelongMapfStudy, path: Path) -> tuple[str, str]:
    """Throughput against team size in every suite."""
    columns = 3
    rows = -(-len(of.suites) // columns)
    figure = Figure(figsize=(10.0, 3.0 * rows), layout="constrained")
    grid = np.ravel(figure.subplots(rows, columns))
    for axes, suite in zip(grid, of.suites, strict=False):
        curves = {planner: of.throughput(suite, planner).mean(axis=0) for planner in PLANNERS}
        _curves(axes, suite.sizes, curves, ("robots", "goals a step"))
        axes.set_title(suite.title, fontsize=9)
    for axes in grid[len(of.suites) :]:
        axes.axis("off")
    grid[0].legend(frameon=False, fontsize=8)
    figures.save(figure, path)
    return path.name, "Throughput against team size."


def _jams(of: LifelongMapfStudy, folder: Path) -> list[tuple[str, str]]:
    """Where robots stand, with two planners side by side."""
    found = []
    for suite in of.pictured:
        results = [(planner, of.lab[of.jam_job(suite, planner)]) for planner in ("guided", "pibt")]
        counts = [np.array(result["stood"], dtype=float) for _, result in results]
        most = max(1.0, float(np.percentile(np.concatenate([count[count >= 0] for count in counts]), 99.5)))
        path = folder / f"jams_{suite.name}.png"
        figure = Figure(figsize=(10.0, 4.2), layout="constrained")
        grid = figure.subplots(1, 2)
        for axes, (planner, result), count in zip(grid, results, counts, strict=True):
            image = axes.imshow(np.ma.masked_less(count, 0.0), cmap="inferno_r", vmin=0.0, vmax=most)
            axes.set_facecolor("0.6")
            axes.set_title(f"{planner}: {result['goals']} goals", fontsize=10)
            axes.set_xticks([])
            axes.set_yticks([])
        figure.colorbar(image, ax=grid, shrink=0.8, label="robot-steps without a move")
        figures.save(figure, path)
        caption = (
            f"{suite.title}, {suite.sizes[-1]} robots, {of.scale.steps} steps: where robots stand; walls are grey."
        )
        found.append((path.name, caption))
    return found
