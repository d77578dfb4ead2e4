"""What a robot that reserves cells tells the others about them, and the numbers that bound it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

from swarm.errors import InputError

Ranking = tuple[int, int, int, int, int]
"""The five moves, most preferred first."""

RANKINGS: tuple[Ranking, ...] = tuple(permutations(range(5)))  # type: ignore[arg-type]
"""All rankings; messages tell one by its number."""
RANKING_NUMBER: dict[tuple[int, ...], int] = {ranking: number for number, ranking in enumerate(RANKINGS)}
"""Place of each in ``RANKINGS``."""

MAX_HELD = 5
"""Most cells that an intent may hold."""
WINDOW = 12
"""Steps that a robot announces ahead of its last held cell."""


@dataclass(frozen=True)
class Intent:
    """What a robot tells others about its cells; bounded in size. Cells are flat indices.

    A tick is ``round(time / control period)``, so that robots that share a clock agree on it.

    Attributes:
        stamp: Control tick at which this was true.
        held: Cells that this robot alone may occupy, tail first; the last one is its head. At most ``MAX_HELD``.
        claim: Cell that it wants to hold next, -1 for none.
        claim_priority: Priority that the claim carries: its own, or inherited from the robot that it makes way for.
        priority: Its own priority, larger goes first; unique (see
        ``swarm.planning.pibt.priority_inheritance.priority_key``).
        ranking: The five moves from its head, most preferred first.
        arrival: Ticks until it reaches the centre of its head at top speed.
        leaving: Whether it is on its way out of a dead end.
        window: Cells where it expects to be, one step (a cell at top speed) apart, from its head on: ``WINDOW`` + 1.

    Raises:
        InputError: If a size, a ranking or a cell makes no sense.
    """

    stamp: int
    held: tuple[int, ...]
    claim: int
    claim_priority: int
    priority: int
    ranking: Ranking
    arrival: int
    leaving: bool
    window: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.held) <= MAX_HELD:
            raise InputError("intent: held", self.held, f"1 to {MAX_HELD} cells")
        if len(self.window) != WINDOW + 1:
            raise InputError("intent: window", self.window, f"{WINDOW + 1} cells")
        if tuple(self.ranking) not in RANKING_NUMBER:
            raise InputError("intent: ranking", self.ranking, "each of the moves 0 to 4 once")
        if min(*self.held, *self.window, self.claim + 1) < 0:
            raise InputError("intent: held, window, claim", (self.held, self.window, self.claim), "cells from 0 on")

    @classmethod
    def unread(cls, stamp: int, derived: dict[object, Any], read: Callable[[], Intent]) -> Intent:
        """An intent of which stamp and ``derived`` are known; ``read`` makes it when anything else is asked of it."""
        made = object.__new__(cls)
        made.__dict__.update(stamp=stamp, derived=derived, _read=read)
        return made

    if not TYPE_CHECKING:  # else any attribute would be one

        def __getattr__(self, name: str) -> Any:
            """What is asked of one that nobody has read."""
            read = None if name.startswith("__") else self.__dict__.pop("_read", None)
            if read is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.__dict__.update(vars(read()))
            return getattr(self, name)

    @cached_property
    def derived(self) -> dict[object, Any]:
        """What others made of this, under keys of their own, so that it is made once for all who hear it."""
        return {}

    @cached_property
    def last_cell(self) -> int:
        """The largest cell that it names; it must be on the map of whoever reads it."""
        return max(*self.held, *self.window, self.claim)
