"""What a way out of the way of others has to heed: where they want through, and what they hold (kernels)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from swarm.array_types import Array, Flags, Int32s, Int64s
from swarm.kernel_cache.references import inlined, uncounted
from swarm.planning.passages.grid import Scratch, comes_near, labels_near
from swarm.planning.passages.right_of_way import T_AHEAD, T_CLAIM, T_HELD, T_ROBOT, has, listed
from swarm.planning.passages.search import way_of
from swarm.planning.passages.slices import Cut, label_at
from swarm.planning.roadmap.occupancy import Roadmap, whole
from swarm.planning.roadmap.waypoints import points_between
from swarm.planning.silent import place_among
from swarm.sense.neighbours import N_ID, N_INTENT_X, N_INTENT_Y, N_OFFSET_X, N_OFFSET_Y, N_RADIUS, N_X, N_Y

# Room that is looked for, in sums of radii: first more, then enough, then what is just enough if the other keeps away.
_ROOM = (1.17, 1.065, 1.0)
_CROSSED = 0.9  # A way that comes so near to another robot, in sums of their radii, leads through where it stands.
_THINNED = 3  # Every so many-th point of a way tells where it leads.
_MOST_BEFORE = 64  # Points that tell of the room before a mouth.
_IN_THE_WAY = 0.7  # Discs that are this near to each other cannot pass.


def sum_of(row: Array, radius: float, margin: float) -> float:
    """The sum of the radii and margins of a robot and of one that it sees (a row of neighbours) [m]."""
    both: float = row[N_RADIUS] + radius + 2.0 * margin
    return both


_sum_key: Any = inlined(sum_of)  # the same in kernels


@uncounted
def closed_to(
    rows: Int64s, who: Int64s, pushers: Int64s, held: Int64s, closed: Flags, theirs: Flags, taken: Flags
) -> None:  # fmt: skip
    """Note which slices the way out of the way of others must not enter, and where it must not end.

    Args:
        rows: What is told, int64[n, TOLD].
        who: Rows of those who are heard.
        pushers: Identities of those for whom the robot makes way.
        held: What the robot holds; what a pusher in a passage comes through before that is left to it.
        closed: Slices that somebody holds, or that are left, bool[count + 1], written; False before, as what follows.
        theirs: Those of the pushers alone.
        taken: Slices that somebody holds, and those that a pusher wants.
    """
    for k in who:
        other, pushes = rows[k], has(pushers, rows[k, T_ROBOT])
        for number in listed(other, T_HELD):
            closed[number] = taken[number] = True
            theirs[number] = theirs[number] or pushes
        if not pushes:
            continue
        ahead, meets = listed(other, T_AHEAD), 0
        for j in range(len(ahead)):
            taken[ahead[j]] = True
            if meets == 0 and has(held, ahead[j]):
                meets = j
        for number in ahead[: meets if other[T_HELD] > 0 else 0]:
            closed[number] = theirs[number] = True


@njit(cache=True)
def crowd_around(neighbours: Array, pushers: Int64s, radius: float, margin: float) -> tuple[Array, Int64s]:
    """Places x, y of those near who are no pushers, and the distances to keep from them, float64[k, 3] [m].

    Also which of the neighbours the pushers are, int64[p]; -1: not seen.
    """
    crowd, count, seen = np.empty((len(neighbours), 3)), 0, np.full(len(pushers), -1)
    for k in range(len(neighbours)):
        row, pushes = neighbours[k], False
        for j in range(len(pushers)):
            if pushers[j] == row[N_ID]:
                seen[j], pushes = k, True
        if not pushes:
            crowd[count, 0], crowd[count, 1] = row[N_X], row[N_Y]
            crowd[count, 2], count = _sum_key(row, radius, margin), count + 1
    return crowd[:count], seen


@njit(cache=True)
def _discs_of(way: Array, before: Array, seen: Array, radius: float, margin: float) -> Array:
    """Where a robot must not stay in the way of another, x, y and the distance to keep, float64[n, 3] [m].

    Args:
        way: Where the other wants through, float64[n, 2] [m].
        before: The room that it comes out into, float64[m, 2] [m].
        seen: Its row of neighbours, if it is seen: then also from there to where it is heading.
        radius: Of the robot [m].
        margin: Extra distance that every robot keeps [m].
    """
    line, both = np.empty((0, 2)), 2.0 * radius + 2.0 * margin
    if len(seen) > 0:
        row = seen[0]
        start, end = np.array((row[N_X], row[N_Y])), np.array((row[N_INTENT_X], row[N_INTENT_Y]))
        count = 2 + int(math.hypot(end[0] - start[0], end[1] - start[1]) / row[N_RADIUS])
        line, both = points_between(start, end, count), _sum_key(row, radius, margin)
    found, count = np.empty((len(way) + len(before) + len(line), 3)), 0
    for points in (way, before, line):
        for k in range(len(points)):
            found[count, 0], found[count, 1], found[count, 2] = points[k, 0], points[k, 1], both
            count += 1
    return found


def _stretch(row: Array) -> float:
    """By how much a robot needs more room than its disc, since a point ahead of it is what it controls."""
    return 1.0 + math.hypot(row[N_OFFSET_X], row[N_OFFSET_Y]) / row[N_RADIUS]


stretch_key: Any = inlined(_stretch)  # the same in kernels


@njit(cache=True)
def _way_told(scratch: Scratch, roadmap: Roadmap, cut: Cut, other: Int64s, place: Array, taken: Flags) -> Array:
    """Where another robot (what it tells, int64[TOLD]) wants through, as far as it tells, float64[n, 2] [m].

    Args:
        scratch: As of ``way_of``.
        roadmap: The same.
        cut: The slices.
        other: What it tells, int64[TOLD].
        place: Where it is [m], float64[2]; NaN: unknown.
        taken: The slices on that way are written.
    """
    wanted, last, before, first, count, row, column = np.zeros(len(taken), np.bool_), 0, 0, 0, 0, -1, -1
    held, ahead, claim = listed(other, T_HELD), listed(other, T_AHEAD), other[T_CLAIM]
    for number in held:
        wanted[number], before, last, count = True, last, number, count + 1
    if claim > 0:
        wanted[claim], before, last, count = True, last, claim, count + 1
    for number in ahead:
        wanted[number], before, last, count = True, last, number, count + 1
    if count > 0 and not np.isfinite(place[0]):
        first = held[0] if len(held) > 0 else ahead[0] if len(ahead) > 0 else claim
        begin, end = cut.begins[first], cut.begins[first + 1]
        row, column = divmod(cut.cells[begin + (end - begin) // 2], cut.labels.shape[1])
    if count == 0:
        return np.empty((0, 2))
    near = last if count == 1 else before
    return way_of(
        scratch, roadmap, cut.labels, cut.begins, wanted, near, last, count == 1, place, row, column, taken
    )  # fmt: skip


@njit(cache=True)
def _may_cross(
    labels: Int32s, origin: Array, resolution: float, flags: Flags, points: Array, neighbours: Array, rows: Int64s,
    who: Int64s, ids: Int64s, radius: float, margin: float,
) -> tuple[Array, Int64s, Int64s]:  # fmt: skip
    """Who is in a passage, and wants through slices about so near to some points that two cannot pass.

    Arguments as of ``who_crosses``.

    Returns:
        Some of the points that are in passages, float64[m, 2]; which neighbours; and which rows they have told.
    """
    which, told, count, most = np.empty(len(neighbours), np.int64), np.empty(len(neighbours), np.int64), 0, 0.0
    for k in range(len(neighbours)):
        place = place_among(ids, neighbours[k, N_ID])
        if place >= 0 and rows[who[place], T_HELD] > 0:
            which[count], told[count], count = k, who[place], count + 1
            most = max(most, _sum_key(neighbours[k], radius, margin))
    kept, many, inside = np.empty((len(points) // _THINNED + 1, 2)), 0, 0
    for k in range(len(points) if count > 0 else 0):
        if label_at(labels, origin, resolution, points[k, 0], points[k, 1]) > 0:
            if inside % _THINNED == 0:
                kept[many, 0], kept[many, 1], many = points[k, 0], points[k, 1], many + 1
            inside += 1
    labels_near(labels, origin, resolution, kept[:many], most, flags, True)
    found = 0
    for k in range(count if many > 0 else 0):
        row, ahead, near = neighbours[which[k]], listed(rows[told[k]], T_AHEAD), False
        for number in ahead:
            near = near or flags[number]
        stays = len(ahead) == 1 and ahead[0] == label_at(labels, origin, resolution, row[N_X], row[N_Y])
        if near and not stays:
            which[found], told[found], found = which[k], told[k], found + 1
    labels_near(labels, origin, resolution, kept[:many], most, flags, False)
    return kept[:many], which[:found], told[:found]


@njit(cache=True)
def who_crosses(
    scratch: Scratch, cut: Cut, flags: Flags, points: Array, near: Array, rows: Int64s, who: Int64s, ids: Int64s,
    radius: float, margin: float, *parts: Any,
) -> Int64s:  # fmt: skip
    """Who is in a passage, and comes through there so near to one of some points that two cannot pass: identities.

    Args:
        scratch: As of ``way_of``.
        cut: The slices.
        flags: A flag a slice, all False.
        points: float64[n, 2] [m].
        near: Rows of neighbours.
        rows: What is told, int64[m, TOLD].
        who: Rows of those who are heard.
        ids: Who they are.
        radius: Of the robot [m].
        margin: Extra distance that every robot keeps [m].
        *parts: Of the roadmap.
    """
    grid = (cut.labels, cut.origin, cut.resolution, flags)
    some, which, told = _may_cross(*grid, points, near, rows, who, ids, radius, margin)
    count, roadmap = 0, whole(parts)
    for k in range(len(which)):
        row, place, nothing = near[which[k]], near[which[k], : N_Y + 1], np.zeros(len(cut.mouths), np.bool_)
        way = _way_told(scratch, roadmap, cut, rows[told[k]], place, nothing)
        if comes_near(way, some, _CROSSED * _sum_key(row, radius, margin)):
            told[count], count = rows[told[k], T_ROBOT], count + 1
    return told[:count]


@njit(cache=True)
def _before_mouth(cut: Cut, other: Int64s) -> Array:
    """The room before the mouth that another robot comes out of, float64[n, 2] [m]; none if that is no mouth."""
    some = listed(other, T_AHEAD if other[T_AHEAD] > 0 else T_HELD)
    if len(some) == 0 or not cut.mouths[some[-1]]:
        return np.empty((0, 2))
    cells = cut.cells[cut.begins[some[-1]] : cut.begins[some[-1] + 1]]
    stride = max(1, len(cells) // _MOST_BEFORE)
    found = np.empty(((len(cells) + stride - 1) // stride, 2))
    for k in range(len(found)):
        row, column = divmod(cells[k * stride], cut.labels.shape[1])
        found[k, 0] = cut.origin[0] + (column + 0.5) * cut.resolution
        found[k, 1] = cut.origin[1] + (row + 0.5) * cut.resolution
    return found


@uncounted
def _in_the_way(cut: Cut, position: Array, other: Int64s, row: Array, radius: float, margin: float) -> float:
    """How near to another a way aside must not come [m]; past who is in the slice of this robot, there is none."""
    both = _sum_key(row, radius, margin)
    if not has(listed(other, T_HELD), label_at(cut.labels, cut.origin, cut.resolution, position[0], position[1])):
        return _IN_THE_WAY * both
    dx, dy = position[0] - row[N_X], position[1] - row[N_Y]
    near = math.sqrt(dx * dx + dy * dy) - cut.resolution  # the way begins outside of that
    return max(_IN_THE_WAY * both, min(both, near))


@njit(cache=True)
def around_pushers(
    scratch: Scratch, cut: Cut, near: Array, rows: Int64s, who: Int64s, pushers: Int64s, held: Int64s,
    position: Array, radius: float, margin: float, *parts: Any,
) -> tuple[Array, Array, Array, Array, Flags, Flags, Flags]:  # fmt: skip
    """What a way out of the way of some others has to heed (``swarm.planning.passages.search.way_aside``).

    Args:
        scratch: As of ``way_of``.
        cut: The slices.
        near: Rows of neighbours.
        rows: What is told, int64[n, TOLD].
        who: Rows of those who are heard.
        pushers: Rows of those for whom the robot makes way.
        held: What it holds.
        position: Where it is [m].
        radius: Its own [m].
        margin: Extra distance that every robot keeps [m].
        *parts: Of the roadmap.

    Returns:
        Where the pushers are whom it sees, and the others, with distances to keep, float64[k, 3] [m] each; the same
        of where it must not stay; the rooms that it looks for; slices that others hold, that pushers hold, and that
        are taken.
    """
    count, roadmap = len(cut.mouths), whole(parts)
    closed, theirs, taken = np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    ids, wall, many, stretch = rows[pushers, T_ROBOT], np.empty((len(pushers), 3)), 0, 1.0
    closed_to(rows, who, ids, held, closed, theirs, taken)
    crowd, seen = crowd_around(near, ids, radius, margin)
    off = np.empty((0, 3))
    for j in range(len(pushers)):
        other, k = rows[pushers[j]], seen[j]
        place = near[k, : N_Y + 1] if k >= 0 else np.full(2, np.nan)
        way = _way_told(scratch, roadmap, cut, other, place, taken)
        discs = _discs_of(way, _before_mouth(cut, other), near[max(k, 0) : k + 1], radius, margin)
        off = discs if j == 0 else np.concatenate((off, discs))
        if k >= 0:
            wall[many, 0], wall[many, 1] = near[k, N_X], near[k, N_Y]
            wall[many, 2], many = _in_the_way(cut, position, other, near[k], radius, margin), many + 1
            stretch = max(stretch, stretch_key(near[k]))
    rooms = np.array((stretch * _ROOM[0], _ROOM[0], _ROOM[1], _ROOM[2]))
    rooms = rooms if stretch > 1.0 else rooms[1:]
    return wall[:many], crowd, off, rooms, closed, theirs, taken
