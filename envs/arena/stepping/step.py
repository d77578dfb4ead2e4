"""A step of worlds that are exact, one after the other or in parallel.

Waypoints and what is left of the way come from the planners of ``envs.arena.team_planner``.
"""

from __future__ import annotations

from numba import njit, prange

from envs.arena.stepping.desk import Desk, desk_for
from envs.arena.stepping.filtering import filter_robots
from envs.arena.stepping.geometry_store import Geometry, geometry_of
from envs.arena.stepping.motion import count_world, move_world
from envs.arena.stepping.robots import Counts, Robots, Sensed, nobody_moved, robots_of, sensed_of
from envs.arena.stepping.sensing import describe_world, shape_world, tell_minds
from swarm.array_types import Array, Int64s
from swarm.kernel_cache.references import inlined


@inlined
def _step_world(
    b: int, robots: Robots, geometry: Geometry, sensed: Sensed, action: Array, filtered: bool, period: Array,
    checks: int, counts: Counts, desk: Desk,
) -> None:  # fmt: skip
    """``step_worlds`` for world ``b``, on a desk."""
    here, walls, found = robots_of(robots, b), geometry_of(geometry, b), sensed_of(sensed, b)
    control, outcome, clearance = counts.control[b], counts.outcome[b], counts.clearance[b]
    noted = nobody_moved(here.state, found)
    if not noted:
        describe_world(here, found.rows[0])
    shape_world(here, desk.shapes[0])
    filter_robots(here, walls, action[b], filtered, control, outcome, found, noted, desk.shapes, desk)
    move_world(
        here, control, period[b], walls, checks, clearance, desk.at, desk.corners, desk.nearest,
        counts.contacts[b], counts.touching[b],
    )  # fmt: skip
    count_world(outcome, clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
    tell_minds(here, action[b])


@njit(cache=True)
def step_some(
    first: int, last: int, robots: Robots, geometry: Geometry, sensed: Sensed, slots: Int64s, action: Array,
    filtered: bool, period: Array, checks: int, counts: Counts,
) -> None:  # fmt: skip
    """``step_worlds`` for the worlds from ``first`` to before ``last``, one after the other."""
    desk = desk_for(robots.kind.shape[1], slots, robots.footprint.shape[2])
    for b in range(first, last):
        _step_world(b, robots, geometry, sensed, action, filtered, period, checks, counts, desk)


@njit(cache=True, parallel=True)
def step_worlds(
    parts: int, robots: Robots, geometry: Geometry, sensed: Sensed, slots: Int64s, action: Array, filtered: bool,
    period: Array, checks: int, counts: Counts,
) -> None:  # fmt: skip
    """One period of B worlds of N robots: sense, nominal control, filter, exact motion.

    Args:
        parts: Into so many parts the worlds are divided, one for a thread.
        robots: State, told waypoints and last action are replaced.
        geometry: What stands still.
        sensed: What ``observe_worlds`` found; where robots have moved since, it is found again, and written.
        slots: Most robots and most obstacles in a neighbourhood.
        action: ``float64[B, N, 6]``, clipped to [0, 1] when it is decoded.
        filtered: False lets the nominal control through.
        period: ``float64[B]`` [s].
        checks: Instants in the period at which gaps are measured.
        counts: What happened.
    """
    # Only calls in the loops: numba drops what a parallel function itself writes to an array in a tuple.
    count = len(robots.kind)
    for k in prange(parts):
        first, last = count * k // parts, count * (k + 1) // parts
        step_some(first, last, robots, geometry, sensed, slots, action, filtered, period, checks, counts)
