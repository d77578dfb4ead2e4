"""The clock of a control process: periods begin on a grid of time, and lateness is measured."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator

_KEPT = 12_000  # Periods whose figures are kept: ten minutes of them.


class Rate:
    """Begins a period every so many seconds; one that is missed is left out, not caught up.

    Args:
        period: s.
        clock: Monotonic, s.
        sleep: Waits so many seconds.
        phase: Share of a period by which its beginnings lie behind the multiples of the period on that clock. Robots of
            one machine that each have their own do not all want its processors at once.

    Attributes:
        late: How late each period began, s.
        took: How long the work of each took, s.
    """

    def __init__(
        self, period: float, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep, *, phase: float = 0.0,
    ) -> None:  # fmt: skip
        self.period, self._clock, self._sleep, self._phase = period, clock, sleep, phase % 1.0
        self.late: deque[float] = deque(maxlen=_KEPT)
        self.took: deque[float] = deque(maxlen=_KEPT)

    def periods(self, until: Callable[[], bool]) -> Iterator[float]:
        """Yields the beginning of each period, until told to end; the work is done while the generator rests."""
        due = self.period * (math.ceil(self._clock() / self.period - self._phase) + self._phase)
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
