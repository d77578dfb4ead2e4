"""What the planners for passages of many robots know and decide in one period, a row a robot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array, Flags, Int64s
from swarm.planning.passages.errand import NUMBERS
from swarm.planning.passages.grid import Scratch
from swarm.planning.passages.lanes import Lanes
from swarm.planning.passages.planner import DRAWN, PassagePlanner
from swarm.planning.passages.right_of_way import TOLD
from swarm.planning.passages.slices import Cut
from swarm.planning.roadmap.waypoints import WAY
from swarm.sense.intent import MAX_HELD, WINDOW

# Columns of what does not change, float64[BODY]: radius and margin [m], whether it turns on the spot, how near to a
# door it waits before that [m], and ticks for which it is due.
RADIUS, MARGIN, SPINS, WATCHES, LONGEST, BODY = range(6)
MOST_NEW = 32
"""Most cells by which a way grows at its begin in a period."""
MOST_THERE = 32
"""Most robots that were there before one where it waits."""
MOST_GIVEN = 8
"""Most robots for which one makes way here."""
NO_KEY = -(1 << 62)
"""Below any priority."""
MOST_DRAWN = 2 * DRAWN
"""Most points of a way that is shown."""


class Ground(NamedTuple):
    """The slices of a team (``swarm.planning.passages.slices``), what searches write on, and the bounds [m]."""

    cut: Cut
    length: float
    lanes: Lanes
    doors: Flags
    scratch: Scratch
    bounds: Array


class Heeded(NamedTuple):
    """What N robots see and hear.

    Attributes:
        tick: Of the clock.
        state: float64[N, 5].
        goal: float64[N, 2] [m].
        near: Rows of neighbours, those of one robot after those of another.
        near_first: Where those of each begin, int64[N + 1].
        rows: What is told, int64[m, TOLD].
        who: Rows of those who are heard, those of one robot after those of another, in ascending order of identities.
        ids: Who they are.
        first: Where those of each begin, int64[N + 1].
        rows_before: What was told in the period before.
        who_before: Those who were heard then.
        first_before: Where those of each begin.
    """

    tick: int
    state: Array
    goal: Array
    near: Array
    near_first: Int64s
    rows: Int64s
    who: Int64s
    ids: Int64s
    first: Int64s
    rows_before: Int64s
    who_before: Int64s
    first_before: Int64s


class Known(NamedTuple):
    """What N robots are and remember.

    Attributes:
        robot_id: int64[N].
        body: float64[N, BODY].
        pace: How each moves, float64[N, 4] (``swarm.planning.passages.holding``).
        numbers: float64[N, NUMBERS] (``swarm.planning.passages.errand``), written.
        held: How many slices each holds, and these, int64[N, 1 + MAX_HELD].
        told: What each told last, int64[N, TOLD].
        field: Of the way of each: address and shape of its values, the first row and column, and those where it
            begins, int64[N, 7].
        limit: Of these fields, float64[N].
        cells: Address and number of the cells of the way of each, int64[N, 2].
        there: How many were there before each where it waits, and who, int64[N, 1 + MOST_THERE].
        gave: For how many each made way, and for whom, int64[N, 1 + MOST_GIVEN].
        let_out: How many of these have nowhere to go, and who.
        aside: Where it went out of their way, float64[N, 2] [m]; NaN: nowhere.
    """

    robot_id: Int64s
    body: Array
    pace: Array
    numbers: Array
    held: Int64s
    told: Int64s
    field: Int64s
    limit: Array
    cells: Int64s
    there: Int64s
    gave: Int64s
    let_out: Int64s
    aside: Array


class Decided(NamedTuple):
    """What N robots decide.

    Attributes:
        asked: Who is to plan, bool[N].
        calm: Whether each is calm, bool[N]; of the others nothing else counts.
        held: How many slices each holds, and these, int64[N, 1 + MAX_HELD].
        told: int64[N, TOLD].
        window: What ``told`` has read, int64[N, WINDOW + 1].
        waypoint: float64[N, 2] [m].
        reach: Way after which each has to be able to stop, float64[N] [m].
        waits: Whether that is for others' sake, bool[N].
        agreed: Whether who goes first is agreed, bool[N].
        drawn: Points of the way that is shown, float64[N, MOST_DRAWN, 2] [m].
        num_drawn: int64[N].
        dropped: How many of the cells of its way a robot has left behind, int64[N].
        new: Cells before these, float64[N, MOST_NEW, WAY].
        num_new: int64[N].
        there: As in ``Known``.
        gave: The same.
        let_out: The same.
        aside: The same.
        inherited: With what priority each claims, int64[N].
    """

    asked: Flags
    calm: Flags
    held: Int64s
    told: Int64s
    window: Int64s
    waypoint: Array
    reach: Array
    waits: Flags
    agreed: Flags
    drawn: Array
    num_drawn: Int64s
    dropped: Int64s
    new: Array
    num_new: Int64s
    there: Int64s
    gave: Int64s
    let_out: Int64s
    aside: Array
    inherited: Int64s


def unknown(planners: Sequence[PassagePlanner]) -> Known:
    """Room for what these remember, and what each of them is."""
    n, whole = len(planners), np.int64
    return Known(
        np.array([one.robot_id for one in planners], whole), np.array([one.constants for one in planners], np.float64),
        np.array([one.pace for one in planners]), np.zeros((n, NUMBERS)), np.zeros((n, 1 + MAX_HELD), whole),
        np.zeros((n, TOLD), whole), np.zeros((n, 7), whole), np.zeros(n), np.zeros((n, 2), whole),
        np.zeros((n, 1 + MOST_THERE), whole), np.zeros((n, 1 + MOST_GIVEN), whole),
        np.zeros((n, 1 + MOST_GIVEN), whole), np.zeros((n, 2)),
    )  # fmt: skip


def undecided(count: int) -> Decided:
    """Room for what so many decide, of whom nobody is asked yet."""
    n, whole = count, np.int64
    return Decided(
        np.zeros(n, bool), np.zeros(n, bool), np.empty((n, 1 + MAX_HELD), whole), np.empty((n, TOLD), whole),
        np.empty((n, WINDOW + 1), whole), np.empty((n, 2)), np.empty(n), np.empty(n, bool), np.empty(n, bool),
        np.empty((n, MOST_DRAWN, 2)), np.empty(n, whole), np.empty(n, whole), np.empty((n, MOST_NEW, WAY)),
        np.empty(n, whole), np.empty((n, 1 + MOST_THERE), whole), np.empty((n, 1 + MOST_GIVEN), whole),
        np.empty((n, 1 + MOST_GIVEN), whole), np.empty((n, 2)), np.empty(n, whole),
    )  # fmt: skip
