"""Which robots touch each other or walls, as the engine sees it, and how wheels stand on the ground.

Wheels that are spheres stand there in one point each, whether they roll or not. The engine keeps points of contact
where they are on a wheel until they have moved by a share of its size. Of a wheel that rolls it keeps two or three,
each turned a little further from the ground, and solves for all of them in every physics step: that took a third of
its time, and led robots astray. It takes a new point in the place of an old one if they are within that same share.
So tyres meet the ground while the share is large. It is one for all worlds of a process, and a pair keeps that with
which it has met: whatever else touches each other meets later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from envs.bullet.bodies.body import Body
from envs.bullet.engine import bullet
from envs.bullet.ground import WALL_LINK
from swarm.array_types import Int64s

_USUAL, _WHOLE = 0.02, 1.0  # The engine's own share, and one within which all of a wheel is.

Pair = tuple[int, int]
"""A robot, and a robot of higher number or ``-1 - obstacle``."""


class Contacts:
    """The contacts of hulls and walls in one world.

    Args:
        client: Of the engine.
        bodies: Of the robots.
        walls: The engine's numbers of the obstacles, in their order.

    Attributes:
        robots: The engine's numbers of the robots.
        walls: Those of the obstacles.
    """

    def __init__(self, client: int, bodies: Sequence[Body], walls: Sequence[int]) -> None:
        self._client = client
        self._wall_of = {uid: -1 - index for index, uid in enumerate(walls)}
        self._robot_of = {body.uid: index for index, body in enumerate(bodies)}
        self.robots, self.walls = self._robot_of.keys(), self._wall_of.keys()
        self._hulls_and_walls = sorted({WALL_LINK, *(link for body in bodies for link in body.hull_links)})

    def within(self, distance: float) -> set[Pair]:
        """Pairs that are at most ``distance`` [m] apart, or pressing."""
        pairs = set()
        for point in self._points():
            first, second = point[1], point[2]
            # The engine also lists pairs that are near but do not touch.
            if point[8] <= distance or (distance == 0.0 and point[9] > 0.0):
                one, other = (self._robot_of.get(uid, self._wall_of.get(uid)) for uid in (first, second))
                if one is not None and other is not None:
                    pairs.add((one, other) if 0 <= one < other or other < 0 else (other, one))
        return pairs

    def _points(self) -> Iterator[Any]:
        """Contact points of hulls and walls as the engine lists them; of wheels only where a hull has their number.

        Every wheel stands on the ground, in every physics step: to have all points listed takes longer than the rest
        of what Python does in it.
        """
        for first, second in product(self._hulls_and_walls, repeat=2):
            yield from bullet.getContactPoints(linkIndexA=first, linkIndexB=second, physicsClientId=self._client)


def as_rows(pairs: Iterable[Pair]) -> Int64s:
    """Pairs as a sorted array ``int64[k, 2]``."""
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def set_down(client: int, bodies: Sequence[Body]) -> None:
    """Let bodies that have just been loaded touch the ground, and then everything else."""
    bullet.setPhysicsEngineParameter(contactBreakingThreshold=_WHOLE, physicsClientId=client)
    try:
        bullet.performCollisionDetection(physicsClientId=client)
    finally:
        bullet.setPhysicsEngineParameter(contactBreakingThreshold=_USUAL, physicsClientId=client)
    for body in bodies:
        body.meet_all()
