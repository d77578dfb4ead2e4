"""What one robot wants: its goal, since when it has that goal, whether it has arrived, and who goes before it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.planning.passages.holding import Leg
from swarm.planning.passages.right_of_way import T_ARRIVAL, T_HELD, T_ROBOT, has, listed, meet, waiting_key, wants_at
from swarm.planning.passages.slices import Slices
from swarm.planning.passages.team import Others
from swarm.planning.pibt.priority_inheritance import priority_key
from swarm.planning.roadmap.shut_in import MOVES, PATIENCE

IDLE = -1
"""Ticks in the priority of a robot that has arrived."""
STUCK = 1.5  # A robot gets on no longer if it has not come nearer to its goal for so many seconds.
FORGETS = 5.0  # Seconds after which it does not count any more how near it has been: it may have to go around.
ARRIVED, NEARLY = 0.5, 2.0  # It has arrived if so little of its way is left, and if so little is left and it waits.
# Who is nearer than so many slices to the one that it wants next waits before it; then it does while it is about there.
_NEAR, ABOUT = 2.0, 3.0
PASSES = 3  # So many go first.
HEARD = 5  # Periods in which it hears who is there already, when it begins to listen.
_NOBODY = Others.of({}, 0)
# Columns of what a calm robot remembers as numbers, float64[NUMBERS]: of its errand goal and place [m], least way left
# and way left [m], ticks, whether it has arrived, and is due; of ``Passed`` its ``numbers``; whether it has nowhere to
# go; until when it goes back, and for whom; until when it backs off in a crowd; how far it has ever seen anybody [m].
GOAL, PLACE, LEAST, LEFT, SINCE, MOVED, IS_ARRIVED, DUE, NEARER = 0, 2, *range(4, 11)
DOOR, BEGUN, COUNT, PASSED, LEAVING, UNTIL, FOR, CROWD_UNTIL, SIGHT, NUMBERS = range(11, 21)
_DUE = 20.0  # Seconds for which a robot is due at most: if it does not come in meanwhile, it is not for the others.


class Errand:
    """The goal of one robot, and how it comes along.

    Args:
        robot_id: Identity, which settles equal priorities.
        radius: Of the robot [m].
        dt: Control period [s].

    Attributes:
        arrived: Whether the robot has been at its goal since it has that goal.
        due: Whether it is to go next where it waits (see ``Passed``).
    """

    def __init__(self, robot_id: int, radius: float, dt: float) -> None:
        self._robot_id, self._radius, self._dt = robot_id, radius, dt
        self._goal, self._place = np.full(2, np.nan), [math.inf, math.inf]
        self._told, self._has_goal = self._goal.tobytes(), False
        self._tick, self._since, self._moved, self.arrived = 0, 0, 0, False
        self.due = False
        self._least, self._nearer, self._left = math.inf, 0, math.inf

    def update(self, tick: int, goal: Array, position: Array) -> bool:
        """Note goal and place [m] of this tick; whether the goal is a new one."""
        self._tick = tick
        is_new = goal.tobytes() != self._told and not np.array_equal(goal, self._goal, equal_nan=True)
        if is_new:
            self._goal, self._since, self.arrived, self._least = goal.copy(), tick, False, math.inf
            self._told, self._has_goal = goal.tobytes(), bool(np.isfinite(goal).all())
        place = position.tolist()
        away_x, away_y = place[0] - self._place[0], place[1] - self._place[1]
        if math.sqrt(away_x * away_x + away_y * away_y) > MOVES * self._radius:
            self._place, self._moved = place, tick
        return is_new

    @property
    def numbers(self) -> tuple[float, ...]:
        """What it remembers: the columns from ``GOAL`` to ``NEARER``."""
        ticks = self._since, self._moved, self.arrived, self.due, self._nearer
        return *self._goal.tolist(), *self._place, self._least, self._left, *ticks

    def went_on(self, tick: int, some: Sequence[float]) -> None:
        """Remember these ``numbers`` from a tick on; the goal is the same."""
        self._tick, self._place, self._least, self._left = tick, [*some[PLACE:LEAST]], some[LEAST], some[LEFT]
        self.arrived, self.due = some[IS_ARRIVED] > 0.0, some[DUE] > 0.0
        self._moved, self._nearer = int(some[MOVED]), int(some[NEARER])

    def is_of(self, goal: bytes) -> bool:
        """Whether it has a goal, and which: by its bytes."""
        return self._has_goal and self._told == goal

    def goal_from(self, position: Array) -> Array:
        """The goal, float64[2] [m]; where the robot is if it has none."""
        return self._goal if self._has_goal else position

    def is_at_end(self, left: float) -> bool:
        """Whether a way ends here, of which so much is left [m]."""
        return left <= ARRIVED * self._radius

    def note_left(self, left: float) -> None:
        """Note how much is left of the way to the goal [m]."""
        self._left = left
        if left < self._least - MOVES * self._radius or self._tick - self._nearer > FORGETS / self._dt:
            self._least, self._nearer = left, self._tick
        self.arrived |= self.is_at_end(left) or (self.waits and left <= NEARLY * self._radius)

    @property
    def waits(self) -> bool:
        """Whether the robot has not moved for long."""
        return (self._tick - self._moved) * self._dt > PATIENCE

    @property
    def gets_on(self) -> bool:
        """Whether the robot is at its goal, or has come nearer to it than ever before not long ago."""
        return self.is_at_end(self._left) or (self._tick - self._nearer) * self._dt <= STUCK

    @property
    def priority(self) -> int:
        """How long it has had its goal, and whether it is due; the lowest if it has arrived, or has none."""
        if self.arrived or not self._has_goal:
            return priority_key(IDLE, self._robot_id)
        return waiting_key(self._tick - self._since, self._robot_id, self.due)


class Passed:
    """How often others who came later have gone first where one robot waits to get in: after some times it is due.

    Who is in a passage goes before whoever waits outside, and so do those who follow it: an endless row of them would
    leave one behind for ever. Who is due goes before all others outside, whichever way they want; those inside come
    out.

    Args:
        slices: Of the team.
        speed: Top speed of the robot [m/s].
        dt: Control period [s].

    Attributes:
        near: Who is so near to the first slice that it wants waits before it [m].
        longest: Ticks for which the robot is due at most.
    """

    def __init__(self, slices: Slices, speed: float, dt: float) -> None:
        self._slices, self.near = slices, _NEAR * slices.length
        self._step, self.longest = speed * dt, round(_DUE / dt)
        self._door, self._begun, self._count, self._since = 0, 0, 0, 0
        self._first: set[int] = set()
        self._before = _NOBODY

    def is_due(self, tick: int, leg: Leg, others: Others, waits: bool) -> bool:
        """Whether the robot is to go next.

        Args:
            tick: Of the clock.
            leg: Its way, if it made way for nobody.
            others: What they have told.
            waits: Whether it wants somewhere and is in no passage: who has come into one has to be passed anew.
        """
        door = self._door_of(leg) if waits else 0
        anew = door != self._door or (self._count >= PASSES and tick - self._since > self.longest)
        if anew:
            self._door, self._begun, self._count, self._first = door, tick, 0, set()
        if door == 0:
            self._before = _NOBODY
            return False
        before, listens = self._before, tick - self._begun <= HEARD
        told = others.rows, others.who, before.rows, before.who, leg.ahead, self._slices.doors
        there, goes_in = who_passes(*told, self._step, self.near, anew, listens)
        self._first.update(there.tolist())
        for robot in goes_in.tolist():
            self._note(robot, tick)
        self._before = others
        return self._count >= PASSES

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Where it waits, since which tick, how many have gone first, and since when it is due."""
        return self._door, self._begun, self._count, self._since

    @property
    def there(self) -> Collection[int]:
        """Who may go first: they were there before this robot."""
        return self._first

    def went_on(self, some: Sequence[float], there: Collection[int], others: Others) -> None:
        """Remember these ``numbers``, who was ``there``, and what the others have told."""
        self._door, self._begun, self._count, self._since = map(int, some[DOOR:LEAVING])
        self._before, self._first = others if self._door else _NOBODY, set(there)

    def knows(self, others: Others | None) -> bool:
        """Whether this is what the others had told when it was asked last, as far as that counts."""
        return not self._door or self._before is others

    def _note(self, robot: int, tick: int) -> None:
        """Another one goes in; if it comes back, it will have come later."""
        if robot in self._first:
            self._first.remove(robot)
            return
        self._count += 1
        if self._count == PASSES:
            self._since = tick

    def _door_of(self, leg: Leg) -> int:
        """The lane before which the robot waits, or minus the slice if that is in none; 0 if it waits before none."""
        if not len(leg.ahead) or leg.distance > ABOUT * self._slices.length:
            return 0
        first = int(leg.ahead[0])
        door = int(self._slices.lanes.number[first]) or -first
        return door if leg.distance <= self.near or door == self._door else 0


