"""A step of worlds whose robots have further rows in their quadratic programs: robot by robot, since rows are Python.

The kernels are those of an exact step (``envs.arena.stepping.step``); without a constraint nobody comes here.
"""

from __future__ import annotations

import math

from envs.arena.stepping.desk import desk_for
from envs.arena.stepping.geometry_store import Geometry, geometry_of
from envs.arena.stepping.motion import count_world, move_world
from envs.arena.stepping.robots import Counts, Robots, robots_of
from envs.arena.stepping.sensing import describe_world, search_around, shape_world, tell_minds
from swarm.array_types import Array, Int64s
from swarm.filter import safety
from swarm.filter.further_rows import NO_ROWS, Constraint, further_rows, solve_with
from swarm.filter.tunables import decode
from swarm.model.body import YIELDS
from swarm.sense.neighbours import Around
from swarm.sense.view import View


def step_constrained(
    constraint: Constraint, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, goal: Array, age: Int64s,
    period: Array, checks: int, counts: Counts,
) -> None:  # fmt: skip
    """As ``envs.arena.stepping.step.step_worlds``, filtered, with a constraint.

    Args:
        constraint: Of every robot that cooperates.
        robots: See there, as what follows.
        geometry: See there.
        slots: See there.
        action: See there.
        goal: ``float64[B, N, 2]`` [m], for the views.
        age: ``int64[B]``, periods since the beginning of the episodes.
        period: See there.
        checks: See there.
        counts: See there.
    """
    desk = desk_for(robots.kind.shape[1], slots, robots.footprint.shape[2])
    for b in range(len(robots.kind)):
        here, walls, clearance = robots_of(robots, b), geometry_of(geometry, b), counts.clearance[b]
        describe_world(here, desk.seen[0])
        shape_world(here, desk.shapes[0])
        for i in range(len(here.kind)):
            around = search_around(i, here, desk.seen[0], desk.shapes[0], walls, desk, desk.note[0])
            if here.body[i, YIELDS] < 0.0:  # it drives as if nobody else were there
                around = around._replace(num_neighbours=0, truncated=False)
            near = desk.neighbours[: around.num_neighbours].copy()  # the desk is written again
            view = View(age[b] * period[b], here.state[i], goal[b, i], near, truncated=around.truncated)
            control = counts.control[b, i]
            counts.outcome[b, i] = _filter(constraint, i, here, view, around, action[b, i], control)
        move_world(
            here, counts.control[b], period[b], walls, checks, clearance, desk.at, desk.corners,
            desk.nearest, counts.contacts[b], counts.touching[b],
        )  # fmt: skip
        count_world(counts.outcome[b], clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
        tell_minds(here, action[b])


def _filter(
    constraint: Constraint, i: int, here: Robots, view: View, around: Around, action: Array, control: Array
) -> int:
    """Rows, QP and shield of one robot; writes its control, returns the outcome."""
    kind, body, nominal, tunables = int(here.kind[i]), here.body[i], here.wanted[i].copy(), decode(action)
    scratch = safety.scratch(len(around.neighbours) + len(around.obstacles))
    if math.isnan(nominal[0]):
        way = here.waypoint[i], float(here.remaining[i])
        safety.wanted_control(kind, here.state[i], body, around, *way, tunables, scratch, nominal)
    count = safety.constrain(kind, here.state[i], body, around, tunables, scratch)
    count = safety.constrain_steering(body, around, float(nominal[0]), scratch, count)
    further = further_rows(constraint, view, kind, body) if body[YIELDS] > 0.0 else NO_ROWS
    status, _ = solve_with(*further, nominal, count, scratch, control)
    return int(safety.dispose(kind, here.state[i], body, around, status, control, scratch))
