"""The way along held cells, how far to look ahead on it, and what is still held after a restart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from swarm.array_types import Array
from swarm.planning.cells.blocked import AROUND
from swarm.planning.cells.cell_map import CellMap
from swarm.sense.intent import MAX_HELD

Way = list[tuple[float, float]]

_SHORTEST, _LONGEST = 0.15, 0.8


def look_ahead_distance(radius: float) -> float:
    """Distance of the waypoint along the way at which a disc cuts no corner of its cells.

    A point that follows another one at this distance around a corner keeps 0.572 - 0.34 · distance from the inner
    corner (found by simulation for 0.2 to 1.0); 0.03 are kept in hand.

    Args:
        radius: Of the disc [cells].

    Returns:
        Distance [cells].
    """
    return min(_LONGEST, max(_SHORTEST, (0.542 - radius) / 0.34))


def way_ahead(cell_map: CellMap, held: list[int], x: float, y: float) -> tuple[Way, bool]:
    """The way through the held cells.

    It starts at the foot of the perpendicular, not at the robot: one that aimed from where it is would cut corners
    more and more. A robot pushed out of its cells goes back to the centre of the nearest one.

    Args:
        cell_map: The map.
        held: Held cells, tail first.
        x: Of the robot, world frame [m].
        y: Of the robot [m].

    Returns:
        Points [m], and whether the robot is inside its cells.
    """
    gaps = [cell_map.gap(x, y, cell) for cell in held]
    centres = [cell_map.centre(cell) for cell in held]
    nearest = min(gaps)
    if nearest > 0.0:
        return [(x, y), centres[gaps.index(nearest)]], False
    if len(centres) == 1:
        return [(x, y), centres[0]], True
    foot, after, least = centres[0], 1, math.inf
    for index in range(len(centres) - 1):
        (ax, ay), (bx, by) = centres[index], centres[index + 1]
        share = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
        share = min(max(share, 0.0), 1.0)
        px, py = ax + share * (bx - ax), ay + share * (by - ay)
        away = math.hypot(px - x, py - y)
        if away <= least:
            foot, after, least = (px, py), index + 1, away
    return [foot, *centres[after:]], True


def length(way: Way) -> float:
    """Length of a way [m]."""
    return sum(math.hypot(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise(way))


def point_along(way: Way, distance: float) -> Array:
    """The point at a distance [m] along a way, or its end, float64[2]."""
    for (ax, ay), (bx, by) in pairwise(way):
        step = math.hypot(bx - ax, by - ay)
        if step >= distance and step > 0.0:
            share = distance / step
            return np.array([ax + share * (bx - ax), ay + share * (by - ay)])
        distance -= step
    return np.array(way[-1])


def still_held(cells: CellMap, held: Sequence[int], x: float, y: float) -> list[int]:
    """The cells of a chain that a robot may go on holding after a restart; none if it stands in none of them.

    Those that are farther than ``AROUND`` are given back: who senses this robot and knows nothing of it may have
    taken them meanwhile.

    Args:
        cells: The map.
        held: Tail first; what is no chain of free cells gives none.
        x: Of the robot, world frame [m].
        y: Of the robot [m].
    """
    chain = len(set(held)) == len(held) <= MAX_HELD and all(0 <= cell < cells.free.size for cell in held)
    if not chain or not all(cells.free.flat[cell] for cell in held):
        return []
    if any(cells.steps_between(a, b) != 1 for a, b in pairwise(held)):
        return []
    inside = [k for k, cell in enumerate(held) if cells.gap(x, y, cell) <= 0.0]
    if not inside:
        return []
    first = last = inside[0]
    near = cells.cells_within(x, y, AROUND)
    while first > 0 and held[first - 1] in near:
        first -= 1
    while last + 1 < len(held) and held[last + 1] in near:
        last += 1
    return list(held[first : last + 1])
