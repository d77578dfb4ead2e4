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


def draw_curves(curves: Mapping[str, Curve]) -> bytes:
    """A picture (PNG) of curves over million robot-steps, side by side under their titles."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.0), dpi=110, layout="constrained")
    for axes, (title, curve) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
        axes.plot(*curve, color="#1f6f8b", linewidth=1.2)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("million robot-steps", fontsize=9)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
