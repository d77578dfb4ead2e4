"""Lanes and pockets. A lane is a chain of slices without a place where two can pass; who comes which way along one.

A slice with three neighbours or more is a place to pass, since a robot can stand in one branch while another goes from
the second to the third; so is the room before a mouth. What is between two such places is a lane. Robots may follow
each other through it, but never enter it against somebody who comes the other way.

Pockets are dead ends beside a passage in which one robot can stand out of the way of who goes past. A passage is cut
along the distance from its mouths, without regard to where it branches: a slice may hold both a pocket and the lane
before it, and there is no place in it for a second robot then. For them the passage is cut finely, and what its parts
are beside each other is a graph (a Reeb graph of that distance). Its leaves beside a branch end in pockets, if there is
one way out of what is near that end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from swarm.array_types import Flags, Int32s, Int64s
from swarm.kernel_cache.references import uncounted
from swarm.planning.passages.grid import banded, beside_of, parts_of, steps_from

_BAND = 2  # Steps that belong together: less is noise of the grid.
# Of what keeps two apart: how far from its end a dead end has one way out at least, and how far a pocket reaches.
_DEPTH, _SIZE = 0.9, 0.6


class Lanes(NamedTuple):
    """The lanes of a world.

    Attributes:
        number: Of the lane of each slice, from 1 on; 0 for a place to pass, int64[count + 1].
        place: Of the slice along its lane, int64[count + 1].
    """

    number: Int64s
    place: Int64s


@uncounted
def is_inside(lanes: Lanes, lane: int, held: Int64s) -> bool:
    """Whether somebody who holds these slices is in a lane."""
    inside = False
    for one in held:
        inside = inside or lanes.number[one] == lane
    return inside


@uncounted
def heading(lanes: Lanes, lane: int, ahead: Int64s) -> int:
    """Which way slices ahead lead along a lane: 1, -1, or 0 if that cannot be told."""
    steps, before = 0, -2
    for one in ahead:
        if lanes.number[one] == lane:
            step = lanes.place[one] - before
            steps += step if before >= 0 and abs(step) == 1 else 0
            before = lanes.place[one]
    return int(steps > 0) - int(steps < 0)


@uncounted
def against(lanes: Lanes, lane: int, entry: int, mine: Int64s, theirs: Int64s) -> bool:
    """Whether a robot would enter a lane by a slice against another: their ways ahead lead through it oppositely.

    Who wants no farther than that slice is in the way of who comes out there, but not of who leaves it.
    """
    ours, other = heading(lanes, lane, mine), heading(lanes, lane, theirs)
    if ours == 0 and other != 0:
        for one in theirs[1:]:
            if one == entry:
                return True
    return ours * other < 0


def lanes_of(labels: Int32s, total: int) -> Lanes:
    """The lanes between ``total`` slices with these labels (see ``swarm.planning.passages.slices.Slices``)."""
    beside = neighbours(labels, total)
    number, place = np.zeros(total + 1, np.int64), np.zeros(total + 1, np.int64)
    chain = [[other for other in some if len(beside[other]) <= 2] for some in beside]
    count = 0
    for most in (1, 2):  # From the ends of the chains on; what is left then are rings.
        for first in range(1, total + 1):
            if number[first] or len(beside[first]) > 2 or len(chain[first]) > most:
                continue
            count += 1
            one: int | None = first
            for k in range(total):
                if one is None:
                    break
                number[one], place[one] = count, k
                one = next((other for other in chain[one] if not number[other]), None)
    return Lanes(number, place)


def neighbours(labels: Int32s, total: int) -> list[list[int]]:
    """Of each slice, those beside it in ascending order."""
    rows, columns = labels.shape
    found: set[tuple[int, int]] = set()
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one = labels[: rows - down, max(0, -right) : columns - max(0, right)]
        other = labels[down:, max(0, right) : columns + min(0, right)]
        touch = (one > 0) & (other > 0) & (one != other)
        found.update(map(tuple, np.unique(np.column_stack([one[touch], other[touch]]), axis=0).tolist()))
    beside: list[set[int]] = [set() for _ in range(total + 1)]
    for first, second in found:
        beside[first].add(second)
        beside[second].add(first)
    return [sorted(some) for some in beside]


def pockets_of(inside: Flags, steps: Int32s, most: float, apart: float) -> Int32s:
    """Number of the pocket of each cell of a passage from 1 on, 0 where there is none, int32[rows, columns].

    Args:
        inside: The cells of passages.
        steps: From their mouths; -1 outside of them.
        most: Steps from the end of a dead end to where it branches off, at most; longer ones are lanes.
        apart: Two robots that are so many steps apart pass each other.
    """
    parts, count = banded(steps, _BAND)
    beside, found, number = neighbours(parts, count), np.zeros(inside.shape, np.int32), 0
    for leaf in (one for one in range(1, count + 1) if len(beside[one]) == 1):
        if _length(leaf, beside) * _BAND > most:
            continue  # the end of a lane
        where = np.flatnonzero(parts == leaf)
        end = int(where[np.argmax(steps.flat[where])])
        if steps.flat[end] < _BAND:
            continue  # at a mouth
        near, rows, columns = _around(inside, end, round(_DEPTH * apart))
        if near is not None:
            number += 1
            found[rows, columns][near <= round(_SIZE * apart)] = number
    return found


def _around(inside: Flags, end: int, depth: int) -> tuple[Int32s | None, slice, slice]:
    """Steps from a flat cell, in a window around it; None unless what is within ``depth`` of it has one way out."""
    row, column = divmod(end, inside.shape[1])
    rows, columns = (slice(max(at - depth - 1, 0), at + depth + 2) for at in (row, column))
    window = np.ascontiguousarray(inside[rows, columns])
    seed = np.zeros(window.shape, bool)
    seed[row - rows.start, column - columns.start] = True
    steps = steps_from(window, seed)
    near = (steps >= 0) & (steps <= depth)
    _, ways_out = parts_of(np.where(beside_of(window & ~near, near), 0, -1).astype(np.int32))
    return (np.where(steps < 0, inside.size, steps) if ways_out == 1 else None), rows, columns


def _length(leaf: int, beside: list[list[int]]) -> float:
    """Parts in a row from a leaf on up to a branch; inf if there is none."""
    count, last, part = 1, leaf, beside[leaf][0]
    while len(beside[part]) == 2:
        count, last, part = count + 1, part, sum(beside[part]) - last
    return count if len(beside[part]) > 2 else np.inf
