"""The planners for passages of robots that share a process: those that are calm plan in one call.

What those remember who are calm stays in tables, a row a robot, for as long as they are; each planner has it back as
soon as it plans by itself, is copied, or is asked for it. So a copy of a team is a team of its own, and a planner that
leaves it goes on alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from swarm.array_types import Array, Flags, Int64s
from swarm.planning import Plan
from swarm.planning.passages.grid import Scratch, scratch_for
from swarm.planning.passages.planner import Memory, PassagePlanner
from swarm.planning.passages.right_of_way import TOLD, intent_of
from swarm.planning.passages.route import Route
from swarm.planning.passages.team import Hearing
from swarm.planning.roadmap.occupancy import Roadmap, flat
from swarm.planning.roadmap.waypoints import WAY, Field
from swarm.planning.together.address import address_of
from swarm.planning.together.calm import plan_some
from swarm.planning.together.tables import Decided, Ground, Heeded, Known, undecided, unknown
from swarm.sense.intent import Intent
from swarm.sense.view import View

_Way = tuple[Roadmap, Field, Array]
# Robots for whom it pays to start a thread, and most threads: each has as much room for searches as the map has cells.
_A_THREAD, _MOST_THREADS = 200, 4


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class PassageTeam:
    """Some planners for passages of one team, in the order of their robots.

    Args:
        planners: Of discs, with the same slices.
        bounds: Of the world [m], float64[4].
    """

    def __init__(self, planners: Sequence[PassagePlanner], bounds: Array) -> None:
        self._planners, self._bounds = planners, bounds
        self._forget()

    def _forget(self) -> None:
        """Know nothing: all planners remember by themselves."""
        self._before: Hearing | None = None
        self._ways: dict[int, _Way] = {}  # of those who may be calm
        self._known, self._scratch = unknown(self._planners), list[Scratch]()
        self._number = {robot: i for i, robot in enumerate(self._known.robot_id.tolist())}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is kept for the planners: a copy's planners have it themselves."""
        return {"_planners": self._planners, "_bounds": self._bounds}

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
        """Plan for those who are calm, and tell the rest what they hear: their ``plan`` for this view follows.

        Args:
            views: One a planner.
            near: Their neighbours, those of one robot after those of another.
            near_first: Where those of each begin, int64[N + 1].
        """
        total, tick = self._planners[0].slices.total, round(views[0].time / self._planners[0].dt)
        told, before = Hearing([view.messages for view in views], self._known.robot_id, total), self._before
        calm = np.zeros(len(views), bool)
        if before is not None:
            self._read(before)
            state, goal = (np.array([getattr(view, name) for view in views]) for name in ("state", "goal"))
            heard = told.rows, told.who, told.ids, told.first, before.rows, before.who, before.first
            self._decide(Heeded(tick, state, goal, near, near_first, *heard), calm)
        for i in np.flatnonzero(~calm).tolist():
            planner = self._planners[i]
            planner.recall()  # as long as what was heard before is known here
            planner.others = tick, told.of(i)
        self._before = told

    def _read(self, before: Hearing) -> None:
        """Put what those remember who do so by themselves into the tables; ``before``: what was heard last."""
        for i, planner in enumerate(self._planners):
            if planner.keeper is self:
                continue
            way = planner.calm_way(before.of(i))
            if way is not None and self._note(i, planner.memory, way):
                self._ways[i] = way
            else:
                self._ways.pop(i, None)

    def _note(self, i: int, memory: Memory, way: _Way) -> bool:
        """Write what one remembers; whether there is room for all that."""
        known, (values, row, column, limit, from_row, from_column) = self._known, way[1]
        known.numbers[i], known.told[i] = memory.numbers, memory.told
        known.held[i, 0], known.held[i, 1 : len(memory.held) + 1] = len(memory.held), memory.held
        known.field[i] = address_of(values), *values.shape, row, column, from_row, from_column
        known.limit[i], known.cells[i] = limit, (address_of(way[2]), len(way[2]))
        for name in ("there", "gave", "let_out"):
            table, some = getattr(known, name)[i], getattr(memory, name)
            if len(some) >= len(table):
                return False
            table[: len(some) + 1] = len(some), *some
        known.aside[i] = np.nan if memory.aside is None else memory.aside
        return True

    def _cells(self, i: int) -> Array:
        """What is left of the way of one, float64[n, WAY]."""
        cells = self._ways[i][2]
        return cells[len(cells) - self._known.cells[i, 1] :]

    def give_back(self, planner: PassagePlanner) -> None:
        """Have a planner remember what is kept for it."""
        i, known, before = self._number[planner.robot_id], self._known, self._before
        if before is None:
            return  # nothing is kept before anybody has been heard
        listed = (table[i, 1 : table[i, 0] + 1] for table in (known.there, known.gave, known.let_out))
        there, gave, let_out = (some.tolist() for some in listed)
        held, aside = known.held[i, 1 : known.held[i, 0] + 1].copy(), known.aside[i].copy() if gave else None
        memory = Memory(known.numbers[i].tolist(), held, known.told[i].copy(), there, gave, let_out, aside)
        planner.remember(memory, before.of(i), self._cells(i))

    def _decide(self, heeded: Heeded, calm: Flags) -> None:
        """Plan for those who may be calm, all on one roadmap at a time; write who is."""
        roadmaps = {id(way[0]): way[0] for way in self._ways.values()}
        for roadmap in roadmaps.values():
            found = undecided(len(calm))
            found.asked[[i for i, way in self._ways.items() if way[0] is roadmap]] = True
            written = self._known._replace(numbers=self._known.numbers.copy())
            self._plan_on(flat(roadmap), written, heeded, found)
            self._keep(written.numbers, heeded.tick, found)
            calm |= found.calm

    def _plan_on(self, parts: object, known: Known, heeded: Heeded, found: Decided) -> None:
        """Call ``plan_some``, for a part of the robots on each thread."""
        slices, count = self._planners[0].slices, len(self._planners)
        threads = max(1, min(count // _A_THREAD, _MOST_THREADS, cores()))
        while len(self._scratch) < threads:
            self._scratch.append(scratch_for(slices.labels.shape))
        ends = [count * k // threads for k in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:  # not kept: a forked child would wait for its threads for ever
            calls = []
            for some, scratch in zip(pairwise(ends), self._scratch, strict=False):
                ground = Ground(slices.cut, slices.length, slices.lanes, slices.doors, scratch, self._bounds)
                calls.append(partial(plan_some, *some, ground, parts, known, heeded, found))
            others = [pool.submit(call) for call in calls[1:]]
            calls[0]()
            for other in others:
                other.result()

    def _keep(self, numbers: Array, tick: int, found: Decided) -> None:
        """Keep what those remember now who are calm, and give them their plans."""
        known, calm = self._known, found.calm
        for name in ("held", "told", "there", "gave", "let_out", "aside"):
            getattr(known, name)[calm] = getattr(found, name)[calm]
        known.numbers[calm] = numbers[calm]
        dropped = found.dropped[calm]
        known.cells[calm] += np.stack((WAY * known.numbers.itemsize * dropped, -dropped), axis=1)
        for i in np.flatnonzero(calm & (found.num_new > 0)).tolist():
            (roadmap, field, _), cells = self._ways[i], (found.new[i, : found.num_new[i]], self._cells(i))
            self._ways[i] = way = roadmap, field, np.concatenate(cells)
            known.cells[i] = address_of(way[2]), len(way[2])
        reach, drawn, waits, agreed = (
            part.tolist() for part in (found.reach, found.num_drawn, found.waits, found.agreed)
        )
        for i in np.flatnonzero(calm).tolist():
            row = found.told[i]
            intent = Intent.unread(tick, {TOLD: row}, partial(intent_of, row, found.window[i]))
            plan = Plan.agreed_on(
                found.waypoint[i], found.drawn[i, : drawn[i]], intent, reach[i], waits[i], agreed[i]
            )  # fmt: skip
            self._planners[i].keep(self, plan)
