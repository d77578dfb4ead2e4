"""The clock of a control process: periods begin on a grid of time, and lateness is measured."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

_KEPT = 12_000  # Periods whose figures are kept: ten minutes of them.


class Pace:
    """Begins a period every so many seconds; one that is missed is left out, not caught up.

    Args:
        period: s.
        clock: Monotonic, s.
        sleep: Waits so many seconds.

    Attributes:
        late: How late each period began, s.
        took: How long the work of each took, s.
    """

    def __init__(
        self, period: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.period, self._clock, self._sleep = period, clock, sleep
        self.late: deque[float] = deque(maxlen=_KEPT)
        self.took: deque[float] = deque(maxlen=_KEPT)

    def periods(self, until: Callable[[], bool]) -> Iterator[float]:
        """Yields the beginning of each period, until told to end; the work is done while the generator rests."""
        due = self._clock()
        while not until():
            wait = due - self._clock()
            if wait > 0.0:
                self._sleep(wait)
            began = self._clock()
            self.late.append(began - due)
            yield began
            ended = self._clock()
            self.took.append(ended - began)
            due += self.period * max(1, -int(-(ended - due) // self.period))
