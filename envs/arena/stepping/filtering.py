"""What the robots of one world do: nominal control, and the filter."""

from __future__ import annotations

import math

from envs.arena.stepping.desk import Desk
from envs.arena.stepping.geometry_store import Geometry
from envs.arena.stepping.robots import Robots, Sensed
from envs.arena.stepping.sensing import recall_around, search_around
from swarm.array_types import Array, Int64s
from swarm.filter.narrow import note_narrow
from swarm.filter.safety import filter_control, wanted_control
from swarm.filter.tunables import decode_one
from swarm.kernel_cache.references import inlined
from swarm.model.body import YIELDS
from swarm.sense.neighbours import Around


@inlined
def filter_robots(
    robots: Robots, geometry: Geometry, action: Array, filtered: bool, control: Array, outcome: Int64s,
    sensed: Sensed, noted: bool, shapes: Array, desk: Desk,
) -> None:  # fmt: skip
    """The first part of ``step_worlds``, for one world; ``sensed.rows``, ``shapes``: all robots as each takes them.

    If it is ``noted`` what they found, they need not search.
    """
    nominal, tunables, chosen = desk.nominal, desk.tunables, desk.chosen
    for i in range(len(robots.kind)):
        others, outlines = sensed.rows[min(i, len(sensed.rows) - 1)], shapes[min(i, len(shapes) - 1)]
        kind, state, body = robots.kind[i], robots.state[i], robots.body[i]
        decode_one(action[i], tunables)
        note = sensed.note[min(i, len(sensed.note) - 1)]
        if noted:
            around = recall_around(i, robots, others, outlines, geometry, desk, note)
        else:
            around = search_around(i, robots, others, outlines, geometry, desk, note)
        if not filtered or body[YIELDS] < 0.0:
            walls = around.num_obstacles if filtered else 0
            around = Around(
                around.neighbours, 0, around.obstacles, walls, geometry.bounds, False, robots.trail[i], False,
                robots.footprint[i], around.shapes,
            )  # fmt: skip
        note_narrow(kind, state, body, around, robots.waypoint[i], tunables)
        if math.isnan(robots.wanted[i, 0]):
            way = robots.waypoint[i], robots.remaining[i]
            wanted_control(kind, state, body, around, way[0], way[1], tunables, desk.scratch, nominal)
        else:
            nominal[0], nominal[1] = robots.wanted[i, 0], robots.wanted[i, 1]
        outcome[i], _ = filter_control(kind, state, body, around, nominal, tunables, desk.scratch, chosen)
        control[i, 0], control[i, 1] = chosen[0], chosen[1]
