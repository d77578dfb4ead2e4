"""Wheels that are spheres stand on the ground in one point each, whether they roll or not.

The engine keeps points of contact where they are on a wheel until they have moved by a share of its size. Of a wheel
that rolls it keeps two or three, each turned a little further from the ground, and solves for all of them in every
physics step: that took a third of its time, and led robots astray. It takes a new point in the place of an old one if
they are within that same share. So tyres meet the ground while the share is large. It is one for all worlds of a
process, and a pair keeps that with which it has met: whatever else touches each other meets later.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.bullet.bodies import Body
from envs.bullet.engine import bullet

_USUAL, _WHOLE = 0.02, 1.0  # The engine's own share, and one within which all of a wheel is.


def set_down(client: int, bodies: Sequence[Body]) -> None:
    """Let bodies that have just been loaded touch the ground, and then everything else."""
    bullet.setPhysicsEngineParameter(contactBreakingThreshold=_WHOLE, physicsClientId=client)
    try:
        bullet.performCollisionDetection(physicsClientId=client)
    finally:
        bullet.setPhysicsEngineParameter(contactBreakingThreshold=_USUAL, physicsClientId=client)
    for body in bodies:
        body.meet_all()
