"""The ways of one robot out of the way of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from swarm.array_types import Array, Flags, Int64s
from swarm.planning.passages.aside.heeded import around_pushers, closed_to, crowd_around, who_crosses
from swarm.planning.passages.route import Route
from swarm.planning.passages.team import Others
from swarm.sense.view import View

_NOWHERE, _NOTHING = np.full(2, np.nan), np.empty(0, np.int64)


class Aside:
    """Ways out of the way, for one robot.

    Args:
        route: Its ways.
        radius: Of the robot [m].
        margin: Extra distance that every robot keeps [m].
    """

    def __init__(self, route: Route, radius: float, margin: float) -> None:
        self._route, self._radius, self._margin = route, radius, margin

    def find(
        self, position: Array, view: View, others: Others, pushers: Sequence[int], past: bool = False,
        kept: Array | None = None, held: Int64s = _NOTHING,
    ) -> Array | None:  # fmt: skip
        """The way to the nearest place where the pushers can pass, float64[n, 2] [m]; None if there is none.

        It leads around the others if that is possible, else through them, who are then asked to make way;
        ``past``: also through slices that the pushers hold, if it can be seen that there is a gap beside them;
        ``kept``: the place that was chosen before [m]; ``held``: what this robot holds, towards which nobody can be
        met: what a pusher comes through before that is left to it.
        """
        route, near = self._route, view.neighbours
        wall, crowd, off, rooms, all_held, theirs, taken = self.heeded(position, near, others, pushers, held)
        attempts = [(np.concatenate((wall, crowd)), all_held), (wall, theirs)]
        if past:
            attempts = [(wall, np.zeros_like(theirs))] if len(wall) == len(pushers) else []
        limit, kept, found = len(rooms), _NOWHERE if kept is None else kept, np.empty((0, 2))
        for blocked, closed in attempts:
            way, limit = route.way_aside(position, taken, closed, off, blocked, crowd, rooms, limit, kept)
            found = way if len(way) else found
            if limit == 0:
                break
        return np.concatenate([found, found[-1:]]) if len(found) else None

    def heeded(
        self, position: Array, near: Array, others: Others, pushers: Sequence[int], held: Int64s
    ) -> tuple[Array, Array, Array, Array, Flags, Flags, Flags]:
        """What the way aside has to heed (``around_pushers``); ``near``: rows of neighbours."""
        told = others.rows, others.who, others.places(pushers), held
        me: tuple[Any, ...] = position, self._radius, self._margin, *self._route.parts
        found: tuple[Array, Array, Array, Array, Flags, Flags, Flags]
        found = around_pushers(self._route.scratch, self._route.slices.cut, near, *told, *me)
        return found

    def out(self, position: Array, view: View, others: Others) -> Array | None:
        """The way out of all passages to the nearest free place, float64[n, 2] [m]; None if there is none."""
        taken, nothing = np.ones(self._route.slices.total + 1, bool), np.empty((0, 3))
        taken[0] = False
        crowd, _ = crowd_around(view.neighbours, _NOTHING, self._radius, self._margin)
        closed, *rest = np.zeros((3, len(taken)), bool)
        closed_to(others.rows, others.who, _NOTHING, _NOTHING, closed, *rest)
        found, _ = self._route.way_aside(position, taken, closed, nothing, nothing, crowd, np.ones(1), 1, _NOWHERE)
        return np.concatenate([found, found[-1:]]) if len(found) else None

    def crossed_by(self, points: Array, view: View, others: Others) -> frozenset[int]:
        """Who is in a passage, and comes through there so near to one of these points that two cannot pass.

        Slices do not tell that at a crossing: the way from one to the next may lead past a third, right beside it.

        Args:
            points: Where this robot is, or wants to drive, float64[n, 2] [m].
            view: What it sees.
            others: What they have told.
        """
        slices, told = self._route.slices, (others.rows, others.who, others.ids)
        me: tuple[Any, ...] = self._radius, self._margin, *self._route.parts
        found = who_crosses(self._route.scratch, slices.cut, slices.flags, points, view.neighbours, *told, *me)
        return frozenset(found.tolist())
