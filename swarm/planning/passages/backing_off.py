"""How a robot leaves room to whom it waits for: it backs off within the slice that it holds.

Slices hold one robot each, but who waits at the end of one stands beside who is in the next, and can shut it in against
a corner: the filter lets neither move. Who waits for a robot that goes out of its way, and stands that near to it, goes
back within its own slice for a moment. It takes and gives back nothing, and tells the others the same as before.
"""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.planning.passages.pushers import Scene
from swarm.planning.passages.route import Route
from swarm.planning.pibt.priority_inheritance import id_of
from swarm.sense.neighbours import N_ID, N_RADIUS, N_X, N_Y

_NEAR = 1.3  # Who is nearer than so many sums of their radii leaves another no room.
_FOR = 3.0  # Seconds for which it goes back: the other turns round meanwhile, and goes.


class BackingOff:
    """When one robot backs off, and to where.

    Args:
        route: Its ways.
        margin: Extra distance that every robot keeps [m].
        dt: Control period [s].
    """

    def __init__(self, route: Route, margin: float, dt: float) -> None:
        self._route, self._margin, self._ticks = route, margin, round(_FOR / dt)
        self._until = -1
        self._place: Array | None = None

    def place(self, scene: Scene, tick: int) -> Array | None:
        """Where the robot goes back to, float64[2] [m]; None if it need not."""
        here = self._route.slices.at(float(scene.position[0]), float(scene.position[1]))
        if here == 0 or here not in scene.own.held:
            self._place = None
        elif tick >= self._until:
            row = self._shut_in(scene) if scene.waits else None
            self._place = None if row is None else self._route.back_from(scene.position, row[[N_X, N_Y]], here)
            self._until = tick if row is None else tick + self._ticks
        return self._place

    def _shut_in(self, scene: Scene) -> Array | None:
        """The row of a robot beside this one that holds what it wants next, and goes out of its way."""
        following, own = scene.following, scene.own.rank.inherited
        for row in scene.view.neighbours:
            other = scene.others.get(int(row[N_ID]))
            if other is None or following not in other.held or min(own, other.rank.inherited) < 0:
                continue
            both = scene.radius + float(row[N_RADIUS]) + 2.0 * self._margin
            near = math.dist(scene.position, row[[N_X, N_Y]]) < _NEAR * both
            if near and id_of(other.rank.inherited) == id_of(own):
                return row
        return None
