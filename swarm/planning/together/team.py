"""The planners for passages of robots that share a process: those that are calm plan in one call.

Each planner remembers for itself, as if it were alone. What those remember that may be calm is put below each other
for one period, and given back to those who were. So a copy of a team is a team of its own, and a planner that leaves
it goes on alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from swarm.array_types import Array, Int64s
from swarm.planning import Plan
from swarm.planning.passages.planner import PassagePlanner
from swarm.planning.passages.right_of_way import TOLD, intent_of
from swarm.planning.passages.route import Route
from swarm.planning.passages.team import Others
from swarm.planning.roadmap.occupancy import Roadmap, flat
from swarm.planning.roadmap.waypoints import Field
from swarm.planning.together.address import address_of
from swarm.planning.together.calm import plan_some
from swarm.planning.together.tables import MOST_GIVEN, NUMBERS, Decided, Ground, Heeded, Known, undecided
from swarm.sense.intent import MAX_HELD, Intent
from swarm.sense.messages import Heard
from swarm.sense.view import View

_Way = tuple[Roadmap, Field, Array]


class _Told(NamedTuple):
    """What many robots hear in a period: of each, and as ``Heeded`` has it."""

    others: list[Others]
    rows: Int64s
    who: Int64s
    ids: Int64s
    first: Int64s


class PassageTeam:
    """Some planners for passages of one team, in the order of their robots.

    Args:
        planners: Of discs, with the same slices.
        bounds: Of the world [m], float64[4].
    """

    def __init__(self, planners: Sequence[PassagePlanner], bounds: Array) -> None:
        self._planners, self._bounds = planners, bounds
        self._ids = np.array([one.robot_id for one in planners], np.int64)
        self._body = np.array([one.constants for one in planners], dtype=np.float64)
        self._pace = np.array([one.pace for one in planners])
        self._forget()

    def _forget(self) -> None:
        """Forget the period before, and where in memory ways are."""
        count = len(self._planners)
        self._before: _Told | None = None
        self._fields: list[Field | None] = [None] * count
        self._field, self._limit = np.zeros((count, 7), np.int64), np.zeros(count)

    def __getstate__(self) -> dict[str, Any]:
        """Without what holds in this process alone: a copy has arrays of its own."""
        return {name: getattr(self, name) for name in ("_planners", "_bounds", "_ids", "_body", "_pace")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    @classmethod
    def of(cls, planners: Sequence[object], bounds: Array) -> PassageTeam | None:
        """The planners as a team, if all are for passages and of discs that share slices; else None."""
        ours = [one for one in planners if type(one) is PassagePlanner and type(one.route) is Route]
        if len(ours) < 2 or len(ours) < len(planners) or any(one.slices is not ours[0].slices for one in ours):
            return None
        return cls(ours, bounds) if ours[0].slices.total else None

    def plan(self, views: Sequence[View], near: Array, near_first: Int64s) -> None:
        """Plan for those who are calm, and tell all what the others have told: their ``plan`` for this view follows.

        Args:
            views: One a planner.
            near: Their neighbours, those of one robot after those of another.
            near_first: Where those of each begin, int64[N + 1].
        """
        told, before, tick = self._hear(views), self._before, round(views[0].time / self._planners[0].dt)
        for planner, others in zip(self._planners, told.others, strict=True):
            planner.others = tick, others
        self._before = told
        if before is None:
            return
        ways = [one.calm_way(others) for one, others in zip(self._planners, before.others, strict=True)]
        if not any(way is not None for way in ways):
            return
        state, goal = (np.array([getattr(view, name) for view in views]) for name in ("state", "goal"))
        heeded = Heeded(tick, state, goal, near, near_first, *told[1:], before.rows, before.who, before.first)
        self._decide(ways, heeded, told.others)

    def _decide(self, ways: list[_Way | None], heeded: Heeded, others: list[Others]) -> None:
        """Plan for those who are asked, all on one roadmap at a time; those who are calm take note of it."""
        known, slices = self._known(ways), self._planners[0].slices
        scratch = self._planners[0].route.scratch
        ground = Ground(slices.cut, slices.length, slices.lanes, slices.doors, scratch, self._bounds)
        roadmaps = {id(way[0]): way[0] for way in ways if way is not None}
        for key, roadmap in roadmaps.items():
            mine = np.array([way is not None and id(way[0]) == key for way in ways])
            found = undecided(mine)
            plan_some(0, len(mine), ground, flat(roadmap), known, heeded, found, slices.flags)
            self._take_note(ways, known.numbers, heeded.tick, found, others)

    def _hear(self, views: Sequence[View]) -> _Told:
        """What all hear; of one table if they have one."""
        total = self._planners[0].slices.total
        heard = [view.messages for view in views]
        tables = {id(one.table) if isinstance(one, Heard) else 0 for one in heard}
        first = heard[0]
        if len(tables) == 1 and isinstance(first, Heard):
            near = [one.near for one in heard if isinstance(one, Heard)]
            ends = np.cumsum([0, *map(len, near)])
            others = Others.heard_by(first.table, np.concatenate(near), ends, self._ids, total)
            rows, who = others[0].rows, np.concatenate([one.who for one in others])
        else:
            others = [Others.heard(one, me, total) for one, me in zip(heard, self._ids.tolist(), strict=True)]
            rows = np.concatenate([one.rows[one.who] for one in others])
            who = np.arange(len(rows))
        ids, ends = np.concatenate([one.ids for one in others]), np.cumsum([0, *map(len, others)])
        return _Told(others, rows, who, ids, ends)

    def _known(self, ways: list[_Way | None]) -> Known:
        """What all remember, a row a robot; of those without a calm way not all of it."""
        count = len(ways)
        cells = np.zeros((count, 2), np.int64)
        for i, way in enumerate(ways):
            if way is not None:
                cells[i] = address_of(way[2]), len(way[2])
                if way[1] is not self._fields[i]:
                    values, row, column, self._limit[i], from_row, from_column = self._fields[i] = way[1]
                    self._field[i] = address_of(values), *values.shape, row, column, from_row, from_column
        gave, let_out, aside = self._gave(ways)
        held = [[len(one.held), *one.held, *[0] * (MAX_HELD - len(one.held))] for one in self._planners]
        return Known(
            self._ids, self._body, self._pace,
            np.array([one.numbers for one in self._planners], dtype=np.float64).reshape(count, NUMBERS),
            np.array(held, np.int64), np.array([one.told for one in self._planners]), self._field, self._limit, cells,
            gave, let_out, aside,
        )  # fmt: skip

    def _gave(self, ways: list[_Way | None]) -> tuple[Int64s, Int64s, Array]:
        """For whom each makes way, as ``Known`` has it; for too many: it is not asked."""
        count = len(ways)
        gave, let_out = np.zeros((2, count, 1 + MOST_GIVEN), np.int64)
        aside = np.full((count, 2), np.nan)
        for i, planner in enumerate(self._planners):
            before, out, place = planner.lasting
            if len(before) > MOST_GIVEN:
                ways[i] = None
            elif before:
                gave[i, : len(before) + 1] = len(before), *before
                let_out[i, : len(out) + 1] = len(out), *out
                if place is not None:
                    aside[i] = place
        return gave, let_out, aside

    def _take_note(
        self, ways: list[_Way | None], numbers: Array, tick: int, found: Decided, others: list[Others]
    ) -> None:  # fmt: skip
        """Have the planners of those who are calm know what was decided."""
        waits, agreed, reach = found.waits.tolist(), found.agreed.tolist(), found.reach.tolist()
        held, now, priority = found.held.tolist(), numbers.tolist(), found.priority.tolist()
        drawn, dropped, new = (part.tolist() for part in (found.num_drawn, found.dropped, found.num_new))
        for i in np.flatnonzero(found.calm).tolist():
            way = ways[i]
            if way is None:
                continue
            cells = way[2][dropped[i] :]
            if new[i] > 0:
                cells = np.concatenate((found.new[i, : new[i]], cells))
            row, some = found.told[i], held[i][1 : held[i][0] + 1]
            intent = Intent.unread(tick, {TOLD: row}, partial(intent_of, row, found.window[i]))
            plan = Plan(
                found.waypoint[i], found.drawn[i, : drawn[i]], intent, reach[i], waits=waits[i], agreed=agreed[i]
            )  # fmt: skip
            now_held = found.held[i, 1 : held[i][0] + 1]
            inherited, gave = found.inherited[i].item(), found.gave[i].tolist()
            out, first = found.let_out[i].tolist(), gave[0] + 1
            giving = inherited, gave[1:first], out[1 : out[0] + 1], found.aside[i]
            self._planners[i].went_on(tick, now[i], priority[i], others[i], some, now_held, row, cells, plan, giving)
