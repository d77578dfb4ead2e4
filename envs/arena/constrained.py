"""A step of worlds whose robots have further rows in their quadratic programs: robot by robot, since rows are Python.

The kernels are those of ``envs.arena.kernels``; without a constraint nobody comes here.
"""

from __future__ import annotations

import numpy as np

from envs.arena.geometry_store import Geometry, geometry_of
from envs.arena.kernels import Counts, Robots, count_world, describe_world, move_world, robots_of, sense, tell_minds
from swarm.array_types import Array, Int64s
from swarm.filter import safety
from swarm.filter.further_rows import NO_ROWS, Constraint, further_rows, solve_with
from swarm.filter.nominal import nominal_control
from swarm.filter.tunables import decode
from swarm.model.body import YIELDS
from swarm.sense.neighbours import NEIGHBOUR, OBSTACLE, Around
from swarm.sense.view import View


def step_constrained(
    constraint: Constraint, robots: Robots, geometry: Geometry, slots: Int64s, action: Array, goal: Array, age: Int64s,
    period: Array, checks: int, counts: Counts,
) -> None:  # fmt: skip
    """As ``envs.arena.kernels.step_worlds``, filtered, with a constraint.

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
    for b in range(len(robots.kind)):
        here, walls = robots_of(robots, b), geometry_of(geometry, b)
        others = np.empty((len(here.kind), NEIGHBOUR))
        describe_world(here, others)
        for i in range(len(here.kind)):
            neighbours, things = np.empty((slots[0], NEIGHBOUR)), np.empty((slots[1], OBSTACLE))
            around = sense(i, here, others, walls, neighbours, things, np.empty((max(slots), 2)))
            near = neighbours[: around.num_neighbours]
            view = View(age[b] * period[b], here.state[i], goal[b, i], near, truncated=around.truncated)
            control = counts.control[b, i]
            counts.outcome[b, i] = _filter(constraint, i, here, view, around, action[b, i], control)
        clearance = counts.clearance[b]
        here.state[:] = move_world(here, counts.control[b], period[b], walls, checks, clearance)
        count_world(counts.outcome[b], clearance, counts.outcomes[b], counts.min_clearance[b], counts.collided[b])
        tell_minds(here, action[b])


def _filter(
    constraint: Constraint, i: int, here: Robots, view: View, around: Around, action: Array, control: Array
) -> int:
    """Rows, QP and shield of one robot; writes its control, returns the outcome."""
    kind, body, nominal, tunables = int(here.kind[i]), here.body[i], np.empty(2), decode(action)
    nominal_control(kind, here.state[i], body, here.waypoint[i], here.remaining[i], tunables, nominal)
    scratch = safety.scratch(len(around.neighbours) + len(around.obstacles))
    count = safety.constrain(kind, here.state[i], body, around, tunables, scratch)
    further = further_rows(constraint, view, kind, body) if body[YIELDS] > 0.0 else NO_ROWS
    status, _ = solve_with(*further, nominal, count, scratch, control)
    return int(safety.dispose(kind, here.state[i], body, around, status, control, scratch))
