"""What the subcommands of ``launch/evaluate.py`` share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from envs.commands.progress import ProgressBar
from swarm.errors import InputError

Record = dict[str, Any]


def check_names(names: Iterable[str]) -> None:
    """Trajectories go into one folder: their names must be names of files, and differ."""
    seen = set()
    for name in names:
        if name in seen or "/" in name or "\0" in name:
            raise InputError("--trajectories", f"{name}.npz", "episodes with different names, each good for a file")
        seen.add(name)


def progress_bar(console: Console, what: str, figures: Sequence[str]) -> ProgressBar:
    """A bar over episodes or steps, with ``figures`` that matter."""
    shown = " · ".join(f"{name} {{task.fields[{name}]}}" for name in figures)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(shown), TimeRemainingColumn())
    return ProgressBar(*columns, console=console, transient=True)


def met_strangers(records: Sequence[Record]) -> bool:
    """Whether anybody was met by one who ignores everybody; then tables have a column for it."""
    return any(entry["contacts_moving"] or entry["contacts_standing"] for entry in records)


def contacts(records: Sequence[Record]) -> str:
    """How often robots were met by one who ignores everybody: while they moved, and while they stood."""
    return "/".join(str(sum(entry[f"contacts_{key}"] for entry in records)) for key in ("moving", "standing"))
