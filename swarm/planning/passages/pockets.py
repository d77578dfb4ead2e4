"""Pockets: dead ends beside a passage in which one robot can stand out of the way of who goes past.

A passage is cut along the distance from its mouths (``swarm.planning.passages.slices``), without regard to where it
branches: a slice may hold both a pocket and the lane before it, and there is no place in it for a second robot then.
Here the passage is cut finely, and what its parts are beside each other is a graph (a Reeb graph of that distance). Its
leaves beside a branch end in pockets, if there is one way out of what is near that end.
"""

from __future__ import annotations

import numpy as np

from swarm.array_types import Flags, Int32s
from swarm.planning.passages.grid import banded, beside_of, parts_of, steps_from
from swarm.planning.passages.lanes import neighbours

_BAND = 2  # Steps that belong together: less is noise of the grid.
# Of what keeps two apart: how far from its end a dead end has one way out at least, and how far a pocket reaches.
_DEPTH, _SIZE = 0.9, 0.6


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
