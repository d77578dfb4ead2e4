"""The ground of a physical world, and its walls."""

from __future__ import annotations

import math
from typing import Any

from envs.bullet.bodies.body import GROUND, HULL, RAY, WALL, WHEEL
from envs.bullet.engine import bullet
from swarm.array_types import Array

WALL_HEIGHT = 0.5
WALL_LINK = -1  # A wall is all base.


def add_ground(client: int) -> int:
    """Puts the ground into the engine; returns its body."""
    shape = bullet.createCollisionShape(bullet.GEOM_PLANE, physicsClientId=client)
    uid: int = bullet.createMultiBody(0.0, shape, physicsClientId=client)
    bullet.changeDynamics(uid, -1, lateralFriction=1.0, physicsClientId=client)
    bullet.setCollisionFilterGroupMask(uid, -1, GROUND, WHEEL, physicsClientId=client)
    return uid


def add_wall(client: int, obstacle: Array) -> int:
    """Puts an obstacle (``swarm.model.geometry``) into the engine; returns its body."""
    x, y, half_x, half_y, rounding, cosine, sine = map(float, obstacle)
    if rounding > 0.0:
        geometry: dict[str, Any] = {"radius": rounding, "height": WALL_HEIGHT}
        shape = bullet.createCollisionShape(bullet.GEOM_CYLINDER, **geometry, physicsClientId=client)
    else:
        geometry = {"halfExtents": (half_x, half_y, WALL_HEIGHT / 2)}
        shape = bullet.createCollisionShape(bullet.GEOM_BOX, **geometry, physicsClientId=client)
    uid: int = bullet.createMultiBody(
        0.0,
        shape,
        basePosition=(x, y, WALL_HEIGHT / 2),
        baseOrientation=quaternion(cosine, sine),
        useMaximalCoordinates=1,  # A plain rigid body: several times cheaper where there are many.
        physicsClientId=client,
    )
    bullet.setCollisionFilterGroupMask(uid, -1, WALL, HULL | RAY, physicsClientId=client)
    return uid


def quaternion(cosine: float, sine: float) -> tuple[float, float, float, float]:
    """Of a turn about the vertical axis by the angle of this cosine and sine."""
    half = 0.5 * math.atan2(sine, cosine)
    return 0.0, 0.0, math.sin(half), math.cos(half)
