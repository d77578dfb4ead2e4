"""A lidar on every robot: rays that end at hulls and walls."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from envs.bullet.bodies.body import HULL, WALL
from envs.bullet.engine import bullet
from swarm.array_types import Array

_RAYS_PER_CALL = 16_384  # the engine's own limit


def cast(
    client: int, states: Array, blind: Array, height: float, radius: float, rays: int, seen: Collection[int]
) -> list[Array]:
    """Points ``float64[m, 2]`` [m] where the rays of each robot meet something.

    Args:
        client: Of the engine.
        states: ``float64[n, 5]``, of the robots whose rays are cast.
        blind: ``float64[n]``, from their centres to where their rays begin [m].
        height: Of the rays above the ground [m].
        radius: Range [m], from the robots' centres.
        rays: Of each robot, evenly spread from its heading on, counterclockwise.
        seen: The engine's numbers of the bodies that count; others only hide what is behind them.
    """
    angle = states[:, 2, None] + np.arange(rays) * (2.0 * math.pi / max(rays, 1))
    start = np.empty((len(states), rays, 3))
    start[..., :2], start[..., 2] = states[:, None, :2], height
    end, ahead = start.copy(), np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    end[..., :2] += radius * ahead
    start[..., :2] += np.minimum(blind, radius)[:, None, None] * ahead
    begins, ends = start.reshape(-1, 3).tolist(), end.reshape(-1, 3).tolist()
    hits: list[Any] = []
    for at in range(0, len(begins), _RAYS_PER_CALL):
        batch = slice(at, at + _RAYS_PER_CALL)
        # A ray does not see the hull that it starts in.
        hits += bullet.rayTestBatch(begins[batch], ends[batch], collisionFilterMask=WALL | HULL, physicsClientId=client)
    met = np.array([hit[0] in seen for hit in hits], dtype=bool).reshape(len(states), rays)
    points = np.array([hit[3][:2] for hit in hits], dtype=float).reshape(len(states), rays, 2)
    return [points[row][met[row]] for row in range(len(states))]
