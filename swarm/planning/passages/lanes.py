"""Lanes: chains of slices without a place where two robots can pass each other; who comes which way along one.

A slice with three neighbours or more is a place to pass, since a robot can stand in one branch while another goes from
the second to the third; so is the room before a mouth. What is between two such places is a lane. Robots may follow
each other through it, but never enter it against somebody who comes the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from swarm.array_types import Int32s, Int64s


class Lanes(NamedTuple):
    """The lanes of a world.

    Attributes:
        number: Of the lane of each slice, from 1 on; 0 for a place to pass, int64[count + 1].
        place: Of the slice along its lane, int64[count + 1].
    """

    number: Int64s
    place: Int64s

    def entered(self, number: int, held: Sequence[int]) -> int:
        """The lane that a robot enters with a further slice; 0 if there is none, or it is in it already."""
        lane = int(self.number[number])
        return 0 if self.is_inside(lane, held) else lane

    def is_inside(self, lane: int, held: Sequence[int]) -> bool:
        """Whether somebody who holds these slices is in a lane."""
        return any(self.number[one] == lane for one in held)

    def heading(self, lane: int, ahead: Sequence[int]) -> int:
        """Which way slices ahead lead along a lane: 1, -1, or 0 if that cannot be told."""
        way = [int(self.place[one]) for one in ahead if self.number[one] == lane]
        steps = sum(after - before for before, after in pairwise(way) if abs(after - before) == 1)
        return (steps > 0) - (steps < 0)

    def opposed(self, lane: int, entry: int, mine: Sequence[int], theirs: Sequence[int]) -> bool:
        """Whether a robot would enter a lane by a slice against another: their ways ahead lead through it oppositely.

        Who wants no farther than that slice is in the way of who comes out there, but not of who leaves it.
        """
        ours, other = self.heading(lane, mine), self.heading(lane, theirs)
        return ours * other < 0 or (ours == 0 and other != 0 and entry in theirs[1:])


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
