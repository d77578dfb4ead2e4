"""A bar for long work, and lines instead of it where nobody watches: into a file or a pipe."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import Progress, ProgressColumn, TaskID

EVERY = 10.0  # [s]


class ProgressBar(Progress):
    """rich's bar; where the console is no terminal, the same as a line every ten seconds.

    Args:
        columns: As of ``rich.progress.Progress``.
        console: Where it is shown.
        transient: Whether a terminal forgets it in the end.
    """

    def __init__(self, *columns: str | ProgressColumn, console: Console, transient: bool = False) -> None:
        super().__init__(*columns, console=console, transient=transient)
        self._due = time.monotonic() + EVERY

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """As of ``Progress``."""
        super().update(task_id, **changes)
        self._tell()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """As of ``Progress``."""
        super().advance(task_id, advance)
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now >= self._due and not self.console.is_terminal:
            self._due = now + EVERY
            self.console.print(self.get_renderable())
