"""The log of a training: its rows as CSV, and pictures of them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOG, CURVE = "progress.csv", "learning_curve.png"
"""Files of a checkpoint folder."""
SMOOTHED = 40
"""A smoothed curve takes the mean over such a part of its length."""
_LINE = "#1f6f8b"
NOT_EVALUATED = "Not evaluated yet."
"""What a card says until its checkpoint is evaluated."""

Row = dict[str, Any]
Curve = tuple[list[float], list[float]]


def log_row(done: int, steps_per_update: int, minutes: float, seconds: float, figures: Mapping[str, float]) -> Row:
    """What is logged of an update.

    Args:
        done: Updates so far.
        steps_per_update: Robot-steps of each.
        minutes: That the training has taken so far.
        seconds: That this update took.
        figures: Of the optimisation and of episodes that ended.
    """
    return {
        "update": done,
        "robot_steps": done * steps_per_update,
        "minutes": round(minutes, 3),
        "steps_per_second": round(steps_per_update / seconds),
        **{name: float(f"{value:.6g}") for name, value in figures.items()},
    }


def read_log(path: Path, updates: float = math.inf) -> list[Row]:
    """Rows of the first so many updates, of all if not given; none if there is no log."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["update"]) <= updates]


def write_log(path: Path, columns: Sequence[str], rows: list[Row], *, append: bool = False) -> None:
    """Write or append rows."""
    with path.open("a" if append else "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        if not append:
            writer.writeheader()
        writer.writerows(rows)


def known(rows: list[Row], name: str) -> Curve:
    """Million robot-steps, and the figure ``name``, of the updates that know it (episodes have to end)."""
    chosen = [row for row in rows if row.get(name, "") != ""]
    return [float(row["robot_steps"]) / 1e6 for row in chosen], [float(row[name]) for row in chosen]


def smoothed(values: Sequence[float]) -> list[float]:
    """Each value's mean with those around it, a fortieth of all; at the ends those that there are."""
    reach = len(values) // (2 * SMOOTHED)
    parts = (values[max(0, k - reach) : k + reach + 1] for k in range(len(values)))
    return [math.fsum(part) / len(part) for part in parts]


def draw_curves(curves: Mapping[str, Curve]) -> bytes:
    """A picture (PNG) of curves over million (of short trainings: thousand) robot-steps, side by side, with titles.

    The line is smoothed, with what it is the mean of pale behind it. What is zero all the time is a line of text.
    """
    from matplotlib.figure import Figure

    drawn = {title: curve for title, curve in curves.items() if any(curve[1])}
    zero = [title for title, curve in curves.items() if curve[1] and title not in drawn]
    figure = Figure(figsize=(max(3.0, 3.0 * len(drawn)), 3.0), dpi=110, layout="constrained")
    panels = figure.subplots(1, len(drawn), squeeze=False)[0] if drawn else ()
    short = max((max(steps) for steps, _ in drawn.values()), default=1.0) < 0.1
    for axes, (title, (steps, values)) in zip(panels, drawn.items(), strict=True):
        steps = [1e3 * step for step in steps] if short else steps
        axes.plot(steps, values, color=_LINE, linewidth=0.8, alpha=0.28)
        axes.plot(steps, smoothed(values), color=_LINE, linewidth=2.0)
        axes.set_title(title, fontsize=12)
        axes.set_xlabel("thousand robot-steps" if short else "million robot-steps", fontsize=11)
        axes.locator_params(axis="x", nbins=5)
        axes.tick_params(labelsize=11)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    if zero:
        figure.supxlabel(f"{', '.join(zero)}: 0 all the time", fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
