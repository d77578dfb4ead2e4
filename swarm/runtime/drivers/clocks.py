"""Times by other clocks, as times by this process's ``time.monotonic``.

Where in doubt they are too early: what was measured then is taken for older than it is, not for younger.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

HOLD = 10.0
"""Seconds until a wall clock that was set back is believed: nothing that was stamped before is on its way so long."""
LEARN = 0.5
"""Seconds of stamps that a clock is learnt from."""
FARTHEST = 1.0
"""Seconds between a stamp and its arrival, either way, from which on it is of a clock that is wrong."""
REPEATED, OLDER, LEARNING = "same stamp", "older stamp", "clock not known yet"
"""Why a stamp says no time."""
IN_FUTURE, OTHER_CLOCK, CLOCK_JUMPED = "stamp in the future", "stamp far back", "clock of the base jumped"
"""Why a stamp says no time, and its robot must not move."""
WRONG = (IN_FUTURE, OTHER_CLOCK, CLOCK_JUMPED)

_LOOKS, _NARROW = 5, 1e-3  # Reading two clocks at once: so many tries, until there is no pause of so many s between.


def wrong(measured: float, arrived: float) -> str:
    """What is wrong with a time by a clock that is the same as ours, by when it arrived [s]; empty: nothing."""
    if measured > arrived + FARTHEST:
        return IN_FUTURE
    return OTHER_CLOCK if measured < arrived - FARTHEST else ""


class WallClock:
    """The wall clock, as far as times by it are compared with monotonic ones.

    A wall clock that was set back lets everything that was stamped before look younger, so that is believed only after
    ``HOLD``; until then, what is stamped by it looks older. One that was set forward is believed at once.

    Args:
        clock: Monotonic [s]; by default ``time.monotonic``.
        wall: Since 1970 [s]; by default ``time.time``.
    """

    def __init__(self, clock: Callable[[], float] | None = None, wall: Callable[[], float] | None = None) -> None:
        self._clock, self._wall = clock or time.monotonic, wall or time.time
        # Since when it has been ahead by so much at most; the first is believed until the second is ``HOLD`` old.
        self._most: deque[tuple[float, float]] = deque()

    def ahead(self) -> float:
        """How far it is ahead of the monotonic clock [s]; ask often, since only who looks sees that it was set."""
        found, now = self._look()
        since = now
        while self._most and self._most[-1][1] <= found:
            since = self._most.pop()[0]
        self._most.append((since, found))
        while len(self._most) > 1 and now - self._most[1][0] > HOLD:
            self._most.popleft()
        return self._most[0][1]

    def _look(self) -> tuple[float, float]:
        """How far it is ahead at most, and when: the wall clock is read last, so a pause between makes it more."""
        narrowest = float("inf"), 0.0, 0.0
        for _ in range(_LOOKS):
            before = self._clock()
            wall = self._wall()
            after = self._clock()
            narrowest = min(narrowest, (after - before, wall - before, after))
            if after - before < _NARROW:
                break
        return narrowest[1:]


class LearntClock:
    """A clock that is known only by its stamps: of a body's computer, or of a simulation.

    What came with the least delay within the last ``LEARN`` is taken for measured when it arrived, and everything else
    for that much older than it came later. A delay that is always there cannot be seen. A clock that stands still, or
    runs slowly, makes stamps look old; one that was set, or comes back after a silence, is learnt anew. One that was
    set back is believed only when nothing newer came for ``LEARN``: it may be a message that was overtaken.

    Args:
        settle: Seconds of stamps without a break before the first one says a time.
    """

    def __init__(self, settle: float = 0.0) -> None:
        self._settle = settle
        self._stamp, self._arrived, self._began = float("nan"), float("-inf"), float("-inf")
        self._ahead: deque[tuple[float, float]] = deque()  # When, and how far it was ahead of the monotonic clock.

    def measured(self, stamp: float, arrived: float) -> float | str:
        """When something was measured.

        Args:
            stamp: By the clock [s].
            arrived: When it arrived [s]; rather too early, and not earlier than what arrived before it.

        Returns:
            When [s], at most ``arrived``; or why that cannot be said: ``REPEATED``, ``OLDER`` or ``LEARNING``.
        """
        if stamp == self._stamp:
            return REPEATED
        silent = arrived - self._arrived > LEARN
        if stamp < self._stamp and not silent:
            return OLDER
        ahead = stamp - arrived
        if silent or ahead - self._ahead[-1][1] > LEARN:
            self._ahead.clear()
            self._began = arrived
        self._stamp, self._arrived = stamp, arrived
        while self._ahead and arrived - self._ahead[0][0] > LEARN:
            self._ahead.popleft()
        self._ahead.append((arrived, ahead))
        if arrived - self._began < self._settle:
            return LEARNING
        return arrived - (max(most for _, most in self._ahead) - ahead)


class OffsetClock:
    """A base's own clock, whose quickest stamps are of a declared age.

    What came with the least delay within the last ``HOLD`` is taken for as old as that, and everything else for that
    much older than it came later. So nothing looks younger than it is if the quickest is no older than is declared.

    A stamp that comes by more than ``FARTHEST`` too late or too early tells of a clock that was set, and none is
    believed until they agree again: for ``LEARN`` if they come too early, for ``HOLD`` if they come too late, which a
    slow network does as well.

    Args:
        age: Of the quickest stamps [s].
    """

    def __init__(self, age: float = 0.0) -> None:
        self._age, self._stamp = age, float("nan")
        self._began, self._why = float("-inf"), LEARNING
        # When, and how far ours was ahead of it; the least of the last ``HOLD`` first, and what follows if that is old.
        self._ahead: deque[tuple[float, float]] = deque()

    def measured(self, stamp: float, arrived: float) -> float | str:
        """When something was measured.

        Args:
            stamp: By the base's clock [s].
            arrived: When it arrived [s]; not earlier than what arrived before it.

        Returns:
            When [s], by our clock; or why that cannot be said: ``REPEATED``, ``OLDER``, ``LEARNING``, ``CLOCK_JUMPED``.
        """
        if stamp == self._stamp:
            return REPEATED
        if 0.0 < self._stamp - stamp <= FARTHEST:  # It may have been overtaken.
            return OLDER
        ahead, self._stamp = arrived - stamp, stamp
        while self._ahead and arrived - self._ahead[0][0] > HOLD:
            self._ahead.popleft()
        early = bool(self._ahead) and ahead < self._ahead[0][1] - FARTHEST
        if early or not self._ahead:
            self._ahead.clear()
            self._began, self._why = arrived, CLOCK_JUMPED if early else LEARNING
        while self._ahead and self._ahead[-1][1] >= ahead:
            self._ahead.pop()
        self._ahead.append((arrived, ahead))
        behind = ahead - self._ahead[0][1]
        if behind > FARTHEST:
            return CLOCK_JUMPED
        return self._why if arrived - self._began < LEARN else arrived - self._age - behind

    def now(self, time: float) -> float | None:
        """What the base's clock shows at a time of ours [s], or a little less; None: that is not known."""
        return time - self._ahead[0][1] if self._ahead else None
