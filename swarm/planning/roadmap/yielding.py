"""A robot that is where it wants to be makes way for one that wants through.

Without it, robots that have arrived can shut in one that has not: there is no way around them, and nothing that makes
them move. A robot at home steps out of the straight line from the other to the waypoint that this one tells, by as much
as the two need, and goes back when the other is past.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Array, Int64s
from swarm.sense.neighbours import N_INTENT_X, N_INTENT_Y, N_RADIUS, N_X, N_Y

# Nearer to its waypoint than so many of its radii, a robot wants no more; steps aside are so much longer than needed.
_ARRIVED, _MORE = 1.0, 1.1


@njit(cache=True)
def _asks(position: Array, radius: float, margin: float, goal: Array, other: Array) -> tuple[float, float, float]:
    """The gap to a robot that wants through [m], infinity if it does not, and the step aside that it takes [m]."""
    both = radius + other[N_RADIUS] + 2.0 * margin
    dx, dy = position[0] - other[N_X], position[1] - other[N_Y]
    to_x, to_y = other[N_INTENT_X] - other[N_X], other[N_INTENT_Y] - other[N_Y]
    left, home = math.hypot(to_x, to_y), math.hypot(goal[0] - position[0], goal[1] - position[1])
    gap = math.hypot(dx, dy) - both
    if left <= _ARRIVED * other[N_RADIUS] or home > _MORE * both:
        return np.inf, 0.0, 0.0
    along, across = (to_x * dx + to_y * dy) / left, (to_x * dy - to_y * dx) / left
    if along <= 0.0 or along >= left + both or abs(across) >= both:
        return np.inf, 0.0, 0.0
    step = math.copysign(_MORE * both, across) - across
    return gap, -step * to_y / left, step * to_x / left


@njit(cache=True)
def yield_aside(position: Array, radius: float, margin: float, goal: Array, others: Array, skip: int) -> Array:
    """Where a robot at its goal goes for the nearest robot that wants through.

    Args:
        position: World frame [m], float64[2].
        radius: Of the robot [m].
        margin: Extra distance that is kept [m].
        goal: World frame [m], float64[2].
        others: Robots around, columns as in ``swarm.sense.neighbours``, float64[m, 14].
        skip: Row of the robot itself; -1 if it is not among them.

    Returns:
        x, y [m] and in which distance it has to stop [m], float64[3]: at most its radius, since it counts as being at
        its goal; NaN if nobody wants through.
    """
    least, found = np.inf, np.full(3, np.nan)
    x0, y0, wide = position[0], position[1], 2.0 * (radius + margin)
    for j in range(len(others)):
        # Most are far: a team of a thousand looks at a million pairs.
        dx, dy, reach = x0 - others[j, N_X], y0 - others[j, N_Y], wide + others[j, N_RADIUS]
        if j == skip or dx * dx + dy * dy > reach * reach:
            continue
        gap, x, y = _asks(position, radius, margin, goal, others[j])
        if gap < least:
            least, found[0], found[1] = gap, position[0] + x, position[1] + y
            found[2] = min(math.hypot(x, y), radius)
    return found


@njit(cache=True)
def yield_all(who: Int64s, others: Array, goals: Array, margin: float, waypoints: Array, remaining: Array) -> None:
    """Change waypoints and ways left of those who make way.

    Args:
        who: Rows of those who may, int64[n].
        others: All robots, columns as in ``swarm.sense.neighbours``, float64[N, 22].
        goals: World frame [m], float64[N, 2].
        margin: Extra distance that is kept [m].
        waypoints: World frame [m], float64[N, 2], changed in place.
        remaining: Ways left [m], float64[N], changed in place.
    """
    for k in who:
        found = yield_aside(others[k, : N_Y + 1], others[k, N_RADIUS], margin, goals[k], others, k)
        if found[0] == found[0]:
            waypoints[k], remaining[k] = found[:2], found[2]
