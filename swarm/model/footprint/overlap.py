"""Whether outlines overlap: exact tests of convex shapes by separating axes, for what is checked once at load.

A shape is its corners, ``float64[n, 2]`` [m], counter-clockwise; one corner is a point, two are a segment. Of two
shapes that are compared at least one has three or more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from swarm.array_types import Array
from swarm.model.footprint.polygon import normals_of, reach

_ROUNDING = 1e-9  # [m]
_HEADINGS = 360
"""Headings that are tried where a robot may stand as it likes."""


def placed(polygon: Array, state: Array) -> Array:
    """A polygon in the frame of the body where that is in state (x, y, heading, ...), in the world's frame."""
    cos, sin = math.cos(state[2]), math.sin(state[2])
    result: Array = polygon @ np.array([[cos, sin], [-sin, cos]]) + state[:2]
    return result


class _Shaped(Protocol):
    """Whoever may have an outline."""

    @property
    def footprint(self) -> Array | None:
        """``float64[V, 2]``, or None."""
        ...


def outlines_at(robots: Sequence[_Shaped], states: Array) -> list[Array | None] | None:
    """The outlines of robots at their states ``[N, 5]``, world frame [m]; None if all are discs."""
    if all(robot.footprint is None for robot in robots):
        return None
    return [
        None if robot.footprint is None else placed(robot.footprint, state)
        for robot, state in zip(robots, states, strict=True)
    ]


def covered(polygon: Array | None, state: Array, span: tuple[float, float] = (0.0, 0.0)) -> Array:
    """The shape that a robot in a state covers on a straight way [m]; a disc (None) that of its centre."""
    return _swept(state[None, :2] if polygon is None else placed(polygon, state), np.array(span))


def _swept(shape: Array, span: Array) -> Array:
    """The shape that a polygon covers on a straight way ``float64[2]`` [m]; a point covers a segment."""
    if not span.any():
        return shape
    if len(shape) == 1:
        return np.concatenate([shape, shape + span])
    sides = np.roll(shape, -1, axis=0) - shape
    ahead = sides[:, 0] * span[1] - sides[:, 1] * span[0] < 0.0
    # Corners between two sides that face ahead move along; those between two kinds of sides stay and move along.
    corners: list[Array] = []
    for corner, before, after in zip(shape, np.roll(ahead, 1), ahead, strict=True):
        both = [corner, corner + span] if after else [corner + span, corner]
        corners += [corner + span if after else corner] if before == after else both
    return np.array(corners)


def of_obstacle(obstacle: Array) -> tuple[Array, float]:
    """The core of a row of ``World.obstacles``, and how far its surface lies outside of it [m]."""
    x, y, half_x, half_y, rounding, cosine, sine = obstacle.tolist()
    if half_x == half_y == 0.0:
        return np.array([[x, y]]), rounding
    signs = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    turned = signs * [half_x, half_y] @ np.array([[cosine, sine], [-sine, cosine]])
    return np.array([x, y]) + turned, rounding


def gap(one: Array, other: Array) -> float:
    """Distance of two shapes [m]; where they overlap, minus the shortest way that parts them."""
    apart = max(_apart(one, other), _apart(other, one))
    return apart if apart <= 0.0 else math.sqrt(min(_nearest(one, other), _nearest(other, one)))


def is_free(shape: Array, obstacles: Array, slack: float) -> bool:
    """Whether a shape overlaps no obstacle by more than ``slack`` [m]."""
    return all(gap(shape, core) - rounding >= -slack for core, rounding in map(of_obstacle, obstacles))


def may_fit(polygon: Array, place: Array, heading: float | None, obstacles: Array) -> bool:
    """Whether a polygon may fit at a place, at that heading [rad] or (None) at any; if not, it does not.

    Nor between the headings that are tried: within half a step of them no corner moves farther than the reach times
    that, and two convex shapes that overlap by more in every direction go on overlapping.
    """
    headings = [heading] if heading is not None else np.linspace(0.0, 2.0 * math.pi, _HEADINGS, endpoint=False).tolist()
    slack = _ROUNDING if heading is not None else math.pi / _HEADINGS * reach(polygon)
    return any(is_free(placed(polygon, np.array([*place, angle])), obstacles, slack) for angle in headings)


def _apart(one: Array, other: Array) -> float:
    """The largest distance of ``other`` from a line along a side of ``one`` [m]; below 0: it crosses all of them."""
    if len(one) < 2:
        return -math.inf
    beyond = np.einsum("nsk,sk->sn", other[:, None] - one[None], normals_of(one)).min(axis=1)
    # A segment has two sides: its own ends are on both lines.
    return float(beyond.max())


def _nearest(points: Array, shape: Array) -> float:
    """The smallest squared distance of points from the sides of a shape [m²]."""
    sides = np.roll(shape, -1, axis=0) - shape
    apart = points[:, None] - shape[None]
    length = np.maximum((sides**2).sum(axis=1), np.finfo(np.float64).tiny)
    share = np.clip((apart * sides[None]).sum(axis=2) / length, 0.0, 1.0)
    return float(((apart - share[..., None] * sides[None]) ** 2).sum(axis=2).min())
