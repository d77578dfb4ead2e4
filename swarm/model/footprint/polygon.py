"""Outlines of robots: from any list of corners to a convex, counter-clockwise polygon around the robot's centre.

A polygon is ``float64[V, 2]`` [m] in the frame of the body (x ahead). Own code, and no library of geometry: what is
needed of convex polygons of few corners is a page, and the process on a robot has to start quickly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import array

MOST_CORNERS = 8
"""Of an outline that is driven; one of more is taken for a larger one of so many."""

_MOST_GIVEN = 256
# Corners that are nearer to each other, or to the line of their neighbours, count as one, or as none [m].
_SAME = 1e-9
_CORNERS = f"3 to {_MOST_GIVEN} corners [x, y] in metres around the centre of the robot, x ahead, in order"


def outline(where: str, corners: ArrayLike) -> tuple[Array, str]:
    """The polygon that corners stand for, and what is to be said of it.

    Corners may be given either way round. Doubled ones, and those on a line with their neighbours, are dropped. A
    polygon that is not convex is taken for its convex hull; more than ``MOST_CORNERS`` are simplified outwards, since
    the robot then has more room than it needs, and never less.

    Args:
        where: The place, for errors.
        corners: ``[n, 2]`` [m], in the frame of the body.

    Returns:
        ``float64[V, 2]`` with 3 ≤ V ≤ ``MOST_CORNERS``, and a note; empty if nothing was changed that matters.

    Raises:
        InputError: If it crosses itself, has no area, is not finite, or the robot's centre lies outside.
    """
    given = array(where, corners, (None, 2))
    if not 3 <= len(given) <= _MOST_GIVEN:
        raise InputError(where, f"{len(given)} corners", _CORNERS)
    given = given[np.hypot(*(given - np.roll(given, 1, axis=0)).T) > _SAME]
    _refuse_crossing(where, given)
    hull = _hull(given)
    if len(hull) < 3:
        raise InputError(where, given.tolist(), f"a polygon with an area: {_CORNERS}")
    outside = -float(distances_inside(hull, np.zeros((1, 2)))[0])
    if outside > _SAME:
        valid = f"a polygon that holds the centre of the robot, [0, 0] (it lies {outside:.3g} m outside)"
        raise InputError(where, given.tolist(), valid)
    notes = []
    dent = float(distances_inside(hull, given).max())
    if dent > _SAME:
        notes.append(f"is not convex, and is taken for its convex hull ({dent:.3g} m farther out)")
    if len(hull) > MOST_CORNERS:
        simple = _simplified(hull)
        size = f"{MOST_CORNERS} around them (radius {reach(simple):.3g} m instead of {reach(hull):.3g} m)"
        notes.append(f"has {len(hull)} corners, and is taken for {size}")
        hull = simple
    return hull, f"the footprint {' and '.join(notes)}" if notes else ""


def box(length: float, width: float) -> Array:
    """The outline of a box around the centre, ``float64[4, 2]`` [m]."""
    x, y = length / 2.0, width / 2.0
    return np.array([[-x, -y], [x, -y], [x, y], [-x, y]])


def reach(polygon: Array) -> float:
    """How far a polygon reaches from the robot's centre [m]: the radius of the disc around it."""
    return max(math.hypot(x, y) for x, y in polygon.tolist())


def distances_inside(polygon: Array, points: Array) -> Array:
    """How far inside of a polygon points ``[n, 2]`` lie, to the nearest line along a side, ``float64[n]`` [m]."""
    inward = -normals_of(polygon)
    result: Array = np.einsum("nsk,sk->ns", points[:, None] - polygon[None], inward).min(axis=1)
    return result


def normals_of(polygon: Array) -> Array:
    """The outward unit normal of each side, from each corner to the next one, ``float64[V, 2]``."""
    sides = np.roll(polygon, -1, axis=0) - polygon
    result: Array = np.column_stack([sides[:, 1], -sides[:, 0]]) / np.hypot(*sides.T)[:, None]
    return result


def _refuse_crossing(where: str, corners: Array) -> None:
    """Refuse a polygon of which two sides cross."""
    ends = np.roll(corners, -1, axis=0)
    spans = ends - corners

    def sides_of(points: Array) -> Array:
        """On which side of each line (rows) each point (columns) lies."""
        apart = points[None] - corners[:, None]
        return np.sign(spans[:, None, 0] * apart[..., 1] - spans[:, None, 1] * apart[..., 0])

    splits = sides_of(corners) * sides_of(ends) < 0.0
    for first, second in np.argwhere(splits & splits.T)[:1].tolist():
        found = f"side {first} from {corners[first].tolist()} crosses side {second} from {corners[second].tolist()}"
        raise InputError(where, found, f"a polygon that does not cross itself: {_CORNERS}")


def _hull(points: Array) -> Array:
    """The convex hull, counter-clockwise from the leftmost lowest corner (Andrew's monotone chain)."""
    ordered = sorted({(x, y) for x, y in (points + 0.0).tolist()})
    chains = []
    for chain in (ordered, ordered[::-1]):
        kept: list[tuple[float, float]] = []
        for point in chain:
            while len(kept) > 1 and _turn(kept[-2], kept[-1], point) <= _SAME:
                kept.pop()
            kept.append(point)
        chains.append(kept[:-1])
    return np.array(chains[0] + chains[1]).reshape(-1, 2)


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """How far ``b`` lies to the right of the way from ``a`` to ``c`` [m]: above 0, the way turns left there."""
    x, y = c[0] - a[0], c[1] - a[1]
    length = math.hypot(x, y)
    return 0.0 if length == 0.0 else ((b[0] - a[0]) * y - (b[1] - a[1]) * x) / length


def _simplified(polygon: Array) -> Array:
    """The smallest polygon around this one whose ``MOST_CORNERS`` sides have equal angles, one along a side of it."""
    sides = np.roll(polygon, -1, axis=0) - polygon
    found: list[tuple[float, Array]] = []
    for first in (np.arctan2(sides[:, 1], sides[:, 0]) - 0.5 * math.pi).tolist():
        angle = first + 2.0 * math.pi * np.arange(MOST_CORNERS) / MOST_CORNERS
        outward = np.column_stack([np.cos(angle), np.sin(angle)])
        supports = (outward @ polygon.T).max(axis=1)
        pairs = np.stack([outward, np.roll(outward, -1, axis=0)], axis=1)
        values = np.stack([supports, np.roll(supports, -1)], axis=1)
        corners = np.linalg.solve(pairs, values[..., None])[..., 0]
        x, y = corners.T
        found.append((0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))), corners))
    return _hull(min(found, key=lambda one: one[0])[1])