@njit(cache=True)
def who_passes(
    rows: Int64s, who: Int64s, rows_before: Int64s, who_before: Int64s, ahead: Int64s, doors: Flags, step: float,
    near: float, anew: bool, listens: bool,
) -> tuple[Int64s, Int64s]:  # fmt: skip
    """Whom a robot finds on its way, or waiting for it as well, when it begins to wait; and who goes in before it.

    Args:
        rows: What is told, int64[n, TOLD].
        who: Rows of those who are heard.
        rows_before: The same of the tick before.
        who_before: The same.
        ahead: What is ahead of the robot.
        doors: As in ``Slices``.
        step: How far a robot comes in a tick [m].
        near: Who is so near to the first slice that it wants waits before it [m].
        anew: Whether the robot begins to wait.
        listens: Whether it has begun just before.
    """
    there, goes_in = np.zeros(len(who), np.bool_), np.zeros(len(who), np.bool_)
    k = 0
    for i in range(len(who)):
        other, robot = rows[who[i]], rows[who[i], T_ROBOT]
        while k < len(who_before) and rows_before[who_before[k], T_ROBOT] < robot:
            k += 1
        known = k < len(who_before) and rows_before[who_before[k], T_ROBOT] == robot
        held = listed(other, T_HELD)
        if anew or (listens and not known):
            waits = other[T_ARRIVAL] * step <= near and meet(listed(other, wants_at(other)), ahead)
            there[i] = meet(held, ahead) or waits
        if not anew and known and _is_within(held, ahead, doors):
            goes_in[i] = not _is_within(listed(rows_before[who_before[k]], T_HELD), ahead, doors)
    return rows[who[there], T_ROBOT], rows[who[goes_in], T_ROBOT]


@uncounted
def _is_within(held: Int64s, ahead: Int64s, doors: Flags) -> bool:
    """Whether somebody holds one of some slices that is not only room before a mouth."""
    within = False
    for number in held:
        within = within or (doors[number] and has(ahead, number))
    return within
