"""What robots tell of slices, put together in plain Python: what the kernels that read and write it are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from swarm.planning.passages.right_of_way import T_HELD, TOLD, Own, row_of
from swarm.planning.passages.team import Others
from swarm.sense.intent import RANKINGS, WINDOW, Intent


def in_order(numbers: Sequence[int]) -> tuple[int, ...]:
    """Slices in the order in which a way comes to them, each once; without 0."""
    return tuple(dict.fromkeys(filter(None, numbers)))


def opposite(mine: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether two come to slices that both want in another order."""
    common = [theirs.index(number) for number in mine if number in theirs]
    return common != sorted(common)


def window_of(ahead: Sequence[int], later: Sequence[int] = ()) -> tuple[int, ...]:
    """The next slices, and at the end the last one again and again; behind a 0 those of later."""
    before = [*ahead, 0] if len(later) and len(ahead) < WINDOW else []
    told, most = (later, WINDOW - len(before)) if before else (ahead, WINDOW)
    shown = [*before, *told[:most], told[-1]] if len(told) else [0]
    return tuple(map(int, (*shown, *[shown[-1]] * (WINDOW + 1 - len(shown)))))


def tells(
    *, held: Sequence[int], ahead: Sequence[int], key: int, own: int | None = None, claim: int = 0, arrival: int = 0,
    leaving: bool = False, later: Sequence[int] = (), tick: int = 0,
) -> Intent:  # fmt: skip
    """What a robot tells; ``key``: with which priority it claims; ``own``: its own, if that is another."""
    own = key if own is None else own
    numbers = tuple(int(number) for number in held if number) or (0,)
    window = window_of(ahead, later)
    return Intent(tick, numbers, claim if claim > 0 else -1, key, own, RANKINGS[0], arrival, leaving, window)


def others_of(told: Mapping[int, Intent], total: int = 99) -> Others:
    """Those who are heard to tell this."""
    return Others.of({robot: row_of(one, robot) for robot, one in told.items()}, total)


def own_of(robot: int, intent: Intent, ahead: Sequence[int] = ()) -> Own:
    """What the others know of a robot that has told this, with its way of now if that is another."""
    row = row_of(intent, robot)
    held = row[T_HELD + 1 : T_HELD + 1 + row[T_HELD]].copy()
    return Own(held, np.array(ahead if len(ahead) else in_order(intent.window), np.int64), row)


def rows_of(told: Mapping[int, Intent]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of what is told, and which of them count: all."""
    rows = np.array([row_of(one, robot) for robot, one in told.items()], np.int64).reshape(-1, TOLD)
    return rows, np.arange(len(rows))
