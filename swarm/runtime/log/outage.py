"""What is known of a disk that does not take a log: when it is tried again, and what is said of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

from swarm.files.text_files import NO_SPACE
from swarm.runtime.link.status import MAX_TEXT

TOLD = 600.0
"""Seconds for which it is said that the disk works again."""
BEHIND = 10.0
"""Seconds for which it is said that the disk did not keep up."""
RETRY, RETRY_MOST = 5.0, 60.0
"""Seconds after which a disk that failed is tried again: at first, and at most. Each failure doubles them."""


@dataclass(frozen=True)
class _Said:
    """What is said of the last failure: the beginning, why it lasts (empty: it is over), records lost before, by it."""

    words: str = ""
    reason: str = ""
    before: int = 0
    lost: int = 0


class Outage:
    """One writer's disk; the writer tells what happens, and any thread may ask.

    Args:
        folder: Named in what is said.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._said = folder, _Said()
        self._wait, self._retry_at, self._works_at, self._behind_at = RETRY, -math.inf, -math.inf, -math.inf

    @property
    def reason(self) -> str:
        """Why the disk takes nothing now; empty while it does."""
        return self._said.reason

    @property
    def due(self) -> bool:
        """Whether the disk is to be used now: it works, or it is time to try it again."""
        return not self.reason or time.monotonic() >= self._retry_at

    def failed(self, error: OSError, dropped: int) -> None:
        """The disk did not take something.

        Args:
            error: Why.
            dropped: Records that were lost before.
        """
        now = time.monotonic()
        # One that works for a moment only is not asked more often than one that does not work at all.
        steady = not self.reason and now >= self._works_at + RETRY_MOST
        self._wait = RETRY if steady else min(2.0 * self._wait, RETRY_MOST)
        self._retry_at = now + self._wait
        words, before = self._said.words, self._said.before
        if not self.reason:
            words = f"log: {'disk full' if error.errno in NO_SPACE else 'not written'} since {_clock()}"
            before = dropped
        self._said = _Said(words, error.strerror or str(error) or repr(error), before)

    def works(self, dropped: int) -> None:
        """The disk took all that there was; ``dropped`` as in ``failed``."""
        if self.reason:
            self._works_at = time.monotonic()
            self._said = _Said(f"log: written again since {_clock()}", lost=dropped - self._said.before)

    def behind(self) -> None:
        """A record was lost since the writer waits for the disk."""
        self._behind_at = time.monotonic()

    def note(self, dropped: int, width: int = MAX_TEXT) -> str:
        """What a person should know, empty if all is well; the folder's name is shortened to fit.

        Args:
            dropped: Records that were lost so far.
            width: Most characters.
        """
        now, said = time.monotonic(), self._said
        words, end = said.words, f"; {said.lost} records lost"
        if said.reason:
            end = f": {said.reason}; {dropped - said.before} records lost"
        elif now < self._behind_at + BEHIND:
            words, end = "log: the disk does not keep up", f"; {dropped} records lost"
        elif now >= self._works_at + TOLD:
            return ""
        where, room = str(self._folder), max(width - len(words) - len(end) - 2, 1)
        return f"{words}: {where if len(where) <= room else '…' + where[len(where) - room + 1 :]}{end}"


def _clock() -> str:
    return time.strftime("%m-%d %H:%M UTC", time.gmtime())
