"""What robots know of their team: the sizes by which all find the same slices, and what they hear.

What robots hear is a table with a row for each sender (``right_of_way``). Robots that share a process share the table
(``Heard``), and each knows which of its rows it has heard.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from swarm.array_types import Int64s
from swarm.files.text_files import located
from swarm.model.body import LOOK_AHEAD_RADII, MARGIN
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.headings.outlines import least_radius
from swarm.planning.passages.right_of_way import T_ARRIVAL, T_LAST, T_ROBOT, TOLD, row_of
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import Heard, Message, Table, as_heard

# Unicycles pass each other in the open by rows about a point ahead of them: with that, and what rows keep, as much
# larger (in look-aheads).
_AHEAD = 1.1
_NO_ROW = np.empty(0, np.int64)


def sizes_of(scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None) -> Sizes:
    """The sizes of a scenario's team.

    Args:
        scenario: World and robots.
        margin: Extra distance that every robot keeps [m].
        assumed: Errors that the robots count on; None: those that the scenario declares.
    """
    errors = (scenario.errors if assumed is None else assumed) or EXACT
    found: dict[Hashable, tuple[float, float]] = {}
    for i, robot in enumerate(scenario.robots):
        if robot.build in found:
            continue
        with located(f"scenario {scenario.name!r}: robots[{i}]: "):
            body = robot.body(dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=margin, errors=errors)
        ahead = _AHEAD * (LOOK_AHEAD_RADII * robot.radius) if robot.kind == Kind.UNICYCLE else 0.0
        kept = float(body[MARGIN]) + ahead  # two pass each other without slowing down
        found[robot.build] = robot.radius + kept, kept
    two = sorted(found[robot.build] for robot in scenario.robots)[-2:]
    largest, kept = (sum(part) / len(two) for part in zip(*two, strict=True))
    return Sizes(min(least_radius(robot) for robot in scenario.robots), largest, kept)


def reach_of(planner: str, scenario: Scenario, sizes: Sizes) -> float:
    """Distance within which robots with a planner of this name have to hear each other for their passages [m]."""
    return slices_of(scenario.world, sizes).reach if planner == "passages" else 0.0


class _Told:
    """What a table of messages tells of slices; made once for all who hear any of it.

    Args:
        told: What each robot tells, int64[TOLD], by sender.
        total: How many slices there are: who names others has another map.

    Attributes:
        rows: In ascending order of identities, int64[n, TOLD].
        ids: These identities, int64[n].
        number: Of the row of each robot.
        flags: Room for kernels to work in, bool[total + 1], False when none does.
    """

    def __init__(self, told: Mapping[int, Int64s], total: int) -> None:
        rows = np.concatenate([*told.values(), _NO_ROW]).reshape(-1, TOLD)
        rows = rows[rows[:, T_LAST] <= total]
        self.rows = rows[np.argsort(rows[:, T_ROBOT])]
        self.ids = self.rows[:, T_ROBOT].copy()
        self.number = {robot: k for k, robot in enumerate(self.ids.tolist())}
        self.flags = np.zeros(total + 1, bool)


@njit(cache=True)
def _heard(ids: Int64s, near: Int64s, me: int) -> tuple[Int64s, Int64s]:
    """Which of some identities are among those near, but for one's own, and these; all in ascending order."""
    found, count, k = np.empty(len(near), np.int64), 0, 0
    for robot in near:
        k += np.searchsorted(ids[k:], robot)
        if k < len(ids) and ids[k] == robot != me:
            found[count], count = k, count + 1
    return found[:count], ids[found[:count]]


@njit(cache=True)
def _heard_by(ids: Int64s, near: Int64s, first: Int64s, robots: Int64s) -> tuple[Int64s, Int64s]:
    """``_heard`` of many robots: whom they hear, one after the other; and where those of each begin."""
    found, ends = np.empty(len(near), np.int64), np.zeros(len(robots) + 1, np.int64)
    for i in range(len(robots)):
        some, _ = _heard(ids, near[first[i] : first[i + 1]], robots[i])
        found[ends[i] : ends[i] + len(some)] = some
        ends[i + 1] = ends[i] + len(some)
    return found[: ends[-1]], ends


def _told_in(table: Table, total: int) -> _Told:
    """What a table of messages tells of so many slices."""
    told: _Told | None = table.derived.get(total)
    if told is None:
        intents = ((robot, message.intent) for robot, message in table.items())
        told = _Told({robot: row_of(one, robot) for robot, one in intents if one is not None}, total)
        table.derived[total] = told
    return told


