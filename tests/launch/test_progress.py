"""Long work is told of in lines where no terminal shows a bar."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import TextColumn

from envs.commands import progress
from envs.commands.progress import ProgressBar


def told(monkeypatch: pytest.MonkeyPatch, every: float, *, terminal: bool = False) -> str:
    monkeypatch.setattr(progress, "EVERY", every)
    out = io.StringIO()
    columns = TextColumn("{task.description} {task.completed:.0f} of {task.total:.0f} {task.fields[map]}")
    with ProgressBar(columns, console=Console(file=out, force_terminal=terminal), transient=True) as bar:
        task = bar.add_task("episodes", total=3, map="–")
        bar.update(task, map="hall")
        bar.advance(task)
        bar.advance(task)
    return out.getvalue()


def test_a_file_gets_lines_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line.strip() for line in told(monkeypatch, 0.0).splitlines() if line.strip()]
    assert lines == ["episodes 0 of 3 hall", "episodes 1 of 3 hall", "episodes 2 of 3 hall"]
    assert told(monkeypatch, 1e6).strip() == ""


def test_a_terminal_gets_a_bar_and_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[2K" in told(monkeypatch, 0.0, terminal=True)
