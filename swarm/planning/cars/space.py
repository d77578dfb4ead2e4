"""Where a car may be, and how far its body is from what is around it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from swarm.array_types import Array
from swarm.filter.narrow import ROW_MARGIN_BRAKING
from swarm.model.body import BODY, CURVATURE, LOOK_AHEAD_RADII, REVERSE, TOP_SPEED
from swarm.model.geometry import COLUMNS
from swarm.model.shapes import end_circles, place_corners
from swarm.planning.headings.poses import hull_room
from swarm.scenario.obstacle_index import ObstacleIndex, room_around
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.world import World

# Arcs of ways are so much wider than the tightest one: what is left is for coming back to the way. (The filter's own
# arcs are 1.1 times as wide, and it takes what is within them for out of reach.)
_WIDER = 1.25
# What ways keep from obstacles besides the margin, in half widths: so much that the filter does not set the car back on
# its own and rows do not slow it down where it is beside its way by a little; where there is no such way, less.
_CORNERS, _LEAST, _ROOMY = 0.35, 0.04, 0.15
STEP, MOST_STEPS = 0.12, 4000
"""Part of the radius of an arc from one look at what is around to the next, and most of them on one way."""


class CarSpace(NamedTuple):
    """What is around a car; numba kernels take it as one argument.

    Attributes:
        footprint: Its outline, ``float64[V, 2]`` [m]; no rows: a disc.
        ahead: Of its place, in the middle of a disc that stands for it: where the filter's rows are [m].
        reach: Of its body from there [m].
        comfort: What ways keep from obstacles where there is room [m].
        needed: What they keep, from the most to the least: less only if there is no way else [m], ``float64[3]``.
        radius: Of the arcs of its ways [m].
        body: ``float64[BODY]``, of which speeds and curvature count.
        bounds: Of the world, within which its place stays [m], ``float64[4]``.
        obstacles: Those of the world, as far as ``comfort`` beyond the reach of the body.
        others: Further obstacles, rows as in ``ObstacleIndex.obstacles``, ``float64[m, 7]``.
    """

    footprint: Array
    ahead: float
    reach: float
    comfort: float
    needed: Array
    radius: float
    body: Array
    bounds: Array
    obstacles: ObstacleIndex
    others: Array


def space_of_car(world: World, spec: RobotSpec, margin: float) -> CarSpace:
    """What is around a car in a world; ``margin`` [m] is what it keeps from obstacles besides."""
    outline = np.empty((0, 2)) if spec.footprint is None else np.ascontiguousarray(spec.footprint)
    thin = spec.radius if spec.footprint is None else float(end_circles(outline)[4])
    ahead, more = (LOOK_AHEAD_RADII * thin, LOOK_AHEAD_RADII) if spec.footprint is None else (0.0, _CORNERS)
    least = margin + (ROW_MARGIN_BRAKING + _LEAST) * thin
    needed = np.array([least + (more + _ROOMY) * thin, least + more * thin, least])
    comfort = float(needed[0])
    body, limits = np.zeros(BODY), spec.limits
    body[TOP_SPEED], body[CURVATURE] = limits.speed, limits.curvature
    body[REVERSE] = min(limits.reverse_speed, limits.speed)
    return CarSpace(
        outline, ahead, spec.radius, comfort, needed, _WIDER / limits.curvature, body, world.bounds,
        world.index(spec.radius + 1.1 * comfort), np.empty((0, COLUMNS)),
    )  # fmt: skip


@njit(cache=True)
def body_gap(space: CarSpace, x: float, y: float, heading: float, corners: Array) -> float:
    """Distance [m] of the body, were it there, to the nearest obstacle, or of its place to the bounds.

    At most ``comfort``; below 0 where they meet. ``corners``: ``float64[V, 2]``, overwritten.
    """
    bounds, index = space.bounds, space.obstacles
    if not (bounds[0] <= x <= bounds[2] and bounds[1] <= y <= bounds[3]):
        return -1.0
    x, y = x + space.ahead * math.cos(heading), y + space.ahead * math.sin(heading)
    least = min(min(x - bounds[0], bounds[2] - x), min(y - bounds[1], bounds[3] - y))
    least = min(least, space.comfort)
    room = room_around(index, space.others, x, y, space.reach + 1.1 * space.comfort)  # not by rounding less than that
    if len(space.footprint) == 0 or room >= space.reach + least or room <= 0.0:
        return min(least, room - space.reach)
    count = place_corners(x, y, heading, space.footprint, corners)
    return hull_room(index, space.others, corners, count, x, y, space.reach, least)


@njit(cache=True)
def way_fits(
    space: CarSpace, needed: float, radius: float, pose: Array, direction: float, to_x: float, to_y: float, near: float,
    end: Array, corners: Array,
) -> float:  # fmt: skip
    """How long [m] the way to a point is, along an arc to its side and straight on; inf if it leads into something.

    Args:
        space: Around the car.
        needed: What the way keeps from obstacles [m].
        radius: Of the arc [m].
        pose: Where the car is: x, y [m], heading [rad].
        direction: 1 forward, -1 backwards.
        to_x: The point [m].
        to_y: See there.
        near: So near to it the way ends [m].
        end: ``float64[n, 4]``, written: x, y [m], heading [rad] and direction along the way, at most n of them; the
            rest NaN.
        corners: ``float64[V, 2]``, overwritten.
    """
    x, y, heading, step, length = pose[0], pose[1], pose[2], STEP * radius, 0.0
    end[:, 0] = math.nan
    for k in range(MOST_STEPS):
        dx, dy, hx, hy = to_x - x, to_y - y, math.cos(heading), math.sin(heading)
        left = math.hypot(dx, dy)
        if left <= near:
            return length
        error = math.atan2(dy * hx - dx * hy, direction * (dx * hx + dy * hy))
        go = min(step, left)
        turned = direction * min(max(error, -go / radius), go / radius)
        if abs(error) > 0.5 * math.pi and k * STEP > 1.5 * math.pi:
            return math.inf  # the point is within its arcs
        x += direction * go * math.cos(heading + 0.5 * turned)
        y += direction * go * math.sin(heading + 0.5 * turned)
        heading, length = heading + turned, length + go
        if body_gap(space, x, y, heading, corners) < needed:
            return math.inf
        if k < len(end):
            end[k, 0], end[k, 1], end[k, 2], end[k, 3] = x, y, heading, direction
    return math.inf