class Others(Mapping[int, Int64s]):
    """What those have told whom one robot hears, int64[TOLD] each, by their identities in ascending order.

    Args:
        told: Of a table that they are in.
        who: Their rows in it, in ascending order, int64[k].
        ids: Who they are, int64[k].
        rows: Of the table, or such as count instead.

    Attributes:
        rows: What they and perhaps others have told, int64[n, TOLD].
        who: Which of the rows are theirs.
        ids: Who they are.
        flags: Room for kernels to work in, a flag a slice, False when none does.
    """

    def __init__(self, told: _Told, who: Int64s, ids: Int64s, rows: Int64s) -> None:
        self._told, self.who, self.ids, self.rows, self.flags = told, who, ids, rows, told.flags

    @classmethod
    def heard(cls, messages: Mapping[int, Message], robot_id: int, total: int) -> Others:
        """Those whom a robot hears, but for itself, and who know a map with so many slices."""
        own = as_heard(messages)
        told = _told_in(own.table, total)
        return cls(told, *_heard(told.ids, own.near, robot_id), told.rows)

    @classmethod
    def of(cls, told: Mapping[int, Int64s], total: int) -> Others:
        """Those who tell this, of so many slices."""
        table = _Told(told, total)
        return cls(table, np.arange(len(table.rows)), table.ids, table.rows)

    def places(self, robots: Sequence[int]) -> Int64s:
        """The rows of some of them, int64[k]."""
        return np.array([self._told.number[robot] for robot in robots], np.int64)

    def with_changed(self, told: Mapping[int, Int64s]) -> Others:
        """The same, but as if some of them had told this before; when they come stays as they have told it now."""
        rows = self.rows.copy()
        for robot, row in told.items():
            there = rows[self._told.number[robot]]
            arrival = int(there[T_ARRIVAL])
            there[:], there[T_ARRIVAL] = row, arrival
        return Others(self._told, self.who, self.ids, rows)

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.ids.tolist())

    def __getitem__(self, robot: int) -> Int64s:
        """What one of them has told."""
        if robot not in self._known:
            raise KeyError(robot)
        return self.rows[self._told.number[robot]]

    def get(self, robot: int, default: Any = None) -> Any:
        """What one of them has told; else the default."""
        return self.rows[self._told.number[robot]] if robot >= 0 and robot in self._known else default

    def __contains__(self, robot: object) -> bool:
        """Whether it hears this one."""
        return robot in self._known

    def __iter__(self) -> Iterator[int]:
        """Their identities, in ascending order."""
        return iter(self.ids.tolist())

    def __len__(self) -> int:
        """How many there are."""
        return len(self.who)


class Hearing:
    """What many robots hear in one period.

    Args:
        heard: The messages of each.
        robots: Who they are, int64[N].
        total: How many slices there are.

    Attributes:
        rows: What all have told, int64[m, TOLD].
        who: Rows of those whom they hear, those of one robot after those of another, in ascending order of identities.
        ids: Who these are.
        first: Where those of each begin, int64[N + 1].
    """

    def __init__(self, heard: Sequence[Mapping[int, Message]], robots: Int64s, total: int) -> None:
        ours = [one for one in heard if isinstance(one, Heard)]
        self._made: dict[int, Others] = {}
        if len(ours) == len(heard) and len({id(one.table) for one in ours}) == 1:
            near = [one.near for one in ours]
            ends = np.cumsum([0, *map(len, near)])
            self._told = _told_in(ours[0].table, total)
            self.who, self.first = _heard_by(self._told.ids, np.concatenate(near), ends, robots)
            self.rows, self.ids = self._told.rows, self._told.ids[self.who]
            return
        each = [Others.heard(one, me, total) for one, me in zip(heard, robots.tolist(), strict=True)]
        self._made = dict(enumerate(each))
        self.rows = np.concatenate([one.rows[one.who] for one in each])
        self.ids, self.first = np.concatenate([one.ids for one in each]), np.cumsum([0, *map(len, each)])
        self.who = np.arange(len(self.rows))

    def of(self, number: int) -> Others:
        """What one of them hears; always the same object."""
        if number not in self._made:
            some = slice(*self.first[number : number + 2].tolist())
            self._made[number] = Others(self._told, self.who[some], self.ids[some], self.rows)
        return self._made[number]
